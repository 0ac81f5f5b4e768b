//! What the tests share: servers in this process and real ones, sockets that speak the protocol and sockets that
//! break it, and a reader that follows its rules to the letter.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep, timeout};

pub(crate) mod client;
pub(crate) mod files;
pub(crate) mod http;
pub(crate) mod kafka;
pub(crate) mod person;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod raw;
pub(crate) mod redis_cluster;
pub(crate) mod server;
pub(crate) mod services;
pub(crate) mod topic;
pub(crate) mod view;

pub(crate) use client::{Client, Frame, Got};
pub(crate) use kafka::Kafka;
pub(crate) use person::{Person, cid};
pub(crate) use process::Process;
pub(crate) use proxy::Proxy;
pub(crate) use server::Server;
pub(crate) use view::View;

/// How long anything may take that is not itself about time. Long, since other tests share the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for something that must happen.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"))
}

/// Asks again and again until the answer is yes.
pub(crate) async fn eventually(what: &str, mut ask: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !ask().await {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        sleep(Duration::from_millis(10)).await;
    }
}
