//! Sending a message: what it becomes, what is refused, and in which order that is checked.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sphere_protocol::{Cid, MessageId, RoomName, UserId};

use crate::support::{Client, Person, Server, cid, files::Held, http};

#[tokio::test]
async fn a_message_is_acknowledged_and_everybody_in_the_room_sees_the_same() {
    let server = Server::start().await;
    let ada = Person::new("Ada");
    let mut from_ada = Client::join(server.address, &ada, &["room1"]).await;
    let mut bob = Client::join(server.address, &Person::new("Bob"), &["room1"]).await;
    let mut guest = Client::guest(server.address, &["room1"]).await;
    let epoch = http::get(server.address, "/api/rooms").await.json()["rooms"][0]["epoch"].clone();
    let mut prev = json!(-1);
    for text in ["Hello", "Hello again"] {
        let cid = from_ada.post("room1", text).await;
        let ack = from_ada.ack(&cid).await;
        let id = MessageId::derive(
            &UserId::from(ada.id.as_str()),
            &RoomName::from("room1"),
            Cid::parse(&cid).unwrap(),
        );
        let at = ack["createdAt"].as_str().unwrap();
        assert_eq!(
            ack,
            json!({"cid": cid, "id": id.to_string(), "seq": ack["seq"], "createdAt": at})
        );
        assert!(
            at.len() == 24 && at.ends_with('Z') && at.as_bytes()[19] == b'.',
            "{at}"
        );
        let expected = json!({
            "room": "room1", "epoch": epoch, "seq": ack["seq"], "prev": prev, "id": id.to_string(),
            "userId": ada.id, "userName": "Ada", "userImage": format!("/avatar/{}.svg", ada.id),
            "message": text, "createdAt": at, "kind": "message",
        });
        assert_eq!(from_ada.take("message").await, expected);
        assert_eq!(bob.expect("message").await, expected);
        assert_eq!(guest.expect("message").await, expected);
        prev = ack["seq"].clone();
    }
}

#[tokio::test]
async fn writing_needs_no_join() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    let ack = ada.say("room2", "Hello").await;
    assert_eq!(
        ada.heard().await,
        [],
        "who has not joined only hears the answer"
    );
    assert_eq!(
        http::page(server.address, "room2", "").await["items"][0]["id"],
        ack["id"]
    );
}

#[tokio::test]
async fn a_text_is_stored_as_it_was_typed() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &["room1"]).await;
    let long: String = "🙂".repeat(5_000);
    let texts = [
        "  two  spaces \n\n and a tab\t",
        "<script>alert(1)</script> & \"quotes\" \\u0041 ${x}",
        "e\u{301} and \u{e9} stay apart",
        "\u{202e}right to left\u{202c} \u{200b}\u{feff}",
        "\u{1}\u{7f}\u{85}\u{2028}\u{10ffff}\u{fdd0}",
        &long,
    ];
    for text in texts {
        ada.say("room1", text).await;
        assert_eq!(ada.take("message").await["message"], text);
    }
    let stored = http::records(server.address, "room1").await;
    assert_eq!(
        stored
            .iter()
            .map(|record| record["message"].as_str().unwrap())
            .collect::<Vec<_>>(),
        texts
    );
    let server = server.restart().await;
    let stored = http::records(server.address, "room1").await;
    assert_eq!(
        stored
            .iter()
            .map(|record| record["message"].as_str().unwrap())
            .collect::<Vec<_>>(),
        texts
    );
}

#[tokio::test]
async fn a_text_that_says_nothing_or_too_much_is_refused_for_good() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    for (text, code) in [
        (String::new(), "blank"),
        (" \t\r\n\u{3000}\u{2029}".to_owned(), "blank"),
        ("x".repeat(5_001), "too_long"),
        ("🙂".repeat(5_001), "too_long"),
    ] {
        assert_eq!(ada.refused("room1", &text).await, (code.to_owned(), false));
    }
    assert_eq!(
        ada.refused("room1", "a\0b").await,
        ("bad_frame".to_owned(), false)
    );
    assert_eq!(http::page(server.address, "room1", "").await["head"], -1);
}

#[tokio::test]
async fn a_send_is_checked_for_identity_then_room_then_text_then_rate() {
    let server = Server::start_with(&["--rate-burst=1", "--rate-per-second=1"]).await;
    let mut guest = Client::guest(server.address, &[]).await;
    assert_eq!(
        guest.refused("room9", "").await,
        ("identity_required".to_owned(), false)
    );
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    let said = ada.post("room1", "Hello").await;
    let ack = ada.ack(&said).await;
    assert_eq!(
        ada.refused("room9", "").await,
        ("unknown_room".to_owned(), false)
    );
    assert_eq!(
        ada.refused("ROOM1", "Hello").await,
        ("unknown_room".to_owned(), false)
    );
    assert_eq!(ada.refused("room1", "").await, ("blank".to_owned(), false));
    ada.post_again(&said, 2, "room1", "Hello").await;
    assert_eq!(ada.ack(&said).await, ack, "a look-up costs nothing");
    assert_eq!(
        ada.refused("room1", "Hello").await,
        ("rate_limited".to_owned(), true)
    );
}

#[tokio::test]
async fn the_author_is_the_connection_and_no_frame_can_say_otherwise() {
    let server = Server::start().await;
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let mut client = Client::join(server.address, &ada, &["room1"]).await;
    for field in [
        "userId",
        "userName",
        "userImage",
        "id",
        "seq",
        "createdAt",
        "kind",
    ] {
        // Three bad frames within ten seconds would close the socket.
        let mut client = Client::join(server.address, &ada, &[]).await;
        let cid = cid();
        let mut data = json!({"cid": cid, "attempt": 1, "room": "room1", "message": "Hello"});
        data[field] = json!(bob.id);
        client.send("event:message", data).await;
        let nack = client.nack(&cid).await;
        assert_eq!(
            (&nack["code"], &nack["retry"], nack.get("afterMs")),
            (&json!("bad_frame"), &json!(false), None)
        );
    }
    client.say("room1", "Hello").await;
    assert_eq!(client.take("message").await["userId"], ada.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_of_one_socket_stand_in_the_order_in_which_they_were_made() {
    let server = Server::start().await;
    let mut reader = Client::guest(server.address, &["room1"]).await;
    let writer = async |name: &str| {
        let mut client = Client::join(server.address, &Person::new(name), &[]).await;
        let acks = client
            .say_all("room1", (0..240).map(|n| format!("{name}:{n}")))
            .await;
        let seqs: Vec<_> = acks
            .iter()
            .map(|ack| ack["seq"].as_i64().unwrap())
            .collect();
        assert!(seqs.is_sorted(), "{seqs:?}");
    };
    let read = async {
        let mut next = std::collections::HashMap::new();
        let mut prev = json!(-1);
        for _ in 0..960 {
            let message = reader.expect("message").await;
            assert_eq!(message["prev"], prev);
            prev = message["seq"].clone();
            let (name, n) = message["message"]
                .as_str()
                .unwrap()
                .split_once(':')
                .unwrap();
            let expected: &mut usize = next.entry(name.to_owned()).or_default();
            assert_eq!(n, expected.to_string(), "{name}");
            *expected += 1;
        }
    };
    tokio::join!(writer("a"), writer("b"), writer("c"), writer("d"), read);
}

#[tokio::test]
async fn the_65th_open_send_of_a_socket_is_refused_and_pings_are_answered_meanwhile() {
    let server = Server::start().await;
    let ada = Person::new("Ada");
    let mut client = Client::join(server.address, &ada, &[]).await;
    let mut other = Client::join(server.address, &ada, &[]).await;
    client.say("room1", "to be known").await;
    let log = server.file("log.db");
    let held = Held::take(&log).await;
    let mut cids = Vec::new();
    for n in 0..65 {
        cids.push(client.post("room1", &n.to_string()).await);
    }
    let nack = client.nack(&cids[64]).await;
    assert_eq!(
        (&nack["code"], &nack["retry"]),
        (&json!("rate_limited"), &json!(true))
    );
    assert!(nack["afterMs"].as_u64().unwrap() > 0);
    let asked = Instant::now();
    assert_eq!(
        client.heard().await,
        [],
        "nothing is stored, so nothing is acknowledged"
    );
    assert!(
        asked.elapsed() < Duration::from_secs(2),
        "a ping never waits for the log"
    );
    let from_other = other.post("room1", "another socket").await;
    held.release().await;
    for cid in &cids[..64] {
        client.ack(cid).await;
    }
    other.ack(&from_other).await;
    client.post_again(&cids[64], 2, "room1", "64").await;
    client.ack(&cids[64]).await;
    assert_eq!(http::records(server.address, "room1").await.len(), 67);
}

#[tokio::test]
async fn attempts_count_from_one_and_keys_have_one_form() {
    let server = Server::start().await;
    let send = async |data: Value| {
        let mut client = Client::join(server.address, &Person::new("Ada"), &[]).await;
        client.send("event:message", data).await;
        client.next().await
    };
    let key = "019ab3c4-0000-7000-8000-00000000000a";
    let answer = send(json!({"cid": key, "attempt": 0, "room": "room1", "message": "x"})).await;
    assert_eq!(
        (answer.event.as_str(), &answer["cid"], &answer["code"]),
        ("message:nack", &json!(key), &json!("bad_frame"))
    );
    for cid in [
        json!(key.to_uppercase()),
        json!(key.replace('-', "")),
        json!(""),
        json!(7),
        Value::Null,
    ] {
        let answer = send(json!({"cid": cid, "attempt": 1, "room": "room1", "message": "x"})).await;
        assert_eq!(
            (answer.event.as_str(), &answer["code"], &answer["event"]),
            ("error", &json!("bad_frame"), &json!("event:message"))
        );
    }
    for cid in [
        key,
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ] {
        let answer = send(
            json!({"cid": cid, "attempt": 4_294_967_295_u32, "room": "room1", "message": "x"}),
        )
        .await;
        assert_eq!(answer.event, "message:ack", "{answer:?}");
    }
}
