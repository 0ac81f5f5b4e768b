//! Redis forgets everything, or hangs: messages arrive all the same.

use std::time::Duration;

use tokio::time::Instant;

use super::Cluster;
use crate::support::{Client, Person, Proxy, eventually, http, proxy::authority};

/// A limit is on, so every send asks Redis.
const LIMITED: [&str; 2] = ["--rate-per-second=1000", "--rate-burst=1000"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_hangs_messages_arrive_within_a_second_on_every_server() {
    let mut cluster = Cluster::new().await;
    let wire = Proxy::to(&authority(&cluster.redis.url())).await;
    cluster.redis_url = wire.url(&cluster.redis.url());
    let one = cluster.start("web", &LIMITED).await;
    let two = cluster.start("web", &LIMITED).await;
    let mut ada = Client::join(one.address, &Person::new("Ada"), &["room1"]).await;
    let mut reader = Client::guest(two.address, &["room1"]).await;
    ada.say("room1", "with").await;
    reader.take("message").await;
    wire.hang();
    for n in 0..10 {
        let sent = Instant::now();
        let ack = ada.say("room1", &format!("without {n}")).await;
        assert_eq!(reader.take("message").await["id"], ack["id"]);
        assert!(
            sent.elapsed() < Duration::from_secs(1),
            "{:?}",
            sent.elapsed()
        );
    }
    eventually("health says so", async || {
        http::get(one.address, "/healthz").await.json()["bus"] == "down"
    })
    .await;
    wire.open();
    eventually("Redis is back", async || {
        http::get(one.address, "/healthz").await.json()["bus"] == "up"
    })
    .await;
    let ack = ada.say("room1", "again").await;
    assert_eq!(reader.take("message").await["id"], ack["id"]);
}

#[tokio::test]
async fn a_redis_that_has_forgotten_everything_changes_nothing() {
    let cluster = Cluster::new().await;
    let one = cluster.start("web", &LIMITED).await;
    let two = cluster.start("web", &LIMITED).await;
    let mut ada = Client::join(one.address, &Person::new("Ada"), &["room1"]).await;
    let mut reader = Client::guest(two.address, &["room1"]).await;
    for n in 0..20 {
        if n % 5 == 0 {
            cluster.redis.command("FLUSHALL\r\n").await;
            cluster.redis.command("SCRIPT FLUSH\r\n").await;
        }
        let ack = ada.say("room1", &format!("{n}")).await;
        assert_eq!(reader.take("message").await["id"], ack["id"]);
    }
}
