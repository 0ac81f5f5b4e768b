//! A whole Sphere: web servers and consumers as real processes, each with its own edges to Kafka, Redis, PostgreSQL and,
//! for a server, to its clients.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::net::TcpListener;

use crate::{
    Failure,
    parts::{
        eventually, free_port,
        kafka::{Kafka, Listener},
        postgres::Database,
        redis::Redis,
    },
    proxy::Proxy,
};

mod node;

pub use node::Node;

/// Partitions of the log.
pub const PARTITIONS: i32 = 4;

/// What stands under every cluster of a run: the broker and its proxies, Redis, the database server.
#[derive(Debug)]
pub struct Ground {
    /// The broker.
    pub kafka: Kafka,
    /// The Redis.
    pub redis: Redis,
    database: String,
    /// One per process, in their order; none of them is used when the edges are to be direct.
    kafka_edges: Vec<Arc<Proxy>>,
    /// Logs, data and histories.
    pub folder: PathBuf,
}

/// Where the programs and the servers are.
#[derive(Debug, Clone)]
pub struct Places {
    /// The binary under test.
    pub sphere: PathBuf,
    /// Kafka's jars.
    pub kafka_libs: PathBuf,
    /// A PostgreSQL in which databases may be made.
    pub database_url: String,
}

impl Ground {
    /// Starts a broker for so many processes, and a Redis.
    ///
    /// # Errors
    /// When one of them does not answer.
    pub async fn start(places: &Places, folder: &Path, processes: usize) -> Result<Self, Failure> {
        let (mut edges, mut listeners) = (Vec::new(), Vec::new());
        for _ in 0..processes {
            let port = free_port()?;
            let proxy = Proxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
            listeners.push(Listener {
                port,
                advertised: proxy.address(),
            });
            edges.push(Arc::new(proxy));
        }
        let (kafka, redis) = tokio::try_join!(
            Kafka::start(&places.kafka_libs, folder.join("kafka"), &listeners),
            Redis::start(folder.join("redis")),
        )?;
        Ok(Self {
            kafka,
            redis,
            database: places.database_url.clone(),
            kafka_edges: edges,
            folder: folder.to_owned(),
        })
    }
}

/// How a cluster is made.
#[derive(Debug, Clone)]
pub struct Shape {
    /// Its name: of the topic and of the database.
    pub name: String,
    /// The binary.
    pub binary: PathBuf,
    /// Web servers.
    pub servers: usize,
    /// Consumers.
    pub consumers: usize,
    /// Rooms.
    pub rooms: usize,
    /// Whether a proxy stands on every edge.
    pub proxied: bool,
    /// What a binary with the feature `faults` does wrong.
    pub wrong: Option<&'static str>,
}

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    /// How it is made.
    pub shape: Shape,
    /// Its database.
    pub database: Database,
    /// The web servers.
    pub servers: Vec<Node>,
    /// The consumers.
    pub consumers: Vec<Node>,
}

/// The name of a room.
pub fn room_name(index: usize) -> String {
    format!("r{index:02}")
}

impl Cluster {
    /// Starts all of it and waits until every process is ready.
    ///
    /// # Errors
    /// When one of them is not.
    pub async fn start(ground: &Ground, shape: Shape) -> Result<Self, Failure> {
        let database = Database::create(&ground.database, &shape.name).await?;
        let mut cluster = Self {
            servers: Vec::new(),
            consumers: Vec::new(),
            database,
            shape,
        };
        for index in 0..cluster.shape.servers + cluster.shape.consumers {
            let node = cluster.node(ground, index).await?;
            if index < cluster.shape.servers {
                cluster.servers.push(node);
            } else {
                cluster.consumers.push(node);
            }
        }
        // One alone brings the schema up to date, makes the topic and the rooms.
        for node in cluster.servers.iter_mut().chain(&mut cluster.consumers) {
            node.start().await?;
            node.ready().await?;
        }
        Ok(cluster)
    }

    async fn node(&self, ground: &Ground, index: usize) -> Result<Node, Failure> {
        let shape = &self.shape;
        let consumer = index >= shape.servers;
        let name = if consumer {
            format!("consumer {}", index - shape.servers + 1)
        } else {
            format!("server {}", index + 1)
        };
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let kafka = Arc::clone(ground.kafka_edges.get(index).ok_or("too few edges")?);
        let redis = Proxy::start(ground.redis.address()).await?;
        let postgres = Proxy::start(Database::address(&ground.database).await?).await?;
        let rooms: Vec<String> = (0..shape.rooms)
            .map(|room| format!("{0}=Room {0}", room_name(room)))
            .collect();
        let (brokers, redis_at, database) = if shape.proxied {
            (
                kafka.address(),
                redis.address(),
                self.database.url_through(postgres.address())?,
            )
        } else {
            (
                ground.kafka.direct(),
                ground.redis.address(),
                self.database.url()?,
            )
        };
        let command = [
            format!("--role={}", if consumer { "consumer" } else { "web" }),
            format!("--listen={listen}"),
            format!("--kafka-brokers={brokers}"),
            format!("--kafka-topic={}", shape.name),
            format!("--kafka-partitions={PARTITIONS}"),
            format!("--redis-url=redis://{redis_at}"),
            format!("--database-url={database}"),
            format!("--rooms={}", rooms.join(",")),
            "--max-sockets-per-ip=0".to_owned(),
            "--new-ids-per-minute-per-ip=0".to_owned(),
            "--http-per-second=0".to_owned(),
            "--rate-per-second=50".to_owned(),
            "--rate-burst=50".to_owned(),
        ];
        Ok(Node {
            log: ground
                .folder
                .join(format!("{}-{}.log", shape.name, name.replace(' ', "-"))),
            name,
            child: None,
            command: command.to_vec(),
            binary: shape.binary.clone(),
            wrong: shape.wrong,
            listen,
            kafka,
            redis,
            postgres,
            clients: Proxy::start(listen).await?,
            proxied: shape.proxied,
        })
    }

    /// Where clients connect to each server.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(Node::address).collect()
    }

    /// All processes.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.servers.iter().chain(&self.consumers)
    }

    /// Waits until the store has everything that the log has.
    ///
    /// # Errors
    /// When it does not in time.
    pub async fn stored(&self, ground: &Ground, patience: Duration) -> Result<(), Failure> {
        eventually("the store has what the log has", patience, async || {
            let ends = ground.kafka.ends(&self.shape.name, PARTITIONS).await;
            let offsets = self.database.offsets().await;
            match (ends, offsets) {
                (Ok(ends), Ok(offsets)) => ends
                    .iter()
                    .zip(&offsets)
                    .all(|(end, (_, next))| end == next),
                _ => false,
            }
        })
        .await
    }

    /// Ends all processes and removes the database.
    ///
    /// # Errors
    /// When the database cannot be removed.
    pub async fn end(mut self) -> Result<(), Failure> {
        for node in self.servers.iter_mut().chain(&mut self.consumers) {
            if node.child.is_some() {
                let _ = node.kill().await;
            }
        }
        self.database.remove().await
    }
}

/// A listener on a free port, for tests that need an upstream.
///
/// # Errors
/// When there is none.
pub async fn listener() -> std::io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}
