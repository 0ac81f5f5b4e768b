//! What clients say. Unknown fields are refused at every level: a client that is newer than its server must notice.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Cid, Code, DecodeError, Epoch, MessageId, RoomName, Seq, VERSION,
    envelope::{Envelope, object, objects},
    limits::MAX_RESUMED_ROOMS,
};

/// A frame from a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", content = "data")]
pub enum ClientFrame {
    /// The first frame of every connection.
    #[serde(rename = "hello")]
    Hello(Hello),
    /// A new display name.
    #[serde(rename = "profile")]
    Profile(Profile),
    /// Follow a room.
    #[serde(rename = "join:room")]
    JoinRoom(JoinRoom),
    /// Stop following a room.
    #[serde(rename = "leave:room")]
    LeaveRoom(LeaveRoom),
    /// Write to a room.
    #[serde(rename = "event:message")]
    PostMessage(PostMessage),
    /// Ask for a page of a room.
    #[serde(rename = "sync:room")]
    SyncRoom(SyncRoom),
    /// Ask for the heads of the joined rooms.
    #[serde(rename = "ping")]
    Ping(Ping),
}

/// Who connects, and where it goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hello {
    /// The protocol version.
    pub v: u32,
    /// The anonymous identity; without one the connection only reads.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "object"
    )]
    pub anonymous: Option<Anonymous>,
    /// The display name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub user_name: Option<String>,
    /// Rooms to join at once.
    #[serde(
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "objects"
    )]
    pub rooms: Option<Vec<JoinRoom>>,
    /// The last `seq` read in each room, for the unread counts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub read: Option<BTreeMap<RoomName, Seq>>,
}

/// An anonymous identity: a public id and the secret that proves it. It deliberately has no readable `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Anonymous {
    /// The id, `anon_<unix ms>_<9 base36>`.
    pub user_id: crate::UserId,
    /// 128 random bits, 32 lower-case hexadecimal digits.
    pub secret: String,
}

impl std::fmt::Debug for Anonymous {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Anonymous")
            .field("user_id", &self.user_id)
            .finish_non_exhaustive()
    }
}

/// A new display name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profile {
    /// The name.
    pub user_name: String,
}

/// A room to follow, from where the client stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JoinRoom {
    /// The room.
    pub room: RoomName,
    /// The epoch that `after` counts in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub epoch: Option<Epoch>,
    /// The client's last `seq`; without it the newest page comes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<Seq>,
}

/// A room to leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeaveRoom {
    /// The room.
    pub room: RoomName,
}

/// A message to store. Its author is the connection's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostMessage {
    /// The client key; a retry repeats it.
    pub cid: Cid,
    /// How often this was sent, from 1.
    pub attempt: u32,
    /// The room.
    pub room: RoomName,
    /// The text.
    pub message: String,
}

/// A page to read. At most one of `after`, `before` and `around`; none of them asks for the newest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SyncRoom {
    /// The room.
    pub room: RoomName,
    /// Records above this `seq`, the oldest first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<Seq>,
    /// Messages below this `seq`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<Seq>,
    /// Messages on both sides of this one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub around: Option<MessageId>,
    /// How many; 50 unless given, clamped to 1-200.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<u32>,
    /// The epoch that the sequence number counts in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub epoch: Option<Epoch>,
}

/// A heartbeat of the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ping {
    /// Any number; the answer repeats it.
    pub n: u64,
}

/// The part of `hello` that every version has.
#[derive(Deserialize)]
struct Version {
    v: u32,
}

impl ClientFrame {
    /// Reads a frame, strictly.
    ///
    /// # Errors
    /// [`DecodeError`] with `unknown_event`, `unsupported_version` or `bad_frame`.
    pub fn decode(text: &str) -> Result<Self, DecodeError> {
        let envelope = Envelope::from_client(text)?;
        match envelope.event.as_ref() {
            "hello" => {
                // Another version may have fields that this one would refuse as unknown: say what is really wrong.
                if envelope
                    .data::<Version>()
                    .is_ok_and(|hello| hello.v != VERSION)
                {
                    return Err(DecodeError {
                        code: Code::UnsupportedVersion,
                        ..envelope.bad("unsupported version")
                    });
                }
                let hello: Hello = envelope.data()?;
                if hello
                    .rooms
                    .as_ref()
                    .is_some_and(|rooms| rooms.len() > MAX_RESUMED_ROOMS)
                {
                    return Err(envelope.bad("too many rooms"));
                }
                Ok(Self::Hello(hello))
            }
            "profile" => envelope.data().map(Self::Profile),
            "join:room" => envelope.data().map(Self::JoinRoom),
            "leave:room" => envelope.data().map(Self::LeaveRoom),
            "event:message" => {
                let post: PostMessage = envelope.data()?;
                if post.attempt == 0 || post.message.contains('\0') {
                    return Err(envelope.bad("attempt counts from 1, and U+0000 cannot be stored"));
                }
                Ok(Self::PostMessage(post))
            }
            "sync:room" => {
                let sync: SyncRoom = envelope.data()?;
                let asked = [
                    sync.after.is_some(),
                    sync.before.is_some(),
                    sync.around.is_some(),
                ];
                if asked.into_iter().filter(|given| *given).count() > 1 {
                    return Err(envelope.bad("at most one of after, before and around"));
                }
                Ok(Self::SyncRoom(sync))
            }
            "ping" => envelope.data().map(Self::Ping),
            _ => Err(envelope.unknown()),
        }
    }

    /// The frame's name on the wire.
    pub fn event(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Profile(_) => "profile",
            Self::JoinRoom(_) => "join:room",
            Self::LeaveRoom(_) => "leave:room",
            Self::PostMessage(_) => "event:message",
            Self::SyncRoom(_) => "sync:room",
            Self::Ping(_) => "ping",
        }
    }

    /// The text that goes over the socket.
    pub fn encode(&self) -> String {
        // Maps with text keys and plain values: serialising them cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}
