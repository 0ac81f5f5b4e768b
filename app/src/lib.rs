//! Sphere's client: the pages of the chat, rendered by the server and brought to life in the browser.
//!
//! `state` and `outbox` are pure and tested natively; `engine` wires them to the socket, the storage and the clock;
//! `chat` shows them to the components as signals. The server calls [`shell`], `frontend` calls `hydrate` or `mount`.

mod address;
pub mod app;
mod archive;
pub mod backoff;
pub mod boot;
mod browser;
mod calls;
mod chat;
#[expect(unreachable_pub, reason = "the component macro writes `pub`")]
mod components;
pub mod emoji;
mod engine;
pub mod format;
pub mod fuzzy;
mod head;
pub mod identity;
pub mod links;
pub mod outbox;
#[expect(unreachable_pub, reason = "the component macro writes `pub`")]
mod pages;
mod server;
pub mod settings;
mod shell;
mod socket;
pub mod state;
pub mod storage;
pub mod time;

pub use app::App;
pub use archive::Archive;
pub use boot::Boot;
pub use head::Manner;
#[cfg(feature = "hydrate")]
pub use shell::hydrate;
#[cfg(feature = "csr")]
pub use shell::mount;
pub use shell::shell;
