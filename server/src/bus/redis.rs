//! The bus of many machines: Redis pub/sub, on one server ([`single`]) or on a cluster with sharded channels
//! ([`cluster`]).
//!
//! Publishing never waits for Redis: signals are queued and sent by one task, and what cannot be sent at once is dropped,
//! since a late hint is worth nothing. Receiving takes a connection of its own that comes back for ever.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::time::Duration;

use async_trait::async_trait;
use deadpool_redis::redis::{PushInfo, PushKind, Value};
use futures::{StreamExt as _, stream, stream::BoxStream};
use tokio::{
    sync::{Notify, broadcast, mpsc, watch},
    time::timeout,
};

use super::{Bus, BusError, Signal};
use crate::{
    log::Partition,
    measure::{self, Part},
};

mod address;
mod cluster;
mod single;

pub use address::Address;

/// Signals that wait to be published; more are dropped, the log brings them.
const QUEUE: usize = 4_096;
/// Signals that are sent together.
const PIPELINE: usize = 256;
/// Signals that a subscriber of this process may lag behind before it misses some.
const CAPACITY: usize = 4_096;
/// How long Redis may take to connect, for a pipeline, or for a heartbeat.
const CALL: Duration = Duration::from_secs(1);
/// Longest pause between two attempts to connect.
const MAX_DELAY: Duration = Duration::from_secs(2);
/// How often the subscriber asks whether its connection lives: nothing else tells that it is half-open.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// The channel of everything that is not a hint.
const EVENTS: &str = "EVENTS";

/// The Redis bus.
#[derive(Debug)]
pub struct RedisBus {
    queue: mpsc::Sender<Signal>,
    received: broadcast::Sender<Signal>,
    partitions: watch::Sender<Partition>,
    link: Link,
}

impl RedisBus {
    /// A bus on this Redis. It need not be there yet: nothing but speed depends on it.
    ///
    /// # Errors
    /// When the address cannot be understood.
    pub fn open(url: &str) -> Result<Arc<Self>, BusError> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let bus = Self {
            queue,
            received: broadcast::Sender::new(CAPACITY),
            partitions: watch::Sender::new(0),
            link: Link::default(),
        };
        let ears = Ears {
            received: bus.received.clone(),
            link: bus.link.clone(),
        };
        match Address::parse(url) {
            Some(Address::One(url)) => {
                let mouth = single::Mouth::open(&url)?;
                tokio::spawn(publish(mouth, waiting, bus.link.clone()));
                tokio::spawn(single::subscribe(single::client(&url)?, ears));
            }
            Some(Address::Cluster(nodes)) => {
                let mouth = cluster::Mouth::open(&nodes)?;
                tokio::spawn(publish(mouth, waiting, bus.link.clone()));
                let client = cluster::subscriber(&nodes, ears.clone())?;
                let partitions = bus.partitions.subscribe();
                tokio::spawn(cluster::subscribe(client, partitions, ears.link));
            }
            None => return Err(BusError("this is no address of Redis".to_owned())),
        }
        Ok(Arc::new(bus))
    }
}

#[async_trait]
impl Bus for RedisBus {
    async fn publish(&self, signal: Signal) -> Result<(), BusError> {
        self.queue
            .try_send(signal)
            .map_err(|error| BusError(error.to_string()))
    }

    fn subscribe(&self) -> BoxStream<'static, Signal> {
        stream::unfold(self.received.subscribe(), |mut receiver| async move {
            loop {
                match receiver.recv().await {
                    Ok(signal) => return Some((signal, receiver)),
                    Err(broadcast::error::RecvError::Lagged(missed)) => {
                        measure::hints_lost(missed);
                        tracing::debug!(missed, "the bus lagged; the log fills in");
                    }
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        })
        .boxed()
    }

    fn is_up(&self) -> bool {
        self.link.is_up()
    }

    fn grow(&self, partitions: Partition) {
        self.partitions.send_replace(partitions);
    }
}

/// Whether Redis answered lately. Cheap to clone.
#[derive(Debug, Clone, Default)]
struct Link(Arc<State>);

#[derive(Debug, Default)]
struct State {
    up: AtomicBool,
    broken: Notify,
}

impl Link {
    fn is_up(&self) -> bool {
        self.0.up.load(Ordering::Relaxed)
    }

    /// Waits until a connection of the subscriber breaks.
    async fn broken(&self) {
        self.0.broken.notified().await;
    }

    /// Takes note of how a call went.
    fn note(&self, outcome: &Result<(), String>) {
        let was_up = self.0.up.swap(outcome.is_ok(), Ordering::Relaxed);
        match outcome {
            Ok(()) if !was_up => tracing::info!("Redis answers"),
            Err(error) if was_up => {
                measure::outage(Part::Bus);
                tracing::warn!(%error, "Redis is away; messages travel through the log alone");
            }
            _ => {}
        }
    }
}

/// Sends signals, all or as many as can be.
trait Speak: Send + 'static {
    fn speak(&mut self, signals: Vec<Signal>) -> impl Future<Output = Result<(), String>> + Send;
}

/// Sends what is queued. What cannot be sent is dropped at once.
async fn publish(mut mouth: impl Speak, mut waiting: mpsc::Receiver<Signal>, link: Link) {
    let mut signals = Vec::with_capacity(PIPELINE);
    while waiting.recv_many(&mut signals, PIPELINE).await > 0 {
        let count = signals.len() as u64;
        let sent = timeout(CALL, mouth.speak(signals.split_off(0)))
            .await
            .unwrap_or_else(|_| Err("no answer in time".to_owned()));
        if sent.is_err() {
            measure::hints_lost(count);
        }
        link.note(&sent);
    }
}

/// Takes what Redis pushes.
#[derive(Debug, Clone)]
struct Ears {
    received: broadcast::Sender<Signal>,
    link: Link,
}

impl Ears {
    fn hear(&self, push: &PushInfo) {
        match push.kind {
            PushKind::PMessage | PushKind::Message | PushKind::SMessage => {
                if let Some(signal) = signal(push) {
                    // Nobody may listen yet.
                    let _ = self.received.send(signal);
                }
            }
            PushKind::Disconnection => {
                self.link.0.broken.notify_one();
                self.link.note(&Err(
                    "the subscription broke; it comes back by itself".to_owned()
                ));
            }
            _ => {}
        }
    }
}

/// The payload is the last part of a message, with or without a pattern. An empty one is a heartbeat.
fn signal(push: &PushInfo) -> Option<Signal> {
    let Value::BulkString(payload) = push.data.last()? else {
        return None;
    };
    if payload.is_empty() {
        return None;
    }
    serde_json::from_slice(payload)
        .map_err(|error| tracing::warn!(%error, "a signal that cannot be read"))
        .ok()
}

fn away(error: impl std::fmt::Display) -> BusError {
    BusError(error.to_string())
}
