//! What an address shows.

pub(crate) mod not_found;
pub(crate) mod room;
