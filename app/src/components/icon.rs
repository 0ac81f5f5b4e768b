//! Drawn signs: one path each, in the colour of the text around them.

use leptos::prelude::*;

/// A sign that says nothing to a screen reader; the words stand beside it or in a label.
#[component]
pub(crate) fn Icon(name: &'static str, #[prop(optional)] small: bool) -> impl IntoView {
    let class = if small { "i s" } else { "i" };
    view! {
        <svg class=class viewBox="0 0 20 20" aria-hidden="true">
            <path d=path(name)></path>
        </svg>
    }
}

fn path(name: &str) -> &'static str {
    match name {
        "alert" => "M16.7 10a6.7 6.7 0 1 1-13.4 0 6.7 6.7 0 0 1 13.4 0zM10 6.5v4.2M10 13.4v.1",
        "check" => "m4.5 10.6 3.7 3.7 7.3-8",
        "clock" => "M16.5 10a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0zM10 6.3V10l2.5 1.7",
        "down" => "M10 4v12M4.8 10.8 10 16l5.2-5.2",
        "bell" => {
            "M5.4 12.4c.5-1 .7-2.2.7-3.9 0-2.9 1.6-4.9 3.9-4.9s3.9 2 3.9 4.9c0 1.7.2 2.9.7 3.9l.7 1H4.7zM8.4 15.9c.3.6.9 1 1.6 1s1.3-.4 1.6-1"
        }
        "muted" => {
            "M5.2 8.5c0-2.9 2-4.9 4.8-4.9 1.5 0 2.7.6 3.5 1.5M14.8 8.6c0 3 1.2 4.4 1.2 4.4H8M5 11.5c-.4 1-1 1.5-1 1.5\
             M8.4 15.6c.3.7.9 1.1 1.6 1.1s1.3-.4 1.6-1.1M3.5 3.5l13 13"
        }
        "copy" => "M7.5 6.5h9v10h-9zM12.5 6V3.5h-9v10H7",
        "link" => {
            "M8.4 11.6a3.2 3.2 0 0 0 4.6 0l2.6-2.6a3.2 3.2 0 1 0-4.6-4.6l-.8.8M11.6 8.4a3.2 3.2 0 0 0-4.6 0L4.4 11\
             A3.2 3.2 0 1 0 9 15.6l.8-.8"
        }
        "keys" => {
            "M4.5 5.5h11a2 2 0 0 1 2 2V13a2 2 0 0 1-2 2h-11a2 2 0 0 1-2-2V7.5a2 2 0 0 1 2-2z\
             M5.8 8.7v.1M8.6 8.7v.1M11.4 8.7v.1M14.2 8.7v.1M7 12h6"
        }
        "search" => "M14.5 9a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0zM13.2 13.2 17 17",
        "menu" => "M3 6h14M3 10h14M3 14h9",
        "send" => "M10 16V4.5M4.8 9.5 10 4.3l5.2 5.2",
        "gear" => {
            "M12.4 10a2.4 2.4 0 1 1-4.8 0 2.4 2.4 0 0 1 4.8 0zM10 2.8v2M10 15.2v2M17.2 10h-2M4.8 10h-2\
             M15.1 4.9l-1.4 1.4M6.3 13.7l-1.4 1.4M15.1 15.1l-1.4-1.4M6.3 6.3 4.9 4.9"
        }
        _ => "",
    }
}

/// Sphere's own sign.
#[component]
pub(crate) fn Brand() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
            <circle cx="12" cy="12" r="11" fill="var(--accent)"></circle>
            <path d="M12 1a11 11 0 0 1 0 22 15.6 15.6 0 0 0 0-22z" fill="var(--on-accent)" opacity=".34"></path>
            <circle cx="7.6" cy="9.2" r="2.1" fill="var(--on-accent)"></circle>
        </svg>
    }
}
