//! The composition root: the order in which a server starts and ends. [`parts`] picks the adapters.

use std::{future::Future, sync::Arc, time::Duration};

use leptos::config::LeptosOptions;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    chat::Chat,
    clock,
    config::{Config, Profile, Role},
    feed::{FeedError, Feeds},
    health::Examiner,
    history::History,
    http::assets,
    hub::Hub,
    limits::{Limits, SharedBucket},
    log::Partition,
    measure,
    rooms::Rooms,
    router::{figures_only, health_only, router},
    serve::serve,
    state::{AppState, Lifecycle},
    store::StoreError,
};

mod consumers;
mod parts;
mod upkeep;
mod web;

use parts::Parts;

pub use parts::EMBEDDED_PARTITIONS;
pub(crate) use parts::lock;

/// How long sockets may take to close once sends have been answered or given up.
const CLOSING: Duration = Duration::from_secs(7);
/// How long open requests, feeds and consumers may take to end after that.
const ENDING: Duration = Duration::from_secs(2);

/// The tasks of a server. One that fails ends it.
type Tasks = JoinSet<Result<(), FeedError>>;

/// Why a server could not run. Each is a sentence for whoever started it.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The data folder cannot be made or written.
    #[error("The data folder {folder} cannot be used: {error}.")]
    DataDir {
        /// The folder.
        folder: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// Another process has it.
    #[error(
        "Another sphere process uses the data folder {0}; the embedded profile is exactly one process."
    )]
    InUse(String),
    /// The log cannot be opened.
    #[error("The log cannot be opened: {0}.")]
    Log(String),
    /// The bus cannot be opened.
    #[error("The bus cannot be opened: {0}.")]
    Bus(String),
    /// The address of the figures is taken.
    #[error("SPHERE_METRICS_LISTEN {0} cannot be used: {1}.")]
    Metrics(std::net::SocketAddr, String),
    /// The store cannot be opened.
    #[error("The store cannot be opened: {0}.")]
    Store(#[from] StoreError),
    /// The log was truncated or recreated.
    #[error(
        "The log ends at offset {end} of partition {partition}, but {stored} records of it are stored: the log (embedded: \
         log.db) and the store (store.db) do not belong together."
    )]
    LogLost {
        /// The partition.
        partition: Partition,
        /// Where the log ends.
        end: i64,
        /// How far the store is.
        stored: i64,
    },
    /// The log contradicts what readers have seen.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

/// Runs a server on `listener` until `shutdown` completes, then ends it without losing anything.
///
/// # Errors
/// When it cannot start, or when the log contradicts itself.
pub async fn run(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let config = Arc::new(config);
    // Pages are rendered on this runtime; a second server in the same process finds it set.
    let _ = any_spawner::Executor::init_tokio();
    let figures = figures_listener(&config).await?;
    let parts = Parts::open(&config).await?;
    let state = assemble(config, &parts).await?;
    let mut tasks = Tasks::new();
    let role = state.config.role;
    if role != Role::Consumer {
        web::start(&mut tasks, &state, &parts).await?;
    }
    if role != Role::Web {
        consumers::start(&mut tasks, &state, &parts);
    }
    let router = if role == Role::Consumer {
        health_only(state.clone())
    } else {
        router(state.clone())
    };
    if let Some(listener) = figures {
        let stopped = state.lifecycle.stopped.clone();
        tokio::spawn(serve(listener, figures_only(state.clone()), stopped));
    }
    tasks.spawn(upkeep::housekeeping(state.clone(), parts.embedded.clone()));
    let serving = tokio::spawn(serve(listener, router, state.lifecycle.stopped.clone()));

    tokio::pin!(shutdown);
    let ended = loop {
        tokio::select! {
            () = &mut shutdown => break Ok(()),
            Some(ended) = tasks.join_next() => match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => break Err(RunError::from(error)),
                Err(panic) => tracing::error!(%panic, "a task ended"),
            },
        }
    };
    tracing::info!("going down");
    state.lifecycle.draining.cancel();
    state.lifecycle.sockets.close();
    let _ = tokio::time::timeout(CLOSING, state.lifecycle.sockets.wait()).await;
    state.lifecycle.stopped.cancel();
    let _ = tokio::time::timeout(ENDING, async {
        let _ = serving.await;
        while tasks.join_next().await.is_some() {}
    })
    .await;
    ended
}

/// Begins to count and listens for whoever asks, if the configuration says where.
async fn figures_listener(config: &Config) -> Result<Option<TcpListener>, RunError> {
    let Some(address) = config.metrics_listen else {
        return Ok(None);
    };
    let unusable = |error: String| RunError::Metrics(address, error);
    measure::start().map_err(|error| unusable(error.to_string()))?;
    let listener = TcpListener::bind(address).await;
    listener
        .map(Some)
        .map_err(|error| unusable(error.to_string()))
}

/// Puts what handlers and sockets need around the parts.
async fn assemble(config: Arc<Config>, parts: &Parts) -> Result<AppState, RunError> {
    let Parts {
        log, bus, store, ..
    } = parts;
    let epoch = store.open_log(log.partitions(), clock::now().0).await?;
    let hub = Arc::new(Hub::default());
    let configured = config.rooms.clone();
    let rooms = Rooms::open(
        store.clone(),
        configured,
        log.partitions(),
        Arc::clone(&hub),
    )
    .await?;
    let feeds = Feeds::default();
    let limits = Arc::new(limits(&config)?);
    Ok(AppState {
        chat: Chat::new(
            rooms.clone(),
            store.clone(),
            Arc::clone(log),
            Arc::clone(bus),
            feeds.clone(),
            Arc::clone(&limits),
            epoch,
        ),
        history: History::new(store.clone(), Arc::clone(log), feeds.clone(), epoch),
        leptos: leptos_options(&config),
        config,
        rooms,
        feeds,
        hub,
        store: store.clone(),
        log: Arc::clone(log),
        bus: Arc::clone(bus),
        examiner: Examiner::default(),
        limits,
        lifecycle: Lifecycle::default(),
    })
}

/// The limits; the messages of a user are counted over all servers where there is a Redis to do so.
fn limits(config: &Config) -> Result<Limits, RunError> {
    let limits = Limits::new(config.rates);
    match &config.profile {
        Profile::Embedded(_) => Ok(limits),
        Profile::Distributed(distributed) => {
            let (per_second, burst) = (
                config.rates.messages_per_second,
                config.rates.messages_burst,
            );
            let bucket = SharedBucket::open(&distributed.redis_url, per_second, burst);
            bucket
                .map(|bucket| limits.share(bucket))
                .map_err(|error| RunError::Bus(error.to_string()))
        }
    }
}

fn leptos_options(config: &Config) -> LeptosOptions {
    LeptosOptions::builder()
        .output_name(assets::OUTPUT_NAME)
        .site_root("target/site")
        .site_pkg_dir(assets::package_dir())
        .site_addr(config.listen)
        .reload_port(3001)
        .build()
}
