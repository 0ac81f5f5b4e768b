//! What somebody looks at: the room, the lines of it that are drawn, and the message that a link leads to.

use leptos::prelude::Set;
use sphere_protocol::{ClientFrame, MessageId, RoomName, Seq, client::LeaveRoom};

use super::{Inner, RECENT};
use crate::{
    address::Place,
    browser,
    chat::{self, Eye},
    state::window::Window,
};

/// Of a room that nobody scrolls through so many rows are kept.
const KEPT: usize = 300;
/// With fewer loaded lines above the window more are asked for.
const AHEAD: usize = 60;

impl Inner {
    pub(super) fn look_at(&mut self, place: Place) {
        let other = self.shown != place.room;
        if other {
            self.go_to_room(place.room);
        }
        self.eye.target = place.message;
        self.wanted = place.message;
        if let Some(room) = &self.shown {
            self.state.seek(room);
        }
        if self.wanted.is_some() {
            self.chat.quiet.set(true);
            self.asked = None;
            self.leave_end();
        }
    }

    fn go_to_room(&mut self, room: Option<RoomName>) {
        self.shown.clone_from(&room);
        self.go_to_end();
        self.load_draft();
        chat::set(self.chat.slowed, None);
        let Some(room) = room else { return };
        browser::remember_room(&room);
        self.come_in(&room);
        self.recent.retain(|other| *other != room);
        self.recent.insert(0, room.clone());
        for left in self.recent.split_off(self.recent.len().min(RECENT + 1)) {
            self.send(&ClientFrame::LeaveRoom(LeaveRoom { room: left }));
        }
        if self.link.is_welcomed() && !self.state.joined(&room) {
            self.read(&room);
        }
    }

    /// Where the page begins.
    pub(super) fn begin_sight(&mut self) {
        if let Some(id) = self.wanted {
            self.eye.window = self.chat.window_around(id).unwrap_or_default();
            self.eye.left = self.newest();
        }
        if let Some(room) = self.shown.clone() {
            self.come_in(&room);
        }
    }

    /// What is above the read mark is new to who comes in now.
    pub(super) fn come_in(&mut self, room: &RoomName) {
        let mark = self.read_marks().get(room).copied();
        self.state.enter(room, mark);
        self.away = None;
    }

    /// The reader is near the first line that is drawn.
    pub(super) fn above(&mut self) {
        let above = self.chat.windows(|keys| {
            let window = self.eye.window.above(keys)?;
            Some((window, window.range(keys).start))
        });
        if let Some((window, _)) = above {
            self.eye.window = window;
            self.leave_end();
        }
        if above.is_none_or(|(_, rest)| rest < AHEAD) {
            let room = self.shown.as_ref();
            let before = room.and_then(|room| self.state.room(room)?.older());
            self.page(before);
        }
    }

    /// The reader is near the last line that is drawn.
    pub(super) fn below(&mut self) {
        if let Some(window) = self.chat.windows(|keys| self.eye.window.below(keys)) {
            self.eye.window = window;
        }
    }

    /// The reader left the end, or came to it.
    pub(super) fn set_at_end(&mut self, at_end: bool) {
        if at_end {
            self.go_to_end();
        } else {
            self.leave_end();
        }
    }

    pub(super) fn go_to_end(&mut self) {
        self.at_end = true;
        self.wanted = None;
        self.eye = Eye {
            target: self.eye.target,
            ..Eye::default()
        };
        chat::set(self.chat.at_end, true);
    }

    fn leave_end(&mut self) {
        if self.eye.window == Window::End {
            self.eye.window = self.chat.windows(|keys| Window::End.held(keys));
        }
        if self.at_end {
            self.at_end = false;
            self.eye.left = self.newest();
        }
        chat::set(self.chat.at_end, false);
    }

    /// The newest record of the room that is shown.
    fn newest(&self) -> Option<Seq> {
        let room = self.shown.as_ref()?;
        self.state.room(room)?.last()
    }

    fn page(&mut self, before: Option<Seq>) {
        let (Some(room), Some(before)) = (self.shown.clone(), before) else {
            return;
        };
        if let Some(request) = self.state.request_before(&room, before) {
            self.send(&request);
        }
    }

    /// Loads what a hole hides, from the side from which it is reached.
    pub(super) fn fill(&mut self, after: Seq, downward: bool) {
        let Some(room) = self.shown.clone() else {
            return;
        };
        let Some(state) = self.state.room(&room) else {
            return;
        };
        let below = state.rows().rev().find(|row| row.seq <= after);
        if let (true, Some(id)) = (downward, below.map(|row| row.id)) {
            if let Some(request) = self.state.request_around(&room, id) {
                self.send(&request);
            }
            return;
        }
        let hole = state.holes().iter().find(|hole| hole.after == after);
        self.page(hole.map(|hole| hole.before));
    }

    /// Brings the message that is wanted into view, or asks for it. Says whether other lines are to be drawn.
    pub(super) fn aim(&mut self) -> bool {
        let (Some(id), Some(room)) = (self.wanted, self.shown.clone()) else {
            return false;
        };
        if let Some(window) = self.chat.window_around(id) {
            self.wanted = None;
            self.eye.window = window;
            self.chat.quiet.set(true);
            self.chat.aim.set(Some(id));
            return true;
        }
        match self.state.room(&room) {
            Some(state) if state.absent() == Some(id) => {
                self.go_to_end();
                return true;
            }
            Some(state) if state.loaded() => self.ask_around(&room, id),
            _ => {}
        }
        false
    }

    /// Once per connection: what cannot be given now is not asked for again and again.
    fn ask_around(&mut self, room: &RoomName, id: MessageId) {
        let ask = Some((self.link.number(), id));
        if self.asked == ask {
            return;
        }
        if let Some(request) = self.state.request_around(room, id) {
            self.asked = ask;
            self.send(&request);
        }
    }

    /// What came while nobody looked gets a line above it; what was read while somebody looked does not.
    pub(super) fn mark_new(&mut self) {
        let Some(room) = self.shown.clone() else {
            return;
        };
        if browser::is_watched() {
            self.away = None;
            self.state.settle_divider(&room);
        } else if let Some(mark) = self.away
            && self.state.has_new(&room, mark)
        {
            self.state.enter(&room, Some(mark));
            self.away = None;
        }
    }

    /// Somebody turned away from the room that is shown.
    pub(super) fn turn_away(&mut self) {
        let room = self.shown.as_ref().filter(|_| self.at_end);
        self.away = room.and_then(|room| self.state.room(room)?.last());
    }

    /// Nobody needs what is far above the end of a room.
    pub(super) fn trim(&mut self) {
        let scrolled = self.shown.as_ref().filter(|_| !self.at_end);
        self.state.trim(KEPT, scrolled);
    }

    /// What this user wrote in the room that is shown, the newest first: for the composer's memory.
    pub(super) fn own_texts(&self) -> Vec<String> {
        let Some(room) = self.shown.as_ref().and_then(|room| self.state.room(room)) else {
            return Vec::new();
        };
        let me = self.state.me().map(|me| &me.user_id);
        let stored = room.rows().rev().filter(|row| Some(&row.user_id) == me);
        let waiting = room.pending().iter().rev().map(|pending| &pending.message);
        waiting
            .chain(stored)
            .map(|message| message.message.clone())
            .collect()
    }
}
