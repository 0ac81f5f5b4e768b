//! A cluster under load, from its start to the evidence.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use rand::{SeedableRng as _, rngs::StdRng};
use sphere_protocol::RoomName;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{END, Plan, Size};
use crate::{
    Failure,
    client::{self, Client, Phase, Shared},
    clock::{self, nanoseconds, seconds},
    cluster::{Cluster, Ground, Shape, room_name},
    evidence::Evidence,
    faults::{Fault, Planned},
    history::History,
    parts::{eventually, postgres::STORED},
    report::{Band, Report},
    say,
    stats::{Stats, permille},
    verify::{Anomaly, Check, verify},
};

/// How long everything may take to be as before.
const RECOVERY: Duration = Duration::from_secs(10);
/// As before means: so late at most, for 99 of 100 deliveries.
const CALM: Duration = Duration::from_millis(300);
/// More memory than that is a leak, in KiB.
const MEMORY: u64 = 1 << 20;

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
