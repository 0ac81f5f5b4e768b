//! Which part of a room is read, and how the store's rows and the log's tail become the page.

use std::sync::Arc;

use sphere_protocol::{Epoch, Kind, Message, MessageId, Page, Seq, limits::MAX_REPLAY};
use tokio::time::{Instant, timeout_at};

use super::{Ask, History, PageError, Request, unavailable};
use crate::{
    feed::{Core, Feed},
    rooms::Room,
    store::{Query, RawPage},
};

/// The part of a room that a request names, found in this log.
pub(super) struct Part {
    pub(super) query: Query,
    pub(super) limit: u64,
    request: Request,
    reset: bool,
}

impl Part {
    /// Finds the part. A position of another log, or beyond the end of this one, leads to a reset; one that this
    /// server has not reached yet is waited for.
    pub(super) async fn find(
        history: &History,
        room: &Room,
        feed: &Feed,
        request: Request,
        deadline: Instant,
    ) -> Result<Self, PageError> {
        let mut part = Self {
            query: Query::Newest,
            limit: request.limit(),
            request,
            reset: false,
        };
        if request.epoch.is_some_and(|epoch| epoch != history.epoch) {
            part.reset();
            return Ok(part);
        }
        match request.ask {
            Ask::Newest => {}
            Ask::Before(seq) => part.query = Query::Before(seq),
            Ask::Records(seq) => part.query = Query::After(seq),
            Ask::After(seq) => {
                part.query = Query::After(seq);
                let base = feed.between(|core| core.seq(0));
                if seq >= feed.between(Core::next_seq) {
                    let end = timeout_at(deadline, history.log.end(room.partition))
                        .await
                        .map_err(unavailable)?
                        .map_err(unavailable)?;
                    if seq >= base + end {
                        part.reset();
                    } else {
                        let behind = feed.reached(seq - base + 1);
                        timeout_at(deadline, behind)
                            .await
                            .map_err(|_| PageError::Unavailable)?;
                    }
                }
            }
            Ask::Around(id) => part.query = Query::Around(locate(history, room, feed, id).await?),
        }
        Ok(part)
    }

    /// The newest page instead of what was asked for.
    pub(super) fn reset(&mut self) {
        self.query = Query::Newest;
        self.reset = true;
    }

    /// Puts the page together; none when there is more to replay than a client should read.
    pub(super) fn compose(
        &self,
        room: &Room,
        epoch: Epoch,
        core: &Core,
        raw: &RawPage,
        tail: Vec<Arc<Message>>,
    ) -> Option<Page> {
        let rows = raw.rows.iter().cloned().map(Arc::new);
        let mut page = Page {
            room: room.name.clone(),
            epoch,
            head: core.head(&room.name).map_or(-1, |head| head.seq),
            items: Vec::new(),
            more: raw.more,
            reset: self.reset,
            more_after: None,
            after: None,
            before: None,
            around: None,
        };
        match self.request.ask {
            Ask::After(seq) | Ask::Records(seq) => page.after = Some(seq),
            Ask::Before(seq) => page.before = Some(seq),
            Ask::Around(id) => page.around = Some(id),
            Ask::Newest => {}
        }
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        match self.query {
            Query::Newest => page.newest(rows.chain(current(tail, Seq::MAX)), limit),
            Query::Before(seq) => page.newest(rows.chain(current(tail, seq)), limit),
            Query::After(seq) => {
                let tail: Vec<_> = tail
                    .into_iter()
                    .filter(|message| message.seq > seq)
                    .collect();
                if matches!(self.request.ask, Ask::After(_))
                    && raw.above + tail.len() as u64 > MAX_REPLAY
                {
                    return None;
                }
                page.oldest(rows.chain(tail.into_iter().filter(|_| !raw.more)), limit);
            }
            Query::Around(seq) => {
                let tail = current(tail, Seq::MAX).filter(|_| !raw.more_after);
                let (front, back): (Vec<_>, Vec<_>) =
                    rows.chain(tail).partition(|message| message.seq < seq);
                let mut rest = Page {
                    more: raw.more_after,
                    ..page.clone()
                };
                page.newest(front.into_iter(), limit / 2);
                rest.oldest(back.into_iter(), limit - limit / 2);
                page.items.append(&mut rest.items);
                page.more_after = Some(rest.more);
            }
        }
        Some(page)
    }
}

/// Where the message stands: in the store, or beyond it in the ring.
async fn locate(
    history: &History,
    room: &Room,
    feed: &Feed,
    id: MessageId,
) -> Result<Seq, PageError> {
    if let Some(seq) = history.store.locate(room, id).await.map_err(unavailable)? {
        return Ok(seq);
    }
    let fresh = feed.between(|core| {
        let mut ring = core
            .since(core.ring_start())
            .into_iter()
            .flatten()
            .map(|passed| &passed.message);
        ring.find(|message| {
            message.id == id && message.room == room.name && message.kind == Kind::Message
        })
        .map(|m| m.seq)
    });
    fresh.ok_or(PageError::UnknownMessage)
}

/// Records below `seq` as messages in their current state.
fn current(records: Vec<Arc<Message>>, below: Seq) -> impl Iterator<Item = Arc<Message>> {
    let messages = records
        .into_iter()
        .filter(move |record| record.kind == Kind::Message && record.seq < below);
    messages.map(|record| {
        Arc::new(Message {
            prev: None,
            ..Message::clone(&record)
        })
    })
}

/// Filling a page from one of its ends.
trait Fill {
    fn newest(&mut self, items: impl Iterator<Item = Arc<Message>>, limit: usize);
    fn oldest(&mut self, items: impl Iterator<Item = Arc<Message>>, limit: usize);
}

impl Fill for Page {
    fn newest(&mut self, items: impl Iterator<Item = Arc<Message>>, limit: usize) {
        self.items = items.collect();
        let surplus = self.items.len().saturating_sub(limit);
        self.items.drain(..surplus);
        self.more |= surplus > 0;
    }

    fn oldest(&mut self, items: impl Iterator<Item = Arc<Message>>, limit: usize) {
        self.items = items.collect();
        self.more |= self.items.len() > limit;
        self.items.truncate(limit);
    }
}
