//! A room: what was said, and the field to say something. One page serves every room.

use leptos::{either::Either, prelude::*};
use sphere_protocol::limits::MAX_UNREAD;

use super::not_found::NotFound;
use crate::{
    app::{Current, Drawer},
    archive::{Archive, page_links},
    chat::{Action, Link, use_chat},
    components::{
        banner::ConnectionBanner,
        composer::Composer,
        icon::{Icon, IconProps},
        log::Log,
    },
};

/// The room that the address names.
#[component]
pub(crate) fn RoomPage() -> impl IntoView {
    let chat = use_chat();
    let Current(current) = expect_context::<Current>();
    let title = Memo::new(move |_| {
        let room = current.get()?;
        chat.rooms
            .with(|rooms| match rooms.iter().find(|line| line.room == room) {
                Some(line) => Some(line.title.clone()),
                // Before the list is known, the room goes by its name.
                None => rooms.is_empty().then(|| room.to_string()),
            })
    });
    let unread = Memo::new(move |_| {
        let rooms = chat.rooms.get();
        let muted = chat.muted.get();
        let calling = rooms.iter().filter(|line| !muted.contains(&line.room));
        calling.fold(0, |sum, line| sum + line.unread)
    });
    Effect::new(move |_| {
        let name = title
            .get()
            .map_or_else(|| "Sphere".to_owned(), |title| format!("{title} · Sphere"));
        let name = match unread.get() {
            0 => name,
            unread @ 1..MAX_UNREAD => format!("({unread}) {name}"),
            _ => format!("(99+) {name}"),
        };
        document().set_title(&name);
        let icon = if unread.get() > 0 {
            "/favicon-unread.svg"
        } else {
            "/favicon.svg"
        };
        if let Ok(Some(link)) = document().query_selector("link[rel=icon]") {
            // An attribute of an element of the page can always be set.
            let _ = link.set_attribute("href", icon);
        }
    });
    let known = Memo::new(move |_| title.with(Option::is_some));
    let title = Signal::derive(move || title.get().unwrap_or_default());
    move || {
        if known.get() {
            Either::Left(view! { <Room title/> })
        } else {
            Either::Right(NotFound())
        }
    }
}

#[component]
fn Room(title: Signal<String>) -> impl IntoView {
    let Drawer(drawer) = expect_context::<Drawer>();
    view! {
        <main class="room" inert=Signal::derive(move || drawer.get())>
            <Head title/>
            <ConnectionBanner/>
            {page_links()}
            <Log title/>
            {use_context::<Archive>().is_none().then(|| view! { <Composer title/> })}
        </main>
    }
}

#[component]
fn Head(title: Signal<String>) -> impl IntoView {
    let chat = use_chat();
    let Current(current) = expect_context::<Current>();
    let Drawer(drawer) = expect_context::<Drawer>();
    let elsewhere = Memo::new(move |_| {
        let room = current.get();
        chat.rooms.with(|rooms| {
            let others = rooms
                .iter()
                .filter(|line| Some(&line.room) != room.as_ref());
            others.fold((0, false), |(sum, more), line| {
                (sum + line.unread, more || line.more || line.unread > 0)
            })
        })
    });
    let label = move || match elsewhere.get() {
        (_, false) => "Rooms".to_owned(),
        (0, true) => "Rooms, new messages elsewhere".to_owned(),
        (unread, true) => format!("Rooms, {unread} unread elsewhere"),
    };
    view! {
        <header class="head">
            <button
                class="icon menu"
                type="button"
                aria-label=Signal::derive(label)
                aria-controls="side"
                aria-expanded=Signal::derive(move || drawer.get().to_string())
                on:click=move |_| drawer.set(true)
            >
                <Icon name="menu"/>
                <i class="dot pip" hidden=Signal::derive(move || !elsewhere.get().1)></i>
            </button>
            <div class="title">
                <h1>{title}</h1>
                <p class="sub cut" class:warn=Signal::derive(move || chat.ready.get() && chat.link.get() == Link::Connecting)>
                    {Signal::derive(move || match (chat.ready.get(), chat.link.get()) {
                        (true, Link::Connecting) => "Connecting…",
                        _ => "",
                    })}
                </p>
            </div>
            <Bell title/>
        </header>
    }
}

/// Whether this room calls.
#[component]
fn Bell(title: Signal<String>) -> impl IntoView {
    let chat = use_chat();
    let Current(current) = expect_context::<Current>();
    let muted = Memo::new(move |_| {
        let room = current.get();
        chat.muted
            .with(|muted| muted.iter().any(|other| Some(other) == room.as_ref()))
    });
    let turn = move |_| {
        if let Some(room) = current.get_untracked() {
            chat.act(Action::Mute(room, !muted.get_untracked()));
        }
    };
    view! {
        <button
            class="icon"
            type="button"
            aria-label=Signal::derive(move || format!("Mute {}", title.get()))
            aria-pressed=Signal::derive(move || muted.get().to_string())
            title=Signal::derive(move || if muted.get() { "Muted: no sound, no notification, no count" } else { "Mute this room" })
            disabled=Signal::derive(move || !chat.ready.get())
            on:click=turn
        >
            {move || if muted.get() { Icon(IconProps { name: "muted", small: false }) } else { Icon(IconProps { name: "bell", small: false }) }}
        </button>
    }
}
