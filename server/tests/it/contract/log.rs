//! The promises of [`MessageLog`]: order, durability, reading, following, and offsets that never change their meaning.

use std::{path::Path, sync::Arc};

use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::BoxStream};
use server::log::{
    AppendError, Entry, MessageLog, Offset, ReadError, Record,
    embedded::EmbeddedLog,
    kafka::{KafkaConfig, KafkaLog},
};
use tempfile::TempDir;

use super::record;
use crate::support::{services, within};

pub(super) const PARTITIONS: i32 = 4;

type Open = for<'a> fn(&'a Path) -> BoxFuture<'a, Arc<dyn MessageLog>>;

/// Opens the embedded log of a folder.
fn embedded(folder: &Path) -> BoxFuture<'_, Arc<dyn MessageLog>> {
    async move {
        EmbeddedLog::open(&folder.join("log.db"), PARTITIONS)
            .await
            .unwrap() as Arc<dyn MessageLog>
    }
    .boxed()
}

/// Opens the topic that is named after the folder, on a real broker.
fn kafka(folder: &Path) -> BoxFuture<'_, Arc<dyn MessageLog>> {
    let folder = folder.file_name().unwrap().to_string_lossy();
    let config = KafkaConfig {
        brokers: vec![services::kafka()],
        topic: format!("contract{}", folder.replace('.', "-")),
        partitions: PARTITIONS,
        replication_factor: 1,
        tls_ca_file: None,
        sasl: None,
    };
    async move { KafkaLog::open(config).await.unwrap() as Arc<dyn MessageLog> }.boxed()
}

macro_rules! contract {
    ($($adapter:ident: $($promise:ident)+;)+) => {$(
        mod $adapter {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    super::$promise(super::$adapter).await;
                }
            )+
        }
    )+};
}

contract! {
    embedded:
        a_new_log_is_empty
        records_of_a_partition_stand_in_the_order_of_the_calls
        appends_from_everywhere_get_offsets_of_their_own
        what_was_acknowledged_is_there_when_the_log_is_opened_again
        a_record_is_read_as_it_was_written
        a_read_gives_what_lies_between_two_offsets
        a_follower_begins_anywhere_and_goes_on_for_ever
        several_followers_see_the_same
        what_is_not_a_partition_is_refused;
    kafka:
        a_new_log_is_empty
        records_of_a_partition_stand_in_the_order_of_the_calls
        appends_from_everywhere_get_offsets_of_their_own
        what_was_acknowledged_is_there_when_the_log_is_opened_again
        a_record_is_read_as_it_was_written
        a_read_gives_what_lies_between_two_offsets
        a_follower_begins_anywhere_and_goes_on_for_ever
        several_followers_see_the_same
        what_is_not_a_partition_is_refused;
}

pub(super) async fn append(log: &Arc<dyn MessageLog>, partition: i32, text: &str) -> Offset {
    within("an append", log.append(partition, record(text)))
        .await
        .unwrap()
}

pub(super) async fn texts(
    log: &Arc<dyn MessageLog>,
    partition: i32,
    from: Offset,
    to: Offset,
) -> Vec<String> {
    log.read(partition, from, to)
        .await
        .unwrap()
        .iter()
        .map(text)
        .collect()
}

pub(super) fn text(entry: &Entry) -> String {
    entry.record.as_ref().unwrap().message.clone()
}

/// The next entries of a follower.
pub(super) async fn follow(
    entries: &mut BoxStream<'static, Result<Vec<Entry>, ReadError>>,
    count: usize,
) -> Vec<(Offset, String)> {
    let mut seen = Vec::new();
    while seen.len() < count {
        let batch = within("an entry", entries.next())
            .await
            .expect("a follower never ends")
            .unwrap();
        seen.extend(batch.iter().map(|entry| (entry.offset, text(entry))));
    }
    seen
}

async fn a_new_log_is_empty(open: Open) {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path()).await;
    assert_eq!(log.partitions(), PARTITIONS);
    for partition in 0..PARTITIONS {
        assert_eq!(log.end(partition).await.unwrap(), 0);
        assert_eq!(log.read(partition, 0, 100).await.unwrap().len(), 0);
    }
}

async fn records_of_a_partition_stand_in_the_order_of_the_calls(open: Open) {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path()).await;
    let calls: Vec<_> = (0..2_000)
        .map(|n| log.append(n % PARTITIONS, record(&n.to_string())))
        .collect();
    // The calls were made in order; who waits for them first does not matter.
    let mut offsets: Vec<Vec<Offset>> = vec![Vec::new(); 4];
    let outcomes = within("the appends", futures::future::join_all(calls)).await;
    for (n, outcome) in outcomes.into_iter().enumerate() {
        offsets[n % 4].push(outcome.unwrap());
    }
    for (partition, own) in (0..PARTITIONS).zip(&offsets) {
        assert!(
            own.is_sorted_by(|a, b| a < b),
            "offsets rise by the order of the calls"
        );
        let expected: Vec<_> = (0..500)
            .map(|n| (n * PARTITIONS + partition).to_string())
            .collect();
        assert_eq!(texts(&log, partition, 0, Offset::MAX).await, expected);
        assert_eq!(log.end(partition).await.unwrap(), own.last().unwrap() + 1);
    }
}

async fn appends_from_everywhere_get_offsets_of_their_own(open: Open) {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path()).await;
    let writers = (0..20).map(|writer| {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let mut own = Vec::new();
            for n in 0..25 {
                own.push((
                    append(&log, 0, &format!("{writer}:{n}")).await,
                    format!("{writer}:{n}"),
                ));
            }
            own
        })
    });
    let mut all = Vec::new();
    for own in futures::future::join_all(writers).await {
        let own = own.unwrap();
        assert!(own.is_sorted(), "each writer's own order is kept");
        all.extend(own);
    }
    all.sort();
    let read = log.read(0, 0, Offset::MAX).await.unwrap();
    assert_eq!(
        read.iter()
            .map(|entry| (entry.offset, text(entry)))
            .collect::<Vec<_>>(),
        all
    );
}

async fn what_was_acknowledged_is_there_when_the_log_is_opened_again(open: Open) {
    let folder = TempDir::new().unwrap();
    let mut expected = Vec::new();
    for round in 0..3 {
        let log = open(folder.path()).await;
        assert_eq!(
            log.end(1).await.unwrap(),
            Offset::try_from(expected.len()).unwrap(),
            "the next offset outlives a restart"
        );
        assert_eq!(texts(&log, 1, 0, Offset::MAX).await, expected);
        for n in 0..10 {
            let offset = append(&log, 1, &format!("{round}.{n}")).await;
            assert_eq!(offset, Offset::try_from(expected.len()).unwrap());
            expected.push(format!("{round}.{n}"));
        }
    }
}

async fn a_record_is_read_as_it_was_written(open: Open) {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path()).await;
    let records: Vec<Arc<Record>> = ["", "\u{1}\"\\\n🙂\u{10ffff}", &"x".repeat(100_000)]
        .map(record)
        .into();
    for record in &records {
        within("an append", log.append(2, Arc::clone(record)))
            .await
            .unwrap();
    }
    drop(log);
    let log = open(folder.path()).await;
    let read: Vec<_> = log
        .read(2, 0, 3)
        .await
        .unwrap()
        .into_iter()
        .map(|entry| entry.record.unwrap())
        .collect();
    assert_eq!(read, records);
}

async fn a_read_gives_what_lies_between_two_offsets(open: Open) {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path()).await;
    for n in 0..10 {
        append(&log, 0, &n.to_string()).await;
        append(&log, 1, "another partition").await;
    }
    let numbers = |range: std::ops::Range<usize>| range.map(|n| n.to_string()).collect::<Vec<_>>();
    assert_eq!(texts(&log, 0, 0, 10).await, numbers(0..10));
    assert_eq!(texts(&log, 0, 3, 7).await, numbers(3..7));
    assert_eq!(texts(&log, 0, 9, 100).await, numbers(9..10));
    for (from, to) in [(3, 3), (7, 3), (10, 20), (100, 200)] {
        assert_eq!(
            texts(&log, 0, from, to).await,
            numbers(0..0),
            "{from}..{to}"
        );
    }
}

async fn a_follower_begins_anywhere_and_goes_on_for_ever(open: Open) {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path()).await;
    for n in 0..1_500 {
        drop(log.append(0, record(&n.to_string())));
    }
    append(&log, 0, "1500").await;
    let expected = |from: i64, count: i64| {
        (from..from + count)
            .map(|n| (n, n.to_string()))
            .collect::<Vec<_>>()
    };
    let (mut all, mut middle, mut end, mut beyond) = (
        log.follow(0, 0),
        log.follow(0, 700),
        log.follow(0, 1_501),
        log.follow(0, 1_503),
    );
    assert_eq!(follow(&mut all, 1_501).await, expected(0, 1_501));
    assert_eq!(follow(&mut middle, 801).await, expected(700, 801));
    assert!(end.next().now_or_never().is_none(), "there is nothing yet");
    for n in 1_501..1_505 {
        append(&log, 0, &n.to_string()).await;
    }
    assert_eq!(follow(&mut all, 4).await, expected(1_501, 4));
    assert_eq!(follow(&mut end, 4).await, expected(1_501, 4));
    assert_eq!(
        follow(&mut beyond, 2).await,
        expected(1_503, 2),
        "from an offset that did not exist yet"
    );
}

async fn several_followers_see_the_same(open: Open) {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path()).await;
    for n in 0..5 {
        append(&log, 3, &n.to_string()).await;
    }
    let followers: Vec<_> = (0..5).map(|from| (from, log.follow(3, from))).collect();
    let reading =
        futures::future::join_all(followers.into_iter().map(|(from, mut entries)| async move {
            follow(&mut entries, 300 - usize::try_from(from).unwrap()).await
        }));
    let writing = async {
        for n in 5..300 {
            append(&log, 3, &n.to_string()).await;
        }
    };
    let (seen, ()) = tokio::join!(reading, writing);
    for (from, seen) in (0..).zip(seen) {
        assert_eq!(
            seen,
            (from..300).map(|n| (n, n.to_string())).collect::<Vec<_>>()
        );
    }
}

async fn what_is_not_a_partition_is_refused(open: Open) {
    let folder = TempDir::new().unwrap();
    let log = open(folder.path()).await;
    for partition in [-1, PARTITIONS, i32::MAX] {
        assert!(log.end(partition).await.is_err());
        assert!(matches!(
            within("the end of a follower", log.follow(partition, 0).next()).await,
            Some(Err(_))
        ));
        let appended = within("a refusal", log.append(partition, record("nowhere"))).await;
        assert!(
            matches!(appended, Err(AppendError::Unavailable(_))),
            "nothing was written and nothing will be: {appended:?}"
        );
    }
    append(&log, 0, "and the log goes on").await;
}
