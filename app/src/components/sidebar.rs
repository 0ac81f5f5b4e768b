//! The left side: the rooms, and who is writing.

use leptos::prelude::*;
use sphere_protocol::name::ANONYMOUS;

use super::{
    icon::{Brand, Icon},
    overlay::{Open, Overlay},
    room_list::RoomList,
};
use crate::{
    app::Drawer,
    browser,
    chat::{Link, use_chat},
    server,
};

/// Rooms and oneself. On a phone it is a drawer: it takes the focus when it opens and gives it back.
#[component]
pub(crate) fn Sidebar() -> impl IntoView {
    let Drawer(drawer) = expect_context::<Drawer>();
    let chat = use_chat();
    let overlay = expect_context::<Overlay>();
    Effect::new(move |was: Option<bool>| {
        let open = drawer.get();
        if was.is_some_and(|was| was != open) {
            // The room that is shown comes into view by that, however many there are.
            let parts = if open {
                ["#side .room-link[aria-current]", "#side .room-link"]
            } else {
                [".head .menu"; 2]
            };
            // Once the drawer stands where it will be. What is not drawn takes no focus, and needs none.
            request_animation_frame(move || {
                parts.into_iter().any(browser::focus);
            });
        }
        open
    });
    view! {
        <aside class="side" id="side" aria-label="Rooms and you">
            <div class="brand">
                <Brand/>"Sphere"
                <button
                    class="icon"
                    type="button"
                    aria-label="Keyboard shortcuts"
                    disabled=Signal::derive(move || !chat.ready.get())
                    on:click=move |_| overlay.show(Open::Keys)
                >
                    <Icon name="keys"/>
                </button>
            </div>
            <button
                class="jump-field"
                type="button"
                disabled=Signal::derive(move || !chat.ready.get())
                on:click=move |_| overlay.show(Open::Switcher)
            >
                <Icon name="search" small=true/>"Jump to a room"<kbd>"Ctrl K"</kbd>
            </button>
            <nav aria-label="Rooms">
                <RoomList/>
            </nav>
            <You/>
        </aside>
    }
}

/// Who is writing, and whether the server hears it.
#[component]
fn You() -> impl IntoView {
    let chat = use_chat();
    let overlay = expect_context::<Overlay>();
    let name = move || {
        chat.me.with(|me| {
            me.as_ref()
                .map_or_else(|| ANONYMOUS.to_owned(), |me| me.user_name.clone())
        })
    };
    let image = Memo::new(move |_| {
        chat.me
            .with(|me| me.as_ref().map(|me| server::address(&me.user_image)))
    });
    let connected = move || chat.link.get() == Link::Connected;
    let open = move |_| overlay.show(Open::Settings);
    view! {
        <section class="me" aria-label="You">
            <div class="who">
                <span class="avatar">
                    {move || image.get().map(|src| view! { <img src=src width="36" height="36" alt=""/> })}
                </span>
                <span class="cut">
                    <span class="name cut" dir="auto">{Signal::derive(name)}</span>
                    <span class="status" class:warn=Signal::derive(move || chat.ready.get() && !connected())>
                        <i class="dot" class:warn=Signal::derive(move || !connected())></i>
                        <span>{Signal::derive(move || if connected() { "Connected" } else { "Connecting…" })}</span>
                    </span>
                </span>
                <button class="icon" type="button" aria-label="Your settings" disabled=Signal::derive(move || !chat.ready.get()) on:click=open>
                    <Icon name="gear"/>
                </button>
            </div>
        </section>
    }
}
