//! Who stores the log: consumers that live, so that they can share the partitions fairly.

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
        let consumers = Table::create()
            .table(Consumers::Table)
            .col(text(Consumers::Id).primary_key())
            .col(timestamp_with_time_zone(Consumers::SeenAt))
            .to_owned();
        manager.create_table(consumers).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table(Consumers::Table).to_owned())
            .await
    }
}

#[derive(DeriveIden)]
enum Consumers {
    Table,
    Id,
    SeenAt,
}
