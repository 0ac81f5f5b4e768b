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
    client::{Client, Phase, Shared},
    clock::{self, nanoseconds, seconds},
    cluster::{Cluster, Ground, Shape, room_name},
    faults::{Fault, Planned},
    history::History,
    parts::eventually,
    report::Band,
    say,
    stats::{Stats, permille},
    verify::{Anomaly, Check},
};

/// How long everything may take to be as before.
const RECOVERY: Duration = Duration::from_secs(10);
/// As before means: so late at most, for 99 of 100 deliveries.
const CALM: Duration = Duration::from_millis(300);
/// A cluster under load.
pub struct Run<'a> {
    /// What it stands on.
    pub ground: &'a mut Ground,
    /// The cluster.
    pub cluster: Cluster,
    /// What is known while it goes on.
    pub stats: Arc<Stats>,
    pub(super) plan: Plan,
    pub(super) phase: watch::Sender<Phase>,
    pub(super) clients: JoinSet<(usize, History)>,
    random: StdRng,
    pub(super) bands: Vec<Band>,
    pub(super) found: Vec<Anomaly>,
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
        let mut planned: Vec<Planned> = faults
            .iter()
            .map(|fault| fault.plan(&mut self.random, &self.cluster))
            .collect();
        planned.sort_by_key(|planned| planned.fault.turn());
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
        for planned in planned.iter().rev() {
            if !planned.met(&self.cluster) {
                say(format_args!("  {name}: met nothing"));
                applied = false;
            }
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

    pub(super) fn find(&mut self, check: Check, name: &'static str, what: String) {
        self.found.push(Anomaly { check, name, what });
    }

    /// A process that ended by itself is an anomaly of its own.
    pub(super) fn alive(&mut self, after: &str) {
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
}

/// The rooms of a client; the first one of client `i` below the number of rooms is room `i`, which it marks in the end.
pub(super) fn rooms_of(size: Size, client: usize) -> Vec<usize> {
    let first = client % size.rooms;
    let step = 1 + client / size.rooms % (size.rooms - 1).max(1);
    let mut rooms: Vec<usize> = (0..size.joins)
        .map(|join| (first + join * step) % size.rooms)
        .collect();
    rooms.dedup();
    rooms
}
