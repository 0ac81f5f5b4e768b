//! Starting what stores the log: one consumer per partition here, or, among many processes, one per lease.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Tasks, parts::Parts, upkeep};
use crate::{consumer::Consumer, feed::FeedError, log::Partition, state::AppState, store::Share};

/// How often a consumer says that it lives: three times within a lease.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// Starts storing.
pub(super) fn start(tasks: &mut Tasks, state: &AppState, parts: &Parts) {
    if parts.embedded.is_none() {
        tasks.spawn(share(state.clone()));
        return;
    }
    for partition in 0..parts.log.partitions() {
        let consumer = Consumer::new(partition, Arc::clone(&state.log), state.store.clone());
        let (state, mut progress) = (state.clone(), consumer.progress());
        let stopped = state.lifecycle.stopped.clone();
        tasks.spawn({
            let stopped = stopped.clone();
            async move { consumer.run(&stopped).await.map_err(FeedError::Lost) }
        });
        // In one process the feed hears at once what is stored.
        tasks.spawn(async move {
            while let Some(Ok(())) = stopped.run_until_cancelled(progress.changed()).await {
                let next_offset = *progress.borrow_and_update();
                if let Some(feed) = state.feeds.get(partition) {
                    feed.stored(next_offset);
                }
            }
            Ok(())
        });
    }
}

/// Stores the partitions that the leases give to this process.
async fn share(state: AppState) -> Result<(), FeedError> {
    let name = Uuid::new_v4().to_string();
    let stopped = state.lifecycle.stopped.clone();
    let mut held: HashMap<Partition, CancellationToken> = HashMap::new();
    let mut storing = JoinSet::new();
    let mut ticks = upkeep::ticks(HEARTBEAT);
    loop {
        tokio::select! {
            () = stopped.cancelled() => break,
            Some(ended) = storing.join_next() => match ended {
                Ok(Ok(())) => {}
                Ok(Err(lost)) => return Err(FeedError::Lost(lost)),
                // Whose it was is not known. All begin again, or its lease would be renewed for nobody.
                Err(panic) => {
                    tracing::error!(%panic, "a consumer broke down");
                    held.drain().for_each(|(_, cancel)| cancel.cancel());
                }
            },
            _ = ticks.tick() => {
                // New partitions must have their rows before somebody can hold them.
                if let Ok(partitions) = state.log.refresh().await {
                    let _ = state.store.open_log(partitions, state.history.epoch()).await;
                }
                match state.store.heartbeat(&name).await {
                    Ok(share) => {
                        for partition in surplus(&share) {
                            if let Some(cancel) = held.remove(&partition) {
                                cancel.cancel();
                            }
                            let _ = state.store.release(&name, partition).await;
                        }
                        held.retain(|partition, cancel| share.held.contains(partition) || { cancel.cancel(); false });
                        for partition in share.held.iter().take(share.fair) {
                            held.entry(*partition).or_insert_with(|| {
                                tracing::info!(partition, "storing a partition");
                                let cancel = stopped.child_token();
                                let consumer = Consumer::new(*partition, Arc::clone(&state.log), state.store.clone());
                                let until = cancel.clone();
                                storing.spawn(async move { consumer.run(&until).await });
                                cancel
                            });
                        }
                        state.lifecycle.catch_up();
                    }
                    // Storing goes on: the offsets fence, not the leases.
                    Err(error) => tracing::warn!(%error, "a heartbeat of the consumer failed"),
                }
            }
        }
    }
    while storing.join_next().await.is_some() {}
    if let Err(error) = state.store.farewell(&name).await {
        tracing::debug!(%error, "the leases end by themselves");
    }
    Ok(())
}

/// What is to be given to others: the last of what is held too much.
fn surplus(share: &Share) -> Vec<Partition> {
    share.held.iter().skip(share.fair).copied().collect()
}
