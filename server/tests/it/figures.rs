//! The figures that Prometheus reads, over the address that they have of their own.

use std::net::{SocketAddr, TcpListener};

use crate::support::{Client, Person, Server, eventually, http, server::UNLIMITED};

/// A port that was free a moment ago.
fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

async fn figure(address: SocketAddr, name: &str) -> Option<f64> {
    let text = http::get(address, "/metrics").await.text();
    let line = text.lines().find(|line| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(' '))
    })?;
    line.rsplit(' ').next()?.parse().ok()
}

#[tokio::test]
async fn figures_count_what_happens_and_have_an_address_of_their_own() {
    let address = free();
    let listen = format!("--metrics-listen={address}");
    let flags: Vec<&str> = UNLIMITED.into_iter().chain([listen.as_str()]).collect();
    let server = Server::start_with(&flags).await;
    // Other servers of this process count into the same figures.
    let appended = figure(address, "sphere_messages_appended_total")
        .await
        .unwrap();
    let acked = figure(address, "sphere_ack_seconds_count")
        .await
        .unwrap_or(0.0);
    let blank = "sphere_nacks_total{code=\"blank\"}";
    let refused = figure(address, blank).await.unwrap_or(0.0);
    let mut ada = Client::join(server.address, &Person::new("Ada"), &["room1"]).await;
    for n in 0..5 {
        ada.say("room1", &format!("{n}")).await;
    }
    ada.refused("room1", "  ").await;
    assert!(
        figure(address, "sphere_messages_appended_total")
            .await
            .unwrap()
            >= appended + 5.0
    );
    assert!(figure(address, "sphere_ack_seconds_count").await.unwrap() >= acked + 5.0);
    assert!(figure(address, blank).await.unwrap() >= refused + 1.0);
    assert_eq!(figure(address, "sphere_connections").await, Some(1.0));
    for part in ["log", "bus", "store"] {
        let up = format!("sphere_part_up{{part=\"{part}\"}}");
        assert_eq!(figure(address, &up).await, Some(1.0), "{part}");
    }
    eventually("everything is stored", async || {
        figure(address, "sphere_consumer_lag{partition=\"0\"}").await == Some(0.0)
    })
    .await;
    assert_eq!(
        figure(address, "sphere_feed_lag{partition=\"0\"}").await,
        Some(0.0)
    );
    for name in [
        "sphere_hints_lost_total",
        "sphere_dead_letters_total",
        "sphere_queue_drops_total",
        "sphere_slow_readers_total",
        "sphere_stored_records_total",
    ] {
        assert!(
            figure(address, name).await.is_some(),
            "{name} is there from the start"
        );
    }
    let text = http::get(address, "/metrics").await.text();
    assert!(!text.contains("Ada") && !text.contains("room1"), "no names");
    assert_eq!(http::get(address, "/healthz").await.status, 404);
    assert_eq!(http::get(server.address, "/metrics").await.status, 404);
}
