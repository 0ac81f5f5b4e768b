//! The bus of one process: a broadcast channel.

use async_trait::async_trait;
use futures::{StreamExt as _, stream, stream::BoxStream};
use tokio::sync::broadcast::{self, error::RecvError};

use super::{Bus, BusError, Signal};

/// Signals that a subscriber may lag behind before it misses some.
const CAPACITY: usize = 4_096;

/// The in-process bus.
#[derive(Debug)]
pub struct MemoryBus {
    sender: broadcast::Sender<Signal>,
}

impl Default for MemoryBus {
    fn default() -> Self {
        Self {
            sender: broadcast::channel(CAPACITY).0,
        }
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn publish(&self, signal: Signal) -> Result<(), BusError> {
        self.sender
            .send(signal)
            .map(drop)
            .map_err(|_| BusError("nobody listens".to_owned()))
    }

    fn subscribe(&self) -> BoxStream<'static, Signal> {
        stream::unfold(self.sender.subscribe(), |mut receiver| async move {
            loop {
                match receiver.recv().await {
                    Ok(signal) => return Some((signal, receiver)),
                    Err(RecvError::Lagged(missed)) => {
                        tracing::debug!(missed, "a bus subscriber lagged; the log fills in")
                    }
                    Err(RecvError::Closed) => return None,
                }
            }
        })
        .boxed()
    }
}
