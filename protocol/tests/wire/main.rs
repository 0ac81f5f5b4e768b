//! The wire format, held by snapshots: a frame that changes shows in the review as a change of a snapshot.

#![expect(
    clippy::unwrap_used,
    reason = "in a test, what must be there is unwrapped"
)]

mod client;
mod codes;
mod mutations;
mod server;
