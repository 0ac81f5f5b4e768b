//! The parts that Sphere stands on, as processes of this run's own, so that they may be killed: a Kafka broker and a Redis.
//! PostgreSQL is the one of `DATABASE_URL`, with a database of this run's own; it is broken through the proxies.

use std::{net::TcpListener, process::Stdio, time::Duration};

use rand::Rng as _;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

use crate::Failure;

pub mod kafka;
pub mod postgres;
pub mod redis;

/// A port below those that the system gives to outgoing connections: nobody takes it while its owner is dead.
///
/// # Errors
/// When none is free.
pub fn free_port() -> Result<u16, Failure> {
    let mut random = rand::rng();
    for _ in 0..1_000 {
        let port = random.random_range(12_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err("there is no free port".into())
}

/// Sends the signal of that name to a process of ours.
///
/// # Errors
/// When it has ended.
pub async fn signal(child: &Child, name: &str) -> Result<(), Failure> {
    let id = child.id().ok_or("the process has ended")?;
    let kill = format!("kill -{name} {id}");
    let sent = Command::new("sh").args(["-c", &kill]).status().await?;
    if sent.success() {
        Ok(())
    } else {
        Err(format!("{kill} failed").into())
    }
}

/// Waits until something holds, and says what did not.
///
/// # Errors
/// When it does not hold in time.
pub async fn eventually(
    what: &str,
    patience: Duration,
    mut holds: impl AsyncFnMut() -> bool,
) -> Result<(), Failure> {
    let end = Instant::now() + patience;
    while !holds().await {
        if Instant::now() > end {
            return Err(format!("not within {} s: {what}", patience.as_secs()).into());
        }
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A program that ends with us and says nothing here.
fn command(program: &str, log: std::fs::File) -> Result<Command, Failure> {
    let mut command = Command::new(program);
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true);
    Ok(command)
}

fn log_file(path: &std::path::Path) -> Result<std::fs::File, Failure> {
    Ok(std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?)
}
