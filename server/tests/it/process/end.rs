//! Ending by a signal: exit code 0 within ten seconds, whatever is going on.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    Client, Frame, Got, Person, Process, cid, eventually, files::Held, http, within,
};

#[tokio::test]
async fn a_quiet_server_ends_at_once_with_0() {
    for signal in ["TERM", "INT"] {
        let folder = TempDir::new().unwrap();
        let mut process = Process::start(folder.path()).await;
        let began = Instant::now();
        process.signal(signal).await;
        assert_eq!(process.ended().await.code(), Some(0), "SIG{signal}");
        assert!(
            began.elapsed() < Duration::from_secs(3),
            "{:?}",
            began.elapsed()
        );
    }
}

/// Writes one message after the other until the server says good bye: the acknowledged ids, and the `bye`.
async fn write_to_the_end(address: SocketAddr) -> (Vec<Value>, Frame) {
    let mut client = Client::join(address, &Person::new("Ada"), &[]).await;
    let (mut acked, mut bye) = (Vec::new(), None);
    let mut post = true;
    loop {
        if post && bye.is_none() {
            let data = json!({"cid": cid(), "attempt": 1, "room": "room1", "message": "Hello"});
            let text = json!({"event": "event:message", "data": data}).to_string();
            client.try_message(Message::text(text)).await;
        }
        post = true;
        match within("an answer", client.got()).await {
            Got::Frame(frame) => match frame.event.as_str() {
                "message:ack" => acked.push(frame["id"].clone()),
                "message:nack" => assert_eq!(frame["code"], "shutting_down"),
                "bye" => bye = Some(frame),
                _ => post = false,
            },
            Got::Closed(code) => {
                assert_eq!(code, Some(1012));
                return (acked, bye.expect("bye before the end"));
            }
        }
    }
}

#[tokio::test]
async fn a_server_in_mid_load_ends_within_ten_seconds_with_0_and_loses_no_ack() {
    let folder = TempDir::new().unwrap();
    let mut process = Process::start(folder.path()).await;
    let address = process.address;
    let writers: Vec<_> = (0..4)
        .map(|_| tokio::spawn(write_to_the_end(address)))
        .collect();
    eventually("some traffic", async || {
        http::get(address, "/healthz").await.json()["partitions"][0]["end"]
            .as_i64()
            .unwrap()
            > 300
    })
    .await;
    let began = Instant::now();
    process.signal("TERM").await;
    let mut acked = Vec::new();
    for writer in writers {
        let (own, bye) = within("a writer", writer).await.unwrap();
        assert_eq!(bye["why"], "shutting_down");
        assert!((0..=10_000).contains(&bye["reconnectMs"].as_u64().unwrap()));
        acked.extend(own);
    }
    assert_eq!(process.ended().await.code(), Some(0));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    let process = Process::start(folder.path()).await;
    let stored = http::records(process.address, "room1").await;
    let lost = acked
        .iter()
        .filter(|id| !stored.iter().any(|record| record["id"] == **id))
        .count();
    println!(
        "SIGTERM in mid-load: gone after {took:?}, {} acks, {lost} lost",
        acked.len()
    );
    assert_eq!(lost, 0);
}

#[tokio::test]
async fn a_log_that_stands_still_and_a_client_that_is_deaf_hold_the_end_up_for_less_than_ten_seconds()
 {
    let folder = TempDir::new().unwrap();
    let mut process = Process::start(folder.path()).await;
    let mut ada = Client::join(process.address, &Person::new("Ada"), &[]).await;
    ada.say("room1", "to be known").await;
    let _deaf = Client::guest(process.address, &["room1"]).await;
    let _held = Held::take(&folder.path().join("log.db")).await;
    ada.post("room1", "on its way").await;
    ada.heard().await;
    let began = Instant::now();
    process.signal("TERM").await;
    assert_eq!(process.ended().await.code(), Some(0));
    let took = began.elapsed();
    println!("SIGTERM while the log stands still: gone after {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}
