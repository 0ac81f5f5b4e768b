//! A room in which nobody has said anything yet.

use leptos::prelude::*;
use sphere_protocol::name::ANONYMOUS;

use crate::chat::{Action, use_chat};

const STARTERS: [&str; 3] = ["Hello!", "What is this room for?", "👋"];

/// An invitation to say the first word.
#[component]
pub(crate) fn EmptyRoom() -> impl IntoView {
    let chat = use_chat();
    let name = move || {
        chat.me.with(|me| {
            me.as_ref()
                .map_or_else(|| ANONYMOUS.to_owned(), |me| me.user_name.clone())
        })
    };
    let starters = STARTERS.map(|text| {
        view! {
            <button
                class="btn"
                type="button"
                disabled=Signal::derive(move || !chat.ready.get())
                on:click=move |_| chat.act(Action::Send(text.to_owned()))
            >
                {text}
            </button>
        }
    });
    view! {
        <div class="empty">
            <svg class="art" viewBox="0 0 176 132" aria-hidden="true">
                <ellipse cx="88" cy="66" rx="84" ry="25" fill="none" stroke="var(--line)" stroke-width="1.5" transform="rotate(-14 88 66)"></ellipse>
                <circle cx="88" cy="66" r="42" fill="var(--accent-soft)"></circle>
                <path d="M88 24a42 42 0 0 1 0 84 60 60 0 0 0 0-84z" fill="var(--accent)" opacity=".16"></path>
                <path d="M7.2 86.7C20 96.5 56 97 97.5 88.3 138 79.7 168 62 169 46" fill="none" stroke="var(--accent-ink)" stroke-width="1.5" stroke-linecap="round"></path>
                <path d="M22 76h26a8 8 0 0 1 8 8v8a8 8 0 0 1-8 8H32l-9 7v-7.4a8 8 0 0 1-9-7.6v-8a8 8 0 0 1 8-8z" fill="var(--canvas)" stroke="var(--edge)" stroke-width="1.5"></path>
                <path d="M26 88a2 2 0 1 0 4 0 2 2 0 1 0-4 0zM33 88a2 2 0 1 0 4 0 2 2 0 1 0-4 0zM40 88a2 2 0 1 0 4 0 2 2 0 1 0-4 0z" fill="var(--ink-3)"></path>
                <path d="M126 26h26a8 8 0 0 1 8 8v6a8 8 0 0 1-8 8h-1v7l-9-7h-16a8 8 0 0 1-8-8v-6a8 8 0 0 1 8-8z" fill="var(--accent)"></path>
                <circle cx="61" cy="20" r="2.5" fill="var(--edge)"></circle>
                <circle cx="120" cy="112" r="3.5" fill="var(--accent-line)"></circle>
                <circle cx="160" cy="92" r="2" fill="var(--edge)"></circle>
            </svg>
            <h2>"No messages yet. Start chatting!"</h2>
            <p>"You write as "<b dir="auto">{Signal::derive(name)}</b>", no account needed. The first word is yours."</p>
            <div class="starters">{starters.into_iter().collect_view()}</div>
        </div>
    }
}
