//! Going down: what is on its way is finished, the rest is told to come back, and nothing is lost.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Client, Got, Person, Server, cid, eventually, files::Held, http, within};

#[tokio::test]
async fn a_server_that_goes_down_finishes_what_is_on_its_way_and_says_good_bye() {
    let mut server = Server::start().await;
    let address = server.address;
    let mut ada = Client::join(address, &Person::new("Ada"), &["room1"]).await;
    let mut bob = Client::join(address, &Person::new("Bob"), &["room1"]).await;
    ada.say("room1", "to be known").await;
    let held = Held::take(&server.file("log.db")).await;
    let open = ada.post("room1", "on its way").await;
    // A ping behind it: the server has taken the message.
    ada.heard().await;
    let began = Instant::now();
    server.begin_to_stop();
    assert_eq!(
        bob.closed().await,
        Some(1012),
        "nothing is open on this socket"
    );
    let ready = http::get(address, "/readyz").await;
    assert_eq!(
        (ready.status, ready.text()),
        (503, "not ready\n".to_owned())
    );
    let late = cid();
    ada.post_again(&late, 1, "room1", "too late").await;
    let nack = ada.nack(&late).await;
    assert_eq!(
        (&nack["code"], &nack["retry"]),
        (&json!("shutting_down"), &json!(true))
    );
    let (mut newcomer, _) = Client::hello(address, json!({"v": 1})).await;
    assert_eq!(newcomer.expect("bye").await["why"], "shutting_down");
    assert_eq!(newcomer.closed().await, Some(1012));
    held.release().await;
    ada.ack(&open).await;
    for client in [&mut ada, &mut bob] {
        let bye = client.take("bye").await;
        assert_eq!(bye["why"], "shutting_down");
        assert!((0..=10_000).contains(&bye["reconnectMs"].as_u64().unwrap()));
        assert_eq!(bye.as_object().unwrap().len(), 2);
    }
    assert_eq!(ada.closed().await, Some(1012));
    server.stopped().await;
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    assert!(
        http::try_request(address, "GET", "/readyz", &[])
            .await
            .is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn clients_are_asked_to_come_back_at_different_times_and_nobody_waits_for_that() {
    let mut server = Server::start().await;
    let mut clients = Vec::new();
    for _ in 0..30 {
        clients.push(Client::guest(server.address, &[]).await);
    }
    let began = Instant::now();
    server.begin_to_stop();
    let mut times = std::collections::BTreeSet::new();
    for client in &mut clients {
        times.insert(client.expect("bye").await["reconnectMs"].as_u64().unwrap());
        assert_eq!(client.closed().await, Some(1012));
    }
    server.stopped().await;
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    assert!(
        times.len() > 20 && times.iter().all(|ms| *ms <= 10_000),
        "{times:?}"
    );
    assert!(
        times.last().unwrap() - times.first().unwrap() > 3_000,
        "spread over ten seconds: {times:?}"
    );
}

#[tokio::test]
async fn a_client_that_does_not_answer_the_close_does_not_hold_the_server_up() {
    let mut server = Server::start().await;
    let _silent = Client::guest(server.address, &[]).await;
    let _no_hello = Client::open(server.address).await;
    let _half_a_request = tokio::net::TcpStream::connect(server.address)
        .await
        .unwrap();
    let began = Instant::now();
    server.begin_to_stop();
    server.stopped().await;
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_ack_given_while_going_down_is_there_after_the_restart() {
    let mut server = Server::start().await;
    let address = server.address;
    let writers: Vec<_> = (0..4)
        .map(|n| {
            tokio::spawn(async move {
                let mut client = Client::join(address, &Person::new("Ada"), &[]).await;
                let mut acked = Vec::new();
                let mut refused = 0;
                'talk: for text in 0.. {
                    // Several on their way at any time.
                    let cid = cid();
                    let post = json!({"event": "event:message", "data": {"cid": cid, "attempt": 1, "room": "room1", "message": format!("{n}:{text}")}});
                    if !client.try_message(tokio_tungstenite::tungstenite::Message::text(post.to_string())).await {
                        break;
                    }
                    if text % 8 != 7 {
                        continue;
                    }
                    for _ in 0..8 {
                        match within("an answer", client.got()).await {
                            Got::Frame(frame) if frame.event == "message:ack" => acked.push(frame["id"].clone()),
                            Got::Frame(frame) if frame.event == "message:nack" => {
                                assert_eq!(frame["code"], "shutting_down");
                                refused += 1;
                            }
                            Got::Frame(frame) => assert_eq!(frame.event, "bye"),
                            Got::Closed(code) => {
                                assert_eq!(code, Some(1012));
                                break 'talk;
                            }
                        }
                    }
                }
                // What was said before the socket was closed counts too.
                (acked, refused)
            })
        })
        .collect();
    eventually("some traffic", async || {
        http::get(address, "/healthz").await.json()["partitions"][0]["end"]
            .as_i64()
            .unwrap()
            > 200
    })
    .await;
    server.begin_to_stop();
    let mut acked = Vec::new();
    for writer in writers {
        acked.extend(within("a writer", writer).await.unwrap().0);
    }
    server.stopped().await;
    let server = server.start_again().await;
    let records = http::records(server.address, "room1").await;
    let stored: std::collections::HashSet<_> = records
        .iter()
        .map(|record| record["id"].to_string())
        .collect();
    assert_eq!(stored.len(), records.len());
    let lost = acked
        .iter()
        .filter(|id| !stored.contains(&id.to_string()))
        .count();
    println!("{} acks until the end, {lost} lost", acked.len());
    assert_eq!(lost, 0);
}
