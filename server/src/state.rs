//! What every handler and every socket can reach, and where the server stands in its life.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use leptos::config::LeptosOptions;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    bus::Bus, chat::Chat, config::Config, feed::Feeds, health::Examiner, history::History,
    hub::Hub, limits::Limits, log::MessageLog, rooms::Rooms, store::Store,
};

/// The parts of a running server. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The configuration.
    pub config: Arc<Config>,
    /// The directory of rooms.
    pub rooms: Rooms,
    /// Use cases.
    pub chat: Chat,
    /// Pages.
    pub history: History,
    /// The feeds, for heads.
    pub feeds: Feeds,
    /// The sockets.
    pub hub: Arc<Hub>,
    /// Users, and whether the database answers.
    pub store: Store,
    /// Whether the log answers.
    pub log: Arc<dyn MessageLog>,
    /// Whether the bus answers.
    pub bus: Arc<dyn Bus>,
    /// Remembers how the parts were a moment ago.
    pub examiner: Examiner,
    /// The limits.
    pub limits: Arc<Limits>,
    /// Where the server stands in its life.
    pub lifecycle: Lifecycle,
    /// What the page needs to know about the client's files.
    pub leptos: LeptosOptions,
}

impl std::fmt::Debug for AppState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppState")
            .field("lifecycle", &self.lifecycle)
            .finish_non_exhaustive()
    }
}

/// Starting, ready, draining, stopped.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    /// Cancelled when the server is going down: no new sends, sockets are closed.
    pub draining: CancellationToken,
    /// Cancelled when the sockets are gone: feeds and consumers end.
    pub stopped: CancellationToken,
    /// The sockets' tasks.
    pub sockets: TaskTracker,
    caught_up: Arc<AtomicBool>,
}

impl Lifecycle {
    /// The feeds have passed what the log held at the start.
    pub fn catch_up(&self) {
        self.caught_up.store(true, Ordering::Release);
    }

    /// Whether a load balancer may send readers here.
    pub fn is_ready(&self) -> bool {
        self.caught_up.load(Ordering::Acquire) && !self.draining.is_cancelled()
    }
}
