//! Rooms: who hears what.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::support::{Client, Frame, Person, Server};

#[tokio::test]
async fn nobody_hears_a_room_that_they_have_not_joined() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &["room1"]).await;
    let mut bob = Client::join(server.address, &Person::new("Bob"), &["room2"]).await;
    let mut carl = Client::join(server.address, &Person::new("Carl"), &[]).await;
    for n in 0..20 {
        ada.say("room1", &format!("one {n}")).await;
        bob.say("room2", &format!("two {n}")).await;
    }
    for (client, room, count) in [
        (&mut ada, "room1", 20),
        (&mut bob, "room2", 20),
        (&mut carl, "none", 0),
    ] {
        let heard = client.heard().await;
        assert_eq!(heard.len(), count, "{heard:?}");
        assert!(
            heard
                .iter()
                .all(|frame| frame.event == "message" && frame["room"] == room)
        );
    }
}

#[tokio::test]
async fn one_user_follows_several_rooms_and_leaves_some() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    let mut bob = Client::join(server.address, &Person::new("Bob"), &["room1", "room3"]).await;
    bob.send("join:room", json!({"room": "room2"})).await;
    assert_eq!(bob.expect("room:joined").await["room"], "room2");
    for room in ["room1", "room2", "room3", "room4"] {
        ada.say(room, room).await;
    }
    let mut rooms: Vec<_> = bob
        .heard()
        .await
        .iter()
        .map(|frame| frame["message"].as_str().unwrap().to_owned())
        .collect();
    rooms.sort();
    assert_eq!(rooms, ["room1", "room2", "room3"]);
    bob.send("leave:room", json!({"room": "room1"})).await;
    assert_eq!(bob.expect("room:left").await, json!({"room": "room1"}));
    for room in ["room1", "room2", "room3", "room4"] {
        ada.say(room, room).await;
    }
    let mut rooms: Vec<_> = bob
        .heard()
        .await
        .iter()
        .map(|frame| frame["room"].as_str().unwrap().to_owned())
        .collect();
    rooms.sort();
    assert_eq!(rooms, ["room2", "room3"]);
}

#[tokio::test]
async fn joining_twice_gives_a_page_twice_and_each_message_once() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    let mut bob = Client::join(server.address, &Person::new("Bob"), &["room1"]).await;
    bob.send("join:room", json!({"room": "room1"})).await;
    bob.expect("room:joined").await;
    ada.say("room1", "Hello").await;
    assert_eq!(bob.heard().await.len(), 1);
}

#[tokio::test]
async fn leaving_is_answered_even_where_one_never_was() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    ada.send("leave:room", json!({"room": "room1"})).await;
    assert_eq!(ada.expect("room:left").await, json!({"room": "room1"}));
}

#[tokio::test]
async fn there_is_no_joining_a_room_that_does_not_exist() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    for room in ["room9", "", "ROOM1", "room1 ", "../room1", "a\u{0}b"] {
        for event in ["join:room", "sync:room"] {
            ada.send(event, json!({"room": room})).await;
            let error = ada.expect("room:error").await;
            assert_eq!(
                (&error["room"], &error["code"], &error["retry"]),
                (&json!(room), &json!("unknown_room"), &json!(false))
            );
            assert!(
                error["message"]
                    .as_str()
                    .is_some_and(|text| text.ends_with('.'))
                    && error.get("afterMs").is_none()
            );
        }
    }
    assert_eq!(ada.heard().await, []);
}

#[tokio::test]
async fn pong_repeats_the_number_and_names_the_heads_of_the_joined_rooms() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &["room1", "room2"]).await;
    let ack = ada.say("room1", "Hello").await;
    ada.say("room3", "Hello").await;
    ada.send("ping", json!({"n": 18_446_744_073_709_551_615_u64}))
        .await;
    let pong = ada.take("pong").await;
    assert_eq!(
        pong,
        json!({"n": 18_446_744_073_709_551_615_u64, "heads": {"room1": ack["seq"], "room2": -1}})
    );
    ada.send("leave:room", json!({"room": "room1"})).await;
    ada.take("room:left").await;
    ada.send("ping", json!({"n": 0})).await;
    assert_eq!(
        ada.take("pong").await,
        json!({"n": 0, "heads": {"room2": -1}})
    );
}

#[tokio::test]
async fn rooms_that_are_not_joined_show_activity_at_most_every_two_seconds() {
    let told = AtomicUsize::new(0);
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    let mut bob = Client::join(server.address, &Person::new("Bob"), &["room1"]).await;
    bob.keeps_activity = true;
    let is_activity = |frame: &Frame| frame.event == "room:activity";
    let talk = async {
        loop {
            ada.say("room1", "joined").await;
            let last = ada.say("room2", "not joined").await;
            if told.load(Ordering::Relaxed) == 3 {
                return last;
            }
        }
    };
    let listen = async {
        let mut times = Vec::new();
        for _ in 0..3 {
            let activity = bob.find("activity", is_activity).await;
            assert_eq!(
                activity["room"], "room2",
                "room1 is joined, the others are quiet"
            );
            told.fetch_add(1, Ordering::Relaxed);
            times.push(Instant::now());
        }
        times
    };
    let (last, times) = tokio::join!(talk, listen);
    let apart = times[2] - times[0];
    assert!(
        apart > Duration::from_millis(3_500),
        "three times within {apart:?}"
    );
    // The last word comes too, and says when it was said.
    let newest = |frame: &Frame| is_activity(frame) && frame["head"] == last["seq"];
    let activity = bob.find("the last activity", newest).await;
    let expected = json!({"room": "room2", "head": last["seq"], "lastAt": last["createdAt"]});
    assert_eq!(activity.data, expected);
}

#[tokio::test]
async fn a_repeat_moves_the_head_and_not_the_time_of_the_last_message() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    let cid = ada.post("room1", "Hello").await;
    let first = ada.ack(&cid).await;
    ada.post_again(&cid, 1, "room1", "Hello").await;
    ada.ack(&cid).await;
    let check = async |server: &Server| {
        let (_, welcome) = Client::hello(server.address, json!({"v": 1})).await;
        let room = &welcome["rooms"][0];
        assert_eq!(room["lastAt"], first["createdAt"]);
        assert_eq!(
            room["head"].as_i64().unwrap(),
            first["seq"].as_i64().unwrap() + 1
        );
    };
    check(&server).await;
    check(&server.restart().await).await;
}
