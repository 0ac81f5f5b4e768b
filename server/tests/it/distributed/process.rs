//! What happens when a process of the cluster dies. These measure time: each has the machine to itself.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use super::{Cluster, say, stored};
use crate::support::{Client, Kafka, Person, eventually, http};

#[tokio::test]
async fn a_dead_consumer_is_replaced_within_ten_seconds_and_nothing_is_stored_twice() {
    let cluster = Cluster::new().await;
    let web = cluster.web().await;
    let (mut first, _second) = (cluster.consumer().await, cluster.consumer().await);
    let mut ada = Client::join(web.address, &Person::new("Ada"), &["room1"]).await;
    for n in 0..50 {
        say(&mut ada, &format!("before {n}")).await;
    }
    first.kill().await;
    let died = Instant::now();
    for n in 0..50 {
        say(&mut ada, &format!("after {n}")).await;
    }
    stored(&web).await;
    let took = died.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(http::records(web.address, "room1").await.len(), 100);
}

#[tokio::test]
async fn a_server_that_is_killed_loses_nothing_that_it_acknowledged() {
    let cluster = Cluster::new().await;
    let (mut one, two, _consumer) = (
        cluster.web().await,
        cluster.web().await,
        cluster.consumer().await,
    );
    let mut ada = Client::join(one.address, &Person::new("Ada"), &["room1"]).await;
    let mut acked = Vec::new();
    for n in 0..100 {
        acked.push(
            say(&mut ada, &format!("{n}")).await["seq"]
                .as_i64()
                .unwrap(),
        );
    }
    one.kill().await;
    stored(&two).await;
    let records = http::records(two.address, "room1").await;
    let seqs: Vec<_> = records
        .iter()
        .map(|record| record["seq"].as_i64().unwrap())
        .collect();
    assert_eq!(seqs, acked);
}

#[tokio::test]
async fn a_broker_that_is_killed_loses_nothing_and_doubles_nothing() {
    let mut broker = Kafka::start().await;
    let mut cluster = Cluster::new().await;
    cluster.kafka = broker.address();
    let (one, two, _consumer) = (
        cluster.web().await,
        cluster.web().await,
        cluster.consumer().await,
    );
    let mut ada = Client::join(one.address, &Person::new("Ada"), &[]).await;
    let mut reader = Client::guest(two.address, &["room1"]).await;
    let mut acks = BTreeMap::new();
    for n in 0..20 {
        let text = format!("before {n}");
        acks.insert(text.clone(), ada.say("room1", &text).await);
    }
    stored(&two).await;

    // Some of these are caught in flight.
    let mut sends = Vec::new();
    for n in 0..10 {
        let text = format!("caught {n}");
        sends.push((ada.post("room1", &text).await, text, Instant::now()));
    }
    broker.kill().await;
    for n in 0..3 {
        let text = format!("meanwhile {n}");
        sends.push((ada.post("room1", &text).await, text, Instant::now()));
    }
    let mut open = Vec::new();
    for (cid, text, sent) in sends {
        let answer = ada.answer(&cid).await;
        let took = sent.elapsed();
        assert!(took < Duration::from_secs(15), "{took:?}");
        if answer.event == "message:ack" {
            assert!(!text.starts_with("meanwhile"), "{answer:?}");
            acks.insert(text, answer.data);
            continue;
        }
        let code = answer["code"].as_str().unwrap();
        assert!(
            answer["retry"] == true && ["outcome_unknown", "unavailable"].contains(&code),
            "{answer:?}"
        );
        open.push((cid, text));
    }
    let page = reader.page(json!({"room": "room1", "limit": 20})).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 20, "{page}");
    let older = reader.page(json!({"room": "room1", "before": 10})).await;
    assert_eq!(older["items"].as_array().unwrap().len(), 10, "{older}");
    assert!(http::records(one.address, "room1").await.len() >= 20);
    Client::guest(one.address, &["room1", "room2"]).await;
    eventually("health says so", async || {
        let health = http::get(one.address, "/healthz").await.json();
        health["store"] == "up" && health["log"] == "down"
    })
    .await;

    broker.restart().await;
    for (cid, text) in open {
        let ack = ada.post_until_taken(&cid, "room1", &text).await;
        acks.insert(text, ack.data);
    }
    let last = ada.say("room1", "after").await;
    acks.insert("after".to_owned(), last.clone());
    stored(&two).await;

    assert_eq!(acks.len(), 34, "every send was acknowledged");
    let acked: BTreeMap<_, _> = acks
        .iter()
        .map(|(text, ack)| (text.clone(), at(ack)))
        .collect();
    let mut heard = Vec::new();
    while heard.last() != last["seq"].as_i64().as_ref() {
        heard.push(reader.take("message").await["seq"].as_i64().unwrap());
    }
    for server in [&one, &two] {
        let records = http::records(server.address, "room1").await;
        let seqs: Vec<_> = records
            .iter()
            .map(|record| record["seq"].as_i64().unwrap())
            .collect();
        assert_eq!(seqs, heard, "the reader has heard every record, in order");
        let messages = records.iter().filter(|record| record["kind"] == "message");
        let stands: Vec<_> = messages
            .map(|record| (record["message"].as_str().unwrap().to_owned(), at(record)))
            .collect();
        assert_eq!(stands.len(), 34, "{stands:?}");
        assert_eq!(stands.into_iter().collect::<BTreeMap<_, _>>(), acked);
    }
}

/// Which message this is, and where it stands.
fn at(message: &Value) -> (Value, Value) {
    (message["id"].clone(), message["seq"].clone())
}
