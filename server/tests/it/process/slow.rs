//! Readers that do not keep up: they lose live frames and are told so, and nobody else and no memory suffers.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpSocket;

use crate::support::{Client, Got, Person, Process, View, eventually, http, view::row, within};

/// Enough to fill every buffer between the server and a reader that does not read.
const MESSAGES: usize = 3_000;
const SIZE: usize = 4_000;

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
    let acks = ada
        .say_all(
            "room1",
            (0..MESSAGES).map(|n| format!("{n} {}", "x".repeat(SIZE))),
        )
        .await;
    acks.last().unwrap()["seq"].as_i64().unwrap()
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
async fn talk(address: SocketAddr, room: &str, until: impl Fn() -> bool) -> Vec<Duration> {
    let mut ada = Client::join(address, &Person::new("Ada"), &[]).await;
    let mut bob = Client::join(address, &Person::new("Bob"), &[room]).await;
    let mut times = Vec::new();
    while !until() {
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
    for _ in 0..20 {
        slow.push(narrow(address).await);
    }
    let mut fast_view = View::default();
    let (mut fast, _) = Client::hello(address, json!({"v": 1, "rooms": [{"room": "room1"}]})).await;
    let before = process.resident();
    let done = std::sync::atomic::AtomicBool::new(false);
    let reading = async {
        while fast_view.last("room1") < i64::try_from(MESSAGES).unwrap() - 1 {
            let Got::Frame(frame) = within("a live frame", fast.got()).await else {
                panic!("the fast reader was closed")
            };
            assert_eq!(
                fast_view.apply(frame),
                None,
                "a reader that keeps up never has to ask"
            );
        }
    };
    let flooding = async {
        let began = Instant::now();
        let last = flood(address).await;
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        println!("the flood took {:?}", began.elapsed());
        last
    };
    let talking = talk(address, "room2", || {
        done.load(std::sync::atomic::Ordering::Relaxed)
    });
    let (last, (), times) = tokio::join!(flooding, reading, talking);
    let after = process.resident();

    // All at once: whoever is stuck for ten seconds would be closed.
    let woken = slow.into_iter().map(|mut client| async move {
        let mut view = View::default();
        read_to(&mut client, &mut view, last).await;
        view
    });
    let views = futures::future::join_all(woken).await;
    let rows: Vec<_> = http::records(address, "room1")
        .await
        .iter()
        .map(row)
        .collect();
    assert_eq!(fast_view.messages("room1"), rows);
    let mut resyncs = 0;
    for view in &views {
        let seen = view.messages("room1");
        assert_eq!(seen.last(), rows.last());
        // A long gap may end in a reset; without one nothing is missing.
        assert!(
            view.resets > 0 || seen == rows,
            "{} of {}",
            seen.len(),
            rows.len()
        );
        assert!(view.resyncs > 0, "a reader that missed frames is told so");
        resyncs += view.resyncs;
    }
    let p99 = times[times.len() * 99 / 100];
    println!(
        "{MESSAGES} messages of {SIZE} bytes, 20 slow readers: {resyncs} resyncs; memory {before} → {after} KiB; \
         in another room {} messages: p50 {:?}, p99 {p99:?}, slowest {:?}",
        times.len(),
        times[times.len() / 2],
        times.last().unwrap(),
    );
    assert!(p99 < Duration::from_secs(1), "{p99:?}");
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
