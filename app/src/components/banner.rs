//! What the connection is doing. The element is always there, so that a screen reader hears what comes into it.

use leptos::{either::EitherOf4, prelude::*};

use super::icon::Icon;
use crate::chat::{Action, Banner, Chat, use_chat};

/// The banner below the room's head.
#[component]
pub(crate) fn ConnectionBanner() -> impl IntoView {
    let chat = use_chat();
    view! {
        <div
            class="banner"
            class:idle=Signal::derive(move || chat.banner.get() == Banner::None)
            class:ok=Signal::derive(move || chat.banner.get() == Banner::Back)
            class:bad=Signal::derive(move || matches!(chat.banner.get(), Banner::Stopped(_)))
            role="status"
        >
            {move || match chat.banner.get() {
                Banner::None => EitherOf4::A(()),
                Banner::Back => EitherOf4::B(view! { <Icon name="check"/><p><b>"Back online"</b></p> }),
                Banner::Lost => EitherOf4::C(lost(chat)),
                Banner::Stopped(why) => {
                    let again = move |_| reload();
                    EitherOf4::D(view! {
                        <Icon name="alert"/>
                        <p><b>"Disconnected."</b>" "{why.text()}</p>
                        <button class="btn" type="button" on:click=move |_| chat.act(Action::Connect)>"Reconnect"</button>
                        <button class="btn" type="button" on:click=again>"Reload"</button>
                    })
                }
            }}
        </div>
    }
}

fn lost(chat: Chat) -> impl IntoView {
    let wait = move || match chat.waiting.get() {
        0 => "What you write is kept and sent by itself.".to_owned(),
        1 => "1 message waits and is sent by itself.".to_owned(),
        waiting => format!("{waiting} messages wait and are sent by themselves."),
    };
    view! {
        <Icon name="alert"/>
        <p><b>"Reconnecting…"</b>" "{Signal::derive(wait)}</p>
        <button class="btn" type="button" on:click=move |_| chat.act(Action::Connect)>"Try now"</button>
    }
}

fn reload() {
    // A page that cannot be reloaded stays as it is.
    let _ = window().location().reload();
}
