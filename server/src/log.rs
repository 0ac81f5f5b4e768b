//! The message log: the one place where a message becomes true.
//!
//! # Guarantee
//! [`MessageLog::append`] answers with an offset only after the record is durable: on Kafka every in-sync replica has
//! it, embedded it is on the disk. Within a partition offsets rise by the order of the calls and never change their
//! record. An append that fails with [`AppendError::OutcomeUnknown`] may or may not be in the log, once or more: the
//! caller repeats it with the same record id, and every reader drops repeats by id.
//!
//! Called by `chat` (append), `feed` and `consumer` (follow), `history` (read). Adapters: [`embedded`],
//! [`kafka`].

use std::sync::Arc;

use async_trait::async_trait;
use futures::{future::BoxFuture, stream::BoxStream};

pub mod embedded;
pub mod kafka;
pub mod record;

pub use record::Record;

/// Number of a partition, from 0.
pub type Partition = i32;
/// Position of a record in its partition, from 0. There may be holes.
pub type Offset = i64;

/// What the log holds at an offset.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where it stands.
    pub offset: Offset,
    /// What it says, or why this version cannot read it.
    pub record: Result<Arc<Record>, Poison>,
}

/// A record that this version cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unreadable record: {error}")]
pub struct Poison {
    /// The bytes as they stand in the log.
    pub payload: Vec<u8>,
    /// What the decoder says.
    pub error: String,
}

/// Why an append did not give an offset.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Nothing was written and nothing will be: the log is away or its queue is full.
    #[error("the log does not take records: {0}")]
    Unavailable(String),
    /// The record may or may not be in the log.
    #[error("the log did not confirm the record: {0}")]
    OutcomeUnknown(String),
}

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The log is away; the same works later.
    #[error("the log cannot be read: {0}")]
    Unavailable(String),
    /// The log no longer has what was asked for: it was truncated, recreated, or kept for too short a time.
    #[error(
        "partition {partition} of the log holds offsets {start} to {end}, but {from} was to be read"
    )]
    Lost {
        /// The partition.
        partition: Partition,
        /// What was asked for.
        from: Offset,
        /// The first offset that the log has.
        start: Offset,
        /// The offset that the next record will get.
        end: Offset,
    },
}

/// An append-only, partitioned, durable log. See the module for what it promises.
#[async_trait]
pub trait MessageLog: Send + Sync + 'static {
    /// How many partitions the log has, as far as is known.
    fn partitions(&self) -> Partition;

    /// Finds out how many partitions the log has now; they can only grow.
    async fn refresh(&self) -> Result<Partition, ReadError> {
        Ok(self.partitions())
    }

    /// Appends a record. The record is queued when this returns; the future waits for the outcome. Records of one
    /// partition are written in the order of the calls.
    fn append(
        &self,
        partition: Partition,
        record: Arc<Record>,
    ) -> BoxFuture<'static, Result<Offset, AppendError>>;

    /// All entries from `from` on, in order, for ever; `from` is at most the log's end. An error ends the stream; follow again from the next offset.
    fn follow(
        &self,
        partition: Partition,
        from: Offset,
    ) -> BoxStream<'static, Result<Vec<Entry>, ReadError>>;

    /// The entries with `from <= offset < to`, fewer where the log has holes or was trimmed.
    async fn read(
        &self,
        partition: Partition,
        from: Offset,
        to: Offset,
    ) -> Result<Vec<Entry>, ReadError>;

    /// The offset that the next record will get (the high watermark).
    async fn end(&self, partition: Partition) -> Result<Offset, ReadError>;
}
