//! Names of things: users, rooms, messages, positions.
//!
//! A message's id is derived from author, room and client key, so every server gives a retry the same id and nobody
//! can choose another's.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

/// Position of a record: the partition's base plus the record's offset in the log. Rises within a room, with holes.
pub type Seq = i64;
/// Unix time in milliseconds at which this log was first opened; another epoch means another history.
pub type Epoch = i64;

/// The first field of every hash that makes an id; another scheme takes another one.
const SCHEME: &str = "sphere:1";

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as it stands on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                Self(value.into())
            }
        }

        impl From<String> for $name {
            fn from(value: String) -> Self {
                Self(value.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::from)
            }
        }
    };
}

string_id! {
    /// A room's unchangeable name, `[a-z0-9_-]{1,64}` once checked by [`RoomName::is_valid`].
    ///
    /// A frame may carry any text here; the server answers an unknown one with `unknown_room`.
    RoomName
}

string_id! {
    /// A user's unchangeable id. "Mine" is decided by it, never by the display name.
    UserId
}

impl RoomName {
    /// Whether a room may be called so.
    pub fn is_valid(&self) -> bool {
        (1..=crate::limits::MAX_ROOM_NAME).contains(&self.0.len())
            && self
                .0
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
    }
}

impl UserId {
    /// Whether this is a well-formed anonymous id: `anon_<unix ms>_<9 base36 digits>`.
    pub fn is_anonymous(&self) -> bool {
        let mut parts = self.0.split('_');
        let (Some("anon"), Some(ms), Some(random), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        (1..=16).contains(&ms.len())
            && ms.bytes().all(|b| b.is_ascii_digit())
            && random.len() == 9
            && random
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'))
    }

    /// Where this user's generated picture is served.
    pub fn image(&self) -> String {
        format!("/avatar/{}.svg", self.0)
    }
}

/// Whether a text is a well-formed anonymous secret: 32 lower-case hexadecimal digits, 128 bits.
pub fn is_secret(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Reads the one accepted form: lower case with hyphens.
            pub fn parse(text: &str) -> Option<Self> {
                let id = Uuid::try_parse(text).ok()?;
                (id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text).then_some(Self(id))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| D::Error::custom("expected a UUID in lower case with hyphens"))
            }
        }
    };
}

uuid_id! {
    /// A record's id, the same on every server however often the send is retried.
    MessageId
}

uuid_id! {
    /// The client key of one send: any UUID that the author has not used in the room. A retry repeats it.
    Cid
}

impl MessageId {
    /// The id of what `author` sends to `room` under `cid`.
    pub fn derive(author: &UserId, room: &RoomName, cid: Cid) -> Self {
        Self::hash([SCHEME, author.as_str(), room.as_str(), &cid.to_string()])
    }

    /// The id of a repeat's own row, which stands at `seq` of `partition`.
    pub fn void(partition: i32, seq: Seq) -> Self {
        Self::hash([SCHEME, "void", &partition.to_string(), &seq.to_string()])
    }

    /// UUIDv8 of the first 16 bytes of SHA-256 over the fields, each ended by a NUL byte (RFC 9562, section 5.8).
    fn hash(fields: [&str; 4]) -> Self {
        let mut hash = Sha256::new();
        for field in fields {
            hash.update(field.as_bytes());
            hash.update([0]);
        }
        let mut first = [0; 16];
        first.copy_from_slice(&hash.finalize()[..16]);
        Self(Builder::from_custom_bytes(first).into_uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_follows_the_published_vector() {
        let author = UserId::from("anon_1737708000000_k3j9d8f2a");
        let cid = Cid::parse("019ab3c4-0000-7000-8000-000000000000").unwrap();
        let id = MessageId::derive(&author, &RoomName::from("room1"), cid);
        assert_eq!(id.to_string(), "61068ac8-be10-8324-8206-116820cf4008");
    }

    #[test]
    fn only_lower_case_with_hyphens_is_a_client_key() {
        assert!(Cid::parse("019ab3c4-0000-7000-8000-00000000000a").is_some());
        assert!(Cid::parse("019AB3C4-0000-7000-8000-00000000000A").is_none());
        assert!(Cid::parse("019ab3c4000070008000000000000000").is_none());
        assert!(Cid::parse("{019ab3c4-0000-7000-8000-000000000000}").is_none());
    }

    #[test]
    fn anonymous_ids_have_one_form() {
        assert!(UserId::from("anon_1737708000000_k3j9d8f2a").is_anonymous());
        for bad in [
            "",
            "anon_",
            "anon__k3j9d8f2a",
            "anon_17_k3j9d8f2",
            "anon_17_K3j9d8f2a",
            "anon_x_k3j9d8f2a",
            "anon_17_k3j9d8f2a_",
            "user_17_k3j9d8f2a",
        ] {
            assert!(!UserId::from(bad).is_anonymous(), "{bad}");
        }
    }

    #[test]
    fn room_names_are_short_and_plain() {
        assert!(RoomName::from("room1").is_valid());
        assert!(RoomName::from("a".repeat(64)).is_valid());
        for bad in ["", "Room", "a b", "ä", &"a".repeat(65)] {
            assert!(!RoomName::from(bad).is_valid(), "{bad}");
        }
    }
}
