//! The proof that the check would notice: servers and clients that are wrong on purpose, each under a short schedule that
//! meets its fault. Every one of them must be found out, and those that are right must not.

use std::{path::Path, time::Duration};

use rand::{SeedableRng as _, rngs::StdRng};
use tokio::time::{Instant, sleep};

use crate::{
    Failure,
    check::{Plan, Run, Size, keep_logs, right},
    client::Manner,
    cluster::{Ground, Places, Shape},
    faults::{Fault, is_produce},
    proxy::{Mode, Then},
    report::{Report, page::page},
    say,
    verify::Check,
};

/// A wrong one must be found out in this time, from the first message on.
const RED: Duration = Duration::from_secs(20);
/// Small, so that it starts fast.
const SMALL: Size = Size {
    servers: 2,
    consumers: 1,
    rooms: 4,
    clients: 16,
    joins: 2,
};
/// Messages a second.
const RATE: f64 = 150.0;

/// What happens to the cluster, one thing after the other.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// A server is killed and started again.
    Server,
    /// The only consumer is killed and started again.
    Consumer,
    /// Redis is killed and started again.
    Redis,
    /// Answers to appends are lost with their connections: rskafka repeats them by itself.
    Repeats,
    /// Clients are cut off while their sends are on the way.
    Retries,
}

/// One case.
struct Case {
    name: &'static str,
    /// What the server does wrong.
    wrong: Option<&'static str>,
    manner: fn(Manner) -> Manner,
    troubles: &'static [Trouble],
    /// The checks of which one must find it; none: nothing may be found.
    red: &'static [Check],
}

fn as_it_should(manner: Manner) -> Manner {
    manner
}

fn new_key(manner: Manner) -> Manner {
    Manner {
        new_key_on_retry: true,
        ..manner
    }
}

fn pipelining(manner: Manner) -> Manner {
    Manner {
        window: 4,
        pause: manner.pause / 3,
        ..manner
    }
}

const CASES: [Case; 9] = [
    Case {
        name: "nothing_wrong",
        wrong: None,
        manner: as_it_should,
        troubles: &[
            Trouble::Repeats,
            Trouble::Retries,
            Trouble::Redis,
            Trouble::Consumer,
            Trouble::Server,
        ],
        red: &[],
    },
    Case {
        name: "pipelining_alone",
        wrong: None,
        manner: pipelining,
        troubles: &[],
        red: &[],
    },
    Case {
        name: "ack_before_append",
        wrong: Some("ack_before_append"),
        manner: as_it_should,
        troubles: &[Trouble::Server],
        red: &[Check::C1, Check::C5],
    },
    Case {
        name: "no_unique_key",
        wrong: Some("no_unique_key"),
        manner: as_it_should,
        troubles: &[Trouble::Repeats],
        red: &[Check::C2],
    },
    Case {
        name: "no_deduplication",
        wrong: Some("no_deduplication"),
        manner: as_it_should,
        troubles: &[Trouble::Repeats],
        red: &[Check::C2, Check::C5],
    },
    Case {
        name: "hints_only",
        wrong: Some("hints_only"),
        manner: as_it_should,
        troubles: &[Trouble::Redis],
        red: &[Check::C1, Check::C3, Check::C8, Check::C10],
    },
    Case {
        name: "offset_apart",
        wrong: Some("offset_apart"),
        manner: as_it_should,
        troubles: &[Trouble::Consumer],
        red: &[Check::C1],
    },
    Case {
        name: "new_key_on_retry",
        wrong: None,
        manner: new_key,
        troubles: &[Trouble::Retries],
        red: &[Check::C2],
    },
    Case {
        name: "two_batches",
        wrong: Some("two_batches"),
        manner: pipelining,
        troubles: &[],
        red: &[Check::C4],
    },
];

/// Runs the case of that name, or all of them; true when each was judged as it should be.
///
/// # Errors
/// When the set-up fails, or there is no such case.
pub async fn bite(places: &Places, name: &str, seed: u64, out: &Path) -> Result<bool, Failure> {
    let cases: Vec<&Case> = CASES
        .iter()
        .filter(|case| name == "all" || case.name == name)
        .collect();
    if cases.is_empty() {
        let names: Vec<_> = CASES.iter().map(|case| case.name).collect();
        return Err(format!("there is no {name:?}; there are all, {}", names.join(", ")).into());
    }
    let folder = tempfile::Builder::new().prefix("sphere-bite").tempdir()?;
    let mut ground = Ground::start(places, folder.path(), SMALL.servers + SMALL.consumers).await?;
    let mut right = true;
    for case in cases {
        let (report, took) = one(&mut ground, places, case, seed).await?;
        let judged = judge(case, &report, took);
        right &= judged;
        if !judged {
            std::fs::create_dir_all(out)?;
            std::fs::write(out.join(format!("{}.html", case.name)), page(&report))?;
            report.summary();
            keep_logs(folder.path(), out);
        }
    }
    Ok(right)
}

fn judge(case: &Case, report: &Report, took: Duration) -> bool {
    let mut found: Vec<String> = report
        .anomalies
        .iter()
        .map(|anomaly| format!("{:?} {}", anomaly.check, anomaly.name))
        .collect();
    found.dedup();
    let red = report
        .anomalies
        .iter()
        .any(|anomaly| case.red.contains(&anomaly.check));
    let judged = if case.red.is_empty() {
        report.passed()
    } else {
        red && took < RED
    };
    say(format_args!(
        "{}\t{}\t{:.1} s, {} acks, {} repeats; {}",
        case.name,
        match (judged, case.red.is_empty()) {
            (true, true) => "green, as it should be",
            (true, false) => "found out",
            (false, true) => "RED WITHOUT A CAUSE",
            (false, false) => "NOT FOUND OUT",
        },
        took.as_secs_f64(),
        report.counts.acked,
        report.counts.voids,
        if found.is_empty() {
            "nothing found".to_owned()
        } else {
            found.join(", ")
        }
    ));
    judged
}

async fn one(
    ground: &mut Ground,
    places: &Places,
    case: &Case,
    seed: u64,
) -> Result<(Report, Duration), Failure> {
    let plan = Plan {
        seed,
        rounds: Vec::new(),
        size: SMALL,
        manner: (case.manner)(right(SMALL.clients, RATE)),
        warm_up: Duration::from_millis(1_500),
        // One that is right may take its time.
        end: Duration::from_secs(if case.red.is_empty() { 20 } else { 3 }),
        least_acks: 100,
    };
    let shape = Shape {
        name: format!("bite_{}", uuid::Uuid::new_v4().simple()),
        binary: places.sphere.clone(),
        servers: SMALL.servers,
        consumers: SMALL.consumers,
        rooms: SMALL.rooms,
        proxied: true,
        wrong: case.wrong,
    };
    let warm_up = plan.warm_up;
    let mut run = Run::start(ground, shape, plan, None).await?;
    let began = Instant::now();
    sleep(warm_up).await;
    let mut random = StdRng::seed_from_u64(seed);
    for trouble in case.troubles {
        trouble.make(&mut run, &mut random).await?;
    }
    sleep(warm_up).await;
    let report = run.end().await?;
    Ok((report, began.elapsed()))
}

impl Trouble {
    async fn make(self, run: &mut Run<'_>, random: &mut StdRng) -> Result<(), Failure> {
        let (fault, lasts) = match self {
            Self::Server => (Fault::ServerKilled, 500),
            Self::Consumer => (Fault::ConsumerKilled, 200),
            Self::Redis => (Fault::RedisKilled, 1_500),
            Self::Repeats => {
                for node in &run.cluster.servers {
                    node.kafka.drop_responses(6, is_produce, Then::Cut);
                }
                sleep(Duration::from_millis(1_500)).await;
                run.cluster
                    .servers
                    .iter()
                    .for_each(|node| node.kafka.heal());
                return Ok(());
            }
            Self::Retries => {
                let slow = Mode::Delay(Duration::from_millis(60));
                run.cluster
                    .servers
                    .iter()
                    .for_each(|node| node.kafka.set(slow));
                for _ in 0..3 {
                    sleep(Duration::from_millis(700)).await;
                    run.cluster
                        .servers
                        .iter()
                        .for_each(|node| node.clients.cut());
                }
                run.cluster
                    .servers
                    .iter()
                    .for_each(|node| node.kafka.heal());
                return Ok(());
            }
        };
        let planned = fault.plan(random, &run.cluster);
        planned.begin(run.ground, &mut run.cluster).await?;
        sleep(Duration::from_millis(lasts)).await;
        planned.end(run.ground, &mut run.cluster).await
    }
}
