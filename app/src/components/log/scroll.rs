//! Where the log stands: at the end it follows new messages; anywhere else the message that is being read stays where it
//! is, whatever comes above or below it. Near the edges of what is drawn it asks for more.

use std::time::Duration;

use leptos::{ev, html, prelude::*};
use send_wrapper::SendWrapper;
use sphere_protocol::{MessageId, RoomName, Timestamp};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Element, HtmlElement};

use crate::{
    chat::{Action, Chat, Line, set},
    state::layout::Key,
};

/// So near to the end the log follows, in pixels.
const END: i32 = 100;
/// So near to the edge of what is drawn more is drawn.
const EDGE: i32 = 600;
/// So long after a page of history a screen reader stays quiet.
const QUIET_MS: u64 = 500;

/// So long after a page more is asked for, if what came was not enough.
const AGAIN_MS: u64 = 250;

/// What the log needs to know to keep its place.
#[derive(Clone, Copy)]
pub(super) struct Scroll {
    chat: Chat,
    log: NodeRef<html::Div>,
    /// When the message that stands first in view was written.
    pub(super) reading: RwSignal<Option<Timestamp>>,
    /// The first row in view, and how far below the log's upper edge it stands.
    anchor: StoredValue<Option<(String, f64)>>,
    /// In which room the log stood last, where, and how high its content was.
    stood: StoredValue<(Option<RoomName>, i32, i32)>,
    /// How large the log was then.
    size: StoredValue<(i32, i32)>,
    /// The message that has the focus: its row may be moved, which takes the focus from it.
    focus: StoredValue<Option<MessageId>>,
    /// Counts the times at which it became quiet: the last one ends it.
    hushed: StoredValue<u32>,
    /// It is going to look again whether more is to be drawn.
    looks_again: StoredValue<bool>,
}

impl Scroll {
    /// Keeps the log where it belongs from now on.
    pub(super) fn follow(chat: Chat, log: NodeRef<html::Div>) -> Self {
        let scroll = Self {
            chat,
            log,
            reading: RwSignal::new(None),
            anchor: StoredValue::new(None),
            stood: StoredValue::new((None, 0, 0)),
            size: StoredValue::new((0, 0)),
            focus: StoredValue::new(None),
            hushed: StoredValue::new(0),
            looks_again: StoredValue::new(false),
        };
        Effect::new(move |_| {
            chat.lines.track();
            chat.zone.track();
            chat.me.track();
            chat.at_end.track();
            chat.aim.track();
            // Once what has changed is drawn, before anybody can scroll on or see it; and before it is painted, if more has
            // changed until then.
            queue_microtask(move || scroll.settle());
            request_animation_frame(move || scroll.settle());
        });
        Effect::new(move |_| {
            if chat.quiet.get() {
                scroll.hush();
            }
        });
        let paging = Memo::new(move |_| chat.room.with(|room| room.paging));
        Effect::new(move |was: Option<bool>| {
            if paging.get() {
                scroll.hush();
            } else if was == Some(true) {
                // Also when nothing came: what is missing in view is asked for again.
                scroll.again();
            }
            paging.get_untracked()
        });
        Effect::new(move |_| {
            let pressed =
                window_event_listener(ev::pointerdown, move |_| scroll.focus.set_value(None));
            on_cleanup(move || pressed.remove());
        });
        // The window, the composer or a keyboard on the screen leave more or less room; what stands in a row may grow.
        Effect::new(move |_| {
            let Some(element) = log.get() else { return };
            let resized = Closure::<dyn FnMut()>::new(move || scroll.settle());
            if let Ok(observer) = web_sys::ResizeObserver::new(resized.as_ref().unchecked_ref()) {
                observer.observe(&element);
                if let Some(column) = element.last_element_child() {
                    observer.observe(&column);
                }
                let kept = SendWrapper::new((observer, resized));
                on_cleanup(move || kept.0.disconnect());
            }
        });
        scroll
    }

    /// The reader wants the end.
    pub(super) fn to_end(self) {
        self.hush();
        self.chat.act(Action::AtEnd(true));
    }

    /// The log was scrolled, by the reader or by [`Scroll::settle`].
    pub(super) fn scrolled(self) {
        let Some(log) = self.log.get_untracked() else {
            return;
        };
        let (room, before, height) = self.stood.get_value();
        if room != self.chat.room.with_untracked(|room| room.name.clone()) {
            // Another room was drawn and the log has not followed yet: where it stands is nobody's choice.
            return;
        }
        if self.size.get_value() != (log.client_width(), log.client_height()) {
            // The window changed and lines break anew: what moved the log was not its reader.
            return self.settle();
        }
        let (top, followed) = (log.scroll_top(), self.chat.at_end.get_untracked());
        let last = self.chat.room.with_untracked(|room| !room.newer);
        let near = last && log.scroll_height() - top - log.client_height() <= END;
        // Where rows come faster than frames, the end runs away before the log follows, and rows that go above pull the
        // rest up: only going up in what stays as it is means leaving.
        let at_end = near || followed && (top >= before || height != log.scroll_height());
        if at_end != followed {
            self.chat.act(Action::AtEnd(at_end));
        }
        self.remember(&log);
        self.reach(&log);
    }

    /// Near an edge of what is drawn, more is to be drawn; a hole in view is to be filled.
    fn reach(self, log: &HtmlElement) {
        let (older, newer, paging) = self
            .chat
            .room
            .with_untracked(|room| (room.older, room.newer, room.paging));
        let (top, slack) = (log.scroll_top(), log.scroll_height() - log.client_height());
        let edge = EDGE.min(slack / 3);
        if !paging && let Some((after, downward)) = hole_in_view(log) {
            self.hush();
            self.chat.act(Action::Fill(after, downward));
        } else if older && !paging && top < edge {
            self.hush();
            self.chat.act(Action::Above);
            if self.chat.room.with_untracked(|room| !room.paging) {
                // Without a connection nothing was asked for: it is, once there is one.
                self.again();
            }
        } else if newer && slack - top < edge {
            self.hush();
            self.chat.act(Action::Below);
        }
    }

    /// Looks again in a while; once, however often that is asked for.
    fn again(self) {
        if self.looks_again.get_value() {
            return;
        }
        self.looks_again.set_value(true);
        let look = move || {
            // The page may be gone by then.
            if self.looks_again.try_set_value(false).is_none() {
                self.settle();
            }
        };
        set_timeout(look, Duration::from_millis(AGAIN_MS));
    }

    /// What comes now is history: nobody is to be told.
    fn hush(self) {
        set(self.chat.quiet, true);
        self.hushed.update_value(|count| *count += 1);
        let count = self.hushed.get_value();
        let speak = move || {
            let last = self.hushed.try_get_value() == Some(count);
            let paging = self.chat.room.try_with_untracked(|room| room.paging);
            match paging {
                // The page may be gone by then.
                _ if !last => {}
                Some(true) => self.hush(),
                _ => {
                    let _ = self.chat.quiet.try_set(false);
                }
            }
        };
        set_timeout(speak, Duration::from_millis(QUIET_MS));
    }

    fn settle(self) {
        let Some(log) = self.log.try_get_untracked().flatten() else {
            return;
        };
        self.give_focus_back(&log);
        if let Some(id) = self.chat.aim.get_untracked()
            && aim(&log, id)
        {
            self.chat.aim.set(None);
            self.hush();
        } else if self.chat.at_end.get_untracked() {
            log.set_scroll_top(log.scroll_height());
        } else if let Some(moved) = self
            .anchor
            .get_value()
            .and_then(|anchor| moved(&log, &anchor))
            && moved.abs() >= 0.5
        {
            log.scroll_by_with_x_and_y(0.0, moved);
        }
        self.remember(&log);
        if !self.chat.at_end.get_untracked() {
            self.reach(&log);
        }
    }

    /// A message got the focus, or something else in the log.
    pub(super) fn focused(self, message: Option<MessageId>) {
        self.focus.set_value(message);
    }

    /// Nobody took the focus, but it is gone.
    fn give_focus_back(self, log: &HtmlElement) {
        let lost = document()
            .active_element()
            .is_none_or(|element| element.tag_name() == "BODY");
        let row = self
            .focus
            .get_value()
            .filter(|_| lost)
            .and_then(|id| log.query_selector(&format!("[data-id=\"{id}\"]")).ok()?);
        if let Some(row) = row.and_then(|row| row.dyn_into::<HtmlElement>().ok()) {
            // A row can always take it.
            let _ = row.focus();
        }
    }

    fn remember(self, log: &HtmlElement) {
        let room = self.chat.room.with_untracked(|room| room.name.clone());
        let anchor = first_in_view(log);
        let reading = anchor.as_ref().and_then(|(id, _)| {
            let key = Key::Row(MessageId::parse(id)?);
            self.chat.lines.with_untracked(|lines| {
                lines.iter().find_map(|line| match line {
                    Line::Row(message, _) if line.key() == key => Some(message.created_at),
                    _ => None,
                })
            })
        });
        if self.reading.get_untracked() != reading {
            self.reading.set(reading);
        }
        self.anchor.set_value(anchor);
        self.size
            .set_value((log.client_width(), log.client_height()));
        self.stood
            .set_value((room, log.scroll_top(), log.scroll_height()));
    }
}

/// Brings a message to the middle; says whether it is there.
fn aim(log: &HtmlElement, id: MessageId) -> bool {
    let row = log.query_selector(&format!("[data-id=\"{id}\"]"));
    let Some(row) = row.ok().flatten() else {
        return false;
    };
    let free = f64::from(log.client_height()) - row.get_bounding_client_rect().height();
    log.scroll_by_with_x_and_y(0.0, offset(&row, log) - (free / 2.0).max(0.0));
    true
}

/// The hole that is in view, and whether it was reached from above.
fn hole_in_view(log: &HtmlElement) -> Option<(i64, bool)> {
    let holes = log.query_selector_all("[data-hole]").ok()?;
    let (height, edge) = (f64::from(log.client_height()), f64::from(EDGE));
    (0..holes.length()).find_map(|index| {
        let hole = holes.item(index)?.dyn_into::<Element>().ok()?;
        let top = offset(&hole, log);
        let near = top > -edge && top < height + edge;
        let after = hole.get_attribute("data-hole")?.parse().ok()?;
        near.then_some((after, top > height / 2.0))
    })
}

/// How far the row that was remembered has moved.
fn moved(log: &HtmlElement, (id, before): &(String, f64)) -> Option<f64> {
    let row = log
        .query_selector(&format!("[data-id=\"{id}\"]"))
        .ok()
        .flatten()?;
    Some(offset(&row, log) - before)
}

/// The first row that is whole in view, or else the first one in view, and its distance from the log's upper edge. Rows
/// stand below each other, so it is found by halving.
fn first_in_view(log: &HtmlElement) -> Option<(String, f64)> {
    let height = f64::from(log.client_height());
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
    let mut rows = (low..children.length()).filter_map(|index| {
        let row = children.item(index)?;
        Some((row.get_attribute("data-id")?, offset(&row, log)))
    });
    let first = rows.next()?;
    if first.1 >= 0.0 {
        return Some(first);
    }
    let whole = rows.next().filter(|(_, offset)| *offset < height);
    Some(whole.unwrap_or(first))
}

fn offset(row: &Element, log: &HtmlElement) -> f64 {
    row.get_bounding_client_rect().top() - log.get_bounding_client_rect().top()
}
