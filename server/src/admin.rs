//! Commands for whoever hosts Sphere. They look at log and store directly and may run beside the servers, except
//! `log new-epoch`, and `room delete` on one machine: those want them stopped.

use std::{io::Write as _, sync::Arc};

use clap::Subcommand;

use crate::{
    clock,
    config::{Config, Profile},
    log::{MessageLog, embedded::EmbeddedLog, kafka::KafkaLog},
    store::{Migrations, Store},
};

mod doctor;
mod rooms;

pub use rooms::RoomChange;

/// What to do instead of serving.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Check everything that a server needs, and say how to mend what is broken.
    Doctor,
    /// Bring the schema up to date, or back by one step, or list the steps.
    Migrate {
        /// up, down or status.
        #[arg(value_parser = ["up", "down", "status"])]
        direction: String,
    },
    /// Change the rooms; running servers notice within 30 s.
    Room {
        /// What to change.
        #[command(subcommand)]
        change: RoomChange,
    },
    /// Show how far every partition is stored, and by whom.
    Lag,
    /// Change what is known about the log.
    Log {
        /// What to change.
        #[command(subcommand)]
        change: LogChange,
    },
}

/// What to change about the log.
#[derive(Debug, Clone, Subcommand)]
pub enum LogChange {
    /// After the log was recreated: count on above everything that is stored. Stop all servers first.
    NewEpoch,
}

/// Why a command failed: a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}.")]
pub struct AdminError(String);

fn failed(error: impl std::fmt::Display) -> AdminError {
    AdminError(error.to_string())
}

/// Does what was asked for and prints the outcome.
///
/// # Errors
/// A sentence for whoever asked.
pub async fn run(command: Command, config: &Config) -> Result<(), AdminError> {
    match command {
        Command::Doctor => doctor::examine(config).await,
        Command::Migrate { direction } => migrate(&direction, config).await,
        Command::Room { change } => rooms::change(change, config).await,
        Command::Lag => lag(config).await,
        Command::Log {
            change: LogChange::NewEpoch,
        } => {
            let store = store(config, config.migrate).await?;
            let epoch = store.new_epoch(clock::now().0).await.map_err(failed)?;
            say(format_args!("the log counts anew: epoch {epoch}"));
            Ok(())
        }
    }
}

async fn migrate(direction: &str, config: &Config) -> Result<(), AdminError> {
    // Up: when the store is opened, without the limits that hold while it serves.
    let store = store(config, direction == "up").await?;
    let steps = match direction {
        "down" => store.migrate(Migrations::Down).await,
        _ => store.migrate(Migrations::Status).await,
    };
    for (name, applied) in steps.map_err(failed)? {
        say(format_args!(
            "{} {name}",
            if applied { "applied" } else { "pending" }
        ));
    }
    Ok(())
}

async fn lag(config: &Config) -> Result<(), AdminError> {
    let (log, store) = (log(config).await?, store(config, false).await?);
    say(format_args!(
        "{:>9} {:>12} {:>12} {:>8}  owner",
        "partition", "log end", "stored", "lag"
    ));
    for position in store.positions().await.map_err(failed)? {
        let end = log.end(position.partition).await.map_err(failed)?;
        let owner = position.owner.as_deref().unwrap_or("-");
        let lag = end - position.next_offset;
        say(format_args!(
            "{:>9} {end:>12} {:>12} {lag:>8}  {owner}",
            position.partition, position.next_offset
        ));
    }
    Ok(())
}

async fn store(config: &Config, migrate: bool) -> Result<Store, AdminError> {
    let store = match &config.profile {
        Profile::Embedded(folder) => Store::open_sqlite(&folder.join("store.db"), migrate).await,
        Profile::Distributed(at) => Store::open_postgres(&at.database_url, None, 1, migrate).await,
    };
    store.map_err(|error| AdminError(format!("the store cannot be opened: {error}")))
}

async fn log(config: &Config) -> Result<Arc<dyn MessageLog>, AdminError> {
    match &config.profile {
        Profile::Embedded(folder) => {
            let log = EmbeddedLog::open(&folder.join("log.db"), crate::EMBEDDED_PARTITIONS).await;
            Ok(log.map_err(|error| AdminError(format!("the log cannot be opened: {error}")))?)
        }
        Profile::Distributed(at) => Ok(KafkaLog::open(at.kafka.clone()).await.map_err(failed)?),
    }
}

/// One line on stdout. Whoever asked may have closed it.
fn say(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
