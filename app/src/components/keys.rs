//! The keys, and the list of them.

use leptos::{ev, prelude::*};
use sphere_protocol::RoomName;
use wasm_bindgen::JsCast as _;

use super::overlay::{Open, Overlay, dialog};
use crate::{
    address::{self, Place, room_address},
    app::Address,
    browser,
    chat::{Chat, use_chat},
};

/// What the list says.
const KEYS: [(&str, &str); 13] = [
    ("Enter", "send"),
    ("Shift Enter", "start a line"),
    ("↑ in an empty field", "what you wrote before"),
    (":", "an emoji by its name"),
    ("Esc", "to the message field"),
    ("Ctrl K or ⌘ K", "jump to a room"),
    ("Alt ↑ and Alt ↓", "the room above, the room below"),
    ("Alt Shift ↑ and ↓", "a room with something new"),
    (
        "↑ and ↓ in the messages",
        "the message above, the message below",
    ),
    (
        "Home and End in the messages",
        "the first one here, the latest",
    ),
    ("Enter on a message", "what can be done with it"),
    ("F6", "the next part of the page"),
    ("?", "this list"),
];

/// The parts of the page that F6 goes through, and what takes the focus there.
const PARTS: [(&str, [&str; 2]); 3] = [
    ("#side", [".room-link[aria-current]", ".room-link"]),
    (".stage", ["#log", "#log"]),
    (".composer", ["#draft", "#draft"]),
];

/// The list of keys.
#[component]
pub(crate) fn KeysDialog() -> impl IntoView {
    dialog(Open::Keys, "dialog", "Keyboard shortcuts", list)
}

fn list() -> impl IntoView {
    let overlay = expect_context::<Overlay>();
    let rows = || {
        KEYS.map(|(keys, what)| view! { <dt><kbd>{keys}</kbd></dt><dd>{what}</dd> })
            .collect_view()
    };
    view! {
            <header class="bar">
                <h2>"Keyboard shortcuts"</h2>
                <button class="btn bare" type="button" on:click=move |_| overlay.show(Open::None)>"Close"</button>
            </header>
            <dl class="keys">{rows()}</dl>
    }
}

/// Listens for the keys that work everywhere on the page.
pub(crate) fn listen() {
    let chat = use_chat();
    let Address(place) = expect_context::<Address>();
    let overlay = expect_context::<Overlay>();
    Effect::new(move |_| {
        let pressed = window_event_listener(ev::keydown, move |event| {
            if press(chat, place, overlay, &event) {
                event.prevent_default();
            }
        });
        on_cleanup(move || pressed.remove());
    });
}

/// Does what a key asks for; says whether it asked for anything.
fn press(chat: Chat, place: RwSignal<Place>, overlay: Overlay, event: &ev::KeyboardEvent) -> bool {
    if event.default_prevented() || event.is_composing() {
        return false;
    }
    let command = event.ctrl_key() || event.meta_key();
    let key = event.key();
    let open = overlay.0.get_untracked();
    match key.as_str() {
        "k" | "K" if command && !event.alt_key() && !event.shift_key() => {
            overlay.show(if open == Open::Switcher {
                Open::None
            } else {
                Open::Switcher
            });
        }
        _ if open != Open::None => return false,
        "ArrowUp" | "ArrowDown" if event.alt_key() && !command => {
            let down = key == "ArrowDown";
            let shown = place.with_untracked(|place| place.room.clone());
            if let Some(room) = neighbour(chat, shown.as_ref(), down, event.shift_key()) {
                address::go(place, &room_address(&room));
            }
        }
        "F6" => return cycle(event.shift_key()),
        "?" if !command && !is_typing(event) => overlay.show(Open::Keys),
        "Escape" => return browser::focus("#draft"),
        _ => return false,
    }
    true
}

/// The next room in a direction; only one with something new, if that is asked for.
fn neighbour(chat: Chat, shown: Option<&RoomName>, down: bool, new: bool) -> Option<RoomName> {
    chat.rooms.with_untracked(|rooms| {
        let count = rooms.len();
        let at = rooms.iter().position(|line| Some(&line.room) == shown);
        let start = at.unwrap_or(if down { count.saturating_sub(1) } else { 0 });
        let order = (1..count).map(|step| {
            if down {
                (start + step) % count
            } else {
                (start + count - step) % count
            }
        });
        let mut lines = order.map(|index| &rooms[index]);
        lines
            .find(|line| !new || line.unread > 0 || line.more)
            .map(|line| line.room.clone())
    })
}

/// Moves the focus to the next part of the page.
fn cycle(back: bool) -> bool {
    let focused = document().active_element();
    let holds = |(part, _): &(&str, [&str; 2])| {
        let part = document().query_selector(part).ok().flatten();
        part.is_some_and(|part| part.contains(focused.as_deref()))
    };
    let count = PARTS.len();
    let at = PARTS.iter().position(holds).unwrap_or(count - 1);
    let mut order = (1..=count).map(|step| {
        let next = if back { at + count - step } else { at + step };
        PARTS[next % count].1
    });
    order.any(|inside| inside.into_iter().any(browser::focus))
}

/// Whether a letter would go into a field.
fn is_typing(event: &ev::KeyboardEvent) -> bool {
    let target = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    target.is_some_and(|target| target.matches("input, textarea, select").unwrap_or(false))
}
