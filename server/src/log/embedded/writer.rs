//! The writer of the embedded log: gathers what waits and commits it at once, so that one fsync serves many.
//!
//! A record is answered when its commit is on the disk, or with an outcome that nobody knows when the commit failed. The
//! connection is then thrown away: SQLite undoes a transaction by itself when the disk is full, sqlx does not learn of it,
//! and no other transaction would ever begin. Started by [`super::EmbeddedLog`].

use sqlx::{Connection as _, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{mpsc, oneshot, watch};

use crate::log::{AppendError, Offset, Partition};

/// Most records of one commit: bounds how long the first of a group waits for the last.
const GROUP: usize = 512;

/// A record that is to be written.
#[derive(Debug)]
pub(super) struct Write {
    pub(super) partition: Partition,
    pub(super) payload: Vec<u8>,
    pub(super) done: oneshot::Sender<Result<Offset, AppendError>>,
}

/// The next offset of every partition, as the file has it.
async fn next_offsets(connection: &mut SqliteConnection) -> Result<Vec<Offset>, sqlx::Error> {
    let rows = sqlx::query("SELECT next_offset FROM partitions ORDER BY partition")
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| row.get(0)).collect())
}

/// The only one that writes records.
pub(super) struct Writer {
    options: SqliteConnectOptions,
    /// None after a failure, until the file can be opened again.
    connection: Option<SqliteConnection>,
    next: Vec<Offset>,
    ends: Vec<watch::Sender<Offset>>,
}

impl Writer {
    /// A writer on this connection, and where each partition ends.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) async fn new(
        options: SqliteConnectOptions,
        mut connection: SqliteConnection,
    ) -> Result<(Self, Vec<watch::Receiver<Offset>>), sqlx::Error> {
        let next = next_offsets(&mut connection).await?;
        let (ends, receivers) = next.iter().map(|offset| watch::channel(*offset)).unzip();
        let writer = Self {
            options,
            connection: Some(connection),
            next,
            ends,
        };
        Ok((writer, receivers))
    }

    /// Writes what is queued until nobody can queue any more.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Write>) {
        let mut group = Vec::with_capacity(GROUP);
        while queue.recv_many(&mut group, GROUP).await > 0 {
            match self.commit(&group).await {
                Ok(offsets) => {
                    for (write, offset) in group.drain(..).zip(offsets) {
                        // Whoever waited may be gone; the record stands all the same.
                        let _ = write.done.send(Ok(offset));
                    }
                }
                Err(error) => {
                    tracing::error!(%error, records = group.len(), "the log could not commit");
                    for write in group.drain(..) {
                        let _ = write
                            .done
                            .send(Err(AppendError::OutcomeUnknown(error.to_string())));
                    }
                    // The commit may have happened before it failed: followers want to know now.
                    self.connection = self.reopen().await.ok();
                }
            }
            for (end, next) in self.ends.iter().zip(&self.next) {
                end.send_if_modified(|end| std::mem::replace(end, *next) != *next);
            }
        }
    }

    /// A new connection; where the partitions end after a failure only the file knows.
    async fn reopen(&mut self) -> Result<SqliteConnection, sqlx::Error> {
        let mut connection = SqliteConnection::connect_with(&self.options).await?;
        self.next = next_offsets(&mut connection).await?;
        Ok(connection)
    }

    /// Commits a group. The connection is kept only if all went well.
    async fn commit(&mut self, group: &[Write]) -> Result<Vec<Offset>, sqlx::Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.reopen().await?,
        };
        let mut next = self.next.clone();
        let mut offsets = Vec::with_capacity(group.len());
        let now = crate::clock::now().0;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        for write in group {
            let offset = usize::try_from(write.partition)
                .ok()
                .and_then(|partition| next.get_mut(partition));
            let offset = offset.ok_or_else(|| {
                sqlx::Error::Protocol(format!("there is no partition {}", write.partition))
            })?;
            sqlx::query("INSERT INTO records VALUES (?, ?, ?, ?)")
                .bind(write.partition)
                .bind(*offset)
                .bind(now)
                .bind(write.payload.as_slice())
                .execute(&mut *transaction)
                .await?;
            offsets.push(*offset);
            *offset += 1;
        }
        for (partition, (new, old)) in next.iter().zip(&self.next).enumerate() {
            if new != old {
                sqlx::query("UPDATE partitions SET next_offset = ? WHERE partition = ?")
                    .bind(*new)
                    .bind(i64::try_from(partition).unwrap_or(i64::MAX))
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        transaction.commit().await?;
        self.connection = Some(connection);
        self.next = next;
        Ok(offsets)
    }
}
