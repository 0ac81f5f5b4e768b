//! The feed's rules, without input, output or time: what a partition's records become, strictly by offset.
//!
//! # Guarantee
//! Whatever hints are lost, late or doubled, the records that pass are those of the followed log, each once, in its
//! order; every record is a link of its room's chain (`prev`), and a repeat of a known id passes as a void. Two cores
//! that start anywhere in the log give the same chain. Driven by [`super::Feed`]; held by the property tests.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use sphere_protocol::{Epoch, Kind, Message, MessageId, RoomName, Seq};

use super::{
    MEMORY,
    link::{First, Head, link},
    start::FeedStart,
};
use crate::{
    faults::{self, Fault},
    log::{Entry, Offset, Partition, Record},
};

/// Hints that may wait for the offsets before them; more are dropped, the followed log brings them.
const MAX_HINTS: usize = 4_096;

/// A record that has passed the feed.
#[derive(Debug, Clone)]
pub struct Passed {
    /// Where it stands in the partition.
    pub offset: Offset,
    /// The frame that everybody gets.
    pub message: Arc<Message>,
    /// Where its id stood first.
    pub first: First,
}

/// The log contradicts what was already let through: nothing that this server said since can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "partition {partition}: the log holds another record at offset {offset} than the hint that was let through"
)]
pub struct Diverged {
    /// The partition.
    pub partition: Partition,
    /// The offset.
    pub offset: Offset,
}

#[derive(Debug)]
struct Known {
    first: First,
    last: Offset,
}

/// The state of one partition's feed.
#[derive(Debug)]
pub struct Core {
    partition: Partition,
    epoch: Epoch,
    base: Seq,
    memory: Offset,
    ring_limit: usize,
    next: Offset,
    stored: Offset,
    heads: HashMap<RoomName, Head>,
    known: HashMap<MessageId, Known>,
    ages: VecDeque<(Offset, MessageId)>,
    ring: VecDeque<Passed>,
    ring_bytes: usize,
    ring_start: Offset,
    hints: BTreeMap<Offset, Arc<Record>>,
    unconfirmed: VecDeque<(Offset, Arc<Record>)>,
}

impl Core {
    /// A feed that goes on where the store's snapshot ends.
    pub fn new(start: FeedStart, epoch: Epoch) -> Self {
        Self::with_bounds(start, epoch, MEMORY, super::RING_BYTES)
    }

    /// The same with other bounds; the rules must hold under any.
    pub fn with_bounds(start: FeedStart, epoch: Epoch, memory: Offset, ring_limit: usize) -> Self {
        let mut core = Self {
            partition: start.partition,
            epoch,
            base: start.base,
            memory,
            ring_limit,
            next: start.next_offset,
            stored: start.next_offset,
            heads: start.heads.into_iter().collect(),
            known: HashMap::new(),
            ages: VecDeque::new(),
            ring: VecDeque::new(),
            ring_bytes: 0,
            ring_start: start.next_offset,
            hints: BTreeMap::new(),
            unconfirmed: VecDeque::new(),
        };
        for recent in start.ids {
            core.remember(recent.offset, recent.id, recent.first);
        }
        core
    }

    /// The offset that passes next.
    pub fn next(&self) -> Offset {
        self.next
    }

    /// `seq` of the next record.
    pub fn next_seq(&self) -> Seq {
        self.base + self.next
    }

    /// `seq` of what stands at an offset.
    pub fn seq(&self, offset: Offset) -> Seq {
        self.base + offset
    }

    /// The room's head; none while it has no record.
    pub fn head(&self, room: &RoomName) -> Option<Head> {
        self.heads.get(room).copied()
    }

    /// Every room that has a record, with its head.
    pub fn heads(&self) -> impl Iterator<Item = (&RoomName, &Head)> {
        self.heads.iter()
    }

    /// Where an id stood first, if the feed still knows it.
    pub fn first(&self, id: &MessageId) -> Option<First> {
        self.known.get(id).map(|known| known.first)
    }

    /// What passed since `from`, oldest first; none when the ring no longer reaches so far back.
    pub fn since(&self, from: Offset) -> Option<impl Iterator<Item = &Passed>> {
        let skip = self.ring.partition_point(|passed| passed.offset < from);
        (from >= self.ring_start).then(|| self.ring.iter().skip(skip))
    }

    /// The lowest offset that [`Self::since`] can go back to.
    pub fn ring_start(&self) -> Offset {
        self.ring_start
    }

    /// Takes a hint from the bus: it passes now if it is next, later if it is ahead, never if it is behind.
    pub fn hint(&mut self, offset: Offset, record: Arc<Record>) -> Vec<Passed> {
        if offset < self.next
            || (self.hints.len() >= MAX_HINTS && !self.hints.contains_key(&offset))
        {
            return Vec::new();
        }
        self.hints.entry(offset).or_insert(record);
        let mut passed = Vec::new();
        self.pass_hints(&mut passed);
        passed
    }

    /// Takes an entry of the followed log. Entries come in order; an offset that is left out does not exist.
    ///
    /// # Errors
    /// [`Diverged`] when a hint with another record has already passed at this offset.
    pub fn entry(&mut self, entry: &Entry) -> Result<Vec<Passed>, Diverged> {
        let mut passed = Vec::new();
        let diverged = Diverged {
            partition: self.partition,
            offset: entry.offset,
        };
        while let Some((offset, hinted)) = self.unconfirmed.front() {
            if *offset > entry.offset {
                break;
            }
            // A hint that the log skips over was never in it.
            let confirmed = *offset == entry.offset
                && entry.record.as_ref().is_ok_and(|record| record == hinted);
            if !confirmed {
                return Err(Diverged {
                    offset: *offset,
                    ..diverged
                });
            }
            self.unconfirmed.pop_front();
        }
        if entry.offset >= self.next {
            // The log itself says what stands here: hints up to it, right or wrong, are done with.
            self.hints = self.hints.split_off(&(entry.offset + 1));
            self.next = entry.offset;
            match &entry.record {
                Ok(record) => passed.push(self.pass(record)),
                Err(_) => self.next += 1, // Unreadable: no room, no link. The consumer keeps it aside.
            }
            self.pass_hints(&mut passed);
        }
        Ok(passed)
    }

    /// Learns that the store has everything below `next_offset`.
    pub fn stored(&mut self, next_offset: Offset) {
        self.stored = self.stored.max(next_offset);
        while self
            .ring
            .front()
            .is_some_and(|passed| passed.offset < self.stored)
        {
            self.drop_oldest();
        }
        self.forget();
    }

    fn pass_hints(&mut self, passed: &mut Vec<Passed>) {
        while let Some(record) = self.hints.remove(&self.next) {
            self.unconfirmed.push_back((self.next, Arc::clone(&record)));
            passed.push(self.pass(&record));
        }
    }

    fn pass(&mut self, record: &Record) -> Passed {
        let offset = self.next;
        self.next += 1;
        let known = self
            .first(&record.id)
            .filter(|_| !faults::on(Fault::NoDeduplication));
        let link = link(
            record,
            self.partition,
            self.epoch,
            self.seq(offset),
            self.head(&record.room),
            known,
        );
        if record.kind == Kind::RoomDeleted {
            self.heads.remove(&record.room);
        } else {
            self.heads.insert(record.room.clone(), link.head);
        }
        self.remember(offset, record.id, link.first);
        self.forget();
        let passed = Passed {
            offset,
            message: Arc::new(link.message),
            first: link.first,
        };
        self.ring_bytes += size(&passed);
        self.ring.push_back(passed.clone());
        while self.ring_bytes > self.ring_limit {
            self.drop_oldest();
        }
        passed
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.ring.pop_front() {
            self.ring_bytes -= size(&oldest);
            self.ring_start = oldest.offset + 1;
        }
    }

    fn remember(&mut self, offset: Offset, id: MessageId, first: First) {
        self.known
            .entry(id)
            .and_modify(|known| known.last = offset)
            .or_insert(Known {
                first,
                last: offset,
            });
        self.ages.push_back((offset, id));
    }

    /// An id goes only when it is behind both the window and the store.
    fn forget(&mut self) {
        let keep = self.stored.min(self.next - self.memory);
        while let Some((offset, id)) = self.ages.front().copied() {
            if offset >= keep {
                break;
            }
            self.ages.pop_front();
            if self
                .known
                .get(&id)
                .is_some_and(|known| known.last == offset)
            {
                self.known.remove(&id);
            }
        }
    }
}

/// What a passed record costs in memory, roughly.
fn size(passed: &Passed) -> usize {
    let message = &passed.message;
    size_of::<Passed>()
        + size_of::<Message>()
        + message.message.len()
        + message.user_name.len()
        + message.user_image.len()
}
