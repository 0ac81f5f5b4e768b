//! What a feed starts from: one consistent snapshot of the store.

use sphere_protocol::{MessageId, RoomName, Seq};

use super::link::{First, Head};
use crate::log::{Offset, Partition};

/// The store's view of a partition, read in one snapshot.
#[derive(Debug, Clone, Default)]
pub struct FeedStart {
    /// The partition.
    pub partition: Partition,
    /// What is added to an offset to get a `seq`.
    pub base: Seq,
    /// The store has everything below.
    pub next_offset: Offset,
    /// The heads of the partition's rooms.
    pub heads: Vec<(RoomName, Head)>,
    /// The ids of the newest offsets, oldest first.
    pub ids: Vec<RecentId>,
}

/// An id that stands at one of the newest offsets.
#[derive(Debug, Clone, Copy)]
pub struct RecentId {
    /// Where it stands now.
    pub offset: Offset,
    /// The id; of a repeat, the one that it repeats.
    pub id: MessageId,
    /// Where it stood first.
    pub first: First,
}
