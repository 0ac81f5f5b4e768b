//! Coming back: by `hello.rooms` or by `join:room`, after a short absence, a long one, a restart or a loss of the data.

use serde_json::{Value, json};

use crate::support::{Client, Got, Person, Server, View, files, http, view::row, within};

/// Follows room1 until the reader stands at this `seq`.
async fn read_to(client: &mut Client, view: &mut View, last: &Value) {
    while view.last("room1") < last.as_i64().unwrap() {
        match within("the last record", client.got()).await {
            Got::Frame(frame) => {
                if let Some(sync) = view.apply(frame) {
                    client.send("sync:room", sync).await;
                }
            }
            Got::Closed(code) => panic!("a reader was closed with {code:?}"),
        }
    }
}

/// Comes back through `hello`, and stands at the head that the server names.
async fn resume(server: &Server, view: &mut View) -> Client {
    let (mut client, welcome) = Client::hello(
        server.address,
        json!({"v": 1, "rooms": view.rooms(&["room1"])}),
    )
    .await;
    let joined = client
        .find("the room", |frame| frame.event == "room:joined")
        .await;
    let sync = view.apply(joined);
    if let Some(sync) = sync {
        client.send("sync:room", sync).await;
    }
    read_to(&mut client, view, &welcome["rooms"][0]["head"]).await;
    client
}

async fn stored(server: &Server) -> Vec<(i64, String, String)> {
    http::records(server.address, "room1")
        .await
        .iter()
        .filter(|record| record["kind"] == "message")
        .map(row)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_comes_back_through_hello_misses_nothing_and_sees_nothing_twice() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    let mut view = View::default();
    for (round, missed) in [0, 1, 49, 50, 51, 120, 1_000].into_iter().enumerate() {
        ada.say_all("room1", (0..missed).map(|n| format!("missed {round}.{n}")))
            .await;
        let mut reader = resume(&server, &mut view).await;
        let acks = ada
            .say_all("room1", (0..5).map(|n| format!("live {round}.{n}")))
            .await;
        read_to(&mut reader, &mut view, &acks[4]["seq"]).await;
        assert_eq!(view.messages("room1"), stored(&server).await);
    }
    assert_eq!((view.gaps, view.resets, view.resyncs), (0, 0, 0));
}

#[tokio::test]
async fn an_absence_of_more_than_a_thousand_records_is_a_reset() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    ada.say("room1", "seen").await;
    let mut view = View::default();
    drop(resume(&server, &mut view).await);
    ada.say_all("room1", (0..1_001).map(|n| n.to_string()))
        .await;
    let mut reader = resume(&server, &mut view).await;
    assert_eq!(view.resets, 1);
    let last = ada.say("room1", "live").await;
    read_to(&mut reader, &mut view, &last["seq"]).await;
    let rows = view.messages("room1");
    let stored = stored(&server).await;
    assert_eq!(
        (rows.len(), &rows[0], &rows[1..]),
        (52, &stored[0], &stored[stored.len() - 51..]),
        "the hole is where the reset was"
    );
}

#[tokio::test]
async fn join_room_goes_on_from_where_the_client_stands() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    let acks = ada.say_all("room1", (0..8).map(|n| n.to_string())).await;
    let epoch = http::page(server.address, "room1", "").await["epoch"].clone();
    let mut reader = Client::guest(server.address, &[]).await;
    let mut join = async |epoch: &Value, after: &Value| {
        reader
            .send(
                "join:room",
                json!({"room": "room1", "epoch": epoch, "after": after}),
            )
            .await;
        let joined = reader.expect("room:joined").await;
        let first = joined["items"].get(0).map(|item| item["message"].clone());
        (
            joined["reset"].as_bool().unwrap(),
            joined["items"].as_array().unwrap().len(),
            first,
            joined["epoch"].clone(),
        )
    };
    let after = &acks[4]["seq"];
    assert_eq!(
        join(&epoch, after).await,
        (false, 3, Some(json!("5")), epoch.clone())
    );
    assert_eq!(
        join(&Value::Null, after).await,
        (false, 3, Some(json!("5")), epoch.clone()),
        "no epoch is this epoch"
    );
    assert_eq!(
        join(&json!(1), after).await,
        (true, 8, Some(json!("0")), epoch.clone()),
        "another epoch is a reset"
    );
    assert_eq!(
        join(&epoch, &json!(8)).await,
        (true, 8, Some(json!("0")), epoch.clone()),
        "beyond the end is a reset"
    );
    assert_eq!(
        join(&epoch, &acks[7]["seq"]).await,
        (false, 0, None, epoch.clone())
    );
    assert_eq!(
        join(&epoch, &Value::Null).await,
        (false, 8, Some(json!("0")), epoch.clone())
    );
}

#[tokio::test]
async fn a_clean_restart_keeps_rooms_names_heads_and_times() {
    let server = Server::start().await;
    let ada = Person::new("Ada");
    let mut client = Client::join(server.address, &ada, &[]).await;
    for room in ["room1", "room2", "room1"] {
        client.say(room, "Hello").await;
    }
    let cid = client.post("room3", "twice").await;
    client.ack(&cid).await;
    client.post_again(&cid, 1, "room3", "twice").await;
    client.ack(&cid).await;
    let list = http::get(server.address, "/api/rooms").await.json();
    let (_, welcome) = Client::hello(server.address, ada.hello()).await;
    let mut view = View::default();
    drop(resume(&server, &mut view).await);
    let server = server.restart().await;
    assert_eq!(http::get(server.address, "/api/rooms").await.json(), list);
    assert_eq!(Client::hello(server.address, ada.hello()).await.1, welcome);
    let mut reader = resume(&server, &mut view).await;
    let last = Client::join(server.address, &ada, &[])
        .await
        .say("room1", "after the restart")
        .await;
    read_to(&mut reader, &mut view, &last["seq"]).await;
    assert_eq!((view.resets, view.gaps), (0, 0), "and the chain goes on");
    assert_eq!(view.messages("room1"), stored(&server).await);
}

#[tokio::test]
async fn an_empty_data_folder_is_another_epoch_and_a_reset() {
    let server = Server::start().await;
    let ada = Person::new("Ada");
    let mut client = Client::join(server.address, &ada, &[]).await;
    client.say_all("room1", (0..5).map(|n| n.to_string())).await;
    let mut view = View::default();
    drop(resume(&server, &mut view).await);
    let rooms = view.rooms(&["room1"]);
    let server = server.restart_on_an_empty_folder().await;
    for filled in [false, true] {
        let (mut reader, welcome) =
            Client::hello(server.address, json!({"v": 1, "rooms": rooms})).await;
        let joined = reader.expect("room:joined").await;
        assert_ne!(joined["epoch"], rooms[0]["epoch"]);
        assert_eq!(
            (&joined["reset"], &joined["epoch"]),
            (&json!(true), &welcome["rooms"][0]["epoch"])
        );
        assert_eq!(
            joined["items"].as_array().unwrap().len(),
            if filled { 10 } else { 0 },
            "even with more than was there before"
        );
        let mut client = Client::join(server.address, &ada, &[]).await;
        client
            .say_all("room1", (0..10).map(|n| n.to_string()))
            .await;
    }
}

#[tokio::test]
async fn a_lost_store_is_made_again_from_the_log() {
    let server = Server::start().await;
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    for (person, room) in [(&ada, "room1"), (&bob, "room1"), (&ada, "room2")] {
        Client::join(server.address, person, &[])
            .await
            .say(room, "kept")
            .await;
    }
    let messages = http::records(server.address, "room1").await;
    let server = server
        .restart_after(async |folder| {
            for file in ["store.db", "store.db-wal", "store.db-shm"] {
                let _ = std::fs::remove_file(folder.join(file));
            }
        })
        .await;
    server.has_stored_everything().await;
    let ids = |records: &[Value]| records.iter().map(row).collect::<Vec<_>>();
    assert_eq!(
        ids(&http::records(server.address, "room1").await),
        ids(&messages)
    );
    let mut thief = Client::open(server.address).await;
    thief.send("hello", ada.thief().hello()).await;
    assert_eq!(
        thief.expect("error").await["code"],
        "identity_refused",
        "the log knows whose an id is"
    );
    Client::join(server.address, &ada, &[])
        .await
        .say("room1", "and goes on")
        .await;
}

#[tokio::test]
async fn rooms_are_added_and_renamed_by_the_configuration_but_never_removed() {
    let server = Server::start_with(&["--rooms=a=First,b=Second"]).await;
    Client::join(server.address, &Person::new("Ada"), &[])
        .await
        .say("b", "kept")
        .await;
    let server = server.restart_with(&["--rooms=c=Third,a=The first"]).await;
    let list = http::get(server.address, "/api/rooms").await.json();
    let rooms: Vec<_> = list["rooms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|room| json!([room["room"], room["title"]]))
        .collect();
    assert_eq!(
        json!(rooms),
        json!([["c", "Third"], ["a", "The first"], ["b", "Second"]])
    );
    assert_eq!(
        http::page(server.address, "b", "").await["items"][0]["message"],
        "kept"
    );
    let partitions = files::count(
        &server.file("store.db"),
        "SELECT COUNT(DISTINCT partition) FROM rooms",
    )
    .await;
    assert_eq!(
        partitions, 3,
        "a new room takes the partition with the fewest rooms"
    );
}
