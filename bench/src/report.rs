//! What a run found: the verdict, a summary for the terminal, and a page with a picture for people ([`page`]).

use crate::{
    clock::{milliseconds, seconds},
    evidence::Evidence,
    history::Event,
    say,
    stats::permille,
    verify::{Anomaly, Check, Counts},
};

pub mod page;
mod timeline;

/// A fault as it was.
#[derive(Debug, Clone)]
pub struct Band {
    /// Its name.
    pub name: String,
    /// When it began.
    pub from: u64,
    /// When it was mended.
    pub to: u64,
    /// When everything was as before.
    pub recovered: Option<u64>,
    /// Whether it was really done.
    pub applied: bool,
}

/// The result of a run.
#[derive(Debug)]
pub struct Report {
    /// All that was random follows from it.
    pub seed: u64,
    /// What must not be.
    pub anomalies: Vec<Anomaly>,
    /// What was counted.
    pub counts: Counts,
    /// The faults.
    pub bands: Vec<Band>,
    /// How many there should have been.
    pub planned: usize,
    /// How many there were.
    pub applied: usize,
    /// How many acknowledgements make the run count.
    pub least_acks: usize,
    /// What all of it was read from.
    pub evidence: Evidence,
}

/// Delays of a run, sorted.
#[derive(Debug, Default)]
pub struct Delays {
    /// From the first attempt to the acknowledgement.
    pub acks: Vec<u64>,
    /// From the writing to a reader.
    pub deliveries: Vec<u64>,
}

impl Report {
    /// Why the run proves nothing, whatever it found.
    pub fn shortfalls(&self) -> Vec<String> {
        let mut shortfalls = Vec::new();
        if self.applied * 10 < self.planned * 9 {
            shortfalls.push(format!(
                "only {} of {} faults were done",
                self.applied, self.planned
            ));
        }
        if self.counts.acked < self.least_acks {
            shortfalls.push(format!(
                "only {} acknowledgements of {}",
                self.counts.acked, self.least_acks
            ));
        }
        shortfalls
    }

    /// Whether everything that was promised held, and was put to the test.
    pub fn passed(&self) -> bool {
        self.anomalies.is_empty() && self.shortfalls().is_empty()
    }

    /// The anomalies that a check found.
    pub fn of(&self, check: Check) -> impl Iterator<Item = &Anomaly> {
        self.anomalies
            .iter()
            .filter(move |anomaly| anomaly.check == check)
    }

    /// How late acknowledgements and deliveries were.
    pub fn delays(&self) -> Delays {
        let mut delays = Delays::default();
        for events in &self.evidence.clients {
            let mut sent = std::collections::HashMap::new();
            for event in events {
                match event {
                    Event::Send { t, cid, .. } => {
                        sent.entry(*cid).or_insert(*t);
                    }
                    Event::Ack { t, cid, .. } => {
                        delays.acks.extend(sent.remove(cid).map(|sent| t - sent));
                    }
                    Event::Recv { t, item } if item.shown => {
                        delays
                            .deliveries
                            .extend(item.said.map(|said| t.saturating_sub(said.at)));
                    }
                    _ => {}
                }
            }
        }
        delays.acks.sort_unstable();
        delays.deliveries.sort_unstable();
        delays
    }

    /// Says it in a terminal.
    pub fn summary(&self) {
        let Counts {
            written,
            attempts,
            acked,
            nacks,
            shown,
            voids,
            connections,
            resets,
            probes,
            ..
        } = self.counts;
        say(format_args!(
            "{} of {} rounds of faults done",
            self.applied, self.planned
        ));
        let delays = self.delays();
        let both = |delays: &[u64]| {
            let at = |share| milliseconds(permille(delays, share));
            format!(
                "p50 {:.1} ms, p99 {:.1} ms, max {:.1} s",
                at(500),
                at(990),
                seconds(delays.last().copied().unwrap_or_default())
            )
        };
        say(format_args!(
            "{acked} acknowledged of {written} written in {attempts} attempts, {nacks} refused for now; {voids} repeats in the log"
        ));
        say(format_args!(
            "{shown} messages on screens, {connections} connections, {resets} resets, {probes} questions to other servers"
        ));
        say(format_args!(
            "ack: {}; delivery: {} (faults included)",
            both(&delays.acks),
            both(&delays.deliveries)
        ));
        for check in Check::ALL {
            let found: Vec<_> = self.of(check).collect();
            let verdict = if found.is_empty() {
                "ok".to_owned()
            } else {
                format!("{} ANOMALIES", found.len())
            };
            say(format_args!("{check:?}\t{verdict}\t{}", check.rule()));
            for anomaly in found.iter().take(5) {
                say(format_args!("\t{}: {}", anomaly.name, anomaly.what));
            }
        }
        for shortfall in self.shortfalls() {
            say(format_args!("counts for nothing: {shortfall}"));
        }
        say(if self.passed() { "PASSED" } else { "FAILED" });
    }
}
