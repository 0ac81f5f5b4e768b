//! What the client asks the server for, from where each room stands.

use sphere_protocol::{
    ClientFrame, MessageId, RoomName, Seq,
    client::{JoinRoom, SyncRoom},
};

use super::{ChatState, room::Ask};

/// So many messages around one of them: as many in each direction as a page has.
const AROUND: u32 = 100;

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

    /// What loads the messages below `before`; nothing while a page of history is on its way.
    pub fn request_before(&mut self, room: &RoomName, before: Seq) -> Option<ClientFrame> {
        self.request_history(room, Ask::Before(before))
    }

    /// What loads the messages around one of them; nothing while a page of history is on its way.
    pub fn request_around(&mut self, room: &RoomName, id: MessageId) -> Option<ClientFrame> {
        self.request_history(room, Ask::Around(id))
    }

    fn request_history(&mut self, room: &RoomName, ask: Ask) -> Option<ClientFrame> {
        let state = self.room_mut(room);
        if state.paging.is_some() || !state.joined {
            return None;
        }
        state.paging = Some(ask);
        let (before, around) = match ask {
            Ask::Before(before) => (Some(before), None),
            Ask::Around(id) => (None, Some(id)),
        };
        Some(ClientFrame::SyncRoom(SyncRoom {
            room: room.clone(),
            after: None,
            before,
            around,
            limit: around.map(|_| AROUND),
            epoch: state.epoch,
        }))
    }

    /// Whether a room has to be joined to be followed.
    pub fn joined(&self, room: &RoomName) -> bool {
        self.room(room)
            .is_some_and(|room| room.joined || room.syncing)
    }
}
