//! One message. Its text, author and id never change; how the row looks does, through one signal.

use std::sync::Arc;

use leptos::{either::Either, prelude::*};
use sphere_protocol::{Code, Message};

use super::{formatted::formatted, icon::Icon};
use crate::{
    address::message_address,
    chat::{Action, use_chat},
    server,
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
    let clock = Signal::derive(move || look.with(|look| look.zone.clock(look.at)));
    let time = move || {
        view! { <time datetime=Signal::derive(move || look.with(|look| look.at.to_string()))>{clock}</time> }
    };
    let id = message.id;
    let link = {
        let room = message.room.clone();
        move || {
            if look.with(|look| look.seq.is_some()) {
                let address = message_address(&room, id);
                Either::Left(view! { <a class="at" href=address tabindex="-1">{time()}</a> })
            } else {
                Either::Right(view! { <span class="at">{time()}</span> })
            }
        }
    };
    let (author, image) = (
        message.user_name.clone(),
        server::address(&message.user_image),
    );
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
            class=Signal::derive(move || look.with(class))
            data-id=id.to_string()
            data-seq=Signal::derive(move || look.with(|look| look.seq.map(|seq| seq.to_string())))
            data-state=Signal::derive(move || look.with(|look| state(look.delivery)))
            data-author=message.user_id.to_string()
            tabindex="-1"
        >
            {picture}
            {by}
            <div class="line">
                {said}
                {formatted(&message.message)}
                {move || head.get().1.then(|| view! { <DeliveryMark look/> })}
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

fn class(look: &Look) -> String {
    let mut class = "msg".to_owned();
    let flags = [
        (look.mine, " mine"),
        (look.first, " first"),
        (look.last, " last"),
        (look.latest, " latest"),
        (look.target, " target"),
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
    let first = rest.next().map(|first| first.to_ascii_lowercase());
    let first = first.map(String::from).unwrap_or_default();
    format!("Not sent: {first}{}", rest.as_str())
}
