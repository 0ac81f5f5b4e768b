//! How a connection begins: who this is, where each room stands, and the server's answer.

use sphere_protocol::{ClientFrame, RoomName, VERSION, client::Hello};

use super::{Inner, RECENT};
use crate::{browser, chat, identity};

impl Inner {
    /// Says who this is and where each room stands.
    pub(super) fn greet(&mut self) {
        let mut rooms: Vec<RoomName> = self.recent.clone();
        rooms.truncate(RECENT + 1);
        let joins = rooms.iter().map(|room| self.state.join(room)).collect();
        let hello = Hello {
            v: VERSION,
            anonymous: Some(self.identity.clone()),
            user_name: identity::chosen_name(&self.storage),
            rooms: Some(joins),
            read: Some(self.read_marks()),
        };
        self.send(&ClientFrame::Hello(hello));
    }

    pub(super) fn welcomed(&mut self, heartbeat_ms: u32) {
        let now = browser::now().0;
        let link = &mut self.link;
        link.welcomed = true;
        link.since = now;
        link.pinged = now;
        link.failures = 0;
        link.back_ms = None;
        link.heartbeat = i64::from(heartbeat_ms.max(1_000));
        chat::set(self.chat.link, chat::Link::Connected);
        self.banner_back();
        // Somebody went to another room between the greeting and its answer.
        for room in self.recent.clone() {
            if !self.state.joined(&room) {
                self.read(&room);
            }
        }
    }
}
