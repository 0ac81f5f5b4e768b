//! PostgreSQL hangs, or is cut off: live chat goes on for known people, everything else says to come back, and nothing
//! waits for ever.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{Cluster, count, execute, stored};
use crate::support::{Client, Person, Proxy, eventually, http, proxy::authority, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_hangs_people_talk_on_and_nothing_hangs_with_it() {
    without_the_database(Proxy::hang).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_cut_off_people_talk_on_and_nothing_hangs_with_it() {
    without_the_database(Proxy::cut).await;
}

async fn without_the_database(fault: fn(&Proxy)) {
    let mut cluster = Cluster::new().await;
    let direct = cluster.database.clone();
    let wire = Proxy::to(&authority(&direct)).await;
    cluster.database = wire.url(&direct);
    let (web, _consumer) = (cluster.web().await, cluster.consumer().await);
    let mut ada = Client::join(web.address, &Person::new("Ada"), &["room1"]).await;
    let mut bob = Client::join(web.address, &Person::new("Bob"), &["room1"]).await;
    ada.say("room1", "before").await;
    bob.take("message").await;
    stored(&web).await;

    fault(&wire);
    let began = Instant::now();
    for n in 0..20 {
        let ack = ada.say("room1", &format!("meanwhile {n}")).await;
        assert_eq!(bob.take("message").await["id"], ack["id"]);
    }
    let took = began.elapsed();
    assert!(
        took < Duration::from_secs(5),
        "known people do not wait for the store: {took:?}"
    );
    for _ in 0..4 {
        let asked = Instant::now();
        let page = bob.ask(json!({"room": "room1", "before": 9})).await;
        assert_eq!(
            (page.event.as_str(), &page["code"]),
            ("room:error", &json!("unavailable"))
        );
        assert_eq!(page["retry"], true, "{page:?}");
        assert!(
            asked.elapsed() < Duration::from_secs(5),
            "{:?}",
            asked.elapsed()
        );
    }
    let unbound = bob.post("room1", "new").await;
    let nack = bob.nack(&unbound).await;
    assert_eq!(
        (&nack["code"], &nack["retry"]),
        (&json!("unavailable"), &json!(true))
    );
    let asked = Instant::now();
    let answer = http::get(web.address, "/api/rooms/room1/messages").await;
    assert_eq!(answer.status, 503);
    Client::guest(web.address, &[]).await;
    eventually("health says so", async || {
        let health = http::get(web.address, "/healthz").await.json();
        health["store"] == "down" && health["log"] == "up"
    })
    .await;
    assert_eq!(http::get(web.address, "/readyz").await.status, 200);
    assert!(
        asked.elapsed() < Duration::from_secs(20),
        "{:?}",
        asked.elapsed()
    );

    wire.open();
    let healed = Instant::now();
    eventually("pages to come back", async || {
        bob.ask(json!({"room": "room1"})).await.event == "room:page"
    })
    .await;
    stored(&web).await;
    let took = healed.elapsed();
    assert!(took < Duration::from_secs(15), "back after {took:?}");
    // Calls that began in the outage may still end, and give the store a moment's rest.
    let mut attempt = 2;
    eventually("the send is taken", async || {
        bob.post_again(&unbound, attempt, "room1", "new").await;
        attempt += 1;
        bob.answer(&unbound).await.event == "message:ack"
    })
    .await;
    stored(&web).await;
    assert_eq!(http::records(web.address, "room1").await.len(), 22);
    assert_eq!(count(&direct, "SELECT count(*) FROM messages").await, 22);
    assert_eq!(count(&direct, "SELECT count(*) FROM dead_letters").await, 0);
}

#[tokio::test]
async fn a_server_does_not_wait_for_ever_for_a_database_that_hangs_when_it_starts() {
    let mut cluster = Cluster::new().await;
    let wire = Proxy::to(&authority(&cluster.database)).await;
    wire.hang();
    cluster.database = wire.url(&cluster.database);
    let mut process = cluster.spawn("web", &[]).await;
    let status = within("the end of the start", process.ended()).await;
    assert_eq!(status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_was_restored_from_a_backup_is_made_whole_from_the_log() {
    let cluster = Cluster::new().await;
    let (web, mut consumer) = (cluster.web().await, cluster.consumer().await);
    let mut ada = Client::join(web.address, &Person::new("Ada"), &["room1"]).await;
    for n in 0..60 {
        ada.say("room1", &format!("{n}")).await;
    }
    stored(&web).await;
    let told = http::records(web.address, "room1").await;
    consumer.kill().await;
    // As a backup has it: rows and offsets of one moment.
    execute(
        &cluster.database,
        "WITH gone AS (DELETE FROM messages WHERE seq >= 20) \
         UPDATE log_offsets SET next_offset = 20 WHERE next_offset > 20",
    )
    .await;
    assert_eq!(
        count(&cluster.database, "SELECT count(*) FROM messages").await,
        20
    );
    let new = cluster.web().await;
    assert_eq!(http::records(new.address, "room1").await, told);

    let _another = cluster.consumer().await;
    ada.say("room1", "after").await;
    eventually("everything is stored again", async || {
        count(&cluster.database, "SELECT count(*) FROM messages").await == 61
    })
    .await;
    for server in [&web, &new] {
        let now = http::records(server.address, "room1").await;
        assert_eq!(now[..60], told[..]);
        assert_eq!(now.len(), 61);
    }
}
