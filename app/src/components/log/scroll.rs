//! Where the log stands: at the end it follows new messages; anywhere else the message that is being read stays where it
//! is, whatever comes above or below it.

use std::time::Duration;

use leptos::{html, prelude::*};
use send_wrapper::SendWrapper;
use sphere_protocol::RoomName;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, HtmlElement};

use crate::{
    chat::{Action, Chat, Line},
    state::layout::Key,
};

/// So near to the end the log follows, in pixels.
const END: i32 = 100;
/// So near to the beginning older messages are asked for.
const BEGINNING: i32 = 400;
/// So long after a page of older messages a screen reader stays quiet.
const QUIET_MS: u64 = 500;

/// What the log needs to know to keep its place.
#[derive(Clone, Copy)]
pub(super) struct Scroll {
    chat: Chat,
    log: NodeRef<html::Div>,
    /// A screen reader should not read what comes: it is history.
    pub(super) quiet: RwSignal<bool>,
    /// The first row in view, and how far below the log's upper edge it stands.
    anchor: StoredValue<Option<(String, i32)>>,
    /// In which room the log stood last, and where.
    stood: StoredValue<(Option<RoomName>, i32)>,
}

impl Scroll {
    /// Keeps the log where it belongs from now on.
    pub(super) fn follow(chat: Chat, log: NodeRef<html::Div>) -> Self {
        let scroll = Self {
            chat,
            log,
            quiet: RwSignal::new(false),
            anchor: StoredValue::new(None),
            stood: StoredValue::new((None, 0)),
        };
        Effect::new(move |_| {
            chat.lines.track();
            chat.zone.track();
            chat.me.track();
            chat.at_end.track();
            // Once what has changed is drawn, and before it is painted.
            request_animation_frame(move || scroll.settle());
        });
        Effect::new(move |_| {
            let quiet = scroll.quiet;
            if chat.room.with(|room| room.paging) {
                quiet.set(true);
            } else if quiet.get_untracked() {
                let speak = move || {
                    // The page may be gone by then.
                    let _ = quiet.try_set(false);
                };
                set_timeout(speak, Duration::from_millis(QUIET_MS));
            }
        });
        // The window, the composer or a keyboard on the screen leave more or less room.
        Effect::new(move |_| {
            let Some(element) = log.get() else { return };
            let resized = Closure::<dyn FnMut()>::new(move || scroll.settle());
            if let Ok(observer) = web_sys::ResizeObserver::new(resized.as_ref().unchecked_ref()) {
                observer.observe(&element);
                let kept = SendWrapper::new((observer, resized));
                on_cleanup(move || kept.0.disconnect());
            }
        });
        scroll
    }

    /// The reader wants the end.
    pub(super) fn to_end(self) {
        self.chat.at_end.set(true);
        self.chat.act(Action::AtEnd(true));
    }

    /// The log was scrolled, by the reader or by [`Scroll::settle`].
    pub(super) fn scrolled(self) {
        let Some(log) = self.log.get_untracked() else {
            return;
        };
        let (room, before) = self.stood.get_value();
        if room != self.chat.room.with_untracked(|room| room.name.clone()) {
            // Another room was drawn and the log has not followed yet: where it stands is nobody's choice.
            return;
        }
        let (top, followed) = (log.scroll_top(), self.chat.at_end.get_untracked());
        let near = log.scroll_height() - top - log.client_height() <= END;
        // Where rows come faster than frames, the end runs away before the log follows: only going up is leaving.
        let at_end = near || followed && top >= before;
        if at_end != followed {
            self.chat.at_end.set(at_end);
            self.chat.act(Action::AtEnd(at_end));
        }
        self.remember(&log);
        let older = self
            .chat
            .room
            .with_untracked(|room| room.older && !room.paging);
        if top < BEGINNING && older {
            self.chat.act(Action::Older);
        }
    }

    fn settle(self) {
        let Some(log) = self.log.try_get_untracked().flatten() else {
            return;
        };
        if self.chat.at_end.get_untracked() {
            log.set_scroll_top(log.scroll_height());
        } else if let Some(moved) = self
            .anchor
            .get_value()
            .and_then(|anchor| moved(&log, &anchor))
        {
            log.set_scroll_top(log.scroll_top() + moved);
        }
        self.remember(&log);
    }

    fn remember(self, log: &HtmlElement) {
        let room = self.chat.room.with_untracked(|room| room.name.clone());
        self.anchor.set_value(first_in_view(log));
        self.stood.set_value((room, log.scroll_top()));
    }
}

/// How many messages of others came since the reader left the end.
pub(super) fn news(chat: Chat) -> Memo<usize> {
    let last = RwSignal::new(None::<Key>);
    Effect::new(move |_| {
        if chat.at_end.get() {
            last.set(chat.lines.with(|lines| lines.iter().rev().find_map(stored)));
        }
    });
    Memo::new(move |_| {
        let Some(last) = last.get() else { return 0 };
        if chat.at_end.get() {
            return 0;
        }
        chat.lines.with(|lines| {
            let new = lines.iter().rev().take_while(|line| line.key() != last);
            new.filter(
                |line| matches!(line, Line::Row(_, look) if !look.with_untracked(|look| look.mine)),
            )
            .count()
        })
    })
}

fn stored(line: &Line) -> Option<Key> {
    match line {
        Line::Row(_, look) if look.with_untracked(|look| look.seq.is_some()) => Some(line.key()),
        _ => None,
    }
}

/// How far the row that was remembered has moved.
fn moved(log: &HtmlElement, (id, before): &(String, i32)) -> Option<i32> {
    let row = log
        .query_selector(&format!("[data-id=\"{id}\"]"))
        .ok()
        .flatten()?;
    Some(offset(&row, log) - before)
}

/// The first row in view and its distance from the log's upper edge. Rows stand below each other, so it is found by
/// halving.
fn first_in_view(log: &HtmlElement) -> Option<(String, i32)> {
    let top = log.get_bounding_client_rect().top();
    let children = log.last_element_child()?.children();
    let (mut low, mut high) = (0, children.length());
    while low < high {
        let middle = low + (high - low) / 2;
        if children.item(middle)?.get_bounding_client_rect().bottom() <= top {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    (low..children.length()).find_map(|index| {
        let row = children.item(index)?;
        Some((row.get_attribute("data-id")?, offset(&row, log)))
    })
}

fn offset(row: &Element, log: &HtmlElement) -> i32 {
    let distance = row.get_bounding_client_rect().top() - log.get_bounding_client_rect().top();
    #[expect(clippy::cast_possible_truncation, reason = "pixels on a screen")]
    let distance = distance.round() as i32;
    distance
}
