//! The first schema: rooms, users, messages, and how far the log has been stored.
//!
//! `messages` holds one row per durable record. `(partition, seq)` is the record's place in the log and is unique, so a
//! record cannot be stored twice; `(room, seq)` serves every page.

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
        manager.create_table(rooms()).await?;
        manager.create_table(users()).await?;
        manager.create_table(messages()).await?;
        manager
            .create_index(
                Index::create()
                    .name("messages_partition_seq")
                    .table(Messages::Table)
                    .col(Messages::Partition)
                    .col(Messages::Seq)
                    .unique()
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("messages_room_seq")
                    .table(Messages::Table)
                    .col(Messages::Room)
                    .col(Messages::Seq)
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("messages_created_at")
                    .table(Messages::Table)
                    .col(Messages::CreatedAt)
                    .to_owned(),
            )
            .await?;
        manager.create_table(logs()).await?;
        manager.create_table(log_offsets()).await?;
        manager.create_table(dead_letters()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table(DeadLetters::Table).to_owned())
            .await?;
        manager
            .drop_table(Table::drop().table(LogOffsets::Table).to_owned())
            .await?;
        manager
            .drop_table(Table::drop().table(Logs::Table).to_owned())
            .await?;
        manager
            .drop_table(Table::drop().table(Messages::Table).to_owned())
            .await?;
        manager
            .drop_table(Table::drop().table(Users::Table).to_owned())
            .await?;
        manager
            .drop_table(Table::drop().table(Rooms::Table).to_owned())
            .await
    }
}

fn rooms() -> TableCreateStatement {
    Table::create()
        .table(Rooms::Table)
        .col(pk_auto(Rooms::Id))
        .col(text_uniq(Rooms::Name))
        .col(text(Rooms::Title))
        .col(integer(Rooms::Partition))
        .col(timestamp_with_time_zone(Rooms::CreatedAt))
        .to_owned()
}

fn users() -> TableCreateStatement {
    Table::create()
        .table(Users::Table)
        .col(text(Users::Id).primary_key())
        .col(text(Users::KeyHash))
        .col(text(Users::Name))
        .col(timestamp_with_time_zone(Users::CreatedAt))
        .to_owned()
}

fn messages() -> TableCreateStatement {
    Table::create()
        .table(Messages::Table)
        .col(pk_uuid(Messages::Id))
        .col(integer(Messages::Room))
        .col(integer(Messages::Partition))
        .col(big_integer(Messages::Seq))
        .col(text(Messages::Kind))
        .col(uuid_null(Messages::Ref))
        .col(text(Messages::Author))
        .col(text(Messages::AuthorName))
        .col(text(Messages::AuthorImage))
        .col(text(Messages::Body))
        .col(timestamp_with_time_zone(Messages::CreatedAt))
        .col(timestamp_with_time_zone_null(Messages::EditedAt))
        .col(timestamp_with_time_zone_null(Messages::DeletedAt))
        .foreign_key(
            ForeignKey::create()
                .name("messages_room")
                .from(Messages::Table, Messages::Room)
                .to(Rooms::Table, Rooms::Id)
                .on_delete(ForeignKeyAction::Cascade),
        )
        .to_owned()
}

fn logs() -> TableCreateStatement {
    Table::create()
        .table(Logs::Table)
        .col(integer(Logs::Id).primary_key())
        .col(big_integer(Logs::Epoch))
        .to_owned()
}

fn log_offsets() -> TableCreateStatement {
    Table::create()
        .table(LogOffsets::Table)
        .col(integer(LogOffsets::Partition).primary_key())
        .col(big_integer(LogOffsets::Base).default(0))
        .col(big_integer(LogOffsets::NextOffset).default(0))
        .col(text_null(LogOffsets::LeaseOwner))
        .col(timestamp_with_time_zone_null(LogOffsets::LeaseUntil))
        .to_owned()
}

fn dead_letters() -> TableCreateStatement {
    Table::create()
        .table(DeadLetters::Table)
        .col(integer(DeadLetters::Partition))
        .col(big_integer(DeadLetters::Seq))
        .col(blob(DeadLetters::Payload))
        .col(text(DeadLetters::Error))
        .col(timestamp_with_time_zone(DeadLetters::CreatedAt))
        .primary_key(
            Index::create()
                .col(DeadLetters::Partition)
                .col(DeadLetters::Seq),
        )
        .to_owned()
}

#[derive(DeriveIden)]
enum Rooms {
    Table,
    Id,
    Name,
    Title,
    Partition,
    CreatedAt,
}

#[derive(DeriveIden)]
enum Users {
    Table,
    Id,
    KeyHash,
    Name,
    CreatedAt,
}

#[derive(DeriveIden)]
enum Messages {
    Table,
    Id,
    Room,
    Partition,
    Seq,
    Kind,
    Ref,
    Author,
    AuthorName,
    AuthorImage,
    Body,
    CreatedAt,
    EditedAt,
    DeletedAt,
}

#[derive(DeriveIden)]
enum Logs {
    Table,
    Id,
    Epoch,
}

#[derive(DeriveIden)]
enum LogOffsets {
    Table,
    Partition,
    Base,
    NextOffset,
    LeaseOwner,
    LeaseUntil,
}

#[derive(DeriveIden)]
enum DeadLetters {
    Table,
    Partition,
    Seq,
    Payload,
    Error,
    CreatedAt,
}
