//! What somebody has chosen: kept, shown in every tab at once, and put where the style finds it.

use leptos::prelude::{GetUntracked, document};
use sphere_protocol::RoomName;

use super::Inner;
use crate::{
    chat,
    settings::{self, Settings},
    time::Zone,
};

impl Inner {
    /// Reads what this browser keeps.
    pub(super) fn load_settings(&mut self) {
        let settings = Settings::stored(&self.storage);
        chat::set(self.chat.settings, settings);
        chat::set(self.chat.muted, settings::muted(&self.storage));
        chat::set(self.chat.zone, Zone::local(settings.hours));
        let Some(html) = document().document_element() else {
            return;
        };
        let density = if settings.compact { "compact" } else { "" };
        for (name, value) in [
            ("data-theme", settings.theme.word()),
            ("data-density", density),
        ] {
            // An attribute of the document's element can always be set.
            let _ = if value.is_empty() {
                html.remove_attribute(name)
            } else {
                html.set_attribute(name, value)
            };
        }
    }

    pub(super) fn choose(&mut self, settings: Settings) {
        settings.keep(&self.storage);
        self.load_settings();
    }

    pub(super) fn mute(&mut self, room: RoomName, muted: bool) {
        let mut rooms = self.chat.muted.get_untracked();
        rooms.retain(|other| *other != room);
        if muted {
            rooms.push(room);
        }
        settings::keep_muted(&self.storage, &rooms);
        self.load_settings();
    }
}
