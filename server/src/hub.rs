//! The hub: which socket of this server follows which room. A frame is encoded once and shared by all of them.
//!
//! `feed` publishes, `history` and `gateway` join and leave. Nothing here waits: every socket has a bounded queue.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::extract::ws::Utf8Bytes;
use parking_lot::RwLock;
use sphere_protocol::{
    Code, RoomName, ServerFrame, UserId,
    server::{ProfileChanged, RoomActivity, RoomError},
};

use crate::auth::Identity;

pub mod queue;

pub use queue::{Next, Queue};

/// A socket's number on this server; never used twice.
pub type SocketId = u64;

/// Sockets by room and by user.
#[derive(Debug, Default)]
pub struct Hub {
    rooms: RwLock<HashMap<RoomName, BTreeMap<SocketId, Arc<Queue>>>>,
    sockets: RwLock<HashMap<SocketId, Entry>>,
    closed: RwLock<HashSet<RoomName>>,
    last: AtomicU64,
}

#[derive(Debug)]
struct Entry {
    queue: Arc<Queue>,
    identity: Option<Arc<Identity>>,
}

impl Hub {
    /// Makes a socket known and gives it a number.
    pub fn enter(&self, queue: Arc<Queue>, identity: Option<Arc<Identity>>) -> SocketId {
        let id = self.last.fetch_add(1, Ordering::Relaxed);
        self.sockets.write().insert(id, Entry { queue, identity });
        id
    }

    /// Forgets a socket and the rooms that it followed.
    pub fn exit<'a>(&self, id: SocketId, rooms: impl Iterator<Item = &'a RoomName>) {
        for room in rooms {
            self.leave(room, id);
        }
        self.sockets.write().remove(&id);
    }

    /// Live frames of the room go to the socket from now on.
    pub fn join(&self, room: &RoomName, id: SocketId, queue: &Arc<Queue>) {
        self.rooms
            .write()
            .entry(room.clone())
            .or_default()
            .insert(id, Arc::clone(queue));
    }

    /// Live frames of the room no longer go to the socket.
    pub fn leave(&self, room: &RoomName, id: SocketId) {
        let mut rooms = self.rooms.write();
        if let Some(members) = rooms.get_mut(room) {
            members.remove(&id);
            if members.is_empty() {
                rooms.remove(room);
            }
        }
    }

    /// Sends a live frame to everybody in the room; encoded only if there is somebody.
    pub fn publish(&self, room: &RoomName, encode: impl FnOnce() -> String) {
        let rooms = self.rooms.read();
        let Some(members) = rooms.get(room) else {
            return;
        };
        let text = Utf8Bytes::from(encode());
        for queue in members.values() {
            queue.live(room, text.clone());
        }
    }

    /// The room was deleted. Every socket hears so, as an answer to whatever it wants of the room: it stands in the lists of
    /// those, too, that do not follow it.
    pub fn close_room(&self, room: &RoomName) {
        self.closed.write().insert(room.clone());
        self.rooms.write().remove(room);
        let frame = ServerFrame::RoomError(RoomError {
            room: room.clone(),
            code: Code::UnknownRoom,
            message: Code::UnknownRoom.text().to_owned(),
            retry: false,
            after_ms: None,
        });
        for entry in self.sockets.read().values() {
            entry.queue.answer(&frame);
        }
    }

    /// Whether the room was deleted while this server ran; the store may not know it yet.
    pub fn is_closed(&self, room: &RoomName) -> bool {
        self.closed.read().contains(room)
    }

    /// Tells every socket that does not follow the room that something happened there.
    pub fn activity(&self, activity: RoomActivity) {
        let rooms = self.rooms.read();
        let members = rooms.get(&activity.room);
        let frame = ServerFrame::RoomActivity(activity.clone());
        for (id, entry) in &*self.sockets.read() {
            if members.is_none_or(|members| !members.contains_key(id)) {
                entry.queue.answer(&frame);
            }
        }
    }

    /// Gives all connections of a user the new name, and tells them.
    pub fn rename(&self, user: &UserId, name: &str) {
        let frame = ServerFrame::Profile(ProfileChanged {
            user_name: name.to_owned(),
        });
        for entry in self.sockets.read().values() {
            if let Some(identity) = entry
                .identity
                .as_ref()
                .filter(|identity| identity.user() == user)
            {
                identity.take_name(name);
                entry.queue.answer(&frame);
            }
        }
    }

    /// How many sockets there are.
    pub fn len(&self) -> usize {
        self.sockets.read().len()
    }

    /// Whether there is no socket.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
