//! Nobody stores, or two believe that they do.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use server::log::{
    MessageLog as _,
    kafka::{KafkaConfig, KafkaLog},
};
use tokio::time::Instant;

use super::{Cluster, count, stored};
use crate::{
    contract::record,
    support::{Client, Person, Proxy, eventually, http, proxy::authority},
};

#[tokio::test]
async fn without_any_consumer_joiners_see_everything_on_old_and_new_servers() {
    let cluster = Cluster::new().await;
    let old = cluster.web().await;
    let mut ada = Client::join(old.address, &Person::new("Ada"), &["room1"]).await;
    for n in 0..60 {
        ada.say("room1", &format!("{n}")).await;
    }
    let new = cluster.web().await;
    let seen = http::records(old.address, "room1").await;
    assert_eq!(seen.len(), 60);
    for server in [&old, &new] {
        let mut reader = Client::guest(server.address, &[]).await;
        reader.send("join:room", json!({"room": "room1"})).await;
        let joined = reader.take("room:joined").await;
        assert_eq!(
            (&joined["head"], &joined["more"]),
            (&json!(59), &json!(true))
        );
        assert_eq!(http::records(server.address, "room1").await, seen);
    }
    assert_eq!(
        count(&cluster.database, "SELECT count(*) FROM messages").await,
        0
    );
    let _consumer = cluster.consumer().await;
    stored(&new).await;
    assert_eq!(http::records(new.address, "room1").await, seen);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_was_stopped_beyond_its_lease_stores_nothing_twice() {
    let cluster = Cluster::new().await;
    let (web, first) = (cluster.web().await, cluster.consumer().await);
    let mut ada = Client::join(web.address, &Person::new("Ada"), &["room1"]).await;
    say_many(&mut ada, "before", 50).await;
    let _second = cluster.consumer().await;
    first.signal("STOP").await;
    say_many(&mut ada, "meanwhile", 50).await;
    stored(&web).await;
    first.signal("CONT").await;
    say_many(&mut ada, "after", 50).await;
    stored(&web).await;
    assert_eq!(http::records(web.address, "room1").await.len(), 150);
    assert_eq!(
        count(
            &cluster.database,
            "SELECT count(*) FROM messages WHERE kind = 'message'"
        )
        .await,
        150
    );
    assert_eq!(
        count(&cluster.database, "SELECT count(*) FROM messages").await,
        150
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_vanishes_in_the_middle_of_a_transaction_holds_nobody_up() {
    let mut cluster = Cluster::new().await;
    let web = cluster.web().await;
    let direct = cluster.database.clone();
    let wire = Proxy::to(&authority(&direct)).await;
    cluster.database = wire.url(&direct);
    let _first = cluster.consumer().await;
    cluster.database = direct.clone();
    let mut ada = Client::join(web.address, &Person::new("Ada"), &["room1"]).await;
    say_many(&mut ada, "before", 20).await;
    let _second = cluster.consumer().await;
    // The wire hangs while rows go through it, with a transaction open as often as not.
    let writing = say_many(&mut ada, "meanwhile", 200);
    let hanging = async {
        eventually("rows go through the wire", async || {
            count(&direct, "SELECT count(*) FROM messages").await >= 60
        })
        .await;
        wire.hang();
        Instant::now()
    };
    let ((), hung) = tokio::join!(writing, hanging);
    stored(&web).await;
    let took = hung.elapsed();
    assert!(took < Duration::from_secs(15), "{took:?}");
    wire.open();
    say_many(&mut ada, "after", 20).await;
    stored(&web).await;
    assert_eq!(count(&direct, "SELECT count(*) FROM messages").await, 240);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_is_behind_stores_in_large_batches() {
    const RECORDS: usize = 10_000;
    let cluster = Cluster::new().await;
    let log = KafkaLog::open(KafkaConfig {
        brokers: vec![cluster.kafka.clone()],
        topic: cluster.topic.clone(),
        partitions: 4,
        replication_factor: 1,
        tls_ca_file: None,
        sasl: None,
    })
    .await
    .unwrap();
    for _ in 0..RECORDS / 1_000 {
        let appends = (0..1_000).map(|n| log.append(0, record(&format!("record {n}"))));
        assert!(join_all(appends).await.iter().all(Result::is_ok));
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let began = Instant::now();
    let listen = format!("--metrics-listen={address}");
    let _consumer = cluster.start("consumer", &[&listen]).await;
    let figure = async |name: &str| -> f64 {
        let text = http::get(address, "/metrics").await.text();
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("{name} ")));
        line.map_or(0.0, |line| {
            line.rsplit(' ').next().unwrap().parse().unwrap()
        })
    };
    eventually("everything is stored", async || {
        figure("sphere_stored_records_total").await >= RECORDS as f64
    })
    .await;
    let batches = figure("sphere_stored_batches_total").await;
    let took = began.elapsed();
    println!("{RECORDS} records in {batches} transactions, {took:?} with the start of the process");
    assert!(RECORDS as f64 / batches >= 100.0, "{batches} transactions");
    let rows = "SELECT count(*) FROM messages WHERE kind = 'message'";
    assert_eq!(count(&cluster.database, rows).await, 10_000);
}

/// Says so many things in room 1, each after the one before was acknowledged.
async fn say_many(client: &mut Client, what: &str, count: usize) {
    for n in 0..count {
        client.say("room1", &format!("{what} {n}")).await;
    }
}
