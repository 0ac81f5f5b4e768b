//! What is done every now and then.

use std::{collections::HashMap, sync::Arc, time::Duration};

use sphere_protocol::server::RoomActivity;
use tokio::time::{Interval, MissedTickBehavior};

use crate::{clock, feed::FeedError, log::embedded::EmbeddedLog, measure, state::AppState};

/// How often rooms and partitions are read again, limits forget, and the log is trimmed.
pub(super) const HOUSEKEEPING: Duration = Duration::from_secs(30);
/// How often sockets hear of rooms that they do not follow.
const ACTIVITY: Duration = Duration::from_secs(2);

/// Reads the rooms again, forgets what limits no longer need, trims the embedded log.
pub(super) async fn housekeeping(
    state: AppState,
    embedded: Option<Arc<EmbeddedLog>>,
) -> Result<(), FeedError> {
    let mut ticks = ticks(HOUSEKEEPING);
    while state
        .lifecycle
        .stopped
        .run_until_cancelled(ticks.tick())
        .await
        .is_some()
    {
        measure::upkeep();
        state.limits.forget();
        if let Err(error) = state.rooms.refresh().await {
            tracing::warn!(%error, "the rooms could not be read again");
        }
        let Some(log) = &embedded else { continue };
        for feed in state.feeds.all() {
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
pub(super) async fn activity(state: AppState) -> Result<(), FeedError> {
    let summaries = || state.rooms.summaries(&state.feeds, state.history.epoch());
    let mut told: HashMap<_, _> = summaries()
        .into_iter()
        .map(|summary| (summary.room, summary.head))
        .collect();
    let mut ticks = ticks(ACTIVITY);
    while state
        .lifecycle
        .stopped
        .run_until_cancelled(ticks.tick())
        .await
        .is_some()
    {
        for summary in summaries() {
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

/// A clock that does not hurry after a pause.
pub(super) fn ticks(period: Duration) -> Interval {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
