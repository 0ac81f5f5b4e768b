//! What a room looks like: day lines, holes and rows, in order.
//!
//! Pure, and the same on the server and in the browser. A row's key is the message's id, from the moment it is written:
//! when the server answers, only its [`Look`] changes.

use std::sync::Arc;

use sphere_protocol::{Message, MessageId, Seq, Timestamp, UserId};

use super::{
    own::Reason,
    room::{Hole, RoomState},
};
use crate::time::Zone;

/// Rows of one author within this time share a header.
const GROUP_MS: i64 = 5 * 60 * 1_000;

/// What makes an item the same one after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// The line above the first message of a day.
    Day(i64),
    /// Records are missing above this `seq`.
    Hole(Seq),
    /// The line above what is new.
    New,
    /// A message.
    Row(MessageId),
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is, and which.
    pub key: Key,
    /// What stands there.
    pub content: Content,
}

/// What stands in a line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A day begins with a message of this time.
    Day(Timestamp),
    /// Records are missing here.
    Hole(Hole),
    /// What follows is new.
    New,
    /// A message, and how its row looks now.
    Row(Arc<Message>, Look),
}

/// What can change about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Written by this user.
    pub mine: bool,
    /// The first of a group.
    pub first: bool,
    /// The last of a group.
    pub last: bool,
    /// The newest stored one of this user: it shows the delivery mark.
    pub latest: bool,
    /// How far it has come.
    pub delivery: Delivery,
    /// Its place, once it is stored.
    pub seq: Option<Seq>,
    /// When it was accepted, or written.
    pub at: Timestamp,
    /// In which zone that is shown.
    pub zone: Zone,
    /// The address points at it.
    pub target: bool,
}

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// In the outbox.
    Sending,
    /// In the log.
    Stored,
    /// It will not be sent by itself.
    Refused(Reason),
}

/// The lines of a room. `day` tells the day of a point in time, in the reader's time zone once that is known.
pub fn layout(room: &RoomState, me: Option<&UserId>, day: impl Fn(Timestamp) -> i64) -> Vec<Item> {
    let mut rows = Vec::new();
    for message in room.rows() {
        rows.push((message, Some(message.seq), Delivery::Stored));
    }
    for pending in room.pending() {
        let delivery = pending.refused.map_or(Delivery::Sending, Delivery::Refused);
        rows.push((&pending.message, None, delivery));
    }
    let mut layout = Layout {
        items: Vec::with_capacity(rows.len() + 8),
        day: i64::MIN,
        group: None,
        new: room.divider(me),
    };
    let mut holes = room.holes().iter().peekable();
    let mut latest = None;
    for (message, seq, delivery) in rows {
        while let Some(hole) = holes.next_if(|hole| seq.is_none_or(|seq| seq >= hole.before)) {
            layout.hole(*hole);
        }
        // What waits was written here, even if this browser has become somebody else since.
        let mine = seq.is_none() || me == Some(&message.user_id);
        if mine && seq.is_some() {
            latest = Some(message.id);
        }
        layout.row(message, seq, delivery, mine, day(message.created_at));
    }
    holes.for_each(|hole| layout.hole(*hole));
    layout.close();
    let key = latest.map(Key::Row);
    for item in layout
        .items
        .iter_mut()
        .rev()
        .filter(|item| Some(item.key) == key)
    {
        if let Content::Row(_, look) = &mut item.content {
            look.latest = true;
        }
    }
    layout.items
}

struct Layout {
    items: Vec<Item>,
    day: i64,
    /// Author and beginning of the group that is open.
    group: Option<(UserId, Timestamp)>,
    /// The first new row, until it is placed.
    new: Option<Seq>,
}

impl Layout {
    fn hole(&mut self, hole: Hole) {
        self.close();
        self.items.push(Item {
            key: Key::Hole(hole.after),
            content: Content::Hole(hole),
        });
    }

    fn row(
        &mut self,
        message: &Arc<Message>,
        seq: Option<Seq>,
        delivery: Delivery,
        mine: bool,
        day: i64,
    ) {
        let at = message.created_at;
        // Clocks of two servers may differ: a day line is drawn once, never back and forth.
        if day > self.day {
            self.close();
            self.day = day;
            self.items.push(Item {
                key: Key::Day(day),
                content: Content::Day(at),
            });
        }
        if seq.is_some() && seq == self.new {
            self.close();
            self.items.push(Item {
                key: Key::New,
                content: Content::New,
            });
        }
        let joins = self.group.as_ref().is_some_and(|(author, since)| {
            *author == message.user_id && (at.0 - since.0).abs() < GROUP_MS
        });
        if !joins {
            self.close();
            self.group = Some((message.user_id.clone(), at));
        }
        let look = Look {
            mine,
            first: !joins,
            last: false,
            latest: false,
            delivery,
            seq,
            at,
            zone: Zone::default(),
            target: false,
        };
        self.items.push(Item {
            key: Key::Row(message.id),
            content: Content::Row(Arc::clone(message), look),
        });
    }

    /// Ends the group that is open.
    fn close(&mut self) {
        if self.group.take().is_some()
            && let Some(Content::Row(_, look)) = self.items.last_mut().map(|item| &mut item.content)
        {
            look.last = true;
        }
    }
}
