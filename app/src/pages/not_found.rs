//! The page of an address that names nothing.

use leptos::prelude::*;

use crate::chat::use_chat;

/// Says so, and where to go from here.
#[component]
pub(crate) fn NotFound() -> impl IntoView {
    let chat = use_chat();
    let first = move || {
        chat.rooms.with(|rooms| {
            rooms
                .first()
                .map(|line| (format!("/rooms/{}", line.room), line.title.clone()))
        })
    };
    view! {
        <main class="room lost">
            <div class="empty">
                <h1>"There is no such page"</h1>
                <p>"The address may be mistyped, or the room has never existed."</p>
                {move || {
                    first().map(|(href, title)| view! { <a class="btn main" href=href>"Go to " {title}</a> })
                }}
            </div>
        </main>
    }
}
