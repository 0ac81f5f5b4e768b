//! Property tests of what the client keeps: the reducer against a model of a server, the outbox with two tabs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cases;
mod model;
mod outbox;
mod reducer;
