//! Identities: an id belongs to whoever wrote under it first, and nothing is stored about who has not written.

use serde_json::{Value, json};

use crate::support::{Client, Person, Server, cid, eventually, files, http};

async fn users(server: &Server) -> i64 {
    files::count(&server.file("store.db"), "SELECT COUNT(*) FROM users").await
}

async fn is_refused(server: &Server, anonymous: Value) {
    let mut client = Client::open(server.address).await;
    client
        .send("hello", json!({"v": 1, "anonymous": anonymous}))
        .await;
    let error = client.expect("error").await;
    assert_eq!(
        (&error["code"], &error["retry"], &error["event"]),
        (&json!("identity_refused"), &json!(false), &json!("hello")),
        "{anonymous}"
    );
    assert_eq!(client.closed().await, Some(4401));
}

#[tokio::test]
async fn an_id_that_has_written_is_refused_with_another_secret_before_and_after_a_restart() {
    let server = Server::start().await;
    let ada = Person::new("Ada");
    Client::join(server.address, &ada, &[])
        .await
        .say("room1", "Hello")
        .await;
    is_refused(&server, ada.thief().anonymous()).await;
    let server = server.restart().await;
    is_refused(&server, ada.thief().anonymous()).await;
    Client::join(server.address, &ada, &[])
        .await
        .say("room1", "Hello again")
        .await;
}

#[tokio::test]
async fn a_malformed_identity_is_refused() {
    let server = Server::start().await;
    let (id, secret) = (
        "anon_1737708000000_k3j9d8f2a",
        "0f3c0f3c0f3c0f3c0f3c0f3c0f3c0f3c",
    );
    for id in [
        "",
        "Ada",
        "anon_x_k3j9d8f2a",
        "anon_1737708000000_K3J9D8F2A",
        "anon_1737708000000_k3j9d8f2",
        "user_1737708000000_k3j9d8f2a",
    ] {
        is_refused(&server, json!({"userId": id, "secret": secret})).await;
    }
    for secret in [
        "",
        "0f3c",
        &secret.to_uppercase(),
        &secret.replace('0', "g"),
        &format!("{secret}0"),
    ] {
        is_refused(&server, json!({"userId": id, "secret": secret})).await;
    }
    Client::hello(
        server.address,
        json!({"v": 1, "anonymous": {"userId": id, "secret": secret}}),
    )
    .await;
}

#[tokio::test]
async fn an_id_is_stored_when_it_writes_and_not_before() {
    let server = Server::start().await;
    let ada = Person::new("Ada");
    let mut client = Client::join(server.address, &ada, &["room1"]).await;
    client
        .send("profile", json!({"userName": "Countess"}))
        .await;
    client.expect("profile").await;
    client.page(json!({"room": "room1"})).await;
    client.refused("room9", "no such room").await;
    client.refused("room1", " ").await;
    assert_eq!(users(&server).await, 0);
    // Until then the id is free: whoever writes first has it.
    let mut other = Client::join(server.address, &ada.thief(), &[]).await;
    assert_eq!(other.heard().await, []);
    client.say("room1", "Hello").await;
    assert_eq!(users(&server).await, 1);
    let key = "SELECT COUNT(*) FROM users WHERE length(key_hash) = 64 AND name = 'Countess'";
    assert_eq!(files::count(&server.file("store.db"), key).await, 1);
    assert_eq!(
        other.refused("room1", "too late").await,
        ("identity_refused".to_owned(), false)
    );
    assert_eq!(other.heard().await, [], "the socket lives on");
}

#[tokio::test]
async fn no_file_of_the_server_holds_a_secret() {
    let server = Server::start().await;
    let ada = Person::new("Ada");
    let mut client = Client::join(server.address, &ada, &[]).await;
    client.say("room1", "a canary in a text").await;
    let holds = |needle: &str| {
        let files = std::fs::read_dir(server.folder())
            .unwrap()
            .map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
        files.into_iter().any(|bytes| {
            bytes
                .windows(needle.len())
                .any(|window| window == needle.as_bytes())
        })
    };
    eventually("the text in a file", async || holds("a canary in a text")).await;
    assert!(!holds(&ada.secret));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_secrets_that_write_first_at_the_same_time_exactly_one_wins() {
    let server = Server::start().await;
    for round in 0..30 {
        let person = Person::new("Ada");
        let mut rightful = Client::join(server.address, &person, &[]).await;
        let mut thief = Client::join(server.address, &person.thief(), &[]).await;
        let write = async |client: &mut Client, text: &str| {
            let cid = client.post("room1", text).await;
            let answer = client.answer(&cid).await;
            if answer.event == "message:ack" {
                return true;
            }
            assert_eq!(
                (&answer["code"], &answer["retry"]),
                (&json!("identity_refused"), &json!(false))
            );
            false
        };
        let won = tokio::join!(write(&mut rightful, "rightful"), write(&mut thief, "thief"));
        assert!(won.0 != won.1, "round {round}: {won:?}");
        let records = http::records(server.address, "room1").await;
        let mine: Vec<_> = records
            .iter()
            .filter(|record| record["userId"] == *person.id)
            .collect();
        assert_eq!(mine.len(), 1);
        assert_eq!(mine[0]["message"], if won.0 { "rightful" } else { "thief" });
    }
}

#[tokio::test]
async fn an_address_brings_so_many_new_identities_per_minute() {
    let server = Server::start_with(&["--new-ids-per-minute-per-ip=3"]).await;
    for _ in 0..3 {
        let mut client = Client::join(server.address, &Person::new("Ada"), &[]).await;
        client.say("room1", "Hello").await;
        client
            .say("room1", "a known identity does not count again")
            .await;
    }
    let mut fourth = Client::join(server.address, &Person::new("Bob"), &[]).await;
    let cid = cid();
    fourth.post_again(&cid, 1, "room1", "Hello").await;
    let nack = fourth.nack(&cid).await;
    assert_eq!(
        (&nack["code"], &nack["retry"]),
        (&json!("rate_limited"), &json!(true))
    );
    let after = nack["afterMs"].as_u64().unwrap();
    assert!(
        (10_000..=20_000).contains(&after),
        "three per minute: one every twenty seconds, not {after} ms"
    );
    assert_eq!(users(&server).await, 3);
}
