//! The address bar: which room it names, and going to another one without loading the page again.
//!
//! Every page of the application is a room, so this is all the routing there is; a router for more would make a quarter
//! of what the reader downloads. Used by `app`.

use leptos::{ev, prelude::*};
use sphere_protocol::{MessageId, RoomName};
use wasm_bindgen::{JsCast as _, JsValue};

/// What the address names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The room.
    pub(crate) room: Option<RoomName>,
    /// The message in it, of a link to one message.
    pub(crate) message: Option<MessageId>,
}

/// What the address names. The server's answer comes first; links and the browser's buttons change it.
pub(crate) fn follow(first: Place) -> RwSignal<Place> {
    let place = RwSignal::new(first);
    Effect::new(move |_| {
        if place.with_untracked(|place| place.room.is_none()) {
            place.set(here());
        }
        let back = window_event_listener(ev::popstate, move |_| place.set(here()));
        let click = window_event_listener(ev::click, move |event| {
            if let Some(address) = destination(&event)
                && go(place, &address)
            {
                event.prevent_default();
            }
        });
        on_cleanup(move || {
            back.remove();
            click.remove();
        });
    });
    place
}

/// Goes to a page of the application. Where the history cannot be written, the link is to be followed.
pub(crate) fn go(place: RwSignal<Place>, address: &str) -> bool {
    let went = window()
        .history()
        .and_then(|history| history.push_state_with_url(&JsValue::NULL, "", Some(address)));
    // Also to where one is already: a link to a message leads there again.
    place.set(here());
    went.is_ok()
}

/// The address of a room's page.
pub(crate) fn room_address(room: &RoomName) -> String {
    format!("/rooms/{room}")
}

/// The address of a message in its room.
pub(crate) fn message_address(room: &RoomName, id: MessageId) -> String {
    format!("/rooms/{room}?m={id}")
}

fn here() -> Place {
    let location = window().location();
    Place {
        room: room_of(&location.pathname().unwrap_or_default()),
        message: message_of(&location.search().unwrap_or_default()),
    }
}

/// Where a click leads within the application; none when the browser should follow it itself, in a new tab for instance.
fn destination(event: &ev::MouseEvent) -> Option<String> {
    let modified = event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key();
    if event.default_prevented() || event.button() != 0 || modified {
        return None;
    }
    let target = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    let link = target.closest("a[href]").ok().flatten()?;
    let address = link.get_attribute("href")?;
    (address.starts_with("/rooms/")
        && !link.has_attribute("target")
        && !link.has_attribute("download"))
    .then_some(address)
}

/// The room of a path like `/rooms/room1`.
fn room_of(path: &str) -> Option<RoomName> {
    let name = path.strip_prefix("/rooms/")?.trim_end_matches('/');
    Some(RoomName::from(name)).filter(RoomName::is_valid)
}

/// The message of a query like `?m=61068ac8-be10-8324-8206-116820cf4008`.
fn message_of(query: &str) -> Option<MessageId> {
    let mut pairs = query.trim_start_matches('?').split('&');
    pairs.find_map(|pair| MessageId::parse(pair.strip_prefix("m=")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_at_most_one_room() {
        assert_eq!(room_of("/rooms/room1"), Some("room1".into()));
        for other in ["/", "/rooms/", "/rooms/Room1", "/rooms/a/b", "/other/room1"] {
            assert_eq!(room_of(other), None, "{other}");
        }
    }
}
