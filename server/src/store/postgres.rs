//! Reaching PostgreSQL: a pool whose connections are never waited for without an end, on either side.
//!
//! SQLx tests a connection when it comes back, without a limit: one whose peer is gone would take its place in the pool
//! with it until the system gives the peer up, a quarter of an hour later. Hence the probes here, and on the server's
//! side limits for statements, for transactions whose client is stopped (they hold the lock on a partition's offset),
//! and for peers that no longer acknowledge anything.

use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, TransactionTrait as _,
    sqlx::{Connection as _, Executor as _, PgConnection},
};
use sea_orm_migration::MigratorTrait as _;
use sphere_migration::Migrator;
use tokio::time::timeout;

use super::{StoreError, patience::BULK};

/// How long a connection may take to be had.
const ACQUIRE: Duration = Duration::from_secs(2);
/// How long a connection may take to say that it lives.
const PROBE: Duration = Duration::from_secs(1);
/// A connection that was used so lately need not be asked.
const FRESH: Duration = Duration::from_secs(1);
/// A transaction whose client says nothing for so long is rolled back: less than a lease.
const IDLE_TRANSACTION_MS: u32 = 4_000;
/// The number of the advisory lock under which the schema is changed; "sphere" in ASCII.
const MIGRATION_LOCK: i64 = 0x7370_6865_7265;
/// How long another process may take for that.
const MIGRATION_WAIT: &str = "60s";

/// A pool for serving.
pub(super) async fn connect(url: &str, size: u32) -> Result<DatabaseConnection, StoreError> {
    let rules = format!(
        "SET client_min_messages = error; SET statement_timeout = {}; SET idle_in_transaction_session_timeout = {IDLE_TRANSACTION_MS};
         SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 20000",
        BULK.as_millis()
    );
    let mut options = options(url, size);
    options.test_before_acquire(false);
    options.map_sqlx_postgres_pool_opts(move |pool| {
        let rules = rules.clone();
        pool.after_connect(move |connection, _| {
            let rules = sea_orm::sqlx::AssertSqlSafe(rules.clone());
            Box::pin(async move { connection.execute(rules).await.map(drop) })
        })
        .before_acquire(|connection, used| {
            Box::pin(async move { Ok(used.idle_for < FRESH || lives(connection).await) })
        })
        .after_release(|connection, _| {
            Box::pin(async move {
                if is_clean(connection).await {
                    Ok(true)
                } else {
                    // As an error: the connection is then closed without a farewell that would be waited for, too.
                    Err(sea_orm::sqlx::Error::PoolTimedOut)
                }
            })
        })
    });
    Ok(Database::connect(options).await?)
}

/// Brings the schema up to date, one process at a time. Steps may take long, so the limits of serving do not hold here.
pub(super) async fn migrate(url: &str) -> Result<(), StoreError> {
    let db = Database::connect(options(url, 2)).await?;
    // The lock goes with the transaction, however this process ends.
    let turn = db.begin().await?;
    turn.execute_unprepared(&format!(
        "SET LOCAL lock_timeout = '{MIGRATION_WAIT}'; SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"
    ))
    .await?;
    Migrator::up(&db, None).await?;
    turn.commit().await?;
    Ok(db.close().await?)
}

fn options(url: &str, size: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(size)
        .acquire_timeout(ACQUIRE)
        .sqlx_logging(false);
    options
}

/// Whether a connection lives and has no transaction open. A call that ran into its limit may have begun one without
/// having heard so: whoever got the connection next would write into it, and nobody would ever see that.
async fn is_clean(connection: &mut PgConnection) -> bool {
    matches!(
        timeout(PROBE, connection.execute("ROLLBACK")).await,
        Ok(Ok(_))
    )
}

/// Whether a connection lives.
async fn lives(connection: &mut PgConnection) -> bool {
    timeout(PROBE, connection.ping())
        .await
        .is_ok_and(|answer| answer.is_ok())
}
