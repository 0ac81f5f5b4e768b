//! What rooms hold: messages, pages of them, and the line of a room in a list.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Epoch, MessageId, RoomName, Seq, Timestamp, UserId};

/// What a record is. Clients skip kinds that they do not know, but count their `seq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something that somebody wrote.
    Message,
    /// A repeat of the record that `ref` names: a link of the room's chain, not shown.
    Void,
    /// The room was deleted: nobody sees this record, its effect is that the room is gone.
    RoomDeleted,
    /// A kind of a newer server.
    #[serde(other)]
    Unknown,
}

/// One record of a room, as it is sent live and in pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The room that it belongs to.
    pub room: RoomName,
    /// The log that `seq` counts in.
    pub epoch: Epoch,
    /// Its place; readers sort by nothing else.
    pub seq: Seq,
    /// `seq` of the room's record before it, -1 for the first. Only live frames and `after` pages have it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prev: Option<Seq>,
    /// The record's id.
    pub id: MessageId,
    /// Who wrote it.
    pub user_id: UserId,
    /// The author's name at that time.
    pub user_name: String,
    /// The author's picture: a path on this server.
    pub user_image: String,
    /// The text, as typed; empty in a void.
    pub message: String,
    /// The accepting server's clock.
    pub created_at: Timestamp,
    /// What it is.
    pub kind: Kind,
    /// The record that a void repeats.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none", default)]
    pub reference: Option<MessageId>,
}

/// A run of a room's records, ascending by `seq`: the data of `room:joined`, `room:page` and the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// The room.
    pub room: RoomName,
    /// The log that every `seq` counts in.
    pub epoch: Epoch,
    /// `seq` of the room's newest record, -1 when it has none.
    pub head: Seq,
    /// The records.
    pub items: Vec<Arc<Message>>,
    /// With `after`: newer ones exist. Otherwise: older ones exist.
    pub more: bool,
    /// The server could not go on from what the client had; the page is the newest one.
    pub reset: bool,
    /// Only with `around`: newer ones exist.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub more_after: Option<bool>,
    /// The `after` that was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<Seq>,
    /// The `before` that was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<Seq>,
    /// The `around` that was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub around: Option<MessageId>,
}

/// A room in the list of rooms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomSummary {
    /// The room.
    pub room: RoomName,
    /// What people call it.
    pub title: String,
    /// The log that `head` counts in.
    pub epoch: Epoch,
    /// `seq` of its newest record, -1 when it has none.
    pub head: Seq,
    /// When its newest message was written.
    pub last_at: Option<Timestamp>,
    /// Others' messages above what the reader has read, at most [`crate::limits::MAX_UNREAD`]; absent over HTTP.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unread: Option<u32>,
}
