//! Property tests of what the client keeps: the reducer against a model of a server, the outbox with two tabs.

mod model;
mod outbox;
mod reducer;
