//! The address bar: which room it names, and going to another one without loading the page again.
//!
//! Every page of the application is a room, so this is all the routing there is; a router for more would make a quarter
//! of what the reader downloads. Used by `app`.

use leptos::{ev, prelude::*};
use sphere_protocol::RoomName;
use wasm_bindgen::{JsCast as _, JsValue};

/// The room that the address names. The server's answer comes first; links and the browser's buttons change it.
pub(crate) fn follow(first: Option<RoomName>) -> Memo<Option<RoomName>> {
    let room = RwSignal::new(first);
    Effect::new(move |_| {
        let read = move || room.set(room_of(&window().location().pathname().unwrap_or_default()));
        if room.get_untracked().is_none() {
            read();
        }
        let back = window_event_listener(ev::popstate, move |_| read());
        let click = window_event_listener(ev::click, move |event| {
            let Some(address) = destination(&event) else {
                return;
            };
            let went = window().history().and_then(|history| {
                history.push_state_with_url(&JsValue::NULL, "", Some(&address))
            });
            // Where the history cannot be written, the link is simply followed.
            if went.is_ok() {
                event.prevent_default();
                read();
            }
        });
        on_cleanup(move || {
            back.remove();
            click.remove();
        });
    });
    Memo::new(move |_| room.get())
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
