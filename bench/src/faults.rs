//! What is done to a cluster: each fault by its name, how long it lasts, and which ones go together. How it begins and is
//! mended stands in [`planned`].

use std::time::Duration;

use rand::{Rng as _, rngs::StdRng};

use crate::cluster::Cluster;

mod planned;

pub use planned::{Planned, is_produce};

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

/// Every fault; those of the short check first.
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

/// The ten and more of the short check, one at a time.
pub const SHORT: &[Fault] = ALL.split_at(11).0;

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

    /// Which of those that go together begins first: what changes every edge would undo what another did to one of them,
    /// and what takes its time would be over before another begins.
    pub fn turn(self) -> u8 {
        match self {
            Self::SlowEdges => 0,
            Self::RollingRestart => 2,
            _ => 1,
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

#[cfg(test)]
mod tests {
    use super::*;

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
