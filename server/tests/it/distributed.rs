//! Many servers, one truth: real binaries on a real Kafka, Redis and PostgreSQL. Each test has a topic and a database of
//! its own, and a Redis that it may kill.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use server::{
    config::{Arguments, Config},
    store::Store,
};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::support::{
    Client, Person, Process, cid, eventually, http,
    server::UNLIMITED,
    services::{self, Redis},
};

mod broker;
mod consumers;
mod database;
mod hints;
mod process;
mod replica;
mod rooms;
mod secured;

/// What the servers of one test share.
struct Cluster {
    redis: Redis,
    redis_url: String,
    kafka: String,
    database: String,
    topic: String,
    folder: TempDir,
}

impl Cluster {
    async fn new() -> Self {
        let name = format!("t{}", cid().replace('-', ""));
        let database = services::new_database(&name).await;
        let redis = Redis::start().await;
        Self {
            redis_url: redis.url(),
            redis,
            kafka: services::kafka(),
            database,
            topic: name,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Starts a process and waits until it is ready.
    async fn start(&self, role: &str, flags: &[&str]) -> Process {
        let process = self.spawn(role, flags).await;
        process.ready().await;
        process
    }

    /// Starts a process and waits until it listens.
    async fn spawn(&self, role: &str, flags: &[&str]) -> Process {
        let flags = self.flags(role, flags);
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        Process::spawn(self.folder.path(), &flags).await
    }

    /// What every process of the cluster is told.
    fn flags(&self, role: &str, flags: &[&str]) -> Vec<String> {
        let own = [
            format!("--role={role}"),
            format!("--kafka-brokers={}", self.kafka),
            format!("--kafka-topic={}", self.topic),
            format!("--redis-url={}", self.redis_url),
            format!("--database-url={}", self.database),
        ];
        let given = flags.iter().map(|flag| (*flag).to_owned());
        own.into_iter().chain(given).collect()
    }

    async fn web(&self) -> Process {
        self.start("web", &UNLIMITED).await
    }

    async fn consumer(&self) -> Process {
        self.start("consumer", &[]).await
    }
}

async fn say(client: &mut Client, text: &str) -> Value {
    let cid = cid();
    client
        .send(
            "event:message",
            json!({"cid": cid, "attempt": 1, "room": "room1", "message": text}),
        )
        .await;
    loop {
        let frame = client.next().await;
        match frame.event.as_str() {
            "message:ack" => return frame.data,
            "message" => {}
            other => panic!("{other}: {:?}", frame.data),
        }
    }
}

async fn hear(client: &mut Client) -> (i64, String) {
    let frame = client.next().await;
    assert_eq!(frame.event, "message", "{frame:?}");
    (
        frame["seq"].as_i64().unwrap(),
        frame["message"].as_str().unwrap().to_owned(),
    )
}

/// Does something to the database behind everybody's back.
async fn execute(database: &str, sql: &'static str) {
    use sqlx::{Connection as _, Executor as _};
    let mut connection = sqlx::PgConnection::connect(database).await.unwrap();
    connection.execute(sql).await.unwrap();
}

/// Counts rows.
async fn count(database: &str, sql: &'static str) -> i64 {
    use sqlx::Connection as _;
    let mut connection = sqlx::PgConnection::connect(database).await.unwrap();
    sqlx::query_scalar(sql)
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

/// Waits until everything that was said before is stored.
async fn stored(server: &Process) {
    let asked = json!(server::clock::now());
    eventually("everything is stored", async || {
        let health = http::get(server.address, "/healthz").await.json();
        if health["at"].as_str() <= asked.as_str() {
            return false;
        }
        let partitions = health["partitions"].as_array().unwrap();
        partitions
            .iter()
            .all(|partition| partition["end"].is_i64() && partition["end"] == partition["stored"])
    })
    .await;
}

#[tokio::test]
async fn two_servers_tell_their_readers_the_same_and_the_store_agrees() {
    let cluster = Cluster::new().await;
    let (one, two, _consumer) = (
        cluster.web().await,
        cluster.web().await,
        cluster.consumer().await,
    );
    let mut ada = Client::join(one.address, &Person::new("Ada"), &["room1"]).await;
    let mut lin = Client::join(two.address, &Person::new("Lin"), &["room1"]).await;
    let mut reader = Client::guest(two.address, &["room1"]).await;
    for n in 0..20 {
        say(&mut ada, &format!("ada {n}")).await;
        say(&mut lin, &format!("lin {n}")).await;
    }
    let mut heard = Vec::new();
    while heard.len() < 40 {
        heard.push(hear(&mut reader).await);
    }
    stored(&one).await;
    for server in [&one, &two] {
        let records = http::records(server.address, "room1").await;
        let records: Vec<_> = records
            .iter()
            .map(|record| {
                (
                    record["seq"].as_i64().unwrap(),
                    record["message"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        assert_eq!(records, heard);
    }
}

#[tokio::test]
async fn without_redis_messages_arrive_within_a_second() {
    let mut cluster = Cluster::new().await;
    let (one, two, _consumer) = (
        cluster.web().await,
        cluster.web().await,
        cluster.consumer().await,
    );
    let mut ada = Client::join(one.address, &Person::new("Ada"), &["room1"]).await;
    let mut reader = Client::guest(two.address, &["room1"]).await;
    say(&mut ada, "with").await;
    assert_eq!(hear(&mut reader).await.1, "with");
    cluster.redis.kill();
    for n in 0..10 {
        let sent = Instant::now();
        say(&mut ada, &format!("without {n}")).await;
        assert_eq!(hear(&mut reader).await.1, format!("without {n}"));
        let took = sent.elapsed();
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
    cluster.redis.restart().await;
    say(&mut ada, "again").await;
    assert_eq!(hear(&mut reader).await.1, "again");
}

#[tokio::test]
async fn a_retry_on_another_server_gets_the_first_ack() {
    let cluster = Cluster::new().await;
    let (one, two) = (cluster.web().await, cluster.web().await);
    let ada = Person::new("Ada");
    let mut first = Client::join(one.address, &ada, &["room1"]).await;
    let ack = say(&mut first, "once").await;
    let mut second = Client::join(two.address, &ada, &["room1"]).await;
    let retry = json!({"cid": ack["cid"], "attempt": 2, "room": "room1", "message": "once"});
    second.send("event:message", retry).await;
    let again = second.next().await;
    assert_eq!((again.event.as_str(), &again.data), ("message:ack", &ack));
    assert_eq!(http::records(two.address, "room1").await.len(), 1);
}

#[tokio::test]
async fn a_user_s_rate_is_one_over_all_servers() {
    let cluster = Cluster::new().await;
    let slow = ["--rate-per-second=1", "--rate-burst=3"];
    let (one, two) = (
        cluster.start("web", &slow).await,
        cluster.start("web", &slow).await,
    );
    let ada = Person::new("Ada");
    let mut sockets = [
        Client::join(one.address, &ada, &[]).await,
        Client::join(two.address, &ada, &[]).await,
    ];
    let mut refused = 0;
    for n in 0..6 {
        let socket = &mut sockets[n % 2];
        let message =
            json!({"cid": cid(), "attempt": 1, "room": "room1", "message": format!("{n}")});
        socket.send("event:message", message).await;
        let answer = socket.next().await;
        refused += usize::from(answer.event == "message:nack" && answer["code"] == "rate_limited");
    }
    assert!(refused >= 2, "{refused} of 6 refused");
}

#[tokio::test]
async fn the_schema_goes_down_and_up_again_on_postgresql() {
    let cluster = Cluster::new().await;
    let store = Arc::new(
        Store::open_postgres(&cluster.database, None, 2, true)
            .await
            .unwrap(),
    );
    let steps = store
        .migrate(server::store::Migrations::Status)
        .await
        .unwrap();
    for _ in &steps {
        store
            .migrate(server::store::Migrations::Down)
            .await
            .unwrap();
    }
    assert!(
        store
            .migrate(server::store::Migrations::Status)
            .await
            .unwrap()
            .iter()
            .all(|(_, applied)| !applied)
    );
    assert!(
        store
            .migrate(server::store::Migrations::Up)
            .await
            .unwrap()
            .iter()
            .all(|(_, applied)| *applied)
    );
}

#[test]
fn half_a_profile_is_refused_with_a_sentence() {
    use clap::Parser as _;
    let all = [
        ["--kafka-brokers=a:1", "--kafka-brokers="],
        ["--redis-url=redis://a", "--redis-url="],
        ["--database-url=postgres://a/b", "--database-url="],
    ];
    for missing in 0..3 {
        // Given and empty: the variables of the services are set while this test runs.
        let flags = all
            .iter()
            .enumerate()
            .map(|(n, [given, empty])| if n == missing { *empty } else { *given });
        let arguments = Arguments::parse_from(std::iter::once("sphere").chain(flags));
        let error = Config::try_from(arguments).unwrap_err().to_string();
        assert!(error.contains("belong together"), "{error}");
    }
}
