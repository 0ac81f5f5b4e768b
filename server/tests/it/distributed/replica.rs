//! History is read from a replica, which is behind.

use futures::TryStreamExt as _;
use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection};

use super::{Cluster, rooms::sphere, stored};
use crate::support::{Client, Person, http, server::UNLIMITED, services::new_database};

/// What pages are made of; what others depend on comes first.
const TABLES: [&str; 5] = ["rooms", "users", "messages", "logs", "log_offsets"];

/// Makes one database what the other is now, as a replica that was paused and goes on for a moment.
async fn replicate(from: &str, to: &str) {
    let (mut from, mut to) = (
        PgConnection::connect(from).await.unwrap(),
        PgConnection::connect(to).await.unwrap(),
    );
    from.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        .await
        .unwrap();
    to.execute("BEGIN; TRUNCATE rooms, users, messages, logs, log_offsets")
        .await
        .unwrap();
    for table in TABLES {
        let rows: Vec<_> = from
            .copy_out_raw(&format!("COPY {table} TO STDOUT"))
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        let mut copy = to
            .copy_in_raw(&format!("COPY {table} FROM STDIN"))
            .await
            .unwrap();
        copy.send(rows.concat()).await.unwrap();
        copy.finish().await.unwrap();
    }
    to.execute("COMMIT").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_from_a_replica_that_is_behind_are_those_of_everybody_else() {
    let mut cluster = Cluster::new().await;
    let (web, _consumer) = (cluster.web().await, cluster.consumer().await);
    let primary = cluster.database.clone();
    let replica = new_database(&format!("{}r", cluster.topic)).await;
    cluster.database = replica.clone();
    let (well, said) = sphere(&cluster, &["migrate", "up"]).await;
    assert!(well, "{said}");
    cluster.database = primary.clone();

    let mut ada = Client::join(web.address, &Person::new("Ada"), &["room1"]).await;
    for n in 0..60 {
        ada.say("room1", &format!("{n}")).await;
    }
    stored(&web).await;
    replicate(&primary, &replica).await;
    for n in 60..120 {
        ada.say("room1", &format!("{n}")).await;
    }
    stored(&web).await;

    // Its ring begins where the store is; what lies between is in neither of replica and ring.
    let read = format!("--database-read-url={replica}");
    let flags: Vec<&str> = UNLIMITED.into_iter().chain([read.as_str()]).collect();
    let reader = cluster.start("web", &flags).await;
    let everything = http::records(web.address, "room1").await;
    assert_eq!(everything.len(), 120);
    assert_eq!(http::records(reader.address, "room1").await, everything);
    for query in [
        "limit=50",
        "before=90&limit=50",
        "before=60&limit=50",
        "before=30&limit=50",
    ] {
        assert_eq!(
            http::page(reader.address, "room1", query).await,
            http::page(web.address, "room1", query).await,
            "{query}"
        );
    }
    let mut bob = Client::join(reader.address, &Person::new("Bob"), &["room1"]).await;
    let page = bob
        .ask(json!({"room": "room1", "after": 40, "limit": 200}))
        .await;
    assert_eq!(page["items"].as_array().unwrap().len(), 79, "{page:?}");
    ada.say("room1", "live").await;
    assert_eq!(bob.take("message").await["message"], "live");

    replicate(&primary, &replica).await;
    assert_eq!(
        http::records(reader.address, "room1").await,
        http::records(web.address, "room1").await
    );
}
