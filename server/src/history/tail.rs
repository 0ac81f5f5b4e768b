//! The end of a page: what the log holds beyond the store, from the feed's ring, and from the log itself where the ring
//! no longer reaches back so far.

use std::{ops::Range, sync::Arc};

use sphere_protocol::{Epoch, Message};

use crate::{
    feed::{
        Core, Feed, Head,
        link::{Link, link},
    },
    log::{MessageLog, Offset, ReadError},
    rooms::Room,
    store::RawPage,
};

/// Offsets that are read from the log at once.
const CHUNK: Offset = 1_000;

/// The records of one room from the store's position on.
pub(super) struct Tail {
    read: Vec<Arc<Message>>,
    next: Offset,
    head: Option<Head>,
}

impl Tail {
    /// Begins where the store's page ends.
    pub(super) fn new(raw: &RawPage) -> Self {
        Self {
            read: Vec::new(),
            next: raw.next_offset,
            head: raw.head.map(|seq| Head { seq, last_at: None }),
        }
    }

    /// The offsets that must be read before the ring has the rest.
    pub(super) fn missing(&self, core: &Core) -> Option<Range<Offset>> {
        (self.next < core.ring_start()).then(|| self.next..core.ring_start().min(self.next + CHUNK))
    }

    /// Reads offsets from the log. The feed still knows the ids: it keeps all that the store lacks.
    pub(super) async fn read(
        &mut self,
        log: &dyn MessageLog,
        feed: &Feed,
        room: &Room,
        epoch: Epoch,
        missing: Range<Offset>,
    ) -> Result<(), ReadError> {
        let entries = log.read(room.partition, missing.start, missing.end).await?;
        feed.between(|core| {
            for entry in entries {
                let Some(record) = entry.record.ok().filter(|record| record.room == room.name)
                else {
                    continue;
                };
                let seq = core.seq(entry.offset);
                let Link { message, head, .. } = link(
                    &record,
                    room.partition,
                    epoch,
                    seq,
                    self.head,
                    core.first(&record.id),
                );
                self.head = Some(head);
                self.read.push(Arc::new(message));
            }
        });
        self.next = missing.end;
        Ok(())
    }

    /// The room's records beyond the store, once nothing is missing.
    pub(super) fn records(&self, core: &Core, room: &Room) -> Vec<Arc<Message>> {
        let ring = core
            .since(self.next)
            .into_iter()
            .flatten()
            .map(|passed| &passed.message);
        self.read
            .iter()
            .chain(ring.filter(|message| message.room == room.name))
            .cloned()
            .collect()
    }
}
