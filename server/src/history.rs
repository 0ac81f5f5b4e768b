//! Pages of rooms: one function for join, resume, scrollback, server-side rendering and HTTP.
//!
//! # Guarantee
//! A page is the store's rows plus what the log holds beyond them, up to the feed's position, without a gap. Entering a
//! room happens under the feed's lock together with the last part of the page, so the live frames that follow begin
//! exactly where the page ends. When a part cannot be read the answer is an error, never a short page.

use std::{sync::Arc, time::Duration};

use sphere_protocol::{Code, Epoch, Kind, Message, MessageId, Page, Seq, UserId, limits};
use tokio::time::{Instant, timeout_at};

use crate::{
    feed::Feeds,
    log::{MessageLog, Offset},
    rooms::Room,
    store::Store,
};

mod part;
mod tail;
#[cfg(test)]
mod tests;

use part::Part;
use tail::Tail;

/// How long a page may wait for this server to catch up with the log or the store.
const PATIENCE: Duration = Duration::from_secs(2);

/// Pause before the store is asked again for what it had not yet: a replica may lag.
const AGAIN: Duration = Duration::from_millis(50);

/// What to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// The newest messages.
    Newest,
    /// The newest messages below.
    Before(Seq),
    /// The oldest records above; [`Page::reset`] when there are too many.
    After(Seq),
    /// The same however many there are.
    Records(Seq),
    /// Messages on both sides.
    Around(MessageId),
}

/// A page to read.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// Which part of the room.
    pub ask: Ask,
    /// The epoch that the caller counts in.
    pub epoch: Option<Epoch>,
    /// At most so many items.
    pub limit: Option<u32>,
}

impl Request {
    /// The newest page.
    pub fn newest() -> Self {
        Self {
            ask: Ask::Newest,
            epoch: None,
            limit: None,
        }
    }

    /// As many messages around one as fit into two pages.
    pub fn around(id: MessageId) -> Self {
        Self {
            ask: Ask::Around(id),
            epoch: None,
            limit: Some(2 * limits::PAGE),
        }
    }

    /// What `join:room` and `hello` ask for.
    pub fn resume(epoch: Option<Epoch>, after: Option<Seq>) -> Self {
        Self {
            ask: after.map_or(Ask::Newest, Ask::After),
            epoch,
            limit: None,
        }
    }

    fn limit(&self) -> u64 {
        u64::from(
            self.limit
                .unwrap_or(limits::PAGE)
                .clamp(1, limits::MAX_PAGE),
        )
    }
}

/// Why there is no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The room has no such message.
    #[error("unknown message")]
    UnknownMessage,
    /// Some part could not be read, or this server is behind: try again.
    #[error("unavailable")]
    Unavailable,
}

impl PageError {
    /// The code on the wire.
    pub fn code(self) -> Code {
        match self {
            Self::UnknownMessage => Code::UnknownMessage,
            Self::Unavailable => Code::Unavailable,
        }
    }
}

/// Reads pages. Cheap to clone.
#[derive(Clone)]
pub struct History {
    store: Store,
    log: Arc<dyn MessageLog>,
    feeds: Feeds,
    epoch: Epoch,
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("History")
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

impl History {
    /// Reads what the store, the feeds and the log hold.
    pub fn new(store: Store, log: Arc<dyn MessageLog>, feeds: Feeds, epoch: Epoch) -> Self {
        Self {
            store,
            log,
            feeds,
            epoch,
        }
    }

    /// The epoch that every `seq` counts in.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Reads a page.
    ///
    /// # Errors
    /// See [`PageError`].
    pub async fn page(&self, room: &Room, request: Request) -> Result<Page, PageError> {
        self.enter(room, request, |page| page).await
    }

    /// Reads a page and calls `enter` with it between two records of the room: what it registers misses nothing.
    ///
    /// # Errors
    /// See [`PageError`]; `enter` is then not called.
    pub async fn enter<R>(
        &self,
        room: &Room,
        request: Request,
        enter: impl FnOnce(Page) -> R,
    ) -> Result<R, PageError> {
        let feed = self
            .feeds
            .get(room.partition)
            .ok_or(PageError::Unavailable)?;
        let deadline = Instant::now() + PATIENCE;
        let mut part = Part::find(self, room, &feed, request, deadline).await?;
        let mut enter = Some(enter);
        while Instant::now() <= deadline {
            let raw = self
                .store
                .page(room, self.epoch, part.query, part.limit)
                .await
                .map_err(unavailable)?;
            timeout_at(deadline, feed.reached(raw.next_offset))
                .await
                .map_err(|_| PageError::Unavailable)?;
            let mut tail = Tail::new(&raw);
            let entered = loop {
                let step = feed.between(|core| match tail.missing(core) {
                    Some(missing) => Step::Read(missing),
                    None => {
                        match part.compose(room, self.epoch, core, &raw, tail.records(core, room)) {
                            Some(page) => Step::Entered(enter.take().map(|enter| enter(page))),
                            None => Step::Reset,
                        }
                    }
                });
                match step {
                    Step::Read(missing) => tail
                        .read(&*self.log, &feed, room, self.epoch, missing)
                        .await
                        .map_err(unavailable)?,
                    Step::Entered(entered) => break entered,
                    Step::Reset => {
                        part.reset();
                        break None;
                    }
                }
            };
            if let Some(entered) = entered {
                return Ok(entered);
            }
        }
        Err(PageError::Unavailable)
    }

    /// Others' messages of the room above `read`, at most [`limits::MAX_UNREAD`]; without `read` all count.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn unread(
        &self,
        room: &Room,
        read: Option<Seq>,
        reader: Option<&UserId>,
    ) -> Result<u32, PageError> {
        let feed = self
            .feeds
            .get(room.partition)
            .ok_or(PageError::Unavailable)?;
        let above = read.unwrap_or(-1);
        if feed
            .between(|core| core.head(&room.name))
            .is_none_or(|head| head.seq <= above)
        {
            return Ok(0);
        }
        let limit = u64::from(limits::MAX_UNREAD);
        let deadline = Instant::now() + PATIENCE;
        let (stored, fresh) = loop {
            let (stored, next_offset) = self
                .store
                .unread(room, above, reader, limit)
                .await
                .map_err(unavailable)?;
            let counts = |message: &Message| {
                message.room == room.name
                    && message.kind == Kind::Message
                    && message.seq > above
                    && Some(&message.user_id) != reader
            };
            let fresh = feed.between(|core| {
                Some(
                    core.since(next_offset)?
                        .filter(|passed| counts(&passed.message))
                        .count(),
                )
            });
            match fresh {
                Some(fresh) => break (stored, fresh),
                // The store went on meanwhile, and the feed has let go of what it then had: count again.
                None if Instant::now() < deadline => tokio::time::sleep(AGAIN).await,
                None => return Err(PageError::Unavailable),
            }
        };
        let unread = stored.saturating_add(fresh as u64).min(limit);
        Ok(u32::try_from(unread).unwrap_or(limits::MAX_UNREAD))
    }
}

/// What looking at the feed led to.
enum Step<R> {
    /// The ring no longer reaches back so far: read these offsets from the log.
    Read(std::ops::Range<Offset>),
    /// Done.
    Entered(Option<R>),
    /// Too many records: the newest page instead.
    Reset,
}

/// Internals go to the log, once; the reader is told to try again.
fn unavailable(error: impl std::fmt::Display) -> PageError {
    tracing::warn!(%error, "a page could not be read");
    PageError::Unavailable
}
