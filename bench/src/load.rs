//! The figures: how late messages are, calm and while parts are away, how soon everything is as before, and how fast the
//! consumer stores. Without proxies; on release builds. The checks run over the same messages in the end.

use std::{collections::HashMap, path::Path, time::Duration};

use sqlx::Executor as _;
use tokio::time::{Instant, sleep};

use crate::{
    Failure,
    check::{FULL, LEAST_ACKS, Plan, Run, Size, right},
    clock::{self, milliseconds, nanoseconds, seconds},
    cluster::{Cluster, Ground, PARTITIONS, Places, Shape},
    evidence::Evidence,
    faults::Fault,
    history::Event,
    parts::{eventually, postgres::STORED},
    report::page::page,
    say,
    stats::permille,
};

/// Messages a second.
const RATE: f64 = 200.0;
/// Records that the consumer is given.
const RECORDS: usize = 40_000;
/// How long rows are stored one by one.
const ONE_BY_ONE: Duration = Duration::from_secs(4);

/// A stretch of the run.
struct Window {
    name: &'static str,
    from: u64,
    to: u64,
}

/// How late the messages of a stretch were, sorted, hop by hop.
#[derive(Default)]
struct Hops {
    ack: Vec<u64>,
    after_ack: Vec<u64>,
    reader: Vec<u64>,
    last_reader: Vec<u64>,
}

/// Measures and prints a table; true when nothing was lost on the way.
///
/// # Errors
/// When the set-up fails.
pub async fn load(
    places: &Places,
    span: Duration,
    only: &str,
    out: &Path,
) -> Result<bool, Failure> {
    let folder = tempfile::Builder::new().prefix("sphere-load").tempdir()?;
    let mut ground = Ground::start(places, folder.path(), FULL.servers + FULL.consumers).await?;
    let mut held = true;
    if only.is_empty() || "delivery".starts_with(only) {
        held = delivery(&mut ground, places, span, out).await?;
    }
    if only.is_empty() || "consumer".starts_with(only) {
        consumer(&ground, places).await?;
    }
    Ok(held)
}

fn shape(places: &Places, name: &str, size: Size) -> Shape {
    Shape {
        name: format!("{name}_{}", uuid::Uuid::new_v4().simple()),
        binary: places.sphere.clone(),
        servers: size.servers,
        consumers: size.consumers,
        rooms: size.rooms,
        proxied: false,
        wrong: None,
    }
}

async fn delivery(
    ground: &mut Ground,
    places: &Places,
    span: Duration,
    out: &Path,
) -> Result<bool, Failure> {
    let size = Size { joins: 1, ..FULL };
    let plan = Plan {
        seed: 1,
        rounds: Vec::new(),
        size,
        manner: crate::client::Manner {
            probes: 0,
            ..right(size.clients, RATE)
        },
        warm_up: Duration::from_secs(3),
        end: Duration::from_secs(30),
        least_acks: LEAST_ACKS,
    };
    say(format_args!(
        "{} rooms x {} readers over {} servers, {RATE} messages/s",
        size.rooms,
        size.clients / size.rooms,
        size.servers
    ));
    let steal = stolen();
    let began = Instant::now();
    let mut run = Run::start(ground, shape(places, "load", size), plan, None).await?;
    sleep(Duration::from_secs(3)).await;
    let mut windows = Vec::new();
    let from = clock::now();
    sleep(span).await;
    windows.push(Window {
        name: "calm",
        from,
        to: clock::now(),
    });

    let from = clock::now();
    run.round(&[Fault::RedisKilled]).await?;
    let away = nanoseconds(Fault::RedisKilled.lasts());
    windows.push(Window {
        name: "Redis away",
        from,
        to: from + away,
    });
    for (name, fault) in [
        ("broker hung 10 s", Fault::KafkaStopped),
        ("broker killed", Fault::KafkaKilled),
    ] {
        let from = clock::now();
        run.round(&[fault]).await?;
        windows.push(Window {
            name,
            from,
            to: clock::now(),
        });
    }
    let takeover = takeover(&mut run).await?;
    let from = clock::now();
    run.round(&[Fault::RollingRestart]).await?;
    let rolling = Window {
        name: "rolling restart",
        from,
        to: clock::now(),
    };
    let (from, to) = (rolling.from, rolling.to);
    windows.push(rolling);
    let report = run.end().await?;
    say(
        "window\tacks\tsend to ack p50\tp99\tack to reader p50\tp99\tsend to reader p50\tp99\tmax\tto the last reader p99",
    );
    for window in &windows {
        let hops = hops(&report.evidence, window);
        let at = |delays: &[u64], share| format!("{:.1}", milliseconds(permille(delays, share)));
        say(format_args!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{} ms",
            window.name,
            hops.ack.len(),
            at(&hops.ack, 500),
            at(&hops.ack, 990),
            at(&hops.after_ack, 500),
            at(&hops.after_ack, 990),
            at(&hops.reader, 500),
            at(&hops.reader, 990),
            at(&hops.reader, 1_000),
            at(&hops.last_reader, 990),
        ));
    }
    for band in &report.bands {
        let back = band.recovered.map_or("not within 10 s".to_owned(), |at| {
            format!("{:.1} s", seconds(at - band.to))
        });
        say(format_args!("{}: p99 below 300 ms after {back}", band.name));
    }
    say(format_args!(
        "consumer takeover: {:.1} s",
        takeover.as_secs_f64()
    ));
    say(format_args!(
        "rolling restart: {} failed sends",
        failed(&report.evidence, from, to)
    ));
    say(format_args!(
        "steal: {:.1} % of the processors' time",
        100.0 * (stolen() - steal) as f64 / 100.0 / began.elapsed().as_secs_f64() / processors()
    ));
    report.summary();
    std::fs::create_dir_all(out)?;
    std::fs::write(out.join("load.html"), page(&report))?;
    Ok(report.passed())
}

/// How long it takes until everything is stored again after a consumer died.
async fn takeover(run: &mut Run<'_>) -> Result<Duration, Failure> {
    let topic = run.cluster.shape.name.clone();
    run.cluster.consumers[0].kill().await?;
    let died = Instant::now();
    // What is written after the death is stored by somebody else.
    sleep(Duration::from_millis(500)).await;
    let ends = run.ground.kafka.ends(&topic, PARTITIONS).await?;
    let database = run.cluster.database.clone();
    eventually("another consumer stores", STORED, async || {
        let offsets = database.offsets().await.unwrap_or_default();
        offsets.len() == ends.len()
            && offsets
                .iter()
                .zip(&ends)
                .all(|((_, next), end)| next >= end)
    })
    .await?;
    let took = died.elapsed();
    run.cluster.consumers[0].start().await?;
    run.cluster.consumers[0].ready().await?;
    Ok(took)
}

fn hops(evidence: &Evidence, window: &Window) -> Hops {
    let within = |t: u64| (window.from..window.to).contains(&t);
    let mut hops = Hops::default();
    let mut acked: HashMap<(usize, usize, u32), u64> = HashMap::new();
    for (client, events) in evidence.clients.iter().enumerate() {
        let mut sent = HashMap::new();
        for event in events {
            match event {
                Event::Send {
                    t, cid, room, n, ..
                } => {
                    sent.entry(*cid).or_insert((*t, *room, *n));
                }
                Event::Ack { t, cid, .. } => {
                    if let Some((at, room, n)) = sent.remove(cid)
                        && within(at)
                    {
                        hops.ack.push(t - at);
                        acked.insert((client, room, n), *t);
                    }
                }
                _ => {}
            }
        }
    }
    let mut last: HashMap<(usize, usize, u32), u64> = HashMap::new();
    for event in evidence.clients.iter().flatten() {
        if let Event::Recv { t, item } = event
            && item.shown
            && let Some(said) = item.said.filter(|said| within(said.at))
        {
            let key = (said.client, said.room, said.n);
            let delay = t.saturating_sub(said.at);
            hops.reader.push(delay);
            let latest = last.entry(key).or_default();
            *latest = (*latest).max(delay);
            // A reader may hear before the author does.
            hops.after_ack
                .extend(acked.get(&key).map(|acked| t.saturating_sub(*acked)));
        }
    }
    hops.last_reader = last.into_values().collect();
    for delays in [
        &mut hops.ack,
        &mut hops.after_ack,
        &mut hops.reader,
        &mut hops.last_reader,
    ] {
        delays.sort_unstable();
    }
    hops
}

/// Sends that a user would see as failed: refused for good. That everything else was stored, C1 and C10 say.
fn failed(evidence: &Evidence, from: u64, to: u64) -> usize {
    let refused = |event: &&Event| matches!(event, Event::Nack { t, retry: false, .. } if (from..to).contains(t));
    evidence.clients.iter().flatten().filter(refused).count()
}

/// Rows that a consumer stores in a second, and rows that are stored by one commit each, on the same database.
async fn consumer(ground: &Ground, places: &Places) -> Result<(), Failure> {
    let size = Size {
        servers: 1,
        consumers: 1,
        clients: 8,
        rooms: 4,
        joins: 1,
    };
    let mut cluster = Cluster::start(ground, shape(places, "rows", size)).await?;
    let topic = cluster.shape.name.clone();
    cluster.consumers[0].kill().await?;
    let template = first_records(&cluster, ground).await?;
    let database = cluster.database.clone();
    let stored = async || -> Result<i64, Failure> {
        Ok(database.offsets().await?.iter().map(|(_, next)| next).sum())
    };
    for partition in 0..PARTITIONS {
        let mut values = Vec::new();
        for _ in 0..RECORDS / PARTITIONS as usize {
            let mut record = template[&partition].clone();
            record["id"] = uuid::Uuid::new_v4().to_string().into();
            values.push(serde_json::to_vec(&record)?);
        }
        ground.kafka.produce(&topic, partition, values).await?;
    }
    let before = stored().await?;
    cluster.consumers[0].start().await?;
    eventually("the consumer begins", STORED, async || {
        stored().await.is_ok_and(|now| now > before)
    })
    .await?;
    let (began, first) = (Instant::now(), stored().await?);
    cluster.stored(ground, STORED * 4).await?;
    let batched = (stored().await? - first) as f64 / began.elapsed().as_secs_f64();

    let mut connection = database.connect().await?;
    connection
        .execute("CREATE TABLE one_by_one (LIKE messages INCLUDING ALL)")
        .await?;
    let (began, mut rows) = (Instant::now(), 0_i64);
    while began.elapsed() < ONE_BY_ONE {
        let mut transaction = sqlx::Connection::begin(&mut connection).await?;
        transaction
            .execute("UPDATE log_offsets SET next_offset = next_offset WHERE partition = 0")
            .await?;
        sqlx::query(
            "INSERT INTO one_by_one (id, room, partition, seq, kind, author, author_name, author_image, body, created_at) \
             SELECT gen_random_uuid(), room, partition, $1, kind, author, author_name, author_image, body, created_at \
             FROM messages WHERE partition = 0 ORDER BY seq LIMIT 1",
        )
        .bind(rows)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        rows += 1;
    }
    let single = rows as f64 / began.elapsed().as_secs_f64();
    say(format_args!(
        "consumer: {batched:.0} rows/s; one row per commit: {single:.0} rows/s; {:.1} times as fast",
        batched / single
    ));
    drop(connection);
    cluster.end().await
}

/// A record of each partition, as the server writes it.
async fn first_records(
    cluster: &Cluster,
    ground: &Ground,
) -> Result<HashMap<i32, serde_json::Value>, Failure> {
    let mut records = HashMap::new();
    for (name, partition) in cluster.database.rooms().await? {
        crate::client::say_once(cluster.servers[0].direct(), &name).await?;
        let value = ground.kafka.first(&cluster.shape.name, partition).await?;
        records.insert(partition, serde_json::from_slice(&value)?);
    }
    if (0..PARTITIONS).all(|partition| records.contains_key(&partition)) {
        Ok(records)
    } else {
        Err("a partition has no room".into())
    }
}

/// Clock ticks that somebody else had the processors, of 100 a second.
fn stolen() -> u64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let mut fields = stat.lines().next().unwrap_or_default().split_whitespace();
    fields
        .nth(8)
        .and_then(|steal| steal.parse().ok())
        .unwrap_or_default()
}

fn processors() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |count| count.get() as f64)
}
