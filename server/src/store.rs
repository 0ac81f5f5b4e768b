//! The store: everything that was said, in SQL. The only place that knows SeaORM.
//!
//! Written by `consumer` (messages, offsets), `auth` (users) and `rooms`; read by `history` and when feeds start. Every
//! write transaction on SQLite is IMMEDIATE: a deferred one that reads first fails as soon as another writes.

use std::{path::Path, time::Duration};

use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, SqliteTransactionMode, TransactionOptions, TransactionTrait as _,
    sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous},
};
use sea_orm_migration::{MigrationStatus, MigratorTrait as _};
use sphere_migration::Migrator;

mod batch;
mod entity;
mod leases;
mod log_state;
mod pages;
mod patience;
mod postgres;
mod rooms;
mod users;

pub use batch::{Batch, Stored};
pub use leases::Share;
pub use log_state::Position;
pub use pages::{Query, RawPage};
pub use rooms::RoomRow;
pub use users::UserRow;

use patience::Patience;

/// Why the store did not answer. Internals: logged, never sent.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database says no.
    #[error("the store failed: {0}")]
    Database(#[from] DbErr),
    /// The database does not answer in time, or did not a moment ago.
    #[error("the database does not answer")]
    Away,
    /// The rows contradict each other or the log; an operator must look.
    #[error("the store is not consistent: {0}")]
    Inconsistent(String),
}

/// A change of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrations {
    /// All missing steps.
    Up,
    /// The last step back.
    Down,
    /// None.
    Status,
}

/// A handle on the database; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    db: DatabaseConnection,
    /// Where pages are read: a replica, or the same.
    read: DatabaseConnection,
    patience: Patience,
    read_patience: Patience,
}

impl Store {
    /// Opens or creates the SQLite file of the embedded profile, and brings it up to this version's schema.
    ///
    /// # Errors
    /// When the file cannot be opened, written or migrated.
    pub async fn open_sqlite(path: &Path, migrate: bool) -> Result<Self, StoreError> {
        let path = path.to_owned();
        let mut options = ConnectOptions::new("sqlite::memory:");
        options
            .max_connections(4)
            .min_connections(1)
            .acquire_timeout(Duration::from_secs(5))
            .sqlx_logging(false);
        options.map_sqlx_sqlite_opts(move |options| {
            options
                .in_memory(false)
                .shared_cache(false)
                .filename(&path)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(Duration::from_secs(5))
                .foreign_keys(true)
        });
        let db = Database::connect(options).await?;
        if migrate {
            Migrator::up(&db, None).await?;
        }
        Ok(Self {
            read: db.clone(),
            db,
            patience: Patience::endless(),
            read_patience: Patience::endless(),
        })
    }

    /// Opens PostgreSQL, and a replica for pages if there is one.
    ///
    /// # Errors
    /// When a database does not answer, or cannot be migrated.
    pub async fn open_postgres(
        url: &str,
        read_url: Option<&str>,
        pool: u32,
        migrate: bool,
    ) -> Result<Self, StoreError> {
        if migrate {
            postgres::migrate(url).await?;
        }
        let db = postgres::connect(url, pool).await?;
        let patience = Patience::limited();
        let (read, read_patience) = match read_url {
            Some(url) => (postgres::connect(url, pool).await?, Patience::limited()),
            None => (db.clone(), patience.clone()),
        };
        Ok(Self {
            db,
            read,
            patience,
            read_patience,
        })
    }

    /// Changes the schema if asked to, and says which steps there are and which have been made.
    ///
    /// # Errors
    /// When the database does not answer or refuses a step.
    pub async fn migrate(&self, what: Migrations) -> Result<Vec<(String, bool)>, StoreError> {
        match what {
            Migrations::Up => Migrator::up(&self.db, None).await?,
            Migrations::Down => Migrator::down(&self.db, Some(1)).await?,
            Migrations::Status => {}
        }
        let steps = Migrator::get_migration_with_status(&self.db).await?;
        Ok(steps
            .into_iter()
            .map(|step| {
                (
                    step.name().to_owned(),
                    step.status() == MigrationStatus::Applied,
                )
            })
            .collect())
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.call(async { Ok(self.db.ping().await?) }).await
    }

    /// A transaction that sees one state of the database, however long it reads.
    async fn snapshot(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
        let options = TransactionOptions {
            // A read transaction on SQLite is a snapshot by itself, and there is no level to set.
            isolation_level: (db.get_database_backend() == DbBackend::Postgres)
                .then_some(IsolationLevel::RepeatableRead),
            sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
            ..TransactionOptions::default()
        };
        db.begin_with_options(options).await
    }

    /// A transaction that writes.
    async fn write(&self) -> Result<DatabaseTransaction, DbErr> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.db.begin_with_options(options).await
    }
}

/// The time type of the columns.
fn column_time(at: sphere_protocol::Timestamp) -> time::OffsetDateTime {
    at.date_time()
}

/// The wire's time of a column.
fn wire_time(at: time::OffsetDateTime) -> sphere_protocol::Timestamp {
    sphere_protocol::Timestamp(at.unix_timestamp() * 1000 + i64::from(at.millisecond()))
}
