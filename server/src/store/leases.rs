//! Which consumer stores which partition: leases that expire by the database's clock, shared fairly among the living.
//!
//! Leases only spare work. That no record takes effect twice is held by the offset's compare-and-set in `batch`.

use sea_orm::{ConnectionTrait as _, DbBackend, DbErr, QueryResult, Statement, Value};

use super::{Store, StoreError};
use crate::log::Partition;

/// What a consumer may store after a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The partitions that it holds.
    pub held: Vec<Partition>,
    /// How many it should hold at most.
    pub fair: usize,
}

/// A lease ends so many seconds after the last heartbeat; consumers that were not seen for as long are gone.
const LEASE_SECONDS: i64 = 6;

impl Store {
    /// Says that the consumer lives, renews its leases, and takes free partitions up to its fair share.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn heartbeat(&self, consumer: &str) -> Result<Share, StoreError> {
        self.call(async {
            let seen = "INSERT INTO consumers (id, seen_at) VALUES ($1, now()) ON CONFLICT (id) DO UPDATE SET seen_at = now()";
            self.change(seen, [consumer.into()]).await?;
            let gone = "DELETE FROM consumers WHERE seen_at < now() - make_interval(secs => $1)";
            self.change(gone, [(LEASE_SECONDS as f64).into()]).await?;
            let fair = "SELECT ((SELECT count(*) FROM log_offsets) + greatest(count(*), 1) - 1) / greatest(count(*), 1) AS fair FROM consumers";
            let fair: i64 = self
                .rows(fair, [])
                .await?
                .first()
                .map_or(Ok(0), |row| row.try_get("", "fair"))?;
            let renew = "UPDATE log_offsets SET lease_until = now() + make_interval(secs => $2) WHERE lease_owner = $1 RETURNING partition";
            let mut held = self
                .partitions(renew, [consumer.into(), (LEASE_SECONDS as f64).into()])
                .await?;
            let missing = fair - i64::try_from(held.len()).unwrap_or(i64::MAX);
            if missing > 0 {
                let take = "UPDATE log_offsets SET lease_owner = $1, lease_until = now() + make_interval(secs => $2)
                            WHERE partition IN (SELECT partition FROM log_offsets WHERE lease_until IS NULL OR lease_until < now()
                            ORDER BY partition LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING partition";
                held.extend(
                    self.partitions(
                        take,
                        [
                            consumer.into(),
                            (LEASE_SECONDS as f64).into(),
                            missing.into(),
                        ],
                    )
                    .await?,
                );
            }
            held.sort_unstable();
            Ok(Share {
                held,
                fair: usize::try_from(fair).unwrap_or_default(),
            })
        })
        .await
    }

    /// Gives partitions back, so that another consumer need not wait for the lease to end.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn release(&self, consumer: &str, partition: Partition) -> Result<(), StoreError> {
        self.call(async {
            let free = "UPDATE log_offsets SET lease_owner = NULL, lease_until = NULL WHERE lease_owner = $1 AND partition = $2";
            self.change(free, [consumer.into(), partition.into()]).await
        })
        .await
    }

    /// The consumer ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn farewell(&self, consumer: &str) -> Result<(), StoreError> {
        self.call(async {
            let free =
                "UPDATE log_offsets SET lease_owner = NULL, lease_until = NULL WHERE lease_owner = $1";
            self.change(free, [consumer.into()]).await?;
            self.change("DELETE FROM consumers WHERE id = $1", [consumer.into()])
                .await
        })
        .await
    }

    async fn change<const N: usize>(
        &self,
        sql: &str,
        values: [Value; N],
    ) -> Result<(), StoreError> {
        self.db
            .execute_raw(Statement::from_sql_and_values(
                DbBackend::Postgres,
                sql,
                values,
            ))
            .await?;
        Ok(())
    }

    async fn rows<const N: usize>(
        &self,
        sql: &str,
        values: [Value; N],
    ) -> Result<Vec<QueryResult>, DbErr> {
        self.db
            .query_all_raw(Statement::from_sql_and_values(
                DbBackend::Postgres,
                sql,
                values,
            ))
            .await
    }

    async fn partitions<const N: usize>(
        &self,
        sql: &str,
        values: [Value; N],
    ) -> Result<Vec<Partition>, StoreError> {
        let rows = self.rows(sql, values).await?;
        Ok(rows
            .into_iter()
            .map(|row| row.try_get("", "partition"))
            .collect::<Result<_, _>>()?)
    }
}
