//! A Kafka broker of this run's own: one node, broker and controller in one process.
//!
//! A client connects to the address that the broker's metadata names, so a proxy in front of the port alone would be
//! passed by. The broker has one listener per edge, and each is advertised as the proxy that stands before it.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rskafka::client::{
    Client, ClientBuilder,
    partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling},
};
use serde::Deserialize;
use sphere_protocol::{Cid, MessageId, RoomName};
use tokio::{process::Child, time::timeout};

use super::{command, eventually, free_port, log_file, signal};
use crate::Failure;

/// A running broker, or a dead one.
#[derive(Debug)]
pub struct Kafka {
    libs: PathBuf,
    folder: PathBuf,
    /// The broker's own port of each listener; the last one has no proxy.
    ports: Vec<u16>,
    child: Child,
}

/// A record of the log, as far as the checks look at it.
#[derive(Debug, Clone, Deserialize)]
pub struct LogRecord {
    /// Its id; a repeat has the same.
    pub id: MessageId,
    /// The room.
    pub room: RoomName,
    /// The author's key.
    pub cid: Cid,
    /// The text.
    pub message: String,
}

/// A listener that is to be: the broker's own port, and the address that clients are told.
#[derive(Debug, Clone, Copy)]
pub struct Listener {
    /// Where the broker listens.
    pub port: u16,
    /// Where clients connect.
    pub advertised: SocketAddr,
}

impl Kafka {
    /// Starts a broker with these listeners and one more that is reached directly, and waits until it answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn start(
        libs: &Path,
        folder: PathBuf,
        listeners: &[Listener],
    ) -> Result<Self, Failure> {
        std::fs::create_dir_all(&folder)?;
        let direct = free_port()?;
        let mut all = listeners.to_vec();
        all.push(Listener {
            port: direct,
            advertised: SocketAddr::from(([127, 0, 0, 1], direct)),
        });
        let properties = folder.join("server.properties");
        std::fs::write(&properties, self::properties(&folder, &all, free_port()?))?;
        let formatted = java(libs, &folder)?
            .arg("kafka.tools.StorageTool")
            .args(["format", "-t", "c3BoZXJlLWNoZWNrZXItMQ", "-c"])
            .arg(&properties)
            .status()
            .await?;
        if !formatted.success() {
            return Err(format!("Kafka cannot make its data: {}/log", folder.display()).into());
        }
        let kafka = Self {
            libs: libs.to_owned(),
            ports: all.iter().map(|listener| listener.port).collect(),
            child: spawn(libs, &folder)?,
            folder,
        };
        kafka.answers().await?;
        Ok(kafka)
    }

    /// The address that no proxy stands before.
    pub fn direct(&self) -> SocketAddr {
        let port = self.ports.last().copied().unwrap_or_default();
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    /// Kills it.
    ///
    /// # Errors
    /// When it is dead already.
    pub async fn kill(&mut self) -> Result<(), Failure> {
        Ok(self.child.kill().await?)
    }

    /// Brings it back with what it had, and waits until it answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn restart(&mut self) -> Result<(), Failure> {
        self.child = spawn(&self.libs, &self.folder)?;
        self.answers().await
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it is dead.
    pub async fn signal(&self, name: &str) -> Result<(), Failure> {
        signal(&self.child, name).await
    }

    /// Everything that the topic holds: partition, offset, record. What cannot be read is a failure.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn dump(
        &self,
        topic: &str,
        partitions: i32,
    ) -> Result<Vec<(i32, i64, LogRecord)>, Failure> {
        let client = self.client().await?;
        let mut records = Vec::new();
        for partition in 0..partitions {
            let client = partition_client(&client, topic, partition).await?;
            let end = client.get_offset(OffsetAt::Latest).await?;
            let mut next = 0;
            while next < end {
                let (fetched, _) = client.fetch_records(next, 1..1 << 20, 500).await?;
                for fetched in fetched {
                    let payload = fetched.record.value.unwrap_or_default();
                    next = fetched.offset + 1;
                    records.push((partition, fetched.offset, serde_json::from_slice(&payload)?));
                }
            }
        }
        Ok(records)
    }

    /// Where each partition of the topic ends.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn ends(&self, topic: &str, partitions: i32) -> Result<Vec<i64>, Failure> {
        let client = self.client().await?;
        let mut ends = Vec::new();
        for partition in 0..partitions {
            let client = partition_client(&client, topic, partition).await?;
            ends.push(client.get_offset(OffsetAt::Latest).await?);
        }
        Ok(ends)
    }

    /// Appends values as they are, in batches.
    ///
    /// # Errors
    /// When the broker does not take them.
    pub async fn produce(
        &self,
        topic: &str,
        partition: i32,
        values: Vec<Vec<u8>>,
    ) -> Result<(), Failure> {
        let client = partition_client(&self.client().await?, topic, partition).await?;
        for values in values.chunks(500) {
            let records = values.iter().map(|value| rskafka::record::Record {
                key: None,
                value: Some(value.clone()),
                headers: BTreeMap::new(),
                timestamp: chrono::DateTime::from_timestamp_millis(0).unwrap_or_default(),
            });
            client
                .produce(records.collect(), Compression::NoCompression)
                .await?;
        }
        Ok(())
    }

    /// The first value of a topic's partition.
    ///
    /// # Errors
    /// When there is none.
    pub async fn first(&self, topic: &str, partition: i32) -> Result<Vec<u8>, Failure> {
        let client = partition_client(&self.client().await?, topic, partition).await?;
        let (fetched, _) = client.fetch_records(0, 1..1 << 20, 500).await?;
        let first = fetched.into_iter().next().ok_or("the log is empty")?;
        Ok(first.record.value.unwrap_or_default())
    }

    async fn client(&self) -> Result<Client, Failure> {
        let built = ClientBuilder::new(vec![self.direct().to_string()]).build();
        Ok(timeout(Duration::from_secs(20), built).await??)
    }

    async fn answers(&self) -> Result<(), Failure> {
        eventually("Kafka answers", Duration::from_secs(60), async || {
            let listed = async { self.client().await.ok()?.list_topics().await.ok() };
            matches!(timeout(Duration::from_secs(1), listed).await, Ok(Some(_)))
        })
        .await
    }
}

async fn partition_client(
    client: &Client,
    topic: &str,
    partition: i32,
) -> Result<Arc<PartitionClient>, Failure> {
    let client = client.partition_client(topic, partition, UnknownTopicHandling::Retry);
    Ok(Arc::new(timeout(Duration::from_secs(20), client).await??))
}

fn spawn(libs: &Path, folder: &Path) -> Result<Child, Failure> {
    let mut kafka = java(libs, folder)?;
    kafka
        .arg("kafka.Kafka")
        .arg(folder.join("server.properties"));
    Ok(kafka.spawn()?)
}

fn java(libs: &Path, folder: &Path) -> Result<tokio::process::Command, Failure> {
    let mut java = command("java", log_file(&folder.join("log"))?)?;
    java.current_dir(folder).args([
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-cp",
        &format!("{}/*", libs.display()),
    ]);
    Ok(java)
}

/// A killed broker is let in again when its old session has ended: after 3 s instead of 9.
fn properties(folder: &Path, listeners: &[Listener], controller: u16) -> String {
    let named = |address: &dyn Fn(&Listener) -> String| {
        let named = listeners.iter().enumerate();
        let named = named.map(|(edge, listener)| format!("EDGE{edge}://{}", address(listener)));
        named.collect::<Vec<_>>().join(",")
    };
    let own = named(&|listener| format!("127.0.0.1:{}", listener.port));
    let advertised = named(&|listener| listener.advertised.to_string());
    let plain: String = (0..listeners.len())
        .map(|edge| format!("EDGE{edge}:PLAINTEXT,"))
        .collect();
    let between = listeners.len() - 1;
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners={own},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={advertised}
listener.security.protocol.map={plain}CONTROLLER:PLAINTEXT
inter.broker.listener.name=EDGE{between}
log.dirs={}/data
num.network.threads=1
auto.create.topics.enable=false
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
",
        folder.display()
    )
}
