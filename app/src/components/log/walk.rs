//! From message to message by keys. The log is one stop for the Tab key; inside of it arrows move.

use leptos::{
    ev,
    prelude::{document, request_animation_frame},
};
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement};

use crate::chat::{Action, Chat};

/// Does what a key asks for; says whether it asked for anything.
pub(super) fn walk(chat: Chat, log: &HtmlElement, event: &ev::KeyboardEvent) -> bool {
    if event.alt_key() || event.ctrl_key() || event.meta_key() || event.is_composing() {
        return false;
    }
    let focused = document().active_element();
    let row = focused
        .as_ref()
        .and_then(|element| element.closest("[data-id]").ok().flatten());
    match (event.key().as_str(), row) {
        ("ArrowUp", None) => focus(rows(log).last()),
        ("ArrowUp", Some(row)) => focus(beside(&row, false).as_ref()),
        ("ArrowDown", Some(row)) => focus(beside(&row, true).as_ref()),
        ("Home", Some(_)) => focus(rows(log).first()),
        ("End", _) => {
            chat.act(Action::AtEnd(true));
            // Once the end is drawn.
            let log = log.clone();
            request_animation_frame(move || {
                focus(rows(&log).last());
            });
            true
        }
        // On the message itself: into its tools. Anywhere inside of it Enter belongs to what has the focus.
        ("Enter", Some(row)) if focused.as_ref() == Some(&row) => {
            let tool = row.query_selector(".tools a, .tools button");
            focus(tool.ok().flatten().as_ref())
        }
        _ => false,
    }
}

fn rows(log: &HtmlElement) -> Vec<Element> {
    let Ok(found) = log.query_selector_all("[data-id]") else {
        return Vec::new();
    };
    let rows = (0..found.length()).filter_map(|index| found.item(index));
    rows.filter_map(|row| row.dyn_into().ok()).collect()
}

/// The message above or below.
fn beside(row: &Element, below: bool) -> Option<Element> {
    let next = |element: &Element| {
        if below {
            element.next_element_sibling()
        } else {
            element.previous_element_sibling()
        }
    };
    let mut element = next(row);
    while let Some(found) = element {
        if found.has_attribute("data-id") {
            return Some(found);
        }
        element = next(&found);
    }
    None
}

fn focus(element: Option<&Element>) -> bool {
    element
        .and_then(|element| element.dyn_ref::<HtmlElement>())
        .is_some_and(|element| element.focus().is_ok())
}
