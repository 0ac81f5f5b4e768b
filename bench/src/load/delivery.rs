//! How late messages are, calm and while parts are away, and how soon everything is as before.

use std::{path::Path, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    RATE,
    figures::Figures,
    hops::{Window, failed, hops},
    shape,
};
use crate::{
    Failure,
    check::{FULL, LEAST_ACKS, Plan, Run, Size, right},
    client::Manner,
    clock::{self, milliseconds, nanoseconds, seconds},
    cluster::{Ground, PARTITIONS, Places},
    faults::Fault,
    parts::{eventually, postgres::STORED},
    report::page::page,
    stats::permille,
};

/// The columns of a stretch.
pub(super) const COLUMNS: &str = "acks\tsend to ack p50\tp99\tack to reader p50\tp99\tsend to reader p50\tp99\tmax\tto the last reader p99 (ms)";

/// One run; true when nothing was lost on the way.
pub(super) async fn delivery(
    ground: &mut Ground,
    places: &Places,
    span: Duration,
    out: &Path,
    figures: &mut Figures,
) -> Result<bool, Failure> {
    let size = Size { joins: 1, ..FULL };
    let plan = Plan {
        seed: 1,
        rounds: Vec::new(),
        size,
        manner: Manner {
            probes: 0,
            ..right(size.clients, RATE)
        },
        warm_up: Duration::from_secs(3),
        end: Duration::from_secs(30),
        least_acks: LEAST_ACKS,
    };
    let warm_up = plan.warm_up;
    let (steal, began) = (stolen(), Instant::now());
    let mut run = Run::start(ground, shape(places, "load", size), plan, None).await?;
    sleep(warm_up).await;
    let from = clock::now();
    sleep(span).await;
    let mut windows = vec![Window {
        name: "calm",
        from,
        to: clock::now(),
    }];
    for (name, fault) in [
        ("Redis away", Fault::RedisKilled),
        ("broker hung 10 s", Fault::KafkaStopped),
        ("broker killed", Fault::KafkaKilled),
        ("rolling restart", Fault::RollingRestart),
    ] {
        let from = clock::now();
        run.round(&[fault]).await?;
        let to = match fault {
            // Without the time in which it is there again.
            Fault::RedisKilled => from + nanoseconds(fault.lasts()),
            _ => clock::now(),
        };
        windows.push(Window { name, from, to });
    }
    let takeover = takeover(&mut run).await?;
    let report = run.end().await?;
    for window in &windows {
        let hops = hops(&report.evidence, window);
        let at = |delays: &[u64], share| milliseconds(permille(delays, share));
        figures.add(
            window.name,
            [
                hops.ack.len() as f64,
                at(&hops.ack, 500),
                at(&hops.ack, 990),
                at(&hops.after_ack, 500),
                at(&hops.after_ack, 990),
                at(&hops.reader, 500),
                at(&hops.reader, 990),
                at(&hops.reader, 1_000),
                at(&hops.last_reader, 990),
            ],
        );
    }
    for band in &report.bands {
        let back = band
            .recovered
            .map_or(f64::INFINITY, |at| seconds(at - band.to));
        figures.add(format!("{}: p99 below 300 ms after, s", band.name), [back]);
    }
    figures.add("consumer takeover, s", [takeover.as_secs_f64()]);
    if let Some(rolling) = windows.last() {
        let failed = failed(&report.evidence, rolling);
        figures.add("rolling restart, failed sends", [failed as f64]);
    }
    let ticks = (stolen() - steal) as f64;
    let share = ticks / TICKS / began.elapsed().as_secs_f64() / processors();
    figures.add("steal, % of the processors' time", [100.0 * share]);
    report.summary();
    std::fs::create_dir_all(out)?;
    std::fs::write(out.join("load.html"), page(&report))?;
    Ok(report.passed())
}

/// How long it takes until everything is stored again after a consumer died.
async fn takeover(run: &mut Run<'_>) -> Result<Duration, Failure> {
    let topic = run.cluster.shape.name.clone();
    run.cluster.consumers[0].kill().await?;
    let died = Instant::now();
    // What is written after the death is stored by somebody else.
    sleep(Duration::from_millis(500)).await;
    let ends = run.ground.kafka.ends(&topic, PARTITIONS).await?;
    let database = run.cluster.database.clone();
    eventually("another consumer stores", STORED, async || {
        let offsets = database.offsets().await.unwrap_or_default();
        offsets.len() == ends.len()
            && offsets
                .iter()
                .zip(&ends)
                .all(|((_, next), end)| next >= end)
    })
    .await?;
    let took = died.elapsed();
    run.cluster.consumers[0].start().await?;
    run.cluster.consumers[0].ready().await?;
    Ok(took)
}

/// Clock ticks of a second in `/proc/stat`.
const TICKS: f64 = 100.0;

/// Clock ticks that somebody else had the processors.
fn stolen() -> u64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let mut fields = stat.lines().next().unwrap_or_default().split_whitespace();
    fields
        .nth(8)
        .and_then(|steal| steal.parse().ok())
        .unwrap_or_default()
}

fn processors() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |count| count.get() as f64)
}
