//! The application: the chat at the root, the sidebar, and the page that the address names.

use leptos::{ev, prelude::*};
use sphere_protocol::RoomName;

use crate::{
    address::{self, Place},
    boot::Boot,
    chat::{Action, Chat},
    components::{
        keys::{self, KeysDialog},
        overlay::{Open, Overlay},
        settings::SettingsDialog,
        sidebar::Sidebar,
        switcher::Switcher,
    },
    pages::room::RoomPage,
};

/// The width up to which the sidebar is a drawer, as in the style.
const PHONE: f64 = 720.0;

/// What the address names.
#[derive(Clone, Copy)]
pub(crate) struct Address(pub(crate) RwSignal<Place>);

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
    let place = address::follow(Place {
        room: boot.room.clone(),
        message: boot.target,
    });
    provide_context(Address(place));
    provide_context(Current(Memo::new(move |_| {
        place.with(|place| place.room.clone())
    })));
    provide_context(Overlay(RwSignal::new(Open::None)));
    Effect::new(move |started: Option<()>| {
        if started.is_none() {
            chat.start(&boot);
            chat.ready.set(true);
            request_animation_frame(|| {
                if let Some(html) = document().document_element() {
                    // What is drawn now stays where it is. Nothing but tests reads the attribute.
                    let _ = html.class_list().remove_1("early");
                    let _ = html.set_attribute("data-hydrated", "true");
                }
            });
        }
    });
    Frame()
}

/// Sidebar and page.
#[component]
fn Frame() -> impl IntoView {
    let chat = expect_context::<Chat>();
    let Address(place) = expect_context::<Address>();
    let drawer = RwSignal::new(false);
    provide_context(Drawer(drawer));
    keys::listen();
    Effect::new(move |_| {
        chat.act(Action::Show(place.get()));
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
            data-drawer=Signal::derive(move || if drawer.get() { "open" } else { "closed" })
            on:keydown=move |event| {
                if event.key() == "Escape" && drawer.get_untracked() {
                    drawer.set(false);
                }
            }
        >
            <Sidebar/>
            <div class="scrim" on:click=move |_| drawer.set(false)></div>
            <RoomPage/>
        </div>
        <Switcher/>
        <SettingsDialog/>
        <KeysDialog/>
    }
}
