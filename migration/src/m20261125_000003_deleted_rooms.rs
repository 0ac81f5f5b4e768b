//! Rooms that were deleted keep their row: their names are not used again.

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[expect(
    elided_lifetimes_in_paths,
    reason = "the trait's own signature; async_trait takes no other"
)]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let add = Table::alter()
            .table(Rooms::Table)
            .add_column(timestamp_with_time_zone_null(Rooms::DeletedAt))
            .to_owned();
        manager.alter_table(add).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let drop = Table::alter()
            .table(Rooms::Table)
            .drop_column(Rooms::DeletedAt)
            .to_owned();
        manager.alter_table(drop).await
    }
}

#[derive(DeriveIden)]
enum Rooms {
    Table,
    DeletedAt,
}
