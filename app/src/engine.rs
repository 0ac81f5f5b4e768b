//! What runs behind a [`Chat`] in the browser: it feeds frames to the state, carries out what the state asks for, and
//! shows the result.
//!
//! One object at the root, alive as long as the page. Every callback (socket, timer, storage, window) enters through
//! [`Engine::with`], so there is one borrow at a time; nothing that is called inside calls back.

mod acts;
mod alerts;
mod banner;
mod drain;
mod events;
mod hello;
mod link;
mod preferences;
mod sight;

use std::{cell::RefCell, rc::Rc};

use leptos::prelude::Set;
use sphere_protocol::{
    ClientFrame, Code, MessageId, RoomName, Seq, ServerFrame, Timestamp, client::Anonymous,
};

use crate::{
    backoff,
    boot::Boot,
    browser::{self, Locks},
    chat::{Action, Chat, Eye},
    identity,
    outbox::{Entry, Outbox},
    state::{
        ChatState, Effect,
        own::{Pending, Reason, own_message, unknown_me},
    },
    storage::BrowserStorage,
};

/// Rooms that stay joined besides the one that is shown.
const RECENT: usize = 8;
/// At most one redraw in this time; the first is at once.
const FRAME_MS: i64 = 16;

/// The engine, as a handle that callbacks keep.
#[derive(Clone)]
pub(crate) struct Engine(Rc<RefCell<Inner>>);

struct Inner {
    chat: Chat,
    state: ChatState,
    storage: Rc<BrowserStorage>,
    identity: Anonymous,
    outbox: Outbox<Rc<BrowserStorage>>,
    locks: Option<Locks>,
    lock: drain::Lock,
    /// When this tab will look at its outbox by the clock.
    wake: Option<i64>,
    link: link::Link,
    shown: Option<RoomName>,
    /// Rooms that are joined, the shown one first.
    recent: Vec<RoomName>,
    at_end: bool,
    /// What part of the shown room is drawn.
    eye: Eye,
    /// The message that the reader wants to see.
    wanted: Option<MessageId>,
    /// Over which connection which message was asked for.
    asked: Option<(u32, MessageId)>,
    /// The newest record when somebody turned away.
    away: Option<Seq>,
    /// When the last sound was played.
    sounded: i64,
    /// What was last written down as read.
    marked: Option<(RoomName, Seq)>,
    drawn: Timestamp,
    redraw: bool,
}

impl Engine {
    /// Reads what this browser keeps, shows it, and connects.
    pub(crate) fn start(chat: Chat, boot: &Boot) -> Self {
        let storage = Rc::new(BrowserStorage::open());
        let now = browser::now();
        let identity = identity::stored(&storage)
            .unwrap_or_else(|| identity::renew(&storage, now, browser::random()));
        let locks = Locks::find();
        let mut state = ChatState::from_boot(boot);
        state.set_me(unknown_me(
            identity.user_id.clone(),
            identity::chosen_name(&storage),
        ));
        let outbox = Outbox::open(
            Rc::clone(&storage),
            identity.user_id.clone(),
            locks.is_some(),
        );
        let engine = Self(Rc::new(RefCell::new(Inner {
            chat,
            state,
            storage,
            identity,
            outbox,
            locks,
            lock: drain::Lock::default(),
            wake: None,
            link: link::Link::new(now),
            shown: boot.room.clone(),
            recent: boot.room.clone().into_iter().collect(),
            at_end: boot.target.is_none(),
            eye: Eye {
                target: boot.target,
                ..Eye::default()
            },
            wanted: boot.target,
            asked: None,
            away: None,
            sounded: 0,
            marked: None,
            drawn: Timestamp(0),
            redraw: false,
        })));
        engine.with(|inner| {
            inner.load_settings();
            inner.begin_marks();
            inner.begin_sight();
            inner.restore();
            inner.load_draft();
            inner.shown.iter().for_each(browser::remember_room);
            inner.draw();
        });
        engine.listen();
        engine.connect();
        engine
    }

    fn with<R>(&self, enter: impl FnOnce(&mut Inner) -> R) -> R {
        enter(&mut self.0.borrow_mut())
    }

    /// Does what somebody wants.
    pub(crate) fn act(&self, action: Action) {
        match action {
            Action::Connect => self.come_back(),
            action => {
                self.with(|inner| inner.act(action));
                self.drain();
            }
        }
    }

    /// What this user wrote in the room that is shown, the newest first.
    pub(crate) fn own_texts(&self) -> Vec<String> {
        self.with(|inner| inner.own_texts())
    }

    /// Takes a frame in, and carries out what the state makes of it.
    fn take(&self, frame: &ServerFrame) {
        let effects = self.with(|inner| inner.state.apply(frame));
        let finished = !effects.is_empty();
        for effect in effects {
            self.carry_out(effect);
        }
        self.redraw();
        if finished {
            self.drain();
        }
    }

    fn carry_out(&self, effect: Effect) {
        match effect {
            Effect::Read { room, delay_ms: 0 } => self.with(|inner| inner.read(&room)),
            Effect::Read { room, delay_ms } => {
                let (engine, connection) = (self.clone(), self.with(|inner| inner.link.number()));
                browser::after(delay_ms, move || {
                    engine.with(|inner| {
                        if inner.link.number() == connection {
                            inner.read(&room);
                        }
                    });
                });
            }
            Effect::Stored { cid, seq, at } => self.with(|inner| inner.outbox.stored(cid, seq, at)),
            Effect::Refused { cid, code } => self.with(|inner| inner.outbox.refused(cid, code)),
            Effect::Arrived(message) => self.with(|inner| inner.alert(&message)),
            Effect::Retry {
                cid,
                code,
                after_ms,
            } => self.with(|inner| {
                let attempts = inner.outbox.attempts(cid);
                let wait = after_ms.unwrap_or_else(|| backoff::delay(attempts, browser::chance()));
                let until = Timestamp(browser::now().0 + i64::try_from(wait).unwrap_or(0));
                inner.outbox.retry(cid, until);
                if code == Code::RateLimited {
                    inner.chat.slowed.set(Some(until));
                }
            }),
            Effect::Named => self.with(|inner| inner.chat.name_refused.set(false)),
            Effect::NameRefused => self.with(|inner| {
                identity::choose_name(&inner.storage, None);
                inner.chat.name_refused.set(true);
            }),
            Effect::Identity => self.with(|inner| {
                inner.link.renewed = true;
                inner.renew_identity();
            }),
            Effect::Bye { why, reconnect_ms } => {
                self.with(|inner| inner.link.bye(why, reconnect_ms))
            }
        }
    }

    /// Draws now, or within a frame's time when it has just been drawn.
    fn redraw(&self) {
        let wait = self.with(|inner| {
            let due = inner.drawn.0 + FRAME_MS - browser::now().0;
            if due <= 0 {
                inner.draw();
                return None;
            }
            (!std::mem::replace(&mut inner.redraw, true)).then_some(due.unsigned_abs())
        });
        if let Some(wait) = wait {
            let engine = self.clone();
            browser::after(wait.min(FRAME_MS.unsigned_abs()), move || {
                engine.with(Inner::draw)
            });
        }
    }
}

impl Inner {
    /// Shows the state as it is.
    fn draw(&mut self) {
        self.redraw = false;
        self.drawn = browser::now();
        self.mark_read();
        self.mark_new();
        self.trim();
        self.chat
            .publish(&self.state, self.shown.as_ref(), self.eye);
        if self.aim() {
            self.chat
                .publish(&self.state, self.shown.as_ref(), self.eye);
        }
    }

    fn send(&self, frame: &ClientFrame) {
        self.link.send(frame);
    }

    /// Asks for what brings a room up to date.
    fn read(&mut self, room: &RoomName) {
        let request = self.state.request(room);
        self.send(&request);
    }

    /// Rows for everything that this browser still keeps.
    fn restore(&mut self) {
        for entry in self.outbox.entries() {
            let refused = entry.body.refused.map(Reason::Code);
            self.pend(&entry, refused);
        }
        for entry in self.outbox.foreign() {
            self.pend(&entry, Some(Reason::OtherIdentity));
        }
    }

    fn pend(&mut self, entry: &Entry, refused: Option<Reason>) {
        let Some(me) = self.state.me() else { return };
        let mut author = me.clone();
        author.user_id = entry.key.user.clone();
        let (room, cid) = (&entry.key.room, entry.key.cid);
        let message = own_message(&author, room, cid, &entry.body.text, entry.body.at);
        self.state.pend(
            room,
            Pending {
                cid,
                message,
                refused,
            },
        );
    }

    /// The identity belongs to somebody else: from now on this browser is a new person. What the old one wrote stays
    /// and asks.
    fn renew_identity(&mut self) {
        let pair = identity::renew(&self.storage, browser::now(), browser::random());
        self.become_one(pair);
    }

    fn become_one(&mut self, pair: Anonymous) {
        let name = identity::chosen_name(&self.storage);
        self.state.set_me(unknown_me(pair.user_id.clone(), name));
        self.outbox = Outbox::open(
            Rc::clone(&self.storage),
            pair.user_id.clone(),
            self.locks.is_some(),
        );
        self.identity = pair;
        self.restore();
    }
}
