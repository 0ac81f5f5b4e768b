//! Ctrl or Cmd and K: to a room by a few letters of its name.

use leptos::{ev, html, prelude::*};
use sphere_protocol::RoomName;

use super::{
    icon::Icon,
    overlay::{Open, Overlay, dialog},
    room_list::{Badge, badge},
    tile::Tile,
};
use crate::{
    address::{self, room_address},
    app::Address,
    browser,
    chat::use_chat,
    fuzzy,
    state::list::Line,
};

/// The switcher.
#[component]
pub(crate) fn Switcher() -> impl IntoView {
    dialog(Open::Switcher, "switcher", "Jump to a room", Finder)
}

#[component]
fn Finder() -> impl IntoView {
    let chat = use_chat();
    let Address(place) = expect_context::<Address>();
    let overlay = expect_context::<Overlay>();
    let (typed, set_typed) = signal(String::new());
    let (chosen, set_chosen) = signal(0_usize);
    let found = Memo::new(move |_| {
        let typed = typed.get();
        chat.rooms.with(|rooms| find(&typed, rooms))
    });
    let open = move |room: &RoomName| {
        overlay.show(Open::None);
        address::go(place, &room_address(room));
    };
    let key = move |event: ev::KeyboardEvent| {
        let count = found.with(Vec::len);
        let step = |by: usize| set_chosen.update(|chosen| *chosen = (*chosen + by) % count.max(1));
        match event.key().as_str() {
            "ArrowDown" => step(1),
            "ArrowUp" => step(count.saturating_sub(1)),
            "Home" if count > 0 => set_chosen.set(0),
            "End" if count > 0 => set_chosen.set(count - 1),
            "Enter" if !event.is_composing() => {
                if let Some(line) = found.with(|found| found.get(chosen.get()).cloned()) {
                    open(&line.room);
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    let field = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        if let Some(field) = field.get() {
            // A field that is not drawn takes no focus.
            let _ = field.focus();
        }
    });
    view! {
        <div class="find">
            <Icon name="search"/>
            <input
                type="text"
                role="combobox"
                aria-label="Jump to a room"
                aria-expanded="true"
                aria-controls="found"
                aria-activedescendant=Signal::derive(move || {
                    found.with(|found| found.get(chosen.get()).map(|line| option_id(&line.room)))
                })
                autocomplete="off"
                spellcheck="false"
                placeholder="Jump to a room"
                on:input=move |event| {
                    set_typed.set(event_target_value(&event));
                    set_chosen.set(0);
                }
                on:keydown=key
                node_ref=field
            />
            <kbd>"Esc"</kbd>
        </div>
        <ul class="list" id="found" role="listbox" aria-label="Rooms">
            <For each=move || found.get() key=|line| line.room.clone() let(line)>
                <Found line found chosen open/>
            </For>
        </ul>
        {move || found.with(Vec::is_empty).then(|| view! { <p class="none" role="status">"No room has this name."</p> })}
    }
}

#[component]
fn Found(
    line: Line,
    found: Memo<Vec<Line>>,
    chosen: ReadSignal<usize>,
    open: impl Fn(&RoomName) + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let room = line.room.clone();
    let selected = {
        let room = room.clone();
        Memo::new(move |_| {
            found.with(|found| {
                found
                    .get(chosen.get())
                    .is_some_and(|line| line.room == room)
            })
        })
    };
    view! {
        <li
            class="option"
            id=option_id(&line.room)
            role="option"
            aria-selected=Signal::derive(move || selected.get().to_string())
            on:click=move |_| open(&room)
        >
            <Tile room=line.room.to_string()/>
            <span class="cut" dir="auto">{line.title.clone()}</span>
            {badge(&line).map(|badge| view! { <Badge badge/> })}
        </li>
    }
}

fn option_id(room: &RoomName) -> String {
    format!("to-{room}")
}

/// The rooms that the letters name, the best first; without letters those with something new first.
fn find(typed: &str, rooms: &[Line]) -> Vec<Line> {
    let typed = &browser::lower_case(typed);
    let mut found: Vec<((i32, bool), Line)> = Vec::new();
    for line in rooms {
        let title = browser::lower_case(&line.title);
        let score = fuzzy::score(typed, &title).max(fuzzy::score(typed, line.room.as_str()));
        let Some(score) = score else { continue };
        let new = typed.is_empty() && (line.unread > 0 || line.more);
        // Rooms that are named equally well stay in their order. There are few: put in place as they come.
        let rank = (-score, !new);
        let index = found.partition_point(|(other, _)| *other <= rank);
        found.insert(index, (rank, line.clone()));
    }
    found.into_iter().map(|(_, line)| line).collect()
}
