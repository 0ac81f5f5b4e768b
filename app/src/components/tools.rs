//! What can be done with a message: its link, its text.

use std::sync::Arc;

use leptos::{
    html,
    mount::{UnmountHandle, mount_to},
    prelude::*,
};
use sphere_protocol::{Message, MessageId};
use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use super::icon::Icon;
use crate::{
    address::message_address,
    browser,
    chat::{Chat, Line},
    state::layout::{Key, Look},
};

/// Puts the tools beside the message that is pointed at or has the focus. They are there only then, or a screen reader
/// would read them with every row.
pub(super) fn follow(chat: Chat, log: NodeRef<html::Div>) {
    Effect::new(move |before: Option<Option<UnmountHandle<_>>>| {
        drop(before);
        let (id, log) = (chat.tools.get()?, log.get()?);
        let (message, look) = shown(chat, id)?;
        let line = log.query_selector(&format!("[data-id=\"{id}\"] .line"));
        let line = line.ok().flatten()?.dyn_into::<HtmlElement>().ok()?;
        Some(mount_to(line, move || tools(chat, &message, look)))
    });
}

fn shown(chat: Chat, id: MessageId) -> Option<(Arc<Message>, Look)> {
    let key = Key::Row(id);
    chat.lines.with_untracked(|lines| {
        lines.iter().find_map(|line| match line {
            Line::Row(message, look) if line.key() == key => {
                Some((Arc::clone(message), look.get_untracked()))
            }
            _ => None,
        })
    })
}

fn tools(chat: Chat, message: &Message, look: Look) -> impl IntoView + use<> {
    let (said, say) = signal("");
    let address = look.seq.map(|_| message_address(&message.room, message.id));
    // The first row of a group shows its time anyway.
    let at = (!look.first).then(|| {
        let time = chat.zone.get_untracked().clock(look.at);
        view! { <a class="at" href=address.clone()>{time}</a> }
    });
    let text = message.message.clone();
    let button = |label: &'static str, icon: &'static str, done: &'static str, text: String| {
        let copy = move |_| {
            say.set(if browser::copy(&text) {
                done
            } else {
                "Not copied"
            });
        };
        view! {
            <button class="icon" type="button" aria-label=label title=label on:click=copy>
                <Icon name=icon small=true/>
            </button>
        }
    };
    let link = address.map(|address| {
        let origin = window().location().origin().unwrap_or_default();
        button(
            "Copy link",
            "link",
            "Link copied",
            format!("{origin}{address}"),
        )
    });
    view! {
        <div class="tools" role="toolbar" aria-label="This message">
            {at}
            {link}
            {button("Copy text", "copy", "Text copied", text)}
            <span class="said" role="status">{said}</span>
        </div>
    }
}
