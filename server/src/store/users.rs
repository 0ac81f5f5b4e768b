//! Users: an id, what it is bound to, and its name. An id that has never written has no row.

use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, sea_query::OnConflict,
};
use sphere_protocol::{Timestamp, UserId};

use super::{Store, StoreError, column_time, entity::user};
use crate::auth::KeyHash;

/// A user as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// What the id is bound to.
    pub key_hash: KeyHash,
    /// The display name.
    pub name: String,
}

impl Store {
    /// The user, if the id has ever written.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn user(&self, id: &UserId) -> Result<Option<UserRow>, StoreError> {
        self.call(async {
            let row = user::Entity::find_by_id(id.as_str()).one(&self.db).await?;
            Ok(row.map(|row| UserRow {
                key_hash: row.key_hash.into(),
                name: row.name,
            }))
        })
        .await
    }

    /// Binds the id to the key unless it is bound already, and says what it is bound to: whoever comes first wins.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn bind_user(
        &self,
        id: &UserId,
        key_hash: &KeyHash,
        name: &str,
        now: Timestamp,
    ) -> Result<UserRow, StoreError> {
        self.call(async {
            let row = new_user(id, key_hash, name, now);
            user::Entity::insert(row)
                .on_conflict(keep_first())
                .exec_without_returning(&self.db)
                .await?;
            self.user(id).await?.ok_or_else(|| {
                StoreError::Inconsistent(format!("user {id} vanished while it was bound"))
            })
        })
        .await
    }

    /// Renames a user that has a row.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn rename_user(&self, id: &UserId, name: &str) -> Result<(), StoreError> {
        self.call(async {
            user::Entity::update_many()
                .col_expr(user::Column::Name, name.into())
                .filter(user::Column::Id.eq(id.as_str()))
                .exec(&self.db)
                .await?;
            Ok(())
        })
        .await
    }
}

pub(super) fn new_user(
    id: &UserId,
    key_hash: &KeyHash,
    name: &str,
    now: Timestamp,
) -> user::ActiveModel {
    user::ActiveModel {
        id: Set(id.to_string()),
        key_hash: Set(key_hash.to_string()),
        name: Set(name.to_owned()),
        created_at: Set(column_time(now)),
    }
}

pub(super) fn keep_first() -> OnConflict {
    OnConflict::column(user::Column::Id).do_nothing().to_owned()
}
