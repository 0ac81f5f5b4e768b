//! Starting what serves people: the feeds, what the bus says, and how far the store is.

use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;

use super::{RunError, Tasks, parts::Parts, upkeep};
use crate::{
    bus::Signal,
    faults::{self, Fault},
    feed::{Core, Feed, FeedError},
    log::Partition,
    state::AppState,
};

/// How often a server that does not store looks how far the store is.
const STORED: Duration = Duration::from_millis(500);

/// Starts everything; returns when the feeds stand where the store ends.
pub(super) async fn start(
    tasks: &mut Tasks,
    state: &AppState,
    parts: &Parts,
) -> Result<(), RunError> {
    for partition in 0..parts.log.partitions() {
        let feed = feed(state, partition).await?;
        tasks.spawn(follow(state.clone(), feed));
    }
    parts.bus.grow(parts.log.partitions());
    tasks.spawn(hear(state.clone(), parts.bus.subscribe()));
    tasks.spawn(catch_up(state.clone()));
    tasks.spawn(upkeep::activity(state.clone()));
    tasks.spawn(stored(state.clone()));
    tasks.spawn(grow(state.clone()));
    Ok(())
}

/// A feed that begins where the store ends; refused if the log ends before that.
async fn feed(state: &AppState, partition: Partition) -> Result<Arc<Feed>, RunError> {
    let start = state.store.feed_start(partition).await?;
    let end = state
        .log
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
    let feed = Feed::new(
        partition,
        Core::new(start, state.history.epoch()),
        Arc::clone(&state.hub),
    );
    state.feeds.push(Arc::clone(&feed));
    Ok(feed)
}

async fn follow(state: AppState, feed: Arc<Feed>) -> Result<(), FeedError> {
    if faults::on(Fault::HintsOnly) {
        return Ok(());
    }
    feed.follow(&*state.log, &state.lifecycle.stopped).await
}

/// Gives what the bus says to whom it concerns.
async fn hear(
    state: AppState,
    mut signals: futures::stream::BoxStream<'static, Signal>,
) -> Result<(), FeedError> {
    let epoch = state.history.epoch();
    while let Some(Some(signal)) = state
        .lifecycle
        .stopped
        .run_until_cancelled(signals.next())
        .await
    {
        match signal {
            Signal::Hint(hint) if hint.epoch == epoch => {
                if let Some(feed) = state.feeds.get(hint.partition) {
                    feed.hint(hint.offset, hint.record);
                }
            }
            Signal::Hint(hint) => tracing::warn!(epoch = hint.epoch, "a hint of another log"),
            Signal::ProfileChanged { user, name } => state.hub.rename(&user, &name),
        }
    }
    Ok(())
}

/// The server is ready when its feeds have passed what the log held at the start.
async fn catch_up(state: AppState) -> Result<(), FeedError> {
    for feed in state.feeds.all() {
        match state.log.end(feed.partition()).await {
            Ok(end) => feed.reached(end).await,
            Err(error) => tracing::warn!(%error, "the log's end is not known"),
        }
    }
    state.lifecycle.catch_up();
    tracing::info!("ready");
    Ok(())
}

/// Tells the feeds how far the store is, so that they can forget.
async fn stored(state: AppState) -> Result<(), FeedError> {
    let mut ticks = upkeep::ticks(STORED);
    while state
        .lifecycle
        .stopped
        .run_until_cancelled(ticks.tick())
        .await
        .is_some()
    {
        for feed in state.feeds.all() {
            match state.store.next_offset(feed.partition()).await {
                Ok(next_offset) => feed.stored(next_offset),
                Err(error) => tracing::debug!(%error, "the store's position could not be read"),
            }
        }
    }
    Ok(())
}

/// Follows partitions that the log has got since.
async fn grow(state: AppState) -> Result<(), FeedError> {
    let mut ticks = upkeep::ticks(upkeep::HOUSEKEEPING);
    let mut following = Tasks::new();
    loop {
        tokio::select! {
            () = state.lifecycle.stopped.cancelled() => return Ok(()),
            Some(Ok(Err(error))) = following.join_next() => return Err(error),
            _ = ticks.tick() => {}
        }
        let partitions = match state.log.refresh().await {
            Ok(partitions) => partitions,
            Err(error) => {
                tracing::warn!(%error, "the number of partitions could not be read");
                continue;
            }
        };
        state.bus.grow(partitions);
        for partition in
            Partition::try_from(state.feeds.all().len()).unwrap_or(Partition::MAX)..partitions
        {
            let begun = async {
                state
                    .store
                    .open_log(partitions, state.history.epoch())
                    .await?;
                feed(&state, partition).await
            };
            match begun.await {
                Ok(feed) => drop(following.spawn(follow(state.clone(), feed))),
                Err(error) => {
                    tracing::warn!(partition, %error, "a new partition cannot be followed yet");
                    break;
                }
            }
        }
    }
}
