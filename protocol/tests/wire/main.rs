//! The wire format, held by snapshots: a frame that changes shows in the review as a change of a snapshot.

mod client;
mod codes;
mod mutations;
mod server;
