//! `SPHERE_ROOMS`: the rooms that a server makes.

use sphere_protocol::RoomName;

use super::{ConfigError, list, wrong};

/// A room of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomTitle {
    /// The room's name.
    pub name: RoomName,
    /// What people call it.
    pub title: String,
}

/// Reads `name=title,…`.
pub(super) fn rooms(text: &str) -> Result<Vec<RoomTitle>, ConfigError> {
    let mut rooms: Vec<RoomTitle> = Vec::new();
    for item in list(text) {
        let (name, title) = item.split_once('=').unwrap_or((item, item));
        let room = RoomTitle {
            name: RoomName::from(name.trim()),
            title: title.trim().to_owned(),
        };
        if !room.name.is_valid() {
            return Err(wrong(
                "SPHERE_ROOMS",
                format!("has the name {name:?}: names have 1 to 64 of a-z, 0-9, _ and -"),
            ));
        }
        if room.title.is_empty() {
            return Err(wrong(
                "SPHERE_ROOMS",
                format!("gives the room {name:?} an empty title"),
            ));
        }
        if rooms.iter().any(|other| other.name == room.name) {
            return Err(wrong(
                "SPHERE_ROOMS",
                format!("names the room {name:?} twice"),
            ));
        }
        rooms.push(room);
    }
    if rooms.is_empty() {
        return Err(wrong(
            "SPHERE_ROOMS",
            "must name at least one room, as name=title",
        ));
    }
    Ok(rooms)
}
