//! The feed's rules under any schedule: hints lost, late, doubled and ahead; a lagging store; bounded memory; repeats
//! far back; holes and unreadable entries; a start anywhere.

use std::{collections::HashMap, sync::Arc};

use proptest::prelude::*;
use sphere_protocol::{Cid, Kind, MessageId, RoomName, Seq, Timestamp, UserId};
use uuid::Uuid;

use super::{Core, FeedStart, First, Head, Passed, RecentId};
use crate::{
    auth::KeyHash,
    log::{Entry, Offset, Poison, Record, record::Author},
};

const EPOCH: i64 = 7;
const BASE: Seq = 1_000;

/// One offset of the log.
#[derive(Debug, Clone)]
enum Slot {
    /// Nothing ever stood here.
    Hole,
    /// Something unreadable.
    Poison,
    /// A message: its room, and which of the few ids.
    Message(u8, u8),
}

#[derive(Debug, Clone)]
enum Step {
    /// A hint of this offset, whenever.
    Hint(usize),
    /// The followed log, so many offsets further.
    Follow(usize),
    /// The store, so many offsets further, but not beyond what exists.
    Store(usize),
}

fn record(room: u8, id: u8) -> Arc<Record> {
    let author = Author {
        user_id: UserId::from("anon_1_aaaaaaaaa"),
        user_name: "Ada".into(),
        key_hash: KeyHash::from(String::new()),
    };
    let cid = Cid(Uuid::from_u128(u128::from(id)));
    Arc::new(Record::message(
        author,
        RoomName::from(format!("room{room}")),
        cid,
        format!("text {id}"),
        Timestamp(i64::from(id)),
    ))
}

fn entries(log: &[Slot]) -> Vec<Entry> {
    let entry = |(offset, slot): (usize, &Slot)| {
        let record = match slot {
            Slot::Hole => return None,
            Slot::Poison => Err(Poison {
                payload: vec![1],
                error: "poison".into(),
            }),
            Slot::Message(room, id) => Ok(record(*room, *id)),
        };
        Some(Entry {
            offset: offset as Offset,
            record,
        })
    };
    log.iter().enumerate().filter_map(entry).collect()
}

/// What should pass, by a reader of the whole log with a perfect memory.
fn reference(log: &[Slot]) -> Vec<Passed> {
    let mut heads: HashMap<RoomName, Head> = HashMap::new();
    let mut firsts: HashMap<MessageId, First> = HashMap::new();
    let mut passed = Vec::new();
    for entry in entries(log) {
        let Ok(record) = entry.record else { continue };
        let seq = BASE + entry.offset;
        let known = firsts.get(&record.id).copied();
        let link = super::link::link(
            &record,
            0,
            EPOCH,
            seq,
            heads.get(&record.room).copied(),
            known,
        );
        firsts.entry(record.id).or_insert(link.first);
        heads.insert(record.room.clone(), link.head);
        passed.push(Passed {
            offset: entry.offset,
            message: Arc::new(link.message),
            first: link.first,
        });
    }
    passed
}

/// The store's snapshot after the first `next_offset` offsets.
fn start(log: &[Slot], next_offset: usize) -> FeedStart {
    let before = reference(&log[..next_offset]);
    let mut heads = HashMap::new();
    for passed in &before {
        let last_at = if passed.message.kind == Kind::Message {
            Some(passed.message.created_at)
        } else {
            heads
                .get(&passed.message.room)
                .and_then(|head: &Head| head.last_at)
        };
        heads.insert(
            passed.message.room.clone(),
            Head {
                seq: passed.message.seq,
                last_at,
            },
        );
    }
    let ids = before.iter().map(|passed| RecentId {
        offset: passed.offset,
        id: passed.message.reference.unwrap_or(passed.message.id),
        first: passed.first,
    });
    FeedStart {
        partition: 0,
        base: BASE,
        next_offset: next_offset as Offset,
        heads: heads.into_iter().collect(),
        ids: ids.collect(),
    }
}

/// Runs a core over the steps, then to the end of the log, and returns all that passed.
fn drive(core: &mut Core, log: &[Slot], steps: &[Step]) -> Vec<Passed> {
    let entries = entries(log);
    let mut followed = core.next();
    let mut stored = core.next();
    let mut passed = Vec::new();
    let follow = |core: &mut Core, followed: &mut Offset, to: Offset, passed: &mut Vec<Passed>| {
        for entry in entries
            .iter()
            .filter(|entry| (*followed..to).contains(&entry.offset))
        {
            passed.extend(core.entry(entry).unwrap());
        }
        *followed = to.max(*followed);
    };
    for step in steps {
        match step {
            Step::Hint(offset) => {
                let offset = offset % log.len().max(1);
                if let Some(Slot::Message(room, id)) = log.get(offset) {
                    passed.extend(core.hint(offset as Offset, record(*room, *id)));
                }
            }
            Step::Follow(count) => {
                let to = (followed + *count as Offset).min(log.len() as Offset);
                follow(core, &mut followed, to, &mut passed);
            }
            Step::Store(count) => {
                // The consumer may be ahead of this feed, and the news of it may come late: both are one number here.
                stored = (stored + *count as Offset).min(log.len() as Offset);
                core.stored(stored);
            }
        }
    }
    follow(core, &mut followed, log.len() as Offset, &mut passed);
    passed
}

fn slots() -> impl Strategy<Value = Vec<Slot>> {
    let slot = prop_oneof![
        1 => Just(Slot::Hole),
        1 => Just(Slot::Poison),
        8 => (0..3u8, 0..12u8).prop_map(|(room, id)| Slot::Message(room, id)),
    ];
    prop::collection::vec(slot, 1..60)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..60usize).prop_map(Step::Hint),
        2 => (1..6usize).prop_map(Step::Follow),
        1 => (1..8usize).prop_map(Step::Store),
    ];
    prop::collection::vec(step, 0..120)
}

fn unbounded(start: FeedStart) -> Core {
    Core::with_bounds(start, EPOCH, Offset::MAX / 2, usize::MAX)
}

fn shown(passed: &[Passed]) -> Vec<(Offset, &sphere_protocol::Message, First)> {
    passed
        .iter()
        .map(|passed| (passed.offset, &*passed.message, passed.first))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn whatever_the_hints_do_the_log_s_records_pass_once_and_in_order(log in slots(), steps in steps()) {
        let mut core = unbounded(start(&log, 0));
        let passed = drive(&mut core, &log, &steps);
        let expected = reference(&log);
        prop_assert_eq!(shown(&passed), shown(&expected));
    }

    #[test]
    fn a_feed_that_starts_anywhere_goes_on_with_the_same_chain(log in slots(), steps in steps(), at in 0..60usize) {
        let at = at % (log.len() + 1);
        let mut core = unbounded(start(&log, at));
        let passed = drive(&mut core, &log, &steps);
        let expected: Vec<_> = reference(&log).into_iter().filter(|passed| passed.offset >= at as Offset).collect();
        prop_assert_eq!(shown(&passed), shown(&expected));
    }

    #[test]
    fn with_a_bounded_memory_the_chain_is_the_same_and_no_id_is_forgotten_before_the_store_has_it(
        log in slots(), steps in steps(), other in steps(), memory in 0..20i64,
    ) {
        let mut core = Core::with_bounds(start(&log, 0), EPOCH, memory, usize::MAX);
        let mut twin = Core::with_bounds(start(&log, 0), EPOCH, memory, 0);
        let passed = drive(&mut core, &log, &steps);
        let mirrored = drive(&mut twin, &log, &other);
        let expected = reference(&log);
        let chain = |passed: &[Passed]| -> Vec<_> {
            passed.iter().map(|p| (p.message.room.clone(), p.message.seq, p.message.prev)).collect()
        };
        prop_assert_eq!(chain(&passed), chain(&expected));
        prop_assert_eq!(chain(&mirrored), chain(&expected));
        // Within the window a repeat is always recognised, whatever the store does.
        for (mine, truth) in passed.iter().zip(&expected).chain(mirrored.iter().zip(&expected)) {
            let id = truth.message.reference.unwrap_or(truth.message.id);
            let recent = expected.iter().any(|earlier| {
                earlier.offset < mine.offset
                    && earlier.offset >= mine.offset - memory
                    && earlier.message.reference.unwrap_or(earlier.message.id) == id
            });
            if recent {
                prop_assert_eq!(mine.message.kind, Kind::Void);
            }
            if truth.message.kind == Kind::Message {
                prop_assert_eq!(&mine.message, &truth.message);
            }
        }
    }

    #[test]
    fn while_the_store_has_nothing_every_repeat_is_recognised(log in slots(), hints in steps()) {
        let hints: Vec<_> = hints.into_iter().filter(|step| !matches!(step, Step::Store(_))).collect();
        let mut core = Core::with_bounds(start(&log, 0), EPOCH, 0, usize::MAX);
        let passed = drive(&mut core, &log, &hints);
        let expected = reference(&log);
        prop_assert_eq!(shown(&passed), shown(&expected));
    }

    #[test]
    fn the_ring_has_what_the_store_lacks_or_says_that_it_does_not(log in slots(), steps in steps(), limit in 0..3_000usize) {
        let mut core = Core::with_bounds(start(&log, 0), EPOCH, 20, limit);
        let passed = drive(&mut core, &log, &steps);
        let from = core.ring_start();
        prop_assert!(from == 0 || core.since(from - 1).is_none());
        let ring: Vec<_> = core.since(from).into_iter().flatten().cloned().collect();
        let expected: Vec<_> = passed.into_iter().filter(|passed| passed.offset >= from).collect();
        prop_assert_eq!(shown(&ring), shown(&expected));
    }
}

#[test]
fn a_hint_that_the_log_contradicts_stops_the_feed() {
    let log = [Slot::Message(0, 1), Slot::Message(0, 2)];
    let mut core = unbounded(start(&log, 0));
    assert_eq!(core.hint(0, record(0, 9)).len(), 1);
    assert!(core.entry(&entries(&log)[0]).is_err());
}

#[test]
fn a_hint_that_the_log_skips_stops_the_feed() {
    let log = [Slot::Hole, Slot::Message(0, 2)];
    let mut core = unbounded(start(&log, 0));
    assert_eq!(core.hint(0, record(0, 9)).len(), 1);
    assert!(core.entry(&entries(&log)[0]).is_err());
}
