//! What is acknowledged is on the disk: strace sees the log's file synced before every acknowledgement.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use crate::support::{
    Client, Person, Process,
    process::{binary, command},
    server::UNLIMITED,
};

const SENDS: usize = 20;

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs_f64()
}

/// When each sync of the log's file had succeeded. A line is
/// `123 1700000000.123456 fdatasync(9</…/log.db-wal>) = 0 <0.000321>`, or the same cut in two by another thread's.
fn syncs(trace: &str) -> Vec<f64> {
    let mut open = std::collections::HashMap::new();
    let mut ends = Vec::new();
    for line in trace.lines() {
        let mut words = line.split_whitespace();
        let (Some(thread), Some(at)) = (
            words.next(),
            words.next().and_then(|at| at.parse::<f64>().ok()),
        ) else {
            continue;
        };
        let is_log = line.contains("/log.db-wal>");
        if line.contains("<unfinished ...>") {
            open.insert(thread, is_log);
        } else if line.contains(" resumed>") {
            if open.remove(thread) == Some(true) && line.contains("= 0") {
                ends.push(at);
            }
        } else if is_log && line.contains("= 0 <") {
            let took: f64 = line
                .rsplit('<')
                .next()
                .unwrap()
                .trim_end_matches('>')
                .parse()
                .unwrap();
            ends.push(at + took);
        }
    }
    ends
}

#[tokio::test]
async fn every_ack_comes_after_a_sync_of_the_log() {
    let folder = TempDir::new().unwrap();
    let trace = folder.path().join("trace");
    let found = command("strace")
        .arg("-V")
        .output()
        .await
        .is_ok_and(|output| output.status.success());
    assert!(
        found,
        "strace is missing, and only it can see syncs: apt-get install strace"
    );
    // -D: the server stays our child; -y: with names of files; -T: with durations.
    let mut strace = command("strace");
    strace
        .args([
            "-D",
            "-f",
            "-y",
            "-T",
            "-ttt",
            "-e",
            "trace=fsync,fdatasync",
            "-o",
        ])
        .arg(&trace)
        .arg(binary());
    let mut process = Process::spawn_under(strace, &folder.path().join("data"), &UNLIMITED).await;
    process.ready().await;
    let mut ada = Client::join(process.address, &Person::new("Ada"), &[]).await;
    ada.say("room1", "to be known").await;
    // What belongs to the first message is over before the others are watched.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut sends = Vec::new();
    for n in 0..SENDS {
        let sent = now();
        ada.say("room1", &n.to_string()).await;
        sends.push((sent, now()));
    }
    process.signal("TERM").await;
    assert_eq!(process.ended().await.code(), Some(0));
    // The tracer ends after the server.
    let mut text = String::new();
    crate::support::eventually("the end of the trace", async || {
        tokio::time::sleep(Duration::from_millis(50)).await;
        text = std::fs::read_to_string(&trace).unwrap();
        text.contains("+++ exited with 0 +++")
    })
    .await;
    let syncs = syncs(&text);
    let syncs: Vec<f64> = syncs.into_iter().filter(|end| *end > sends[0].0).collect();
    let between = |from: f64, to: f64| {
        syncs
            .iter()
            .filter(|end| from < **end && **end < to)
            .count()
    };
    let own: Vec<_> = sends
        .iter()
        .map(|(sent, acked)| between(*sent, *acked))
        .collect();
    println!(
        "{SENDS} sends, {} syncs of the log; between each send and its ack: {own:?}",
        syncs.len()
    );
    assert!(syncs.len() >= SENDS, "{}", syncs.len());
    for (n, (sent, acked)) in sends.iter().enumerate() {
        // One sync each, and never the one that the message before it should have waited for.
        assert!(
            between(*sent, *acked) >= 1,
            "no sync before ack {n}\n{text}"
        );
        assert!(
            between(sends[0].0, *acked) > n,
            "ack {n} came before its own sync\n{text}"
        );
    }
}
