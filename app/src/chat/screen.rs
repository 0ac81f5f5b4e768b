//! From state to signals: the list of lines changes only when lines come, go or move; a row's look has a signal of its
//! own, so an answer from the server touches one row.

use std::sync::Arc;

use leptos::prelude::*;
use sphere_protocol::{Message, MessageId, RoomName, Seq, Timestamp, UserId};

use super::RoomView;
use crate::{
    state::{
        ChatState,
        layout::{Content, Item, Key, Look, layout},
        room::RoomState,
        window::Window,
    },
    time::Zone,
};

/// One line of the log, ready to be drawn.
#[derive(Debug, Clone)]
pub(crate) enum Line {
    /// A day begins.
    Day(i64, Timestamp),
    /// Records are missing above this `seq`.
    Hole(Seq),
    /// What follows is new.
    New,
    /// A message, and how its row looks.
    Row(Arc<Message>, ArcRwSignal<Look>),
}

impl Line {
    /// What makes it the same line after a change.
    pub(crate) fn key(&self) -> Key {
        match self {
            Self::Day(day, _) => Key::Day(*day),
            Self::Hole(after) => Key::Hole(*after),
            Self::New => Key::New,
            Self::Row(message, _) => Key::Row(message.id),
        }
    }
}

/// The last message of a room, for the room list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The room.
    pub(crate) room: RoomName,
    /// Its newest row, if it has one.
    pub(crate) message: Option<Arc<Message>>,
    /// Whether this user wrote it.
    pub(crate) mine: bool,
}

/// What part of the room somebody looks at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Eye {
    /// The lines that are drawn.
    pub(crate) window: Window,
    /// The newest record when the reader left the end.
    pub(crate) left: Option<Seq>,
    /// The message that the address points at.
    pub(crate) target: Option<MessageId>,
}

/// What is drawn at present.
#[derive(Debug, Default)]
pub(super) struct Screen {
    lines: Vec<Line>,
    /// All lines of the room, drawn or not.
    keys: Vec<Key>,
}

impl Screen {
    /// All lines of the room, drawn or not.
    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Brings every row's look up to date; gives the lines if another list of them is to be drawn.
    pub(super) fn lines(
        &mut self,
        room: Option<&RoomState>,
        me: Option<&UserId>,
        zone: Zone,
        eye: Eye,
    ) -> Option<Vec<Line>> {
        let items = room.map_or_else(Vec::new, |room| layout(room, me, |at| zone.day(at)));
        self.keys.clear();
        self.keys.extend(items.iter().map(|item| item.key));
        let drawn = eye.window.range(&self.keys);
        // A row depends on nothing but its look: what outlives rows would keep a trace of each that ever was.
        let items = items.into_iter().skip(drawn.start).take(drawn.len());
        let items = items.map(|mut item| {
            if let Content::Row(message, look) = &mut item.content {
                look.zone = zone;
                look.target = eye.target == Some(message.id);
            }
            item
        });
        let mut next = 0;
        let lines: Vec<Line> = items.map(|item| self.line(item, &mut next)).collect();
        let keys = lines.iter().map(Line::key);
        if keys.eq(self.lines.iter().map(Line::key)) {
            return None;
        }
        self.lines.clone_from(&lines);
        Some(lines)
    }

    /// The shown room apart from its rows.
    pub(super) fn view(
        &self,
        shown: Option<&RoomName>,
        room: Option<&RoomState>,
        me: Option<&UserId>,
        eye: Eye,
    ) -> RoomView {
        let drawn = eye.window.range(&self.keys);
        let news = room.zip(eye.left).map_or(0, |(room, left)| {
            let new = room.rows().rev().take_while(|row| row.seq > left);
            new.filter(|row| Some(&row.user_id) != me).count()
        });
        RoomView {
            name: shown.cloned(),
            loaded: room.is_some_and(RoomState::loaded),
            older: drawn.start > 0 || room.is_some_and(|room| room.older().is_some()),
            newer: drawn.end < self.keys.len(),
            paging: room.is_some_and(|room| room.paging().is_some()),
            absent: room.is_some_and(|room| room.absent().is_some()),
            news,
            error: room.and_then(RoomState::error),
        }
    }

    fn line(&self, item: Item, next: &mut usize) -> Line {
        match (item.content, item.key) {
            (Content::Row(message, look), key) => {
                let signal = self
                    .look_of(key, next)
                    .unwrap_or_else(|| ArcRwSignal::new(look));
                if signal.with_untracked(|old| *old != look) {
                    signal.set(look);
                }
                Line::Row(message, signal)
            }
            (Content::Day(at), Key::Day(day)) => Line::Day(day, at),
            (Content::Day(at), _) => Line::Day(0, at),
            (Content::Hole(hole), _) => Line::Hole(hole.after),
            (Content::New, _) => Line::New,
        }
    }

    /// The look of a row that is drawn. What is drawn and what will be are almost the same, so the row is mostly the
    /// next one.
    fn look_of(&self, key: Key, next: &mut usize) -> Option<ArcRwSignal<Look>> {
        let around = (*next..self.lines.len()).chain(0..*next);
        let index = around
            .into_iter()
            .find(|index| self.lines[*index].key() == key)?;
        *next = index + 1;
        match &self.lines[index] {
            Line::Row(_, look) => Some(look.clone()),
            _ => None,
        }
    }
}

/// The last message of every room that was looked at.
pub(super) fn marks(state: &ChatState) -> Vec<Mark> {
    let me = state.me().map(|me| &me.user_id);
    let mark = |line: &crate::state::list::Line| {
        let room = state.room(&line.room).filter(|room| room.loaded())?;
        let message = room.rows().next_back().cloned();
        let mine = message
            .as_ref()
            .is_some_and(|message| Some(&message.user_id) == me);
        Some(Mark {
            room: line.room.clone(),
            message,
            mine,
        })
    };
    state.list().lines().iter().filter_map(mark).collect()
}
