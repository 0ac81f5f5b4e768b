//! The feed: one per partition and server. It merges hints and the followed log strictly by offset, and passing it is
//! what makes a message seen: the author's acknowledgement and everybody's frame leave here.
//!
//! `chat` waits for its own records, `history` fills pages and enters rooms under the feed's lock, so a reader joins
//! between two records and never misses or doubles one.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::StreamExt as _;
use parking_lot::{Mutex, RwLock};
use sphere_protocol::{Kind, Message, MessageId, RoomName, ServerFrame};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    hub::Hub,
    log::{Entry, MessageLog, Offset, Partition, ReadError, Record},
};

pub mod core;
pub mod link;
pub mod start;
#[cfg(test)]
mod tests;

pub use core::{Core, Diverged, Passed};
pub use link::{First, Head};
pub use start::{FeedStart, RecentId};

/// Offsets whose ids a feed remembers at least.
pub const MEMORY: Offset = 20_000;
/// Memory for records that the store lacks; what overflows is read from the log again.
pub const RING_BYTES: usize = 32 << 20;
/// Pause before following the log again after an error.
const RETRY: Duration = Duration::from_millis(200);

/// Why a feed cannot go on. Nothing that this server would say could be trusted any more.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The log holds something else than what was let through.
    #[error(transparent)]
    Diverged(#[from] Diverged),
    /// The log no longer has what comes next.
    #[error("the log was truncated, recreated, or kept for too short a time: {0}")]
    Lost(ReadError),
}

/// The feed of one partition.
#[derive(Debug)]
pub struct Feed {
    partition: Partition,
    state: Mutex<State>,
    position: watch::Sender<Offset>,
    hub: Arc<Hub>,
}

#[derive(Debug)]
struct State {
    core: Core,
    waiting: HashMap<Offset, oneshot::Sender<First>>,
}

impl Feed {
    /// A feed that has not yet followed anything.
    pub fn new(partition: Partition, core: Core, hub: Arc<Hub>) -> Arc<Self> {
        let position = watch::Sender::new(core.next());
        Arc::new(Self {
            partition,
            state: Mutex::new(State {
                core,
                waiting: HashMap::new(),
            }),
            position,
            hub,
        })
    }

    /// The partition's number.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// Looks at the feed between two records. Keep it short: nothing passes meanwhile.
    pub fn between<R>(&self, look: impl FnOnce(&Core) -> R) -> R {
        look(&self.state.lock().core)
    }

    /// Takes a hint from the bus.
    pub fn hint(&self, offset: Offset, record: Arc<Record>) {
        let mut state = self.state.lock();
        let passed = state.core.hint(offset, record);
        self.release(&mut state, passed);
    }

    /// Learns how far the store is.
    pub fn stored(&self, next_offset: Offset) {
        self.state.lock().core.stored(next_offset);
    }

    /// Waits until the record at `offset` has passed, and says where its id stood first.
    pub async fn passed(&self, offset: Offset, id: MessageId) -> Option<First> {
        let receiver = {
            let mut state = self.state.lock();
            if offset < state.core.next() {
                return state.core.first(&id);
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.insert(offset, sender);
            receiver
        };
        receiver.await.ok()
    }

    /// Waits until everything below `offset` has passed.
    pub async fn reached(&self, offset: Offset) {
        // The sender lives as long as self: waiting cannot fail.
        let _ = self
            .position
            .subscribe()
            .wait_for(|next| *next >= offset)
            .await;
    }

    /// Follows the log until the token is cancelled.
    ///
    /// # Errors
    /// The log contradicts what was let through, or has lost what was not: the caller must end the process.
    pub async fn follow(
        &self,
        log: &dyn MessageLog,
        cancel: &CancellationToken,
    ) -> Result<(), FeedError> {
        let mut from = self.between(Core::next);
        while !cancel.is_cancelled() {
            let mut entries = log.follow(self.partition, from);
            loop {
                let batch = tokio::select! {
                    () = cancel.cancelled() => return Ok(()),
                    batch = entries.next() => batch,
                };
                match batch {
                    Some(Ok(batch)) => {
                        from = batch.last().map_or(from, |entry| entry.offset + 1);
                        self.entries(&batch)?;
                    }
                    Some(Err(error @ ReadError::Lost { .. })) => {
                        return Err(FeedError::Lost(error));
                    }
                    Some(Err(error)) => {
                        tracing::warn!(partition = self.partition, %error, "cannot follow the log; trying again");
                        break;
                    }
                    None => break,
                }
            }
            tokio::time::sleep(RETRY).await;
        }
        Ok(())
    }

    /// Takes a run of the followed log.
    pub(crate) fn entries(&self, batch: &[Entry]) -> Result<(), Diverged> {
        let mut state = self.state.lock();
        for entry in batch {
            let passed = state.core.entry(entry)?;
            self.release(&mut state, passed);
        }
        Ok(())
    }

    /// Tells the author and the room, still under the lock, so that the room hears everything in this order.
    fn release(&self, state: &mut State, passed: Vec<Passed>) {
        for passed in passed {
            if let Some(waiting) = state.waiting.remove(&passed.offset) {
                // The author's connection may be gone; the message stands.
                let _ = waiting.send(passed.first);
            }
            if passed.message.kind == Kind::RoomDeleted {
                tracing::info!(room = %passed.message.room, "a room was deleted");
                self.hub.close_room(&passed.message.room);
            } else {
                self.publish(&passed.message);
            }
        }
        self.position.send_replace(state.core.next());
    }

    fn publish(&self, message: &Arc<Message>) {
        self.hub.publish(&message.room, || {
            ServerFrame::Message(Arc::clone(message)).encode()
        });
    }
}

/// All feeds of this server. The log may get more partitions while it runs.
#[derive(Debug, Clone, Default)]
pub struct Feeds(Arc<RwLock<Vec<Arc<Feed>>>>);

impl Feeds {
    /// Adds the feed of the next partition.
    pub fn push(&self, feed: Arc<Feed>) {
        self.0.write().push(feed);
    }

    /// The feed of a partition.
    pub fn get(&self, partition: Partition) -> Option<Arc<Feed>> {
        self.0.read().get(usize::try_from(partition).ok()?).cloned()
    }

    /// Every feed, in the order of the partitions.
    pub fn all(&self) -> Vec<Arc<Feed>> {
        self.0.read().clone()
    }

    /// A room's head, wherever the room lives.
    pub fn head(&self, partition: Partition, room: &RoomName) -> Option<Head> {
        self.get(partition)?.between(|core| core.head(room))
    }
}
