//! A reader that follows the protocol's rules to the letter, and fails the test when the server breaks one.
//!
//! It keeps rows by `seq`, knows its last `seq` per room, takes a live frame only if it names that one as its
//! predecessor, and asks for pages after a gap, a resync or a reconnection.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::Frame;

/// What a reader knows.
#[derive(Debug, Default)]
pub(crate) struct View {
    rooms: BTreeMap<String, Room>,
    /// Live frames that did not fit.
    pub(crate) gaps: usize,
    /// `room:resync` frames.
    pub(crate) resyncs: usize,
    /// Pages that began anew.
    pub(crate) resets: usize,
    /// Records that came live.
    pub(crate) live: usize,
}

#[derive(Debug)]
struct Room {
    epoch: Option<i64>,
    last: i64,
    rows: BTreeMap<i64, Value>,
    ids: HashMap<String, i64>,
    /// Live frames that wait for pages; none while no page is missing.
    held: Option<Vec<Frame>>,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            epoch: None,
            last: -1,
            rows: BTreeMap::new(),
            ids: HashMap::new(),
            held: None,
        }
    }
}

impl View {
    /// What `hello.rooms` says to go on from here.
    pub(crate) fn rooms(&self, names: &[&str]) -> Value {
        let entry = |name: &&str| match self.rooms.get(*name).filter(|room| room.epoch.is_some()) {
            Some(room) => json!({"room": name, "epoch": room.epoch, "after": room.last}),
            None => json!({"room": name}),
        };
        names.iter().map(entry).collect()
    }

    /// The last `seq` of a room.
    pub(crate) fn last(&self, room: &str) -> i64 {
        self.rooms.get(room).map_or(-1, |room| room.last)
    }

    /// The messages of a room as they stand on the screen: `seq`, id and text.
    pub(crate) fn messages(&self, room: &str) -> Vec<(i64, String, String)> {
        let rows = self
            .rooms
            .get(room)
            .into_iter()
            .flat_map(|room| room.rows.values());
        rows.filter(|row| row["kind"] == "message")
            .map(row)
            .collect()
    }

    /// The connection is gone: nothing that was asked for will come.
    pub(crate) fn disconnected(&mut self) {
        for room in self.rooms.values_mut() {
            room.held = None;
        }
    }

    /// Takes a frame; the answer is a `sync:room` to ask for.
    pub(crate) fn apply(&mut self, frame: Frame) -> Option<Value> {
        let name = frame.data.get("room")?.as_str()?.to_owned();
        match frame.event.as_str() {
            "room:joined" | "room:page" => {
                self.resets += usize::from(frame["reset"] == true);
                self.rooms
                    .entry(name.clone())
                    .or_default()
                    .page(&frame.data);
                self.go_on(
                    name,
                    frame["more"] == true
                        && frame.data.get("after").is_some()
                        && frame["reset"] == false,
                )
            }
            "message" => {
                let room = self
                    .rooms
                    .get_mut(&name)
                    .unwrap_or_else(|| panic!("{name} was not joined"));
                self.live += 1;
                match &mut room.held {
                    Some(held) => {
                        held.push(frame);
                        None
                    }
                    None => self.live(name, &frame.data),
                }
            }
            "room:resync" => {
                self.resyncs += 1;
                self.ask(name)
            }
            "room:error" => panic!("{frame:?}"),
            _ => None,
        }
    }

    fn ask(&mut self, name: String) -> Option<Value> {
        let room = self.rooms.entry(name.clone()).or_default();
        room.held.get_or_insert_default();
        Some(json!({"room": name, "after": room.last, "epoch": room.epoch, "limit": 200}))
    }

    fn go_on(&mut self, name: String, more: bool) -> Option<Value> {
        if more {
            return self.ask(name);
        }
        let held = self.rooms.get_mut(&name)?.held.take();
        // After a gap there is one page to ask for, however many frames were held back.
        held.into_iter()
            .flatten()
            .find_map(|frame| self.live(name.clone(), &frame.data))
    }

    fn live(&mut self, name: String, message: &Value) -> Option<Value> {
        let room = self.rooms.get_mut(&name)?;
        let seq = message["seq"].as_i64().unwrap();
        if seq <= room.last {
            return None;
        }
        if message["prev"] != room.last {
            self.gaps += 1;
            return self.ask(name);
        }
        room.add(message.clone());
        None
    }
}

impl Room {
    fn page(&mut self, page: &Value) {
        let epoch = page["epoch"].as_i64();
        let items = page["items"].as_array().unwrap();
        if page.get("after").is_none() || page["reset"] == true {
            if self.epoch != epoch {
                *self = Self::default();
            }
            for item in items {
                assert!(
                    item.get("prev").is_none_or(Value::is_null),
                    "only chained pages have prev: {item}"
                );
                self.keep(item.clone());
            }
            self.last = page["head"].as_i64().unwrap();
            assert!(
                items
                    .last()
                    .is_none_or(|item| item["seq"].as_i64().unwrap() <= self.last)
            );
        } else {
            assert_eq!(self.epoch, epoch, "another epoch is a reset");
            for item in items {
                if item["seq"].as_i64().unwrap() > self.last {
                    assert_eq!(
                        item["prev"], self.last,
                        "a page goes on where the reader stands: {item}"
                    );
                    self.add(item.clone());
                }
            }
            if page["more"] == false {
                assert!(
                    self.last >= page["head"].as_i64().unwrap(),
                    "the last page reaches the head: {page}"
                );
            }
        }
        self.epoch = epoch;
    }

    fn add(&mut self, item: Value) {
        self.last = item["seq"].as_i64().unwrap();
        self.keep(item);
    }

    fn keep(&mut self, item: Value) {
        let seq = item["seq"].as_i64().unwrap();
        let id = item["id"].as_str().unwrap().to_owned();
        let first = *self.ids.entry(id).or_insert(seq);
        assert_eq!(first, seq, "an id stands in one place: {item}");
        let same = self.rows.entry(seq).or_insert_with(|| item.clone());
        assert_eq!(same["id"], item["id"], "a place holds one record");
    }
}

/// What of a record stands on the screen.
pub(crate) fn row(record: &Value) -> (i64, String, String) {
    let text = |field: &str| record[field].as_str().unwrap().to_owned();
    (record["seq"].as_i64().unwrap(), text("id"), text("message"))
}
