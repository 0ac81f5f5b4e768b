//! How the parts are: looked at when somebody asks, at most once a second, and never for longer than [`LOOK`].
//!
//! Asked by `http` for `/healthz` and `/metrics`. An outage shows here and in the figures, never in readiness.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt as _, future::join_all};
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
    store::Position,
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
pub struct Examiner(Arc<Mutex<Option<(Instant, Parts)>>>);

/// What had to be asked for: where the log ends, and how far the store is.
#[derive(Debug, Clone)]
struct Parts {
    at: Timestamp,
    ends: Vec<Option<Offset>>,
    positions: Option<Vec<Position>>,
}

impl Examiner {
    /// How the parts are, as of a second ago at most.
    pub async fn look(&self, state: &AppState) -> Health {
        let mut last = self.0.lock().await;
        let parts = match &*last {
            Some((at, parts)) if at.elapsed() < FRESH => parts.clone(),
            _ => {
                let parts = Parts::look(state).await;
                *last = Some((Instant::now(), parts.clone()));
                parts
            }
        };
        drop(last);
        parts.health(state)
    }
}

impl Parts {
    async fn look(state: &AppState) -> Self {
        let at = clock::now();
        let ends = (0..state.log.partitions())
            .map(|partition| timeout(LOOK, state.log.end(partition)).map(flat));
        let positions = timeout(LOOK, state.store.positions()).map(flat);
        let (ends, positions) = tokio::join!(join_all(ends), positions);
        Self {
            at,
            ends,
            positions,
        }
    }

    fn health(self, state: &AppState) -> Health {
        let stored = |partition| {
            let mut known = self.positions.iter().flatten();
            known
                .find(|position| position.partition == partition)
                .map(|position| position.next_offset)
        };
        let partition = |(partition, end): (Partition, &Option<Offset>)| PartitionHealth {
            partition,
            end: *end,
            feed: state
                .feeds
                .get(partition)
                .map(|feed| feed.between(Core::next)),
            stored: stored(partition),
        };
        Health {
            at: self.at,
            ready: state.lifecycle.is_ready(),
            log: self.ends.iter().all(Option::is_some),
            bus: state.bus.is_up(),
            store: self.positions.is_some(),
            sockets: state.hub.len(),
            partitions: (0..).zip(&self.ends).map(partition).collect(),
        }
    }
}

fn flat<T, E, L>(outcome: Result<Result<T, E>, L>) -> Option<T> {
    outcome.ok().and_then(Result::ok)
}

fn up_or_down<S: Serializer>(up: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if *up { "up" } else { "down" })
}
