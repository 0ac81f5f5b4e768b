//! Reading rooms: every page is read by `(room, seq)` in one snapshot together with how far the store is.

use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select,
};
use sphere_protocol::{Epoch, Kind, Message, MessageId, RoomName, Seq, UserId, limits::MAX_REPLAY};

use super::{
    RoomRow, Store, StoreError,
    entity::message,
    log_state::{first_of, kind_column, position},
    wire_time,
};
use crate::{feed::First, log::Offset};

/// Which rows of a room.
#[derive(Debug, Clone, Copy)]
pub enum Query {
    /// The newest messages.
    Newest,
    /// The newest messages below a `seq`.
    Before(Seq),
    /// The oldest records of every kind above a `seq`.
    After(Seq),
    /// Messages on both sides of a `seq`, which itself counts to the later half.
    Around(Seq),
}

/// What the store has for a query. It knows nothing of what the log holds beyond `next_offset`.
#[derive(Debug, Clone, Default)]
pub struct RawPage {
    /// Ascending by `seq`. Of `After`: with `prev`. Otherwise: without.
    pub rows: Vec<Message>,
    /// Rows exist in front of the first (of `After`: behind the last).
    pub more: bool,
    /// Of `Around`: rows exist behind the last.
    pub more_after: bool,
    /// Of `After`: how many records stand above, counted up to one more than may be replayed.
    pub above: u64,
    /// The room's newest stored record.
    pub head: Option<Seq>,
    /// The store has everything below.
    pub next_offset: Offset,
}

impl Store {
    /// Reads a page of at most `limit` rows.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn page(
        &self,
        room: &RoomRow,
        epoch: Epoch,
        query: Query,
        limit: u64,
    ) -> Result<RawPage, StoreError> {
        self.read(async {
            let snapshot = Self::snapshot(&self.read).await?;
            let next_offset = position(&snapshot, room.partition).await?.next_offset;
            let reader = Reader {
                room,
                epoch,
                db: &snapshot,
            };
            let mut page = match query {
                Query::Newest => reader.before(None, limit).await?,
                Query::Before(seq) => reader.before(Some(seq), limit).await?,
                Query::After(seq) => reader.after(seq, limit).await?,
                Query::Around(seq) => reader.around(seq, limit).await?,
            };
            page.head = reader.newest_at_most(Seq::MAX).await?;
            page.next_offset = next_offset;
            snapshot.commit().await?;
            Ok(page)
        })
        .await
    }

    /// Where a message of the room stands, if the store has it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn locate(&self, room: &RoomRow, id: MessageId) -> Result<Option<Seq>, StoreError> {
        self.call(async {
            let row = message::Entity::find_by_id(id.0)
                .filter(message::Column::Room.eq(room.id))
                .one(&self.db)
                .await?;
            Ok(row.filter(|row| row.reference.is_none()).map(|row| row.seq))
        })
        .await
    }

    /// Where an id stood first, if the store has it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn first(&self, id: MessageId) -> Result<Option<First>, StoreError> {
        self.call(async { first_of(&self.db, id.0).await }).await
    }

    /// How many messages of others stand above a `seq`, counted up to `limit`, and up to which offset the store knows.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn unread(
        &self,
        room: &RoomRow,
        above: Seq,
        reader: Option<&UserId>,
        limit: u64,
    ) -> Result<(u64, Offset), StoreError> {
        self.read(async {
            let snapshot = Self::snapshot(&self.read).await?;
            let next_offset = position(&snapshot, room.partition).await?.next_offset;
            let mut unread = messages(room).filter(message::Column::Seq.gt(above));
            if let Some(reader) = reader {
                unread = unread.filter(message::Column::Author.ne(reader.as_str()));
            }
            let unread = count_to(&snapshot, unread, limit).await?;
            snapshot.commit().await?;
            Ok((unread, next_offset))
        })
        .await
    }
}

fn records(room: &RoomRow) -> Select<message::Entity> {
    message::Entity::find().filter(message::Column::Room.eq(room.id))
}

fn messages(room: &RoomRow) -> Select<message::Entity> {
    records(room).filter(message::Column::Kind.eq(kind_column(Kind::Message)))
}

/// Counts rows, reading no more than `limit` of them.
async fn count_to(
    db: &impl ConnectionTrait,
    rows: Select<message::Entity>,
    limit: u64,
) -> Result<u64, StoreError> {
    let seqs: Vec<Seq> = rows
        .select_only()
        .column(message::Column::Seq)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?;
    Ok(seqs.len() as u64)
}

struct Reader<'a> {
    room: &'a RoomRow,
    epoch: Epoch,
    db: &'a DatabaseTransaction,
}

impl Reader<'_> {
    /// The newest messages, or the newest below a `seq`.
    async fn before(&self, seq: Option<Seq>, limit: u64) -> Result<RawPage, StoreError> {
        let mut query = messages(self.room)
            .order_by_desc(message::Column::Seq)
            .limit(limit + 1);
        if let Some(seq) = seq {
            query = query.filter(message::Column::Seq.lt(seq));
        }
        let mut rows = query.all(self.db).await?;
        let more = cut(&mut rows, limit);
        rows.reverse();
        Ok(RawPage {
            rows: self.current(rows),
            more,
            ..RawPage::default()
        })
    }

    /// The oldest records above a `seq`, chained.
    async fn after(&self, seq: Seq, limit: u64) -> Result<RawPage, StoreError> {
        let above = records(self.room).filter(message::Column::Seq.gt(seq));
        let counted = count_to(self.db, above.clone(), MAX_REPLAY + 1).await?;
        let mut rows = above
            .order_by_asc(message::Column::Seq)
            .limit(limit + 1)
            .all(self.db)
            .await?;
        let more = cut(&mut rows, limit);
        let mut prev = if rows.is_empty() {
            None
        } else {
            self.newest_at_most(seq).await?
        };
        let rows = rows.into_iter().map(|row| {
            let message = Message {
                prev: Some(prev.unwrap_or(-1)),
                ..self.message(row)
            };
            prev = Some(message.seq);
            message
        });
        Ok(RawPage {
            rows: rows.collect(),
            more,
            above: counted,
            ..RawPage::default()
        })
    }

    /// Half of the page in front of a `seq`, half from it on.
    async fn around(&self, seq: Seq, limit: u64) -> Result<RawPage, StoreError> {
        let front = self.before(Some(seq), limit / 2).await?;
        let from = messages(self.room).filter(message::Column::Seq.gte(seq));
        let limit = limit - limit / 2;
        let mut rows = from
            .order_by_asc(message::Column::Seq)
            .limit(limit + 1)
            .all(self.db)
            .await?;
        let more_after = cut(&mut rows, limit);
        let rows = front.rows.into_iter().chain(self.current(rows)).collect();
        Ok(RawPage {
            rows,
            more: front.more,
            more_after,
            ..RawPage::default()
        })
    }

    async fn newest_at_most(&self, seq: Seq) -> Result<Option<Seq>, StoreError> {
        let newest = records(self.room)
            .select_only()
            .column(message::Column::Seq)
            .filter(message::Column::Seq.lte(seq))
            .order_by_desc(message::Column::Seq)
            .limit(1);
        Ok(newest.into_tuple().one(self.db).await?)
    }

    fn current(&self, rows: Vec<message::Model>) -> Vec<Message> {
        rows.into_iter().map(|row| self.message(row)).collect()
    }

    fn message(&self, row: message::Model) -> Message {
        Message {
            room: RoomName::clone(&self.room.name),
            epoch: self.epoch,
            seq: row.seq,
            prev: None,
            id: MessageId(row.id),
            user_id: row.author.into(),
            user_name: row.author_name,
            user_image: row.author_image,
            message: row.body,
            created_at: wire_time(row.created_at),
            kind: match row.kind.as_str() {
                "message" => Kind::Message,
                "void" => Kind::Void,
                _ => Kind::Unknown,
            },
            reference: row.reference.map(MessageId),
        }
    }
}

/// Cuts what was read too much, and says whether there was any.
fn cut(rows: &mut Vec<message::Model>, limit: u64) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    more
}
