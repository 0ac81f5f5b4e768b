//! The bus of many machines: Redis pub/sub. Hints go to `MESSAGES:<room>`, everything else to `EVENTS`.
//!
//! Publishing never waits for Redis: signals are queued and sent in pipelines by one task. Subscribing takes one
//! connection of its own over RESP3 that reconnects for ever and subscribes again by itself. Its settings are not
//! optional: with the defaults it dies silently in a long outage, and nothing but a failing command tells that a
//! half-open connection is dead, hence the heartbeat.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use deadpool_redis::{
    Config, Pool, Runtime,
    redis::{
        self, PushInfo, PushKind,
        aio::{ConnectionManager, ConnectionManagerConfig},
    },
};
use futures::{StreamExt as _, stream, stream::BoxStream};
use tokio::{
    sync::{broadcast, mpsc},
    time::timeout,
};

use super::{Bus, BusError, Signal};

/// Signals that wait to be published; more are dropped, the log brings them.
const QUEUE: usize = 4_096;
/// Signals of one pipeline.
const PIPELINE: usize = 256;
/// Signals that a subscriber of this process may lag behind before it misses some.
const CAPACITY: usize = 4_096;
/// How long Redis may take for a pipeline or a heartbeat.
const CALL: Duration = Duration::from_secs(1);
/// Longest pause between two attempts to connect.
const MAX_DELAY: Duration = Duration::from_secs(2);
/// How often the subscriber asks whether its connection lives.
const HEARTBEAT: Duration = Duration::from_secs(5);

const EVENTS: &str = "EVENTS";

/// The Redis bus.
#[derive(Debug)]
pub struct RedisBus {
    queue: mpsc::Sender<Signal>,
    received: broadcast::Sender<Signal>,
}

impl RedisBus {
    /// A bus on this Redis. It need not be there yet: nothing but speed depends on it.
    ///
    /// # Errors
    /// When the address cannot be understood.
    pub fn open(url: &str) -> Result<Arc<Self>, BusError> {
        let pool = Config::from_url(url)
            .create_pool(Some(Runtime::Tokio1))
            .map_err(|error| BusError(error.to_string()))?;
        let separator = if url.contains('?') { '&' } else { '?' };
        let client = redis::Client::open(format!("{url}{separator}protocol=resp3"))
            .map_err(|error| BusError(error.to_string()))?;
        let (queue, waiting) = mpsc::channel(QUEUE);
        let received = broadcast::Sender::new(CAPACITY);
        tokio::spawn(publish(pool, waiting));
        tokio::spawn(subscribe(client, received.clone()));
        Ok(Arc::new(Self { queue, received }))
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
                        tracing::debug!(missed, "the bus lagged; the log fills in")
                    }
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        })
        .boxed()
    }
}

/// Sends what is queued. What cannot be sent is dropped at once: a late hint is worth nothing.
async fn publish(pool: Pool, mut waiting: mpsc::Receiver<Signal>) {
    let mut signals = Vec::with_capacity(PIPELINE);
    let mut up = true;
    while waiting.recv_many(&mut signals, PIPELINE).await > 0 {
        let mut pipeline = redis::pipe();
        for signal in signals.drain(..) {
            if let Ok(payload) = serde_json::to_vec(&signal) {
                pipeline.publish(channel(&signal), payload).ignore();
            }
        }
        let sent = timeout(CALL, async {
            let mut connection = pool.get().await.map_err(|error| error.to_string())?;
            pipeline
                .query_async::<()>(&mut connection)
                .await
                .map_err(|error| error.to_string())
        });
        let sent = sent
            .await
            .unwrap_or_else(|_| Err("no answer in time".to_owned()));
        match &sent {
            Ok(()) if !up => tracing::info!("Redis is back"),
            Err(error) if up => {
                tracing::warn!(%error, "Redis is away; messages travel through the log alone")
            }
            _ => {}
        }
        up = sent.is_ok();
    }
}

/// Receives until the process ends.
async fn subscribe(client: redis::Client, received: broadcast::Sender<Signal>) {
    let receive = move |push: PushInfo| {
        match push.kind {
            PushKind::PMessage | PushKind::Message => {
                if let Some(signal) = signal(&push) {
                    // Nobody may listen yet.
                    let _ = received.send(signal);
                }
            }
            PushKind::Disconnection => {
                tracing::warn!("the subscription to Redis broke; it comes back by itself")
            }
            _ => {}
        }
        Ok::<(), std::convert::Infallible>(())
    };
    let config = ConnectionManagerConfig::new()
        .set_push_sender(receive)
        .set_automatic_resubscription()
        .set_number_of_retries(usize::MAX)
        .set_max_delay(MAX_DELAY)
        .set_connection_timeout(Some(CALL))
        .set_response_timeout(Some(CALL));
    let mut manager = loop {
        match ConnectionManager::new_lazy_with_config(client.clone(), config.clone()) {
            Ok(manager) => break manager,
            Err(error) => tracing::warn!(%error, "Redis cannot be reached"),
        }
        tokio::time::sleep(MAX_DELAY).await;
    };
    let mut subscribed = false;
    loop {
        if !subscribed {
            let both = async {
                manager.psubscribe("MESSAGES:*").await?;
                manager.subscribe(EVENTS).await
            };
            match both.await {
                Ok(()) => subscribed = true,
                Err(error) => tracing::warn!(%error, "cannot subscribe to Redis; trying again"),
            }
        } else if let Err(error) = redis::cmd("PING")
            .query_async::<redis::Value>(&mut manager)
            .await
        {
            tracing::debug!(%error, "a heartbeat to Redis failed; the connection is made again");
        }
        tokio::time::sleep(if subscribed { HEARTBEAT } else { MAX_DELAY }).await;
    }
}

fn channel(signal: &Signal) -> String {
    match signal {
        Signal::Hint(hint) => format!("MESSAGES:{}", hint.record.room),
        Signal::ProfileChanged { .. } => EVENTS.to_owned(),
    }
}

/// The payload is the last part of a message, with or without a pattern.
fn signal(push: &PushInfo) -> Option<Signal> {
    let redis::Value::BulkString(payload) = push.data.last()? else {
        return None;
    };
    serde_json::from_slice(payload)
        .map_err(|error| tracing::warn!(%error, "a signal that cannot be read"))
        .ok()
}
