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
    partition::{OffsetAt, PartitionClient},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{AppendError, Entry, MessageLog, Offset, Partition, ReadError, Record};

mod connect;
mod writer;

pub use connect::{Connect, KafkaConfig, KafkaError, Sasl};

use writer::{Write, Writer};

/// Our own time-out around every call.
const CALL: Duration = Duration::from_secs(3);
/// How long a fetch waits at the broker for something new.
const WAIT_MS: i32 = 500;
/// Most bytes of a fetch.
const FETCH: i32 = 1 << 20;
/// Appends of a partition that may wait; more are refused.
const QUEUE: usize = 8_192;

/// The Kafka log.
#[derive(Debug)]
pub struct KafkaLog {
    connect: Connect,
    writers: RwLock<Vec<mpsc::Sender<Write>>>,
}

impl KafkaLog {
    /// Connects, and creates the topic if it is missing.
    ///
    /// # Errors
    /// A sentence for whoever started the server.
    pub async fn open(config: KafkaConfig) -> Result<Arc<Self>, KafkaError> {
        let connect = Connect::new(config);
        let partitions = connect.create_topic().await?;
        connect.try_out().await?;
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
            tokio::spawn(Writer::new(self.connect.clone(), partition).run(queue));
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
        let write = Write::new(&record, done);
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
