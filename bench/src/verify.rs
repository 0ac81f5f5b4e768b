//! The checks: plain rules over the evidence, each with the names of what it can find. No input, no output, no time.
//!
//! C1 loss, C2 doubles, C3 order, C4 each author's own order, C5 agreement, C6 ghosts, C7 read your writes, C8 every send
//! ends, C9 real time. C10, recovery, is measured while the run goes on and added by [`crate::check`].

use std::collections::{BTreeMap, HashMap, HashSet};

use sphere_protocol::{Cid, MessageId, Seq};

use crate::{
    evidence::{Evidence, Row},
    history::Event,
};

mod lists;
mod records;
#[cfg(test)]
mod tests;
mod time;

/// Every send must be answered in this time.
const ANSWER: u64 = 15_000_000_000;

/// A check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// What was acknowledged is there.
    C1,
    /// Nothing is there twice.
    C2,
    /// Every list is the store's list.
    C3,
    /// An author's messages stand in the order in which they were written.
    C4,
    /// One place, one record, for everybody.
    C5,
    /// What was seen was sent, and is stored.
    C6,
    /// Whoever wrote something can read it.
    C7,
    /// Every send ends.
    C8,
    /// What was acknowledged before something was sent stands before it.
    C9,
    /// After every fault everything is soon as before.
    C10,
}

impl Check {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::C1,
        Self::C2,
        Self::C3,
        Self::C4,
        Self::C5,
        Self::C6,
        Self::C7,
        Self::C8,
        Self::C9,
        Self::C10,
    ];

    /// What it holds, for people.
    pub fn rule(self) -> &'static str {
        match self {
            Self::C1 => {
                "everything acknowledged is in the log, in the store and in every server's final view"
            }
            Self::C2 => "no message stands twice, in the store or on any screen",
            Self::C3 => {
                "every screen shows the store's list: no inversion, no gap but those that the server announced"
            }
            Self::C4 => "each author's messages stand in the order in which they were written",
            Self::C5 => {
                "one place holds one record for all clients, servers, store and log; an ack names that place"
            }
            Self::C6 => "everything seen was sent, and is in the store",
            Self::C7 => "whoever got an acknowledgement finds the message, on every server",
            Self::C8 => {
                "every send is answered within 15 s or its connection ends; nothing valid is refused for good"
            }
            Self::C9 => "what was acknowledged before something was sent stands before it",
            Self::C10 => {
                "p99 is below 300 ms within 10 s of every healing; no dead letters; memory and sockets bounded"
            }
        }
    }
}

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anomaly {
    /// The check that found it.
    pub check: Check,
    /// Its name: lost, doubled, inverted, skipped, reordered, inconsistent, ghost, stale, hung, refused, slow …
    pub name: &'static str,
    /// Which one.
    pub what: String,
}

/// What was counted on the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages that were written.
    pub written: usize,
    /// Attempts to send them.
    pub attempts: usize,
    /// Messages that were acknowledged.
    pub acked: usize,
    /// Refusals with a retry.
    pub nacks: usize,
    /// Live frames and items of pages.
    pub seen: usize,
    /// Messages on screens.
    pub shown: usize,
    /// Repeats in the log.
    pub voids: usize,
    /// Connections.
    pub connections: usize,
    /// Pages that began a list anew because the server could not go on.
    pub resets: usize,
    /// Questions to other servers.
    pub probes: usize,
}

/// A send, whatever became of it.
pub(crate) struct Sent {
    pub(crate) client: usize,
    pub(crate) room: usize,
    pub(crate) n: u32,
    pub(crate) first: u64,
}

/// The evidence, looked up from every side.
pub(crate) struct Facts<'a> {
    pub(crate) evidence: &'a Evidence,
    pub(crate) sends: HashMap<MessageId, Sent>,
    pub(crate) written: HashSet<(usize, usize, u32)>,
    /// Room, id → place and time of the acknowledgement.
    pub(crate) acks: Vec<(usize, usize, MessageId, Seq, u64)>,
    /// The store by room, ascending.
    pub(crate) rooms: Vec<BTreeMap<Seq, Row>>,
    pub(crate) found: Vec<Anomaly>,
}

impl Facts<'_> {
    pub(crate) fn add(&mut self, check: Check, name: &'static str, what: impl Into<String>) {
        self.found.push(Anomaly {
            check,
            name,
            what: what.into(),
        });
    }
}

/// Runs the checks C1 to C9.
pub fn verify(evidence: &Evidence) -> (Vec<Anomaly>, Counts) {
    let mut facts = Facts {
        evidence,
        sends: HashMap::new(),
        written: HashSet::new(),
        acks: Vec::new(),
        rooms: vec![BTreeMap::new(); evidence.rooms.len()],
        found: Vec::new(),
    };
    let mut counts = Counts::default();
    collect(&mut facts, &mut counts);
    records::loss(&mut facts);
    records::doubles(&mut facts);
    records::sender_order(&mut facts);
    records::agreement(&mut facts);
    records::ghosts(&mut facts);
    lists::check(&mut facts, &mut counts);
    time::own_writes(&mut facts);
    time::answers(&mut facts);
    time::real_time(&mut facts);
    facts.found.sort_by_key(|anomaly| anomaly.check);
    (facts.found, counts)
}

fn collect(facts: &mut Facts<'_>, counts: &mut Counts) {
    let evidence = facts.evidence;
    for (client, events) in evidence.clients.iter().enumerate() {
        let mut rooms: HashMap<Cid, usize> = HashMap::new();
        for event in events {
            match event {
                Event::Send {
                    t, room, cid, n, ..
                } => {
                    counts.attempts += 1;
                    rooms.insert(*cid, *room);
                    facts.written.insert((client, *room, *n));
                    let id =
                        MessageId::derive(&evidence.users[client], &evidence.rooms[*room], *cid);
                    facts.sends.entry(id).or_insert(Sent {
                        client,
                        room: *room,
                        n: *n,
                        first: *t,
                    });
                }
                Event::Ack { t, cid, id, seq } => match rooms.get(cid) {
                    Some(room) => facts.acks.push((client, *room, *id, *seq, *t)),
                    None => facts.add(
                        Check::C6,
                        "ghost",
                        format!("client {client} got an ack for {cid}, which it never sent"),
                    ),
                },
                Event::Nack { .. } => counts.nacks += 1,
                Event::Conn { .. } => counts.connections += 1,
                Event::Reset { forced: true, .. } => counts.resets += 1,
                Event::Probe { .. } => counts.probes += 1,
                Event::Recv { .. } => counts.seen += 1,
                Event::Page { items, .. } => counts.seen += items.len(),
                Event::Disc { .. } | Event::Reset { .. } | Event::Refused { .. } => {}
            }
        }
    }
    for row in &evidence.store {
        counts.voids += usize::from(row.void);
        if let Some(other) = facts.rooms[row.room].insert(row.seq, *row) {
            let what = format!(
                "room {} has {} and {} at {}",
                row.room, other.id, row.id, row.seq
            );
            facts.add(Check::C5, "inconsistent", what);
        }
    }
    counts.written = facts.written.len();
    counts.acked = facts
        .acks
        .iter()
        .map(|(_, _, id, _, _)| id)
        .collect::<HashSet<_>>()
        .len();
}
