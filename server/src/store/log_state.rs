//! What the store knows about the log: its epoch, how far it has been stored, and where a feed starts.

use std::collections::{HashMap, HashSet};

use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, sea_query::OnConflict,
};
use sphere_protocol::{Epoch, Kind, MessageId, RoomName, Seq};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    Store, StoreError,
    entity::{log, log_offset, message, room},
    wire_time,
};
use crate::{
    feed::{FeedStart, First, Head, MEMORY, RecentId},
    log::{Offset, Partition},
};

/// The key of the only row of `logs`.
const LOG: i32 = 1;

impl Store {
    /// The epoch of the log: the time of the first call, for ever after.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open_log(&self, partitions: Partition, now: Epoch) -> Result<Epoch, StoreError> {
        self.bulk(async {
            let transaction = self.write().await?;
            let row = log::ActiveModel {
                id: Set(LOG),
                epoch: Set(now),
            };
            let keep = OnConflict::column(log::Column::Id).do_nothing().to_owned();
            log::Entity::insert(row)
                .on_conflict(keep)
                .exec_without_returning(&transaction)
                .await?;
            for partition in 0..partitions {
                let row = log_offset::ActiveModel {
                    partition: Set(partition),
                    base: Set(0),
                    next_offset: Set(0),
                    ..Default::default()
                };
                let keep = OnConflict::column(log_offset::Column::Partition)
                    .do_nothing()
                    .to_owned();
                log_offset::Entity::insert(row)
                    .on_conflict(keep)
                    .exec_without_returning(&transaction)
                    .await?;
            }
            let row = log::Entity::find_by_id(LOG).one(&transaction).await?;
            transaction.commit().await?;
            row.map(|row| row.epoch)
                .ok_or_else(|| StoreError::Inconsistent("the log has no epoch".to_owned()))
        })
        .await
    }

    /// The offset of the first record of the partition that is not stored yet.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn next_offset(&self, partition: Partition) -> Result<Offset, StoreError> {
        self.call(async { Ok(position(&self.db, partition).await?.next_offset) })
            .await
    }

    /// Where a feed starts, all read in one snapshot: a record is either in it or at or above `next_offset`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn feed_start(&self, partition: Partition) -> Result<FeedStart, StoreError> {
        self.bulk(async {
            let snapshot = Self::snapshot(&self.db).await?;
            let position = position(&snapshot, partition).await?;
            let mut heads = Vec::new();
            for room in room::Entity::find()
                .filter(room::Column::Partition.eq(partition))
                .filter(room::Column::DeletedAt.is_null())
                .all(&snapshot)
                .await?
            {
                if let Some(head) = head(&snapshot, room.id).await? {
                    heads.push((RoomName::from(room.name), head));
                }
            }
            let oldest = position.base + position.next_offset - MEMORY;
            let rows: Vec<(Uuid, Seq, Option<Uuid>, OffsetDateTime)> = message::Entity::find()
                .select_only()
                .columns([
                    message::Column::Id,
                    message::Column::Seq,
                    message::Column::Reference,
                    message::Column::CreatedAt,
                ])
                .filter(message::Column::Partition.eq(partition))
                .filter(message::Column::Seq.gte(oldest))
                .order_by_asc(message::Column::Seq)
                .into_tuple()
                .all(&snapshot)
                .await?;
            let repeated = rows.iter().filter_map(|(_, _, reference, _)| *reference);
            let firsts = firsts_of(&snapshot, repeated.collect()).await?;
            let mut ids = Vec::with_capacity(rows.len());
            for (id, seq, reference, created_at) in rows {
                let first = match reference {
                    None => Some(First {
                        seq,
                        created_at: wire_time(created_at),
                    }),
                    // The first may be older than the window: it has its own row.
                    Some(first) => firsts.get(&first).copied(),
                };
                let offset = seq - position.base;
                ids.extend(first.map(|first| RecentId {
                    offset,
                    id: MessageId(reference.unwrap_or(id)),
                    first,
                }));
            }
            snapshot.commit().await?;
            Ok(FeedStart {
                partition,
                base: position.base,
                next_offset: position.next_offset,
                heads,
                ids,
            })
        })
        .await
    }
}

impl Store {
    /// How far every partition is stored, and by whom.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn positions(&self) -> Result<Vec<Position>, StoreError> {
        self.call(async {
            let rows = log_offset::Entity::find()
                .order_by_asc(log_offset::Column::Partition)
                .all(&self.db)
                .await?;
            let position = |row: log_offset::Model| Position {
                partition: row.partition,
                next_offset: row.next_offset,
                owner: row.lease_owner,
            };
            Ok(rows.into_iter().map(position).collect())
        })
        .await
    }

    /// Counts on above every `seq` that was ever given, from the first offset of a recreated log. No server may run.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn new_epoch(&self, now: Epoch) -> Result<Epoch, StoreError> {
        self.bulk(async {
            let transaction = self.write().await?;
            for row in log_offset::Entity::find().all(&transaction).await? {
                let base = row.base + row.next_offset;
                let mut row: log_offset::ActiveModel = row.into();
                row.base = Set(base);
                row.next_offset = Set(0);
                row.update(&transaction).await?;
            }
            let row = log::ActiveModel {
                id: Set(LOG),
                epoch: Set(now),
            };
            let replace = OnConflict::column(log::Column::Id)
                .update_column(log::Column::Epoch)
                .to_owned();
            log::Entity::insert(row)
                .on_conflict(replace)
                .exec_without_returning(&transaction)
                .await?;
            transaction.commit().await?;
            Ok(now)
        })
        .await
    }
}

/// How far a partition is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The partition.
    pub partition: Partition,
    /// Everything below is stored.
    pub next_offset: Offset,
    /// The consumer that holds its lease.
    pub owner: Option<String>,
}

/// The row that says how far a partition is stored.
pub(super) async fn position(
    db: &impl ConnectionTrait,
    partition: Partition,
) -> Result<log_offset::Model, StoreError> {
    let row = log_offset::Entity::find_by_id(partition).one(db).await?;
    row.ok_or_else(|| StoreError::Inconsistent(format!("partition {partition} has no row")))
}

/// Where an id stands first: its own row.
pub(super) async fn first_of(
    db: &impl ConnectionTrait,
    id: Uuid,
) -> Result<Option<First>, StoreError> {
    let row = message::Entity::find_by_id(id).one(db).await?;
    Ok(row.map(|row| First {
        seq: row.seq,
        created_at: wire_time(row.created_at),
    }))
}

/// The same of many ids, in one question: a start must not take longer the more repeats the log holds. At most [`MEMORY`],
/// which is below what a question may have as parameters.
async fn firsts_of(
    db: &impl ConnectionTrait,
    ids: HashSet<Uuid>,
) -> Result<HashMap<Uuid, First>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(Uuid, Seq, OffsetDateTime)> = message::Entity::find()
        .select_only()
        .columns([
            message::Column::Id,
            message::Column::Seq,
            message::Column::CreatedAt,
        ])
        .filter(message::Column::Id.is_in(ids))
        .into_tuple()
        .all(db)
        .await?;
    let first = |(id, seq, created_at)| {
        let created_at = wire_time(created_at);
        (id, First { seq, created_at })
    };
    Ok(rows.into_iter().map(first).collect())
}

/// The newest record of a room, and the time of its newest message.
async fn head(db: &impl ConnectionTrait, room: i32) -> Result<Option<Head>, StoreError> {
    let newest: Option<Seq> = message::Entity::find()
        .select_only()
        .column(message::Column::Seq)
        .filter(message::Column::Room.eq(room))
        .order_by_desc(message::Column::Seq)
        .limit(1)
        .into_tuple()
        .one(db)
        .await?;
    let Some(seq) = newest else { return Ok(None) };
    let newest = message::Entity::find()
        .filter(message::Column::Room.eq(room))
        .filter(message::Column::Kind.eq(kind_column(Kind::Message)))
        .order_by_desc(message::Column::Seq)
        .one(db)
        .await?;
    Ok(Some(Head {
        seq,
        last_at: newest.map(|row| wire_time(row.created_at)),
    }))
}

/// How a kind stands in its column: as on the wire.
pub(super) fn kind_column(kind: Kind) -> &'static str {
    match kind {
        Kind::Message => "message",
        Kind::Void => "void",
        Kind::RoomDeleted => "room_deleted",
        Kind::Unknown => "unknown",
    }
}
