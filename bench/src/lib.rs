//! Breaks a whole Sphere on purpose, and measures it: real servers and consumers on a real Kafka, Redis and PostgreSQL,
//! with a chaos proxy on every edge.
//!
//! `check` proves that nothing acknowledged is lost, doubled or out of order whatever is killed, `bite` proves that the
//! proof would notice, `load` measures. The binary is in `main.rs`; how to read a report stands in
//! `docs/operations/checker.md`.

pub mod bite;
pub mod check;
pub mod client;
pub mod clock;
pub mod cluster;
pub mod evidence;
pub mod faults;
pub mod history;
pub mod http;
pub mod load;
pub mod parts;
pub mod proxy;
pub mod report;
pub mod stats;
pub mod verify;

/// What can go wrong with the set-up itself: it is told to whoever started the run, and never looked at by a program.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Writes a line to stdout; whoever started us may have closed it.
pub fn say(line: impl std::fmt::Display) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{line}");
}
