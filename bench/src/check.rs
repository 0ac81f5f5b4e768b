//! The check: a cluster under load, faults one after the other, the end, the verdict.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use sphere_protocol::RoomName;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    Failure,
    client::{self, Client, Manner, Phase, Shared},
    clock::{self, nanoseconds, seconds},
    cluster::{Cluster, Ground, Places, Shape, room_name},
    evidence::Evidence,
    faults::{self, Fault, Planned},
    history::History,
    parts::{
        eventually,
        postgres::{Database, STORED},
    },
    report::{Band, Report},
    say,
    stats::{Stats, permille},
    verify::{Anomaly, Check, verify},
};

/// Nothing less proves anything.
pub const LEAST_ACKS: usize = 5_000;
/// How long everything may take to be as before.
const RECOVERY: Duration = Duration::from_secs(10);
/// As before means: so late at most, for 99 of 100 deliveries.
const CALM: Duration = Duration::from_millis(300);
/// More memory than that is a leak, in KiB.
const MEMORY: u64 = 1 << 20;
/// How long all clients may take to have everything in the end.
const END: Duration = Duration::from_secs(30);

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
            rounds: faults::SHORT.map(|fault| vec![fault]).to_vec(),
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
            longest.unwrap_or_default() + Duration::from_secs(8)
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

/// A cluster under load.
pub struct Run<'a> {
    /// What it stands on.
    pub ground: &'a mut Ground,
    /// The cluster.
    pub cluster: Cluster,
    /// What is known while it goes on.
    pub stats: Arc<Stats>,
    plan: Plan,
    phase: watch::Sender<Phase>,
    clients: JoinSet<(usize, History)>,
    random: StdRng,
    bands: Vec<Band>,
    found: Vec<Anomaly>,
}

impl<'a> Run<'a> {
    /// Starts a cluster and its clients; all of them are connected when this returns.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn start(
        ground: &'a mut Ground,
        shape: Shape,
        plan: Plan,
        histories: Option<PathBuf>,
    ) -> Result<Self, Failure> {
        let cluster = Cluster::start(ground, shape).await?;
        let stats = Arc::new(Stats::default());
        let (phase, told) = watch::channel(Phase::Talk);
        let shared = Arc::new(Shared {
            servers: cluster.addresses(),
            phase: told,
            stats: Arc::clone(&stats),
            manner: plan.manner,
        });
        let mut clients = JoinSet::new();
        if let Some(folder) = &histories {
            std::fs::create_dir_all(folder)?;
        }
        for index in 0..plan.size.clients {
            let history = match &histories {
                Some(folder) => History::in_file(&folder.join(format!("client-{index:02}.jsonl")))?,
                None => History::default(),
            };
            let rooms = rooms_of(plan.size, index)
                .into_iter()
                .map(|room| (room, RoomName::from(room_name(room))));
            let client = Client::new(index, plan.seed, rooms, Arc::clone(&shared), history);
            clients.spawn(async move { (index, client.run().await) });
        }
        let run = Self {
            random: StdRng::seed_from_u64(plan.seed),
            ground,
            cluster,
            stats,
            plan,
            phase,
            clients,
            bands: Vec::new(),
            found: Vec::new(),
        };
        run.all_connected().await?;
        Ok(run)
    }

    async fn all_connected(&self) -> Result<(), Failure> {
        let all = self.plan.size.clients;
        eventually("every client is connected", END, async || {
            self.stats.connected.load(Relaxed) == all
        })
        .await
    }

    /// One round: breaks, waits, mends, and waits until everything is as before.
    ///
    /// # Errors
    /// When something does not come back at all.
    pub async fn round(&mut self, faults: &[Fault]) -> Result<(), Failure> {
        let planned: Vec<Planned> = faults
            .iter()
            .map(|fault| fault.plan(&mut self.random, &self.cluster))
            .collect();
        let name = faults
            .iter()
            .map(|fault| fault.name())
            .collect::<Vec<_>>()
            .join(" + ");
        let lasts = faults
            .iter()
            .map(|fault| fault.lasts())
            .max()
            .unwrap_or_default();
        let from = clock::now();
        let mut applied = true;
        for planned in &planned {
            if let Err(error) = planned.begin(self.ground, &mut self.cluster).await {
                say(format_args!("  {name}: not applied: {error}"));
                applied = false;
            }
        }
        sleep(lasts).await;
        for planned in &planned {
            planned
                .end(self.ground, &mut self.cluster)
                .await
                .map_err(|error| format!("after {name}: {error}"))?;
        }
        let mended = clock::now();
        let recovered = self.recovered(mended).await;
        let shown = recovered.map_or("not".to_owned(), |at| {
            format!("{:.1} s", seconds(at - mended))
        });
        say(format_args!(
            "  {:6.1} s  {name}, {:.1} s; as before: {shown}",
            seconds(from),
            seconds(mended - from)
        ));
        if recovered.is_none() {
            let delays = self.stats.written_between(mended, clock::now());
            let what = format!(
                "after {name}: p99 {:.0} ms of {} deliveries in the 10 s after the healing",
                clock::milliseconds(permille(&delays, 990)),
                delays.len()
            );
            self.find(Check::C10, "slow", what);
        }
        self.alive(&name);
        self.bands.push(Band {
            name,
            from,
            to: mended,
            recovered,
            applied,
        });
        Ok(())
    }

    /// When everything was as before: what was written in the second before arrived, and in time.
    async fn recovered(&self, mended: u64) -> Option<u64> {
        let (settle, window) = (nanoseconds(CALM), nanoseconds(Duration::from_secs(1)));
        let end = Instant::now() + RECOVERY;
        while Instant::now() < end {
            let now = clock::now();
            let from = (now - settle - window).max(mended);
            let delays = self.stats.written_between(from, now - settle);
            let expected = self.expected(seconds(now.saturating_sub(settle + from)));
            let all = self.stats.connected.load(Relaxed) == self.plan.size.clients;
            if all
                && now > mended + settle + window
                && delays.len() >= expected
                && permille(&delays, 990) < settle
            {
                return Some(now);
            }
            sleep(Duration::from_millis(100)).await;
        }
        None
    }

    /// Half of the deliveries that clients of this manner make in so many seconds.
    fn expected(&self, span: f64) -> usize {
        let Size {
            clients,
            rooms,
            joins,
            ..
        } = self.plan.size;
        let readers = clients as f64 * joins as f64 / rooms as f64;
        (clients as f64 / self.plan.manner.pause.as_secs_f64() * readers * span / 2.0) as usize
    }

    fn find(&mut self, check: Check, name: &'static str, what: String) {
        self.found.push(Anomaly { check, name, what });
    }

    /// A process that ended by itself is an anomaly of its own.
    fn alive(&mut self, after: &str) {
        let nodes = self
            .cluster
            .servers
            .iter_mut()
            .chain(&mut self.cluster.consumers);
        let dead: Vec<String> = nodes
            .filter_map(|node| {
                let status = node.ended_by_itself()?;
                Some(format!(
                    "{} ended by itself after {after}: {status}",
                    node.name
                ))
            })
            .collect();
        for what in dead {
            self.find(Check::C10, "dead", what);
        }
    }

    /// Ends the load: everything is stored, every room has its marker, everybody has everything.
    ///
    /// # Errors
    /// When the evidence cannot be read.
    pub async fn end(mut self) -> Result<Report, Failure> {
        let patience = self.plan.end;
        let stats = Arc::clone(&self.stats);
        let (waiting, clients) = (
            async || stats.waiting.load(Relaxed) == 0,
            self.plan.size.clients,
        );
        self.phase.send_replace(Phase::Drain);
        let drained = eventually("every message is stored", patience, waiting).await;
        self.phase.send_replace(Phase::Mark);
        let markers: usize = (0..clients)
            .map(|index| rooms_of(self.plan.size, index).len())
            .sum();
        let marked = eventually("every client has every marker", patience, async || {
            stats.markers.load(Relaxed) >= markers
        });
        let marked = marked.await;
        for (outcome, name) in [(drained, "unsent"), (marked, "unheard")] {
            if let Err(error) = outcome {
                self.find(Check::C10, name, error.to_string());
            }
        }
        if let Err(error) = self
            .cluster
            .stored(self.ground, STORED.min(patience * 2))
            .await
        {
            self.find(Check::C1, "lost", error.to_string());
        }
        self.bounds().await;
        self.phase.send_replace(Phase::End);
        let mut histories: Vec<(usize, History)> = Vec::new();
        while let Some(ended) = self.clients.join_next().await {
            histories.push(ended?);
        }
        histories.sort_by_key(|(index, _)| *index);
        self.alive("the end");
        let indices = 0..clients;
        let evidence = Evidence::gather(
            self.ground,
            &self.cluster,
            histories.into_iter().map(|(_, history)| history).collect(),
            indices
                .clone()
                .map(|index| client::user(self.plan.seed, index))
                .collect(),
            indices
                .map(|index| rooms_of(self.plan.size, index))
                .collect(),
        )
        .await?;
        self.cluster.end().await?;
        if evidence.dead_letters > 0 {
            let what = format!("{} records could not be read", evidence.dead_letters);
            self.found.push(Anomaly {
                check: Check::C10,
                name: "dead letters",
                what,
            });
        }
        let (mut anomalies, counts) = verify(&evidence);
        anomalies.extend(self.found);
        let planned = self.plan.rounds.len();
        let applied = self.bands.iter().filter(|band| band.applied).count();
        Ok(Report {
            seed: self.plan.seed,
            anomalies,
            counts,
            bands: self.bands,
            planned,
            applied,
            least_acks: self.plan.least_acks,
            evidence,
        })
    }

    /// Memory and sockets at the end.
    async fn bounds(&mut self) {
        let mut sockets = 0;
        let mut wrong = Vec::new();
        for node in self.cluster.nodes() {
            if let Some(memory) = node.resident().filter(|memory| *memory > MEMORY) {
                wrong.push(format!("{} has {memory} KiB in memory", node.name));
            }
        }
        for node in &self.cluster.servers {
            let health = crate::http::get(node.direct(), "/healthz").await;
            let health = health
                .ok()
                .and_then(|(_, body)| serde_json::from_slice::<serde_json::Value>(&body).ok());
            sockets += health
                .and_then(|health| health["sockets"].as_u64())
                .unwrap_or_default();
        }
        let clients = self.plan.size.clients as u64;
        // Those that were cut off silently are told by their own silence, up to 45 s later.
        if sockets > clients * 2 {
            wrong.push(format!("{sockets} sockets for {clients} clients"));
        }
        for what in wrong {
            self.find(Check::C10, "unbounded", what);
        }
    }
}

/// The rooms of a client; the first one of client `i` below the number of rooms is room `i`, which it marks in the end.
fn rooms_of(size: Size, client: usize) -> Vec<usize> {
    let first = client % size.rooms;
    let step = 1 + client / size.rooms % (size.rooms - 1).max(1);
    let mut rooms: Vec<usize> = (0..size.joins)
        .map(|join| (first + join * step) % size.rooms)
        .collect();
    rooms.dedup();
    rooms
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
