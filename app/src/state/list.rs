//! The rooms of this server as the list shows them: title, last activity, and what is unread.
//!
//! A joined room is counted message by message. Of another one the server said at the start how much is unread and now
//! and then that there is more; so its number is a lower bound ([`Line::more`]).

use sphere_protocol::{Epoch, RoomName, RoomSummary, Seq, Timestamp, UserId, limits::MAX_UNREAD};

use super::room::RoomState;

/// One room of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The room.
    pub room: RoomName,
    /// What people call it.
    pub title: String,
    /// The history that the marks count in.
    pub epoch: Epoch,
    /// Its newest record.
    pub head: Seq,
    /// When its newest message was written.
    pub last_at: Option<Timestamp>,
    /// Others' messages that were not read.
    pub unread: u32,
    /// There are more than `unread` says.
    pub more: bool,
    /// Up to here messages are in `unread`, or were read.
    counted: Seq,
}

impl Line {
    /// Whether who has read up to `seq` has read everything that counts here.
    pub(super) fn is_read_by(&self, seq: Seq) -> bool {
        seq >= self.counted && (!self.more || seq >= self.head)
    }
}

/// All rooms, in the order to show.
#[derive(Debug, Clone, Default)]
pub struct RoomList {
    lines: Vec<Line>,
    /// The room that is being read.
    reading: Option<RoomName>,
}

impl RoomList {
    pub(super) fn new(rooms: &[RoomSummary]) -> Self {
        let mut list = Self::default();
        list.welcome(rooms);
        list
    }

    /// The rooms, in the order to show.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// One room.
    pub fn line(&self, room: &RoomName) -> Option<&Line> {
        self.lines.iter().find(|line| line.room == *room)
    }

    /// The room is no longer there.
    pub(super) fn remove(&mut self, room: &RoomName) {
        self.lines.retain(|line| line.room != *room);
    }

    /// What the server says at the start of every connection.
    pub(super) fn welcome(&mut self, rooms: &[RoomSummary]) {
        self.lines = rooms
            .iter()
            .map(|summary| Line {
                room: summary.room.clone(),
                title: summary.title.clone(),
                epoch: summary.epoch,
                head: summary.head,
                last_at: summary.last_at,
                unread: if self.reading.as_ref() == Some(&summary.room) {
                    0
                } else {
                    summary.unread.unwrap_or(0)
                },
                more: false,
                counted: summary.head,
            })
            .collect();
    }

    /// The room that is being read, if any: it has nothing unread.
    pub(super) fn set_reading(&mut self, room: Option<RoomName>) {
        self.reading = room;
    }

    pub(super) fn read(&mut self, room: &RoomName, last: Seq) {
        if let Some(line) = self.line_mut(room) {
            line.unread = 0;
            line.more = false;
            line.counted = line.counted.max(last);
        }
    }

    pub(super) fn active(&mut self, room: &RoomName, head: Seq, at: Option<Timestamp>) {
        if let Some(line) = self.line_mut(room) {
            if head >= line.head {
                line.last_at = at.or(line.last_at);
            }
            line.head = line.head.max(head);
        }
    }

    /// Something happened in a room that is not followed.
    pub(super) fn hint(&mut self, room: &RoomName, head: Seq, at: Option<Timestamp>) {
        let unread = self.reading.as_ref() != Some(room);
        if let Some(line) = self.line_mut(room) {
            line.more |= unread && head > line.counted;
        }
        self.active(room, head, at);
    }

    /// Counts what a followed room has new from others.
    pub(super) fn count(&mut self, name: &RoomName, room: &RoomState, me: Option<&UserId>) {
        let reading = self.reading.as_ref() == Some(name);
        let (Some(last), Some(line)) = (room.last, self.line_mut(name)) else {
            return;
        };
        if room.epoch.is_some_and(|epoch| epoch != line.epoch) {
            line.epoch = room.epoch.unwrap_or_default();
            line.counted = last;
            return;
        }
        let new = room.rows().rev().take_while(|row| row.seq > line.counted);
        let new = new
            .filter(|row| row.seq <= last && Some(&row.user_id) != me)
            .count();
        line.counted = line.counted.max(last);
        line.more &= !room.joined;
        if reading {
            line.unread = 0;
        } else {
            line.unread = line
                .unread
                .saturating_add(u32::try_from(new).unwrap_or(MAX_UNREAD))
                .min(MAX_UNREAD);
        }
    }

    fn line_mut(&mut self, room: &RoomName) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.room == *room)
    }
}
