//! One entry of the outbox, as it stands in the storage: `outbox:<userId>:<room>:<n>:<cid>` and its text.

use std::fmt;

use serde::Serialize;
use sphere_protocol::{
    Cid, Code, RoomName, Seq, Timestamp, UserId,
    read::{Read as _, Value},
    readable,
};

const PREFIX: &str = "outbox";

/// Where an entry stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Who wrote it.
    pub user: UserId,
    /// Where to.
    pub room: RoomName,
    /// Its place among the user's entries of the room.
    pub n: i64,
    /// The client key.
    pub cid: Cid,
}

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub key: Key,
    /// What it says, and how far it has come.
    pub body: Body,
}

/// What an entry says, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Body {
    /// The text.
    pub text: String,
    /// When it was written.
    pub at: Timestamp,
    /// How often it was sent; written before each send.
    pub attempt: u32,
    /// Why it will not be sent by itself any more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub refused: Option<Code>,
    /// The server's answer; the entry is removed right after.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stored: Option<Stored>,
}

/// Where a message has found its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Stored {
    /// Its place.
    pub seq: Seq,
    /// When it was accepted.
    pub at: Timestamp,
}

readable! {
    Body { text: "text", at: "at", attempt: "attempt", refused: "refused", stored: "stored" }
    Stored { seq: "seq", at: "at" }
}

impl Key {
    /// Reads a storage key; none for everything that is not an entry.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        if parts.next()? != PREFIX {
            return None;
        }
        let key = Self {
            user: parts.next()?.into(),
            room: parts.next()?.into(),
            n: parts.next()?.parse().ok()?,
            cid: Cid::parse(parts.next()?)?,
        };
        parts.next().is_none().then_some(key)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{PREFIX}:{}:{}:{}:{}",
            self.user, self.room, self.n, self.cid
        )
    }
}

impl Entry {
    pub(super) fn new(key: Key, text: &str, at: Timestamp) -> Self {
        Self {
            key,
            body: Body {
                text: text.to_owned(),
                at,
                attempt: 0,
                refused: None,
                stored: None,
            },
        }
    }

    /// Reads an entry; none for everything else that stands in the storage.
    pub fn read(key: &str, value: &str) -> Option<Self> {
        Some(Self {
            key: Key::parse(key)?,
            body: Body::read(&serde_json::from_str::<Value>(value).ok()?)?,
        })
    }
}

impl Body {
    pub(super) fn to_text(&self) -> String {
        // Text keys and plain values: serialising them cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written() {
        let text =
            "outbox:anon_1_aaaaaaaaa:room1:1737708000000:019ab3c4-0000-7000-8000-000000000000";
        assert_eq!(Key::parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn other_keys_are_left_alone() {
        for text in [
            "outbox",
            "anonymousUserId",
            "draft:room1",
            "outbox:a:b:x:019ab3c4-0000-7000-8000-000000000000",
            "outbox:a:b:1:no",
        ] {
            assert_eq!(Key::parse(text), None, "{text}");
        }
    }
}
