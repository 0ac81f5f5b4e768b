//! Rooms: made from the configuration, never removed by it. A deleted one keeps its row, and with it its name.

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    sea_query::{Expr, ExprTrait as _, OnConflict, Query},
};
use sphere_protocol::{RoomName, Timestamp};

use super::{
    Store, StoreError, column_time,
    entity::{message, room},
};
use crate::log::Partition;

/// Rows of deleted rooms that are deleted at once.
const SWEEP: u64 = 2_000;

/// A room as stored.
#[derive(Debug, Clone)]
pub struct RoomRow {
    /// The key that its messages carry.
    pub id: i32,
    /// Its name.
    pub name: RoomName,
    /// What people call it.
    pub title: String,
    /// Where its records stand.
    pub partition: Partition,
}

impl From<room::Model> for RoomRow {
    fn from(row: room::Model) -> Self {
        Self {
            id: row.id,
            name: row.name.into(),
            title: row.title,
            partition: row.partition,
        }
    }
}

impl Store {
    /// Every room, the oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn rooms(&self) -> Result<Vec<RoomRow>, StoreError> {
        self.call(async {
            let rows = room::Entity::find()
                .filter(room::Column::DeletedAt.is_null())
                .order_by_asc(room::Column::Id)
                .all(&self.db)
                .await?;
            Ok(rows.into_iter().map(RoomRow::from).collect())
        })
        .await
    }

    /// Makes the room, or gives it the title. A new room takes the partition with the fewest rooms, the lowest of them.
    /// False, and nothing is done, if a room of this name was deleted: names are not used twice.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn upsert_room(
        &self,
        name: &RoomName,
        title: &str,
        partitions: Partition,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.bulk(async {
            let transaction = self.write().await?;
            let mut counts = Vec::new();
            for partition in 0..partitions {
                counts.push(
                    room::Entity::find()
                        .filter(room::Column::Partition.eq(partition))
                        .filter(room::Column::DeletedAt.is_null())
                        .count(&transaction)
                        .await?,
                );
            }
            let fewest = (0..partitions)
                .zip(counts)
                .min_by_key(|(partition, count)| (*count, *partition));
            let partition = fewest.map_or(0, |(partition, _)| partition);
            let row = room::ActiveModel {
                name: Set(name.to_string()),
                title: Set(title.to_owned()),
                partition: Set(partition),
                created_at: Set(column_time(now)),
                ..Default::default()
            };
            let title_only = OnConflict::column(room::Column::Name)
                .update_column(room::Column::Title)
                .action_and_where(Expr::col((room::Entity, room::Column::DeletedAt)).is_null())
                .to_owned();
            let changed = room::Entity::insert(row)
                .on_conflict(title_only)
                .exec_without_returning(&transaction)
                .await?;
            transaction.commit().await?;
            Ok(changed > 0)
        })
        .await
    }

    /// Deletes some of the rows that deleted rooms have left, and says how many: in pieces, since a room may hold more than
    /// one transaction should.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        self.bulk(async {
            let deleted = Query::select()
                .column(room::Column::Id)
                .from(room::Entity)
                .and_where(room::Column::DeletedAt.is_not_null())
                .to_owned();
            let some = Query::select()
                .column(message::Column::Id)
                .from(message::Entity)
                .and_where(message::Column::Room.in_subquery(deleted))
                .limit(SWEEP)
                .to_owned();
            let gone = message::Entity::delete_many()
                .filter(message::Column::Id.in_subquery(some))
                .exec(&self.db)
                .await?;
            Ok(gone.rows_affected)
        })
        .await
    }
}
