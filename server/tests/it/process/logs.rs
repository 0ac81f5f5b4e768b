//! What the server writes about itself: lines for people or for machines, and never a text or a secret.

use std::process::Stdio;

use tempfile::TempDir;

use crate::support::{
    Client, Person, Process,
    process::{binary, command},
    server::UNLIMITED,
};

/// Runs a server with these flags through everything that people do; what it wrote to stderr.
async fn lines(flags: &[&str]) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    let errors = folder.path().join("stderr");
    let mut command = command(binary());
    command.stderr(Stdio::from(std::fs::File::create(&errors).unwrap()));
    let flags: Vec<&str> = UNLIMITED.iter().chain(flags).copied().collect();
    let mut process = Process::spawn_under(command, &folder.path().join("data"), &flags).await;
    process.ready().await;
    let person = Person {
        secret: "c0ffee00c0ffee00c0ffee00c0ffee00".to_owned(),
        ..Person::new("canary-name")
    };
    let mut client = Client::join(process.address, &person, &["room1"]).await;
    client.say("room1", "canary-text\r\nINFO forged line").await;
    client.refused("room1", &"canary-text ".repeat(1_000)).await;
    client.text("{\"event\":\"canary-text\"").await;
    client.take("error").await;
    let mut thief = Client::open(process.address).await;
    thief
        .send(
            "hello",
            Person {
                secret: "c0ffee11c0ffee11c0ffee11c0ffee11".to_owned(),
                ..person
            }
            .hello(),
        )
        .await;
    thief.closed().await;
    process.signal("TERM").await;
    assert!(process.ended().await.success());
    let text = std::fs::read_to_string(errors).unwrap();
    assert!(!text.is_empty());
    for canary in ["canary-text", "c0ffee", "forged line"] {
        assert!(!text.contains(canary), "{canary} in {text}");
    }
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn log_lines_hold_neither_texts_nor_secrets() {
    lines(&["--log=info"]).await;
    lines(&["--log=debug"]).await;
}

#[tokio::test]
async fn json_lines_are_one_object_each() {
    for line in lines(&["--log=info", "--log-format=json"]).await {
        let line: serde_json::Value =
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(
            line["timestamp"].is_string()
                && line["level"].is_string()
                && line["target"].is_string(),
            "{line}"
        );
    }
}
