//! Rooms come and go while people talk, and the topic grows.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Cluster, count, stored};
use crate::support::{Client, Person, Process, http, process::output, topic, within};

/// Runs `sphere` with a command.
pub(super) async fn sphere(cluster: &Cluster, command: &[&str]) -> (bool, String) {
    let flags = cluster.flags("all", &[]);
    let all: Vec<&str> = flags
        .iter()
        .map(String::as_str)
        .chain(command.iter().copied())
        .collect();
    let output = output(&all, &[]).await;
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

async fn names(server: &Process) -> Vec<String> {
    let rooms = http::get(server.address, "/api/rooms").await.json();
    let rooms: Vec<Value> = rooms["rooms"].as_array().unwrap().clone();
    rooms
        .iter()
        .map(|room| room["room"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_deleted_room_is_gone_on_every_server_for_ever_with_all_that_was_said_in_it() {
    let cluster = Cluster::new().await;
    let (one, two, consumer) = (
        cluster.web().await,
        cluster.web().await,
        cluster.consumer().await,
    );
    let mut ada = Client::join(one.address, &Person::new("Ada"), &["room2", "room3"]).await;
    let mut reader = Client::guest(two.address, &["room1"]).await;
    for n in 0..30 {
        ada.say("room2", &format!("{n}")).await;
    }
    ada.say("room3", "stays").await;
    stored(&one).await;
    let (well, said) = sphere(&cluster, &["room", "delete", "room2"]).await;
    assert!(well && said.contains("room2 is deleted"), "{said}");
    for client in [&mut ada, &mut reader] {
        let told = client.take("room:error").await;
        assert_eq!(
            (&told["room"], &told["code"], &told["retry"]),
            (&json!("room2"), &json!("unknown_room"), &json!(false)),
            "followers and all others hear of it"
        );
    }
    assert_eq!(
        ada.refused("room2", "too late").await,
        ("unknown_room".to_owned(), false)
    );
    for server in [&one, &two] {
        assert_eq!(names(server).await, ["room1", "room3", "room4"]);
        assert_eq!(http::get(server.address, "/rooms/room2").await.status, 404);
    }
    assert_eq!(
        count(&cluster.database, "SELECT count(*) FROM messages").await,
        1
    );
    assert_eq!(ada.say("room3", "goes on").await["seq"], 1);

    let (well, said) = sphere(&cluster, &["room", "add", "room2", "Again"]).await;
    assert!(!well && said.contains("not used twice"), "{said}");
    let (well, said) = sphere(&cluster, &["room", "delete", "room9"]).await;
    assert!(!well && said.contains("there is no room room9"), "{said}");

    // What the store had forgotten comes from the log again, the end of the room too.
    drop(consumer);
    for sql in [
        "UPDATE log_offsets SET next_offset = 0, lease_owner = NULL, lease_until = NULL",
        "DELETE FROM messages",
        "DELETE FROM rooms WHERE name = 'room2'",
    ] {
        super::execute(&cluster.database, sql).await;
    }
    let _consumer = cluster.consumer().await;
    stored(&one).await;
    let late = cluster.web().await;
    assert_eq!(names(&late).await, ["room1", "room3", "room4"]);
    assert_eq!(http::records(late.address, "room3").await.len(), 2);
    crate::support::eventually("its rows are swept", async || {
        count(&cluster.database, "SELECT count(*) FROM messages").await == 2
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_topic_grows_and_rooms_are_added_under_load_without_a_restart() {
    let cluster = Cluster::new().await;
    let (one, two, _consumer) = (
        cluster.web().await,
        cluster.web().await,
        cluster.consumer().await,
    );
    let (mut ada, mut bob) = (
        Client::join(one.address, &Person::new("Ada"), &["room1"]).await,
        Client::join(two.address, &Person::new("Bob"), &["room1"]).await,
    );
    let mut said = 0;
    for n in 0..20 {
        ada.say("room1", &format!("before {n}")).await;
        said += 1;
    }
    topic::grow(&cluster.topic, 8).await;
    for name in ["five", "six", "seven", "eight"] {
        let (well, said) = sphere(&cluster, &["room", "add", name, name]).await;
        assert!(well, "{said}");
    }
    // Servers look every 30 s; meanwhile people talk.
    let deadline = Instant::now() + Duration::from_secs(90);
    for server in [&one, &two] {
        while names(server).await.len() < 8 {
            assert!(Instant::now() < deadline, "{:?}", names(server).await);
            ada.say("room1", &format!("meanwhile {said}")).await;
            said += 1;
            sleep(Duration::from_millis(100)).await;
        }
    }
    let partitions = "SELECT count(*) FROM rooms WHERE partition >= 4";
    assert_eq!(
        count(&cluster.database, partitions).await,
        4,
        "new rooms use new partitions"
    );
    for name in ["five", "six", "seven", "eight"] {
        loop {
            bob.send("join:room", json!({"room": name})).await;
            let answer = bob
                .find("an answer", |frame| {
                    frame.event.starts_with("room:") && frame["room"] == *name
                })
                .await;
            if answer.event == "room:joined" {
                break;
            }
            assert!(Instant::now() < deadline, "{answer:?}");
            sleep(Duration::from_millis(200)).await;
        }
        let cid = ada.post(name, "in a new partition").await;
        let mut answer = ada.answer(&cid).await;
        let mut attempt = 2;
        while answer.event != "message:ack" {
            assert!(
                answer["retry"] == true && Instant::now() < deadline,
                "{answer:?}"
            );
            sleep(Duration::from_millis(200)).await;
            ada.post_again(&cid, attempt, name, "in a new partition")
                .await;
            attempt += 1;
            answer = ada.answer(&cid).await;
        }
        let heard = bob
            .find("the message", |frame| {
                frame.event == "message" && frame["room"] == *name
            })
            .await;
        assert_eq!(heard["message"], "in a new partition");
    }
    within("everything to be stored", stored(&one)).await;
    let stored = count(&cluster.database, "SELECT count(*) FROM messages").await;
    assert_eq!(stored, said + 4);
}
