//! One room as this client knows it: its rows, how far they reach, and what is still on its way.
//!
//! Pure: frames go in, [`Effect`]s come out. Guarantees, whatever arrives in whatever order and however often: rows stand
//! by `seq`, each id once, the lowest `seq` wins; `last` only passes records that were seen or that the store does not
//! have; what is missing is either asked for or marked as a [`Hole`]. Called by [`super::ChatState`].

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use sphere_protocol::{Cid, Code, Epoch, Kind, Message, MessageId, Page, RoomName, Seq, Timestamp};

use super::Effect;

/// A message of this user that has no place in the room yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The client key.
    pub cid: Cid,
    /// What it will look like; its `seq` means nothing.
    pub message: Arc<Message>,
    /// Why it will not be sent by itself.
    pub refused: Option<Reason>,
}

/// Why a message was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The server said so.
    Code(Code),
    /// It was written under an identity that this browser no longer has.
    OtherIdentity,
}

/// Records between `after` and `before`, both exclusive, that were not loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hole {
    /// The last record known below it.
    pub after: Seq,
    /// The first row above it.
    pub before: Seq,
}

impl Hole {
    fn contains(self, seq: Seq) -> bool {
        self.after < seq && seq < self.before
    }
}

/// One room.
#[derive(Debug, Clone)]
pub struct RoomState {
    name: RoomName,
    /// The history that every `seq` counts in.
    pub(super) epoch: Option<Epoch>,
    /// The newest record that is accounted for; none before the first page.
    pub(super) last: Option<Seq>,
    rows: BTreeMap<Seq, Arc<Message>>,
    ids: HashMap<MessageId, Seq>,
    holes: Vec<Hole>,
    /// Below this `seq` there are records that were not loaded.
    floor: Option<Seq>,
    pub(super) pending: Vec<Pending>,
    /// Whether the server sends this room's frames over the present connection.
    pub(super) joined: bool,
    /// A page was asked for that will move `last`; live frames wait for it.
    pub(super) syncing: bool,
    held: Vec<Arc<Message>>,
    /// The `before` of the page that was asked for.
    pub(super) paging: Option<Seq>,
    /// Why the room cannot be read.
    pub(super) error: Option<Code>,
}

impl RoomState {
    pub(super) fn new(name: RoomName) -> Self {
        Self {
            name,
            epoch: None,
            last: None,
            rows: BTreeMap::new(),
            ids: HashMap::new(),
            holes: Vec::new(),
            floor: None,
            pending: Vec::new(),
            joined: false,
            syncing: false,
            held: Vec::new(),
            paging: None,
            error: None,
        }
    }

    /// The stored rows, by their place.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &Arc<Message>> {
        self.rows.values()
    }

    /// What stands below the stored rows, in the order in which it was written.
    pub fn pending(&self) -> &[Pending] {
        &self.pending
    }

    /// Where records are missing, in ascending order.
    pub fn holes(&self) -> &[Hole] {
        &self.holes
    }

    /// The `before` that loads older messages; none when the beginning is here.
    pub fn older(&self) -> Option<Seq> {
        self.floor
    }

    /// Whether a page of older messages is on its way.
    pub fn paging(&self) -> Option<Seq> {
        self.paging
    }

    /// Whether the newest page has come.
    pub fn loaded(&self) -> bool {
        self.last.is_some()
    }

    /// Why the room cannot be read.
    pub fn error(&self) -> Option<Code> {
        self.error
    }

    /// The newest record that is accounted for.
    pub fn last(&self) -> Option<Seq> {
        self.last
    }

    /// A record of the room, live.
    pub(super) fn live(&mut self, message: &Arc<Message>) -> Vec<Effect> {
        if !self.joined {
            return Vec::new();
        }
        if self.epoch.is_some_and(|epoch| epoch != message.epoch) {
            self.forget();
        }
        match self.last {
            Some(last) if message.seq <= last => self.repeat(message).into_iter().collect(),
            Some(last) if !self.syncing && message.prev == Some(last) => {
                self.append(message).into_iter().collect()
            }
            _ => {
                self.held.push(Arc::clone(message));
                self.read(0)
            }
        }
    }

    /// A page: the answer to a join, to a `sync:room` or to a request for older messages.
    pub(super) fn page(&mut self, page: &Page) -> Vec<Effect> {
        if page.around.is_some() {
            return Vec::new();
        }
        if let Some(before) = page.before {
            return self.earlier(page, before);
        }
        self.syncing = false;
        self.error = None;
        if self.epoch.is_some_and(|epoch| epoch != page.epoch) {
            self.forget();
        }
        let catch_up = !page.reset
            && (page.after.is_some() || page.items.first().is_some_and(|item| item.prev.is_some()));
        if !catch_up {
            let mut effects = self.rebase(page);
            effects.extend(self.release());
            return effects;
        }
        match self.last {
            Some(last) if page.head >= last => self.catch_up(page),
            _ => {
                self.forget();
                self.read(0)
            }
        }
    }

    /// Asks for what is above `last`, once at a time.
    pub(super) fn read(&mut self, delay_ms: u64) -> Vec<Effect> {
        if self.syncing {
            return Vec::new();
        }
        self.syncing = true;
        vec![Effect::Read { room: self.name.clone(), delay_ms }]
    }

    /// A newest record that the server names: asks when it is above ours.
    pub(super) fn head(&mut self, head: Seq) -> Vec<Effect> {
        if self.joined && self.last.is_none_or(|last| head > last) {
            self.read(0)
        } else {
            Vec::new()
        }
    }

    /// The connection is gone: nothing that was asked for will be answered.
    pub(super) fn disconnected(&mut self) {
        self.joined = false;
        self.syncing = false;
        self.paging = None;
        self.held.clear();
    }

    /// A place for a message of this user: its row keeps its id and becomes a stored one.
    pub(super) fn complete(&mut self, cid: Cid, seq: Seq, at: Timestamp) -> Option<Effect> {
        let index = self.pending.iter().position(|pending| pending.cid == cid)?;
        let pending = self.pending.remove(index);
        if self.shows(seq) {
            let mut message = (*pending.message).clone();
            message.seq = seq;
            message.created_at = at;
            message.epoch = self.epoch.unwrap_or_default();
            self.place(&Arc::new(message));
        }
        Some(Effect::Stored { cid, seq, at })
    }

    /// Puts a record into its place, each id once, the lowest `seq` wins.
    fn place(&mut self, message: &Arc<Message>) {
        match self.ids.get(&message.id) {
            Some(seq) if *seq <= message.seq => return,
            Some(seq) => {
                self.rows.remove(seq);
            }
            None => {}
        }
        self.ids.insert(message.id, message.seq);
        self.rows.insert(message.seq, Arc::clone(message));
    }

    /// Shows a record if it is of a kind that is shown, and completes the pending row of its id.
    fn show(&mut self, message: &Arc<Message>) -> Option<Effect> {
        if message.kind != Kind::Message {
            return None;
        }
        self.place(message);
        self.settle(message)
    }

    fn settle(&mut self, message: &Message) -> Option<Effect> {
        let index = self.pending.iter().position(|pending| pending.message.id == message.id)?;
        let pending = self.pending.remove(index);
        Some(Effect::Stored { cid: pending.cid, seq: message.seq, at: message.created_at })
    }

    fn append(&mut self, message: &Arc<Message>) -> Option<Effect> {
        self.last = Some(message.seq);
        self.show(message)
    }

    /// A record that is already accounted for may still be the news that a pending row waits for.
    fn repeat(&mut self, message: &Arc<Message>) -> Option<Effect> {
        if message.kind != Kind::Message {
            return None;
        }
        let settled = self.settle(message)?;
        if self.shows(message.seq) {
            self.place(message);
        }
        Some(settled)
    }

    /// Whether a row with this `seq` would stand among loaded rows and not inside what is missing.
    fn shows(&self, seq: Seq) -> bool {
        self.floor.is_none_or(|floor| seq >= floor) && !self.holes.iter().any(|hole| hole.contains(seq))
    }

    fn catch_up(&mut self, page: &Page) -> Vec<Effect> {
        self.epoch = Some(page.epoch);
        let before = self.last;
        let mut whole = true;
        let mut effects = Vec::new();
        for item in &page.items {
            let last = self.last.unwrap_or(-1);
            if item.seq <= last {
                effects.extend(self.repeat(item));
            } else if item.prev == Some(last) {
                effects.extend(self.append(item));
            } else {
                whole = false;
                break;
            }
        }
        if page.more || !whole {
            // A page that brings nothing new must not be asked for again at once, for ever.
            let stuck = self.last == before;
            effects.extend(self.read(if stuck { 1_000 } else { 0 }));
        } else {
            effects.extend(self.release());
        }
        effects
    }

    /// The newest page as the end of the room; what lies between it and older rows becomes a hole.
    fn rebase(&mut self, page: &Page) -> Vec<Effect> {
        if self.last.is_some_and(|last| page.head < last) {
            self.forget();
        }
        self.epoch = Some(page.epoch);
        let low = page.items.first().filter(|_| page.more).map(|item| item.seq);
        match (low, self.last) {
            (None, _) => {
                self.floor = None;
                self.holes.clear();
            }
            (Some(low), None) => {
                self.floor = Some(low);
                self.drop_rows(|seq| seq < low);
            }
            (Some(low), Some(last)) if low > last + 1 => {
                let hole = Hole { after: last, before: low };
                self.drop_rows(|seq| hole.contains(seq));
                self.holes.push(hole);
            }
            (Some(_), Some(_)) => {}
        }
        self.last = Some(page.head);
        page.items.iter().filter_map(|item| self.show(item)).collect()
    }

    /// A page of messages below `before`: fills a hole or goes in front.
    fn earlier(&mut self, page: &Page, before: Seq) -> Vec<Effect> {
        if self.paging == Some(before) {
            self.paging = None;
        }
        if self.last.is_none() {
            return Vec::new();
        }
        if self.epoch != Some(page.epoch) {
            self.forget();
            return self.read(0);
        }
        // Only what touches loaded rows may be shown; anything else would hide a hole.
        if !self.shows(before) {
            return Vec::new();
        }
        let low = page.items.first().filter(|_| page.more).map(|item| item.seq);
        self.holes.retain_mut(|hole| {
            let filled = hole.before <= before && low.is_none_or(|low| low <= hole.after + 1);
            if let (Some(low), true) = (low, hole.before <= before) {
                hole.before = hole.before.min(low);
            }
            !filled
        });
        self.floor = match (self.floor, low) {
            (Some(floor), Some(low)) => Some(floor.min(low)),
            _ => None,
        };
        page.items.iter().filter_map(|item| self.show(item)).collect()
    }

    /// Lets the live frames in that waited for a page.
    fn release(&mut self) -> Vec<Effect> {
        let mut held = std::mem::take(&mut self.held);
        held.sort_by_key(|message| message.seq);
        held.iter().flat_map(|message| self.live(message)).collect()
    }

    fn drop_rows(&mut self, gone: impl Fn(Seq) -> bool) {
        self.rows.retain(|seq, _| !gone(*seq));
        self.ids.retain(|_, seq| !gone(*seq));
    }

    /// Another history: nothing of the old one counts, apart from what this user still wants to say.
    fn forget(&mut self) {
        self.epoch = None;
        self.last = None;
        self.floor = None;
        self.paging = None;
        self.rows.clear();
        self.ids.clear();
        self.holes.clear();
        self.held.clear();
    }
}
