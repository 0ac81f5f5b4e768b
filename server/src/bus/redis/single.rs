//! Redis as one server: hints on `MESSAGES:<room>`, heard through one pattern. The subscriber's settings are not
//! optional: with the defaults it dies silently in a long outage.

use deadpool_redis::{
    Config, Pool, Runtime,
    redis::{
        self, Client, PushInfo,
        aio::{ConnectionManager, ConnectionManagerConfig},
    },
};
use tokio::time::{sleep, timeout};

use super::{BusError, CALL, EVENTS, Ears, HEARTBEAT, MAX_DELAY, Signal, Speak, away};

/// Publishes through a pool.
pub(super) struct Mouth(Pool);

impl Mouth {
    pub(super) fn open(url: &str) -> Result<Self, BusError> {
        let pool = Config::from_url(url).create_pool(Some(Runtime::Tokio1));
        Ok(Self(pool.map_err(away)?))
    }
}

impl Speak for Mouth {
    async fn speak(&mut self, signals: Vec<Signal>) -> Result<(), String> {
        let mut pipeline = redis::pipe();
        for signal in signals {
            if let Ok(payload) = serde_json::to_vec(&signal) {
                pipeline.publish(channel(&signal), payload).ignore();
            }
        }
        let mut connection = self.0.get().await.map_err(|error| error.to_string())?;
        let sent = pipeline.query_async::<()>(&mut connection).await;
        sent.map_err(|error| error.to_string())
    }
}

/// Subscriptions arrive as pushes, which the old protocol does not have.
pub(super) fn client(url: &str) -> Result<Client, BusError> {
    let separator = if url.contains('?') { '&' } else { '?' };
    Client::open(format!("{url}{separator}protocol=resp3")).map_err(away)
}

/// Receives until the process ends.
pub(super) async fn subscribe(client: Client, ears: Ears) {
    let link = ears.link.clone();
    let config = ConnectionManagerConfig::new()
        .set_push_sender(move |push: PushInfo| {
            ears.hear(&push);
            Ok::<(), std::convert::Infallible>(())
        })
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
        sleep(MAX_DELAY).await;
    };
    let mut subscribed = false;
    loop {
        // With these settings a call waits until Redis is back, however long that takes.
        let asked = timeout(2 * CALL, async {
            if subscribed {
                let ping = redis::cmd("PING");
                ping.query_async::<redis::Value>(&mut manager).await?;
            } else {
                manager.psubscribe("MESSAGES:*").await?;
                manager.subscribe(EVENTS).await?;
            }
            Ok::<(), redis::RedisError>(())
        });
        let asked = match asked.await {
            Ok(asked) => asked.map_err(|error| error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        };
        subscribed |= asked.is_ok();
        link.note(&asked);
        sleep(if asked.is_ok() { HEARTBEAT } else { MAX_DELAY }).await;
    }
}

fn channel(signal: &Signal) -> String {
    match signal {
        Signal::Hint(hint) => format!("MESSAGES:{}", hint.record.room),
        Signal::ProfileChanged { .. } => EVENTS.to_owned(),
    }
}
