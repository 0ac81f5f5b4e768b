//! Two tabs over one storage write, send, lose their connection, crash and are loaded again: nothing is lost, nothing is
//! doubled, and each room keeps the order in which it was written.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    rc::Rc,
};

use proptest::prelude::*;
use sphere_app::{
    outbox::{Entry, Outbox},
    storage::{MemoryStorage, Storage},
};
use sphere_protocol::{Cid, Code, RoomName, Timestamp, UserId};

const TABS: usize = 2;
const ROOMS: [&str; 2] = ["room1", "room2"];

#[derive(Debug, Clone)]
enum Step {
    Write {
        tab: usize,
        room: usize,
    },
    /// The tab sends what it may, if it has the lock or gets it.
    Send {
        tab: usize,
    },
    /// The server takes the tab's oldest send.
    Serve {
        tab: usize,
        verdict: Verdict,
    },
    /// The tab hears the oldest answer.
    Hear {
        tab: usize,
    },
    /// A send of a connection that is gone still arrives. Nobody hears the answer.
    Late,
    Break {
        tab: usize,
    },
    Crash {
        tab: usize,
    },
}

#[derive(Debug, Clone, Copy)]
enum Verdict {
    Store,
    Later,
    Never,
}

fn step() -> impl Strategy<Value = Step> {
    let tab = || 0..TABS;
    let verdict = prop_oneof![6 => Just(Verdict::Store), 2 => Just(Verdict::Later), 1 => Just(Verdict::Never)];
    prop_oneof![
        3 => (tab(), 0..ROOMS.len()).prop_map(|(tab, room)| Step::Write { tab, room }),
        6 => tab().prop_map(|tab| Step::Send { tab }),
        5 => (tab(), verdict).prop_map(|(tab, verdict)| Step::Serve { tab, verdict }),
        5 => tab().prop_map(|tab| Step::Hear { tab }),
        1 => Just(Step::Late),
        1 => tab().prop_map(|tab| Step::Break { tab }),
        1 => tab().prop_map(|tab| Step::Crash { tab }),
    ]
}

#[derive(Debug, Clone)]
enum Answer {
    Stored(Cid, i64),
    Later(Cid),
    Never(Cid),
}

struct Tab {
    outbox: Outbox<Rc<MemoryStorage>>,
    sends: VecDeque<Entry>,
    answers: VecDeque<Answer>,
}

struct World {
    storage: Rc<MemoryStorage>,
    locks: bool,
    tabs: Vec<Tab>,
    holder: Option<usize>,
    late: VecDeque<Entry>,
    now: i64,
    /// What was written, in order: room, tab, key.
    written: Vec<(RoomName, usize, Cid)>,
    /// What the server stored, in order.
    stored: Vec<(RoomName, Cid)>,
    refused: Vec<Cid>,
    attempts: HashMap<Cid, u32>,
}

fn user() -> UserId {
    "anon_1_aaaaaaaaa".into()
}

impl World {
    fn new(locks: bool) -> Self {
        let storage = Rc::new(MemoryStorage::default());
        let tabs = (0..TABS).map(|_| Tab::open(&storage, locks)).collect();
        Self {
            storage,
            locks,
            tabs,
            holder: None,
            late: VecDeque::new(),
            now: 1_000,
            written: Vec::new(),
            stored: Vec::new(),
            refused: Vec::new(),
            attempts: HashMap::new(),
        }
    }

    fn run(&mut self, step: &Step) {
        self.now += 10;
        match step {
            Step::Write { tab, room } => self.write(*tab, ROOMS[*room].into()),
            Step::Send { tab } => self.send(*tab),
            Step::Serve { tab, verdict } => {
                if let Some(entry) = self.tabs[*tab].sends.pop_front() {
                    let answer = self.serve(&entry, *verdict);
                    self.tabs[*tab].answers.push_back(answer);
                }
            }
            Step::Hear { tab } => self.hear(*tab),
            Step::Late => {
                if let Some(entry) = self.late.pop_front() {
                    self.serve(&entry, Verdict::Store);
                }
            }
            Step::Break { tab } => {
                self.lose(*tab);
                self.tabs[*tab].outbox.disconnected();
            }
            Step::Crash { tab } => {
                self.lose(*tab);
                self.tabs[*tab] = Tab::open(&self.storage, self.locks);
            }
        }
    }

    fn write(&mut self, tab: usize, room: RoomName) {
        let key = u8::try_from(self.written.len()).unwrap();
        let cid = Cid(uuid::Builder::from_random_bytes([key; 16]).into_uuid());
        self.tabs[tab]
            .outbox
            .add(&room, &format!("text {key}"), cid, Timestamp(self.now));
        self.written.push((room, tab, cid));
    }

    fn send(&mut self, tab: usize) {
        if self.locks && self.holder.is_some_and(|holder| holder != tab) {
            return;
        }
        self.holder = Some(tab);
        for entry in self.tabs[tab].outbox.due(Timestamp(self.now)) {
            let cid = entry.key.cid;
            let before = self.attempts.insert(cid, entry.body.attempt).unwrap_or(0);
            let kept = self.tabs[tab].outbox.attempts(cid);
            assert_eq!(
                kept, entry.body.attempt,
                "the attempt is written before the send"
            );
            if self.locks {
                assert_eq!(entry.body.attempt, before + 1);
                let flying = self.tabs.iter().flat_map(|tab| &tab.sends);
                assert!(
                    !flying
                        .into_iter()
                        .any(|other| other.key.room == entry.key.room),
                    "two in flight"
                );
            }
            self.tabs[tab].sends.push_back(entry);
        }
        self.release(tab);
    }

    fn release(&mut self, tab: usize) {
        if self.holder == Some(tab) && !self.tabs[tab].outbox.is_waiting() {
            self.holder = None;
        }
    }

    /// The server knows a key that it has stored, and never refuses it afterwards.
    fn serve(&mut self, entry: &Entry, verdict: Verdict) -> Answer {
        let cid = entry.key.cid;
        let place = self.stored.iter().position(|(_, stored)| *stored == cid);
        match (place, verdict) {
            (Some(place), _) => Answer::Stored(cid, i64::try_from(place).unwrap()),
            // A key that was refused once stays refused: its rule does not change.
            _ if self.refused.contains(&cid) => Answer::Never(cid),
            (None, Verdict::Store) => {
                self.stored.push((entry.key.room.clone(), cid));
                Answer::Stored(cid, i64::try_from(self.stored.len() - 1).unwrap())
            }
            (None, Verdict::Later) => Answer::Later(cid),
            (None, Verdict::Never) => {
                self.refused.push(cid);
                Answer::Never(cid)
            }
        }
    }

    fn hear(&mut self, tab: usize) {
        let Some(answer) = self.tabs[tab].answers.pop_front() else {
            return;
        };
        let outbox = &mut self.tabs[tab].outbox;
        match answer {
            Answer::Stored(cid, seq) => outbox.stored(cid, seq, Timestamp(self.now)),
            Answer::Later(cid) => outbox.retry(cid, Timestamp(self.now + 35)),
            Answer::Never(cid) => outbox.refused(cid, Code::Forbidden),
        }
        self.release(tab);
    }

    fn lose(&mut self, tab: usize) {
        let sends = std::mem::take(&mut self.tabs[tab].sends);
        self.late.extend(sends);
        self.tabs[tab].answers.clear();
        if self.holder == Some(tab) {
            self.holder = None;
        }
    }

    /// Everything works from here on, over new connections. Without locks, what has no tab any more is adopted by the
    /// first one when it is loaded again.
    fn settle(&mut self) {
        self.run(&Step::Break { tab: 1 });
        self.run(&if self.locks {
            Step::Break { tab: 0 }
        } else {
            Step::Crash { tab: 0 }
        });
        for _ in 0..1_000 {
            for tab in 0..TABS {
                self.run(&Step::Send { tab });
                self.run(&Step::Serve {
                    tab,
                    verdict: Verdict::Store,
                });
                self.run(&Step::Hear { tab });
            }
            if self.tabs.iter().all(|tab| !tab.outbox.is_waiting()) {
                return;
            }
        }
        panic!("the outbox never comes to rest");
    }

    /// Keys of one writer in one room, in order.
    fn orders(
        &self,
        of: impl Fn(&RoomName, usize) -> (RoomName, usize),
    ) -> BTreeMap<(RoomName, usize), (Vec<Cid>, Vec<Cid>)> {
        let mut orders: BTreeMap<_, (Vec<Cid>, Vec<Cid>)> = BTreeMap::new();
        for (room, tab, cid) in &self.written {
            if !self.refused.contains(cid) {
                orders.entry(of(room, *tab)).or_default().0.push(*cid);
            }
        }
        for (room, cid) in &self.stored {
            let tab = self
                .written
                .iter()
                .find(|(_, _, written)| written == cid)
                .unwrap()
                .1;
            orders.entry(of(room, tab)).or_default().1.push(*cid);
        }
        orders
    }
}

impl Tab {
    fn open(storage: &Rc<MemoryStorage>, locks: bool) -> Self {
        let outbox = Outbox::open(Rc::clone(storage), user(), locks);
        Self {
            outbox,
            sends: VecDeque::new(),
            answers: VecDeque::new(),
        }
    }
}

fn check(world: &World) -> Result<(), TestCaseError> {
    // With locks a room has one order; without, each tab has its own.
    let locks = world.locks;
    for ((room, _), (written, stored)) in
        world.orders(|room, tab| (room.clone(), if locks { 0 } else { tab }))
    {
        prop_assert_eq!(written, stored, "{}", room);
    }
    prop_assert_eq!(
        world.storage.keys().len(),
        world.refused.len(),
        "the storage holds what nobody needs"
    );
    let left = world.tabs[0].outbox.entries();
    let kept: Vec<Cid> = left.iter().map(|entry| entry.key.cid).collect();
    for cid in &world.refused {
        prop_assert!(kept.contains(cid), "a refused message is gone");
    }
    prop_assert_eq!(
        kept.len(),
        world.refused.len(),
        "something is left that was stored"
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn with_locks_two_tabs_lose_nothing_double_nothing_and_keep_the_order(steps in prop::collection::vec(step(), 0..120)) {
        let mut world = World::new(true);
        steps.iter().for_each(|step| world.run(step));
        world.settle();
        check(&world)?;
    }

    #[test]
    fn without_locks_each_tab_keeps_the_order_of_what_it_wrote(steps in prop::collection::vec(step(), 0..120)) {
        let mut world = World::new(false);
        steps.iter().for_each(|step| world.run(step));
        world.settle();
        check(&world)?;
    }
}

#[test]
fn what_another_identity_wrote_is_never_sent_by_itself() {
    let storage = Rc::new(MemoryStorage::default());
    let cid = Cid(uuid::Uuid::from_u128(1));
    Outbox::open(Rc::clone(&storage), "anon_2_bbbbbbbbb".into(), true).add(
        &"room1".into(),
        "text",
        cid,
        Timestamp(1),
    );

    let mut outbox = Outbox::open(storage, user(), true);
    assert!(outbox.due(Timestamp(2)).is_empty());
    assert_eq!(outbox.foreign().len(), 1);
}

#[test]
fn a_refused_head_lets_the_others_pass_and_a_waiting_one_does_not() {
    let mut outbox = Outbox::open(Rc::new(MemoryStorage::default()), user(), true);
    let room = RoomName::from("room1");
    let cids = [1, 2, 3].map(|n| Cid(uuid::Uuid::from_u128(n)));
    for (n, cid) in cids.into_iter().enumerate() {
        outbox.add(&room, "text", cid, Timestamp(i64::try_from(n).unwrap()));
    }
    let due = |outbox: &mut Outbox<_>, now| {
        outbox
            .due(Timestamp(now))
            .iter()
            .map(|entry| entry.key.cid)
            .collect::<Vec<_>>()
    };

    assert_eq!(due(&mut outbox, 10), [cids[0]]);
    outbox.refused(cids[0], Code::Forbidden);
    assert_eq!(due(&mut outbox, 11), [cids[1]]);
    outbox.retry(cids[1], Timestamp(50));
    assert_eq!(due(&mut outbox, 12), []);
    assert_eq!(outbox.wake(Timestamp(12)), Some(50));
    assert_eq!(due(&mut outbox, 50), [cids[1]]);
}
