//! What somebody does at the page.

use leptos::prelude::GetUntracked;
use sphere_protocol::{Cid, ClientFrame, Code, MessageId, RoomName, client::Profile, name, text};

use super::Inner;
use crate::{
    browser,
    chat::{self, Action},
    identity,
    state::own::Reason,
    storage::Storage,
};

impl Inner {
    pub(super) fn act(&mut self, action: Action) {
        match action {
            Action::Show(place) => self.look_at(place),
            Action::Send(text) => self.write(&text),
            Action::Again(id) => self.again(id),
            Action::Remove(id) => {
                if let Some((_, cid, _, _)) = self.own(id) {
                    self.take_back(cid);
                }
            }
            Action::Rename(name) => self.rename(&name),
            Action::Above => self.above(),
            Action::Below => self.below(),
            Action::Fill(after, downward) => self.fill(after, downward),
            Action::AtEnd(at_end) => self.set_at_end(at_end),
            Action::Set(settings) => self.choose(settings),
            Action::Mute(room, muted) => self.mute(room, muted),
            Action::Draft(text) => return self.draft(text),
            // The link's business, see Engine::act.
            Action::Connect => {}
        }
        self.draw();
    }

    fn write(&mut self, text: &str) {
        let Some(room) = self.shown.clone() else {
            return;
        };
        if text::check(text).is_err() {
            return;
        }
        self.keep(&room, text);
        self.draft(String::new());
    }

    /// Into the outbox, and onto the screen.
    fn keep(&mut self, room: &RoomName, text: &str) {
        let entry = self
            .outbox
            .add(room, text, browser::new_cid(), browser::now());
        self.pend(&entry, None);
        self.go_to_end();
    }

    fn again(&mut self, id: MessageId) {
        let Some((room, cid, text, reason)) = self.own(id) else {
            return;
        };
        self.take_back(cid);
        if let Some(Reason::Code(Code::Blank | Code::TooLong)) = reason {
            // As it stands it would be refused again: back to where it can be changed.
            let draft = self.chat.draft.get_untracked();
            let gap = if draft.is_empty() { "" } else { "\n" };
            self.draft(format!("{draft}{gap}{text}"));
        } else {
            self.keep(&room, &text);
        }
    }

    fn take_back(&mut self, cid: Cid) {
        self.outbox.remove(cid);
        self.state.unpend(cid);
    }

    fn own(&self, id: MessageId) -> Option<(RoomName, Cid, String, Option<Reason>)> {
        let room = self.shown.as_ref()?;
        let pending = self
            .state
            .room(room)?
            .pending()
            .iter()
            .find(|pending| pending.message.id == id)?;
        Some((
            room.clone(),
            pending.cid,
            pending.message.message.clone(),
            pending.refused,
        ))
    }

    fn rename(&mut self, name: &str) {
        let name = browser::normal_form(name.trim());
        chat::set(self.chat.name_refused, !name::is_valid(&name));
        if !name::is_valid(&name) {
            return;
        }
        identity::choose_name(&self.storage, Some(&name));
        if let Some(me) = self.state.me() {
            let mut me = me.clone();
            me.user_name.clone_from(&name);
            self.state.set_me(me);
        }
        if self.link.is_welcomed() {
            self.send(&ClientFrame::Profile(Profile { user_name: name }));
        }
    }

    fn draft(&mut self, text: String) {
        if let Some(room) = &self.shown {
            let key = draft_key(room);
            if text.is_empty() {
                self.storage.remove(&key);
            } else {
                self.storage.set(&key, &text);
            }
        }
        chat::set(self.chat.draft, text);
    }

    /// What was being written in the room that is shown.
    pub(super) fn load_draft(&mut self) {
        let draft = self
            .shown
            .as_ref()
            .and_then(|room| self.storage.get(&draft_key(room)));
        chat::set(self.chat.draft, draft.unwrap_or_default());
    }
}

fn draft_key(room: &RoomName) -> String {
    format!("draft:{room}")
}
