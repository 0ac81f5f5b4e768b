//! One message. Its text, author and id never change; how the row looks does, through one signal.

use std::sync::Arc;

use leptos::{either::Either, prelude::*};
use sphere_protocol::{Code, Message};

use super::{formatted::formatted, icon::Icon};
use crate::{
    address::message_address,
    browser,
    chat::{Action, use_chat},
    format::is_only_emoji,
    state::{
        layout::{Delivery, Look},
        own::Reason,
    },
};

/// A row of the log.
#[component]
pub(crate) fn MessageRow(message: Arc<Message>, look: ArcRwSignal<Look>) -> impl IntoView {
    let chat = use_chat();
    let look = RwSignal::from(look);
    let head = Memo::new(move |_| look.with(|look| (look.first, look.mine)));
    let clock = move || chat.zone.get().clock(look.with(|look| look.at));
    let time = move || {
        view! { <time datetime=move || look.with(|look| look.at.to_string())>{clock}</time> }
    };
    let id = message.id;
    let link = {
        let room = message.room.clone();
        move || {
            if look.with(|look| look.seq.is_some()) {
                let address = message_address(&room, id);
                Either::Left(view! { <a class="at" href=address>{time()}</a> })
            } else {
                Either::Right(view! { <span class="at">{time()}</span> })
            }
        }
    };
    let (author, image) = (message.user_name.clone(), message.user_image.clone());
    let picture = move || {
        let shown = head.get() == (true, false);
        shown.then(|| {
            view! {
                <span class="avatar">
                    <img src=image.clone() width="36" height="36" alt="" loading="lazy" decoding="async"/>
                </span>
            }
        })
    };
    let by = {
        let author = author.clone();
        move || {
            let (first, mine) = head.get();
            first.then(|| {
                let who = if mine {
                    Either::Left(view! { <span class="vh">"You, "</span> })
                } else {
                    Either::Right(view! { <span class="who" dir="auto">{author.clone()}</span> })
                };
                view! { <header class="by">{who}{link()}</header> }
            })
        }
    };
    let room = message.room.clone();
    let written = message.message.clone();
    let targeted = Memo::new(move |_| chat.target.get() == Some(id));
    let handled = Memo::new(move |_| chat.tools.get() == Some(id));
    let tools = move || {
        handled.get().then(|| {
            let stored = look.with(|look| look.seq.is_some());
            let address = stored.then(|| message_address(&room, id));
            let (first, text) = (head.get().0, written.clone());
            view! { <Tools address text first time=time()/> }
        })
    };
    // Later rows of a group say who and when to those who hear them one by one.
    let said = move || {
        let (first, mine) = head.get();
        let who = if mine {
            "You".to_owned()
        } else {
            author.clone()
        };
        (!first).then(|| view! { <span class="vh">{who}", "{clock}": "</span> })
    };
    view! {
        <article
            class=move || look.with(|look| class(look, targeted.get()))
            data-id=id.to_string()
            data-seq=move || look.with(|look| look.seq.map(|seq| seq.to_string()))
            data-state=move || look.with(|look| state(look.delivery))
            data-author=message.user_id.to_string()
            tabindex="-1"
        >
            {picture}
            {by}
            <div class="line">
                {said}
                <div class="bubble" class:emoji=is_only_emoji(&message.message) dir="auto">{formatted(&message.message)}</div>
                {move || head.get().1.then(|| view! { <DeliveryMark look/> })}
                {tools}
            </div>
            {move || match look.with(|look| look.delivery) {
                Delivery::Refused(reason) => Some(view! {
                    <p class="note">
                        <span>{refusal(reason)}</span>
                        <span class="do">
                            <button class="link" type="button" on:click=move |_| chat.act(Action::Again(id))>"Try again"</button>
                            <button class="link" type="button" on:click=move |_| chat.act(Action::Remove(id))>"Remove"</button>
                        </span>
                    </p>
                }),
                _ => None,
            }}
        </article>
    }
}

/// What can be done with a message. It is there only while the message is pointed at or has the focus, or it would be
/// read out with every row.
#[component]
fn Tools(
    address: Option<String>,
    text: String,
    first: bool,
    time: impl IntoView + 'static,
) -> impl IntoView {
    let (copied, set_copied) = signal(None::<&'static str>);
    let copy = move |what: &'static str, text: &str| {
        browser::copy(text);
        set_copied.set(Some(what));
    };
    let link = address.clone().map(|address| {
        view! {
            <button
                class="icon"
                type="button"
                aria-label="Copy link"
                title="Copy link"
                on:click=move |_| {
                    let origin = window().location().origin().unwrap_or_default();
                    copy("Link copied", &format!("{origin}{address}"));
                }
            >
                <Icon name="link" small=true/>
            </button>
        }
    });
    let time = (!first).then_some(time);
    let at = match address {
        Some(address) => Either::Left(view! { <a class="at" href=address>{time}</a> }),
        None => Either::Right(view! { <span class="at">{time}</span> }),
    };
    view! {
        <div class="tools" role="toolbar" aria-label="This message">
            {(!first).then_some(at)}
            {link}
            <button
                class="icon"
                type="button"
                aria-label="Copy text"
                title="Copy text"
                on:click=move |_| copy("Text copied", &text)
            >
                <Icon name="copy" small=true/>
            </button>
            <span class="said" role="status">{copied}</span>
        </div>
    }
}

/// How far an own message has come: a sign, and the words for it.
#[component]
fn DeliveryMark(look: RwSignal<Look>) -> impl IntoView {
    let delivery = Memo::new(move |_| look.with(|look| look.delivery));
    move || {
        let (icon, words) = match delivery.get() {
            Delivery::Stored => ("check", "Stored"),
            Delivery::Sending => ("clock", "Sending"),
            Delivery::Refused(_) => ("alert", "Not sent"),
        };
        view! { <span class="state" title=words><Icon name=icon/><span class="vh">{words}</span></span> }
    }
}

fn class(look: &Look, target: bool) -> String {
    let mut class = "msg".to_owned();
    let flags = [
        (look.mine, " mine"),
        (look.first, " first"),
        (look.last, " last"),
        (look.latest, " latest"),
        (target, " target"),
        (look.delivery == Delivery::Sending, " waiting"),
        (matches!(look.delivery, Delivery::Refused(_)), " refused"),
    ];
    flags
        .into_iter()
        .filter(|(on, _)| *on)
        .for_each(|(_, name)| class.push_str(name));
    class
}

fn state(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Sending => "sending",
        Delivery::Stored => "stored",
        Delivery::Refused(_) => "refused",
    }
}

/// Why, in the middle of a sentence.
fn refusal(reason: Reason) -> String {
    let why = match reason {
        Reason::OtherIdentity => "It was written before this browser became somebody else.",
        Reason::Code(Code::Other) => "The server refused this.",
        Reason::Code(code) => code.text(),
    };
    let mut rest = why.chars();
    let first = rest
        .next()
        .map(|first| first.to_lowercase().to_string())
        .unwrap_or_default();
    format!("Not sent: {first}{}", rest.as_str())
}
