//! What the server says. Read leniently: a client ignores fields that it does not know.

use std::sync::Arc;

use serde_json::{Value, json};
use sphere_protocol::{
    Cid, Code, Kind, Message, MessageId, Page, RoomSummary, ServerFrame, Timestamp,
    server::{
        Ack, Bye, ErrorFrame, Me, Nack, Pong, ProfileChanged, RoomActivity, RoomError, RoomLeft,
        Welcome,
    },
};

use crate::mutations::{places, with, with_unknown_fields, without};

const EPOCH: i64 = 1_737_700_000_000;
const AT: Timestamp = Timestamp(1_795_507_200_000);

fn id() -> MessageId {
    MessageId::parse("61068ac8-be10-8324-8206-116820cf4008").unwrap()
}

fn cid() -> Cid {
    Cid::parse("019ab3c4-0000-7000-8000-000000000000").unwrap()
}

fn message() -> Message {
    Message {
        room: "room1".into(),
        epoch: EPOCH,
        seq: 42,
        prev: Some(41),
        id: id(),
        user_id: "anon_1737708000000_k3j9d8f2a".into(),
        user_name: "Ada".to_owned(),
        user_image: "/avatar/anon_1737708000000_k3j9d8f2a.svg".to_owned(),
        message: "Hello \"you\" <b>\n🙂".to_owned(),
        created_at: AT,
        kind: Kind::Message,
        reference: None,
    }
}

fn void() -> Message {
    let (first, own) = (id(), MessageId::void(2, 43));
    Message {
        seq: 43,
        prev: Some(42),
        id: own,
        message: String::new(),
        kind: Kind::Void,
        reference: Some(first),
        ..message()
    }
}

fn page() -> Page {
    Page {
        room: "room1".into(),
        epoch: EPOCH,
        head: 43,
        items: Vec::new(),
        more: false,
        reset: false,
        more_after: None,
        after: None,
        before: None,
        around: None,
    }
}

fn summary(unread: Option<u32>) -> RoomSummary {
    RoomSummary {
        room: "room1".into(),
        title: "General".to_owned(),
        epoch: EPOCH,
        head: 43,
        last_at: Some(AT),
        unread,
    }
}

/// Every frame, with every field and without those that may be missing.
fn frames() -> Vec<ServerFrame> {
    let current = Arc::new(Message {
        prev: None,
        ..message()
    });
    let me = Me {
        user_id: "anon_1737708000000_k3j9d8f2a".into(),
        user_name: "Ada".to_owned(),
        user_image: "/avatar/anon_1737708000000_k3j9d8f2a.svg".to_owned(),
    };
    let empty = RoomSummary {
        head: -1,
        last_at: None,
        ..summary(Some(0))
    };
    let welcome = |me, rooms| Welcome {
        v: 1,
        me,
        heartbeat_ms: 20_000,
        max_length: 5_000,
        rooms,
    };
    let text = || "A sentence.".to_owned();
    let error = |after_ms| RoomError {
        room: "room1".into(),
        code: Code::Unavailable,
        message: text(),
        retry: true,
        after_ms,
    };
    let nack = |code, retry, after_ms| Nack {
        cid: cid(),
        code,
        message: text(),
        retry,
        after_ms,
    };
    vec![
        ServerFrame::Welcome(welcome(
            Some(me),
            vec![summary(Some(7)), empty, summary(None)],
        )),
        ServerFrame::Welcome(welcome(None, Vec::new())),
        ServerFrame::Profile(ProfileChanged {
            user_name: "Ada".to_owned(),
        }),
        ServerFrame::RoomJoined(page()),
        ServerFrame::RoomJoined(Page { head: -1, ..page() }),
        ServerFrame::RoomPage(Page {
            items: vec![Arc::clone(&current)],
            more: true,
            before: Some(50),
            ..page()
        }),
        ServerFrame::RoomPage(Page {
            items: vec![Arc::new(message()), Arc::new(void())],
            after: Some(41),
            reset: true,
            ..page()
        }),
        ServerFrame::RoomPage(Page {
            items: vec![current],
            around: Some(id()),
            more_after: Some(true),
            ..page()
        }),
        ServerFrame::RoomLeft(RoomLeft {
            room: "room1".into(),
        }),
        ServerFrame::RoomError(error(None)),
        ServerFrame::RoomError(error(Some(1_000))),
        ServerFrame::Message(Arc::new(message())),
        ServerFrame::Message(Arc::new(void())),
        ServerFrame::Message(Arc::new(Message {
            seq: 0,
            prev: Some(-1),
            ..message()
        })),
        ServerFrame::Ack(Ack {
            cid: cid(),
            id: id(),
            seq: 42,
            created_at: AT,
        }),
        ServerFrame::Nack(nack(Code::RateLimited, true, Some(100))),
        ServerFrame::Nack(nack(Code::Blank, false, None)),
        ServerFrame::RoomActivity(RoomActivity {
            room: "room1".into(),
            head: 42,
            last_at: Some(AT),
        }),
        ServerFrame::RoomActivity(RoomActivity {
            room: "room1".into(),
            head: 42,
            last_at: None,
        }),
        ServerFrame::RoomResync(RoomLeft {
            room: "room1".into(),
        }),
        ServerFrame::Error(ErrorFrame {
            code: Code::BadFrame,
            message: text(),
            retry: false,
            event: Some("ping".to_owned()),
        }),
        ServerFrame::Error(ErrorFrame {
            code: Code::BadFrame,
            message: text(),
            retry: false,
            event: None,
        }),
        ServerFrame::Pong(Pong {
            n: 7,
            heads: [("room1".into(), 42), ("room2".into(), -1)].into(),
        }),
        ServerFrame::Bye(Bye {
            why: Code::ShuttingDown,
            reconnect_ms: Some(4_321),
        }),
        ServerFrame::Bye(Bye {
            why: Code::UnsupportedVersion,
            reconnect_ms: None,
        }),
    ]
}

fn json_of(frame: &ServerFrame) -> Value {
    serde_json::from_str(&frame.encode()).unwrap()
}

#[test]
fn every_frame_of_the_server_has_this_form() {
    let lines: Vec<String> = frames().iter().map(ServerFrame::encode).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_the_server_encodes_is_read_as_the_same() {
    for frame in frames() {
        assert_eq!(ServerFrame::decode(&frame.encode()).unwrap(), frame);
    }
}

#[test]
fn an_unknown_field_is_ignored_at_every_level() {
    for frame in frames() {
        for extended in with_unknown_fields(&json_of(&frame)) {
            assert_eq!(
                ServerFrame::decode(&extended.to_string()).as_ref(),
                Ok(&frame),
                "{extended}"
            );
        }
    }
}

#[test]
fn an_unknown_event_is_told_apart_from_a_broken_frame() {
    let newer = json!({"event": "message:edited", "data": {"seq": 1}});
    assert_eq!(
        ServerFrame::decode(&newer.to_string()).unwrap_err().code,
        Code::UnknownEvent
    );
    for broken in [
        "",
        "{}",
        r#"{"event":"pong","data":{}}"#,
        r#"{"event":"hello","data":{"v":1.0}}"#,
    ] {
        assert!(ServerFrame::decode(broken).is_err(), "{broken}");
    }
}

#[test]
fn an_optional_field_may_be_null() {
    let optional = [
        "prev",
        "ref",
        "moreAfter",
        "after",
        "before",
        "around",
        "unread",
        "lastAt",
        "me",
        "afterMs",
        "event",
        "reconnectMs",
    ];
    let mut seen = std::collections::BTreeSet::new();
    for frame in frames().iter().map(json_of) {
        for (place, value) in places(&frame) {
            let Some((parent, field)) = place.rsplit_once('/') else {
                continue;
            };
            if parent.is_empty() || !optional.contains(&field) || value.is_null() {
                continue;
            }
            seen.insert(field.to_owned());
            let null = ServerFrame::decode(&with(&frame, &place, Value::Null).to_string());
            assert_eq!(
                null,
                ServerFrame::decode(&without(&frame, &place).to_string()),
                "{place} of {frame}"
            );
            assert!(null.is_ok(), "{place} of {frame}");
        }
    }
    assert_eq!(
        seen.len(),
        optional.len(),
        "each of them was tried: {seen:?}"
    );
}

#[test]
fn a_kind_or_a_code_of_a_newer_server_does_not_break_a_client() {
    let frame = with(
        &json_of(&ServerFrame::Message(Arc::new(message()))),
        "/data/kind",
        json!("poll"),
    );
    let ServerFrame::Message(read) = ServerFrame::decode(&frame.to_string()).unwrap() else {
        panic!("a message")
    };
    assert_eq!(
        (read.kind, read.seq, read.prev),
        (Kind::Unknown, 42, Some(41))
    );
    let frame = json!({"event": "bye", "data": {"why": "moved"}});
    let expected = ServerFrame::Bye(Bye {
        why: Code::Other,
        reconnect_ms: None,
    });
    assert_eq!(ServerFrame::decode(&frame.to_string()), Ok(expected));
}

#[test]
fn times_are_utc_with_milliseconds_and_nothing_else_is_read() {
    let frame = json_of(&ServerFrame::Message(Arc::new(message())));
    assert_eq!(frame["data"]["createdAt"], "2026-11-24T08:00:00.000Z");
    for wrong in [
        "2026-11-24T08:00:00Z",
        "2026-11-24T08:00:00.000+00:00",
        "2026-11-24 08:00:00.000Z",
        "2026-11-24T08:00:00.000000Z",
    ] {
        assert!(
            ServerFrame::decode(&with(&frame, "/data/createdAt", json!(wrong)).to_string())
                .is_err(),
            "{wrong}"
        );
    }
}
