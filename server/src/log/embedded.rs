//! The log of one machine: a SQLite file with several logical partitions and one writer that commits in groups.
//!
//! `synchronous=FULL` in WAL mode means one fsync per commit: what was acknowledged survives a power cut. While one
//! commit waits for the disk, the next group gathers, so throughput grows with load and an idle log answers at once.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream, stream::BoxStream};
use sphere_protocol::Timestamp;
use sqlx::{
    Connection as _, Row as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::{mpsc, oneshot, watch};

use self::writer::{Write, Writer};
use super::{AppendError, Entry, MessageLog, Offset, Partition, ReadError, Record};

mod writer;

/// Most appends that may wait for the writer; more are refused at once instead of growing the memory.
const QUEUE: usize = 8_192;
/// Most entries that a follower gets at once.
const CHUNK: Offset = 512;
/// Records younger than this stay in the log even when the store has them.
const KEEP: Duration = Duration::from_secs(24 * 60 * 60);

const SCHEMA: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS records (
        partition INTEGER NOT NULL, offset INTEGER NOT NULL, created_ms INTEGER NOT NULL, payload BLOB NOT NULL,
        PRIMARY KEY (partition, offset)) WITHOUT ROWID",
    // Beside the records, so that the next offset outlives an emptied log.
    "CREATE TABLE IF NOT EXISTS partitions (partition INTEGER PRIMARY KEY, next_offset INTEGER NOT NULL)",
];

/// The embedded log. Dropping it ends its writer after the queued records.
#[derive(Debug)]
pub struct EmbeddedLog {
    writes: mpsc::Sender<Write>,
    ends: Vec<watch::Receiver<Offset>>,
    readers: SqlitePool,
}

impl EmbeddedLog {
    /// Opens or creates the log. The number of partitions can only grow.
    ///
    /// # Errors
    /// When the file cannot be opened or is not a log.
    pub async fn open(path: &Path, partitions: Partition) -> Result<Arc<Self>, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5));
        let mut writer = SqliteConnection::connect_with(&options).await?;
        for statement in SCHEMA {
            sqlx::query(statement).execute(&mut writer).await?;
        }
        for partition in 0..partitions {
            sqlx::query("INSERT INTO partitions VALUES (?, 0) ON CONFLICT DO NOTHING")
                .bind(partition)
                .execute(&mut writer)
                .await?;
        }
        // A file that vanished is not made anew behind its readers' back.
        let again = options.clone().create_if_missing(false);
        let (writer, ends) = Writer::new(again, writer).await?;
        let (writes, queue) = mpsc::channel(QUEUE);
        let readers = SqlitePoolOptions::new()
            .max_connections(2)
            .connect_with(options.read_only(true))
            .await?;
        tokio::spawn(writer.run(queue));
        Ok(Arc::new(Self {
            writes,
            ends,
            readers,
        }))
    }

    /// Drops the records of a partition below `stored` that are older than a day.
    ///
    /// # Errors
    /// When the file cannot be written; the records then stay until the next call.
    pub async fn trim(
        &self,
        partition: Partition,
        stored: Offset,
        now: Timestamp,
    ) -> Result<u64, sqlx::Error> {
        let oldest = now.0 - i64::try_from(KEEP.as_millis()).unwrap_or(i64::MAX);
        let mut connection = SqliteConnection::connect_with(
            &(*self.readers.connect_options()).clone().read_only(false),
        )
        .await?;
        let dropped = sqlx::query(
            "DELETE FROM records WHERE partition = ? AND offset < ? AND created_ms < ?",
        )
        .bind(partition)
        .bind(stored)
        .bind(oldest)
        .execute(&mut connection)
        .await?;
        connection.close().await?;
        Ok(dropped.rows_affected())
    }

    fn watch_end(&self, partition: Partition) -> Option<watch::Receiver<Offset>> {
        self.ends.get(usize::try_from(partition).ok()?).cloned()
    }
}

#[async_trait]
impl MessageLog for EmbeddedLog {
    fn partitions(&self) -> Partition {
        Partition::try_from(self.ends.len()).unwrap_or(Partition::MAX)
    }

    fn append(
        &self,
        partition: Partition,
        record: Arc<Record>,
    ) -> BoxFuture<'static, Result<Offset, AppendError>> {
        let (done, outcome) = oneshot::channel();
        let queued = if self.watch_end(partition).is_some() {
            let queued = self.writes.try_send(Write {
                partition,
                payload: record.encode(),
                done,
            });
            queued.map_err(|error| AppendError::Unavailable(error.to_string()))
        } else {
            Err(AppendError::Unavailable(format!(
                "there is no partition {partition}"
            )))
        };
        async move {
            queued?;
            outcome
                .await
                .unwrap_or_else(|_| Err(AppendError::OutcomeUnknown("the writer ended".to_owned())))
        }
        .boxed()
    }

    fn follow(
        &self,
        partition: Partition,
        from: Offset,
    ) -> BoxStream<'static, Result<Vec<Entry>, ReadError>> {
        let Some(end) = self.watch_end(partition) else {
            return stream::once(async move { Err(no_partition(partition)) }).boxed();
        };
        let readers = self.readers.clone();
        stream::try_unfold((from, end), move |(from, mut end)| {
            let readers = readers.clone();
            async move {
                let until = *end
                    .wait_for(|end| *end > from)
                    .await
                    .map_err(|_| ReadError::Unavailable("the log was closed".to_owned()))?;
                let to = until.min(from.saturating_add(CHUNK));
                let entries = read(&readers, partition, from, to).await?;
                Ok(Some((entries, (to, end))))
            }
        })
        .boxed()
    }

    async fn read(
        &self,
        partition: Partition,
        from: Offset,
        to: Offset,
    ) -> Result<Vec<Entry>, ReadError> {
        read(&self.readers, partition, from, to).await
    }

    async fn end(&self, partition: Partition) -> Result<Offset, ReadError> {
        let end = self
            .watch_end(partition)
            .ok_or_else(|| no_partition(partition))?;
        Ok(*end.borrow())
    }
}

async fn read(
    readers: &SqlitePool,
    partition: Partition,
    from: Offset,
    to: Offset,
) -> Result<Vec<Entry>, ReadError> {
    let rows =
        sqlx::query("SELECT offset, payload FROM records WHERE partition = ? AND offset >= ? AND offset < ? ORDER BY offset")
            .bind(partition)
            .bind(from)
            .bind(to)
            .fetch_all(readers)
            .await
            .map_err(|error| ReadError::Unavailable(error.to_string()))?;
    let entry = |row: sqlx::sqlite::SqliteRow| Entry {
        offset: row.get(0),
        record: Record::decode(row.get(1)).map(Arc::new),
    };
    Ok(rows.into_iter().map(entry).collect())
}

fn no_partition(partition: Partition) -> ReadError {
    ReadError::Unavailable(format!("there is no partition {partition}"))
}
