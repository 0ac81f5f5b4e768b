//! What the run knows while it goes on: whether messages flow, how late they are, and who still waits for what.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use parking_lot::Mutex;

use crate::clock;

/// How far back deliveries are remembered.
const MEMORY: Duration = Duration::from_secs(15);

/// Shared by all clients of a run.
#[derive(Debug, Default)]
pub struct Stats {
    /// When a text was written, and how long it took to one reader.
    deliveries: Mutex<VecDeque<(u64, u64)>>,
    /// Answers to sends.
    pub acks: AtomicUsize,
    /// Sends that left, attempts included.
    pub sends: AtomicUsize,
    /// Messages that are written and not stored yet.
    pub waiting: AtomicUsize,
    /// Clients that are welcome somewhere.
    pub connected: AtomicUsize,
    /// Markers that were put on a screen.
    pub markers: AtomicUsize,
}

impl Stats {
    /// A text reached a reader.
    pub fn delivered(&self, written: u64) {
        let now = clock::now();
        let mut deliveries = self.deliveries.lock();
        deliveries.push_back((written, now.saturating_sub(written)));
        let old = now.saturating_sub(clock::nanoseconds(MEMORY));
        while deliveries
            .front()
            .is_some_and(|(written, _)| *written < old)
        {
            deliveries.pop_front();
        }
    }

    /// How long the texts took that were written between the two, sorted.
    pub fn written_between(&self, from: u64, to: u64) -> Vec<u64> {
        let deliveries = self.deliveries.lock();
        let mut delays: Vec<u64> = deliveries
            .iter()
            .filter(|(written, _)| (from..to).contains(written))
            .map(|(_, delay)| *delay)
            .collect();
        delays.sort_unstable();
        delays
    }

    /// One more, or one less.
    pub fn count(&self, counter: impl Fn(&Self) -> &AtomicUsize, more: bool) {
        if more {
            counter(self).fetch_add(1, Relaxed);
        } else {
            counter(self).fetch_sub(1, Relaxed);
        }
    }
}

/// The value below which so many of 1,000 stand; `sorted` must be.
pub fn permille(sorted: &[u64], share: usize) -> u64 {
    let last = sorted.len().saturating_sub(1);
    sorted
        .get((sorted.len() * share / 1_000).min(last))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::permille;

    #[test]
    fn a_share_is_read_from_sorted_values() {
        let values: Vec<u64> = (1..=100).collect();
        assert_eq!((permille(&values, 500), permille(&values, 990)), (51, 100));
        assert_eq!(permille(&[], 990), 0);
    }
}
