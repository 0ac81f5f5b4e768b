//! What every log, every bus and every store promises, held for each adapter: one function per promise, one line per adapter.

use std::sync::Arc;

use sphere_protocol::{Cid, RoomName, Timestamp, UserId};

use server::{
    auth::KeyHash,
    log::{Record, record::Author},
};

mod bus;
mod embedded;
mod log;
mod store;

/// A record with this text.
pub(crate) fn record(text: &str) -> Arc<Record> {
    let author = Author {
        user_id: UserId::from("anon_1737708000000_k3j9d8f2a"),
        user_name: "Ada".to_owned(),
        key_hash: KeyHash::from("0".repeat(64)),
    };
    let cid = Cid::parse(&crate::support::cid()).unwrap();
    Arc::new(Record::message(
        author,
        RoomName::from("room1"),
        cid,
        text.to_owned(),
        Timestamp(1_737_708_000_000),
    ))
}
