//! What the Sphere server and its clients say to each other.
//!
//! Frames, ids, limits and the rules that both sides obey. Nothing here does input or output, so the same code runs
//! in the server and, compiled to WebAssembly, in the browser. The wire format is held by the snapshots in `tests/`.

pub mod avatar;
pub mod client;
pub mod code;
mod envelope;
pub mod ids;
pub mod limits;
pub mod message;
pub mod name;
pub mod read;
pub mod server;
pub mod text;
pub mod timestamp;

pub use client::ClientFrame;
pub use code::{CloseCode, Code};
pub use envelope::DecodeError;
pub use ids::{Cid, Epoch, MessageId, RoomName, Seq, UserId};
pub use message::{Kind, Message, Page, RoomSummary};
pub use server::ServerFrame;
pub use timestamp::Timestamp;

/// The protocol version that this build speaks; a server serves this one and the one before it.
pub const VERSION: u32 = 1;
