//! The schema of the store, one file a step, each with a way back. The server runs the missing steps when it starts.

use sea_orm_migration::{MigrationTrait, MigratorTrait, async_trait::async_trait};

mod m20261125_000001_initial;
mod m20261125_000002_consumers;
mod m20261125_000003_deleted_rooms;

/// All steps, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261125_000001_initial::Migration),
            Box::new(m20261125_000002_consumers::Migration),
            Box::new(m20261125_000003_deleted_rooms::Migration),
        ]
    }
}
