//! What was said: the lines of the room that is shown, oldest first, and the ways to see more of it.

mod scroll;

use leptos::{
    either::{EitherOf3, EitherOf4},
    html,
    prelude::*,
};

use scroll::Scroll;

use super::{empty::EmptyRoom, icon::Icon, message_row::MessageRow};
use crate::chat::{Action, Line, RoomView, use_chat};

/// The log with its pill.
#[component]
pub(crate) fn Log(title: Signal<String>) -> impl IntoView {
    let chat = use_chat();
    let log = NodeRef::<html::Div>::new();
    let scroll = Scroll::follow(chat, log);
    let news = scroll::news(chat);
    let older = Memo::new(move |_| chat.room.with(|room| room.older));
    let paging = Memo::new(move |_| chat.room.with(|room| room.paging));
    view! {
        <div class="stage">
            <div
                class="log"
                id="log"
                role="log"
                aria-label=move || format!("Messages in {}", title.get())
                aria-live=move || if scroll.quiet.get() { "off" } else { "polite" }
                tabindex="0"
                node_ref=log
                on:scroll=move |_| scroll.scrolled()
            >
                <Nothing/>
                <div class="column">
                    {move || older.get().then(|| view! {
                        <button
                            class="btn bare older"
                            type="button"
                            disabled=move || !chat.ready.get() || paging.get()
                            on:click=move |_| chat.act(Action::Older)
                        >
                            {move || if paging.get() { "Loading older messages…" } else { "Load older messages" }}
                        </button>
                    })}
                    <For each=move || chat.lines.get() key=Line::key children=line/>
                </div>
            </div>
            <button
                class="pill"
                class:plain=move || news.get() == 0
                type="button"
                hidden=move || chat.at_end.get()
                on:click=move |_| scroll.to_end()
            >
                <Icon name="down" small=true/>
                {move || match news.get() {
                    0 => "Latest messages".to_owned(),
                    1 => "1 new message".to_owned(),
                    news => format!("{news} new messages"),
                }}
            </button>
        </div>
    }
}

/// One line, drawn once for as long as it stands there.
fn line(line: Line) -> impl IntoView {
    let chat = use_chat();
    match line {
        Line::Day(_, at) => {
            EitherOf3::A(view! { <h2 class="day">{move || chat.zone.get().day_name(at)}</h2> })
        }
        Line::Hole(after) => EitherOf3::B(view! {
            <div class="hole">
                <span>"Some messages were not loaded."</span>
                <button class="btn" type="button" on:click=move |_| chat.act(Action::Fill(after))>"Load"</button>
            </div>
        }),
        Line::Row(message, look) => EitherOf3::C(view! { <MessageRow message look/> }),
    }
}

/// What stands in a log without messages.
#[component]
fn Nothing() -> impl IntoView {
    let chat = use_chat();
    let empty = Memo::new(move |_| chat.lines.with(Vec::is_empty));
    move || {
        let RoomView { loaded, error, .. } = chat.room.get();
        match (empty.get(), loaded, error) {
            (false, ..) => EitherOf4::A(()),
            (true, true, _) => EitherOf4::B(view! { <EmptyRoom/> }),
            (true, false, Some(error)) => EitherOf4::C(view! {
                <div class="empty">
                    <h2>"The messages cannot be shown"</h2>
                    <p>{error.text()}</p>
                </div>
            }),
            (true, false, None) => {
                EitherOf4::D(view! { <p class="loading">"Loading messages…"</p> })
            }
        }
    }
}
