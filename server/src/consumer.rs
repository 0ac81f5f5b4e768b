//! The consumer: follows the log and stores it in batches, rows and offset in one transaction.
//!
//! # Guarantee
//! Every record takes effect once and in order, however often consumers crash, overlap or start again. A database that
//! is away only makes it wait; a record that cannot be read is put aside and the next one goes on.

use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    clock,
    log::{Entry, MessageLog, Offset, Partition, ReadError},
    measure,
    store::{Batch, Store, StoreError, Stored},
};

/// Pause before trying again what failed; grows to the second.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Why storing stopped.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Lost(ReadError),
}

/// Stores one partition.
#[derive(Clone)]
pub struct Consumer {
    partition: Partition,
    log: Arc<dyn MessageLog>,
    store: Store,
    progress: watch::Sender<Offset>,
}

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer")
            .field("partition", &self.partition)
            .finish_non_exhaustive()
    }
}

impl Consumer {
    /// A consumer that has not yet read anything.
    pub fn new(partition: Partition, log: Arc<dyn MessageLog>, store: Store) -> Self {
        Self {
            partition,
            log,
            store,
            progress: watch::Sender::new(0),
        }
    }

    /// How far this consumer has stored the partition.
    pub fn progress(&self) -> watch::Receiver<Offset> {
        self.progress.subscribe()
    }

    /// Stores until the token is cancelled; a batch that was begun is finished first.
    ///
    /// # Errors
    /// The log no longer has what comes next: an operator must look.
    pub async fn run(self, cancel: &CancellationToken) -> Result<(), ReadError> {
        let mut pause = RETRY.0;
        while !cancel.is_cancelled() {
            match self.follow(cancel).await {
                Ok(()) => pause = RETRY.0,
                Err(Stopped::Lost(error)) => return Err(error),
                Err(Stopped::Store(error)) => {
                    tracing::error!(partition = self.partition, %error, "the consumer waits for the store");
                    tokio::select! { () = cancel.cancelled() => {}, () = tokio::time::sleep(pause) => {} }
                    pause = (pause * 2).min(RETRY.1);
                }
            }
        }
        Ok(())
    }

    async fn follow(&self, cancel: &CancellationToken) -> Result<(), Stopped> {
        let mut from = self.store.next_offset(self.partition).await?;
        self.progress.send_replace(from);
        self.sweep();
        let mut entries = self.log.follow(self.partition, from);
        loop {
            let batch = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                batch = entries.next() => batch,
            };
            match batch {
                Some(Ok(batch)) => match self.store(from, &batch).await? {
                    Some(to) => from = to,
                    None => return Ok(()),
                },
                Some(Err(error @ ReadError::Lost { .. })) => return Err(Stopped::Lost(error)),
                Some(Err(error)) => {
                    tracing::warn!(partition = self.partition, %error, "the consumer cannot follow the log");
                    tokio::time::sleep(RETRY.0).await;
                    return Ok(());
                }
                None => return Ok(()),
            }
        }
    }

    /// Deletes beside the storing what deleted rooms have left. If it fails, whoever stores next begins again.
    fn sweep(&self) {
        let store = self.store.clone();
        tokio::spawn(async move {
            loop {
                match store.sweep().await {
                    Ok(0) => return,
                    Ok(rows) => tracing::info!(rows, "rows of deleted rooms are gone"),
                    Err(error) => {
                        return tracing::warn!(%error, "rows of deleted rooms are still there");
                    }
                }
            }
        });
    }

    /// Stores a batch and says how far the store is then; none when another consumer was faster.
    async fn store(&self, from: Offset, entries: &[Entry]) -> Result<Option<Offset>, StoreError> {
        let Some(last) = entries.last() else {
            return Ok(Some(from));
        };
        let batch = Batch {
            partition: self.partition,
            from,
            to: last.offset + 1,
            entries,
        };
        match self.store.store(&batch, clock::now()).await? {
            Stored::Done {
                dead_letters,
                deletions,
            } => {
                if deletions > 0 {
                    self.sweep();
                }
                measure::stored(entries.len());
                if dead_letters > 0 {
                    measure::dead_letters(dead_letters);
                    tracing::error!(
                        partition = self.partition,
                        dead_letters,
                        "unreadable records were put aside"
                    );
                }
                self.progress.send_replace(batch.to);
                Ok(Some(batch.to))
            }
            Stored::Fenced => {
                tracing::info!(
                    partition = self.partition,
                    "another consumer stored this partition; reading its position"
                );
                Ok(None)
            }
        }
    }
}
