//! The promises of [`Bus`]: everybody who listens hears, once at most, and nobody holds anybody up.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt as _, StreamExt as _, future::LocalBoxFuture, stream::BoxStream};
use server::bus::{Bus, Hint, Signal, memory::MemoryBus, redis::RedisBus};
use sphere_protocol::UserId;

use super::record;
use crate::support::{eventually, redis_cluster::RedisCluster, services::Redis, within};

/// A bus, and whatever must live as long.
type Opened = (Arc<dyn Bus>, Box<dyn std::any::Any>);
type Open = fn() -> LocalBoxFuture<'static, Opened>;

fn memory() -> LocalBoxFuture<'static, Opened> {
    async {
        (
            Arc::new(MemoryBus::default()) as Arc<dyn Bus>,
            Box::new(()) as _,
        )
    }
    .boxed_local()
}

/// Partitions of the log that hints are about.
const PARTITIONS: i32 = 4;

/// A bus on a Redis of its own, subscribed.
fn redis() -> LocalBoxFuture<'static, Opened> {
    async {
        let redis = Redis::start().await;
        let bus = RedisBus::open(&redis.url()).unwrap() as Arc<dyn Bus>;
        travels(&bus).await;
        (bus, Box::new(redis) as _)
    }
    .boxed_local()
}

/// The same on a cluster.
fn cluster() -> LocalBoxFuture<'static, Opened> {
    async {
        let redis = RedisCluster::start().await;
        let bus = RedisBus::open(&redis.url()).unwrap() as Arc<dyn Bus>;
        bus.grow(PARTITIONS);
        travels(&bus).await;
        (bus, Box::new(redis) as _)
    }
    .boxed_local()
}

/// Waits until signals of every channel travel.
async fn travels(bus: &Arc<dyn Bus>) {
    let mut probe = bus.subscribe();
    for partition in 0..PARTITIONS {
        eventually("the bus is subscribed", async || {
            let _ = bus.publish(renamed("probe")).await;
            let _ = bus.publish(hint_of(partition, 99)).await;
            let (mut named, mut hinted) = (false, false);
            while let Ok(Some(signal)) =
                tokio::time::timeout(Duration::from_millis(200), probe.next()).await
            {
                match signal {
                    Signal::ProfileChanged { .. } => named = true,
                    Signal::Hint(hint) => hinted |= hint.partition == partition,
                }
            }
            named && hinted
        })
        .await;
    }
    // Probes that were still under way are not part of the test.
    while tokio::time::timeout(Duration::from_millis(300), probe.next())
        .await
        .is_ok()
    {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_loses_nodes_carries_hints_of_every_partition_again() {
    let mut redis = RedisCluster::start().await;
    let bus = RedisBus::open(&redis.url()).unwrap() as Arc<dyn Bus>;
    bus.grow(PARTITIONS);
    travels(&bus).await;
    redis.restart_one().await;
    travels(&bus).await;
    redis.fail_over().await;
    travels(&bus).await;
    assert!(bus.is_up());
}

macro_rules! contract {
    ($($adapter:ident: $($promise:ident)+;)+) => {$(
        mod $adapter {
            $(
                #[tokio::test]
                async fn $promise() {
                    super::$promise(super::$adapter).await;
                }
            )+
        }
    )+};
}

contract! {
    memory:
        everybody_who_listens_hears_everything_once
        nobody_hears_what_was_said_before
        a_listener_that_is_gone_disturbs_nobody
        a_slow_listener_holds_nobody_up_and_hears_the_newest
        saying_something_to_nobody_is_no_trouble;
    redis:
        everybody_who_listens_hears_everything_once
        a_listener_that_is_gone_disturbs_nobody;
    cluster:
        everybody_who_listens_hears_everything_once
        a_listener_that_is_gone_disturbs_nobody;
}

fn hint(offset: i64) -> Signal {
    hint_of(2, offset)
}

fn hint_of(partition: i32, offset: i64) -> Signal {
    Signal::Hint(Hint {
        epoch: 1,
        partition,
        offset,
        record: record(&offset.to_string()),
    })
}

fn renamed(name: &str) -> Signal {
    Signal::ProfileChanged {
        user: UserId::from("anon_1737708000000_k3j9d8f2a"),
        name: name.to_owned(),
    }
}

fn shown(signal: &Signal) -> String {
    match signal {
        Signal::Hint(hint) => format!(
            "{} {} {} {}",
            hint.epoch, hint.partition, hint.offset, hint.record.message
        ),
        Signal::ProfileChanged { user, name } => format!("{user} {name}"),
    }
}

async fn hear(signals: &mut BoxStream<'static, Signal>) -> String {
    shown(
        &within("a signal", signals.next())
            .await
            .expect("the bus goes on"),
    )
}

async fn everybody_who_listens_hears_everything_once(open: Open) {
    let (bus, _redis) = open().await;
    let mut listeners = [bus.subscribe(), bus.subscribe(), bus.subscribe()];
    let signals = [hint(7), renamed("Ada"), hint(8)];
    for signal in &signals {
        bus.publish(signal.clone()).await.unwrap();
    }
    for listener in &mut listeners {
        let mut heard = [
            hear(listener).await,
            hear(listener).await,
            hear(listener).await,
        ];
        heard.sort();
        assert_eq!(
            heard,
            ["1 2 7 7", "1 2 8 8", "anon_1737708000000_k3j9d8f2a Ada"]
        );
        assert!(listener.next().now_or_never().is_none());
    }
}

async fn nobody_hears_what_was_said_before(open: Open) {
    let (bus, _redis) = open().await;
    let _first = bus.subscribe();
    bus.publish(hint(1)).await.unwrap();
    let mut late = bus.subscribe();
    bus.publish(hint(2)).await.unwrap();
    assert_eq!(hear(&mut late).await, "1 2 2 2");
}

async fn a_listener_that_is_gone_disturbs_nobody(open: Open) {
    let (bus, _redis) = open().await;
    let mut stays = bus.subscribe();
    drop(bus.subscribe());
    bus.publish(hint(1)).await.unwrap();
    assert_eq!(hear(&mut stays).await, "1 2 1 1");
}

async fn a_slow_listener_holds_nobody_up_and_hears_the_newest(open: Open) {
    const MANY: i64 = 20_000;
    let (bus, _redis) = open().await;
    let mut slow = bus.subscribe();
    for offset in 0..MANY {
        within("publishing", bus.publish(hint(offset)))
            .await
            .unwrap();
    }
    let mut heard = Vec::new();
    let last = shown(&hint(MANY - 1));
    while heard.last() != Some(&last) {
        heard.push(hear(&mut slow).await);
    }
    let count = heard.len();
    heard.sort();
    heard.dedup();
    assert_eq!(heard.len(), count, "once at most");
}

async fn saying_something_to_nobody_is_no_trouble(open: Open) {
    let (bus, _redis) = open().await;
    // It may say so, but it neither waits nor breaks.
    let _ = within("publishing", bus.publish(hint(1))).await;
    let mut listener = bus.subscribe();
    bus.publish(hint(2)).await.unwrap();
    assert_eq!(hear(&mut listener).await, "1 2 2 2");
}
