//! Which tab sends what the outbox holds, and when.
//!
//! Whoever sends holds the Web Lock `sphere-outbox` from the first send to the last answer; it is given back as soon as
//! there is nothing to send or no connection, so a tab in the background never keeps another one from sending. Without
//! locks every tab sends its own entries.

use std::rc::Rc;

use js_sys::Function;
use sphere_protocol::{ClientFrame, client::PostMessage};
use wasm_bindgen::JsValue;

use super::{Engine, Inner};
use crate::{
    browser::{self, Locks},
    outbox::Outbox,
};

const NAME: &str = "sphere-outbox";

/// Whether this tab may send.
#[derive(Debug, Default)]
pub(super) enum Lock {
    /// It has not asked.
    #[default]
    Free,
    /// It waits for its turn.
    Asked,
    /// It may; calling this gives the lock back.
    Held(Function),
}

impl Engine {
    /// Sends what may be sent, after asking for the lock where there are locks.
    pub(super) fn drain(&self) {
        let Some(locks) = self.with(Inner::drain) else {
            return self.wake_later();
        };
        let (granted, refused) = (self.clone(), self.clone());
        locks.request(
            NAME,
            move |release| {
                granted.with(|inner| inner.lock = Lock::Held(release));
                granted.drain();
            },
            move || {
                refused.with(Inner::give_up_locks);
                refused.drain();
            },
        );
    }

    fn wake_later(&self) {
        let now = browser::now();
        let wait = self.with(|inner| {
            let wake = inner.outbox.wake(now)?;
            if inner
                .wake
                .is_some_and(|planned| planned > now.0 && planned <= wake)
            {
                return None;
            }
            inner.wake = Some(wake);
            Some((wake - now.0).unsigned_abs())
        });
        if let Some(wait) = wait {
            let engine = self.clone();
            browser::after(wait, move || {
                engine.with(|inner| inner.wake = None);
                engine.drain();
            });
        }
    }
}

impl Inner {
    /// Sends what may be sent. Gives the locks back if this tab has to ask first.
    fn drain(&mut self) -> Option<Locks> {
        if !self.link.is_welcomed() || !self.outbox.is_waiting() {
            if let Lock::Held(release) = &self.lock {
                // The resolver of a promise does not fail.
                let _ = release.call0(&JsValue::UNDEFINED);
                self.lock = Lock::Free;
            }
            return None;
        }
        match (&self.locks, &self.lock) {
            (None, _) | (_, Lock::Held(_)) => self.send_due(),
            (Some(locks), Lock::Free) => {
                let locks = locks.clone();
                self.lock = Lock::Asked;
                return Some(locks);
            }
            (Some(_), Lock::Asked) => {}
        }
        None
    }

    fn send_due(&mut self) {
        for entry in self.outbox.due(browser::now()) {
            self.send(&ClientFrame::PostMessage(PostMessage {
                cid: entry.key.cid,
                attempt: entry.body.attempt,
                room: entry.key.room,
                message: entry.body.text,
            }));
        }
    }

    /// The browser has a lock manager that gives no locks.
    fn give_up_locks(&mut self) {
        self.locks = None;
        self.lock = Lock::Free;
        self.outbox = Outbox::open(
            Rc::clone(&self.storage),
            self.identity.user_id.clone(),
            false,
        );
    }
}
