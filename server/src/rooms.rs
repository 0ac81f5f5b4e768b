//! The directory of rooms: which exist, what they are called, where their records stand.
//!
//! Kept in memory for every frame to look at, read again from the store every 30 s, so that rooms may be added
//! elsewhere. Rooms of the configuration come first, in its order. A room that was deleted is gone at once: the hub knows
//! it from the feed, earlier than the store does.

use std::{collections::HashMap, sync::Arc};

use parking_lot::RwLock;
use sphere_protocol::{Epoch, RoomName, RoomSummary};

use crate::{
    clock,
    config::RoomTitle,
    feed::Feeds,
    hub::Hub,
    log::Partition,
    store::{RoomRow, Store, StoreError},
};

/// A room, shared by all who look at it.
pub type Room = Arc<RoomRow>;

/// All rooms. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Rooms {
    store: Store,
    configured: Arc<[RoomTitle]>,
    hub: Arc<Hub>,
    directory: Arc<RwLock<Directory>>,
}

#[derive(Debug, Default)]
struct Directory {
    order: Vec<Room>,
    by_name: HashMap<RoomName, Room>,
}

impl Rooms {
    /// Makes the configured rooms and reads all.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn open(
        store: Store,
        configured: Vec<RoomTitle>,
        partitions: Partition,
        hub: Arc<Hub>,
    ) -> Result<Self, StoreError> {
        for room in &configured {
            let made = store
                .upsert_room(&room.name, &room.title, partitions, clock::now())
                .await?;
            if !made {
                tracing::warn!(room = %room.name, "SPHERE_ROOMS names a room that was deleted; it stays so");
            }
        }
        let rooms = Self {
            store,
            configured: configured.into(),
            hub,
            directory: Arc::default(),
        };
        rooms.refresh().await?;
        Ok(rooms)
    }

    /// Reads the rooms again.
    ///
    /// # Errors
    /// When the store does not answer; the directory then stays as it is.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let mut order: Vec<Room> = self
            .store
            .rooms()
            .await?
            .into_iter()
            .map(Arc::new)
            .collect();
        let place = |room: &Room| {
            self.configured
                .iter()
                .position(|configured| configured.name == room.name)
                .unwrap_or(usize::MAX)
        };
        order.sort_by_key(place);
        let by_name = order
            .iter()
            .map(|room| (room.name.clone(), Arc::clone(room)))
            .collect();
        *self.directory.write() = Directory { order, by_name };
        Ok(())
    }

    /// The room of that name.
    pub fn get(&self, name: &RoomName) -> Option<Room> {
        let room = self.directory.read().by_name.get(name).cloned();
        room.filter(|room| !self.hub.is_closed(&room.name))
    }

    /// All rooms, in the order to show.
    pub fn all(&self) -> Vec<Room> {
        let mut rooms = self.directory.read().order.clone();
        rooms.retain(|room| !self.hub.is_closed(&room.name));
        rooms
    }

    /// All rooms as a list shows them, without unread counts.
    pub fn summaries(&self, feeds: &Feeds, epoch: Epoch) -> Vec<RoomSummary> {
        let summary = |room: Room| {
            let head = feeds.head(room.partition, &room.name);
            RoomSummary {
                room: room.name.clone(),
                title: room.title.clone(),
                epoch,
                head: head.map_or(-1, |head| head.seq),
                last_at: head.and_then(|head| head.last_at),
                unread: None,
            }
        };
        self.all().into_iter().map(summary).collect()
    }
}
