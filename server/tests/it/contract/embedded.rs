//! What only the embedded log has: files that can be spoilt, rows that are dropped, partitions that grow with the start.

use std::{path::Path, sync::Arc};

use server::log::{AppendError, MessageLog, embedded::EmbeddedLog};
use sphere_protocol::Timestamp;
use tempfile::TempDir;

use super::{
    log::{PARTITIONS, append, follow, text, texts},
    record,
};
use crate::support::{files, within};

async fn embedded_log(folder: &Path) -> Arc<EmbeddedLog> {
    EmbeddedLog::open(&folder.join("log.db"), PARTITIONS)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_trim_drops_what_is_old_and_stored_and_keeps_every_offset() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("log.db");
    let embedded = embedded_log(folder.path()).await;
    let log: Arc<dyn MessageLog> = Arc::clone(&embedded) as _;
    for n in 0..10 {
        append(&log, 0, &n.to_string()).await;
        append(&log, 1, &n.to_string()).await;
    }
    let day = 24 * 60 * 60 * 1_000;
    let now = Timestamp(files::count(&file, "SELECT MAX(created_ms) FROM records").await);
    assert_eq!(
        embedded.trim(0, 10, now).await.unwrap(),
        0,
        "younger than a day: kept even when stored"
    );
    files::run(
        &file,
        &format!("UPDATE records SET created_ms = created_ms - {day} - 60000 WHERE offset < 8"),
    )
    .await;
    assert_eq!(
        embedded.trim(0, 5, now).await.unwrap(),
        5,
        "old, but only these are stored"
    );
    assert_eq!(embedded.trim(0, 10, now).await.unwrap(), 3);
    assert_eq!(texts(&log, 0, 0, 100).await, ["8", "9"]);
    assert_eq!(
        texts(&log, 1, 0, 100).await.len(),
        10,
        "each partition on its own"
    );
    assert_eq!(
        follow(&mut log.follow(0, 0), 2).await,
        [(8, "8".to_owned()), (9, "9".to_owned())],
        "what is left out does not exist"
    );
    assert_eq!(
        embedded
            .trim(0, 10, Timestamp(now.0 + 2 * day))
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        (
            log.end(0).await.unwrap(),
            texts(&log, 0, 0, 100).await.len()
        ),
        (10, 0)
    );
    drop((log, embedded));
    let log = embedded_log(folder.path()).await as Arc<dyn MessageLog>;
    assert_eq!(
        log.end(0).await.unwrap(),
        10,
        "the next offset outlives an emptied log"
    );
    assert_eq!(append(&log, 0, "ten").await, 10);
    assert_eq!(
        follow(&mut log.follow(0, 0), 1).await,
        [(10, "ten".to_owned())]
    );
}

#[tokio::test]
async fn an_unreadable_entry_is_handed_over_as_it_stands_and_hides_no_other() {
    let folder = TempDir::new().unwrap();
    let log = embedded_log(folder.path()).await as Arc<dyn MessageLog>;
    for n in 0..3 {
        append(&log, 0, &n.to_string()).await;
    }
    files::run(
        &folder.path().join("log.db"),
        "UPDATE records SET payload = CAST('junk' AS BLOB) WHERE offset = 1",
    )
    .await;
    let read = log.read(0, 0, 3).await.unwrap();
    assert_eq!(
        (text(&read[0]), text(&read[2])),
        ("0".to_owned(), "2".to_owned())
    );
    let poison = read[1].record.as_ref().unwrap_err();
    assert_eq!(
        (read[1].offset, poison.payload.as_slice()),
        (1, b"junk".as_slice())
    );
}

#[tokio::test]
async fn partitions_may_grow_and_never_shrink() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("log.db");
    for (asked, there) in [(2, 2), (5, 5), (3, 5)] {
        let log = EmbeddedLog::open(&file, asked).await.unwrap() as Arc<dyn MessageLog>;
        assert_eq!(log.partitions(), there);
        append(&log, 1, "kept").await;
        append(&log, there - 1, "new").await;
    }
    let log = EmbeddedLog::open(&file, 5).await.unwrap() as Arc<dyn MessageLog>;
    assert_eq!(
        texts(&log, 1, 0, 100).await,
        ["kept", "new", "kept", "kept"]
    );
}

#[tokio::test]
async fn a_commit_that_fails_is_said_and_the_next_one_gets_the_offset() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("log.db");
    let log = embedded_log(folder.path()).await as Arc<dyn MessageLog>;
    append(&log, 0, "before").await;
    let away = files::Away::take(&file, "records").await;
    let failed = within("a refusal", log.append(0, record("meanwhile"))).await;
    assert!(
        matches!(failed, Err(AppendError::OutcomeUnknown(_))),
        "{failed:?}"
    );
    away.release().await;
    assert_eq!(append(&log, 0, "after").await, 1);
    assert_eq!(texts(&log, 0, 0, 100).await, ["before", "after"]);
    assert_eq!(log.end(0).await.unwrap(), 2);
}
