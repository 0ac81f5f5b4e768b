//! A fault that is to be: how it is done to a cluster, and how it is mended.

use std::time::Duration;

use tokio::time::sleep;

use super::Fault;
use crate::{
    Failure,
    cluster::{Cluster, Ground, Node},
    proxy::{Mode, Proxy, Then},
};

/// A fault that is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Which one.
    pub fault: Fault,
    /// Which server or consumer, where it takes one.
    pub target: usize,
}

/// Bytes between two tears of an edge to Kafka: more than an answer has, so that something passes in between.
const TORN: usize = 50_000;

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
                    node.kafka.tear_every(TORN);
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

    /// Whether it met anything, for those that wait for something to break; look before it is mended.
    pub fn met(self, cluster: &Cluster) -> bool {
        match self.fault {
            Fault::KafkaAnswersLost => cluster.servers.iter().any(|node| node.kafka.dropped() > 0),
            Fault::KafkaEdgesTorn => cluster.nodes().any(|node| node.kafka.torn() > 0),
            _ => true,
        }
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
}
