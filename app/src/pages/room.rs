//! A room: what was said, and the field to say something. One page serves every room.

use leptos::{either::Either, prelude::*};

use super::not_found::NotFound;
use crate::{
    app::{Current, Drawer},
    archive::{Archive, page_links},
    chat::{Link, use_chat},
    components::{banner::ConnectionBanner, composer::Composer, icon::Icon, log::Log},
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
    Effect::new(move |_| {
        let name = title
            .get()
            .map_or_else(|| "Sphere".to_owned(), |title| format!("{title} · Sphere"));
        document().set_title(&name);
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
        <main class="room" inert=move || drawer.get()>
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
                aria-label=label
                aria-controls="side"
                aria-expanded=move || drawer.get().to_string()
                on:click=move |_| drawer.set(true)
            >
                <Icon name="menu"/>
                <i class="dot pip" hidden=move || !elsewhere.get().1></i>
            </button>
            <div class="title">
                <h1>{title}</h1>
                <p class="sub cut" class:warn=move || chat.ready.get() && chat.link.get() == Link::Connecting>
                    {move || match (chat.ready.get(), chat.link.get()) {
                        (true, Link::Connecting) => "Connecting…",
                        _ => "",
                    }}
                </p>
            </div>
        </header>
    }
}
