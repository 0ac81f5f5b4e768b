//! Readers that do not keep up: they lose live frames and are told so, and nobody else and no memory suffers.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpSocket;

use crate::support::{Client, Got, Person, Process, View, eventually, http, view::row, within};

/// Together more than fills every buffer between the server and a reader that does not read: the kernel's alone hold four
/// megabytes and more. Few and large, so that it is said in a moment: JSON writes six bytes for each of these characters.
const MESSAGES: usize = 500;
const CHARACTERS: usize = 4_000;
/// Readers that do not read.
const SLOW: usize = 10;

/// A guest in room1 whose connection holds very little.
async fn narrow(address: SocketAddr) -> Client {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let stream = socket.connect(address).await.unwrap();
    let mut client = Client::over(stream, address, &[]).await.unwrap();
    client
        .send("hello", json!({"v": 1, "rooms": [{"room": "room1"}]}))
        .await;
    client
}

/// Says so much that nobody can miss it; the `seq` of the last word.
async fn flood(address: SocketAddr) -> i64 {
    let mut ada = Client::join(address, &Person::new("Ada"), &[]).await;
    let mut last = 0;
    // Not more at once than a queue may hold: whoever reads keeps up.
    for part in (0..MESSAGES).collect::<Vec<_>>().chunks(16) {
        let texts = part
            .iter()
            .map(|n| format!("{n} {}", "\u{1}".repeat(CHARACTERS)));
        let acks = ada.say_all("room1", texts).await;
        last = acks.last().unwrap()["seq"].as_i64().unwrap();
    }
    last
}

/// Follows the protocol's rules until the view stands at this `seq`.
async fn read_to(client: &mut Client, view: &mut View, last: i64) {
    while view.last("room1") < last {
        match within("the last record", client.got()).await {
            Got::Frame(frame) => {
                if let Some(sync) = view.apply(frame) {
                    client.send("sync:room", sync).await;
                }
            }
            Got::Closed(code) => panic!("closed with {code:?}"),
        }
    }
}

/// Two people in another room of the same server: how long each message took.
async fn talk(address: SocketAddr, room: &str, done: Arc<AtomicBool>) -> Vec<Duration> {
    let mut ada = Client::join(address, &Person::new("Ada"), &[]).await;
    let mut bob = Client::join(address, &Person::new("Bob"), &[room]).await;
    let mut times = Vec::new();
    while !done.load(Ordering::Relaxed) {
        let sent = Instant::now();
        let ack = ada.say(room, "Hello").await;
        bob.find("the message", |frame| frame["id"] == ack["id"])
            .await;
        times.push(sent.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    times.sort();
    times
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_readers_are_told_what_they_missed_and_nobody_else_notices() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path()).await;
    let address = process.address;
    let mut slow = Vec::new();
    for _ in 0..SLOW {
        slow.push(narrow(address).await);
    }
    let mut fast_view = View::default();
    let (mut fast, _) = Client::hello(address, json!({"v": 1, "rooms": [{"room": "room1"}]})).await;
    let before = process.resident();
    let done = Arc::new(AtomicBool::new(false));
    let talking = tokio::spawn(talk(address, "room2", Arc::clone(&done)));
    let flooding = tokio::spawn(async move {
        let began = Instant::now();
        (flood(address).await, began.elapsed())
    });
    read_to(
        &mut fast,
        &mut fast_view,
        i64::try_from(MESSAGES).unwrap() - 1,
    )
    .await;
    let (last, took) = flooding.await.unwrap();
    done.store(true, Ordering::Relaxed);
    let after = process.resident();

    // All at once: whoever is stuck for ten seconds would be closed.
    let woken = slow.into_iter().map(|mut client| async move {
        let mut view = View::default();
        read_to(&mut client, &mut view, last).await;
        view
    });
    let views = futures::future::join_all(woken).await;
    let times = talking.await.unwrap();
    let rows: Vec<_> = http::records(address, "room1")
        .await
        .iter()
        .map(row)
        .collect();
    assert_eq!(fast_view.messages("room1"), rows);
    let mut resyncs = 0;
    for view in &views {
        let seen = view.messages("room1");
        assert_eq!(
            seen.len(),
            rows.len(),
            "once it has asked, nothing is missing"
        );
        assert!(seen == rows, "and everything is the same");
        assert!(view.resyncs > 0, "a reader that missed frames is told so");
        resyncs += view.resyncs;
    }
    let p99 = times[times.len() * 99 / 100];
    println!(
        "{MESSAGES} messages of {CHARACTERS} characters in {took:?}, {SLOW} slow readers: {resyncs} resyncs, {} of the one that kept up; memory {before} → {after} KiB; \
         in another room {} messages: p50 {:?}, p99 {p99:?}, slowest {:?}",
        fast_view.resyncs,
        times.len(),
        times[times.len() / 2],
        times.last().unwrap(),
    );
    assert!(p99 < Duration::from_secs(2), "{p99:?}");
    assert!(after < before + 100 * 1024, "{before} → {after} KiB");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_never_reads_is_closed_with_4508() {
    let folder = TempDir::new().unwrap();
    let process = Process::start(folder.path()).await;
    let mut wakes_up = narrow(process.address).await;
    let _never_wakes_up = narrow(process.address).await;
    flood(process.address).await;
    // A write may take ten seconds; then the reader counts as slow, and hears so if it ever reads again.
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert_eq!(wakes_up.closed().await, Some(4508));
    eventually("no socket left", async || {
        http::get(process.address, "/healthz").await.json()["sockets"] == 0
    })
    .await;
}
