//! What reaches the page from outside: the network comes and goes, somebody looks, another tab writes, time passes.
//! And how far each room was read, which all tabs share.

use std::{collections::BTreeMap, time::Duration};

use leptos::prelude::{GetUntracked, Set, set_interval, window_event_listener_untyped};
use sphere_protocol::{Epoch, RoomName, Seq};
use wasm_bindgen::JsCast;
use web_sys::StorageEvent;

use super::{Engine, Inner};
use crate::{
    browser, identity,
    outbox::{Entry, Key},
    settings::{MUTED, SETTINGS},
    state::own::Reason,
    storage::Storage,
    time::Zone,
};

/// The storage key of a room's read mark, before its name.
const READ: &str = "read:";

impl Engine {
    /// Listens for as long as the page lives.
    pub(super) fn listen(&self) {
        self.on("online", |engine, _| engine.come_back());
        self.on("offline", |engine, _| engine.offline());
        self.on("visibilitychange", |engine, _| {
            engine.seen();
            engine.with(Inner::draw);
        });
        self.on("focus", |engine, _| engine.with(Inner::draw));
        self.on("blur", |engine, _| {
            engine.with(|inner| {
                inner.turn_away();
                inner.draw();
            });
        });
        self.on("pageshow", |engine, _| engine.check_link());
        self.on("storage", |engine, event| {
            if let Some(event) = event.dyn_ref::<StorageEvent>() {
                engine.changed(event);
            }
        });
        let engine = self.clone();
        let tick = move || {
            engine.check_link();
            engine.with(Inner::set_zone);
        };
        set_interval(tick, Duration::from_secs(1));
    }

    fn on(&self, name: &'static str, act: impl Fn(&Self, web_sys::Event) + 'static) {
        let engine = self.clone();
        // Listens until the page goes, so nothing has to be taken off.
        let _ = window_event_listener_untyped(name, move |event| act(&engine, event));
    }

    /// Another tab has written something.
    fn changed(&self, event: &StorageEvent) {
        let Some(key) = event.key() else { return };
        let value = event.new_value();
        if key == identity::USER_SECRET {
            let other = self.with(|inner| {
                let pair = identity::stored(&inner.storage).filter(|pair| *pair != inner.identity);
                pair.map(|pair| inner.become_one(pair)).is_some()
            });
            if other {
                self.connect();
            }
        } else if let Some(entry) = value.as_deref().and_then(|value| Entry::read(&key, value)) {
            self.with(|inner| inner.written_elsewhere(&entry));
            self.drain();
        } else if let Some(key) = Key::parse(&key) {
            self.with(|inner| {
                inner.outbox.landed(key.cid);
                inner.state.unpend(key.cid);
            });
            self.drain();
        } else if let (Some(room), Some(value)) = (key.strip_prefix(READ), value) {
            if let Some((_, seq)) = parse_mark(&value) {
                self.with(|inner| inner.state.read_elsewhere(&room.into(), seq));
            }
        } else if matches!(key.as_str(), SETTINGS | MUTED) {
            self.with(Inner::load_settings);
        } else {
            return;
        }
        self.redraw();
    }
}

impl Inner {
    fn written_elsewhere(&mut self, entry: &Entry) {
        let cid = entry.key.cid;
        if let Some(stored) = entry.body.stored {
            self.outbox.landed(cid);
            self.state.stored(cid, stored.seq, stored.at);
        } else if entry.key.user == self.identity.user_id {
            self.pend(entry, entry.body.refused.map(Reason::Code));
        }
    }

    /// Midnight has passed, or the reader's zone has changed.
    fn set_zone(&mut self) {
        let zone = Zone::local(self.chat.settings.get_untracked().hours);
        if self.chat.zone.get_untracked() != zone {
            self.chat.zone.set(zone);
            self.draw();
        }
    }

    /// Whoever comes for the first time has nothing to catch up on.
    pub(super) fn begin_marks(&mut self) {
        if self.storage.keys().iter().any(|key| key.starts_with(READ)) {
            return;
        }
        for line in self.state.list().lines() {
            self.storage.set(
                &format!("{READ}{}", line.room),
                &format!("{}:{}", line.epoch, line.head),
            );
        }
    }

    /// The read marks that count in the present history.
    pub(super) fn read_marks(&self) -> BTreeMap<RoomName, Seq> {
        let mut marks = BTreeMap::new();
        for line in self.state.list().lines() {
            let mark = self.storage.get(&format!("{READ}{}", line.room));
            if let Some((epoch, seq)) = mark.as_deref().and_then(parse_mark)
                && epoch == line.epoch
            {
                marks.insert(line.room.clone(), seq);
            }
        }
        marks
    }

    /// The room that is shown is read while somebody looks at its end.
    pub(super) fn mark_read(&mut self) {
        let reading = self
            .shown
            .clone()
            .filter(|_| self.at_end && browser::is_watched());
        let mark = self.state.set_reading(reading.as_ref());
        let (Some(room), Some((epoch, seq))) = (reading, mark) else {
            return;
        };
        let now = Some((room.clone(), seq));
        if self.marked != now {
            self.storage
                .set(&format!("{READ}{room}"), &format!("{epoch}:{seq}"));
            self.marked = now;
        }
    }
}

fn parse_mark(text: &str) -> Option<(Epoch, Seq)> {
    let (epoch, seq) = text.split_once(':')?;
    Some((epoch.parse().ok()?, seq.parse().ok()?))
}
