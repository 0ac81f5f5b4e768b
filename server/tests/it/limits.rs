//! Limits: what one user, one socket and one address may do in a second.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::support::{Client, Person, Server, cid, eventually, http};

#[tokio::test]
async fn a_user_has_one_rate_over_all_sockets_and_waiting_as_long_as_told_is_enough() {
    let server = Server::start_with(&["--rate-per-second=2", "--rate-burst=20"]).await;
    let ada = Person::new("Ada");
    let mut sockets = [
        Client::join(server.address, &ada, &[]).await,
        Client::join(server.address, &ada, &[]).await,
    ];
    let mut refused = 0;
    for n in 0..30 {
        let client = &mut sockets[n % 2];
        let cid = cid();
        client.post_again(&cid, 1, "room1", &n.to_string()).await;
        let answer = client.answer(&cid).await;
        let heard = Instant::now();
        if answer.event == "message:ack" {
            continue;
        }
        assert_eq!(
            (&answer["code"], &answer["retry"]),
            (&json!("rate_limited"), &json!(true))
        );
        assert!(n >= 20, "a burst of twenty is allowed, not {n}");
        refused += 1;
        let after = answer["afterMs"].as_u64().unwrap();
        assert!((1..=500).contains(&after), "{after} ms");
        // To the millisecond, and over the other socket: the limit is the user's.
        sleep_until(heard + Duration::from_millis(after)).await;
        let other = &mut sockets[(n + 1) % 2];
        other.post_again(&cid, 2, "room1", &n.to_string()).await;
        other.ack(&cid).await;
    }
    assert!(refused > 5, "{refused} of 10");
    let mut bob = Client::join(server.address, &Person::new("Bob"), &[]).await;
    bob.say("room1", "another user has a rate of their own")
        .await;
}

#[tokio::test]
async fn by_default_a_user_sends_twenty_at_once_and_ten_a_second() {
    let server = Server::start_with(&[]).await;
    let mut ada = Client::join(server.address, &Person::new("Ada"), &[]).await;
    let began = Instant::now();
    let mut acked = 0;
    while began.elapsed() < Duration::from_secs(2) {
        let cid = ada.post("room1", "as fast as possible").await;
        acked += usize::from(ada.answer(&cid).await.event == "message:ack");
    }
    let most = 20 + 10 * (began.elapsed().as_secs_f64().ceil() as usize);
    assert!((30..=most).contains(&acked), "{acked}, at most {most}");
}

async fn ask_too_often(client: &mut Client, event: &str, data: Value) -> (usize, Value) {
    for _ in 0..80 {
        client.feed(event, data.clone()).await;
    }
    client.flush().await;
    let (mut served, mut refusal) = (0, Value::Null);
    for _ in 0..80 {
        let frame = client.next().await;
        if frame["code"] == "rate_limited" {
            assert_eq!(
                (frame.event.starts_with("room:"), &frame["retry"]),
                (event.ends_with(":room"), &json!(true))
            );
            refusal = frame.data;
        } else {
            served += 1;
        }
    }
    (served, refusal)
}

#[tokio::test]
async fn a_socket_asks_fifty_times_at_once_and_ten_times_a_second() {
    let server = Server::start().await;
    for (event, data) in [
        ("ping", json!({"n": 1})),
        ("profile", json!({"userName": "Ada"})),
        ("join:room", json!({"room": "room1"})),
        ("leave:room", json!({"room": "room1"})),
        ("sync:room", json!({"room": "room1"})),
    ] {
        let mut client = Client::join(server.address, &Person::new("Ada"), &[]).await;
        let (served, refusal) = ask_too_often(&mut client, event, data).await;
        assert!((50..80).contains(&served), "{served} times {event}");
        if event.ends_with(":room") {
            assert_eq!(refusal["room"], "room1");
            assert!(
                (1..=100).contains(&refusal["afterMs"].as_u64().unwrap()),
                "{refusal}"
            );
        } else {
            assert_eq!(refusal["event"], event);
        }
        client.say("room1", "a message is none of them").await;
    }
}

#[tokio::test]
async fn different_requests_of_a_socket_count_together() {
    let server = Server::start().await;
    let mut client = Client::join(server.address, &Person::new("Ada"), &[]).await;
    for n in 0..30 {
        client.feed("ping", json!({"n": n})).await;
        client.feed("sync:room", json!({"room": "room2"})).await;
        client.feed("join:room", json!({"room": "room1"})).await;
    }
    client.flush().await;
    let mut refused = 0;
    for _ in 0..90 {
        refused += usize::from(client.next().await["code"] == "rate_limited");
    }
    assert!(refused > 20, "{refused} of 90");
}

#[tokio::test]
async fn an_address_has_so_many_sockets_and_the_next_is_closed_with_a_code() {
    let server = Server::start_with(&["--max-sockets-per-ip=2"]).await;
    let mut first = Client::guest(server.address, &[]).await;
    let second = Client::guest(server.address, &[]).await;
    assert_eq!(
        Client::open(server.address).await.closed().await,
        Some(4429)
    );
    assert_eq!(first.heard().await, [], "the others do not notice");
    drop(second);
    eventually("a free place", async || {
        let mut client = Client::open(server.address).await;
        client.send("hello", json!({"v": 1})).await;
        matches!(client.got().await, crate::support::Got::Frame(_))
    })
    .await;
}

#[tokio::test]
async fn only_a_trusted_proxy_says_whose_a_socket_is() {
    let from = async |server: &Server, forwarded: &str| {
        let mut client = Client::open_with(server.address, &[("x-forwarded-for", forwarded)])
            .await
            .unwrap();
        client
            .try_message(tokio_tungstenite::tungstenite::Message::text(
                r#"{"event":"hello","data":{"v":1}}"#,
            ))
            .await;
        match client.got().await {
            crate::support::Got::Frame(_) => Ok(client),
            crate::support::Got::Closed(code) => Err(code),
        }
    };
    let trusting =
        Server::start_with(&["--max-sockets-per-ip=1", "--trusted-proxies=127.0.0.0/8"]).await;
    let _one = from(&trusting, "198.51.100.1").await.unwrap();
    let _other = from(&trusting, "198.51.100.2").await.unwrap();
    assert_eq!(
        from(&trusting, "198.51.100.1").await.err(),
        Some(Some(4429))
    );
    assert_eq!(
        from(&trusting, "6.6.6.6, 198.51.100.1").await.err(),
        Some(Some(4429)),
        "what a client adds in front does not count"
    );
    let plain = Server::start_with(&["--max-sockets-per-ip=1"]).await;
    let _one = from(&plain, "198.51.100.1").await.unwrap();
    assert_eq!(
        from(&plain, "198.51.100.2").await.err(),
        Some(Some(4429)),
        "a forged header is not believed"
    );
}

#[tokio::test]
async fn the_api_answers_an_address_fifty_times_at_once_and_then_says_when_to_come_back() {
    let server = Server::start_with(&[]).await;
    let mut limited = None;
    for n in 0..200 {
        let answer = http::get(server.address, "/api/rooms").await;
        match answer.status {
            200 => assert!(n < 150, "no limit"),
            status => {
                assert!(status == 429 && n >= 50, "{status} after {n}");
                limited = Some(answer);
                break;
            }
        }
    }
    let answer = limited.expect("a limit");
    assert_eq!(answer.json()["code"], "rate_limited");
    assert_eq!(answer.json().as_object().unwrap().len(), 2);
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(seconds, 1);
    assert_eq!(
        http::get(server.address, "/readyz").await.status,
        200,
        "only the API is limited"
    );
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    assert_eq!(http::get(server.address, "/api/rooms").await.status, 200);
}
