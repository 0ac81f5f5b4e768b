//! The server's database files, looked at and disturbed from outside.

use std::{path::Path, time::Duration};

use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, SqliteConnection, sqlite::SqliteConnectOptions,
};

/// Opens a database file beside the server.
pub(crate) async fn open(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(20));
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// Runs a statement.
pub(crate) async fn run(path: &Path, sql: &str) {
    let mut connection = open(path).await;
    connection
        .execute(AssertSqlSafe(sql.to_owned()))
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    connection.close().await.unwrap();
}

/// A number that a query gives.
pub(crate) async fn count(path: &Path, sql: &str) -> i64 {
    let mut connection = open(path).await;
    let count = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
        .fetch_one(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    count
}

/// Holds a database so that nobody else can write to it. The server waits for up to five seconds, then its write fails.
pub(crate) struct Held(SqliteConnection);

impl Held {
    /// Takes the database.
    pub(crate) async fn take(path: &Path) -> Self {
        let mut connection = open(path).await;
        connection.execute("BEGIN IMMEDIATE").await.unwrap();
        Self(connection)
    }

    /// Gives it back.
    pub(crate) async fn release(mut self) {
        self.0.execute("ROLLBACK").await.unwrap();
        self.0.close().await.unwrap();
    }
}

/// A table that is away: every statement that names it fails.
pub(crate) struct Away<'a> {
    path: &'a Path,
    table: &'a str,
}

impl<'a> Away<'a> {
    /// Takes the table away.
    pub(crate) async fn take(path: &'a Path, table: &'a str) -> Self {
        run(path, &format!("ALTER TABLE {table} RENAME TO {table}_away")).await;
        Self { path, table }
    }

    /// Puts it back.
    pub(crate) async fn release(self) {
        let Self { path, table } = self;
        run(path, &format!("ALTER TABLE {table}_away RENAME TO {table}")).await;
    }
}
