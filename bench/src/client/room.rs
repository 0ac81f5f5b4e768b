//! One room as a client of the checker knows it: its place in the chain, and its outbox. The rules are those of the real
//! client, with one difference: nothing is hidden. A record that stands twice is shown twice, so that the checks see it.

use std::{collections::VecDeque, sync::Arc};

use sphere_protocol::{Cid, Epoch, Kind, Message, MessageId, Page, RoomName, Seq};
use tokio::time::Instant;

use crate::history::{Item, Said};

/// A message that is written and not stored yet.
#[derive(Debug)]
pub struct Entry {
    /// The key of every attempt.
    pub cid: Cid,
    /// What it says.
    pub said: Said,
    /// Attempts so far.
    pub attempt: u32,
    /// When the attempt left that has no answer yet.
    pub in_flight: Option<Instant>,
    /// Not to be sent earlier.
    pub not_before: Instant,
}

/// A room of one client.
#[derive(Debug)]
pub struct Room {
    /// Its number in the run.
    pub index: usize,
    /// Its name.
    pub name: RoomName,
    /// The newest record that is accounted for; none before the first page.
    pub last: Option<Seq>,
    /// The history that it counts in.
    pub epoch: Option<Epoch>,
    /// Whether the server sends its frames over the present connection.
    pub joined: bool,
    /// When a page was asked for; live frames wait for it.
    pub syncing: Option<(Instant, u64)>,
    /// Not to be asked for earlier.
    pub sync_at: Option<Instant>,
    /// What waits to be sent or answered.
    pub outbox: VecDeque<Entry>,
    /// Messages written so far.
    pub written: u32,
    held: Vec<Arc<Message>>,
}

/// What a page did to the list.
#[derive(Debug)]
pub struct Turned {
    /// The page's items.
    pub items: Vec<Item>,
    /// Live frames that had waited for it.
    pub released: Vec<Item>,
    /// Whether the list begins anew with it.
    pub anew: bool,
    /// Whether another page must be asked for.
    pub again: bool,
}

impl Room {
    /// A room that nothing is known of.
    pub fn new(index: usize, name: RoomName) -> Self {
        Self {
            index,
            name,
            last: None,
            epoch: None,
            joined: false,
            syncing: None,
            sync_at: None,
            outbox: VecDeque::new(),
            written: 0,
            held: Vec::new(),
        }
    }

    /// The connection is gone: nothing that was asked for will be answered.
    pub fn disconnected(&mut self) {
        self.joined = false;
        self.syncing = None;
        self.sync_at = None;
        self.held.clear();
        for entry in &mut self.outbox {
            entry.in_flight = None;
        }
    }

    /// A live frame: what the client made of it, or none where it waits for a page.
    pub fn live(&mut self, message: &Arc<Message>) -> Option<Item> {
        match self.last {
            Some(last) if message.seq <= last => Some(self.item(message, false)),
            Some(last)
                if self.syncing.is_none()
                    && self.sync_at.is_none()
                    && message.prev == Some(last) =>
            {
                self.last = Some(message.seq);
                Some(self.item(message, true))
            }
            _ => {
                let index = self.held.partition_point(|held| held.seq < message.seq);
                self.held.insert(index, Arc::clone(message));
                self.want_page(Instant::now());
                None
            }
        }
    }

    /// A page is needed, unless one is on its way.
    pub fn want_page(&mut self, at: Instant) {
        if self.syncing.is_none() && self.sync_at.is_none() {
            self.sync_at = Some(at);
        }
    }

    /// A page that was asked for, or the answer to joining.
    pub fn page(&mut self, page: &Page) -> Turned {
        self.syncing = None;
        self.sync_at = None;
        self.joined = true;
        let other_log = self.epoch.is_some_and(|epoch| epoch != page.epoch);
        self.epoch = Some(page.epoch);
        let anew = page.reset || page.after.is_none() || self.last.is_none() || other_log;
        let mut turned = Turned {
            items: Vec::new(),
            released: Vec::new(),
            anew,
            again: false,
        };
        if anew {
            self.last = Some(page.head);
            for message in &page.items {
                turned.items.push(self.item(message, true));
            }
        } else {
            for message in &page.items {
                let last = self.last.unwrap_or(-1);
                let next = message.prev == Some(last);
                // A link that does not fit is shown as what it is: the checks tell the gap.
                if next {
                    self.last = Some(message.seq);
                } else if message.seq > last {
                    turned.again = true;
                }
                turned.items.push(self.item(message, next));
            }
            turned.again |= page.more;
        }
        if !turned.again {
            for message in std::mem::take(&mut self.held) {
                turned.released.extend(self.live(&message));
            }
        }
        turned
    }

    /// Takes an own message off the outbox once it is seen or acknowledged.
    pub fn settle(&mut self, id: impl Fn(&Entry) -> bool) -> Option<Entry> {
        let index = self.outbox.iter().position(id)?;
        self.outbox.remove(index)
    }

    /// What may be sent now: the oldest entries, at most `window` in flight, in their order.
    pub fn due(&mut self, now: Instant, window: usize) -> Option<&mut Entry> {
        let head = self.outbox.iter_mut().take(window);
        let mut waiting = head.skip_while(|entry| entry.in_flight.is_some());
        waiting.next().filter(|entry| entry.not_before <= now)
    }

    fn item(&self, message: &Message, shown: bool) -> Item {
        Item {
            room: self.index,
            seq: message.seq,
            prev: message.prev,
            id: message.id,
            kind: message.kind,
            said: Said::parse(&message.message),
            shown: shown && message.kind == Kind::Message,
        }
    }
}

/// The id that the server must give to an entry.
pub fn id_of(user: &sphere_protocol::UserId, room: &RoomName, cid: Cid) -> MessageId {
    MessageId::derive(user, room, cid)
}
