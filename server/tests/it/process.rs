//! The real binary: how it starts and ends, what it survives, and what it costs. Each test has the machine to itself
//! under `cargo nextest` (`.config/nextest.toml`).

mod end;
mod fsync;
mod full;
mod kill;
mod logs;
mod slow;
mod start;
