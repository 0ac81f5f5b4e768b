//! Storing a run of the log: rows and offset in one transaction, so a record's effect and its offset cannot part.

use std::{collections::HashMap, sync::Arc};

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    sea_query::{Expr, OnConflict},
};
use sphere_protocol::{Kind, MessageId, RoomName, Seq, Timestamp};
use uuid::Uuid;

use super::{
    Store, StoreError, column_time,
    entity::{dead_letter, log_offset, message, room, user},
    log_state::{kind_column, position},
    users::{keep_first, new_user},
};
use crate::{
    faults::{self, Fault},
    log::{Entry, Offset, Partition, Poison, Record},
};

/// Rows of one INSERT: 13 columns each at most, far below SQLite's 32,766 and PostgreSQL's 65,535 parameters.
const ROWS: usize = 500;

/// A run of a partition's log.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The partition.
    pub partition: Partition,
    /// What must be stored so far: everything below.
    pub from: Offset,
    /// What is stored afterwards: everything below.
    pub to: Offset,
    /// The entries in between.
    pub entries: &'a [Entry],
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It is stored.
    Done {
        /// Entries that were put aside because this version cannot read them.
        dead_letters: usize,
        /// Rooms that were deleted: their rows are to be swept.
        deletions: u64,
    },
    /// Somebody else has stored further: nothing was changed. Go on from their offset.
    Fenced,
}

impl Store {
    /// Stores a batch, or nothing of it.
    ///
    /// # Errors
    /// When the database does not answer; the batch is then to be stored again.
    pub async fn store(&self, batch: &Batch<'_>, now: Timestamp) -> Result<Stored, StoreError> {
        self.bulk(async {
            let mut transaction = self.write().await?;
            let base = position(&transaction, batch.partition).await?.base;
            if !advance(&transaction, batch).await? {
                transaction.rollback().await?;
                return Ok(Stored::Fenced);
            }
            if faults::on(Fault::OffsetApart) {
                transaction.commit().await?;
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                transaction = self.write().await?;
            }
            let (mut readable, mut unreadable) = (Vec::new(), Vec::new());
            for entry in batch.entries {
                let seq = base + entry.offset;
                match &entry.record {
                    Ok(record) => readable.push((seq, record)),
                    Err(poison) => unreadable.push((seq, poison)),
                }
            }
            let rooms = rooms(&transaction, batch.partition, &readable, now).await?;
            let rows = rows(&transaction, batch.partition, &readable, &rooms).await?;
            for rows in rows.chunks(ROWS) {
                message::Entity::insert_many(rows.to_vec())
                    .exec_without_returning(&transaction)
                    .await?;
            }
            users(&transaction, &readable, now).await?;
            let deletions = deletions(&transaction, &readable, now).await?;
            dead_letters(&transaction, batch.partition, &unreadable, now).await?;
            transaction.commit().await?;
            Ok(Stored::Done {
                dead_letters: unreadable.len(),
                deletions,
            })
        })
        .await
    }
}

/// Moves the offset if it still stands where the batch begins: this fences a second consumer.
async fn advance(transaction: &DatabaseTransaction, batch: &Batch<'_>) -> Result<bool, StoreError> {
    let moved = log_offset::Entity::update_many()
        .col_expr(log_offset::Column::NextOffset, Expr::value(batch.to))
        .filter(log_offset::Column::Partition.eq(batch.partition))
        .filter(log_offset::Column::NextOffset.eq(batch.from))
        .exec(transaction)
        .await?;
    Ok(moved.rows_affected == 1)
}

/// The keys of the rooms that the records name and that are not deleted. A room that a restored store has lost is made
/// again; one that was deleted is still there, so nothing comes back.
async fn rooms(
    transaction: &DatabaseTransaction,
    partition: Partition,
    records: &[(Seq, &Arc<Record>)],
    now: Timestamp,
) -> Result<HashMap<RoomName, i32>, StoreError> {
    let names: std::collections::BTreeSet<&RoomName> =
        records.iter().map(|(_, record)| &record.room).collect();
    let mut keys = HashMap::new();
    for name in names {
        let row = room::ActiveModel {
            name: Set(name.to_string()),
            title: Set(name.to_string()),
            partition: Set(partition),
            created_at: Set(column_time(now)),
            ..Default::default()
        };
        let keep = OnConflict::column(room::Column::Name)
            .do_nothing()
            .to_owned();
        room::Entity::insert(row)
            .on_conflict(keep)
            .exec_without_returning(transaction)
            .await?;
        let row = room::Entity::find()
            .filter(room::Column::Name.eq(name.as_str()))
            .one(transaction)
            .await?;
        let row = row.ok_or_else(|| {
            StoreError::Inconsistent(format!("room {name} vanished while it was made"))
        })?;
        if row.deleted_at.is_none() {
            keys.insert(name.clone(), row.id);
        }
    }
    Ok(keys)
}

/// One row per record; a record whose id has a row already, or earlier in the batch, becomes a void.
async fn rows(
    transaction: &DatabaseTransaction,
    partition: Partition,
    records: &[(Seq, &Arc<Record>)],
    rooms: &HashMap<RoomName, i32>,
) -> Result<Vec<message::ActiveModel>, StoreError> {
    let mut known = std::collections::HashSet::new();
    for records in records.chunks(ROWS) {
        let ids: Vec<Uuid> = records.iter().map(|(_, record)| record.id.0).collect();
        let rows = message::Entity::find()
            .filter(message::Column::Id.is_in(ids))
            .all(transaction)
            .await?;
        known.extend(rows.into_iter().map(|row| row.id));
    }
    let mut rows = Vec::with_capacity(records.len());
    for (seq, record) in records {
        if record.kind == Kind::RoomDeleted {
            continue;
        }
        // What was let in after its room had gone leaves nothing.
        let Some(room) = rooms.get(&record.room).copied() else {
            continue;
        };
        let repeat = !known.insert(record.id.0);
        let void = repeat && !faults::on(Fault::NoUniqueKey);
        rows.push(message::ActiveModel {
            id: Set(if repeat {
                MessageId::void(partition, *seq).0
            } else {
                record.id.0
            }),
            room: Set(room),
            partition: Set(partition),
            seq: Set(*seq),
            kind: Set(kind_column(if void { Kind::Void } else { record.kind }).to_owned()),
            reference: Set(void.then_some(record.id.0)),
            author: Set(record.user_id.to_string()),
            author_name: Set(record.user_name.clone()),
            author_image: Set(record.user_image.clone()),
            body: Set(if void {
                String::new()
            } else {
                record.message.clone()
            }),
            created_at: Set(column_time(record.created_at)),
            edited_at: Set(None),
            deleted_at: Set(None),
        });
    }
    Ok(rows)
}

/// Binds the authors as the records say: the rows are there already, except in a restored store.
async fn users(
    transaction: &DatabaseTransaction,
    records: &[(Seq, &Arc<Record>)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let authors: HashMap<_, _> = records
        .iter()
        .filter(|(_, record)| record.kind != Kind::RoomDeleted)
        .rev()
        .map(|(_, record)| (&record.user_id, record))
        .collect();
    let rows: Vec<_> = authors
        .values()
        .map(|record| new_user(&record.user_id, &record.key_hash, &record.user_name, now))
        .collect();
    for rows in rows.chunks(ROWS) {
        user::Entity::insert_many(rows.to_vec())
            .on_conflict(keep_first())
            .exec_without_returning(transaction)
            .await?;
    }
    Ok(())
}

/// Rooms that end here. What was written to them before, and what another server still lets in, is swept afterwards.
async fn deletions(
    transaction: &DatabaseTransaction,
    records: &[(Seq, &Arc<Record>)],
    now: Timestamp,
) -> Result<u64, StoreError> {
    let names: Vec<&str> = records
        .iter()
        .filter(|(_, record)| record.kind == Kind::RoomDeleted)
        .map(|(_, record)| record.room.as_str())
        .collect();
    if names.is_empty() {
        return Ok(0);
    }
    let gone = room::Entity::update_many()
        .col_expr(room::Column::DeletedAt, Expr::value(column_time(now)))
        .filter(room::Column::Name.is_in(names))
        .filter(room::Column::DeletedAt.is_null())
        .exec(transaction)
        .await?;
    Ok(gone.rows_affected)
}

/// Keeps what cannot be read, so that nothing is lost and the next record goes on.
async fn dead_letters(
    transaction: &DatabaseTransaction,
    partition: Partition,
    records: &[(Seq, &Poison)],
    now: Timestamp,
) -> Result<(), StoreError> {
    for records in records.chunks(ROWS) {
        let rows = records
            .iter()
            .map(|(seq, poison)| dead_letter::ActiveModel {
                partition: Set(partition),
                seq: Set(*seq),
                payload: Set(poison.payload.clone()),
                error: Set(poison.error.clone()),
                created_at: Set(column_time(now)),
            });
        dead_letter::Entity::insert_many(rows)
            .exec_without_returning(transaction)
            .await?;
    }
    Ok(())
}
