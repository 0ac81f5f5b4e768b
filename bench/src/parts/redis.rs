//! A Redis of this run's own. It keeps nothing, as on a machine that was restarted.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    process::Child,
};

use super::{command, eventually, free_port, log_file};
use crate::Failure;

/// A running Redis, or a dead one.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    folder: PathBuf,
    child: Child,
}

impl Redis {
    /// Starts one and waits until it answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn start(folder: PathBuf) -> Result<Self, Failure> {
        std::fs::create_dir_all(&folder)?;
        let port = free_port()?;
        let child = spawn(port, &folder)?;
        let redis = Self {
            port,
            folder,
            child,
        };
        redis.answers().await?;
        Ok(redis)
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Kills it.
    ///
    /// # Errors
    /// When it is dead already.
    pub async fn kill(&mut self) -> Result<(), Failure> {
        Ok(self.child.kill().await?)
    }

    /// Brings it back, empty.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn restart(&mut self) -> Result<(), Failure> {
        self.child = spawn(self.port, &self.folder)?;
        self.answers().await
    }

    /// Sends a command in the form that people type, and waits for the first line of the answer.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn say(&self, words: &str) -> Result<String, Failure> {
        let mut socket = TcpStream::connect(self.address()).await?;
        socket.write_all(format!("{words}\r\n").as_bytes()).await?;
        let mut answer = [0; 64];
        let count = socket.read(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer[..count]).trim().to_owned())
    }

    async fn answers(&self) -> Result<(), Failure> {
        eventually("Redis answers", Duration::from_secs(20), async || {
            self.say("PING").await.is_ok_and(|answer| answer == "+PONG")
        })
        .await
    }
}

fn spawn(port: u16, folder: &std::path::Path) -> Result<Child, Failure> {
    let mut redis = command("redis-server", log_file(&folder.join("log"))?)?;
    redis.current_dir(folder).args([
        "--bind",
        "127.0.0.1",
        "--port",
        &port.to_string(),
        "--save",
        "",
        "--appendonly",
        "no",
    ]);
    redis
        .spawn()
        .map_err(|error| format!("redis-server cannot be started: {error}").into())
}
