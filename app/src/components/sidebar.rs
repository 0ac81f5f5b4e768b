//! The left side: the rooms, and who is writing.

use leptos::{html, prelude::*};
use sphere_protocol::name::ANONYMOUS;

use super::{
    icon::{Brand, Icon},
    name_dialog::NameDialog,
    room_list::RoomList,
};
use crate::{
    app::Drawer,
    chat::{Link, use_chat},
    server,
};

/// Rooms and oneself. On a phone it is a drawer: it takes the focus when it opens and gives it back.
#[component]
pub(crate) fn Sidebar() -> impl IntoView {
    let Drawer(drawer) = expect_context::<Drawer>();
    let side = NodeRef::<html::Aside>::new();
    Effect::new(move |was: Option<bool>| {
        let open = drawer.get();
        if was.is_some_and(|was| was != open) {
            focus(if open {
                "#side .room-link"
            } else {
                ".head .menu"
            });
        }
        open
    });
    view! {
        <aside class="side" id="side" aria-label="Rooms and you" node_ref=side>
            <div class="brand"><Brand/>"Sphere"</div>
            <nav aria-label="Rooms">
                <RoomList/>
            </nav>
            <You/>
        </aside>
    }
}

/// Moves the focus once the drawer stands where it will be.
fn focus(selector: &'static str) {
    request_animation_frame(move || {
        let found = document().query_selector(selector).ok().flatten();
        if let Some(element) = found.and_then(|element| {
            wasm_bindgen::JsCast::dyn_into::<web_sys::HtmlElement>(element).ok()
        }) {
            // An element that is not drawn takes no focus, and needs none.
            let _ = element.focus();
        }
    });
}

/// Who is writing, and whether the server hears it.
#[component]
fn You() -> impl IntoView {
    let chat = use_chat();
    let dialog = NodeRef::<html::Dialog>::new();
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
    let open = move |_| {
        if let Some(dialog) = dialog.get() {
            // It fails only if the dialog is open already.
            let _ = dialog.show_modal();
        }
    };
    view! {
        <section class="me" aria-label="You">
            <div class="who">
                <span class="avatar">
                    {move || image.get().map(|src| view! { <img src=src width="36" height="36" alt=""/> })}
                </span>
                <span class="cut">
                    <span class="name cut" dir="auto">{name}</span>
                    <span class="status" class:warn=move || chat.ready.get() && !connected()>
                        <i class="dot" class:warn=move || !connected()></i>
                        <span>{move || if connected() { "Connected" } else { "Connecting…" }}</span>
                    </span>
                </span>
                <button class="icon" type="button" aria-label="Your settings" disabled=move || !chat.ready.get() on:click=open>
                    <Icon name="gear"/>
                </button>
            </div>
        </section>
        <NameDialog dialog/>
    }
}
