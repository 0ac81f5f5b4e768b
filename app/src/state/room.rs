//! One room as this client knows it: its rows, how far they reach, and what is still on its way.
//!
//! Pure: frames go in, [`Effect`]s come out. Guarantees, whatever arrives in whatever order and however often: rows stand
//! by `seq`, each id once, the lowest `seq` wins; `last` only passes records that were seen or that the store does not
//! have; what is missing is either asked for or marked as a [`Hole`]. Called by [`super::ChatState`].

mod pages;
mod pending;

use std::sync::Arc;

use sphere_protocol::{Code, Epoch, Kind, Message, MessageId, RoomName, Seq, UserId};

use super::{Effect, own::Pending};

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

/// A page of history that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// What stands below this `seq`.
    Before(Seq),
    /// What stands around this message.
    Around(MessageId),
}

/// One room.
#[derive(Debug, Clone)]
pub struct RoomState {
    name: RoomName,
    /// The history that every `seq` counts in.
    pub(super) epoch: Option<Epoch>,
    /// The newest record that is accounted for; none before the first page.
    pub(super) last: Option<Seq>,
    /// By `seq`. A list: almost everything comes at one of its ends.
    rows: Vec<Arc<Message>>,
    holes: Vec<Hole>,
    /// Below this `seq` there are records that were not loaded.
    floor: Option<Seq>,
    pub(super) pending: Vec<Pending>,
    /// Whether the server sends this room's frames over the present connection.
    pub(super) joined: bool,
    /// A page was asked for that will move `last`; live frames wait for it.
    pub(super) syncing: bool,
    /// By `seq`.
    held: Vec<Arc<Message>>,
    /// The page of history that was asked for.
    pub(super) paging: Option<Ask>,
    /// The message that was asked for and is not in this room.
    pub(super) absent: Option<MessageId>,
    /// Others' messages above this `seq` were new when the reader came.
    pub(super) divider: Option<Seq>,
    /// Why the room cannot be read.
    pub(super) error: Option<Code>,
}

impl RoomState {
    pub(super) fn new(name: RoomName) -> Self {
        Self {
            name,
            epoch: None,
            last: None,
            rows: Vec::new(),
            holes: Vec::new(),
            floor: None,
            pending: Vec::new(),
            joined: false,
            syncing: false,
            held: Vec::new(),
            paging: None,
            absent: None,
            divider: None,
            error: None,
        }
    }

    /// What it is called.
    pub fn name(&self) -> &RoomName {
        &self.name
    }

    /// The stored rows, by their place.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &Arc<Message>> {
        self.rows.iter()
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

    /// The page of history that is on its way.
    pub fn paging(&self) -> Option<Ask> {
        self.paging
    }

    /// The message that was asked for and is not in this room.
    pub fn absent(&self) -> Option<MessageId> {
        self.absent
    }

    /// The row of a message, if it is here.
    pub fn row(&self, id: MessageId) -> Option<&Arc<Message>> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// Where the line above new messages stands: above the first of others with a higher `seq`. None when there is
    /// nothing new, or when it is not known where the new begins.
    pub fn divider(&self, me: Option<&UserId>) -> Option<Seq> {
        let divider = self.divider?;
        let reaches = self.rows.first().is_some_and(|row| row.seq <= divider);
        (self.floor.is_none() || reaches)
            .then(|| self.first_new(divider, me))
            .flatten()
    }

    /// Whether others wrote something above `mark` that is here.
    pub(super) fn first_new(&self, mark: Seq, me: Option<&UserId>) -> Option<Seq> {
        let above = self.rows.partition_point(|row| row.seq <= mark);
        let new = self.rows[above..].iter();
        new.map(Arc::as_ref)
            .find(|row| Some(&row.user_id) != me)
            .map(|row| row.seq)
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
                let index = self.held.partition_point(|held| held.seq < message.seq);
                self.held.insert(index, Arc::clone(message));
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
        vec![Effect::Read {
            room: self.name.clone(),
            delay_ms,
        }]
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

    /// Puts a record into its place, each id once, the lowest `seq` wins.
    fn place(&mut self, message: &Arc<Message>) {
        if let Some(index) = self.rows.iter().position(|row| row.id == message.id) {
            if self.rows[index].seq <= message.seq {
                return;
            }
            self.rows.remove(index);
        }
        let index = self.rows.partition_point(|row| row.seq < message.seq);
        self.rows.insert(index, Arc::clone(message));
    }

    /// Shows a record if it is of a kind that is shown, and completes the pending row of its id.
    fn show(&mut self, message: &Arc<Message>) -> Option<Effect> {
        if message.kind != Kind::Message {
            return None;
        }
        self.place(message);
        self.settle(message)
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
        self.floor.is_none_or(|floor| seq >= floor)
            && !self.holes.iter().any(|hole| hole.contains(seq))
    }

    /// Forgets the oldest rows once there are twice as many as are kept: they can be loaded again.
    pub(super) fn trim(&mut self, keep: usize) {
        if self.rows.len() <= 2 * keep {
            return;
        }
        self.rows.drain(..self.rows.len() - keep);
        self.floor = self.rows.first().map(|row| row.seq);
        let floor = self.floor.unwrap_or_default();
        self.holes.retain(|hole| hole.before > floor);
    }

    fn drop_rows(&mut self, gone: impl Fn(Seq) -> bool) {
        self.rows.retain(|row| !gone(row.seq));
    }

    /// Another history: nothing of the old one counts, apart from what this user still wants to say.
    fn forget(&mut self) {
        self.epoch = None;
        self.last = None;
        self.floor = None;
        self.paging = None;
        self.absent = None;
        self.divider = None;
        self.rows.clear();
        self.holes.clear();
        self.held.clear();
    }
}
