//! The first frame of a connection and what it is answered with.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{Client, Person, Server, files::Held};

#[tokio::test]
async fn welcome_says_who_one_is_and_which_rooms_there_are() {
    let server = Server::start().await;
    let ada = Person::new("Ada");
    let (_client, welcome) = Client::hello(server.address, ada.hello()).await;
    let epoch = welcome["rooms"][0]["epoch"].as_i64().unwrap();
    let room = |name: &str, title: &str| json!({"room": name, "title": title, "epoch": epoch, "head": -1, "lastAt": null, "unread": 0});
    let expected = json!({
        "v": 1,
        "me": {"userId": ada.id, "userName": "Ada", "userImage": format!("/avatar/{}.svg", ada.id)},
        "heartbeatMs": 20_000,
        "maxLength": 5_000,
        "rooms": [room("room1", "General"), room("room2", "Random"), room("room3", "Help"), room("room4", "Off-topic")],
    });
    assert_eq!(welcome, expected);
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    assert!(
        (now - 60_000..=now).contains(&epoch),
        "the epoch is when the log was first opened: {epoch}"
    );
}

#[tokio::test]
async fn rooms_come_from_the_configuration_in_its_order() {
    let server = Server::start_with(&["--rooms=zoo=The Zoo,a-1,lab_2=Laboratory"]).await;
    let (_client, welcome) = Client::hello(server.address, json!({"v": 1})).await;
    let rooms: Vec<_> = welcome["rooms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|room| (&room["room"], &room["title"]))
        .collect();
    assert_eq!(
        json!(rooms),
        json!([["zoo", "The Zoo"], ["a-1", "a-1"], ["lab_2", "Laboratory"]])
    );
}

#[tokio::test]
async fn optional_fields_of_hello_may_be_null() {
    let server = Server::start().await;
    let hello = json!({"v": 1, "anonymous": null, "userName": null, "rooms": null, "read": null});
    let (mut client, welcome) = Client::hello(server.address, hello).await;
    assert_eq!(welcome["me"], Value::Null);
    assert_eq!(client.heard().await, []);
}

#[tokio::test]
async fn without_an_identity_one_reads_but_does_not_write() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    let mut guest = Client::guest(server.address, &["room1"]).await;
    let ack = ada.say("room1", "Hello").await;
    assert_eq!(guest.expect("message").await["id"], ack["id"]);
    assert_eq!(
        guest.page(json!({"room": "room1"})).await["items"][0]["id"],
        ack["id"]
    );
    assert_eq!(
        guest.refused("room1", "Hello").await,
        ("identity_required".to_owned(), false)
    );
    guest.send("profile", json!({"userName": "Guest"})).await;
    let error = guest.expect("error").await;
    assert_eq!(
        (&error["code"], &error["retry"], &error["event"]),
        (
            &json!("identity_required"),
            &json!(false),
            &json!("profile")
        )
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_of_hello_are_joined_in_order_each_before_its_live_frames() {
    let server = Server::start().await;
    let address = server.address;
    let writer = tokio::spawn(async move {
        let mut client = Client::join(address, &Person::new("Ada"), &[]).await;
        for n in 0..300 {
            for room in ["room1", "room2", "room3"] {
                client.say(room, &n.to_string()).await;
            }
        }
    });
    let names = ["room3", "room1", "room9", "room2"];
    let mut visits = 0;
    while !writer.is_finished() || visits == 0 {
        let rooms: Vec<Value> = names.iter().map(|room| json!({"room": room})).collect();
        let (mut reader, _) = Client::hello(address, json!({"v": 1, "rooms": rooms})).await;
        let mut heads = std::collections::HashMap::new();
        let mut answered = Vec::new();
        while answered.len() < names.len() {
            let frame = reader.next().await;
            let room = frame["room"].as_str().unwrap().to_owned();
            match frame.event.as_str() {
                "message" => {
                    let head = heads
                        .get_mut(&room)
                        .unwrap_or_else(|| panic!("live before it was joined: {frame:?}"));
                    assert_eq!(
                        frame["prev"], *head,
                        "live frames go on where the page ends"
                    );
                    *head = frame["seq"].clone();
                }
                "room:joined" => {
                    heads.insert(room.clone(), frame["head"].clone());
                    answered.push(room);
                }
                "room:error" => {
                    assert_eq!(
                        (room.as_str(), &frame["code"], &frame["retry"]),
                        ("room9", &json!("unknown_room"), &json!(false))
                    );
                    answered.push(room);
                }
                _ => panic!("{frame:?}"),
            }
        }
        assert_eq!(answered, names);
        visits += 1;
    }
    writer.await.unwrap();
    println!("joined {visits} times in the middle of the traffic");
}

#[tokio::test]
async fn unread_counts_messages_of_others_above_what_was_read() {
    let server = Server::start().await;
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let mut from_ada = Client::join(server.address, &ada, &[]).await;
    let mut from_bob = Client::join(server.address, &bob, &[]).await;
    let first = from_ada.say("room1", "1").await;
    let repeated = from_ada.post("room1", "2").await;
    from_ada.ack(&repeated).await;
    from_ada.post_again(&repeated, 1, "room1", "2").await;
    from_ada.ack(&repeated).await;
    from_bob.say("room1", "3").await;
    from_ada
        .say_all("room2", (0..150).map(|n| n.to_string()))
        .await;

    let unread = async |person: Option<&Person>, read: Value| {
        let mut hello = person.map_or(json!({"v": 1}), Person::hello);
        hello["read"] = read;
        let (_, welcome) = Client::hello(server.address, hello).await;
        welcome["rooms"]
            .as_array()
            .unwrap()
            .iter()
            .map(|room| room["unread"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    let carl = Person::new("Carl");
    assert_eq!(
        unread(Some(&carl), Value::Null).await,
        [3, 100, 0, 0],
        "a repeat does not count, and 100 is the most"
    );
    assert_eq!(
        unread(None, Value::Null).await,
        [3, 100, 0, 0],
        "a reader without an identity has read nothing"
    );
    assert_eq!(
        unread(Some(&bob), Value::Null).await,
        [2, 100, 0, 0],
        "one's own do not count"
    );
    assert_eq!(unread(Some(&ada), Value::Null).await, [1, 0, 0, 0]);
    assert_eq!(
        unread(Some(&carl), json!({"room1": first["seq"]})).await,
        [2, 100, 0, 0],
        "no entry counts all of that room"
    );
    assert_eq!(
        unread(
            Some(&carl),
            json!({"room1": 1_000_000, "room2": -1, "room9": 7})
        )
        .await,
        [0, 100, 0, 0]
    );
}

#[tokio::test]
async fn unread_counts_what_is_not_stored_yet() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    let first = ada.say("room1", "1").await;
    let store = server.file("store.db");
    let held = Held::take(&store).await;
    ada.say("room1", "2").await;
    ada.say("room1", "3").await;
    let (_, welcome) = Client::hello(
        server.address,
        json!({"v": 1, "read": {"room1": first["seq"]}}),
    )
    .await;
    assert_eq!(welcome["rooms"][0]["unread"], 2);
    let (_, welcome) = Client::hello(server.address, json!({"v": 1})).await;
    assert_eq!(welcome["rooms"][0]["unread"], 3);
    held.release().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unread_is_never_too_low_in_the_middle_of_the_traffic() {
    let server = Server::start().await;
    let address = server.address;
    let acked = Arc::new(Mutex::new(Vec::new()));
    let writer = tokio::spawn({
        let acked = Arc::clone(&acked);
        async move {
            let mut ada = Client::join(address, &Person::new("Ada"), &[]).await;
            for _ in 0..200 {
                let acks = ada.say_all("room1", (0..10).map(|n| n.to_string())).await;
                acked
                    .lock()
                    .unwrap()
                    .extend(acks.iter().map(|ack| ack["seq"].clone()));
            }
        }
    });
    let mut asked = 0;
    while !writer.is_finished() {
        // At least fifty messages above this one are acknowledged.
        let read = {
            let acked = acked.lock().unwrap();
            acked.len().checked_sub(51).map(|n| acked[n].clone())
        };
        let Some(read) = read else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        let (_, welcome) = Client::hello(address, json!({"v": 1, "read": {"room1": read}})).await;
        let unread = welcome["rooms"][0]["unread"].as_u64().unwrap();
        assert!(
            (50..=100).contains(&unread),
            "{unread} above {read}, of {:?}",
            acked.lock().unwrap().last()
        );
        asked += 1;
    }
    writer.await.unwrap();
    println!("asked {asked} times");
}

#[tokio::test]
async fn any_other_frame_before_hello_is_a_bad_frame_and_so_is_a_second_hello() {
    let server = Server::start().await;
    let mut client = Client::open(server.address).await;
    client.send("ping", json!({"n": 1})).await;
    let error = client.expect("error").await;
    assert_eq!(
        (&error["code"], &error["event"]),
        (&json!("bad_frame"), &json!("ping"))
    );
    client.send("hello", json!({"v": 1})).await;
    client.expect("welcome").await;
    client.send("hello", json!({"v": 1})).await;
    let error = client.expect("error").await;
    assert_eq!(
        (&error["code"], &error["event"]),
        (&json!("bad_frame"), &json!("hello"))
    );
    assert_eq!(client.heard().await, []);
}

#[tokio::test]
async fn a_send_before_hello_is_refused_by_its_client_key() {
    let server = Server::start().await;
    let mut client = Client::open(server.address).await;
    let cid = client.post("room1", "too early").await;
    let nack = client.nack(&cid).await;
    assert_eq!(
        (&nack["code"], &nack["retry"]),
        (&json!("bad_frame"), &json!(false))
    );
}

#[tokio::test]
async fn a_socket_that_does_not_say_hello_is_closed_after_five_seconds() {
    let server = Server::start().await;
    let mut silent = Client::open(server.address).await;
    let mut wrong = Client::open(server.address).await;
    let opened = Instant::now();
    wrong.send("ping", json!({"n": 1})).await;
    assert_eq!(silent.closed().await, Some(4408));
    let after = opened.elapsed();
    assert!(
        after > Duration::from_millis(4_500) && after < Duration::from_secs(10),
        "{after:?}"
    );
    assert_eq!(
        wrong.closed().await,
        Some(4408),
        "another frame does not buy time"
    );
}

#[tokio::test]
async fn another_version_hears_bye_and_shall_not_come_back_by_itself() {
    let server = Server::start().await;
    for version in [0, 2, 4_000_000_000_u32] {
        let mut client = Client::open(server.address).await;
        client
            .send(
                "hello",
                json!({"v": version, "fields": {"of": "the future"}}),
            )
            .await;
        assert_eq!(
            client.expect("bye").await,
            json!({"why": "unsupported_version"})
        );
        assert_eq!(client.closed().await, Some(4406));
    }
}
