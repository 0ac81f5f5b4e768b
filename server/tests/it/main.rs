//! The server from outside: over real sockets, with a data folder of its own for every test.
//!
//! Most tests run a server in this process. Those in [`process`] start the real binary, kill it, or measure time.

#![expect(
    clippy::unwrap_used,
    reason = "in a test, what must be there is unwrapped"
)]

mod archive;
mod borders;
mod contract;
mod distributed;
mod figures;
mod frames;
mod hello;
mod http_api;
mod identity;
mod isolation;
mod limits;
mod names;
mod origins;
mod outages;
mod pages;
mod process;
mod repeats;
mod resume;
mod rooms;
mod sending;
mod shutdown;
mod silence;
mod support;
mod web;
