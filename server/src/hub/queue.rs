//! What waits to be written to one socket. Bounded: a reader that does not keep up loses live frames, never the order.
//!
//! Live frames of rooms can be read again, so they are dropped first and replaced by one `room:resync` per room. While
//! that waits, the room's live frames are dropped too. Answers cannot be read again: when they alone fill the queue,
//! the socket is closed with a named code.

use std::collections::VecDeque;

use parking_lot::Mutex;
use sphere_protocol::{CloseCode, RoomName, ServerFrame, server::RoomLeft};
use tokio::sync::Notify;

use axum::extract::ws::Utf8Bytes;

use crate::measure;

/// Most frames that wait for one socket.
const MAX_FRAMES: usize = 256;
/// Most bytes that wait for one socket, apart from one answer, which may be larger than that.
const MAX_BYTES: usize = 1 << 20;

/// The queue between hub and gateway.
#[derive(Debug, Default)]
pub struct Queue {
    inner: Mutex<Inner>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    frames: VecDeque<Queued>,
    bytes: usize,
    resync: Vec<RoomName>,
    close: Option<CloseCode>,
}

#[derive(Debug)]
struct Queued {
    text: Utf8Bytes,
    /// The room of a live frame; none for an answer.
    live: Option<RoomName>,
}

/// What the gateway writes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// A text frame.
    Text(Utf8Bytes),
    /// Nothing more: close.
    Close(CloseCode),
}

impl Queue {
    /// Queues an answer.
    pub fn answer(&self, frame: &ServerFrame) {
        self.push(Queued {
            text: frame.encode().into(),
            live: None,
        });
    }

    /// Queues a live frame of a room.
    pub fn live(&self, room: &RoomName, text: Utf8Bytes) {
        self.push(Queued {
            text,
            live: Some(room.clone()),
        });
    }

    /// Closes the socket after what is being written; what waits is dropped.
    pub fn close(&self, code: CloseCode) {
        self.inner.lock().close.get_or_insert(code);
        self.filled.notify_one();
    }

    /// Waits for something to write.
    pub async fn next(&self) -> Next {
        loop {
            if let Some(next) = self.try_next() {
                return next;
            }
            self.filled.notified().await;
        }
    }

    /// Something to write, if there is any now.
    pub fn try_next(&self) -> Option<Next> {
        let mut inner = self.inner.lock();
        if let Some(code) = inner.close {
            return Some(Next::Close(code));
        }
        if let Some(queued) = inner.frames.pop_front() {
            inner.bytes -= queued.text.len();
            return Some(Next::Text(queued.text));
        }
        let room = inner.resync.pop()?;
        Some(Next::Text(
            ServerFrame::RoomResync(RoomLeft { room }).encode().into(),
        ))
    }

    fn push(&self, queued: Queued) {
        let mut inner = self.inner.lock();
        if inner.close.is_some()
            || queued
                .live
                .as_ref()
                .is_some_and(|room| inner.resync.contains(room))
        {
            return;
        }
        if inner.frames.len() >= MAX_FRAMES || inner.bytes + queued.text.len() > MAX_BYTES {
            inner.shed();
            if let Some(room) = queued.live {
                inner.resync(room);
                drop(inner);
                self.filled.notify_one();
                return;
            }
            if inner.frames.len() >= MAX_FRAMES || inner.bytes > MAX_BYTES {
                measure::slow_reader();
                inner.close = Some(CloseCode::SlowReader);
            }
        }
        inner.bytes += queued.text.len();
        inner.frames.push_back(queued);
        drop(inner);
        self.filled.notify_one();
    }
}

impl Inner {
    /// Drops every live frame and owes its room a `room:resync`.
    fn shed(&mut self) {
        let (live, answers): (VecDeque<_>, VecDeque<_>) = self
            .frames
            .drain(..)
            .partition(|queued| queued.live.is_some());
        measure::queue_drops(live.len());
        self.frames = answers;
        self.bytes = self.frames.iter().map(|queued| queued.text.len()).sum();
        for room in live.into_iter().filter_map(|queued| queued.live) {
            self.resync(room);
        }
    }

    fn resync(&mut self, room: RoomName) {
        if !self.resync.contains(&room) {
            self.resync.push(room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(queue: &Queue, room: &str, n: usize) {
        queue.live(&RoomName::from(room), format!("{room} {n}").into());
    }

    fn drain(queue: &Queue) -> Vec<String> {
        std::iter::from_fn(|| queue.try_next())
            .map(|next| match next {
                Next::Text(text) => text.to_string(),
                Next::Close(code) => format!("close {code:?}"),
            })
            .take(1_000)
            .collect()
    }

    #[test]
    fn a_reader_that_keeps_up_gets_everything_in_order() {
        let queue = Queue::default();
        (0..MAX_FRAMES).for_each(|n| live(&queue, "a", n));
        let expected: Vec<_> = (0..MAX_FRAMES).map(|n| format!("a {n}")).collect();
        assert_eq!(drain(&queue), expected);
    }

    #[test]
    fn a_slow_reader_gets_one_resync_per_room_and_keeps_its_answers() {
        let queue = Queue::default();
        let answer = ServerFrame::RoomLeft(RoomLeft { room: "x".into() });
        queue.answer(&answer);
        (0..MAX_FRAMES * 3).for_each(|n| live(&queue, if n % 2 == 0 { "a" } else { "b" }, n));
        let got = drain(&queue);
        assert_eq!(got[0], answer.encode());
        assert_eq!(got.len(), 3, "{got:?}");
        assert!(got[1..].iter().all(|frame| frame.contains("room:resync")));
        live(&queue, "a", 7);
        assert_eq!(drain(&queue), ["a 7"]);
    }

    #[test]
    fn answers_that_nobody_reads_close_the_socket() {
        let queue = Queue::default();
        (0..=MAX_FRAMES)
            .for_each(|_| queue.answer(&ServerFrame::RoomLeft(RoomLeft { room: "x".into() })));
        assert_eq!(queue.try_next(), Some(Next::Close(CloseCode::SlowReader)));
    }
}
