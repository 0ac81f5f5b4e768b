//! How late messages were in a stretch of a run, hop by hop: to the author's acknowledgement, and to every reader.

use std::collections::HashMap;

use crate::{evidence::Evidence, history::Event};

/// A stretch of the run.
pub(super) struct Window {
    pub(super) name: &'static str,
    pub(super) from: u64,
    pub(super) to: u64,
}

/// How late the messages of a stretch were, sorted, hop by hop.
#[derive(Default)]
pub(super) struct Hops {
    pub(super) ack: Vec<u64>,
    pub(super) after_ack: Vec<u64>,
    pub(super) reader: Vec<u64>,
    pub(super) last_reader: Vec<u64>,
}

/// The messages that were written in a stretch.
pub(super) fn hops(evidence: &Evidence, window: &Window) -> Hops {
    let within = |t: u64| (window.from..window.to).contains(&t);
    let mut hops = Hops::default();
    let mut acked: HashMap<(usize, usize, u32), u64> = HashMap::new();
    for (client, events) in evidence.clients.iter().enumerate() {
        let mut sent = HashMap::new();
        for event in events {
            match event {
                Event::Send {
                    t, cid, room, n, ..
                } => {
                    sent.entry(*cid).or_insert((*t, *room, *n));
                }
                Event::Ack { t, cid, .. } => {
                    if let Some((at, room, n)) = sent.remove(cid)
                        && within(at)
                    {
                        hops.ack.push(t - at);
                        acked.insert((client, room, n), *t);
                    }
                }
                _ => {}
            }
        }
    }
    let mut last: HashMap<(usize, usize, u32), u64> = HashMap::new();
    for event in evidence.clients.iter().flatten() {
        if let Event::Recv { t, item } = event
            && item.shown
            && let Some(said) = item.said.filter(|said| within(said.at))
        {
            let key = (said.client, said.room, said.n);
            let delay = t.saturating_sub(said.at);
            hops.reader.push(delay);
            let latest = last.entry(key).or_default();
            *latest = (*latest).max(delay);
            // A reader may hear before the author does.
            hops.after_ack
                .extend(acked.get(&key).map(|acked| t.saturating_sub(*acked)));
        }
    }
    hops.last_reader = last.into_values().collect();
    for delays in [
        &mut hops.ack,
        &mut hops.after_ack,
        &mut hops.reader,
        &mut hops.last_reader,
    ] {
        delays.sort_unstable();
    }
    hops
}

/// Sends that a user would see as failed: refused for good. That everything else was stored, C1 and C10 say.
pub(super) fn failed(evidence: &Evidence, window: &Window) -> usize {
    let refused = |event: &&Event| matches!(event, Event::Nack { t, retry: false, .. } if (window.from..window.to).contains(t));
    evidence.clients.iter().flatten().filter(refused).count()
}
