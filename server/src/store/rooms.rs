//! Rooms: made from the configuration, never removed by it.

use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, sea_query::OnConflict,
};
use sphere_protocol::{RoomName, Timestamp};

use super::{Store, StoreError, column_time, entity::room};
use crate::log::Partition;

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
                .order_by_asc(room::Column::Id)
                .all(&self.db)
                .await?;
            Ok(rows.into_iter().map(RoomRow::from).collect())
        })
        .await
    }

    /// Makes the room, or gives it the title. A new room takes the partition with the fewest rooms, the lowest of them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn upsert_room(
        &self,
        name: &RoomName,
        title: &str,
        partitions: Partition,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.bulk(async {
            let transaction = self.write().await?;
            let mut counts = Vec::new();
            for partition in 0..partitions {
                counts.push(
                    room::Entity::find()
                        .filter(room::Column::Partition.eq(partition))
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
                .to_owned();
            room::Entity::insert(row)
                .on_conflict(title_only)
                .exec_without_returning(&transaction)
                .await?;
            transaction.commit().await?;
            Ok(())
        })
        .await
    }
}
