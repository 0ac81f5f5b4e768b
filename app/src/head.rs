//! What a page says about itself to browsers and search engines, and what makes it work without a network.

use leptos::{nonce::use_nonce, prelude::*};

use crate::{archive::Archive, boot::Boot};

/// Keeps the shell in the browser, where that is possible: not over plain HTTP, and not in every private window. Without
/// it everything else works.
const KEEP: &str = "try{navigator.serviceWorker&&addEventListener('load',function(){\
navigator.serviceWorker.register('/sw.js').catch(function(){})})}catch(e){}";

/// What the server decides about a page. In the context while a page is rendered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manner {
    /// Search engines may list it.
    pub index: bool,
    /// It is the page that the browser keeps for the time without a network: it shows nothing until the application runs.
    pub shell: bool,
}

/// Title, description, address, and whether search engines may come.
pub(crate) fn about() -> impl IntoView {
    let boot = use_context::<Boot>().unwrap_or_default();
    let archive = use_context::<Archive>();
    let manner = use_context::<Manner>().unwrap_or_default();
    let title = boot.title().map(str::to_owned);
    let name = match (&title, &archive) {
        (Some(title), Some(_)) => format!("{title}, older messages · Sphere"),
        (Some(title), None) => format!("{title} · Sphere"),
        (None, _) => "Sphere".to_owned(),
    };
    let description = match title {
        Some(title) => {
            format!("What is said in {title}. Read along, or write at once, without an account.")
        }
        None => "Rooms to talk in. Read along, or write at once, without an account.".to_owned(),
    };
    let canonical = boot.room.map(|room| match archive {
        Some(archive) => archive.address(&room),
        None => format!("/rooms/{room}"),
    });
    let robots = if manner.index {
        "index,follow"
    } else {
        "noindex,nofollow"
    };
    view! {
        <title>{name}</title>
        <meta name="description" content=description/>
        <meta name="robots" content=robots/>
        {canonical.map(|href| view! { <link rel="canonical" href=href/> })}
    }
}

/// Registers the service worker.
pub(crate) fn keep() -> impl IntoView {
    view! { <script nonce=use_nonce()>{KEEP}</script> }
}
