//! A server in this process, on a port and a data folder of its own.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Parser as _;
use server::{
    RunError,
    config::{Arguments, Config},
    run,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use super::{eventually, http, within};

/// Flags that switch every limit off.
pub(crate) const UNLIMITED: [&str; 4] = [
    "--rate-per-second=0",
    "--max-sockets-per-ip=0",
    "--new-ids-per-minute-per-ip=0",
    "--http-per-second=0",
];

/// A server in this process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    folder: Arc<TempDir>,
    flags: Vec<String>,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<Result<(), RunError>>,
}

impl Server {
    /// A server without limits, on an empty folder.
    pub(crate) async fn start() -> Self {
        Self::start_with(&UNLIMITED).await
    }

    /// A server with these flags, on an empty folder.
    pub(crate) async fn start_with(flags: &[&str]) -> Self {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Self::start_on(Arc::new(TempDir::new().unwrap()), flags).await
    }

    async fn start_on(folder: Arc<TempDir>, flags: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let data = format!("--data-dir={}", folder.path().display());
        // The services of other tests may stand in the environment.
        let embedded = ["--kafka-brokers=", "--redis-url=", "--database-url="].map(str::to_owned);
        let arguments = ["sphere".to_owned(), data].into_iter().chain(embedded);
        let arguments = arguments.chain(flags.iter().cloned());
        let config = Config::try_from(Arguments::parse_from(arguments)).unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let running = tokio::spawn(run(config, listener, shutdown));
        let server = Self {
            address,
            folder,
            flags,
            stop: Some(stop),
            running,
        };
        eventually("a server that is ready", async || {
            assert!(!server.running.is_finished(), "the server could not run");
            let ready = http::try_request(address, "GET", "/readyz", &[]).await;
            ready.is_ok_and(|ready| ready.status == 200)
        })
        .await;
        server
    }

    /// Waits until the store has what the log has.
    pub(crate) async fn has_stored_everything(&self) {
        let asked = serde_json::json!(server::clock::now());
        eventually("the store to catch up", async || {
            let health = http::get(self.address, "/healthz").await.json();
            if health["at"].as_str() <= asked.as_str() {
                return false;
            }
            let partitions = health["partitions"].as_array().unwrap();
            partitions
                .iter()
                .all(|partition| partition["stored"] == partition["end"])
        })
        .await;
    }

    /// The data folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file of the data folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Asks the server to end, and does not wait.
    pub(crate) fn begin_to_stop(&mut self) {
        let _ = self.stop.take().expect("a running server").send(());
    }

    /// Waits until the server has ended.
    pub(crate) async fn stopped(&mut self) {
        within("the end of the server", &mut self.running)
            .await
            .unwrap()
            .unwrap();
    }

    /// Starts another server where this one has ended.
    pub(crate) async fn start_again(self) -> Self {
        Self::start_on(self.folder, self.flags).await
    }

    /// Ends the server and starts another one on the same folder.
    pub(crate) async fn restart(self) -> Self {
        self.restart_after(async |_| {}).await
    }

    /// The same with other flags.
    pub(crate) async fn restart_with(mut self, flags: &[&str]) -> Self {
        self.flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        self.restart().await
    }

    /// The same with something done to the folder in between.
    pub(crate) async fn restart_after(mut self, work: impl AsyncFnOnce(&Path)) -> Self {
        self.begin_to_stop();
        self.stopped().await;
        work(self.folder.path()).await;
        self.start_again().await
    }

    /// Ends the server and starts another one on an empty folder.
    pub(crate) async fn restart_on_an_empty_folder(mut self) -> Self {
        self.begin_to_stop();
        self.stopped().await;
        Self::start_on(Arc::new(TempDir::new().unwrap()), self.flags).await
    }
}
