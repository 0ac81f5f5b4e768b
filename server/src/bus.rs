//! The bus: fast, forgetful messages between the servers.
//!
//! # Guarantee
//! At most once, in no promised order. Everything that must not be lost is in the log; a hint only makes it arrive
//! sooner. Published to by `chat`; every web server subscribes to everything. Adapters: [`memory`],
//! [`redis`].

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use sphere_protocol::{Epoch, UserId};

use crate::log::{Offset, Partition, Record};

pub mod memory;
pub mod redis;

/// What travels over the bus.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "signal", rename_all = "snake_case")]
pub enum Signal {
    /// A record that was just appended.
    Hint(Hint),
    /// A user's name has changed; its other sockets want to know.
    ProfileChanged {
        /// Whose.
        user: UserId,
        /// The name as stored.
        name: String,
    },
}

/// A record together with its place in the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hint {
    /// The log that the offset counts in.
    pub epoch: Epoch,
    /// The partition.
    pub partition: Partition,
    /// The offset that the log gave it.
    pub offset: Offset,
    /// The record.
    pub record: Arc<Record>,
}

/// Why something could not be published. Counted and logged, never an error for the user.
#[derive(Debug, thiserror::Error)]
#[error("the bus is away: {0}")]
pub struct BusError(pub String);

/// Publish and subscribe. See the module for what it promises.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Sends a signal to every server, this one included.
    async fn publish(&self, signal: Signal) -> Result<(), BusError>;

    /// Every signal from now on. What a slow subscriber misses is gone.
    fn subscribe(&self) -> BoxStream<'static, Signal>;

    /// Whether signals travel at the moment, as far as is known.
    fn is_up(&self) -> bool {
        true
    }

    /// Learns how many partitions the log has: hints about all of them are wanted.
    fn grow(&self, _partitions: Partition) {}
}
