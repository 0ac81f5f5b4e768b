//! Older pages of a room for who has no JavaScript and for search engines: plain pages with links from one to the next.
//!
//! The server puts an [`Archive`] into the context when the address has `?before=`. Such a page never starts the
//! application; the newest page does, and hides these links, since it scrolls.

use leptos::prelude::*;
use sphere_protocol::{RoomName, Seq};

use crate::boot::Boot;

/// A page of older messages, and its neighbours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// The page ends before this `seq`.
    pub before: Seq,
    /// Where the next newer page ends; none when that is the newest page.
    pub newer: Option<Seq>,
}

impl Archive {
    /// The address of this page.
    pub(crate) fn address(&self, room: &RoomName) -> String {
        address(room, Some(self.before))
    }
}

fn address(room: &RoomName, before: Option<Seq>) -> String {
    match before {
        Some(before) => format!("/rooms/{room}?before={before}"),
        None => format!("/rooms/{room}"),
    }
}

/// Links to the pages before and after this one.
pub(crate) fn page_links() -> impl IntoView {
    let boot = use_context::<Boot>().unwrap_or_default();
    let archive = use_context::<Archive>();
    let class = if archive.is_some() {
        "pages"
    } else {
        "pages plain"
    };
    let older = boot.page.as_ref().filter(|page| page.more);
    let older = older
        .and_then(|page| page.items.first())
        .map(|first| first.seq);
    let room = boot.room;
    let older = room.clone().zip(older).map(|(room, older)| {
        view! { <a class="btn" href=address(&room, Some(older)) rel="prev">"Older messages"</a> }
    });
    let newer = room.zip(archive).map(|(room, archive)| {
        let newest = archive.newer.is_none();
        let words = if newest {
            "Newest messages"
        } else {
            "Newer messages"
        };
        let href = address(&room, archive.newer);
        let room = (!newest).then(|| address(&room, None));
        view! {
            <a class="btn" href=href rel="next">{words}</a>
            {room.map(|room| view! { <a class="btn" href=room>"Newest messages"</a> })}
        }
    });
    view! { <nav class=class aria-label="Pages of messages">{older}{newer}</nav> }
}
