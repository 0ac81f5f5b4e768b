//! What this user has written and the server has not told yet: pending rows, and how they become stored ones.

use std::sync::Arc;

use sphere_protocol::{Cid, Message, Seq, Timestamp};

use super::{Effect, Pending, RoomState};

impl RoomState {
    /// A row for a message of this user, or a new state of one.
    pub(in crate::state) fn pend(&mut self, pending: Pending) {
        let same = |other: &&mut Pending| other.cid == pending.cid;
        if let Some(other) = self.pending.iter_mut().find(same) {
            other.refused = pending.refused;
        } else if !self.rows.iter().any(|row| row.id == pending.message.id) {
            // The server may have told before the outbox did.
            self.pending.push(pending);
        }
    }

    /// A place for a message of this user: its row keeps its id and becomes a stored one.
    pub(in crate::state) fn complete(
        &mut self,
        cid: Cid,
        seq: Seq,
        at: Timestamp,
    ) -> Option<Effect> {
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

    /// A record that came completes the pending row of its id.
    pub(super) fn settle(&mut self, message: &Message) -> Option<Effect> {
        let index = self
            .pending
            .iter()
            .position(|pending| pending.message.id == message.id)?;
        let pending = self.pending.remove(index);
        Some(Effect::Stored {
            cid: pending.cid,
            seq: message.seq,
            at: message.created_at,
        })
    }
}
