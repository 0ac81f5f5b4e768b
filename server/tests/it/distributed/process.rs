//! What happens when a process of the cluster dies. These measure time: each has the machine to itself.

use tokio::time::{Duration, Instant};

use super::{Cluster, say, stored};
use crate::support::{Client, Person, http};

#[tokio::test]
async fn a_dead_consumer_is_replaced_within_ten_seconds_and_nothing_is_stored_twice() {
    let cluster = Cluster::new().await;
    let web = cluster.web().await;
    let (mut first, _second) = (cluster.consumer().await, cluster.consumer().await);
    let mut ada = Client::join(web.address, &Person::new("Ada"), &["room1"]).await;
    for n in 0..50 {
        say(&mut ada, &format!("before {n}")).await;
    }
    first.kill().await;
    let died = Instant::now();
    for n in 0..50 {
        say(&mut ada, &format!("after {n}")).await;
    }
    stored(&web).await;
    let took = died.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(http::records(web.address, "room1").await.len(), 100);
}

#[tokio::test]
async fn a_server_that_is_killed_loses_nothing_that_it_acknowledged() {
    let cluster = Cluster::new().await;
    let (mut one, two, _consumer) = (
        cluster.web().await,
        cluster.web().await,
        cluster.consumer().await,
    );
    let mut ada = Client::join(one.address, &Person::new("Ada"), &["room1"]).await;
    let mut acked = Vec::new();
    for n in 0..100 {
        acked.push(
            say(&mut ada, &format!("{n}")).await["seq"]
                .as_i64()
                .unwrap(),
        );
    }
    one.kill().await;
    stored(&two).await;
    let records = http::records(two.address, "room1").await;
    let seqs: Vec<_> = records
        .iter()
        .map(|record| record["seq"].as_i64().unwrap())
        .collect();
    assert_eq!(seqs, acked);
}
