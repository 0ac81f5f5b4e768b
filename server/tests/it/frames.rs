//! Frames and bytes that are not of the protocol: each is answered as it should be, and nobody else notices.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    Client, Person, Server, eventually, http,
    raw::{BINARY, PING, Raw, TEXT, frame},
    within,
};

async fn one(server: &Server, message: Message) -> Value {
    let mut client = Client::guest(server.address, &[]).await;
    client.message(message).await;
    let error = client.expect("error").await;
    assert_eq!(
        client.heard().await,
        [],
        "one answer, and the socket lives on"
    );
    assert_eq!(error["retry"], false);
    assert!(error["message"].as_str().unwrap().ends_with('.'));
    error
}

#[tokio::test]
async fn what_is_not_a_frame_is_answered_and_the_socket_lives_on() {
    let server = Server::start().await;
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    for text in [
        "".to_owned(),
        "hello".to_owned(),
        "null".to_owned(),
        "{}".to_owned(),
        r#"{"event":"ping"}"#.to_owned(),
        r#"{"data":{"n":1}}"#.to_owned(),
        r#"{"event":"ping","data":{"n":1},"more":1}"#.to_owned(),
        r#"{"event":7,"data":{"n":1}}"#.to_owned(),
        r#"{"event":"ping","data":{"n":1}}{"event":"ping","data":{"n":1}}"#.to_owned(),
        r#"{"event":"ping","data":{"n":1}"#.to_owned(),
        r#"["ping",{"n":1}]"#.to_owned(),
        r#"{"event":"\ud800","data":{}}"#.to_owned(),
        deep.clone(),
    ] {
        let error = one(&server, Message::text(text.clone())).await;
        assert_eq!(
            (&error["code"], error.get("event")),
            (&json!("bad_frame"), None),
            "{}",
            text.chars().take(60).collect::<String>()
        );
    }
    for text in [
        r#"{"event":"ping","data":{}}"#.to_owned(),
        r#"{"event":"ping","data":{"n":1.0}}"#.to_owned(),
        r#"{"event":"ping","data":{"n":1e0}}"#.to_owned(),
        r#"{"event":"ping","data":{"n":-1}}"#.to_owned(),
        r#"{"event":"ping","data":{"n":18446744073709551616}}"#.to_owned(),
        r#"{"event":"ping","data":{"n":"1"}}"#.to_owned(),
        r#"{"event":"ping","data":{"n":null}}"#.to_owned(),
        r#"{"event":"ping","data":{"n":1,"n":1}}"#.to_owned(),
        r#"{"event":"ping","data":{"n":1,"more":1}}"#.to_owned(),
        r#"{"event":"ping","data":[1]}"#.to_owned(),
        r#"{"event":"ping","data":null}"#.to_owned(),
        format!(r#"{{"event":"ping","data":{deep}}}"#),
        format!(r#"{{"event":"ping","data":{{"n":{deep}}}}}"#),
    ] {
        let error = one(&server, Message::text(text.clone())).await;
        assert_eq!(
            (&error["code"], &error["event"]),
            (&json!("bad_frame"), &json!("ping")),
            "{}",
            text.chars().take(60).collect::<String>()
        );
    }
    for (event, data) in [
        ("join:room", json!({"room": 1})),
        ("join:room", json!({"room": "room1", "after": "1"})),
        ("join:room", json!({"room": "room1", "limit": 1})),
        ("leave:room", json!({})),
        ("leave:room", json!({"room": "room1", "after": 1})),
        ("profile", json!({})),
        ("profile", json!({"userName": null})),
        ("profile", json!({"userName": "Ada", "userId": "x"})),
        (
            "sync:room",
            json!({"room": "room1", "after": 1, "before": 1}),
        ),
        ("sync:room", json!({"room": "room1", "around": "1"})),
        ("sync:room", json!({"room": "room1", "limit": -1})),
        ("sync:room", json!({"room": "room1", "limit": 1.5})),
    ] {
        let error = one(
            &server,
            Message::text(json!({"event": event, "data": data}).to_string()),
        )
        .await;
        assert_eq!(
            (&error["code"], &error["event"]),
            (&json!("bad_frame"), &json!(event)),
            "{data}"
        );
    }
    let surrogate = r#"{"event":"profile","data":{"userName":"\udfff\ud800"}}"#;
    assert_eq!(
        one(&server, Message::text(surrogate)).await["code"],
        "bad_frame"
    );
    let binary = one(
        &server,
        Message::binary(br#"{"event":"ping","data":{"n":1}}"#.to_vec()),
    )
    .await;
    assert_eq!(
        (&binary["code"], binary.get("event")),
        (&json!("bad_frame"), None)
    );
}

#[tokio::test]
async fn a_bad_hello_is_answered_and_a_good_one_may_follow() {
    let server = Server::start().await;
    let secret = "0f3c0f3c0f3c0f3c0f3c0f3c0f3c0f3c";
    for data in [
        json!({}),
        json!({"v": 1.0}),
        json!({"v": "1"}),
        json!({"v": 1, "more": 1}),
        json!({"v": 1, "anonymous": {"userId": "anon_1_aaaaaaaaa"}}),
        json!({"v": 1, "anonymous": {"userId": "anon_1_aaaaaaaaa", "secret": secret, "more": 1}}),
        json!({"v": 1, "rooms": {"room": "room1"}}),
        json!({"v": 1, "rooms": [{"room": "room1", "more": 1}]}),
        json!({"v": 1, "rooms": [{"room": "room1", "after": 1.0}]}),
        json!({"v": 1, "rooms": vec![json!({"room": "room1"}); 65]}),
        json!({"v": 1, "read": {"room1": "1"}}),
        json!({"v": 1, "read": [1]}),
    ] {
        let mut client = Client::open(server.address).await;
        client.send("hello", data.clone()).await;
        let error = client.expect("error").await;
        assert_eq!(
            (&error["code"], &error["event"]),
            (&json!("bad_frame"), &json!("hello")),
            "{data}"
        );
        client.send("hello", json!({"v": 1})).await;
        client.expect("welcome").await;
    }
}

#[tokio::test]
async fn an_unknown_event_is_named() {
    let server = Server::start().await;
    for event in [
        "message",
        "welcome",
        "typing",
        "",
        "Ping",
        "event:message ",
        &"x".repeat(1_000),
    ] {
        let error = one(
            &server,
            Message::text(json!({"event": event, "data": {"any": "thing"}}).to_string()),
        )
        .await;
        assert_eq!(
            (&error["code"], &error["event"]),
            (&json!("unknown_event"), &json!(event))
        );
    }
}

#[tokio::test]
async fn the_third_bad_frame_within_ten_seconds_is_answered_and_then_the_socket_is_closed() {
    let server = Server::start().await;
    let mut client = Client::join(server.address, &Person::new("Ada"), &[]).await;
    client.text("one").await;
    client.message(Message::binary(vec![2])).await;
    assert_eq!(client.expect("error").await["code"], "bad_frame");
    assert_eq!(client.expect("error").await["code"], "bad_frame");
    assert_eq!(client.heard().await, []);
    client.send("three", json!({})).await;
    assert_eq!(client.expect("error").await["code"], "unknown_event");
    assert_eq!(client.closed().await, Some(4400));
}

#[tokio::test]
async fn bad_sends_and_what_came_before_hello_count_as_bad_frames_too() {
    let server = Server::start().await;
    let mut client = Client::open(server.address).await;
    client.text("before hello").await;
    client.expect("error").await;
    client.send("hello", Person::new("Ada").hello()).await;
    client.expect("welcome").await;
    for n in 0..2 {
        let cid = crate::support::cid();
        client.post_again(&cid, 0, "room1", &n.to_string()).await;
        assert_eq!(client.nack(&cid).await["code"], "bad_frame");
    }
    assert_eq!(client.closed().await, Some(4400));
    let mut client = Client::open(server.address).await;
    for _ in 0..3 {
        client.text("before hello").await;
        client.expect("error").await;
    }
    assert_eq!(client.closed().await, Some(4400));
}

#[tokio::test]
async fn bad_frames_that_are_ten_seconds_apart_do_not_add_up() {
    let server = Server::start().await;
    let mut client = Client::guest(server.address, &[]).await;
    for _ in 0..2 {
        for _ in 0..2 {
            client.text("bad").await;
            client.expect("error").await;
        }
        tokio::time::sleep(Duration::from_millis(10_100)).await;
    }
    assert_eq!(client.heard().await, []);
}

#[tokio::test]
async fn a_message_may_have_65536_bytes_and_not_one_more() {
    let server = Server::start().await;
    let mut client = Client::join(server.address, &Person::new("Ada"), &[]).await;
    let sized = |size: usize| {
        let text = json!({"event": "ping", "data": {"n": 5}}).to_string();
        text.clone() + &" ".repeat(size - text.len())
    };
    client.text(sized(65_536)).await;
    assert_eq!(client.expect("pong").await["n"], 5);
    client.text(sized(65_537)).await;
    assert_eq!(client.closed().await, Some(1009));
    for message in [
        Message::text("x".repeat(66_560)),
        Message::binary(vec![0; 66_560]),
        Message::text("x".repeat(260_000)),
    ] {
        let mut client = Client::guest(server.address, &[]).await;
        client.try_message(message).await;
        assert_eq!(client.closed().await, Some(1009));
    }
    let mut early = Client::open(server.address).await;
    early.try_message(Message::text("x".repeat(66_560))).await;
    assert_eq!(early.closed().await, Some(1009), "before hello too");
}

#[tokio::test]
async fn a_message_that_announces_a_gigabyte_is_not_waited_for() {
    let server = Server::start().await;
    let mut raw = Raw::open(server.address).await;
    let mut head = vec![0x80 | TEXT, 0x80 | 127];
    head.extend((1_u64 << 30).to_be_bytes());
    head.extend([0; 4]);
    raw.send(&head).await;
    raw.send(&[b'x'; 1_000]).await;
    let asked = Instant::now();
    assert_eq!(raw.closed().await, Some(1009));
    assert!(
        asked.elapsed() < Duration::from_secs(4),
        "{:?}",
        asked.elapsed()
    );
}

#[tokio::test]
async fn pieces_of_a_message_count_together() {
    let server = Server::start().await;
    let mut raw = Raw::open(server.address).await;
    let mut first = frame(TEXT, &[b' '; 40_000]);
    first[0] = TEXT;
    raw.send(&first).await;
    raw.send(&frame(0, &[b' '; 40_000])).await;
    assert_eq!(raw.closed().await, Some(1009));
}

#[tokio::test]
async fn text_that_is_not_utf_8_is_closed_with_1007() {
    let server = Server::start().await;
    for bytes in [
        &b"\xff\xfe"[..],
        b"{\"event\":\"\xc0\xaf\"}",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x99",
    ] {
        let mut raw = Raw::open(server.address).await;
        raw.send(&frame(TEXT, bytes)).await;
        assert_eq!(raw.closed().await, Some(1007), "{bytes:?} before hello");
        let mut raw = Raw::open(server.address).await;
        raw.send(&frame(TEXT, br#"{"event":"hello","data":{"v":1}}"#))
            .await;
        assert_eq!(within("welcome", raw.next()).await.unwrap().0, TEXT);
        raw.send(&frame(TEXT, bytes)).await;
        assert_eq!(raw.closed().await, Some(1007), "{bytes:?}");
    }
}

#[tokio::test]
async fn bytes_that_break_the_websocket_protocol_are_closed_with_1002() {
    let server = Server::start().await;
    let unmasked = vec![0x81, 2, b'{', b'}'];
    let reserved_bit = {
        let mut bytes = frame(TEXT, b"{}");
        bytes[0] |= 0x40;
        bytes
    };
    let reserved_opcode = frame(0x3, b"{}");
    let piece_of_nothing = frame(0x0, b"{}");
    let long_ping = frame(PING, &[0; 126]);
    for bytes in [
        unmasked,
        reserved_bit,
        reserved_opcode,
        piece_of_nothing,
        long_ping,
    ] {
        let mut raw = Raw::open(server.address).await;
        raw.send(&bytes).await;
        assert_eq!(raw.closed().await, Some(1002), "{:x?}", &bytes[..2]);
    }
}

/// Two people who talk, and how long the slowest message took.
async fn chat(server: &Server, count: usize) -> Duration {
    let mut ada = Client::join(server.address, &Person::new("Ada"), &["room1"]).await;
    let mut bob = Client::join(server.address, &Person::new("Bob"), &["room1"]).await;
    let mut slowest = Duration::ZERO;
    for n in 0..count {
        let (from, to) = if n % 2 == 0 {
            (&mut ada, &mut bob)
        } else {
            (&mut bob, &mut ada)
        };
        let sent = Instant::now();
        let ack = from.say("room1", &n.to_string()).await;
        to.find("the message", |frame| frame["id"] == ack["id"])
            .await;
        slowest = slowest.max(sent.elapsed());
    }
    slowest
}

async fn sockets(server: &Server) -> u64 {
    http::get(server.address, "/healthz").await.json()["sockets"]
        .as_u64()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_frames_and_lost_connections_leave_nothing_behind() {
    let server = Server::start().await;
    let whole = frame(
        TEXT,
        br#"{"event":"hello","data":{"v":1,"rooms":[{"room":"room1"}]}}"#,
    );
    let send = frame(TEXT, br#"{"event":"event:message","data":{"cid":"x"}}"#);
    let attack = async {
        for end in [1, 2, 5, 20, whole.len() - 1] {
            let mut raw = Raw::open(server.address).await;
            raw.send(&whole[..end]).await;
            drop(raw);
            let mut raw = Raw::open(server.address).await;
            raw.send(&whole).await;
            within("welcome", raw.next()).await.unwrap();
            raw.send(&send[..end.min(send.len() - 1)]).await;
            drop(raw);
            let mut raw = Raw::open(server.address).await;
            raw.send(&frame(BINARY, b"junk")).await;
            drop(raw);
            let mut tcp = tokio::net::TcpStream::connect(server.address)
                .await
                .unwrap();
            let request = b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket";
            let part = &request[..request.len().min(end * 2)];
            tcp.write_all(part).await.unwrap();
            drop(tcp);
        }
    };
    let (slowest, ()) = tokio::join!(chat(&server, 100), attack);
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    eventually("no socket left", async || sockets(&server).await == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_sockets_that_say_nothing_disturb_nobody() {
    let server = Server::start().await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(Client::open(server.address).await);
    }
    let slowest = chat(&server, 200).await;
    println!("with 50 silent sockets the slowest of 200 messages took {slowest:?}");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    for client in &mut silent {
        assert_eq!(client.closed().await, Some(4408));
    }
}
