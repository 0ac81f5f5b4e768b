//! A record as the next link of its room's chain: the same on every server, whoever makes it.
//!
//! Made by [`super::Core`] when a record passes, and by `history` for what it reads from the log itself.

use sphere_protocol::{Epoch, Kind, Message, MessageId, Seq, Timestamp};

use crate::log::{Partition, Record};

/// Where an id stood first: what every retry of the send is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct First {
    /// Its place.
    pub seq: Seq,
    /// When it was accepted.
    pub created_at: Timestamp,
}

/// A room as the feed knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// `seq` of the newest record.
    pub seq: Seq,
    /// When the newest message was written.
    pub last_at: Option<Timestamp>,
}

/// A record as the room's next link.
#[derive(Debug)]
pub struct Link {
    /// The frame.
    pub message: Message,
    /// Where its id stood first.
    pub first: First,
    /// The room's head from here on.
    pub head: Head,
}

/// Makes a record the room's next link: `previous` is the room's head before it, `known` where its id stood first.
pub fn link(
    record: &Record,
    partition: Partition,
    epoch: Epoch,
    seq: Seq,
    previous: Option<Head>,
    known: Option<First>,
) -> Link {
    let known = known.filter(|first| first.seq != seq);
    let first = known.unwrap_or(First {
        seq,
        created_at: record.created_at,
    });
    let repeat = known.is_some();
    let message = Message {
        room: record.room.clone(),
        epoch,
        seq,
        prev: Some(previous.map_or(-1, |head| head.seq)),
        id: if repeat {
            MessageId::void(partition, seq)
        } else {
            record.id
        },
        user_id: record.user_id.clone(),
        user_name: record.user_name.clone(),
        user_image: record.user_image.clone(),
        message: if repeat {
            String::new()
        } else {
            record.message.clone()
        },
        created_at: record.created_at,
        kind: if repeat { Kind::Void } else { record.kind },
        reference: repeat.then_some(record.id),
    };
    let last_at = if repeat {
        previous.and_then(|head| head.last_at)
    } else {
        Some(record.created_at)
    };
    Link {
        message,
        first,
        head: Head { seq, last_at },
    }
}
