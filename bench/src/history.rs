//! What a client lived through, in its order: one JSON line per event, and the same in memory for the checks.
//!
//! A text says who wrote it, where, which it was and when, so whoever reads it can tell a ghost, a repeat and a delay.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
};

use serde::Serialize;
use sphere_protocol::{Cid, Code, Kind, MessageId, Seq};

/// One thing that happened to a client. Times are nanoseconds of [`crate::clock`].
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Welcomed by a server.
    Conn { t: u64, server: usize },
    /// The connection is gone.
    Disc { t: u64, why: String },
    /// A send left; `n` counts the client's messages of the room.
    Send {
        t: u64,
        room: usize,
        cid: Cid,
        n: u32,
        attempt: u32,
    },
    /// It is stored.
    Ack {
        t: u64,
        cid: Cid,
        id: MessageId,
        seq: Seq,
    },
    /// It was not accepted.
    Nack {
        t: u64,
        cid: Cid,
        code: Code,
        retry: bool,
    },
    /// A live frame, at the moment at which the client decided about it.
    Recv { t: u64, item: Item },
    /// A page and what the client made of it.
    Page {
        t: u64,
        /// When it was asked for.
        asked: u64,
        room: usize,
        server: usize,
        after: Option<Seq>,
        head: Seq,
        more: bool,
        items: Vec<Item>,
    },
    /// The list begins anew with the page that was just told: a first one, or one that could not go on.
    Reset {
        t: u64,
        room: usize,
        /// Whether the server said that it could not go on.
        forced: bool,
    },
    /// Another server was asked over HTTP whether it knows an acknowledged message.
    Probe {
        t: u64,
        room: usize,
        server: usize,
        seq: Seq,
        found: bool,
    },
    /// The server refused something that it must not refuse.
    Refused { t: u64, what: String },
}

/// A record as the client saw it.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Item {
    pub room: usize,
    pub seq: Seq,
    pub prev: Option<Seq>,
    pub id: MessageId,
    pub kind: Kind,
    /// Who says so; none where the text is not one of ours.
    pub said: Option<Said>,
    /// Whether it was put on the client's screen just now.
    pub shown: bool,
}

/// What a text of ours says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Said {
    pub client: usize,
    pub room: usize,
    pub n: u32,
    /// When it was written.
    pub at: u64,
    /// Whether it is the last one of its room.
    pub marker: bool,
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            client,
            room,
            n,
            at,
            marker,
        } = self;
        write!(f, "{client}:{room}:{n}:{at}:{}", u8::from(*marker))
    }
}

impl Said {
    /// Reads a text; none for anything that no client of ours can have written.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let said = Self {
            client: parts.next()?.parse().ok()?,
            room: parts.next()?.parse().ok()?,
            n: parts.next()?.parse().ok()?,
            at: parts.next()?.parse().ok()?,
            marker: parts.next()? == "1",
        };
        (parts.next().is_none() && said.to_string() == text).then_some(said)
    }
}

/// The events of one client.
#[derive(Debug, Default)]
pub struct History {
    pub events: Vec<Event>,
    file: Option<BufWriter<File>>,
}

impl History {
    /// A history that is also written to a file.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn in_file(path: &Path) -> std::io::Result<Self> {
        Ok(Self {
            events: Vec::new(),
            file: Some(BufWriter::new(File::create(path)?)),
        })
    }

    /// A history that was lived through elsewhere.
    pub fn of(events: Vec<Event>) -> Self {
        Self { events, file: None }
    }

    /// Adds an event.
    pub fn add(&mut self, event: Event) {
        if let Some(file) = &mut self.file {
            // The file is for people; the checks read the memory.
            let _ = serde_json::to_writer(&mut *file, &event).map(|()| file.write_all(b"\n"));
        }
        self.events.push(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_back_and_nothing_else_is_taken_for_one() {
        let said = Said {
            client: 7,
            room: 3,
            n: 12,
            at: 99,
            marker: true,
        };
        assert_eq!(Said::parse(&said.to_string()), Some(said));
        for other in [
            "",
            "7:3:12:99",
            "7:3:12:99:1:",
            "07:3:12:99:1",
            "7:3:12:99:2",
        ] {
            assert_eq!(Said::parse(other), None, "{other}");
        }
    }
}
