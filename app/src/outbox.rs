//! What this user has written and the server has not stored yet.
//!
//! One key per message in a [`Storage`] that all tabs share, so it survives a reload and no tab can overwrite another's.
//! Guarantees: an entry stays until the server has stored it or the user removes it; `attempt` is written before each
//! send; of one room at most one entry is in flight, in the order in which they were written. Pure; `engine.rs` calls it
//! and holds the lock that says which tab sends.

mod entry;

use sphere_protocol::{Cid, Code, RoomName, Seq, Timestamp, UserId};

use crate::storage::Storage;
pub use entry::{Entry, Key, Stored};

/// Which entries this tab sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Share {
    /// All of them: whoever calls [`Outbox::due`] holds the lock.
    Locked,
    /// There are no locks: those that this tab wrote, or found when it was loaded.
    Own(Vec<Cid>),
}

/// A send without an answer.
#[derive(Debug)]
struct Flight {
    cid: Cid,
    since: i64,
}

/// When the head of a room may be sent again.
#[derive(Debug)]
struct Wait {
    cid: Cid,
    until: i64,
}

/// One tab's view of the outbox.
#[derive(Debug)]
pub struct Outbox<S> {
    storage: S,
    user: UserId,
    share: Share,
    /// What was sent and not answered, at most one of a room.
    flights: Vec<Flight>,
    waits: Vec<Wait>,
}

impl<S: Storage> Outbox<S> {
    /// Opens the outbox of a user. Without locks, what is found here is adopted: its tab may be gone.
    pub fn open(storage: S, user: UserId, locks: bool) -> Self {
        let mut outbox = Self {
            storage,
            user,
            share: Share::Locked,
            flights: Vec::new(),
            waits: Vec::new(),
        };
        for entry in outbox
            .all()
            .into_iter()
            .filter(|entry| entry.body.stored.is_some())
        {
            // Its tab went between writing and removing.
            outbox.storage.remove(&entry.key.to_string());
        }
        if !locks {
            outbox.share = Share::Own(outbox.entries().iter().map(|entry| entry.key.cid).collect());
        }
        outbox
    }

    /// This user's entries that are not stored, in the order in which they were written.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = self.all();
        entries.retain(|entry| entry.key.user == self.user && entry.body.stored.is_none());
        entries
    }

    /// Entries of identities that this browser had before: they are never sent by themselves.
    pub fn foreign(&self) -> Vec<Entry> {
        let mut entries = self.all();
        entries.retain(|entry| entry.key.user != self.user && entry.body.stored.is_none());
        entries
    }

    /// Whether something waits to be sent by this tab.
    pub fn is_waiting(&self) -> bool {
        self.entries()
            .iter()
            .any(|entry| entry.body.refused.is_none() && self.is_mine(entry.key.cid))
    }

    /// Keeps a message.
    pub fn add(&mut self, room: &RoomName, text: &str, cid: Cid, now: Timestamp) -> Entry {
        let newest = self
            .entries()
            .into_iter()
            .filter(|entry| entry.key.room == *room)
            .map(|entry| entry.key.n)
            .max();
        let n = newest.map_or(now.0, |n| now.0.max(n + 1));
        let key = Key {
            user: self.user.clone(),
            room: room.clone(),
            n,
            cid,
        };
        let entry = Entry::new(key, text, now);
        self.write(&entry);
        if let Share::Own(own) = &mut self.share {
            own.push(cid);
        }
        entry
    }

    /// Takes what may be sent now: the head of each room that has nothing in flight. Their `attempt` is already written.
    pub fn due(&mut self, now: Timestamp) -> Vec<Entry> {
        let mut heads: Vec<Entry> = Vec::new();
        for entry in self.entries() {
            let first = !heads.iter().any(|head| head.key.room == entry.key.room);
            if first && entry.body.refused.is_none() && self.is_mine(entry.key.cid) {
                heads.push(entry);
            }
        }
        // A head is in flight or it is not: what another tab has finished since is no head any more.
        heads.retain(|head| {
            let cid = head.key.cid;
            let busy = self.flights.iter().any(|flight| flight.cid == cid);
            let early = self
                .waits
                .iter()
                .any(|wait| wait.cid == cid && wait.until > now.0);
            !busy && !early
        });
        for head in &mut heads {
            head.body.attempt += 1;
            self.write(head);
            self.flights.push(Flight {
                cid: head.key.cid,
                since: now.0,
            });
        }
        heads
    }

    /// When [`Outbox::due`] will have more by the clock alone.
    pub fn wake(&self, now: Timestamp) -> Option<i64> {
        self.waits
            .iter()
            .map(|wait| wait.until)
            .filter(|until| *until > now.0)
            .min()
    }

    /// When the oldest send without an answer went out.
    pub fn oldest_flight(&self) -> Option<i64> {
        self.flights.iter().map(|flight| flight.since).min()
    }

    /// The server has stored it. Other tabs see the mark before the key goes, and know the same.
    pub fn stored(&mut self, cid: Cid, seq: Seq, at: Timestamp) {
        self.landed(cid);
        if let Some(mut entry) = self.find(cid) {
            entry.body.stored = Some(Stored { seq, at });
            self.write(&entry);
            self.storage.remove(&entry.key.to_string());
        }
    }

    /// The server will never store it under this key.
    pub fn refused(&mut self, cid: Cid, code: Code) {
        self.landed(cid);
        if let Some(mut entry) = self.find(cid) {
            entry.body.refused = Some(code);
            self.write(&entry);
        }
    }

    /// The server could not say yes now: the room waits.
    pub fn retry(&mut self, cid: Cid, until: Timestamp) {
        self.landed(cid);
        self.waits.push(Wait {
            cid,
            until: until.0,
        });
    }

    /// How often an entry was sent.
    pub fn attempts(&self, cid: Cid) -> u32 {
        self.find(cid).map_or(0, |entry| entry.body.attempt)
    }

    /// The user does not want to send it any more.
    pub fn remove(&mut self, cid: Cid) -> Option<Entry> {
        self.landed(cid);
        let entry = self.find(cid)?;
        self.storage.remove(&entry.key.to_string());
        Some(entry)
    }

    /// The connection is gone: what was in flight has an unknown outcome and is sent again, with the same key.
    pub fn disconnected(&mut self) {
        self.flights.clear();
    }

    /// Another tab changed an entry, or removed it: whatever this tab had in flight of it is over.
    pub fn landed(&mut self, cid: Cid) {
        self.flights.retain(|flight| flight.cid != cid);
        self.waits.retain(|wait| wait.cid != cid);
    }

    fn is_mine(&self, cid: Cid) -> bool {
        match &self.share {
            Share::Locked => true,
            Share::Own(own) => own.contains(&cid),
        }
    }

    fn find(&self, cid: Cid) -> Option<Entry> {
        self.all().into_iter().find(|entry| entry.key.cid == cid)
    }

    fn all(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for key in self.storage.keys() {
            let value = self.storage.get(&key);
            if let Some(entry) = value.and_then(|value| Entry::read(&key, &value)) {
                let place = |key: &Key| (key.n, key.cid);
                let index = entries.partition_point(|other| place(&other.key) < place(&entry.key));
                entries.insert(index, entry);
            }
        }
        entries
    }

    fn write(&self, entry: &Entry) {
        self.storage
            .set(&entry.key.to_string(), &entry.body.to_text());
    }
}
