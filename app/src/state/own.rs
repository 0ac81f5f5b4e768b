//! What this user has written and the server has not placed yet, as rows.

use std::sync::Arc;

use sphere_protocol::{
    Cid, Code, Kind, Message, MessageId, RoomName, Timestamp, UserId, name::ANONYMOUS, server::Me,
};

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

/// Who somebody is before the server has said anything.
pub fn unknown_me(user_id: UserId, name: Option<String>) -> Me {
    let user_image = user_id.image();
    Me {
        user_id,
        user_name: name.unwrap_or_else(|| ANONYMOUS.to_owned()),
        user_image,
    }
}

/// The row of a message that was just written.
pub fn own_message(me: &Me, room: &RoomName, cid: Cid, text: &str, at: Timestamp) -> Arc<Message> {
    Arc::new(Message {
        room: room.clone(),
        epoch: 0,
        seq: -1,
        prev: None,
        id: MessageId::derive(&me.user_id, room, cid),
        user_id: me.user_id.clone(),
        user_name: me.user_name.clone(),
        user_image: me.user_image.clone(),
        message: text.to_owned(),
        created_at: at,
        kind: Kind::Message,
        reference: None,
    })
}
