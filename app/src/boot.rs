//! What a page brings along: the rooms, and the newest page of the one that is shown.
//!
//! The server loads it before it renders and puts it into the context; the shell embeds it in the document; the browser
//! starts from exactly that. So both render the same first view, and the socket goes on where the page ends.

use serde::Serialize;
use sphere_protocol::{
    Code, MessageId, Page, RoomName, RoomSummary,
    read::{Read, Value},
    readable,
};

/// The `id` of the script element that carries the state.
pub const ELEMENT: &str = "sphere-boot";

/// The state that a page starts from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Boot {
    /// The room that is shown; none where the page is not a room.
    pub room: Option<RoomName>,
    /// All rooms, in the order to show.
    pub rooms: Vec<RoomSummary>,
    /// The room's newest page; none when the store was away or there is no room.
    pub page: Option<Page>,
    /// Why there is no page.
    pub error: Option<Code>,
    /// The message that the address points at.
    pub target: Option<MessageId>,
    /// The page around it; none when it is not in this room.
    pub around: Option<Page>,
}

readable! {
    Boot { room: "room", rooms: "rooms", page: "page", error: "error", target: "target", around: "around" }
}

impl Boot {
    /// The text of the script element. No `<` leaves here, so nothing that somebody wrote can end the element.
    pub fn embed(&self) -> String {
        serde_json::to_string(self)
            .unwrap_or_default()
            .replace('<', "\\u003c")
    }

    /// Reads what [`Boot::embed`] wrote; anything else is an empty state, and the socket brings the rest.
    pub fn read(text: &str) -> Self {
        let state: Option<Value> = serde_json::from_str(text).ok();
        state
            .and_then(|state| Read::read(&state))
            .unwrap_or_default()
    }

    /// What people call the room that is shown.
    pub fn title(&self) -> Option<&str> {
        let room = self.room.as_ref()?;
        self.rooms
            .iter()
            .find(|summary| summary.room == *room)
            .map(|summary| summary.title.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_title_ends_the_script_element() {
        let boot = Boot {
            rooms: vec![RoomSummary {
                room: "room1".into(),
                title: "</script><b>".to_owned(),
                epoch: 1,
                head: -1,
                last_at: None,
                unread: None,
            }],
            ..Boot::default()
        };
        let text = boot.embed();
        assert!(!text.contains('<'));
        assert_eq!(Boot::read(&text), boot);
    }

    #[test]
    fn a_page_without_state_starts_empty() {
        assert_eq!(Boot::read("").rooms, vec![]);
    }
}
