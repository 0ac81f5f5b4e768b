//! What the client asks the server for, from where each room stands.

use sphere_protocol::{
    ClientFrame, RoomName, Seq,
    client::{JoinRoom, SyncRoom},
};

use super::ChatState;

impl ChatState {
    /// The entry of `hello.rooms` or the `join:room` that follows a room from where it stands.
    pub fn join(&mut self, room: &RoomName) -> JoinRoom {
        let state = self.room_mut(room);
        state.syncing = true;
        JoinRoom {
            room: room.clone(),
            epoch: state.last.and(state.epoch),
            after: state.last,
        }
    }

    /// What brings a room up to date: a join, or a page above its last record.
    pub fn request(&mut self, room: &RoomName) -> ClientFrame {
        let state = self.room_mut(room);
        if !state.joined {
            return ClientFrame::JoinRoom(self.join(room));
        }
        let (epoch, after) = (state.last.and(state.epoch), state.last);
        ClientFrame::SyncRoom(SyncRoom {
            room: room.clone(),
            after,
            before: None,
            around: None,
            limit: None,
            epoch,
        })
    }

    /// What loads the messages below `before`; nothing while such a page is on its way.
    pub fn request_before(&mut self, room: &RoomName, before: Seq) -> Option<ClientFrame> {
        let state = self.room_mut(room);
        if state.paging.is_some() || !state.joined {
            return None;
        }
        state.paging = Some(before);
        let epoch = state.epoch;
        Some(ClientFrame::SyncRoom(SyncRoom {
            room: room.clone(),
            after: None,
            before: Some(before),
            around: None,
            limit: None,
            epoch,
        }))
    }

    /// Whether a room has to be joined to be followed.
    pub fn joined(&self, room: &RoomName) -> bool {
        self.room(room)
            .is_some_and(|room| room.joined || room.syncing)
    }
}
