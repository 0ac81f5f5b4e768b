//! Reads what servers say, out of plain JSON values.
//!
//! For the browser's sake: what serde derives is a reader of its own for each structure, 40 KB of WebAssembly for the frames of
//! a server; these few lines per structure are a tenth of that. Servers are read leniently: fields that nobody knows
//! are left out, a missing one reads as null. What clients say is read strictly, by serde (`envelope.rs`).

use std::{collections::BTreeMap, sync::Arc};

use serde::{
    Deserialize,
    de::{IntoDeserializer, value::Error},
};
pub use serde_json::Value;

use crate::{
    Cid, Code, Kind, Message, MessageId, Page, RoomName, RoomSummary, Timestamp, UserId,
    server::{
        Ack, Bye, ErrorFrame, Me, Nack, Pong, ProfileChanged, RoomActivity, RoomError, RoomLeft,
        Welcome,
    },
};

/// What can be read out of a JSON value.
pub trait Read: Sized {
    /// Reads it; none if the value is of another kind.
    fn read(value: &Value) -> Option<Self>;
}

/// Reads a field of an object; a missing one reads as null.
pub fn field<T: Read>(object: &Value, name: &str) -> Option<T> {
    T::read(object.get(name).unwrap_or(&Value::Null))
}

/// How a structure is read: each field under its name on the wire.
#[macro_export]
macro_rules! readable {
    ($($type:ident { $($field:ident: $name:literal),+ $(,)? })+) => {$(
        impl $crate::read::Read for $type {
            fn read(value: &$crate::read::Value) -> Option<Self> {
                Some(Self { $($field: $crate::read::field(value, $name)?),+ })
            }
        }
    )+};
}

readable! {
    Message {
        room: "room", epoch: "epoch", seq: "seq", prev: "prev", id: "id", user_id: "userId", user_name: "userName",
        user_image: "userImage", message: "message", created_at: "createdAt", kind: "kind", reference: "ref",
    }
    Page {
        room: "room", epoch: "epoch", head: "head", items: "items", more: "more", reset: "reset", more_after: "moreAfter",
        after: "after", before: "before", around: "around",
    }
    RoomSummary { room: "room", title: "title", epoch: "epoch", head: "head", last_at: "lastAt", unread: "unread" }
    Welcome { v: "v", me: "me", heartbeat_ms: "heartbeatMs", max_length: "maxLength", rooms: "rooms" }
    Me { user_id: "userId", user_name: "userName", user_image: "userImage" }
    ProfileChanged { user_name: "userName" }
    RoomLeft { room: "room" }
    RoomError { room: "room", code: "code", message: "message", retry: "retry", after_ms: "afterMs" }
    Ack { cid: "cid", id: "id", seq: "seq", created_at: "createdAt" }
    Nack { cid: "cid", code: "code", message: "message", retry: "retry", after_ms: "afterMs" }
    RoomActivity { room: "room", head: "head", last_at: "lastAt" }
    ErrorFrame { code: "code", message: "message", retry: "retry", event: "event" }
    Pong { n: "n", heads: "heads" }
    Bye { why: "why", reconnect_ms: "reconnectMs" }
}

impl Read for bool {
    fn read(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

impl Read for i64 {
    fn read(value: &Value) -> Option<Self> {
        value.as_i64()
    }
}

impl Read for u64 {
    fn read(value: &Value) -> Option<Self> {
        value.as_u64()
    }
}

impl Read for u32 {
    fn read(value: &Value) -> Option<Self> {
        value.as_u64()?.try_into().ok()
    }
}

impl Read for usize {
    fn read(value: &Value) -> Option<Self> {
        value.as_u64()?.try_into().ok()
    }
}

impl Read for String {
    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}

impl Read for RoomName {
    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(Self::from)
    }
}

impl Read for UserId {
    fn read(value: &Value) -> Option<Self> {
        value.as_str().map(Self::from)
    }
}

impl Read for MessageId {
    fn read(value: &Value) -> Option<Self> {
        Self::parse(value.as_str()?)
    }
}

impl Read for Cid {
    fn read(value: &Value) -> Option<Self> {
        Self::parse(value.as_str()?)
    }
}

impl Read for Timestamp {
    fn read(value: &Value) -> Option<Self> {
        Self::parse(value.as_str()?)
    }
}

impl Read for Code {
    fn read(value: &Value) -> Option<Self> {
        Self::deserialize(IntoDeserializer::<Error>::into_deserializer(
            value.as_str()?,
        ))
        .ok()
    }
}

impl Read for Kind {
    fn read(value: &Value) -> Option<Self> {
        Self::deserialize(IntoDeserializer::<Error>::into_deserializer(
            value.as_str()?,
        ))
        .ok()
    }
}

impl<T: Read> Read for Option<T> {
    fn read(value: &Value) -> Option<Self> {
        if value.is_null() {
            Some(None)
        } else {
            T::read(value).map(Some)
        }
    }
}

impl<T: Read> Read for Arc<T> {
    fn read(value: &Value) -> Option<Self> {
        T::read(value).map(Self::new)
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::read).collect()
    }
}

impl<T: Read> Read for BTreeMap<RoomName, T> {
    fn read(value: &Value) -> Option<Self> {
        let entries = value.as_object()?.iter();
        entries
            .map(|(name, value)| Some((RoomName::from(name.as_str()), T::read(value)?)))
            .collect()
    }
}
