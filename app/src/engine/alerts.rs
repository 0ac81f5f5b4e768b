//! Calling somebody who does not look: a sound, and a notification on the desktop. Both only if they were asked for.

use leptos::prelude::GetUntracked;
use sphere_protocol::Message;

use super::Inner;
use crate::{browser, calls};

/// At most one sound in this time.
const SOUND_MS: i64 = 1_500;
/// So many characters of a message are enough to know what it is about.
const SHOWN: usize = 200;

impl Inner {
    /// Somebody else said something.
    pub(super) fn alert(&mut self, message: &Message) {
        let muted = self.chat.muted.get_untracked().contains(&message.room);
        if muted || browser::is_watched() {
            return;
        }
        let settings = self.chat.settings.get_untracked();
        let now = browser::now().0;
        if settings.sound && now - self.sounded > SOUND_MS {
            self.sounded = now;
            calls::sound();
        }
        if settings.notify {
            let line = self.state.list().line(&message.room);
            let room = line.map_or(message.room.as_str(), |line| line.title.as_str());
            let text: String = message.message.chars().take(SHOWN).collect();
            let title = format!("{} in {room}", message.user_name);
            calls::notify(&title, &text, &message.id.to_string());
        }
    }
}
