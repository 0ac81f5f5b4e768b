//! What is done to a cluster: each fault by its name, how it begins, how long it lasts, and how it is mended.

use std::time::Duration;

use rand::{Rng as _, rngs::StdRng};
use tokio::time::sleep;

use crate::{
    Failure,
    cluster::{Cluster, Ground, Node},
    proxy::{Mode, Proxy, Then},
};

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A web server is killed and started again.
    ServerKilled,
    /// A web server stands still.
    ServerStopped,
    /// A consumer is killed and started again.
    ConsumerKilled,
    /// Redis is killed and comes back empty.
    RedisKilled,
    /// Redis forgets everything, and nothing reaches it.
    RedisFlushedAndUnreachable,
    /// Answers to appends are lost: half of them with the connection, half of them silently.
    KafkaAnswersLost,
    /// The broker stands still.
    KafkaStopped,
    /// The broker is killed and started again.
    KafkaKilled,
    /// Connections to PostgreSQL are cut, and new ones hang.
    PostgresUnreachable,
    /// Every client loses its connection; those of one server do not hear of it.
    ClientsCut,
    /// Every web server is ended and started again, one after the other.
    RollingRestart,
    /// Every edge of a web server goes silent: it is alone.
    ServerAlone,
    /// Every edge is slow.
    SlowEdges,
    /// Connections to Kafka break in the middle of a frame, again and again.
    KafkaEdgesTorn,
    /// All consumers stand still.
    ConsumersStopped,
}

/// The ten and more of the short check, one at a time.
pub const SHORT: [Fault; 11] = [
    Fault::ServerKilled,
    Fault::ServerStopped,
    Fault::ConsumerKilled,
    Fault::RedisKilled,
    Fault::RedisFlushedAndUnreachable,
    Fault::KafkaAnswersLost,
    Fault::KafkaStopped,
    Fault::KafkaKilled,
    Fault::PostgresUnreachable,
    Fault::ClientsCut,
    Fault::RollingRestart,
];

/// Every fault.
pub const ALL: [Fault; 15] = [
    Fault::ServerKilled,
    Fault::ServerStopped,
    Fault::ConsumerKilled,
    Fault::RedisKilled,
    Fault::RedisFlushedAndUnreachable,
    Fault::KafkaAnswersLost,
    Fault::KafkaStopped,
    Fault::KafkaKilled,
    Fault::PostgresUnreachable,
    Fault::ClientsCut,
    Fault::RollingRestart,
    Fault::ServerAlone,
    Fault::SlowEdges,
    Fault::KafkaEdgesTorn,
    Fault::ConsumersStopped,
];

/// A fault that is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Which one.
    pub fault: Fault,
    /// Which server or consumer, where it takes one.
    pub target: usize,
}

impl Fault {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ServerKilled => "web server killed",
            Self::ServerStopped => "web server stopped",
            Self::ConsumerKilled => "consumer killed",
            Self::RedisKilled => "Redis killed",
            Self::RedisFlushedAndUnreachable => "Redis flushed and unreachable",
            Self::KafkaAnswersLost => "Kafka's answers lost",
            Self::KafkaStopped => "Kafka stopped",
            Self::KafkaKilled => "Kafka killed",
            Self::PostgresUnreachable => "PostgreSQL unreachable",
            Self::ClientsCut => "all clients cut off",
            Self::RollingRestart => "rolling restart",
            Self::ServerAlone => "web server alone",
            Self::SlowEdges => "slow edges",
            Self::KafkaEdgesTorn => "Kafka's connections torn",
            Self::ConsumersStopped => "consumers stopped",
        }
    }

    /// How long it lasts.
    pub fn lasts(self) -> Duration {
        Duration::from_secs(match self {
            Self::ServerKilled | Self::KafkaAnswersLost | Self::ClientsCut => 3,
            Self::ConsumerKilled | Self::KafkaKilled => 4,
            Self::RedisFlushedAndUnreachable | Self::PostgresUnreachable => 8,
            Self::ServerStopped | Self::KafkaStopped | Self::ServerAlone => 10,
            Self::RedisKilled => 20,
            Self::SlowEdges | Self::KafkaEdgesTorn | Self::ConsumersStopped => 6,
            Self::RollingRestart => 0,
        })
    }

    /// With a target of the cluster's own.
    pub fn plan(self, random: &mut StdRng, cluster: &Cluster) -> Planned {
        let among = match self {
            Self::ConsumerKilled => cluster.consumers.len(),
            _ => cluster.servers.len(),
        };
        Planned {
            fault: self,
            target: random.random_range(0..among.max(1)),
        }
    }

    /// Whether both may happen at once: they must not need the same process to be alive.
    pub fn goes_with(self, other: Self) -> bool {
        let part = |fault: Self| match fault {
            Self::ServerKilled
            | Self::ServerStopped
            | Self::RollingRestart
            | Self::ServerAlone
            | Self::ClientsCut => 0,
            Self::ConsumerKilled | Self::ConsumersStopped => 1,
            Self::RedisKilled | Self::RedisFlushedAndUnreachable => 2,
            Self::KafkaAnswersLost
            | Self::KafkaStopped
            | Self::KafkaKilled
            | Self::KafkaEdgesTorn => 3,
            Self::PostgresUnreachable => 4,
            Self::SlowEdges => 5,
        };
        // A server that starts needs all of its parts: that is a fault of the set-up, not of the promises.
        let starts = |fault: Self| {
            matches!(
                fault,
                Self::ServerKilled | Self::RollingRestart | Self::ConsumerKilled
            )
        };
        let takes = |fault: Self| {
            matches!(
                fault,
                Self::KafkaStopped
                    | Self::KafkaKilled
                    | Self::PostgresUnreachable
                    | Self::ServerAlone
            )
        };
        let clash = (starts(self) && takes(other)) || (starts(other) && takes(self));
        part(self) != part(other) && !clash
    }
}

/// Whether a request to Kafka is an append: the first two bytes after the length are its number.
pub fn is_produce(request: &[u8]) -> bool {
    request.get(4..6) == Some(&[0, 0])
}

impl Planned {
    /// Breaks it.
    ///
    /// # Errors
    /// When it could not be broken: then the fault does not count.
    pub async fn begin(self, ground: &mut Ground, cluster: &mut Cluster) -> Result<(), Failure> {
        let target = self.target;
        match self.fault {
            Fault::ServerKilled => cluster.servers[target].kill().await?,
            Fault::ServerStopped => cluster.servers[target].signal("STOP").await?,
            Fault::ConsumerKilled => cluster.consumers[target].kill().await?,
            Fault::RedisKilled => ground.redis.kill().await?,
            Fault::RedisFlushedAndUnreachable => {
                ground.redis.say("FLUSHALL").await?;
                redis(cluster).for_each(|proxy| proxy.set(Mode::BlackHole));
            }
            Fault::KafkaAnswersLost => {
                for (index, node) in cluster.servers.iter().enumerate() {
                    let then = if index % 2 == 0 {
                        Then::Cut
                    } else {
                        Then::Silence
                    };
                    node.kafka.drop_responses(5, is_produce, then);
                }
            }
            Fault::KafkaStopped => ground.kafka.signal("STOP").await?,
            Fault::KafkaKilled => ground.kafka.kill().await?,
            Fault::PostgresUnreachable => {
                for node in cluster.nodes() {
                    node.postgres.cut();
                    node.postgres.set(Mode::BlackHole);
                }
            }
            Fault::ClientsCut => {
                for (index, node) in cluster.servers.iter().enumerate() {
                    if index == target {
                        node.clients.half_open();
                    } else {
                        node.clients.cut();
                    }
                }
            }
            Fault::RollingRestart => {
                for server in &mut cluster.servers {
                    server.terminate().await?;
                    server.start().await?;
                    server.ready().await?;
                    // As an operator's script does: the next one when this one has its share of the clients.
                    sleep(Duration::from_secs(1)).await;
                }
            }
            Fault::ServerAlone => edges(&cluster.servers[target])
                .into_iter()
                .for_each(|proxy| proxy.set(Mode::BlackHole)),
            Fault::SlowEdges => {
                for node in cluster.nodes() {
                    for proxy in edges(node) {
                        proxy.set(Mode::Delay(Duration::from_millis(40)));
                    }
                }
            }
            Fault::KafkaEdgesTorn => {
                for node in cluster.nodes() {
                    node.kafka.cut_after(5_000);
                }
            }
            Fault::ConsumersStopped => {
                for consumer in &cluster.consumers {
                    consumer.signal("STOP").await?;
                }
            }
        }
        Ok(())
    }

    /// Mends it. What was started again is ready when this returns.
    ///
    /// # Errors
    /// When it does not come back: the run cannot go on.
    pub async fn end(self, ground: &mut Ground, cluster: &mut Cluster) -> Result<(), Failure> {
        let target = self.target;
        match self.fault {
            Fault::ServerKilled => {
                cluster.servers[target].start().await?;
                cluster.servers[target].ready().await?;
            }
            Fault::ServerStopped => cluster.servers[target].signal("CONT").await?,
            Fault::ConsumerKilled => {
                cluster.consumers[target].start().await?;
                cluster.consumers[target].ready().await?;
            }
            Fault::RedisKilled => ground.redis.restart().await?,
            Fault::RedisFlushedAndUnreachable => redis(cluster).for_each(Proxy::heal),
            Fault::KafkaStopped => ground.kafka.signal("CONT").await?,
            Fault::KafkaKilled => ground.kafka.restart().await?,
            Fault::PostgresUnreachable => cluster.nodes().for_each(|node| node.postgres.heal()),
            Fault::KafkaAnswersLost | Fault::KafkaEdgesTorn => {
                cluster.nodes().for_each(|node| node.kafka.heal());
            }
            Fault::ServerAlone | Fault::SlowEdges => {
                cluster.nodes().flat_map(edges).for_each(Proxy::heal);
            }
            Fault::ConsumersStopped => {
                for consumer in &cluster.consumers {
                    consumer.signal("CONT").await?;
                }
            }
            Fault::ClientsCut | Fault::RollingRestart => {}
        }
        Ok(())
    }
}

fn redis(cluster: &Cluster) -> impl Iterator<Item = &Proxy> {
    cluster.nodes().map(|node| &node.redis)
}

fn edges(node: &Node) -> [&Proxy; 4] {
    [&node.kafka, &node.redis, &node.postgres, &node.clients]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_append_is_told_from_other_requests() {
        assert!(is_produce(&[0, 0, 0, 20, 0, 0, 0, 7]));
        assert!(!is_produce(&[0, 0, 0, 20, 0, 1, 0, 7]));
        assert!(!is_produce(&[0, 0]));
    }

    #[test]
    fn no_fault_is_paired_with_one_of_the_same_part() {
        for one in ALL {
            assert!(!one.goes_with(one), "{one:?}");
            for other in ALL {
                assert_eq!(
                    one.goes_with(other),
                    other.goes_with(one),
                    "{one:?} {other:?}"
                );
            }
        }
    }
}
