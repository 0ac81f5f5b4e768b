//! How long the store is waited for. A database that hangs must not make anything else hang.
//!
//! # Guarantee
//! Every call of [`Store`] on PostgreSQL ends within its limit. After a call that did not, or that found no connection,
//! the store rests: for a second calls fail at once, so that a line of readers does not wait one limit after the other.
//! SQLite has no such limits: it is a file of this machine, and waits for its locks by rules of its own.

use std::{future::Future, sync::Arc, time::Duration};

use parking_lot::Mutex;
use sea_orm::DbErr;
use tokio::time::{Instant, timeout};

use super::{Store, StoreError};
use crate::measure::{self, Part};

/// How long a question may take: less than a reader waits, and more than having a connection takes.
const CALL: Duration = Duration::from_secs(3);
/// How long a batch, the start of a feed, or a change of rooms may take.
pub(super) const BULK: Duration = Duration::from_secs(15);
/// How long nobody asks after a failure.
const REST: Duration = Duration::from_secs(1);

/// Whether calls have limits, and whether the database answered lately. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Patience(Option<Arc<Mutex<State>>>);

#[derive(Debug, Default)]
struct State {
    down: bool,
    rests_until: Option<Instant>,
}

impl Patience {
    /// For a database that may hang.
    pub(super) fn limited() -> Self {
        Self(Some(Arc::default()))
    }

    /// For a file.
    pub(super) fn endless() -> Self {
        Self(None)
    }

    async fn call<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let Some(state) = &self.0 else {
            return work.await;
        };
        if state
            .lock()
            .rests_until
            .is_some_and(|until| Instant::now() < until)
        {
            return Err(StoreError::Away);
        }
        let outcome = timeout(limit, work).await.unwrap_or(Err(StoreError::Away));
        let down = matches!(
            &outcome,
            Err(StoreError::Away
                | StoreError::Database(DbErr::Conn(_) | DbErr::ConnectionAcquire(_)))
        );
        let mut state = state.lock();
        state.rests_until = down.then(|| Instant::now() + REST);
        if down && !state.down {
            measure::outage(Part::Store);
            tracing::warn!("the database does not answer");
        } else if state.down && outcome.is_ok() {
            tracing::info!("the database is back");
        }
        state.down = if outcome.is_ok() {
            false
        } else {
            state.down || down
        };
        outcome
    }
}

impl Store {
    /// Asks the database something short.
    pub(super) async fn call<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.patience.call(CALL, work).await
    }

    /// Asks the database that pages are read from.
    pub(super) async fn read<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.read_patience.call(CALL, work).await
    }

    /// Asks the database something that may take a while.
    pub(super) async fn bulk<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.patience.call(BULK, work).await
    }
}
