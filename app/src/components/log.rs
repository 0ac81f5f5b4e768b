//! What was said: the lines of the room that is shown, oldest first, and the ways to see more of it.

mod place;
mod scroll;
mod walk;

use leptos::{either::EitherOf4, ev, html, prelude::*};
use sphere_protocol::MessageId;
use wasm_bindgen::JsCast as _;

use scroll::Scroll;

use super::{empty::EmptyRoom, formatted, icon::Icon, message_row::MessageRow, tools};
use crate::chat::{Action, Banner, Line, RoomView, set, use_chat};

/// The log with its pill and the date that is being read.
#[component]
pub(crate) fn Log(title: Signal<String>) -> impl IntoView {
    let chat = use_chat();
    let log = NodeRef::<html::Div>::new();
    let scroll = Scroll::follow(chat, log);
    tools::follow(chat, log);
    let news = Memo::new(move |_| chat.room.with(|room| room.news));
    let older = Memo::new(move |_| chat.room.with(|room| room.older));
    let paging = Memo::new(move |_| chat.room.with(|room| room.paging));
    let absent = Memo::new(move |_| chat.room.with(|room| room.absent));
    // Only if that changes: tools that are made anew lose the focus, and the click that was meant for them.
    let point = move |event: &web_sys::Event| set(chat.tools, message_of(event));
    let leave = move |stays: bool| {
        if !stays {
            scroll.focused(None);
            set(chat.tools, None);
        }
    };
    // A pointer that leaves takes the tools with it, unless somebody goes by keyboard.
    let by_keyboard = move || {
        let focused = log.get_untracked()?.query_selector(":focus-visible");
        focused.ok().flatten()
    };
    let goes_inside = move |event: &ev::FocusEvent| {
        let to = event
            .related_target()
            .and_then(|to| to.dyn_into::<web_sys::Node>().ok());
        // The focus of a row that is moved goes nowhere, and comes back.
        to.is_none_or(|to| {
            log.get_untracked()
                .is_some_and(|log| log.contains(Some(&to)))
        })
    };
    view! {
        <div class="stage">
            <div
                class="log"
                id="log"
                role="log"
                aria-label=Signal::derive(move || format!("Messages in {}", title.get()))
                aria-live=Signal::derive(move || if chat.quiet.get() { "off" } else { "polite" })
                tabindex="0"
                node_ref=log
                on:scroll=move |_| scroll.scrolled()
                on:keydown=move |event: ev::KeyboardEvent| {
                    if log.get_untracked().is_some_and(|log| walk::walk(chat, &log, &event)) {
                        event.prevent_default();
                    }
                }
                on:pointerover=move |event: ev::PointerEvent| {
                    if event.pointer_type() == "mouse" {
                        point(&event);
                    }
                }
                on:click=move |event: ev::MouseEvent| formatted::clicked(&event)
                on:pointerleave=move |_| leave(by_keyboard().is_some())
                on:focusin=move |event: ev::FocusEvent| {
                    scroll.focused(message_of(&event));
                    point(&event);
                }
                on:focusout=move |event: ev::FocusEvent| leave(goes_inside(&event))
            >
                <Nothing/>
                <div class="column">
                    {move || older.get().then(|| view! {
                        <button
                            class="btn bare older"
                            type="button"
                            disabled=Signal::derive(move || !chat.ready.get() || paging.get())
                            on:click=move |_| chat.act(Action::Above)
                        >
                            {Signal::derive(move || if paging.get() { "Loading older messages…" } else { "Load older messages" })}
                        </button>
                    })}
                    <For each=move || chat.lines.get() key=Line::key children=line/>
                </div>
            </div>
            <p class="reading" aria-hidden="true" hidden=Signal::derive(move || chat.at_end.get() || scroll.reading.with(Option::is_none))>
                {Signal::derive(move || scroll.reading.get().map(|at| chat.zone.get().day_name(at)))}
            </p>
            <p class="absent" role="status" hidden=Signal::derive(move || !absent.get())>
                {Signal::derive(move || absent.get().then_some("The message of this link is not in this room."))}
            </p>
            <button
                class="pill"
                class:plain=Signal::derive(move || news.get() == 0)
                type="button"
                hidden=Signal::derive(move || chat.at_end.get())
                on:click=move |_| scroll.to_end()
            >
                <Icon name="down" small=true/>
                {Signal::derive(move || match news.get() {
                    0 => "Latest messages".to_owned(),
                    1 => "1 new message".to_owned(),
                    news => format!("{news} new messages"),
                })}
            </button>
        </div>
    }
}

/// The message that something happened in.
fn message_of(event: &web_sys::Event) -> Option<MessageId> {
    let target = event.target()?.dyn_into::<web_sys::Element>().ok()?;
    let row = target.closest("[data-id]").ok().flatten()?;
    MessageId::parse(&row.get_attribute("data-id")?)
}

/// One line, drawn once for as long as it stands there.
fn line(line: Line) -> impl IntoView {
    let chat = use_chat();
    match line {
        Line::Day(_, at) => EitherOf4::A(
            view! { <h2 class="day">{Signal::derive(move || chat.zone.get().day_name(at))}</h2> },
        ),
        Line::Hole(after) => EitherOf4::B(view! {
            <div class="hole" data-hole=after.to_string()>
                <span>"Some messages were not loaded."</span>
                <button class="btn" type="button" on:click=move |_| chat.act(Action::Fill(after, false))>"Load"</button>
            </div>
        }),
        Line::New => EitherOf4::C(
            view! { <p class="new-line" role="separator" aria-label="New messages">"New messages"</p> },
        ),
        Line::Row(message, look) => EitherOf4::D(view! { <MessageRow message look/> }),
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
                let words = move || match chat.banner.get() {
                    Banner::Lost | Banner::Stopped(_) => {
                        "The messages of this room come once there is a connection."
                    }
                    Banner::None | Banner::Back => "Loading messages…",
                };
                EitherOf4::D(view! { <p class="loading">{Signal::derive(words)}</p> })
            }
        }
    }
}
