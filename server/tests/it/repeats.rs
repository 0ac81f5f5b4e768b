//! Retries: nothing is doubled, however often a send is repeated, and every answer names the first place.

use std::time::Duration;

use serde_json::{Value, json};
use sphere_protocol::MessageId;
use tokio::io::AsyncWriteExt as _;

use crate::support::{Client, Got, Person, Server, View, cid, eventually, http, within};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_send_twice_is_one_message_and_one_void_and_both_acks_name_the_first() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    let mut bob = Client::join(server.address, &Person::new("Bob"), &["room1"]).await;
    let cid = cid();
    ada.post_again(&cid, 1, "room1", "Hello").await;
    ada.post_again(&cid, 1, "room1", "Hello").await;
    let (first, second) = (ada.ack(&cid).await, ada.ack(&cid).await);
    assert_eq!(first, second);
    let message = bob.expect("message").await;
    assert_eq!(
        (&message["id"], &message["seq"], &message["kind"]),
        (&first["id"], &first["seq"], &json!("message"))
    );
    let void = bob.expect("message").await;
    let own = MessageId::void(0, void["seq"].as_i64().unwrap()).to_string();
    assert_eq!(
        (&void["kind"], &void["message"], &void["ref"], &void["id"]),
        (&json!("void"), &json!(""), &first["id"], &json!(own))
    );
    assert_eq!(
        (&void["prev"], &void["userId"]),
        (&message["seq"], &message["userId"])
    );

    let records = http::records(server.address, "room1").await;
    assert_eq!(
        records,
        [message.clone(), void.clone()],
        "pages of records hold what was seen live"
    );
    let newest = http::page(server.address, "room1", "").await;
    assert_eq!(
        (newest["items"].as_array().unwrap().len(), &newest["head"]),
        (1, &void["seq"]),
        "a newest page has messages only"
    );
    assert_eq!(newest["items"][0]["id"], first["id"]);
    let server = server.restart().await;
    assert_eq!(
        http::records(server.address, "room1").await,
        [message, void],
        "and what is stored is the same"
    );
}

#[tokio::test]
async fn a_retry_of_a_stored_message_gets_the_first_ack_and_leaves_no_record() {
    let server = Server::start().await;
    let person = Person::new("Ada");
    let mut ada = Client::join(server.address, &person, &[]).await;
    let cid = ada.post("room1", "Hello").await;
    let first = ada.ack(&cid).await;
    for attempt in [2, 3, 77] {
        ada.post_again(&cid, attempt, "room1", "Hello").await;
        assert_eq!(ada.ack(&cid).await, first);
    }
    let mut elsewhere = Client::join(server.address, &person, &[]).await;
    elsewhere.post_again(&cid, 2, "room1", "Hello").await;
    assert_eq!(elsewhere.ack(&cid).await, first, "over another socket too");
    assert_eq!(http::records(server.address, "room1").await.len(), 1);
}

#[tokio::test]
async fn a_second_attempt_of_what_was_never_stored_is_stored() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &["room1"]).await;
    let cid = cid();
    ada.post_again(&cid, 2, "room1", "Hello").await;
    let ack = ada.ack(&cid).await;
    let message = ada.take("message").await;
    assert_eq!(
        (&message["id"], &message["seq"], &message["kind"]),
        (&ack["id"], &ack["seq"], &json!("message"))
    );
}

#[tokio::test]
async fn a_retry_after_a_restart_gets_the_first_ack() {
    let server = Server::start().await;
    let person = Person::new("Ada");
    let mut ada = Client::join(server.address, &person, &[]).await;
    let cid = ada.post("room1", "Hello").await;
    let first = ada.ack(&cid).await;
    ada.say("room1", "Hello again").await;
    let server = server.restart().await;
    let mut ada = Client::join(server.address, &person, &["room1"]).await;
    ada.post_again(&cid, 2, "room1", "Hello").await;
    assert_eq!(ada.ack(&cid).await, first);
    assert_eq!(ada.heard().await, []);
    ada.post_again(&cid, 1, "room1", "Hello").await;
    assert_eq!(
        ada.ack(&cid).await,
        first,
        "a client that forgot to count is not doubled either"
    );
    let void = ada.take("message").await;
    assert_eq!(
        (&void["kind"], &void["ref"]),
        (&json!("void"), &first["id"])
    );
    let kinds: Vec<_> = http::records(server.address, "room1")
        .await
        .iter()
        .map(|record| record["kind"].clone())
        .collect();
    assert_eq!(kinds, ["message", "message", "void"]);
}

#[tokio::test]
async fn the_same_key_in_another_room_or_of_another_user_is_another_message() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    let mut bob = Client::join(server.address, &Person::new("Bob"), &[]).await;
    let cid = cid();
    let mut ids = std::collections::BTreeSet::new();
    for (client, room) in [(&mut ada, "room1"), (&mut bob, "room1")] {
        for room in [room, "room2"] {
            client.post_again(&cid, 1, room, "Hello").await;
            ids.insert(client.ack(&cid).await["id"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(ids.len(), 4);
    for room in ["room1", "room2"] {
        let records = http::records(server.address, room).await;
        assert!(
            records.len() == 2 && records.iter().all(|record| record["kind"] == "message"),
            "{records:?}"
        );
    }
}

#[tokio::test]
async fn the_same_key_with_another_text_changes_nothing() {
    let server = Server::start().await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    let cid = ada.post("room1", "the first").await;
    let first = ada.ack(&cid).await;
    for attempt in [1, 2] {
        ada.post_again(&cid, attempt, "room1", "another").await;
        assert_eq!(ada.ack(&cid).await, first);
    }
    let page = http::page(server.address, "room1", "").await;
    let texts: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["message"].clone())
        .collect();
    assert_eq!(texts, ["the first"]);
    assert!(
        !http::records(server.address, "room1")
            .await
            .iter()
            .any(|record| record["message"] == "another")
    );
}

/// Follows a room until its view holds this message.
async fn read_until(client: &mut Client, view: &mut View, last: &str) {
    while view
        .messages("room1")
        .last()
        .is_none_or(|(_, _, text)| text != last)
    {
        match within("the last message", client.got()).await {
            Got::Frame(frame) => {
                if let Some(sync) = view.apply(frame) {
                    client.send("sync:room", sync).await;
                }
            }
            Got::Closed(code) => panic!("a reader was closed with {code:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_200_sends_whose_connection_is_cut_before_the_ack_every_reader_has_200_rows() {
    const SENDS: usize = 200;
    let server = Server::start().await;
    let address = server.address;
    let readers = (0..2).map(|_| {
        tokio::spawn(async move {
            let mut view = View::default();
            let (mut client, _) =
                Client::hello(address, json!({"v": 1, "rooms": view.rooms(&["room1"])})).await;
            read_until(&mut client, &mut view, "the end").await;
            view
        })
    });
    let readers: Vec<_> = readers.collect();
    let ada = Person::new("Ada");
    let (mut acked, mut repeats) = (Vec::new(), 0);
    for n in 0..SENDS {
        let (cid, text) = (cid(), format!("cut {n}"));
        let mut attempt = 1;
        // Cut in several ways: at once or a little later, with an end or with a reset.
        let mut client = Client::join(address, &ada, &[]).await;
        client.post_again(&cid, attempt, "room1", &text).await;
        let mut stream = client.into_stream();
        if n % 2 == 0 {
            stream.shutdown().await.unwrap();
        }
        if n % 4 >= 2 {
            let _ =
                tokio::time::timeout(Duration::from_millis(n as u64 % 7), stream.readable()).await;
        }
        drop(stream);
        attempt += 1;
        let mut client = Client::join(address, &ada, &[]).await;
        client.post_again(&cid, attempt, "room1", &text).await;
        acked.push(client.ack(&cid).await);
    }
    Client::join(address, &ada, &[])
        .await
        .say("room1", "the end")
        .await;
    let stored = http::records(address, "room1").await;
    let rows: Vec<_> = stored
        .iter()
        .filter(|record| record["kind"] == "message")
        .map(crate::support::view::row)
        .collect();
    repeats += stored.len() - rows.len();
    assert_eq!(rows.len(), SENDS + 1);
    let expected: Vec<_> = (0..SENDS)
        .map(|n| format!("cut {n}"))
        .chain(["the end".to_owned()])
        .collect();
    assert_eq!(
        rows.iter()
            .map(|(_, _, text)| text.clone())
            .collect::<Vec<_>>(),
        expected
    );
    let places: Vec<Value> = acked
        .iter()
        .map(|ack| json!([ack["seq"], ack["id"]]))
        .collect();
    assert_eq!(
        json!(
            rows[..SENDS]
                .iter()
                .map(|(seq, id, _)| json!([seq, id]))
                .collect::<Vec<_>>()
        ),
        json!(places)
    );
    for reader in readers {
        let view = within("a reader", reader).await.unwrap();
        assert_eq!(
            view.messages("room1"),
            rows,
            "every reader has the store's rows"
        );
    }
    println!(
        "{SENDS} sends cut before the ack: {SENDS} rows for every reader; {repeats} repeats became voids"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_of_a_message_that_only_the_store_remembers_gets_the_first_ack() {
    let server = Server::start().await;
    let person = Person::new("Ada");
    let mut ada = Client::join(server.address, &person, &[]).await;
    let old = ada.post("room1", "long ago").await;
    let first = ada.ack(&old).await;
    // The feed remembers the ids of its partition's last 20,000 offsets.
    let mut writers = Vec::new();
    for n in 0..8 {
        let mut client = Client::join(server.address, &Person::new("Bob"), &[]).await;
        writers.push(tokio::spawn(async move {
            client
                .say_all("room1", (0..2_501).map(|m| format!("{n}.{m}")))
                .await
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let end = http::page(server.address, "room1", "").await["head"].clone();
    let server = {
        ada.post_again(&old, 2, "room1", "long ago").await;
        assert_eq!(ada.ack(&old).await, first);
        server.restart().await
    };
    let mut ada = Client::join(server.address, &person, &[]).await;
    ada.post_again(&old, 3, "room1", "long ago").await;
    assert_eq!(ada.ack(&old).await, first);
    assert_eq!(
        http::page(server.address, "room1", "").await["head"],
        end,
        "and left no record"
    );
    // A client that does not count its attempts is not doubled in the store either.
    ada.post_again(&old, 1, "room1", "long ago").await;
    ada.ack(&old).await;
    eventually("the repeat to be stored", async || {
        let page = http::page(server.address, "room1", &format!("after={end}")).await;
        page["items"][0]["kind"] == "void" && page["items"][0]["ref"] == first["id"]
    })
    .await;
    let before = http::page(
        server.address,
        "room1",
        &format!("around={}&limit=2", first["id"].as_str().unwrap()),
    )
    .await;
    assert_eq!(before["items"][0]["seq"], first["seq"]);
}
