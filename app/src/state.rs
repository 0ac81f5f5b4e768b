//! Everything this client knows: who it is, the rooms, and what is in them.
//!
//! A pure reducer: [`ChatState::apply`] takes a frame and says what is to be done about it. It does no input or output
//! and reads no clock, so property tests can feed it any order, repetition and loss of frames. `engine.rs` calls it in
//! the browser; the server builds one per page to lay out the first view.

pub mod layout;
pub mod list;
pub mod own;
mod refusals;
mod requests;
pub mod room;
pub mod window;

use std::sync::Arc;

use sphere_protocol::{
    Cid, Code, Epoch, Kind, Message, RoomName, Seq, ServerFrame, Timestamp,
    server::{Me, Welcome},
};

use crate::boot::Boot;
use list::RoomList;
use own::Pending;
use room::RoomState;

/// What a frame asks its receiver to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send [`ChatState::request`] of this room, after a while.
    Read { room: RoomName, delay_ms: u64 },
    /// The message is stored: it may leave the outbox.
    Stored { cid: Cid, seq: Seq, at: Timestamp },
    /// The message will not be sent by itself any more.
    Refused { cid: Cid, code: Code },
    /// The message is to be sent again, with the same key.
    Retry {
        cid: Cid,
        code: Code,
        after_ms: Option<u64>,
    },
    /// Somebody else said something, just now.
    Arrived(Arc<Message>),
    /// The server knows this user's name.
    Named,
    /// The name that was asked for breaks a rule.
    NameRefused,
    /// The identity belongs to somebody else: make a new one.
    Identity,
    /// The server sends this connection away, for so long or until somebody asks.
    Bye {
        why: Code,
        reconnect_ms: Option<u32>,
    },
}

/// Everything this client knows.
#[derive(Debug, Clone, Default)]
pub struct ChatState {
    me: Option<Me>,
    rooms: Vec<RoomState>,
    list: RoomList,
}

impl ChatState {
    /// The state that a page starts from.
    pub fn from_boot(boot: &Boot) -> Self {
        let mut state = Self {
            list: RoomList::new(&boot.rooms),
            ..Self::default()
        };
        if let Some(room) = &boot.room {
            let entry = state.room_mut(room);
            entry.error = boot.error;
            for page in [&boot.page, &boot.around].into_iter().flatten() {
                entry.page(page);
            }
        }
        state
    }

    /// Who this client is.
    pub fn me(&self) -> Option<&Me> {
        self.me.as_ref()
    }

    /// Says who this client is; the server may know a name.
    pub fn set_me(&mut self, me: Me) {
        self.me = Some(me);
    }

    /// A room that was looked at.
    pub fn room(&self, room: &RoomName) -> Option<&RoomState> {
        self.rooms.iter().find(|state| state.name() == room)
    }

    /// All rooms, with their unread counts.
    pub fn list(&self) -> &RoomList {
        &self.list
    }

    /// Messages that wait to be sent.
    pub fn waiting(&self) -> usize {
        let pending = self.rooms.iter().flat_map(|room| &room.pending);
        pending.filter(|pending| pending.refused.is_none()).count()
    }

    /// Takes a frame in.
    pub fn apply(&mut self, frame: &ServerFrame) -> Vec<Effect> {
        match frame {
            ServerFrame::Welcome(welcome) => self.welcome(welcome),
            ServerFrame::Profile(profile) => self.named(&profile.user_name),
            ServerFrame::RoomJoined(page) => {
                self.room_mut(&page.room).joined = true;
                self.in_room(&page.room, |room| room.page(page))
            }
            ServerFrame::RoomPage(page) => self.in_room(&page.room, |room| room.page(page)),
            ServerFrame::Message(message) => {
                let at = (message.kind == Kind::Message).then_some(message.created_at);
                self.list.active(&message.room, message.seq, at);
                let mut effects = self.in_room(&message.room, |room| room.live(message));
                let mine = self.me.as_ref().map(|me| &me.user_id) == Some(&message.user_id);
                let news = self
                    .room(&message.room)
                    .is_some_and(|room| room.last == Some(message.seq));
                if news && at.is_some() && !mine {
                    effects.push(Effect::Arrived(Arc::clone(message)));
                }
                effects
            }
            ServerFrame::RoomResync(resync) => self.in_room(&resync.room, |room| room.read(0)),
            ServerFrame::RoomLeft(left) => {
                self.room_mut(&left.room).disconnected();
                Vec::new()
            }
            ServerFrame::RoomError(error) => self.room_error(error),
            ServerFrame::Ack(ack) => {
                let Some(room) = self.room_of(ack.cid) else {
                    return Vec::new();
                };
                let effect = self
                    .room_mut(&room)
                    .complete(ack.cid, ack.seq, ack.created_at);
                effect.into_iter().collect()
            }
            ServerFrame::Nack(nack) => self.nack(nack),
            ServerFrame::RoomActivity(activity) => {
                self.list
                    .hint(&activity.room, activity.head, activity.last_at);
                Vec::new()
            }
            ServerFrame::Pong(pong) => {
                let heads = pong.heads.iter();
                heads
                    .flat_map(|(room, head)| self.in_room(room, |room| room.head(*head)))
                    .collect()
            }
            ServerFrame::Error(error) => self.error(error),
            ServerFrame::Bye(bye) => {
                vec![Effect::Bye {
                    why: bye.why,
                    reconnect_ms: bye.reconnect_ms,
                }]
            }
        }
    }

    /// The connection is gone.
    pub fn disconnected(&mut self) {
        self.rooms.iter_mut().for_each(RoomState::disconnected);
    }

    /// A row for a message that this user has written, or a new state of one.
    pub fn pend(&mut self, room: &RoomName, pending: Pending) {
        self.room_mut(room).pend(pending);
    }

    /// Takes back a row that was never stored.
    pub fn unpend(&mut self, cid: Cid) {
        for room in &mut self.rooms {
            room.pending.retain(|pending| pending.cid != cid);
        }
    }

    /// Another tab heard that the message is stored.
    pub fn stored(&mut self, cid: Cid, seq: Seq, at: Timestamp) {
        if let Some(room) = self.room_of(cid) {
            self.room_mut(&room).complete(cid, seq, at);
        }
    }

    /// The room that somebody is reading to its end, if any: nothing in it counts as unread. Gives its read mark.
    pub fn set_reading(&mut self, room: Option<&RoomName>) -> Option<(Epoch, Seq)> {
        self.list.set_reading(room.cloned());
        let state = self.room(room?)?;
        let mark = state.epoch.zip(state.last)?;
        self.list.read(room?, mark.1);
        Some(mark)
    }

    /// Another tab has read a room up to here.
    pub fn read_elsewhere(&mut self, room: &RoomName, seq: Seq) {
        if self
            .list
            .line(room)
            .is_some_and(|line| line.is_read_by(seq))
        {
            self.list.read(room, seq);
        }
    }

    /// Somebody comes to a room of which they have read up to `mark`: what others wrote since is new to them.
    pub fn enter(&mut self, room: &RoomName, mark: Option<Seq>) {
        self.room_mut(room).divider = mark;
        self.settle_divider(room);
    }

    /// Somebody comes to a room, perhaps to one of its messages: nothing has been looked for in vain yet.
    pub fn seek(&mut self, room: &RoomName) {
        self.room_mut(room).absent = None;
    }

    /// Whether others wrote something in a room above `mark`.
    pub fn has_new(&self, room: &RoomName, mark: Seq) -> bool {
        let me = self.me.as_ref().map(|me| &me.user_id);
        self.room(room)
            .is_some_and(|room| room.first_new(mark, me).is_some())
    }

    /// Forgets a divider that has nothing new below it.
    pub fn settle_divider(&mut self, room: &RoomName) {
        let me = self.me.as_ref().map(|me| me.user_id.clone());
        let state = self.room_mut(room);
        if state.loaded()
            && state
                .divider
                .is_some_and(|mark| state.first_new(mark, me.as_ref()).is_none())
        {
            state.divider = None;
        }
    }

    /// Forgets the oldest rows of a room that nobody scrolls through.
    pub fn trim(&mut self, keep: usize, scrolled: Option<&RoomName>) {
        for room in &mut self.rooms {
            if Some(room.name()) != scrolled {
                room.trim(keep);
            }
        }
    }

    fn room_mut(&mut self, room: &RoomName) -> &mut RoomState {
        room_in(&mut self.rooms, room)
    }

    fn room_of(&self, cid: Cid) -> Option<RoomName> {
        let has = |room: &RoomState| room.pending.iter().any(|pending| pending.cid == cid);
        self.rooms
            .iter()
            .find(|room| has(room))
            .map(|room| room.name().clone())
    }

    /// Lets a room take something in, then counts what came from others.
    fn in_room(
        &mut self,
        name: &RoomName,
        take: impl FnOnce(&mut RoomState) -> Vec<Effect>,
    ) -> Vec<Effect> {
        let room = room_in(&mut self.rooms, name);
        let effects = take(room);
        let me = self.me.as_ref().map(|me| &me.user_id);
        self.list.count(name, room, me);
        effects
    }

    fn welcome(&mut self, welcome: &Welcome) -> Vec<Effect> {
        self.list.welcome(&welcome.rooms);
        let Some(me) = &welcome.me else {
            return Vec::new();
        };
        self.me = Some(me.clone());
        vec![Effect::Named]
    }

    fn named(&mut self, name: &str) -> Vec<Effect> {
        if let Some(me) = &mut self.me {
            name.clone_into(&mut me.user_name);
        }
        vec![Effect::Named]
    }
}

/// A room of a list; one that is not there yet is put into it.
fn room_in<'a>(rooms: &'a mut Vec<RoomState>, name: &RoomName) -> &'a mut RoomState {
    let index = rooms
        .iter()
        .position(|room| room.name() == name)
        .unwrap_or_else(|| {
            rooms.push(RoomState::new(name.clone()));
            rooms.len() - 1
        });
    &mut rooms[index]
}
