//! How the parts are: looked at when somebody asks, at most once a second, and never for longer than [`LOOK`].
//!
//! Asked by `http` for `/healthz` and `/metrics`. An outage shows here and in the figures, never in readiness.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use serde::{Serialize, Serializer};
use sphere_protocol::Timestamp;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::{
    clock,
    feed::Core,
    log::{Offset, Partition},
    state::AppState,
};

/// How long one look holds.
const FRESH: Duration = Duration::from_secs(1);
/// How long a part may take to answer.
const LOOK: Duration = Duration::from_millis(1_500);

/// What was seen.
#[derive(Debug, Clone, Serialize)]
pub struct Health {
    /// When.
    pub at: Timestamp,
    /// Whether the server wants readers.
    pub ready: bool,
    /// Whether the log answers.
    #[serde(serialize_with = "up_or_down")]
    pub log: bool,
    /// Whether the bus does; without it messages arrive a little later.
    #[serde(serialize_with = "up_or_down")]
    pub bus: bool,
    /// Whether the database does.
    #[serde(serialize_with = "up_or_down")]
    pub store: bool,
    /// Open sockets.
    pub sockets: usize,
    /// How far everybody is.
    pub partitions: Vec<PartitionHealth>,
}

/// How far a partition is told and stored; null where that is not known now.
#[derive(Debug, Clone, Serialize)]
pub struct PartitionHealth {
    /// Its number.
    pub partition: Partition,
    /// The log's next offset.
    pub end: Option<Offset>,
    /// How far this server has told its readers.
    pub feed: Option<Offset>,
    /// How far the store is.
    pub stored: Option<Offset>,
}

/// Remembers the last look, so that asking often costs little. All who ask at once wait for one.
#[derive(Debug, Clone, Default)]
pub struct Examiner(Arc<Mutex<Option<(Instant, Arc<Health>)>>>);

impl Examiner {
    /// How the parts are, as of a second ago at most.
    pub async fn look(&self, state: &AppState) -> Arc<Health> {
        let mut last = self.0.lock().await;
        if let Some((at, health)) = &*last
            && at.elapsed() < FRESH
        {
            return Arc::clone(health);
        }
        let health = Arc::new(look(state).await);
        *last = Some((Instant::now(), Arc::clone(&health)));
        health
    }
}

async fn look(state: &AppState) -> Health {
    let at = clock::now();
    let ends = join_all((0..state.log.partitions()).map(|partition| {
        let end = timeout(LOOK, state.log.end(partition));
        async move { (partition, end.await.ok().and_then(Result::ok)) }
    }));
    let (ends, positions) = tokio::join!(ends, timeout(LOOK, state.store.positions()));
    let positions = positions.ok().and_then(Result::ok);
    let stored = |partition| {
        let mut known = positions.iter().flatten();
        known
            .find(|position| position.partition == partition)
            .map(|position| position.next_offset)
    };
    Health {
        at,
        ready: state.lifecycle.is_ready(),
        log: ends.iter().all(|(_, end)| end.is_some()),
        bus: state.bus.is_up(),
        store: positions.is_some(),
        sockets: state.hub.len(),
        partitions: ends
            .into_iter()
            .map(|(partition, end)| PartitionHealth {
                partition,
                end,
                feed: state
                    .feeds
                    .get(partition)
                    .map(|feed| feed.between(Core::next)),
                stored: stored(partition),
            })
            .collect(),
    }
}

fn up_or_down<S: Serializer>(up: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if *up { "up" } else { "down" })
}
