//! The real binary: started, told to end, killed.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use super::{eventually, http, server::UNLIMITED, within};

/// The binary under test: `SPHERE_BIN`, or the one that cargo has just built.
pub(crate) fn binary() -> PathBuf {
    std::env::var_os("SPHERE_BIN")
        .map_or_else(|| env!("CARGO_BIN_EXE_sphere").into(), PathBuf::from)
}

/// A program with no variable of ours set.
pub(crate) fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("SPHERE_LOG", "warn");
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs the binary to its end.
pub(crate) async fn output(flags: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = command(binary());
    command.args(flags).envs(variables.iter().copied());
    within("the end of the process", command.output())
        .await
        .unwrap()
}

/// A running server.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From the start to the line on stdout.
    pub(crate) started_in: Duration,
}

impl Process {
    /// Starts a server without limits and waits until it is ready.
    pub(crate) async fn start(folder: &Path) -> Self {
        let process = Self::spawn(folder, &UNLIMITED).await;
        process.ready().await;
        process
    }

    /// Starts a server and waits until it listens.
    pub(crate) async fn spawn(folder: &Path, flags: &[&str]) -> Self {
        Self::spawn_under(command(binary()), folder, flags).await
    }

    /// Starts a server through a command that ends in its binary.
    pub(crate) async fn spawn_under(mut command: Command, folder: &Path, flags: &[&str]) -> Self {
        let began = Instant::now();
        command
            .arg("--listen=127.0.0.1:0")
            .arg(format!("--data-dir={}", folder.display()))
            .args(flags);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = within("the line on stdout", lines.next_line())
            .await
            .unwrap()
            .expect("a server that listens");
        let address = line
            .strip_prefix("listening on http://")
            .unwrap_or_else(|| panic!("{line}"))
            .parse()
            .unwrap();
        Self {
            child,
            address,
            started_in: began.elapsed(),
        }
    }

    /// Waits until the server is ready.
    pub(crate) async fn ready(&self) {
        eventually("a server that is ready", async || {
            http::try_request(self.address, "GET", "/readyz", &[])
                .await
                .is_ok_and(|ready| ready.status == 200)
        })
        .await;
    }

    /// The process' number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("a running process")
    }

    /// Sends the signal of that name.
    pub(crate) async fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .await
                .unwrap()
                .success(),
            "{kill}"
        );
    }

    /// Kills the process as a power cut would.
    pub(crate) async fn kill(&mut self) {
        within("the end of the process", self.child.kill())
            .await
            .unwrap();
    }

    /// Waits until the process ends by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        within("the end of the process", self.child.wait())
            .await
            .unwrap()
    }

    /// Memory that the process has in RAM, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}
