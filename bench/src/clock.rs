//! One monotonic clock for the whole run: every history, every fault and every picture counts from its start.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

static START: OnceLock<Instant> = OnceLock::new();

/// Nanoseconds since this was first asked.
pub fn now() -> u64 {
    nanoseconds(START.get_or_init(Instant::now).elapsed())
}

/// A span as the histories count it.
pub fn nanoseconds(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// For people.
pub fn seconds(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64()
}

/// For people.
pub fn milliseconds(nanoseconds: u64) -> f64 {
    seconds(nanoseconds) * 1_000.0
}
