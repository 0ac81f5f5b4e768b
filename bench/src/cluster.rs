//! A whole Sphere: web servers and consumers as real processes, each with its own edges to Kafka, Redis, PostgreSQL and,
//! for a server, to its clients.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::TcpListener,
    process::{Child, Command},
};

use crate::{
    Failure, http,
    parts::{
        eventually, free_port,
        kafka::{Kafka, Listener},
        postgres::Database,
        redis::Redis,
        signal,
    },
    proxy::Proxy,
};

/// Partitions of the log.
pub const PARTITIONS: i32 = 4;
/// How long a process may take until it is ready.
const START: Duration = Duration::from_secs(30);

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

/// A process and its edges.
#[derive(Debug)]
pub struct Node {
    /// What people call it.
    pub name: String,
    child: Option<Child>,
    command: Vec<String>,
    binary: PathBuf,
    log: PathBuf,
    wrong: Option<&'static str>,
    listen: SocketAddr,
    /// To Kafka.
    pub kafka: Arc<Proxy>,
    /// To Redis.
    pub redis: Proxy,
    /// To PostgreSQL.
    pub postgres: Proxy,
    /// From its clients.
    pub clients: Proxy,
    proxied: bool,
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

impl Node {
    /// Where its clients connect.
    pub fn address(&self) -> SocketAddr {
        if self.proxied {
            self.clients.address()
        } else {
            self.listen
        }
    }

    /// Where it listens, without a proxy.
    pub fn direct(&self) -> SocketAddr {
        self.listen
    }

    /// Starts the process; it is not ready yet.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub async fn start(&mut self) -> Result<(), Failure> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)?;
        let mut command = Command::new(&self.binary);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("SPHERE_FAULTS", self.wrong.unwrap_or_default())
            .args(&self.command)
            .stdin(std::process::Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        let child = command
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", self.binary.display()))?;
        self.child = Some(child);
        Ok(())
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn ready(&self) -> Result<(), Failure> {
        let what = format!("{} is ready (see {})", self.name, self.log.display());
        eventually(&what, START, async || {
            matches!(http::get(self.listen, "/readyz").await, Ok((200, _)))
        })
        .await
    }

    /// Kills it, as a power cut would.
    ///
    /// # Errors
    /// When it is dead already.
    pub async fn kill(&mut self) -> Result<(), Failure> {
        let mut child = self.child.take().ok_or("it is dead already")?;
        Ok(child.kill().await?)
    }

    /// Asks it to end, and waits for that.
    ///
    /// # Errors
    /// When it does not end by itself.
    pub async fn terminate(&mut self) -> Result<(), Failure> {
        let mut child = self.child.take().ok_or("it is dead already")?;
        signal(&child, "TERM").await?;
        let ended = tokio::time::timeout(Duration::from_secs(15), child.wait()).await??;
        if ended.success() {
            Ok(())
        } else {
            Err(format!("{} ended with {ended}", self.name).into())
        }
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it is dead.
    pub async fn signal(&self, name: &str) -> Result<(), Failure> {
        signal(self.child.as_ref().ok_or("it is dead")?, name).await
    }

    /// Whether it still runs; a process that ended by itself is told once.
    pub fn ended_by_itself(&mut self) -> Option<std::process::ExitStatus> {
        self.child.as_mut()?.try_wait().ok()?
    }

    /// Memory that it has in RAM, in KiB.
    pub fn resident(&self) -> Option<u64> {
        let id = self.child.as_ref()?.id()?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }

    /// Processor time that it has used, in clock ticks.
    pub fn ticks(&self) -> Option<u64> {
        let id = self.child.as_ref()?.id()?;
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
    }
}

/// A listener on a free port, for tests that need an upstream.
///
/// # Errors
/// When there is none.
pub async fn listener() -> std::io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}
