//! What a record of the log says: JSON with the message's fields, versioned.
//!
//! Written by `chat`, read by `feed`, `history` and `consumer` through the log's adapters.

use serde::{Deserialize, Serialize};
use sphere_protocol::{Cid, Kind, MessageId, RoomName, Timestamp, UserId};

use super::Poison;
use crate::auth::KeyHash;

/// The version that this build writes.
const VERSION: u32 = 1;
/// Who deletes rooms; no id that a person can have.
const OPERATOR: &str = "operator";

/// One thing that happened in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    v: u32,
    /// The message's id; a repeat has the same.
    pub id: MessageId,
    /// The client key that the id was derived from.
    pub cid: Cid,
    /// What it is.
    pub kind: Kind,
    /// Where it happened.
    pub room: RoomName,
    /// Who did it.
    pub user_id: UserId,
    /// The author's name at that time.
    pub user_name: String,
    /// The author's picture.
    pub user_image: String,
    /// What the author's id is bound to, so that a restored store learns it again. Never sent to clients.
    pub key_hash: KeyHash,
    /// The text.
    pub message: String,
    /// The accepting server's clock.
    pub created_at: Timestamp,
}

/// Who writes: the part of a record that comes from the connection.
#[derive(Debug, Clone)]
pub struct Author {
    /// The id.
    pub user_id: UserId,
    /// The name to show.
    pub user_name: String,
    /// What the id is bound to.
    pub key_hash: KeyHash,
}

impl Record {
    /// A message of `author`; its id follows from author, room and client key.
    pub fn message(
        author: Author,
        room: RoomName,
        cid: Cid,
        text: String,
        created_at: Timestamp,
    ) -> Self {
        Self {
            v: VERSION,
            id: MessageId::derive(&author.user_id, &room, cid),
            cid,
            kind: Kind::Message,
            room,
            user_image: author.user_id.image(),
            user_id: author.user_id,
            user_name: author.user_name,
            key_hash: author.key_hash,
            message: text,
            created_at,
        }
    }

    /// The end of a room, by an operator. Its name is not used again, so whatever follows in the log is of the same room.
    pub fn room_deleted(room: RoomName, cid: Cid, created_at: Timestamp) -> Self {
        let author = Author {
            user_id: UserId::from(OPERATOR),
            user_name: String::new(),
            key_hash: KeyHash::from(String::new()),
        };
        Self {
            kind: Kind::RoomDeleted,
            ..Self::message(author, room, cid, String::new(), created_at)
        }
    }

    /// The bytes that stand in the log.
    pub fn encode(&self) -> Vec<u8> {
        // Plain structs of text and numbers: serialising them cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads the bytes of a log entry.
    ///
    /// # Errors
    /// [`Poison`] for anything that is not a record of a known version and kind, or that the store could not hold.
    pub fn decode(payload: &[u8]) -> Result<Self, Poison> {
        let poison = |error: String| Poison {
            payload: payload.to_vec(),
            // It may repeat what stands in the payload, and PostgreSQL takes no NUL.
            error: error.replace('\0', "\u{fffd}"),
        };
        let record: Self =
            serde_json::from_slice(payload).map_err(|error| poison(error.to_string()))?;
        if record.v != VERSION {
            return Err(poison(format!("version {} is not known here", record.v)));
        }
        if !matches!(record.kind, Kind::Message | Kind::RoomDeleted) {
            return Err(poison(format!("kind {:?} is not known here", record.kind)));
        }
        let key_hash = record.key_hash.to_string();
        let texts = [
            record.message.as_str(),
            &record.user_name,
            &record.user_image,
            record.user_id.as_str(),
            &key_hash,
        ];
        if texts.iter().any(|text| text.contains('\0')) || !record.room.is_valid() {
            return Err(poison("the store cannot hold this record".to_owned()));
        }
        Ok(record)
    }
}
