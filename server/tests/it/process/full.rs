//! A full disk: nothing that cannot be kept is acknowledged, what is kept stays readable, and room heals everything.
//!
//! The limit of a file's size stands in for the disk: it fails every write to a file, and is taken back while the server
//! runs. With the signal ignored a write fails as on a full disk.

use std::{
    io::{BufRead as _, BufReader, PipeReader},
    process::Stdio,
};

use serde_json::json;
use tempfile::TempDir;

use crate::support::{
    Client, Person, Process, eventually,
    files::{self, Held},
    http,
    process::{binary, command},
    server::UNLIMITED,
    within,
};

/// Lets the server's files grow no more, or again.
async fn limit(server: &Process, bytes: &str) {
    let limited = command("prlimit")
        .arg(format!("--pid={}", server.id()))
        .arg(format!("--fsize={bytes}:unlimited"))
        .status()
        .await
        .expect("prlimit is missing: install util-linux");
    assert!(limited.success());
}

/// Reads the server's log lines up to one with these words, and the rest as well, so that no line finds a closed pipe.
async fn said(lines: PipeReader, words: &'static str) {
    let (found, heard) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut found = Some(found);
        for line in BufReader::new(lines).lines().map_while(Result::ok) {
            if line.contains(words)
                && let Some(found) = found.take()
            {
                let _ = found.send(());
            }
        }
    });
    within(words, heard).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_acknowledges_nothing_and_room_heals_everything() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let (lines, stderr) = std::io::pipe().unwrap();
    let mut deaf = command("sh");
    deaf.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(binary())
        .stderr(Stdio::from(stderr));
    let server = Process::spawn_under(deaf, &data, &UNLIMITED).await;
    server.ready().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &["room1"]).await;
    let mut bob = Client::guest(server.address, &["room1"]).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(ada.say("room1", &format!("before {n}")).await["id"].clone());
    }

    let store = data.join("store.db");
    let rows = async || files::count(&store, "SELECT COUNT(*) FROM messages").await;
    eventually("everything is stored", async || rows().await == 5).await;
    // This one is in the log and not yet in the store when the disk is full.
    let held = Held::take(&store).await;
    ids.push(ada.say("room1", "held up").await["id"].clone());
    limit(&server, "0").await;
    held.release().await;
    said(lines, "the consumer waits for the store").await;
    assert_eq!(rows().await, 5);
    let mut open = Vec::new();
    for n in 0..5 {
        let text = format!("meanwhile {n}");
        let cid = ada.post("room1", &text).await;
        let nack = ada.nack(&cid).await;
        assert_eq!(
            (&nack["code"], &nack["retry"]),
            (&json!("outcome_unknown"), &json!(true)),
            "{nack}"
        );
        open.push((cid, text));
    }
    let mut lin = Client::join(server.address, &Person::new("Lin"), &[]).await;
    let unbound = lin.post("room2", "new").await;
    let nack = lin.nack(&unbound).await;
    assert_eq!(
        (&nack["code"], &nack["retry"]),
        (&json!("unavailable"), &json!(true)),
        "{nack}"
    );
    let page = bob.page(json!({"room": "room1"})).await;
    assert_eq!(
        page["items"].as_array().unwrap().len(),
        6,
        "reading goes on"
    );
    Client::guest(server.address, &["room1", "room2"]).await;
    assert_eq!(http::get(server.address, "/readyz").await.status, 200);

    limit(&server, "unlimited").await;
    lin.post_again(&unbound, 2, "room2", "new").await;
    lin.ack(&unbound).await;
    for (cid, text) in open {
        let ack = ada.post_until_taken(&cid, "room1", &text).await;
        ids.push(ack["id"].clone());
    }
    ids.push(ada.say("room1", "after").await["id"].clone());
    let records = http::records(server.address, "room1").await;
    let messages = records.iter().filter(|record| record["kind"] == "message");
    let stands: Vec<_> = messages.map(|record| record["id"].clone()).collect();
    assert_eq!(stands, ids);
    for id in &ids {
        bob.find("every message", |frame| {
            frame.event == "message" && frame["id"] == *id
        })
        .await;
    }
    eventually("everything is stored", async || {
        rows().await == 1 + i64::try_from(records.len()).unwrap()
    })
    .await;
    assert_eq!(
        files::count(&store, "SELECT COUNT(*) FROM dead_letters").await,
        0
    );
}
