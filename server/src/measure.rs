//! What is measured, as Prometheus reads it: the names of all figures, and the only place that knows the metrics crates.
//!
//! Counting costs an atomic addition where somebody asks for the figures, and nothing otherwise. Labels come from closed
//! sets: never a room, a user or an address.

use std::{sync::OnceLock, time::Duration};

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use sphere_protocol::Code;

use crate::{health::Health, log::Partition};

/// Bounds of the times, in seconds: from a log on this machine to the time after which a send is refused.
const SECONDS: [f64; 14] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0,
];

/// One for the process, however many servers run in it.
static FIGURES: OnceLock<PrometheusHandle> = OnceLock::new();

/// A part of the system that may be away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Where messages become true.
    Log,
    /// Hints between servers.
    Bus,
    /// Everything said.
    Store,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Bus => "bus",
            Self::Store => "store",
        }
    }
}

/// Begins to count.
///
/// # Errors
/// When the process counts for somebody else already.
pub fn start() -> Result<(), BuildError> {
    if FIGURES.get().is_some() {
        return Ok(());
    }
    let recorder = PrometheusBuilder::new()
        .set_buckets(&SECONDS)?
        .build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_ok() {
        let _ = FIGURES.set(handle);
        describe();
        begin_at_zero();
    }
    Ok(())
}

fn describe() {
    let counts = [
        (
            "sphere_messages_appended_total",
            "Messages that the log has accepted from this server.",
        ),
        ("sphere_nacks_total", "Sends that were refused, by code."),
        (
            "sphere_hints_lost_total",
            "Hints that were not sent or not heard; the log brings the messages.",
        ),
        (
            "sphere_dead_letters_total",
            "Records that were put aside because they cannot be read.",
        ),
        ("sphere_outages_total", "Times that a part went away."),
        (
            "sphere_queue_drops_total",
            "Live frames that were dropped for readers that do not keep up.",
        ),
        (
            "sphere_slow_readers_total",
            "Sockets that were closed because nobody read.",
        ),
        (
            "sphere_stored_records_total",
            "Records that this consumer has stored.",
        ),
        ("sphere_stored_batches_total", "Transactions that it took."),
    ];
    for (name, text) in counts {
        describe_counter!(name, text);
    }
    let gauges = [
        ("sphere_connections", "Open sockets of this server."),
        ("sphere_ready", "1 when the server wants readers."),
        ("sphere_part_up", "1 when the part answers."),
        (
            "sphere_feed_lag",
            "Records of the log that this server has not told its readers.",
        ),
        (
            "sphere_consumer_lag",
            "Records of the log that are not stored.",
        ),
    ];
    for (name, text) in gauges {
        describe_gauge!(name, text);
    }
    describe_histogram!(
        "sphere_ack_seconds",
        Unit::Seconds,
        "From a send's arrival to its acknowledgement."
    );
}

/// What has not happened yet is there, too: an alarm on a rise needs a first value.
fn begin_at_zero() {
    for name in [
        "sphere_messages_appended_total",
        "sphere_hints_lost_total",
        "sphere_dead_letters_total",
        "sphere_queue_drops_total",
        "sphere_slow_readers_total",
        "sphere_stored_records_total",
        "sphere_stored_batches_total",
    ] {
        counter!(name).absolute(0);
    }
    for part in [Part::Log, Part::Bus, Part::Store] {
        counter!("sphere_outages_total", "part" => part.name()).absolute(0);
    }
}

/// All figures as text, with what was just seen of the parts; empty when nobody counts.
pub fn figures(health: &Health) -> String {
    let Some(handle) = FIGURES.get() else {
        return String::new();
    };
    gauge!("sphere_connections").set(health.sockets as f64);
    gauge!("sphere_ready").set(f64::from(health.ready));
    for (part, up) in [
        (Part::Log, health.log),
        (Part::Bus, health.bus),
        (Part::Store, health.store),
    ] {
        gauge!("sphere_part_up", "part" => part.name()).set(f64::from(up));
    }
    for partition in &health.partitions {
        if let (Some(end), Some(feed)) = (partition.end, partition.feed) {
            lag("sphere_feed_lag", partition.partition, end - feed);
        }
        if let (Some(end), Some(stored)) = (partition.end, partition.stored) {
            lag("sphere_consumer_lag", partition.partition, end - stored);
        }
    }
    handle.run_upkeep();
    handle.render()
}

fn lag(name: &'static str, partition: Partition, lag: i64) {
    gauge!(name, "partition" => partition.to_string()).set(lag.max(0) as f64);
}

/// Keeps the times of acknowledgements from gathering when nobody asks.
pub fn upkeep() {
    if let Some(handle) = FIGURES.get() {
        handle.run_upkeep();
    }
}

/// The log has accepted a message.
pub fn appended() {
    counter!("sphere_messages_appended_total").increment(1);
}

/// A send was acknowledged.
pub fn acked(after: Duration) {
    histogram!("sphere_ack_seconds").record(after.as_secs_f64());
}

/// A send was refused.
pub fn nacked(code: Code) {
    // As on the wire. Serialising a plain code cannot fail.
    let code = serde_json::to_value(code).unwrap_or_default();
    let name = code.as_str().unwrap_or_default().to_owned();
    counter!("sphere_nacks_total", "code" => name).increment(1);
}

/// Hints were lost.
pub fn hints_lost(count: u64) {
    counter!("sphere_hints_lost_total").increment(count);
}

/// Records were put aside.
pub fn dead_letters(count: usize) {
    counter!("sphere_dead_letters_total").increment(count as u64);
}

/// A batch was stored.
pub fn stored(records: usize) {
    counter!("sphere_stored_records_total").increment(records as u64);
    counter!("sphere_stored_batches_total").increment(1);
}

/// A part went away.
pub fn outage(part: Part) {
    counter!("sphere_outages_total", "part" => part.name()).increment(1);
}

/// Live frames were dropped for a reader that does not keep up.
pub fn queue_drops(count: usize) {
    counter!("sphere_queue_drops_total").increment(count as u64);
}

/// A socket is closed because nobody reads.
pub fn slow_reader() {
    counter!("sphere_slow_readers_total").increment(1);
}
