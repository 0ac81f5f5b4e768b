//! A Kafka broker of one test's own, so that the test may kill it: broker and controller in one process.

use std::process::Stdio;

use rskafka::client::ClientBuilder;
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{Duration, timeout},
};

use super::{eventually, process, services};

/// The broker, alive or dead.
pub(crate) struct Kafka {
    folder: TempDir,
    port: u16,
    child: Child,
}

impl Kafka {
    /// Starts one that holds nothing and waits until it answers.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = services::free_port();
        std::fs::write(
            folder.path().join("server.properties"),
            properties(&folder, port, services::free_port()),
        )
        .unwrap();
        let formatted = java(&folder)
            .args(["kafka.tools.StorageTool", "format", "-t"])
            .args(["c3BoZXJlLWtpbGxlZC0xMQ", "-c", "server.properties"])
            .status()
            .await
            .expect("java is missing: run ./dev services");
        assert!(formatted.success(), "Kafka cannot make its data");
        let kafka = Self {
            child: spawn(&folder),
            folder,
            port,
        };
        kafka.answers().await;
        kafka
    }

    /// Where it is.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Kills it; it has no time to say or to write anything.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Brings it back with what it had on the disk, and waits until it answers.
    pub(crate) async fn restart(&mut self) {
        self.child = spawn(&self.folder);
        self.answers().await;
    }

    async fn answers(&self) {
        eventually("Kafka answers", async || {
            let listed = async {
                let client = ClientBuilder::new(vec![self.address()])
                    .build()
                    .await
                    .ok()?;
                client.list_topics().await.ok()
            };
            matches!(timeout(Duration::from_secs(1), listed).await, Ok(Some(_)))
        })
        .await;
    }
}

fn spawn(folder: &TempDir) -> Child {
    java(folder)
        .args(["kafka.Kafka", "server.properties"])
        .spawn()
        .unwrap()
}

fn java(folder: &TempDir) -> Command {
    let mut java = process::command("java");
    java.current_dir(folder)
        .args(["-Xmx256m", "-XX:+UseSerialGC", "-cp"])
        .arg(format!("{}/*", services::kafka_libs()))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    java
}

/// A killed broker is let in again when its old session has ended: after 3 s instead of 9.
fn properties(folder: &TempDir, port: u16, controller: u16) -> String {
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
log.dirs={}/data
num.network.threads=1
auto.create.topics.enable=false
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
offsets.topic.replication.factor=1
",
        folder.path().display()
    )
}
