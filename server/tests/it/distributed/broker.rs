//! Kafka hangs, is cut off, holds junk, is made anew, or gets more partitions.

use std::{process::Stdio, time::Duration};

use serde_json::json;
use sphere_protocol::{Cid, Timestamp};
use tokio::time::Instant;

use super::{Cluster, count, stored};
use crate::support::{
    Client, Person, Process, Proxy, cid, eventually, http,
    process::{binary, command, output},
    server::UNLIMITED,
    services, topic,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_broker_hangs_sends_are_refused_in_time_and_nothing_is_doubled_afterwards() {
    without_the_broker(Proxy::hang).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_broker_is_gone_sends_are_refused_in_time_and_nothing_is_doubled_afterwards() {
    without_the_broker(Proxy::cut).await;
}

async fn without_the_broker(fault: fn(&Proxy)) {
    let mut cluster = Cluster::new().await;
    let wire = Proxy::to_kafka(&cluster.kafka).await;
    cluster.kafka = wire.address();
    let (web, _consumer) = (cluster.web().await, cluster.consumer().await);
    let mut ada = Client::join(web.address, &Person::new("Ada"), &["room1"]).await;
    for n in 0..3 {
        ada.say("room1", &format!("before {n}")).await;
    }
    stored(&web).await;

    fault(&wire);
    let mut open = Vec::new();
    for n in 0..5 {
        let sent = Instant::now();
        let cid = ada.post("room1", &format!("meanwhile {n}")).await;
        let nack = ada.nack(&cid).await;
        let took = sent.elapsed();
        assert_eq!(nack["retry"], true, "{nack}");
        assert!(
            nack["code"] == "outcome_unknown" || nack["code"] == "unavailable",
            "{nack}"
        );
        assert!(took < Duration::from_secs(15), "{took:?}");
        open.push(cid);
    }
    let page = ada.page(json!({"room": "room1"})).await;
    assert_eq!(
        page["items"].as_array().unwrap().len(),
        3,
        "reading goes on"
    );
    Client::guest(web.address, &["room1", "room2"]).await;
    eventually("health says so", async || {
        let health = http::get(web.address, "/healthz").await.json();
        health["store"] == "up" && health["log"] == "down"
    })
    .await;

    wire.open();
    for (n, cid) in open.iter().enumerate() {
        let mut attempt = 2;
        eventually("the send is taken", async || {
            ada.post_again(cid, attempt, "room1", &format!("meanwhile {n}"))
                .await;
            attempt += 1;
            ada.answer(cid).await.event == "message:ack"
        })
        .await;
    }
    ada.say("room1", "after").await;
    stored(&web).await;
    let records = http::records(web.address, "room1").await;
    let texts: Vec<_> = records
        .iter()
        .filter(|record| record["kind"] == "message")
        .map(|record| record["message"].as_str().unwrap())
        .collect();
    let mut once = texts.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!((texts.len(), once.len()), (9, 9), "{texts:?}");
}

#[tokio::test]
async fn an_unreadable_record_is_put_aside_and_the_next_one_goes_on() {
    let cluster = Cluster::new().await;
    let (web, _consumer) = (cluster.web().await, cluster.consumer().await);
    let mut ada = Client::join(web.address, &Person::new("Ada"), &["room1"]).await;
    ada.say("room1", "before").await;
    topic::append(&cluster.topic, 0, b"not JSON", 1).await;
    topic::append(&cluster.topic, 0, br#"{"v":99}"#, 1).await;
    let ack = ada.say("room1", "after").await;
    assert_eq!(ack["seq"], 3);
    stored(&web).await;
    assert_eq!(http::records(web.address, "room1").await.len(), 2);
    let kept = "SELECT count(*) FROM dead_letters WHERE payload = 'not JSON'::bytea OR seq = 2";
    assert_eq!(count(&cluster.database, kept).await, 2);
}

#[tokio::test]
async fn unreadable_records_are_put_aside_however_many_and_whatever_is_in_them() {
    let cluster = Cluster::new().await;
    let (web, _consumer) = (cluster.web().await, cluster.consumer().await);
    let mut ada = Client::join(web.address, &Person::new("Ada"), &["room1"]).await;
    ada.say("room1", "before").await;
    // More than PostgreSQL takes with one statement.
    topic::append(&cluster.topic, 0, b"?", 14_000).await;
    // The decoder names what it does not like, and PostgreSQL takes no NUL.
    topic::append(&cluster.topic, 0, br#"{"v":1,"id":"\u0000"}"#, 1).await;
    let mut record = server::log::Record::room_deleted(
        "room1".into(),
        Cid::parse(&cid()).unwrap(),
        Timestamp(0),
    );
    record.user_image = "\0".to_owned();
    topic::append(&cluster.topic, 0, &record.encode(), 1).await;
    assert_eq!(ada.say("room1", "after").await["seq"], 14_003);
    stored(&web).await;
    assert_eq!(http::records(web.address, "room1").await.len(), 2);
    let kept = "SELECT count(*) FROM dead_letters";
    assert_eq!(count(&cluster.database, kept).await, 14_002);
}

#[tokio::test]
async fn a_topic_that_was_made_anew_stops_servers_loudly_until_a_new_epoch_is_begun() {
    let cluster = Cluster::new().await;
    let lines = tempfile::NamedTempFile::new().unwrap();
    let mut loud = command(binary());
    loud.stderr(Stdio::from(lines.reopen().unwrap()));
    let flags = cluster.flags("all", &UNLIMITED);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let mut server = Process::spawn_under(loud, cluster.folder.path(), &flags).await;
    server.ready().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &["room1"]).await;
    for n in 0..3 {
        ada.say("room1", &format!("{n}")).await;
    }
    stored(&server).await;
    topic::recreate(&cluster.topic, 4).await;
    assert_eq!(server.ended().await.code(), Some(1));
    let said = std::fs::read_to_string(lines.path()).unwrap();
    assert!(said.contains("was truncated, recreated"), "{said}");

    let refused = output(&flags, &[]).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("do not belong together"), "{said}");

    let command: Vec<&str> = flags.iter().copied().chain(["log", "new-epoch"]).collect();
    assert!(output(&command, &[]).await.status.success());
    let server = cluster.start("all", &UNLIMITED).await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &["room1"]).await;
    assert_eq!(ada.say("room1", "again").await["seq"], 3);
    stored(&server).await;
    assert_eq!(http::records(server.address, "room1").await.len(), 4);
}

#[tokio::test]
async fn a_cluster_with_a_wire_names_the_wire_only() {
    let wire = Proxy::to_kafka(&services::kafka()).await;
    let mut cluster = Cluster::new().await;
    cluster.kafka = wire.address();
    let web = cluster.web().await;
    wire.cut();
    eventually("the log is away", async || {
        http::get(web.address, "/healthz").await.json()["log"] == "down"
    })
    .await;
}
