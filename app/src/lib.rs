//! Sphere's client: pages, components, chat state, socket, outbox.

pub mod boot;
pub mod links;
pub mod outbox;
mod shell;
pub mod state;
pub mod storage;
pub mod time;

pub use boot::Boot;
#[cfg(feature = "hydrate")]
pub use shell::hydrate;
pub use shell::{App, shell};
