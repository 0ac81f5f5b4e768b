//! What the server does not do: a message that it refuses, a page that it cannot give, a frame that it rejects.

use sphere_protocol::{
    Code,
    server::{ErrorFrame, Nack, RoomError},
};

use super::{ChatState, Effect, own::Reason, room::Ask};

impl ChatState {
    pub(super) fn nack(&mut self, nack: &Nack) -> Vec<Effect> {
        if nack.retry {
            return vec![Effect::Retry {
                cid: nack.cid,
                code: nack.code,
                after_ms: nack.after_ms,
            }];
        }
        for room in &mut self.rooms {
            for pending in room
                .pending
                .iter_mut()
                .filter(|pending| pending.cid == nack.cid)
            {
                pending.refused = Some(Reason::Code(nack.code));
            }
        }
        vec![Effect::Refused {
            cid: nack.cid,
            code: nack.code,
        }]
    }

    pub(super) fn room_error(&mut self, error: &RoomError) -> Vec<Effect> {
        if error.code == Code::UnknownRoom {
            // It was deleted, or never was: whoever reads it keeps what is on the screen, the list has it no longer.
            self.list.remove(&error.room);
        }
        let room = self.room_mut(&error.room);
        let paging = room.paging.take();
        if let (Some(Ask::Around(id)), Code::UnknownMessage) = (paging, error.code) {
            room.absent = Some(id);
            return Vec::new();
        }
        let asked = std::mem::take(&mut room.syncing);
        if !error.retry {
            room.error = Some(error.code);
            return Vec::new();
        }
        if !room.loaded() {
            room.error = Some(error.code);
        }
        if asked {
            room.read(error.after_ms.unwrap_or(2_000))
        } else {
            Vec::new()
        }
    }

    /// An `error` names no room: whoever waits for a page asks again.
    pub(super) fn error(&mut self, error: &ErrorFrame) -> Vec<Effect> {
        match (error.code, error.event.as_deref()) {
            (Code::IdentityRefused, _) => vec![Effect::Identity],
            (Code::BadName, _) => vec![Effect::NameRefused],
            (_, Some("sync:room" | "join:room")) if error.retry => {
                let mut effects = Vec::new();
                for room in &mut self.rooms {
                    room.paging = None;
                    if std::mem::take(&mut room.syncing) {
                        effects.extend(room.read(1_000));
                    }
                }
                effects
            }
            _ => Vec::new(),
        }
    }
}
