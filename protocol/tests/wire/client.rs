//! What clients say. Read strictly: unknown fields, wrong types and missing fields are refused at every level.

use serde_json::{Value, json};
use sphere_protocol::{ClientFrame, Code};

use crate::mutations::{other_types, places, with, with_unknown_fields, without};

/// Every frame, with every field that it may have.
fn full() -> Vec<Value> {
    vec![
        json!({"event": "hello", "data": {
            "v": 1,
            "anonymous": {"userId": "anon_1737708000000_k3j9d8f2a", "secret": "0f3c0f3c0f3c0f3c0f3c0f3c0f3c0f3c"},
            "userName": "Ada",
            "rooms": [{"room": "room1", "epoch": 1_737_700_000_000_i64, "after": 42}, {"room": "room2"}],
            "read": {"room1": 41, "room2": -1},
        }}),
        json!({"event": "profile", "data": {"userName": "Ada"}}),
        json!({"event": "join:room", "data": {"room": "room1", "epoch": 1_737_700_000_000_i64, "after": 42}}),
        json!({"event": "leave:room", "data": {"room": "room1"}}),
        json!({"event": "event:message", "data": {
            "cid": "019ab3c4-0000-7000-8000-000000000000", "attempt": 1, "room": "room1", "message": "Hello \"you\" <b>\n🙂",
        }}),
        sync(json!({"room": "room1", "after": 42, "limit": 50, "epoch": 1_737_700_000_000_i64})),
        sync(json!({"room": "room1", "before": 42, "limit": 50, "epoch": 1_737_700_000_000_i64})),
        sync(
            json!({"room": "room1", "around": "61068ac8-be10-8324-8206-116820cf4008", "limit": 50, "epoch": 1_737_700_000_000_i64}),
        ),
        json!({"event": "ping", "data": {"n": 7}}),
    ]
}

/// Every frame with nothing but what it must have.
fn bare() -> Vec<Value> {
    vec![
        json!({"event": "hello", "data": {"v": 1}}),
        json!({"event": "profile", "data": {"userName": "Ada"}}),
        json!({"event": "join:room", "data": {"room": "room1"}}),
        json!({"event": "leave:room", "data": {"room": "room1"}}),
        json!({"event": "event:message", "data": {
            "cid": "019ab3c4-0000-7000-8000-000000000000", "attempt": 1, "room": "room1", "message": "Hello",
        }}),
        sync(json!({"room": "room1"})),
        json!({"event": "ping", "data": {"n": 7}}),
    ]
}

fn sync(data: Value) -> Value {
    json!({"event": "sync:room", "data": data})
}

/// Fields that a client may leave out.
fn is_optional(event: &Value, place: &str) -> bool {
    let (parent, field) = place.rsplit_once('/').unwrap_or_default();
    match event.as_str().unwrap() {
        "hello" if parent == "/data" => field != "v",
        "hello" => parent.starts_with("/data/rooms/") && field != "room",
        "join:room" | "sync:room" => parent == "/data" && field != "room",
        _ => false,
    }
}

fn decode(frame: &Value) -> Result<ClientFrame, Code> {
    ClientFrame::decode(&frame.to_string()).map_err(|error| error.code)
}

#[test]
fn every_frame_of_a_client_has_this_form() {
    let frames = full()
        .into_iter()
        .chain(bare())
        .map(|frame| decode(&frame).unwrap());
    let lines: Vec<String> = frames.map(|frame| frame.encode()).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_a_client_encodes_is_read_as_the_same() {
    for frame in full().into_iter().chain(bare()) {
        let read = decode(&frame).unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(&read.encode()).unwrap(),
            frame
        );
        assert_eq!(ClientFrame::decode(&read.encode()).unwrap(), read);
    }
}

#[test]
fn an_unknown_field_is_refused_at_every_level() {
    for frame in full() {
        let spoilt = with_unknown_fields(&frame);
        assert!(spoilt.len() >= 2, "the frame and its data: {frame}");
        for frame in spoilt {
            assert_eq!(decode(&frame), Err(Code::BadFrame), "{frame}");
        }
    }
}

#[test]
fn a_value_of_another_type_is_refused_everywhere() {
    for frame in full() {
        for (place, value) in places(&frame) {
            for other in other_types(&value) {
                // A map of rooms may have any names, and a list may be empty.
                let fits = (place == "/data/read" && other == json!({"text": 7}))
                    || (place == "/data/rooms" && other == json!([]));
                let spoilt = if place.is_empty() {
                    other
                } else {
                    with(&frame, &place, other)
                };
                assert!(fits || decode(&spoilt).is_err(), "{spoilt}");
            }
        }
    }
}

#[test]
fn a_whole_number_is_never_written_with_a_fraction_or_an_exponent() {
    for frame in full() {
        for (place, value) in places(&frame)
            .into_iter()
            .filter(|(_, value)| value.is_i64())
        {
            let marked = with(&frame, &place, json!("HERE")).to_string();
            for written in [
                format!("{value}.0"),
                format!("{value}e0"),
                format!("\"{value}\""),
                "1e400".to_owned(),
                "NaN".to_owned(),
            ] {
                let text = marked.replace("\"HERE\"", &written);
                assert_eq!(
                    ClientFrame::decode(&text).map_err(|error| error.code),
                    Err(Code::BadFrame),
                    "{text}"
                );
            }
        }
    }
}

#[test]
fn an_optional_field_may_be_null_or_missing_and_any_other_may_not() {
    for frame in full() {
        for (place, _) in places(&frame)
            .into_iter()
            .filter(|(place, _)| !place.is_empty())
        {
            let null = decode(&with(&frame, &place, Value::Null));
            let (_, key) = place.rsplit_once('/').unwrap();
            if is_optional(&frame["event"], &place) {
                assert_eq!(null, decode(&without(&frame, &place)), "{place} of {frame}");
                assert!(null.is_ok(), "{place} of {frame}");
            } else {
                assert!(null.is_err(), "{place} of {frame}");
                // What stands in a list or in a map of rooms has no name of its own.
                if key.parse::<usize>().is_err() && !place.contains("/read/") {
                    assert!(
                        decode(&without(&frame, &place)).is_err(),
                        "{place} of {frame}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_page_has_one_anchor_at_most() {
    let around = "61068ac8-be10-8324-8206-116820cf4008";
    for data in [
        json!({"room": "room1", "after": 1, "before": 2}),
        json!({"room": "room1", "after": 1, "around": around}),
        json!({"room": "room1", "before": 1, "around": around}),
        json!({"room": "room1", "after": 1, "before": 2, "around": around}),
    ] {
        assert_eq!(decode(&sync(data)), Err(Code::BadFrame));
    }
    let null = sync(json!({"room": "room1", "after": 1, "before": null, "around": null}));
    assert!(decode(&null).is_ok());
}

#[test]
fn text_that_is_not_json_is_a_bad_frame() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_data = format!(r#"{{"event":"ping","data":{deep}}}"#);
    let deep_field = format!(r#"{{"event":"ping","data":{{"n":{deep}}}}}"#);
    let surrogate = r#"{"event":"profile","data":{"userName":"\ud800"}}"#;
    let twice = r#"{"event":"ping","data":{"n":1,"n":2}}"#;
    for text in [
        "",
        " ",
        "null",
        "[]",
        "{}",
        "{",
        "\"ping\"",
        "NaN",
        "{}{}",
        &deep,
        &deep_data,
        &deep_field,
        surrogate,
        twice,
    ] {
        let error =
            ClientFrame::decode(text).expect_err(&text.chars().take(80).collect::<String>());
        assert_eq!(error.code, Code::BadFrame);
    }
    assert_eq!(
        decode(&json!({"event": "nothing", "data": {}})),
        Err(Code::UnknownEvent)
    );
    assert_eq!(
        decode(&json!({"event": "message", "data": {}})),
        Err(Code::UnknownEvent),
        "only servers say this"
    );
}

#[test]
fn a_bad_send_names_its_client_key_where_that_can_be_read() {
    let cid = "019ab3c4-0000-7000-8000-000000000000";
    for (data, readable) in [
        (
            json!({"cid": cid, "attempt": 1, "room": "room1", "message": "a\0b"}),
            true,
        ),
        (
            json!({"cid": cid, "attempt": 0, "room": "room1", "message": "a"}),
            true,
        ),
        (
            json!({"cid": cid, "attempt": 1, "room": "room1", "message": "a", "userId": "somebody"}),
            true,
        ),
        (
            json!({"cid": cid, "attempt": 1, "room": "room1", "message": 1}),
            true,
        ),
        (json!({"cid": cid}), true),
        (
            json!({"cid": cid.to_uppercase().replace('0', "A"), "attempt": 1, "room": "room1", "message": "a"}),
            false,
        ),
        (
            json!({"cid": 1, "attempt": 1, "room": "room1", "message": "a"}),
            false,
        ),
        (
            json!({"attempt": 1, "room": "room1", "message": "a"}),
            false,
        ),
    ] {
        let error =
            ClientFrame::decode(&json!({"event": "event:message", "data": data}).to_string())
                .unwrap_err();
        assert_eq!(
            (error.code, error.cid.is_some()),
            (Code::BadFrame, readable),
            "{data}"
        );
        assert_eq!(error.event.as_deref(), Some("event:message"));
    }
}

#[test]
fn another_version_is_named_before_its_fields_are_looked_at() {
    let newer = json!({"event": "hello", "data": {"v": 2, "session": {"token": "x"}}});
    assert_eq!(decode(&newer), Err(Code::UnsupportedVersion));
    assert_eq!(
        decode(&json!({"event": "hello", "data": {"v": 0}})),
        Err(Code::UnsupportedVersion)
    );
    assert_eq!(
        decode(&json!({"event": "hello", "data": {"v": -1}})),
        Err(Code::BadFrame)
    );
    assert_eq!(
        decode(&json!({"event": "hello", "data": {"session": {}}})),
        Err(Code::BadFrame)
    );
}

#[test]
fn a_hello_resumes_64_rooms_at_most() {
    let rooms = |n: usize| json!({"event": "hello", "data": {"v": 1, "rooms": vec![json!({"room": "room1"}); n]}});
    assert!(decode(&rooms(64)).is_ok());
    assert_eq!(decode(&rooms(65)), Err(Code::BadFrame));
}

#[test]
fn a_secret_is_never_shown() {
    let shown = format!("{:?}", decode(&full()[0]).unwrap());
    assert!(
        shown.contains("anon_1737708000000_k3j9d8f2a") && !shown.contains("0f3c"),
        "{shown}"
    );
}
