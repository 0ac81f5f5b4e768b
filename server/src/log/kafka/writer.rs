//! The writer of a partition: one batch in flight, the next one gathers meanwhile.
//!
//! After a call without an answer the connection is thrown away, since rskafka may still hang on it or repeat it. The
//! records of that batch are then of unknown outcome; those that wait behind it are not.

use rskafka::client::partition::{Compression, PartitionClient};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{CALL, Connect};
use crate::{
    faults::{self, Fault},
    log::{AppendError, Offset, Partition, Record},
    measure::{self, Part},
};

/// Most records of a batch; with 20 KB each they stay below the broker's message limit of 1 MB only in parts.
const BATCH: usize = 500;
/// Most bytes of a batch: half of the broker's default `message.max.bytes`.
const BATCH_BYTES: usize = 512 << 10;

/// A record that waits to be written.
#[derive(Debug)]
pub(super) struct Write {
    record: rskafka::record::Record,
    done: oneshot::Sender<Result<Offset, AppendError>>,
}

impl Write {
    /// The record, and whom to tell where it stands.
    pub(super) fn new(record: &Record, done: oneshot::Sender<Result<Offset, AppendError>>) -> Self {
        Self {
            record: kafka_record(record),
            done,
        }
    }
}

fn kafka_record(record: &Record) -> rskafka::record::Record {
    rskafka::record::Record {
        // Tools that look at the topic see which room a record belongs to; the partition is chosen by us.
        key: Some(record.room.as_str().as_bytes().to_vec()),
        value: Some(record.encode()),
        headers: std::collections::BTreeMap::new(),
        timestamp: chrono::DateTime::from_timestamp_millis(record.created_at.0).unwrap_or_default(),
    }
}

/// The only one on this server that writes to the partition.
pub(super) struct Writer {
    connect: Connect,
    partition: Partition,
    client: Option<PartitionClient>,
    up: bool,
}

impl Writer {
    /// A writer that has not connected yet.
    pub(super) fn new(connect: Connect, partition: Partition) -> Self {
        Self {
            connect,
            partition,
            client: None,
            up: true,
        }
    }

    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Write>) {
        let mut waiting = Vec::with_capacity(BATCH);
        loop {
            if waiting.is_empty() && queue.recv_many(&mut waiting, BATCH).await == 0 {
                return;
            }
            let rest = waiting.split_off(batch_len(&waiting));
            let (records, waiters): (Vec<_>, Vec<_>) = std::mem::replace(&mut waiting, rest)
                .into_iter()
                .map(|write| (write.record, write.done))
                .unzip();
            if faults::on(Fault::TwoBatches) {
                let mut other = Self::new(self.connect.clone(), self.partition);
                tokio::spawn(async move { other.write(records, waiters).await });
            } else {
                self.write(records, waiters).await;
            }
        }
    }

    /// Writes a batch and tells everybody who waits for one of its records.
    async fn write(
        &mut self,
        records: Vec<rskafka::record::Record>,
        waiters: Vec<oneshot::Sender<Result<Offset, AppendError>>>,
    ) {
        let outcome = self.produce(records).await;
        if outcome.is_err() && self.up {
            measure::outage(Part::Log);
        }
        self.up = outcome.is_ok();
        for (index, waiter) in waiters.into_iter().enumerate() {
            // Whoever waited may be gone; the record stands all the same.
            let _ = waiter.send(match &outcome {
                Ok(offsets) => offsets.get(index).copied().ok_or_else(|| {
                    AppendError::OutcomeUnknown("the broker named too few offsets".to_owned())
                }),
                Err(AppendError::Unavailable(why)) => Err(AppendError::Unavailable(why.clone())),
                Err(AppendError::OutcomeUnknown(why)) => {
                    Err(AppendError::OutcomeUnknown(why.clone()))
                }
            });
        }
    }

    async fn produce(
        &mut self,
        records: Vec<rskafka::record::Record>,
    ) -> Result<Vec<Offset>, AppendError> {
        let client = match self.client.take() {
            Some(client) => client,
            // Nothing was sent yet: the records are not in the log.
            None => self
                .connect
                .partition(self.partition)
                .await
                .map_err(|error| AppendError::Unavailable(error.to_string()))?,
        };
        match timeout(CALL, client.produce(records, Compression::NoCompression)).await {
            Ok(Ok(offsets)) => {
                self.client = Some(client);
                Ok(offsets)
            }
            Ok(Err(error)) => Err(AppendError::OutcomeUnknown(error.to_string())),
            Err(_) => Err(AppendError::OutcomeUnknown(
                "the broker does not answer".to_owned(),
            )),
        }
    }
}

/// How many of the waiting records make a batch; one at least.
fn batch_len(waiting: &[Write]) -> usize {
    let mut bytes = 0;
    let fits = waiting.iter().take_while(|write| {
        bytes += write.record.approximate_size();
        bytes <= BATCH_BYTES
    });
    fits.count().max(1)
}
