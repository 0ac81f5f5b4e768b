//! The database of one run: made at its start, read at its end, dropped with it.

use std::{net::SocketAddr, time::Duration};

use sphere_protocol::{MessageId, Seq};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

use crate::Failure;

/// A database of its own on the server of `DATABASE_URL`.
#[derive(Debug, Clone)]
pub struct Database {
    server: String,
    name: String,
}

/// A row of `messages`.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The room's name.
    pub room: String,
    /// The partition.
    pub partition: i32,
    /// The place.
    pub seq: Seq,
    /// The record's id.
    pub id: MessageId,
    /// Whether it is a repeat's own row.
    pub void: bool,
    /// The text.
    pub body: String,
}

impl Database {
    /// Makes an empty one.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn create(server: &str, name: &str) -> Result<Self, Failure> {
        let mut connection = PgConnection::connect(server).await?;
        connection
            .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .await?;
        Ok(Self::named(server, name))
    }

    /// The one of that name, whether it is there or not.
    pub fn named(server: &str, name: &str) -> Self {
        Self {
            server: server.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Removes it, whoever still uses it.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn remove(&self) -> Result<(), Failure> {
        let mut connection = PgConnection::connect(&self.server).await?;
        let name = &self.name;
        connection
            .execute(AssertSqlSafe(format!(
                "DROP DATABASE IF EXISTS {name} WITH (FORCE)"
            )))
            .await?;
        Ok(())
    }

    /// Its own address.
    ///
    /// # Errors
    /// When `DATABASE_URL` has another form.
    pub fn url(&self) -> Result<String, Failure> {
        let (before, _) = self.split()?;
        Ok(format!("{before}/{}", self.name))
    }

    /// Its address through a proxy.
    ///
    /// # Errors
    /// When `DATABASE_URL` has another form.
    pub fn url_through(&self, proxy: SocketAddr) -> Result<String, Failure> {
        let (before, _) = self.split()?;
        let (user, _) = before
            .rsplit_once('@')
            .ok_or("DATABASE_URL names no user")?;
        Ok(format!("{user}@{proxy}/{}", self.name))
    }

    /// Where the server listens.
    ///
    /// # Errors
    /// When `DATABASE_URL` has another form or names a host that cannot be found.
    pub async fn address(server: &str) -> Result<SocketAddr, Failure> {
        let (before, _) = server
            .rsplit_once('/')
            .ok_or("DATABASE_URL must end in a database's name")?;
        let host = before.rsplit(['@', '/']).next().unwrap_or_default();
        let host = if host.contains(':') {
            host.to_owned()
        } else {
            format!("{host}:5432")
        };
        let found = tokio::net::lookup_host(host).await?.next();
        found.ok_or_else(|| "DATABASE_URL names a host without an address".into())
    }

    fn split(&self) -> Result<(&str, &str), Failure> {
        self.server
            .rsplit_once('/')
            .ok_or_else(|| "DATABASE_URL must end in a database's name".into())
    }

    /// A connection that stands before no proxy.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn connect(&self) -> Result<PgConnection, Failure> {
        let connecting = PgConnection::connect(&self.url()?).await;
        Ok(connecting?)
    }

    /// Every row, by room and place.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn messages(&self) -> Result<Vec<Stored>, Failure> {
        let mut connection = self.connect().await?;
        let rows = sqlx::query(
            "SELECT r.name, m.partition, m.seq, m.id::text, m.kind, m.body \
             FROM messages m JOIN rooms r ON r.id = m.room ORDER BY r.name, m.seq",
        )
        .fetch_all(&mut connection)
        .await?;
        rows.into_iter()
            .map(|row| {
                let id: String = row.try_get(3)?;
                let kind: String = row.try_get(4)?;
                Ok(Stored {
                    room: row.try_get(0)?,
                    partition: row.try_get(1)?,
                    seq: row.try_get(2)?,
                    id: MessageId::parse(&id).ok_or("an id that is no UUID")?,
                    void: kind == "void",
                    body: row.try_get(5)?,
                })
            })
            .collect()
    }

    /// The partition of every room.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn rooms(&self) -> Result<Vec<(String, i32)>, Failure> {
        let mut connection = self.connect().await?;
        let rows = sqlx::query("SELECT name, partition FROM rooms")
            .fetch_all(&mut connection)
            .await?;
        rows.into_iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect()
    }

    /// `base` and `next_offset` of every partition, in their order.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn offsets(&self) -> Result<Vec<(i64, i64)>, Failure> {
        let mut connection = self.connect().await?;
        let rows = sqlx::query("SELECT base, next_offset FROM log_offsets ORDER BY partition")
            .fetch_all(&mut connection)
            .await?;
        rows.into_iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect()
    }

    /// How many records could not be read.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn dead_letters(&self) -> Result<i64, Failure> {
        let mut connection = self.connect().await?;
        Ok(sqlx::query("SELECT count(*) FROM dead_letters")
            .fetch_one(&mut connection)
            .await?
            .try_get(0)?)
    }
}

/// How long the store may take to have everything that the log has.
pub const STORED: Duration = Duration::from_secs(30);
