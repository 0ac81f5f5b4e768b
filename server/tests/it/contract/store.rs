//! What the store promises, on SQLite and on PostgreSQL.

use std::{path::Path, sync::Arc};

use futures::future::{BoxFuture, FutureExt as _};
use server::{
    auth::KeyHash,
    log::{Entry, Offset, Record},
    store::{Batch, Query, RoomRow, Store, Stored},
};
use sphere_protocol::{Cid, Epoch, Kind, Message, RoomName, Timestamp, UserId};
use tempfile::TempDir;

use super::record;
use crate::support::{cid, services};

const NOW: Timestamp = Timestamp(1_737_708_000_000);
const EPOCH: Epoch = 7;

type Open = for<'a> fn(&'a Path) -> BoxFuture<'a, Store>;

fn sqlite(folder: &Path) -> BoxFuture<'_, Store> {
    async move {
        Store::open_sqlite(&folder.join("store.db"), true)
            .await
            .unwrap()
    }
    .boxed()
}

fn postgresql(_: &Path) -> BoxFuture<'_, Store> {
    async move {
        let name = format!("c{}", cid().replace('-', ""));
        let url = services::new_database(&name).await;
        Store::open_postgres(&url, None, 4, true).await.unwrap()
    }
    .boxed()
}

macro_rules! contract {
    ($($promise:ident)+) => { contract! { @ sqlite: $($promise)+ } contract! { @ postgresql: $($promise)+ } };
    (@ $adapter:ident: $($promise:ident)+) => {
        mod $adapter {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    super::$promise(super::$adapter).await;
                }
            )+
        }
    };
}

contract! {
    a_batch_is_stored_with_its_offset_and_whoever_is_behind_is_fenced
    a_repeat_leaves_a_void_and_its_first_place_counts
    pages_are_read_from_every_side
    what_cannot_be_read_is_put_aside_with_its_place
    of_two_who_bind_an_id_the_first_wins
    a_deleted_room_is_swept_and_its_name_is_not_used_again
    a_feed_starts_where_the_store_ends
    a_new_epoch_counts_on_above_the_old_one
    rooms_are_spread_over_partitions
}

/// A store with one room.
struct Place {
    store: Store,
    room: RoomRow,
    _folder: TempDir,
}

impl Place {
    async fn new(open: Open) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).await;
        assert_eq!(store.open_log(4, EPOCH).await.unwrap(), EPOCH);
        assert!(store.upsert_room(&name(), "General", 4, NOW).await.unwrap());
        let room = store.rooms().await.unwrap().remove(0);
        Self {
            store,
            room,
            _folder: folder,
        }
    }

    /// Stores entries from an offset on.
    async fn put(&self, from: Offset, entries: &[Entry]) -> Stored {
        let to = from + i64::try_from(entries.len()).unwrap();
        let partition = self.room.partition;
        let batch = Batch {
            partition,
            from,
            to,
            entries,
        };
        self.store.store(&batch, NOW).await.unwrap()
    }

    async fn texts(&self, query: Query, limit: u64) -> (Vec<String>, bool) {
        let page = self
            .store
            .page(&self.room, EPOCH, query, limit)
            .await
            .unwrap();
        let texts = page.rows.iter().map(|row: &Message| row.message.clone());
        (texts.collect(), page.more)
    }
}

fn name() -> RoomName {
    RoomName::from("room1")
}

fn done() -> Stored {
    Stored::Done {
        dead_letters: 0,
        deletions: 0,
    }
}

/// These records, one after the other.
fn entries(from: Offset, records: &[Arc<Record>]) -> Vec<Entry> {
    let places = from..;
    let entry = |(offset, record): (Offset, &Arc<Record>)| Entry {
        offset,
        record: Ok(Arc::clone(record)),
    };
    places.zip(records).map(entry).collect()
}

/// So many records, each with its number.
fn numbered(count: usize) -> Vec<Arc<Record>> {
    (0..count).map(|n| record(&n.to_string())).collect()
}

async fn a_batch_is_stored_with_its_offset_and_whoever_is_behind_is_fenced(open: Open) {
    let place = Place::new(open).await;
    let records = numbered(3);
    assert_eq!(place.put(0, &entries(0, &records)).await, done());
    assert_eq!(
        place.store.next_offset(place.room.partition).await.unwrap(),
        3
    );
    // Another one has the same batch, and one that begins too far on.
    assert_eq!(place.put(0, &entries(0, &records)).await, Stored::Fenced);
    assert_eq!(
        place.put(5, &entries(5, &numbered(1))).await,
        Stored::Fenced
    );
    assert_eq!(
        place.store.next_offset(place.room.partition).await.unwrap(),
        3
    );
    assert_eq!(place.texts(Query::Newest, 50).await.0, ["0", "1", "2"]);
}

async fn a_repeat_leaves_a_void_and_its_first_place_counts(open: Open) {
    let place = Place::new(open).await;
    let (once, twice) = (record("once"), record("twice"));
    let batch = [&once, &twice, &twice].map(Arc::clone);
    assert_eq!(place.put(0, &entries(0, &batch)).await, done());
    assert_eq!(
        place.put(3, &entries(3, &[Arc::clone(&once)])).await,
        done()
    );
    assert_eq!(place.texts(Query::Newest, 50).await.0, ["once", "twice"]);
    let all = place
        .store
        .page(&place.room, EPOCH, Query::After(-1), 50)
        .await
        .unwrap();
    let kinds: Vec<Kind> = all.rows.iter().map(|row| row.kind).collect();
    assert_eq!(
        kinds,
        [Kind::Message, Kind::Message, Kind::Void, Kind::Void]
    );
    assert_eq!(all.head, Some(3));
    let first = place.store.first(once.id).await.unwrap().unwrap();
    assert_eq!((first.seq, first.created_at), (0, once.created_at));
    assert_eq!(
        place.store.locate(&place.room, twice.id).await.unwrap(),
        Some(1)
    );
}

async fn pages_are_read_from_every_side(open: Open) {
    let place = Place::new(open).await;
    place.put(0, &entries(0, &numbered(10))).await;
    let page = async |query, limit| place.texts(query, limit).await;
    let texts = |range: std::ops::Range<i32>| range.map(|n| n.to_string()).collect::<Vec<_>>();
    assert_eq!(page(Query::Newest, 4).await, (texts(6..10), true));
    assert_eq!(page(Query::Before(6), 4).await, (texts(2..6), true));
    assert_eq!(page(Query::Before(2), 4).await, (texts(0..2), false));
    assert_eq!(page(Query::After(7), 4).await, (texts(8..10), false));
    let after = place
        .store
        .page(&place.room, EPOCH, Query::After(3), 4)
        .await
        .unwrap();
    let chain: Vec<_> = after.rows.iter().map(|row| (row.prev, row.seq)).collect();
    assert_eq!(
        chain,
        [(Some(3), 4), (Some(4), 5), (Some(5), 6), (Some(6), 7)]
    );
    assert!(after.more && after.next_offset == 10 && after.above == 6);
    let around = place
        .store
        .page(&place.room, EPOCH, Query::Around(5), 4)
        .await
        .unwrap();
    assert!(around.more && around.more_after);
    assert!(around.rows.iter().any(|row| row.message == "5"));
    let author = UserId::from("anon_1737708000000_k3j9d8f2a");
    let unread = async |reader| {
        place
            .store
            .unread(&place.room, 3, reader, 100)
            .await
            .unwrap()
    };
    assert_eq!(unread(None).await, (6, 10));
    assert_eq!(unread(Some(&author)).await, (0, 10));
}

async fn what_cannot_be_read_is_put_aside_with_its_place(open: Open) {
    let place = Place::new(open).await;
    let mut batch = entries(0, &numbered(3));
    batch[1].record = Record::decode(b"not JSON").map(Arc::new);
    let stored = place.put(0, &batch).await;
    assert_eq!(
        stored,
        Stored::Done {
            dead_letters: 1,
            deletions: 0
        }
    );
    assert_eq!(place.texts(Query::Newest, 50).await.0, ["0", "2"]);
    assert_eq!(
        place.store.next_offset(place.room.partition).await.unwrap(),
        3
    );
}

async fn of_two_who_bind_an_id_the_first_wins(open: Open) {
    let place = Place::new(open).await;
    let id = UserId::from("anon_1737708000000_aaaaaaaaa");
    let (one, other) = (KeyHash::from("1".repeat(64)), KeyHash::from("2".repeat(64)));
    assert_eq!(place.store.user(&id).await.unwrap(), None);
    for (key, name) in [(&one, "Ada"), (&other, "Eve")] {
        let row = place.store.bind_user(&id, key, name, NOW).await.unwrap();
        assert_eq!((row.key_hash, row.name.as_str()), (one.clone(), "Ada"));
    }
    place.store.rename_user(&id, "Ada Lovelace").await.unwrap();
    assert_eq!(
        place.store.user(&id).await.unwrap().unwrap().name,
        "Ada Lovelace"
    );
}

async fn a_deleted_room_is_swept_and_its_name_is_not_used_again(open: Open) {
    let place = Place::new(open).await;
    place.put(0, &entries(0, &numbered(5))).await;
    let end = Record::room_deleted(name(), Cid::parse(&cid()).unwrap(), NOW);
    let stored = place.put(5, &entries(5, &[Arc::new(end)])).await;
    assert_eq!(
        stored,
        Stored::Done {
            dead_letters: 0,
            deletions: 1
        }
    );
    // What another server still let in leaves nothing.
    assert_eq!(place.put(6, &entries(6, &[record("late")])).await, done());
    assert_eq!(place.store.sweep().await.unwrap(), 5);
    assert_eq!(place.store.sweep().await.unwrap(), 0);
    assert!(place.store.rooms().await.unwrap().is_empty());
    assert!(
        !place
            .store
            .upsert_room(&name(), "Again", 4, NOW)
            .await
            .unwrap()
    );
    assert!(place.store.rooms().await.unwrap().is_empty());
}

async fn a_feed_starts_where_the_store_ends(open: Open) {
    let place = Place::new(open).await;
    let records = numbered(3);
    place.put(0, &entries(0, &records)).await;
    place.put(3, &entries(3, &records[..1])).await;
    let start = place.store.feed_start(place.room.partition).await.unwrap();
    assert_eq!((start.base, start.next_offset), (0, 4));
    let (room, head) = &start.heads[0];
    assert_eq!(
        (room, head.seq, head.last_at),
        (&name(), 3, Some(records[2].created_at))
    );
    let ids: Vec<_> = start
        .ids
        .iter()
        .map(|id| (id.offset, id.id, id.first.seq))
        .collect();
    let [one, two, three] = [0, 1, 2].map(|n| records[n].id);
    assert_eq!(ids, [(0, one, 0), (1, two, 1), (2, three, 2), (3, one, 0)]);
}

async fn a_new_epoch_counts_on_above_the_old_one(open: Open) {
    let place = Place::new(open).await;
    place.put(0, &entries(0, &numbered(3))).await;
    assert_eq!(place.store.new_epoch(EPOCH + 1).await.unwrap(), EPOCH + 1);
    assert_eq!(place.store.open_log(4, EPOCH + 2).await.unwrap(), EPOCH + 1);
    assert_eq!(
        place.store.next_offset(place.room.partition).await.unwrap(),
        0
    );
    place.put(0, &entries(0, &[record("new")])).await;
    let page = place
        .store
        .page(&place.room, EPOCH + 1, Query::Newest, 50)
        .await
        .unwrap();
    let texts: Vec<&str> = page.rows.iter().map(|row| row.message.as_str()).collect();
    assert_eq!(texts, ["0", "1", "2", "new"]);
    assert!(page.rows[3].seq > page.rows[2].seq);
}

async fn rooms_are_spread_over_partitions(open: Open) {
    let place = Place::new(open).await;
    for n in 2..=4 {
        let name = RoomName::from(format!("room{n}"));
        assert!(
            place
                .store
                .upsert_room(&name, "Room", 4, NOW)
                .await
                .unwrap()
        );
    }
    assert!(
        place
            .store
            .upsert_room(&name(), "Another title", 4, NOW)
            .await
            .unwrap()
    );
    let rooms = place.store.rooms().await.unwrap();
    let partitions: Vec<_> = rooms.iter().map(|room| room.partition).collect();
    assert_eq!(partitions, [0, 1, 2, 3]);
    assert_eq!(rooms[0].title, "Another title");
}
