//! Where the log stands: at the end it follows new messages; anywhere else the message that is being read stays where it
//! is, whatever comes above or below it. Near the edges of what is drawn it asks for more.

use std::time::Duration;

use leptos::{ev, html, prelude::*};
use send_wrapper::SendWrapper;
use sphere_protocol::{MessageId, RoomName, Timestamp};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{FocusOptions, HtmlElement};

use super::place;
use crate::{
    chat::{Action, Chat, Line, set},
    state::layout::Key,
};

/// So near to the end the log follows, in pixels.
const END: f64 = 100.0;
/// So near to the edge of what is drawn more is drawn.
const EDGE: f64 = 600.0;
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
    /// In which room the log stood then, how far it was scrolled down, and its size and that of its content.
    stood: StoredValue<(Option<RoomName>, f64, [i32; 3])>,
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
            stood: StoredValue::new((None, 0.0, [0; 3])),
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

    /// The log was scrolled, by its reader, by [`Scroll::settle`], or by the browser because there is less to see.
    pub(super) fn scrolled(self) {
        let Some(log) = self.log.get_untracked() else {
            return;
        };
        let Some(by) = self.notice(&log) else {
            // Another room was drawn and the log has not followed yet: where it stands is nobody's choice.
            return;
        };
        if !self.chat.at_end.get_untracked() {
            self.hold(&log, by);
            if self.is_near_end(&log) {
                self.chat.act(Action::AtEnd(true));
            }
        }
        self.remember(&log);
        self.reach(&log);
    }

    /// How far the reader has scrolled down since the log was looked at last; none in another room. Going up leaves the end.
    ///
    /// Nobody but the reader moves a log without [`Scroll::settle`] knowing, apart from the browser, which pulls it up when
    /// there is less to see, if only for a moment: what goes up while sizes change is not the reader's doing.
    fn notice(self, log: &HtmlElement) -> Option<f64> {
        let (room, before, sizes) = self.stood.get_value();
        if room != self.room() {
            return None;
        }
        let by = place::top(log) - before;
        if by.abs() < 0.5 || by < 0.0 && sizes != place::sizes(log) {
            return Some(0.0);
        }
        let at_end = self.chat.at_end.get_untracked();
        if at_end && by < 0.0 && !self.is_near_end(log) {
            self.chat.act(Action::AtEnd(false));
        }
        Some(by)
    }

    fn is_near_end(self, log: &HtmlElement) -> bool {
        let last = self.chat.room.with_untracked(|room| !room.newer);
        last && place::lowest(log) - place::top(log) <= END
    }

    /// The message that is being read stays where it is, apart from what the reader has scrolled.
    fn hold(self, log: &HtmlElement, by: f64) {
        let anchor = self.anchor.get_value();
        let moved = anchor.and_then(|(id, before)| place::moved(log, &id, before - by));
        if let Some(moved) = moved.filter(|moved| moved.abs() >= 0.5) {
            log.scroll_by_with_x_and_y(0.0, moved);
        }
    }

    /// Near an edge of what is drawn, more is to be drawn; a hole in view is to be filled.
    fn reach(self, log: &HtmlElement) {
        let (older, newer, paging) = self
            .chat
            .room
            .with_untracked(|room| (room.older, room.newer, room.paging));
        let (top, lowest) = (place::top(log), place::lowest(log));
        let edge = EDGE.min(lowest / 3.0);
        if !paging && let Some((after, downward)) = place::hole_in_view(log, EDGE) {
            self.hush();
            self.chat.act(Action::Fill(after, downward));
        } else if older && !paging && top < edge {
            self.hush();
            self.chat.act(Action::Above);
            if self.chat.room.with_untracked(|room| !room.paging) {
                // Without a connection nothing was asked for: it is, once there is one.
                self.again();
            }
        } else if newer && lowest - top < edge {
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
        let by = self.notice(&log).unwrap_or_default();
        if let Some(id) = self.chat.aim.get_untracked()
            && place::aim(&log, id)
        {
            self.chat.aim.set(None);
            self.hush();
        } else if self.chat.at_end.get_untracked() {
            log.set_scroll_top(log.scroll_height());
        } else {
            self.hold(&log, by);
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
        let focused = self.focus.get_value().filter(|_| lost);
        if let Some(row) = focused.and_then(|id| place::row(log, id)) {
            // A row can always take it. It stays where it is, perhaps out of view.
            let still = FocusOptions::new();
            still.set_prevent_scroll(true);
            let _ = row.focus_with_options(&still);
        }
    }

    fn remember(self, log: &HtmlElement) {
        let anchor = place::first_in_view(log);
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
        self.stood
            .set_value((self.room(), place::top(log), place::sizes(log)));
    }

    fn room(self) -> Option<RoomName> {
        self.chat.room.with_untracked(|room| room.name.clone())
    }
}
