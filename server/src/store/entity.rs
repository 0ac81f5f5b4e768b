//! The tables as SeaORM sees them; their meaning stands in the migration that makes them.

#![expect(
    unreachable_pub,
    reason = "SeaORM's derives make public items out of them"
)]

pub(crate) mod dead_letter;
pub(crate) mod log;
pub(crate) mod log_offset;
pub(crate) mod message;
pub(crate) mod room;
pub(crate) mod user;
