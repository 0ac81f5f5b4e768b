//! Parts that fail while the server runs: what still works, what is refused and how, and that everything heals.

use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _};

use crate::support::{
    Client, Person, Server, cid, eventually,
    files::{self, Away},
    http,
};

fn is_unavailable(error: &Value) {
    assert_eq!(
        (&error["code"], &error["retry"]),
        (&json!("unavailable"), &json!(true)),
        "{error}"
    );
    assert!(
        error["afterMs"].as_u64().is_some_and(|ms| ms > 0),
        "{error}"
    );
}

#[tokio::test]
async fn without_the_stores_messages_people_talk_on_and_pages_say_to_come_back() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &["room1"]).await;
    let mut bob = Client::join(server.address, &Person::new("Bob"), &["room1"]).await;
    let stored = ada.post("room1", "before").await;
    let first = ada.ack(&stored).await;
    bob.expect("message").await;
    let store = server.file("store.db");
    let away = Away::take(&store, "messages").await;

    let live = ada.say("room1", "meanwhile").await;
    assert_eq!(
        bob.expect("message").await["id"],
        live["id"],
        "live messages do not wait for the store"
    );
    for ask in [
        json!({"room": "room1"}),
        json!({"room": "room1", "after": -1}),
        json!({"room": "room1", "before": 9}),
    ] {
        let error = bob.ask(ask).await;
        assert_eq!(error.event, "room:error", "never a short page");
        is_unavailable(&error.data);
    }
    bob.send("join:room", json!({"room": "room2"})).await;
    let error = bob.take("room:error").await;
    assert_eq!(error["room"], "room2");
    is_unavailable(&error);
    let answer = http::get(server.address, "/api/rooms/room1/messages").await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (503, &json!("unavailable"))
    );
    assert_eq!(
        http::get(server.address, "/readyz").await.status,
        200,
        "an outage never shows in readiness"
    );
    assert_eq!(
        http::get(server.address, "/rooms/room1").await.status,
        200,
        "the page stands and says so"
    );
    ada.post_again(&stored, 2, "room1", "before").await;
    assert_eq!(
        ada.ack(&stored).await,
        first,
        "what the feed remembers needs no store"
    );
    let unknown = cid();
    ada.post_again(&unknown, 2, "room1", "perhaps stored").await;
    is_unavailable(&ada.nack(&unknown).await);
    let (_, welcome) = Client::hello(server.address, json!({"v": 1})).await;
    assert_eq!(
        welcome["rooms"][0]["head"], live["seq"],
        "a reader still finds a server"
    );

    away.release().await;
    eventually("pages to come back", async || {
        bob.ask(json!({"room": "room1"})).await.event == "room:page"
    })
    .await;
    ada.post_again(&unknown, 3, "room1", "perhaps stored").await;
    ada.ack(&unknown).await;
    let records = http::records(server.address, "room1").await;
    let texts: Vec<_> = records
        .iter()
        .map(|record| record["message"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["before", "meanwhile", "perhaps stored"]);
}

#[tokio::test]
async fn without_the_stores_users_known_people_write_on_and_new_ones_shall_try_again() {
    let server = Server::start().await;
    let (ada, bob) = (Person::new("Ada"), Person::new("Bob"));
    let mut known = Client::join(server.address, &ada, &[]).await;
    known.say("room1", "known").await;
    let mut new = Client::join(server.address, &bob, &[]).await;
    let store = server.file("store.db");
    let away = Away::take(&store, "users").await;
    known.say("room1", "still known").await;
    let unbound = new.post("room1", "new").await;
    is_unavailable(&new.nack(&unbound).await);
    known.send("profile", json!({"userName": "Countess"})).await;
    let error = known.take("error").await;
    assert_eq!(
        (&error["code"], &error["retry"], &error["event"]),
        (&json!("unavailable"), &json!(true), &json!("profile"))
    );
    // Nobody can say whose the id is: reading works, and the first message will have to prove it.
    let mut again = Client::join(server.address, &ada, &["room1"]).await;
    let mut thief = Client::join(server.address, &ada.thief(), &["room1"]).await;
    is_unavailable(&{
        let cid = thief.post("room1", "stolen").await;
        thief.nack(&cid).await
    });
    away.release().await;
    new.post_again(&unbound, 2, "room1", "new").await;
    new.ack(&unbound).await;
    again.say("room1", "proven").await;
    assert_eq!(
        thief.refused("room1", "stolen").await,
        ("identity_refused".to_owned(), false)
    );
    let records = http::records(server.address, "room1").await;
    assert!(records.iter().all(|record| record["message"] != "stolen"));
}

#[tokio::test]
async fn a_log_that_fails_leaves_the_outcome_open_and_a_retry_settles_it() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &["room1"]).await;
    ada.say("room1", "before").await;
    server.has_stored_everything().await;
    let log = server.file("log.db");
    let away = Away::take(&log, "records").await;
    let open = ada.post("room1", "meanwhile").await;
    let nack = ada.nack(&open).await;
    assert_eq!(
        (&nack["code"], &nack["retry"]),
        (&json!("outcome_unknown"), &json!(true))
    );
    assert!(nack["afterMs"].as_u64().is_some_and(|ms| ms > 0));
    assert_eq!(
        ada.page(json!({"room": "room1"})).await["items"]
            .as_array()
            .unwrap()
            .len(),
        1,
        "the chat is readable"
    );
    away.release().await;
    ada.post_again(&open, 2, "room1", "meanwhile").await;
    ada.ack(&open).await;
    ada.say("room1", "after").await;
    let records = http::records(server.address, "room1").await;
    let rows: Vec<_> = records
        .iter()
        .map(|record| {
            (
                record["message"].as_str().unwrap(),
                record["kind"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("before", "message"),
            ("meanwhile", "message"),
            ("after", "message")
        ]
    );
}

#[tokio::test]
async fn an_unreadable_record_is_put_aside_and_the_next_one_goes_on() {
    let server = Server::start().await;
    let ada = Person::new("Ada");
    Client::join(server.address, &ada, &[])
        .await
        .say("room1", "before")
        .await;
    let server = server
        .restart_after(async |folder| {
            let mut log = files::open(&folder.join("log.db")).await;
            for (offset, payload) in [(1, "not JSON"), (2, r#"{"v":99}"#)] {
                sqlx::query("INSERT INTO records VALUES (0, ?, 0, ?)")
                    .bind(offset)
                    .bind(payload.as_bytes())
                    .execute(&mut log)
                    .await
                    .unwrap();
            }
            log.execute("UPDATE partitions SET next_offset = 3 WHERE partition = 0")
                .await
                .unwrap();
            log.close().await.unwrap();
        })
        .await;
    let ack = Client::join(server.address, &ada, &[])
        .await
        .say("room1", "after")
        .await;
    assert_eq!(ack["seq"], 3);
    let records = http::records(server.address, "room1").await;
    assert_eq!(
        (records.len(), &records[1]["prev"]),
        (2, &json!(0)),
        "an unreadable record is no link"
    );
    let store = server.file("store.db");
    eventually("the unreadable records to be put aside", async || {
        files::count(
            &store,
            "SELECT COUNT(*) FROM dead_letters WHERE payload = CAST('not JSON' AS BLOB) OR seq = 2",
        )
        .await
            == 2
    })
    .await;
    let server = server.restart().await;
    assert_eq!(http::records(server.address, "room1").await, records);
    assert_eq!(
        files::count(
            &server.file("store.db"),
            "SELECT COUNT(*) FROM dead_letters"
        )
        .await,
        2
    );
}
