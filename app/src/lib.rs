//! Sphere's client: pages, components, chat state, socket, outbox.

pub mod boot;
mod shell;

pub use boot::Boot;
#[cfg(feature = "hydrate")]
pub use shell::hydrate;
pub use shell::{App, shell};
