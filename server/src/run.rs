//! The composition root: the only place that picks adapters, and the order in which a server starts and ends.

use std::{fs::File, future::Future, path::Path, sync::Arc, time::Duration};

use futures::StreamExt as _;
use leptos::config::LeptosOptions;
use sphere_protocol::server::RoomActivity;
use tokio::{net::TcpListener, task::JoinSet, time::MissedTickBehavior};

use crate::{
    bus::{Bus, Signal, memory::MemoryBus},
    chat::Chat,
    clock,
    config::Config,
    consumer::Consumer,
    feed::{Core, Diverged, Feed, Feeds},
    history::History,
    http::assets,
    hub::Hub,
    limits::Limits,
    log::{MessageLog, Partition, embedded::EmbeddedLog},
    rooms::Rooms,
    router::router,
    serve::serve,
    state::{AppState, Lifecycle},
    store::{Store, StoreError},
};

/// Partitions of the embedded log.
const PARTITIONS: Partition = 4;
/// How often rooms are read again, limits forget, and the log is trimmed.
const HOUSEKEEPING: Duration = Duration::from_secs(30);
/// How often sockets hear of rooms that they do not follow.
const ACTIVITY: Duration = Duration::from_secs(2);
/// How long sockets may take to close once sends have been answered or given up.
const CLOSING: Duration = Duration::from_secs(7);
/// How long open requests, feeds and consumers may take to end after that.
const ENDING: Duration = Duration::from_secs(2);

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
    /// The embedded log cannot be opened.
    #[error("The log cannot be opened: {0}.")]
    Log(String),
    /// The store cannot be opened.
    #[error("The store cannot be opened: {0}.")]
    Store(#[from] StoreError),
    /// The log was truncated or recreated.
    #[error(
        "The log ends at offset {end} of partition {partition}, but {stored} records of it are stored: log.db and store.db \
         do not belong together."
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
    Diverged(#[from] Diverged),
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
    let _lock = lock(&config.data_dir)?;
    let embedded = EmbeddedLog::open(&config.data_dir.join("log.db"), PARTITIONS)
        .await
        .map_err(|e| RunError::Log(e.to_string()))?;
    let log: Arc<dyn MessageLog> = Arc::clone(&embedded) as _;
    let store = Store::open_sqlite(&config.data_dir.join("store.db"), config.migrate).await?;
    let bus: Arc<dyn Bus> = Arc::new(MemoryBus::default());
    let epoch = store.open_log(log.partitions(), clock::now().0).await?;
    let rooms = Rooms::open(store.clone(), config.rooms.clone(), log.partitions()).await?;
    let hub = Arc::new(Hub::default());
    let feeds = feeds(&store, &*log, &hub, epoch).await?;
    let limits = Arc::new(Limits::new(config.rates));
    let lifecycle = Lifecycle::default();
    let state = AppState {
        chat: Chat::new(
            rooms.clone(),
            store.clone(),
            Arc::clone(&log),
            Arc::clone(&bus),
            feeds.clone(),
            Arc::clone(&limits),
            epoch,
        ),
        history: History::new(store.clone(), Arc::clone(&log), feeds.clone(), epoch),
        leptos: leptos_options(&config),
        config,
        rooms,
        feeds,
        hub,
        store,
        log,
        limits,
        lifecycle,
    };
    let mut tasks = JoinSet::new();
    start_feeds(&mut tasks, &state, bus);
    start_consumers(&mut tasks, &state);
    tasks.spawn(housekeeping(state.clone(), embedded));
    tasks.spawn(activity(state.clone()));
    let serving = tokio::spawn(serve(
        listener,
        router(state.clone()),
        state.lifecycle.stopped.clone(),
    ));

    tokio::pin!(shutdown);
    let ended = loop {
        tokio::select! {
            () = &mut shutdown => break Ok(()),
            Some(ended) = tasks.join_next() => match ended {
                Ok(Ok(())) => {}
                Ok(Err(diverged)) => break Err(RunError::from(diverged)),
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

/// Takes the folder for this process; the system lets go of it however the process ends.
fn lock(folder: &Path) -> Result<File, RunError> {
    let shown = folder.display().to_string();
    let unusable = |error| RunError::DataDir {
        folder: shown.clone(),
        error,
    };
    std::fs::create_dir_all(folder).map_err(unusable)?;
    let file = File::create(folder.join("sphere.lock")).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(RunError::InUse(shown)),
        Err(std::fs::TryLockError::Error(error)) => Err(unusable(error)),
    }
}

async fn feeds(
    store: &Store,
    log: &dyn MessageLog,
    hub: &Arc<Hub>,
    epoch: i64,
) -> Result<Feeds, RunError> {
    let mut feeds = Vec::new();
    for partition in 0..log.partitions() {
        let start = store.feed_start(partition).await?;
        let end = log
            .end(partition)
            .await
            .map_err(|error| RunError::Log(error.to_string()))?;
        if end < start.next_offset {
            return Err(RunError::LogLost {
                partition,
                end,
                stored: start.next_offset,
            });
        }
        feeds.push(Feed::new(
            partition,
            Core::new(start, epoch),
            Arc::clone(hub),
        ));
    }
    Ok(Feeds::new(feeds))
}

fn start_feeds(tasks: &mut JoinSet<Result<(), Diverged>>, state: &AppState, bus: Arc<dyn Bus>) {
    for feed in state.feeds.iter() {
        let (feed, log, stopped) = (
            Arc::clone(feed),
            Arc::clone(&state.log),
            state.lifecycle.stopped.clone(),
        );
        tasks.spawn(async move { feed.follow(&*log, &stopped).await });
    }
    let caught_up = state.clone();
    tasks.spawn(async move {
        for feed in caught_up.feeds.iter() {
            match caught_up.log.end(feed.partition()).await {
                Ok(end) => feed.reached(end).await,
                Err(error) => tracing::warn!(%error, "the log's end is not known"),
            }
        }
        caught_up.lifecycle.catch_up();
        tracing::info!("ready");
        Ok(())
    });
    let (feeds, hub, epoch, stopped) = (
        state.feeds.clone(),
        Arc::clone(&state.hub),
        state.history.epoch(),
        state.lifecycle.stopped.clone(),
    );
    let mut signals = bus.subscribe();
    tasks.spawn(async move {
        // The subscription holds the bus; the bus itself must live as long.
        let _bus = bus;
        while let Some(Some(signal)) = stopped.run_until_cancelled(signals.next()).await {
            match signal {
                Signal::Hint(hint) if hint.epoch == epoch => {
                    if let Some(feed) = feeds.get(hint.partition) {
                        feed.hint(hint.offset, hint.record);
                    }
                }
                Signal::Hint(hint) => tracing::warn!(epoch = hint.epoch, "a hint of another log"),
                Signal::ProfileChanged { user, name } => hub.rename(&user, &name),
            }
        }
        Ok(())
    });
}

fn start_consumers(tasks: &mut JoinSet<Result<(), Diverged>>, state: &AppState) {
    for feed in state.feeds.iter() {
        let consumer = Consumer::new(
            feed.partition(),
            Arc::clone(&state.log),
            state.store.clone(),
        );
        let (feed, mut progress, stopped) = (
            Arc::clone(feed),
            consumer.progress(),
            state.lifecycle.stopped.clone(),
        );
        let cancel = stopped.clone();
        tasks.spawn(async move {
            consumer.run(cancel).await;
            Ok(())
        });
        tasks.spawn(async move {
            while let Some(Ok(())) = stopped.run_until_cancelled(progress.changed()).await {
                let next_offset = *progress.borrow_and_update();
                feed.stored(next_offset);
            }
            Ok(())
        });
    }
}

async fn housekeeping(state: AppState, log: Arc<EmbeddedLog>) -> Result<(), Diverged> {
    let mut ticks = ticks(HOUSEKEEPING);
    while state
        .lifecycle
        .stopped
        .run_until_cancelled(ticks.tick())
        .await
        .is_some()
    {
        state.limits.forget();
        if let Err(error) = state.rooms.refresh().await {
            tracing::warn!(%error, "the rooms could not be read again");
        }
        for feed in state.feeds.iter() {
            let stored = match state.store.next_offset(feed.partition()).await {
                Ok(stored) => stored,
                Err(error) => {
                    tracing::warn!(%error, "the store's position could not be read");
                    continue;
                }
            };
            if let Err(error) = log.trim(feed.partition(), stored, clock::now()).await {
                tracing::warn!(%error, "the log could not be trimmed");
            }
        }
    }
    Ok(())
}

/// Tells sockets about rooms that they do not follow, at most every two seconds.
async fn activity(state: AppState) -> Result<(), Diverged> {
    let mut told = std::collections::HashMap::new();
    for summary in state.rooms.summaries(&state.feeds, state.history.epoch()) {
        told.insert(summary.room, summary.head);
    }
    let mut ticks = ticks(ACTIVITY);
    while state
        .lifecycle
        .stopped
        .run_until_cancelled(ticks.tick())
        .await
        .is_some()
    {
        for summary in state.rooms.summaries(&state.feeds, state.history.epoch()) {
            if told.insert(summary.room.clone(), summary.head) != Some(summary.head)
                && summary.head >= 0
            {
                state.hub.activity(RoomActivity {
                    room: summary.room,
                    head: summary.head,
                    last_at: summary.last_at,
                });
            }
        }
    }
    Ok(())
}

fn ticks(period: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
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
