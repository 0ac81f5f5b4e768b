//! Redis as a cluster, with sharded pub/sub: one channel per partition, on the node that has the channel's slot, so that
//! the traffic is spread over the nodes instead of being repeated on each.
//!
//! Slots move, and a client notices it only when a command fails. The heartbeat therefore publishes nothing to every channel
//! over the subscriber's own connection; after any failure, and when a node's connection breaks, all is begun anew.

use std::{collections::BTreeSet, time::Duration};

use deadpool_redis::redis::{
    AsyncTypedCommands as _, ProtocolVersion, PushInfo, RedisError,
    cluster::{ClusterClient, ClusterClientBuilder},
    cluster_async::ClusterConnection,
};
use futures::future::{join_all, try_join_all};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{BusError, CALL, EVENTS, Ears, HEARTBEAT, Link, MAX_DELAY, Signal, Speak, away};
use crate::log::Partition;

/// Pause after a connection broke: the others of that node break in the same moment.
const BREATH: Duration = Duration::from_millis(250);

/// Publishes over one connection per node.
pub(super) struct Mouth {
    client: ClusterClient,
    connection: Option<ClusterConnection>,
}

impl Mouth {
    pub(super) fn open(nodes: &[String]) -> Result<Self, BusError> {
        Ok(Self {
            client: builder(nodes).build().map_err(away)?,
            connection: None,
        })
    }
}

impl Speak for Mouth {
    async fn speak(&mut self, signals: Vec<Signal>) -> Result<(), String> {
        // Taken out: a call that is given up, or fails, leaves no connection behind.
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => connect(&self.client).await?,
        };
        let sends = signals.iter().filter_map(|signal| {
            let payload = serde_json::to_vec(signal).ok()?;
            let mut connection = connection.clone();
            Some(async move { connection.spublish(channel(signal), payload).await })
        });
        let sent = join_all(sends).await;
        let sent: Result<Vec<_>, RedisError> = sent.into_iter().collect();
        sent.map_err(|error| error.to_string())?;
        self.connection = Some(connection);
        Ok(())
    }
}

/// A client whose subscriptions are heard.
pub(super) fn subscriber(nodes: &[String], ears: Ears) -> Result<ClusterClient, BusError> {
    let client = builder(nodes).push_sender(move |push: PushInfo| {
        ears.hear(&push);
        Ok::<(), std::convert::Infallible>(())
    });
    client.build().map_err(away)
}

/// Receives until the process ends.
pub(super) async fn subscribe(
    client: ClusterClient,
    mut partitions: watch::Receiver<Partition>,
    link: Link,
) {
    let mut connection = None;
    let mut subscribed = BTreeSet::new();
    loop {
        let count = *partitions.borrow_and_update();
        let beating = async {
            let connected = match connection.take() {
                Some(connected) => connected,
                None => {
                    subscribed.clear();
                    connect(&client).await?
                }
            };
            beat(connected, count, &mut subscribed).await
        };
        let beaten = match timeout(4 * CALL, beating).await {
            Ok(beaten) => beaten.map(|connected| connection = Some(connected)),
            Err(_) => Err("no answer in time".to_owned()),
        };
        link.note(&beaten);
        let pause = if beaten.is_ok() { HEARTBEAT } else { MAX_DELAY };
        tokio::select! {
            () = sleep(pause) => {}
            () = link.broken() => {
                connection = None;
                sleep(BREATH).await;
            }
            changed = partitions.changed() => if changed.is_err() { return },
        }
    }
}

/// Subscribes to what is missing and publishes nothing to every channel. Gives the connection back if all of it went well:
/// another one finds the nodes that have the slots now.
async fn beat(
    mut connection: ClusterConnection,
    partitions: Partition,
    subscribed: &mut BTreeSet<String>,
) -> Result<ClusterConnection, String> {
    for channel in channels(partitions) {
        if !subscribed.contains(&channel) {
            let outcome = connection.ssubscribe(channel.as_str()).await;
            outcome.map_err(|error| error.to_string())?;
            subscribed.insert(channel);
        }
    }
    let beats = channels(partitions).map(|channel| {
        let mut connection = connection.clone();
        async move { connection.spublish(channel, "").await }
    });
    let heard = try_join_all(beats)
        .await
        .map_err(|error| error.to_string())?;
    if heard.contains(&0) {
        return Err("a subscription is gone".to_owned());
    }
    Ok(connection)
}

async fn connect(client: &ClusterClient) -> Result<ClusterConnection, String> {
    let connection = client.get_async_connection().await;
    connection.map_err(|error| error.to_string())
}

fn builder(nodes: &[String]) -> ClusterClientBuilder {
    ClusterClient::builder(nodes.iter().map(String::as_str))
        .use_protocol(ProtocolVersion::RESP3)
        .connection_timeout(CALL)
        .response_timeout(CALL)
        .retries(3)
        .max_retry_wait(500)
}

fn channels(partitions: Partition) -> impl Iterator<Item = String> {
    (0..partitions)
        .map(messages)
        .chain(std::iter::once(EVENTS.to_owned()))
}

fn messages(partition: Partition) -> String {
    format!("MESSAGES:{partition}")
}

fn channel(signal: &Signal) -> String {
    match signal {
        Signal::Hint(hint) => messages(hint.partition),
        Signal::ProfileChanged { .. } => EVENTS.to_owned(),
    }
}
