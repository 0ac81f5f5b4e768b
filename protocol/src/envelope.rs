//! The outer form of what clients say: `{"event": NAME, "data": {…}}`.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;

use crate::{Cid, Code};

/// A frame before its data is looked at.
pub(crate) struct Envelope<'a> {
    pub(crate) event: Cow<'a, str>,
    data: &'a RawValue,
}

/// Nothing else may stand beside the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl<'a> Envelope<'a> {
    pub(crate) fn from_client(text: &'a str) -> Result<Self, DecodeError> {
        let Object(Strict { event, data }) = serde_json::from_str(text).map_err(unreadable)?;
        Ok(Self { event, data })
    }

    pub(crate) fn data<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        serde_json::from_str(self.data.get())
            .map(|Object(data)| data)
            .map_err(|error| self.bad(error))
    }

    pub(crate) fn bad(&self, why: impl ToString) -> DecodeError {
        DecodeError {
            code: Code::BadFrame,
            event: Some(self.event.to_string()),
            cid: self.cid(),
            why: why.to_string(),
        }
    }

    pub(crate) fn unknown(&self) -> DecodeError {
        DecodeError {
            code: Code::UnknownEvent,
            event: Some(self.event.to_string()),
            cid: None,
            why: "unknown event".to_owned(),
        }
    }

    /// The client key of a send that is otherwise unreadable: its author must hear that it will never be stored.
    fn cid(&self) -> Option<Cid> {
        #[derive(Deserialize)]
        struct Send {
            cid: Cid,
        }
        if self.event != "event:message" {
            return None;
        }
        serde_json::from_str::<Send>(self.data.get())
            .ok()
            .map(|send| send.cid)
    }
}

pub(crate) fn unreadable(error: serde_json::Error) -> DecodeError {
    DecodeError {
        code: Code::BadFrame,
        event: None,
        cid: None,
        why: error.to_string(),
    }
}

/// A value that must be a JSON object: what serde derives also takes an array of the fields.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// For an optional field that is an object.
pub(crate) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<Object<T>>::deserialize(deserializer)?.map(|Object(value)| value))
}

/// For an optional field that is a list of objects.
pub(crate) fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let objects = Option::<Vec<Object<T>>>::deserialize(deserializer)?;
    Ok(objects.map(|objects| objects.into_iter().map(|Object(value)| value).collect()))
}

/// Why a text is not a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// `bad_frame`, `unknown_event` or `unsupported_version`.
    pub code: Code,
    /// The event, where it could be read.
    pub event: Option<String>,
    /// The client key, where the frame was an unreadable send that has one.
    pub cid: Option<Cid>,
    /// What the parser says; for the log and for whoever writes a client.
    pub why: String,
}
