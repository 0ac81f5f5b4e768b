//! The outer form of every frame: `{"event": NAME, "data": {…}}`.

use std::borrow::Cow;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{Cid, Code};

/// A frame before its data is looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Envelope<'a> {
    #[serde(borrow)]
    pub(crate) event: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) data: &'a RawValue,
}

impl<'a> Envelope<'a> {
    pub(crate) fn open(text: &'a str) -> Result<Self, DecodeError> {
        serde_json::from_str(text).map_err(|e| DecodeError { code: Code::BadFrame, event: None, cid: None, why: e.to_string() })
    }

    pub(crate) fn data<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        serde_json::from_str(self.data.get()).map_err(|e| self.bad(e))
    }

    pub(crate) fn bad(&self, why: impl ToString) -> DecodeError {
        DecodeError { code: Code::BadFrame, event: Some(self.event.to_string()), cid: self.cid(), why: why.to_string() }
    }

    pub(crate) fn unknown(&self) -> DecodeError {
        DecodeError { code: Code::UnknownEvent, event: Some(self.event.to_string()), cid: None, why: "unknown event".to_owned() }
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
        serde_json::from_str::<Send>(self.data.get()).ok().map(|send| send.cid)
    }
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
