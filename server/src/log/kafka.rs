//! The log of many machines: a Kafka topic, one partition of which is one of ours.
//!
//! rskafka is not idempotent, retries inside and has no request time-out: a lost response can store a batch twice, and a
//! broker that hangs makes a call hang. So every call has a time-out of our own, after which the connection is thrown
//! away; one task per partition writes, with one batch in flight, which keeps the order; and an append without an answer
//! is "outcome unknown", never "failed". While a batch is in flight the next one gathers: no waiting when idle.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream, stream::BoxStream};
use parking_lot::RwLock;
use rskafka::client::{
    error::{Error, ProtocolError},
    partition::{Compression, OffsetAt, PartitionClient},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{AppendError, Entry, MessageLog, Offset, Partition, ReadError, Record};
use crate::faults::{self, Fault};

mod connect;

pub use connect::{Connect, KafkaConfig, KafkaError, Sasl};

/// Our own time-out around every call.
const CALL: Duration = Duration::from_secs(3);
/// How long a fetch waits at the broker for something new.
const WAIT_MS: i32 = 500;
/// Most bytes of a fetch.
const FETCH: i32 = 1 << 20;
/// Appends of a partition that may wait; more are refused.
const QUEUE: usize = 8_192;
/// Most records of a batch; with 20 KB each they stay below the broker's message limit of 1 MB only in parts.
const BATCH: usize = 500;
/// Most bytes of a batch: half of the broker's default `message.max.bytes`.
const BATCH_BYTES: usize = 512 << 10;

/// The Kafka log.
#[derive(Debug)]
pub struct KafkaLog {
    connect: Connect,
    writers: RwLock<Vec<mpsc::Sender<Write>>>,
}

#[derive(Debug)]
struct Write {
    record: rskafka::record::Record,
    done: oneshot::Sender<Result<Offset, AppendError>>,
}

impl KafkaLog {
    /// Connects, and creates the topic if it is missing.
    ///
    /// # Errors
    /// A sentence for whoever started the server.
    pub async fn open(config: KafkaConfig) -> Result<Arc<Self>, KafkaError> {
        let connect = Connect::new(config);
        let partitions = connect.create_topic().await?;
        let log = Self {
            connect,
            writers: RwLock::default(),
        };
        log.grow_to(partitions);
        Ok(Arc::new(log))
    }

    fn grow_to(&self, partitions: Partition) {
        let mut writers = self.writers.write();
        for partition in writers.len()..usize::try_from(partitions).unwrap_or(0) {
            let (sender, queue) = mpsc::channel(QUEUE);
            let partition = Partition::try_from(partition).unwrap_or(Partition::MAX);
            tokio::spawn(
                Writer {
                    connect: self.connect.clone(),
                    partition,
                    client: None,
                }
                .run(queue),
            );
            writers.push(sender);
        }
    }
}

#[async_trait]
impl MessageLog for KafkaLog {
    fn partitions(&self) -> Partition {
        Partition::try_from(self.writers.read().len()).unwrap_or(Partition::MAX)
    }

    async fn refresh(&self) -> Result<Partition, ReadError> {
        let partitions = self
            .connect
            .partitions()
            .await
            .map_err(|error| ReadError::Unavailable(error.to_string()))?;
        self.grow_to(partitions);
        Ok(self.partitions())
    }

    fn append(
        &self,
        partition: Partition,
        record: Arc<Record>,
    ) -> BoxFuture<'static, Result<Offset, AppendError>> {
        let (done, outcome) = oneshot::channel();
        let write = Write {
            record: kafka_record(&record),
            done,
        };
        let writer = usize::try_from(partition)
            .ok()
            .and_then(|partition| self.writers.read().get(partition).cloned());
        let queued = match writer {
            Some(writer) => writer
                .try_send(write)
                .map_err(|error| AppendError::Unavailable(error.to_string())),
            None => Err(AppendError::Unavailable(format!(
                "there is no partition {partition}"
            ))),
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
        let connect = self.connect.clone();
        stream::try_unfold((None, from), move |(client, from)| {
            let connect = connect.clone();
            async move {
                let client = match client {
                    Some(client) => client,
                    None => connect
                        .partition(partition)
                        .await
                        .map_err(|error| ReadError::Unavailable(error.to_string()))?,
                };
                loop {
                    let entries = fetch(&client, from, WAIT_MS).await?;
                    if let Some(last) = entries.last() {
                        let next = last.offset + 1;
                        return Ok(Some((entries, (Some(client), next))));
                    }
                }
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
        let client = self
            .connect
            .partition(partition)
            .await
            .map_err(|error| ReadError::Unavailable(error.to_string()))?;
        let mut entries = Vec::new();
        let mut next = from;
        while next < to {
            let fetched = match fetch(&client, next, 0).await {
                // Nothing stands there yet.
                Err(ReadError::Lost { from, end, .. }) if from > end => break,
                fetched => fetched?,
            };
            let Some(last) = fetched.last() else { break };
            next = last.offset + 1;
            entries.extend(fetched.into_iter().filter(|entry| entry.offset < to));
        }
        Ok(entries)
    }

    async fn end(&self, partition: Partition) -> Result<Offset, ReadError> {
        let client = self
            .connect
            .partition(partition)
            .await
            .map_err(|error| ReadError::Unavailable(error.to_string()))?;
        offset(&client, OffsetAt::Latest).await
    }
}

/// Entries from an offset on; none when there is nothing new. An offset that the log does not have is told from a log
/// that is away: the former must stop whoever reads.
async fn fetch(
    client: &PartitionClient,
    from: Offset,
    wait_ms: i32,
) -> Result<Vec<Entry>, ReadError> {
    let patience = CALL + Duration::from_millis(u64::try_from(wait_ms).unwrap_or_default());
    match timeout(patience, client.fetch_records(from, 1..FETCH, wait_ms)).await {
        Ok(Ok((records, _))) => Ok(records
            .into_iter()
            .filter(|record| record.offset >= from)
            .map(entry)
            .collect()),
        Ok(Err(Error::ServerError {
            protocol_error: ProtocolError::OffsetOutOfRange,
            ..
        })) => {
            let (start, end) = (
                offset(client, OffsetAt::Earliest).await?,
                offset(client, OffsetAt::Latest).await?,
            );
            Err(ReadError::Lost {
                partition: client.partition(),
                from,
                start,
                end,
            })
        }
        Ok(Err(error)) => Err(ReadError::Unavailable(error.to_string())),
        Err(_) => Err(ReadError::Unavailable(
            "the broker does not answer".to_owned(),
        )),
    }
}

async fn offset(client: &PartitionClient, at: OffsetAt) -> Result<Offset, ReadError> {
    match timeout(CALL, client.get_offset(at)).await {
        Ok(offset) => offset.map_err(|error| ReadError::Unavailable(error.to_string())),
        Err(_) => Err(ReadError::Unavailable(
            "the broker does not answer".to_owned(),
        )),
    }
}

fn entry(fetched: rskafka::record::RecordAndOffset) -> Entry {
    let payload = fetched.record.value.unwrap_or_default();
    Entry {
        offset: fetched.offset,
        record: Record::decode(&payload).map(Arc::new),
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
struct Writer {
    connect: Connect,
    partition: Partition,
    client: Option<PartitionClient>,
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Write>) {
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
                let mut other = Self {
                    connect: self.connect.clone(),
                    partition: self.partition,
                    client: None,
                };
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
