//! One process of a cluster, and the proxies on its edges.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use tokio::process::{Child, Command};

use crate::{
    Failure, http,
    parts::{eventually, signal},
    proxy::Proxy,
};

/// How long a process may take until it is ready.
const START: Duration = Duration::from_secs(30);

/// A process and its edges.
#[derive(Debug)]
pub struct Node {
    /// What people call it.
    pub name: String,
    pub(super) child: Option<Child>,
    pub(super) command: Vec<String>,
    pub(super) binary: PathBuf,
    pub(super) log: PathBuf,
    pub(super) wrong: Option<&'static str>,
    pub(super) listen: SocketAddr,
    /// To Kafka.
    pub kafka: Arc<Proxy>,
    /// To Redis.
    pub redis: Proxy,
    /// To PostgreSQL.
    pub postgres: Proxy,
    /// From its clients.
    pub clients: Proxy,
    pub(super) proxied: bool,
}

impl Node {
    /// Where its clients connect.
    pub fn address(&self) -> SocketAddr {
        if self.proxied {
            self.clients.address()
        } else {
            self.listen
        }
    }

    /// Where it listens, without a proxy.
    pub fn direct(&self) -> SocketAddr {
        self.listen
    }

    /// Starts the process; it is not ready yet.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub async fn start(&mut self) -> Result<(), Failure> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)?;
        let mut command = Command::new(&self.binary);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("SPHERE_FAULTS", self.wrong.unwrap_or_default())
            .args(&self.command)
            .stdin(std::process::Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        let child = command
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", self.binary.display()))?;
        self.child = Some(child);
        Ok(())
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// When it is not in time.
    pub async fn ready(&self) -> Result<(), Failure> {
        let what = format!("{} is ready (see {})", self.name, self.log.display());
        eventually(&what, START, async || {
            matches!(http::get(self.listen, "/readyz").await, Ok((200, _)))
        })
        .await
    }

    /// Kills it, as a power cut would.
    ///
    /// # Errors
    /// When it is dead already.
    pub async fn kill(&mut self) -> Result<(), Failure> {
        let mut child = self.child.take().ok_or("it is dead already")?;
        Ok(child.kill().await?)
    }

    /// Asks it to end, and waits for that.
    ///
    /// # Errors
    /// When it does not end by itself.
    pub async fn terminate(&mut self) -> Result<(), Failure> {
        let mut child = self.child.take().ok_or("it is dead already")?;
        signal(&child, "TERM").await?;
        let ended = tokio::time::timeout(Duration::from_secs(15), child.wait()).await??;
        if ended.success() {
            Ok(())
        } else {
            Err(format!("{} ended with {ended}", self.name).into())
        }
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it is dead.
    pub async fn signal(&self, name: &str) -> Result<(), Failure> {
        signal(self.child.as_ref().ok_or("it is dead")?, name).await
    }

    /// Whether it still runs; a process that ended by itself is told once.
    pub fn ended_by_itself(&mut self) -> Option<std::process::ExitStatus> {
        self.child.as_mut()?.try_wait().ok()?
    }

    /// Memory that it has in RAM, in KiB.
    pub fn resident(&self) -> Option<u64> {
        let id = self.child.as_ref()?.id()?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }
}
