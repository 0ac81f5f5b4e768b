//! Joins at every moment, on a real store: whatever the consumer, the hints, a small ring and restarts do, a reader that
//! enters anywhere ends with the store's rows, and every live frame fits the page before it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use async_trait::async_trait;
use futures::{FutureExt as _, future::BoxFuture, stream::BoxStream};
use parking_lot::Mutex;
use proptest::prelude::*;
use sphere_protocol::{
    Cid, Kind, Message, MessageId, Page, RoomName, Seq, ServerFrame, Timestamp, UserId,
};
use uuid::Uuid;

use super::{Ask, History, Request};
use crate::{
    auth::KeyHash,
    feed::{Core, Feed, Feeds},
    hub::{Hub, Next, Queue, SocketId},
    log::{AppendError, Entry, MessageLog, Offset, Partition, ReadError, Record, record::Author},
    rooms::Room,
    store::{Batch, Store},
};

const EPOCH: i64 = 7;
const ROOMS: usize = 3;
const PARTITIONS: Partition = 2;
const READERS: usize = 3;

/// A log in memory, read at any moment.
#[derive(Default)]
struct Shelf([Mutex<Vec<Arc<Record>>>; PARTITIONS as usize]);

impl Shelf {
    fn range(&self, partition: Partition, from: Offset, to: Offset) -> Vec<Entry> {
        let records = self.0[partition as usize].lock();
        let to = (to.max(0) as usize).min(records.len());
        let from = (from.max(0) as usize).min(to);
        (from..to)
            .map(|offset| Entry {
                offset: offset as Offset,
                record: Ok(Arc::clone(&records[offset])),
            })
            .collect()
    }

    fn len(&self, partition: Partition) -> Offset {
        self.0[partition as usize].lock().len() as Offset
    }
}

#[async_trait]
impl MessageLog for Shelf {
    fn partitions(&self) -> Partition {
        PARTITIONS
    }

    fn append(
        &self,
        partition: Partition,
        record: Arc<Record>,
    ) -> BoxFuture<'static, Result<Offset, AppendError>> {
        let mut records = self.0[partition as usize].lock();
        records.push(record);
        futures::future::ready(Ok(records.len() as Offset - 1)).boxed()
    }

    fn follow(&self, _: Partition, _: Offset) -> BoxStream<'static, Result<Vec<Entry>, ReadError>> {
        unreachable!("the test moves the feeds itself")
    }

    async fn read(
        &self,
        partition: Partition,
        from: Offset,
        to: Offset,
    ) -> Result<Vec<Entry>, ReadError> {
        Ok(self.range(partition, from, to))
    }

    async fn end(&self, partition: Partition) -> Result<Offset, ReadError> {
        Ok(self.len(partition))
    }
}

#[derive(Debug, Clone)]
enum Step {
    Append {
        room: usize,
        id: u8,
    },
    Hint {
        partition: Partition,
        offset: usize,
    },
    Follow {
        partition: Partition,
        count: Offset,
    },
    Store {
        partition: Partition,
        count: Offset,
        told: bool,
    },
    Restart,
    Join {
        reader: usize,
        room: usize,
    },
    Leave {
        reader: usize,
        room: usize,
    },
    Look {
        room: usize,
        before: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let partition = 0..PARTITIONS;
    prop_oneof![
        10 => (0..ROOMS, 0..60u8).prop_map(|(room, id)| Step::Append { room, id }),
        4 => (partition.clone(), 0..80usize).prop_map(|(partition, offset)| Step::Hint { partition, offset }),
        4 => (partition.clone(), 1..9i64).prop_map(|(partition, count)| Step::Follow { partition, count }),
        3 => (partition, 1..9i64, any::<bool>()).prop_map(|(partition, count, told)| Step::Store { partition, count, told }),
        1 => Just(Step::Restart),
        3 => (0..READERS, 0..ROOMS).prop_map(|(reader, room)| Step::Join { reader, room }),
        1 => (0..READERS, 0..ROOMS).prop_map(|(reader, room)| Step::Leave { reader, room }),
        2 => (0..ROOMS, 0..80usize).prop_map(|(room, before)| Step::Look { room, before }),
    ]
}

/// What one reader has of one room.
#[derive(Default)]
struct View {
    joined: bool,
    from: Option<Seq>,
    last: Option<Seq>,
    rows: HashMap<MessageId, (Seq, String)>,
}

impl View {
    fn take(&mut self, message: &Message) {
        if message.kind == Kind::Message {
            let row = (message.seq, message.message.clone());
            let kept = self.rows.entry(message.id).or_insert_with(|| row.clone());
            if row.0 < kept.0 {
                *kept = row;
            }
        }
    }

    fn page(&mut self, page: &Page) {
        if page.reset || page.after.is_none() {
            self.rows.clear();
            self.from = if page.more {
                page.items.first().map(|item| item.seq)
            } else {
                Some(-1)
            };
            page.items.iter().for_each(|item| self.take(item));
            self.last = Some(page.head);
            return;
        }
        for item in &page.items {
            assert_eq!(
                item.prev, self.last,
                "a page after {:?} leaves a hole",
                page.after
            );
            self.take(item);
            self.last = Some(item.seq);
        }
    }

    fn live(&mut self, message: &Message) {
        let last = self.last.expect("live frames come after a page");
        if message.seq > last {
            assert_eq!(
                message.prev,
                Some(last),
                "a live frame does not fit the page before it"
            );
            self.last = Some(message.seq);
        }
        self.take(message);
    }
}

struct Reader {
    queue: Arc<Queue>,
    id: SocketId,
    views: Vec<View>,
}

struct World {
    shelf: Arc<Shelf>,
    store: Store,
    hub: Arc<Hub>,
    feeds: Feeds,
    history: History,
    rooms: Vec<Room>,
    readers: Vec<Reader>,
    followed: Vec<Offset>,
    bounds: (Offset, usize),
    _folder: tempfile::TempDir,
}

impl World {
    async fn new(bounds: (Offset, usize)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&folder.path().join("store.db"), true)
            .await
            .unwrap();
        store.open_log(PARTITIONS, EPOCH).await.unwrap();
        for room in 0..ROOMS {
            store
                .upsert_room(
                    &RoomName::from(format!("room{room}")),
                    "Room",
                    PARTITIONS,
                    Timestamp(0),
                )
                .await
                .unwrap();
        }
        let rooms: Vec<Room> = store
            .rooms()
            .await
            .unwrap()
            .into_iter()
            .map(Arc::new)
            .collect();
        let shelf = Arc::new(Shelf::default());
        let hub = Arc::new(Hub::default());
        let (feeds, followed) = feeds(&store, &hub, bounds).await;
        let history = History::new(store.clone(), Arc::clone(&shelf) as _, feeds.clone(), EPOCH);
        let reader = |_| {
            let queue = Arc::new(Queue::default());
            let id = hub.enter(Arc::clone(&queue), None);
            Reader {
                queue,
                id,
                views: (0..ROOMS).map(|_| View::default()).collect(),
            }
        };
        let readers = (0..READERS).map(reader).collect();
        Self {
            shelf,
            store,
            hub,
            feeds,
            history,
            rooms,
            readers,
            followed,
            bounds,
            _folder: folder,
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Append { room, id } => {
                let room = &self.rooms[room];
                let author = Author {
                    user_id: UserId::from("anon_1_aaaaaaaaa"),
                    user_name: "Ada".into(),
                    key_hash: KeyHash::from(String::new()),
                };
                let cid = Cid(Uuid::from_u128(u128::from(id)));
                let record = Record::message(
                    author,
                    room.name.clone(),
                    cid,
                    format!("text {id}"),
                    Timestamp(1),
                );
                self.shelf
                    .append(room.partition, Arc::new(record))
                    .await
                    .unwrap();
            }
            Step::Hint { partition, offset } => {
                if let Some(entry) = self
                    .shelf
                    .range(partition, offset as Offset, offset as Offset + 1)
                    .pop()
                {
                    self.feeds
                        .get(partition)
                        .unwrap()
                        .hint(entry.offset, entry.record.unwrap());
                }
            }
            Step::Follow { partition, count } => self.follow(partition, count),
            Step::Store {
                partition,
                count,
                told,
            } => self.store(partition, count, told).await,
            Step::Restart => self.restart().await,
            Step::Join { reader, room } => self.join(reader, room).await,
            Step::Leave { reader, room } => {
                let reader = &mut self.readers[reader];
                reader.views[room].joined = false;
                self.hub.leave(&self.rooms[room].name, reader.id);
            }
            Step::Look { room, before } => self.look(room, before as Seq).await,
        }
        self.hear().await;
    }

    fn follow(&mut self, partition: Partition, count: Offset) {
        let from = self.followed[partition as usize];
        let entries = self.shelf.range(partition, from, from + count);
        self.followed[partition as usize] += entries.len() as Offset;
        self.feeds
            .get(partition)
            .unwrap()
            .entries(&entries)
            .unwrap();
    }

    /// The consumer may be ahead of the feed; pages wait for the feed then, so it follows first.
    async fn store(&mut self, partition: Partition, count: Offset, told: bool) {
        let from = self.store.next_offset(partition).await.unwrap();
        let entries = self.shelf.range(partition, from, from + count);
        let to = from + entries.len() as Offset;
        self.store
            .store(
                &Batch {
                    partition,
                    from,
                    to,
                    entries: &entries,
                },
                Timestamp(2),
            )
            .await
            .unwrap();
        let behind = to - self.followed[partition as usize];
        if behind > 0 {
            self.follow(partition, behind);
        }
        if told {
            self.feeds.get(partition).unwrap().stored(to);
        }
    }

    /// Another server: everybody is disconnected and comes back with its last `seq`.
    async fn restart(&mut self) {
        (self.feeds, self.followed) = feeds(&self.store, &self.hub, self.bounds).await;
        self.history = History::new(
            self.store.clone(),
            Arc::clone(&self.shelf) as _,
            self.feeds.clone(),
            EPOCH,
        );
        self.check_start().await;
        // A server is ready when it has reached the end of the log as it was when it started.
        for partition in 0..PARTITIONS {
            let end = self.shelf.len(partition);
            self.follow(partition, end);
        }
        for reader in 0..READERS {
            for room in 0..ROOMS {
                if std::mem::take(&mut self.readers[reader].views[room].joined) {
                    self.hub
                        .leave(&self.rooms[room].name, self.readers[reader].id);
                    while self.readers[reader].queue.try_next().is_some() {}
                    self.join(reader, room).await;
                }
            }
        }
    }

    /// A feed starts exactly where the store's rows end.
    async fn check_start(&self) {
        for room in &self.rooms {
            let next_offset = self.store.next_offset(room.partition).await.unwrap();
            let stored = self.shelf.range(room.partition, 0, next_offset);
            let newest = stored
                .iter()
                .filter(|entry| entry.record.as_ref().unwrap().room == room.name)
                .map(|entry| entry.offset)
                .max();
            let (next, head) = self
                .feeds
                .get(room.partition)
                .unwrap()
                .between(|core| (core.next(), core.head(&room.name)));
            assert_eq!((next, head.map(|head| head.seq)), (next_offset, newest));
        }
    }

    async fn join(&mut self, reader: usize, room: usize) {
        let (room, index) = (Arc::clone(&self.rooms[room]), room);
        let Reader { queue, id, views } = &mut self.readers[reader];
        let view = &mut views[index];
        let request = Request {
            limit: Some(7),
            ..Request::resume(Some(EPOCH), view.last)
        };
        let page = self.history.enter(&room, request, |page| {
            self.hub.join(&room.name, *id, queue);
            page
        });
        let mut page = page.await.unwrap();
        view.joined = true;
        view.page(&page);
        while page.after.is_some() && !page.reset && page.more {
            let request = Request {
                ask: Ask::After(view.last.unwrap()),
                epoch: Some(EPOCH),
                limit: Some(7),
            };
            page = self.history.page(&room, request).await.unwrap();
            view.page(&page);
        }
    }

    /// A page of scrollback against what has passed so far.
    async fn look(&self, room: usize, before: Seq) {
        let room = &self.rooms[room];
        let passed = self.feeds.get(room.partition).unwrap().between(Core::next);
        let request = Request {
            ask: Ask::Before(before),
            epoch: Some(EPOCH),
            limit: Some(5),
        };
        let page = self.history.page(room, request).await.unwrap();
        let mut expected: Vec<_> = self
            .truth(room)
            .into_iter()
            .filter(|(seq, _)| *seq < before.min(passed))
            .map(|(seq, (id, _))| (seq, id))
            .collect();
        let more = expected.len() > 5;
        expected.drain(..expected.len().saturating_sub(5));
        // A repeat that the feed no longer knew may still be in the page, under an id that stands lower.
        let known: HashMap<_, _> = self
            .truth(room)
            .into_iter()
            .map(|(seq, (id, _))| (id, seq))
            .collect();
        let got: Vec<_> = page
            .items
            .iter()
            .map(|item| (item.seq, item.id))
            .filter(|(seq, id)| known[id] == *seq)
            .collect();
        if got.len() == page.items.len() {
            assert_eq!(got, expected);
            assert_eq!(page.more, more);
        }
    }

    /// The messages of a room: the first record of every id, by `seq`.
    fn truth(&self, room: &Room) -> BTreeMap<Seq, (MessageId, String)> {
        let mut seen = std::collections::HashSet::new();
        let entries = self.shelf.range(room.partition, 0, Offset::MAX);
        let records = entries
            .into_iter()
            .map(|entry| (entry.offset, entry.record.unwrap()));
        let firsts =
            records.filter(|(_, record)| seen.insert(record.id) && record.room == room.name);
        firsts
            .map(|(seq, record)| (seq, (record.id, record.message.clone())))
            .collect()
    }

    async fn hear(&mut self) {
        for reader in 0..READERS {
            while let Some(Next::Text(text)) = self.readers[reader].queue.try_next() {
                let ServerFrame::Message(message) = ServerFrame::decode(&text).unwrap() else {
                    panic!("{text}")
                };
                let room = self
                    .rooms
                    .iter()
                    .position(|room| room.name == message.room)
                    .unwrap();
                self.readers[reader].views[room].live(&message);
            }
        }
    }

    async fn end(&mut self) {
        for partition in 0..PARTITIONS {
            let end = self.shelf.len(partition);
            self.follow(partition, end);
            self.store(partition, end, true).await;
        }
        self.hear().await;
        for reader in 0..READERS {
            for room in 0..ROOMS {
                self.join(reader, room).await;
                let view = &self.readers[reader].views[room];
                let from = view.from.unwrap();
                let truth = self.truth(&self.rooms[room]);
                for (seq, (id, text)) in truth.range(from..) {
                    assert_eq!(
                        view.rows.get(id),
                        Some(&(*seq, text.clone())),
                        "lost or moved"
                    );
                }
                let ids: HashMap<_, _> = truth.iter().map(|(seq, (id, _))| (*id, *seq)).collect();
                for id in view.rows.keys() {
                    assert!(ids.contains_key(id), "a ghost");
                }
            }
        }
    }
}

async fn feeds(
    store: &Store,
    hub: &Arc<Hub>,
    (memory, ring): (Offset, usize),
) -> (Feeds, Vec<Offset>) {
    let feeds = Feeds::default();
    let mut followed = Vec::new();
    for partition in 0..PARTITIONS {
        let start = store.feed_start(partition).await.unwrap();
        followed.push(start.next_offset);
        feeds.push(Feed::new(
            partition,
            Core::with_bounds(start, EPOCH, memory, ring),
            Arc::clone(hub),
        ));
    }
    (feeds, followed)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn whoever_joins_at_any_moment_ends_with_the_store_s_rows(
        steps in prop::collection::vec(step(), 0..150),
        memory in 0..10i64,
        ring in 0..4_000usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World::new((memory, ring)).await;
            for step in steps {
                world.step(step).await;
            }
            world.end().await;
        });
    }
}
