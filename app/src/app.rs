//! The application: the chat at the root, the sidebar, and the page that the address names.

use leptos::{ev, prelude::*};
use leptos_router::{
    components::{Route, Router, Routes},
    hooks::use_location,
    path,
};
use sphere_protocol::RoomName;

use crate::{
    boot::Boot,
    chat::{Action, Chat},
    components::sidebar::Sidebar,
    pages::{not_found::NotFound, room::RoomPage},
};

/// The width up to which the sidebar is a drawer, as in the style.
const PHONE: f64 = 720.0;

/// The room that the address names.
#[derive(Clone, Copy)]
pub(crate) struct Current(pub(crate) Memo<Option<RoomName>>);

/// Whether the sidebar is pulled out, on a phone.
#[derive(Clone, Copy)]
pub(crate) struct Drawer(pub(crate) RwSignal<bool>);

/// Everything inside the body.
#[component]
pub fn App() -> impl IntoView {
    let boot = use_context::<Boot>().unwrap_or_default();
    let chat = Chat::new(&boot);
    provide_context(chat);
    Effect::new(move |started: Option<()>| {
        if started.is_none() {
            chat.start(&boot);
            chat.ready.set(true);
            if let Some(html) = document().document_element() {
                // Tests wait for it; nothing else depends on it.
                let _ = html.set_attribute("data-hydrated", "true");
            }
        }
    });
    view! {
        <Router>
            <Frame/>
        </Router>
    }
}

/// Sidebar and page.
#[component]
fn Frame() -> impl IntoView {
    let chat = expect_context::<Chat>();
    let pathname = use_location().pathname;
    let current = Memo::new(move |_| pathname.with(|path| room_of(path)));
    let drawer = RwSignal::new(false);
    provide_context(Current(current));
    provide_context(Drawer(drawer));
    Effect::new(move |_| {
        chat.act(Action::Show(current.get()));
        drawer.set(false);
    });
    Effect::new(move |_| {
        let resize = window_event_listener(ev::resize, move |_| {
            let width = window().inner_width().ok().and_then(|width| width.as_f64());
            if width.is_some_and(|width| width > PHONE) && drawer.get_untracked() {
                drawer.set(false);
            }
        });
        on_cleanup(move || resize.remove());
    });
    view! {
        <a class="skip" href="#draft" rel="external">"Skip to the message field"</a>
        <div
            class="shell"
            data-drawer=move || if drawer.get() { "open" } else { "closed" }
            on:keydown=move |event| {
                if event.key() == "Escape" && drawer.get_untracked() {
                    drawer.set(false);
                }
            }
        >
            <Sidebar/>
            <div class="scrim" on:click=move |_| drawer.set(false)></div>
            <Routes fallback=NotFound>
                <Route path=path!("/rooms/:room") view=RoomPage/>
            </Routes>
        </div>
    }
}

/// The room of an address like `/rooms/room1`.
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
