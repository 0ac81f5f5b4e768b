//! `sphere room add|rename|delete`.
//!
//! A room is made and named in the store; running servers look there every 30 s. Its end is a record of the log, so that
//! every server hears of it in the same place, and a restored store learns it again.

use std::{sync::Arc, time::Duration};

use clap::Subcommand;
use sphere_protocol::{Cid, RoomName};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{AdminError, failed, log, say, store};
use crate::{
    clock,
    config::{Config, Profile},
    consumer::Consumer,
    log::{Offset, Record},
    run::lock,
    store::{RoomRow, Store},
};

/// How long to wait until a deletion is stored.
const PATIENCE: Duration = Duration::from_secs(15);

/// What to change about the rooms.
#[derive(Debug, Clone, Subcommand)]
pub enum RoomChange {
    /// Make a room, or give it another title.
    Add {
        /// Its name, [a-z0-9_-]{1,64}.
        name: String,
        /// What people call it.
        title: String,
    },
    /// Give a room another title.
    Rename {
        /// Its name.
        name: String,
        /// What people call it.
        title: String,
    },
    /// Delete a room and everything that was said in it, for ever. Its name is not used again.
    Delete {
        /// Its name.
        name: String,
    },
}

/// Changes the rooms.
pub(super) async fn change(change: RoomChange, config: &Config) -> Result<(), AdminError> {
    match change {
        RoomChange::Add { name, title } => entitle(name, title, false, config).await,
        RoomChange::Rename { name, title } => entitle(name, title, true, config).await,
        RoomChange::Delete { name } => delete(&RoomName::from(name), config).await,
    }
}

async fn entitle(
    name: String,
    title: String,
    must_exist: bool,
    config: &Config,
) -> Result<(), AdminError> {
    let (name, title) = (RoomName::from(name), title.trim());
    if !name.is_valid() {
        return Err(AdminError(format!(
            "{name:?} is no name for a room: names have 1 to 64 of a-z, 0-9, _ and -"
        )));
    }
    if title.is_empty() {
        return Err(AdminError("a room needs a title".to_owned()));
    }
    let store = store(config, config.migrate).await?;
    if must_exist {
        room(&store, &name).await?;
    }
    let partitions = log(config).await?.partitions();
    let made = store
        .upsert_room(&name, title, partitions, clock::now())
        .await
        .map_err(failed)?;
    if !made {
        return Err(AdminError(format!(
            "a room {name} was deleted, and names are not used twice: take another one"
        )));
    }
    say(format_args!("{name} is called {title}"));
    Ok(())
}

async fn delete(name: &RoomName, config: &Config) -> Result<(), AdminError> {
    // The embedded log has one writer, which may be a running server.
    let _lock = match &config.profile {
        Profile::Embedded(folder) => Some(lock(folder).map_err(|error| {
            let error = error.to_string();
            AdminError(format!(
                "{} Stop it before you delete a room",
                error.trim_end()
            ))
        })?),
        Profile::Distributed(_) => None,
    };
    let store = store(config, config.migrate).await?;
    let room = room(&store, name).await?;
    let log = log(config).await?;
    let end = Record::room_deleted(name.clone(), Cid(Uuid::new_v4()), clock::now());
    let offset = log
        .append(room.partition, Arc::new(end))
        .await
        .map_err(failed)?;
    let storing = CancellationToken::new();
    if matches!(config.profile, Profile::Embedded(_)) {
        let consumer = Consumer::new(room.partition, log, store.clone());
        let until = storing.clone();
        tokio::spawn(async move { consumer.run(&until).await });
    }
    if stored(&store, &room, offset).await {
        while store.sweep().await.map_err(failed)? > 0 {}
        say(format_args!("{name} is deleted"));
    } else {
        say(format_args!(
            "{name} is deleted; what was said in it goes as soon as a consumer runs"
        ));
    }
    storing.cancel();
    Ok(())
}

async fn room(store: &Store, name: &RoomName) -> Result<RoomRow, AdminError> {
    let rooms = store.rooms().await.map_err(failed)?;
    rooms
        .into_iter()
        .find(|room| room.name == *name)
        .ok_or_else(|| AdminError(format!("there is no room {name}")))
}

/// Whether the store comes to have the record at an offset.
async fn stored(store: &Store, room: &RoomRow, offset: Offset) -> bool {
    let storing = async {
        loop {
            match store.next_offset(room.partition).await {
                Ok(next) if next > offset => break,
                _ => sleep(Duration::from_millis(100)).await,
            }
        }
    };
    timeout(PATIENCE, storing).await.is_ok()
}
