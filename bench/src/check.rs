//! The check: a cluster under load, faults one after the other, the end, the verdict.

use std::time::Duration;

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::time::{Instant, sleep};

use crate::{
    Failure,
    client::Manner,
    cluster::{Ground, Places, Shape},
    faults::{self, Fault},
    parts::postgres::Database,
    report::Report,
    say,
};

mod end;
mod run;

pub use run::Run;

/// Nothing less proves anything.
pub const LEAST_ACKS: usize = 5_000;
/// How long all clients may take to have everything in the end.
const END: Duration = Duration::from_secs(30);

/// What starting again and being as before take of a round, about.
const BETWEEN: Duration = Duration::from_secs(3);

/// How a check is made.
#[derive(Debug, Clone)]
pub struct Plan {
    /// All that is random follows from it.
    pub seed: u64,
    /// Faults, each with those that happen at the same time.
    pub rounds: Vec<Vec<Fault>>,
    /// Web servers, consumers, rooms, clients.
    pub size: Size,
    /// How clients behave.
    pub manner: Manner,
    /// How long it runs before the first fault.
    pub warm_up: Duration,
    /// What the end waits for.
    pub end: Duration,
    /// Acknowledgements that make it count.
    pub least_acks: usize,
}

/// How large a cluster is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Web servers.
    pub servers: usize,
    /// Consumers.
    pub consumers: usize,
    /// Rooms.
    pub rooms: usize,
    /// Clients.
    pub clients: usize,
    /// Rooms of a client.
    pub joins: usize,
}

/// As the reference says: three servers, two consumers, twelve rooms, sixty clients.
pub const FULL: Size = Size {
    servers: 3,
    consumers: 2,
    rooms: 12,
    clients: 60,
    joins: 2,
};

/// Clients as they should be, so many messages a second in all.
pub fn right(clients: usize, rate: f64) -> Manner {
    let clients = u32::try_from(clients).unwrap_or(u32::MAX);
    Manner {
        pause: Duration::from_secs_f64(f64::from(clients) / rate),
        window: 1,
        new_key_on_retry: false,
        probes: 20,
    }
}

impl Plan {
    /// The ten faults and more, one at a time.
    pub fn short(seed: u64) -> Self {
        Self {
            seed,
            rounds: faults::SHORT.iter().map(|fault| vec![*fault]).collect(),
            size: FULL,
            manner: right(FULL.clients, 200.0),
            warm_up: Duration::from_secs(4),
            end: END,
            least_acks: LEAST_ACKS,
        }
    }

    /// Every fault once, then pairs of them, until the time is over.
    pub fn long(seed: u64, lasts: Duration) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut rounds: Vec<Vec<Fault>> = faults::ALL.map(|fault| vec![fault]).to_vec();
        let cost = |round: &[Fault]| {
            let longest = round.iter().map(|fault| fault.lasts()).max();
            longest.unwrap_or_default() + BETWEEN
        };
        let mut total: Duration = rounds.iter().map(|round| cost(round)).sum();
        while total < lasts {
            let pick = |random: &mut StdRng| faults::ALL[random.random_range(0..faults::ALL.len())];
            let (one, other) = (pick(&mut random), pick(&mut random));
            if one.goes_with(other) {
                total += cost(&[one, other]);
                rounds.push(vec![one, other]);
            }
        }
        Self {
            rounds,
            ..Self::short(seed)
        }
    }
}

/// A check from the first process to the verdict.
///
/// # Errors
/// When the set-up fails: then nothing is proven.
pub async fn check(places: &Places, plan: Plan, out: &std::path::Path) -> Result<Report, Failure> {
    let folder = tempfile::Builder::new().prefix("sphere-check").tempdir()?;
    let started = Instant::now();
    let mut ground = Ground::start(
        places,
        folder.path(),
        plan.size.servers + plan.size.consumers,
    )
    .await?;
    let shape = Shape {
        name: format!("check_{}", uuid::Uuid::new_v4().simple()),
        binary: places.sphere.clone(),
        servers: plan.size.servers,
        consumers: plan.size.consumers,
        rooms: plan.size.rooms,
        proxied: true,
        wrong: None,
    };
    let database = Database::named(&places.database_url, &shape.name);
    let whole = async {
        let (rounds, warm_up) = (plan.rounds.clone(), plan.warm_up);
        say(format_args!(
            "seed {}; {} rounds of faults",
            plan.seed,
            rounds.len()
        ));
        let histories = Some(out.join("histories"));
        let mut run = Run::start(&mut ground, shape, plan, histories).await?;
        say(format_args!(
            "everything runs after {:.1} s",
            started.elapsed().as_secs_f64()
        ));
        sleep(warm_up).await;
        for faults in &rounds {
            run.round(faults).await?;
        }
        run.end().await
    };
    let report = whole.await;
    keep_logs(folder.path(), out);
    if report.is_err() {
        database.remove().await?;
    }
    report
}

/// The lines of the processes, for whoever looks for a cause.
pub(crate) fn keep_logs(folder: &std::path::Path, out: &std::path::Path) {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for file in files.filter(|file| file.path().extension().is_some_and(|end| end == "log")) {
        let _ = std::fs::create_dir_all(out);
        let _ = std::fs::copy(file.path(), out.join(file.file_name()));
    }
}
