//! Every number that both sides must agree on. Limits of the server alone stand in its configuration.

/// Longest text of a message, in Unicode scalar values.
pub const MAX_TEXT: usize = 5_000;
/// Largest WebSocket message from a client, in bytes. Pages of the server are larger.
pub const MAX_FRAME: usize = 65_536;
/// Longest display name, in Unicode scalar values.
pub const MAX_NAME: usize = 32;
/// Longest room name, in bytes.
pub const MAX_ROOM_NAME: usize = 64;
/// Most rooms that one `hello` may resume.
pub const MAX_RESUMED_ROOMS: usize = 64;
/// Items of a page when the client asks for no other number.
pub const PAGE: u32 = 50;
/// Most items of a page.
pub const MAX_PAGE: u32 = 200;
/// Records of a room above a client's last that the server still replays; above it answers with `reset`.
pub const MAX_REPLAY: u64 = 1_000;
/// Highest unread count that is counted exactly.
pub const MAX_UNREAD: u32 = 100;
/// Sends of one socket that may wait for their answer at the same time.
pub const MAX_OPEN_SENDS: usize = 64;
/// How often a client sends `ping`, in milliseconds.
pub const HEARTBEAT_MS: u32 = 20_000;
/// Longest time between the upgrade and `hello`, in milliseconds.
pub const HELLO_MS: u32 = 5_000;
/// Every send is answered within this time, in milliseconds.
pub const SEND_MS: u32 = 15_000;
