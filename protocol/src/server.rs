//! What the server says. Clients ignore events and fields that they do not know.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    Cid, Code, DecodeError, Message, MessageId, Page, RoomName, RoomSummary, Seq, Timestamp,
    UserId,
    envelope::unreadable,
    read::{Read, Value, field},
};

/// A frame from the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", content = "data")]
pub enum ServerFrame {
    /// The answer to `hello`.
    #[serde(rename = "welcome")]
    Welcome(Welcome),
    /// The user's name has changed.
    #[serde(rename = "profile")]
    Profile(ProfileChanged),
    /// The room is followed from here on.
    #[serde(rename = "room:joined")]
    RoomJoined(Page),
    /// A page that was asked for.
    #[serde(rename = "room:page")]
    RoomPage(Page),
    /// The room is no longer followed.
    #[serde(rename = "room:left")]
    RoomLeft(RoomLeft),
    /// A request about a room failed.
    #[serde(rename = "room:error")]
    RoomError(RoomError),
    /// A record of a followed room.
    #[serde(rename = "message")]
    Message(Arc<Message>),
    /// The message is stored.
    #[serde(rename = "message:ack")]
    Ack(Ack),
    /// The message was not accepted.
    #[serde(rename = "message:nack")]
    Nack(Nack),
    /// Something happened in a room that is not followed.
    #[serde(rename = "room:activity")]
    RoomActivity(RoomActivity),
    /// Frames of the room were dropped: ask `sync:room`.
    #[serde(rename = "room:resync")]
    RoomResync(RoomLeft),
    /// A frame was refused.
    #[serde(rename = "error")]
    Error(ErrorFrame),
    /// The answer to `ping`.
    #[serde(rename = "pong")]
    Pong(Pong),
    /// The server closes.
    #[serde(rename = "bye")]
    Bye(Bye),
}

/// The answer to `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// The protocol version that the server speaks here.
    pub v: u32,
    /// Who the connection is; null when it only reads.
    pub me: Option<Me>,
    /// How often to `ping`, in milliseconds.
    pub heartbeat_ms: u32,
    /// Longest text, in scalar values.
    pub max_length: usize,
    /// All rooms, in the order to show.
    pub rooms: Vec<RoomSummary>,
}

/// Who a connection is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// The id.
    pub user_id: UserId,
    /// The display name.
    pub user_name: String,
    /// The picture: a path on this server.
    pub user_image: String,
}

/// The user's name as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileChanged {
    /// The name.
    pub user_name: String,
}

/// A room and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomLeft {
    /// The room.
    pub room: RoomName,
}

/// Why a request about a room failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomError {
    /// The room.
    pub room: RoomName,
    /// Why.
    pub code: Code,
    /// Why, for people.
    pub message: String,
    /// Whether the same request may work later.
    pub retry: bool,
    /// When it may, in milliseconds from now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after_ms: Option<u64>,
}

/// The message is stored, and stands at `seq`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ack {
    /// The client key of the send.
    pub cid: Cid,
    /// The message's id.
    pub id: MessageId,
    /// Its first place, also for a retry.
    pub seq: Seq,
    /// When it was first accepted.
    pub created_at: Timestamp,
}

/// The message was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Nack {
    /// The client key of the send.
    pub cid: Cid,
    /// Why.
    pub code: Code,
    /// Why, for people.
    pub message: String,
    /// Whether the client sends it again by itself, with the same key.
    pub retry: bool,
    /// When it may, in milliseconds from now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after_ms: Option<u64>,
}

/// A room's newest state, for lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomActivity {
    /// The room.
    pub room: RoomName,
    /// `seq` of its newest record.
    pub head: Seq,
    /// When its newest message was written.
    pub last_at: Option<Timestamp>,
}

/// A frame was refused; the socket lives on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorFrame {
    /// Why.
    pub code: Code,
    /// Why, for people.
    pub message: String,
    /// Whether the same frame may work later.
    pub retry: bool,
    /// The event that was refused, where it could be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub event: Option<String>,
}

/// The answer to `ping`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pong {
    /// The ping's number.
    pub n: u64,
    /// `seq` of the newest record of each followed room: a client that has less asks `sync:room`.
    pub heads: BTreeMap<RoomName, Seq>,
}

/// The server closes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bye {
    /// Why.
    pub why: Code,
    /// When to come back, in milliseconds; absent: do not by yourself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reconnect_ms: Option<u32>,
}

impl ServerFrame {
    /// Reads a frame.
    ///
    /// # Errors
    /// [`DecodeError`]; `unknown_event` is to be ignored.
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        let frame: Value = serde_json::from_str(text).map_err(unreadable)?;
        let event: String = field(&frame, "event").ok_or_else(|| bad(None))?;
        let data = frame.get("data").unwrap_or(&Value::Null);
        let known = match event.as_str() {
            "welcome" => Read::read(data).map(Self::Welcome),
            "profile" => Read::read(data).map(Self::Profile),
            "room:joined" => Read::read(data).map(Self::RoomJoined),
            "room:page" => Read::read(data).map(Self::RoomPage),
            "room:left" => Read::read(data).map(Self::RoomLeft),
            "room:error" => Read::read(data).map(Self::RoomError),
            "message" => Read::read(data).map(Self::Message),
            "message:ack" => Read::read(data).map(Self::Ack),
            "message:nack" => Read::read(data).map(Self::Nack),
            "room:activity" => Read::read(data).map(Self::RoomActivity),
            "room:resync" => Read::read(data).map(Self::RoomResync),
            "error" => Read::read(data).map(Self::Error),
            "pong" => Read::read(data).map(Self::Pong),
            "bye" => Read::read(data).map(Self::Bye),
            _ => return Err(unknown(event)),
        };
        known.ok_or_else(|| bad(Some(event)))
    }

    /// The text that goes over the socket.
    pub fn encode(&self) -> String {
        // Maps with text keys and plain values: serialising them cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn bad(event: Option<String>) -> DecodeError {
    DecodeError {
        code: Code::BadFrame,
        event,
        cid: None,
        why: "a field is missing or of another type".to_owned(),
    }
}

fn unknown(event: String) -> DecodeError {
    DecodeError {
        code: Code::UnknownEvent,
        event: Some(event),
        cid: None,
        why: "unknown event".to_owned(),
    }
}
