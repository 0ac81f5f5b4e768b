//! Sphere's server: axum and WebSockets in front, a log that is the truth, a store that remembers.
//!
//! Start reading at [`run`], which puts the parts together; then `chat` for what people do, `feed` for how a message
//! is seen, `history` for how it is read again.

pub mod admin;
pub mod auth;
pub mod bus;
pub mod chat;
pub mod clock;
pub mod config;
pub mod consumer;
pub mod faults;
pub mod feed;
pub mod gateway;
pub mod health;
pub mod history;
pub mod http;
pub mod hub;
pub mod limits;
pub mod log;
pub mod measure;
pub mod rooms;
pub mod router;
mod run;
pub mod serve;
pub mod state;
pub mod store;
pub mod telemetry;

pub use run::{EMBEDDED_PARTITIONS, RunError, run};
