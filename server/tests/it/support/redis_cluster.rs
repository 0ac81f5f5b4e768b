//! A Redis Cluster of one test's own: three nodes that share the slots, and a fourth that takes over from the first.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::eventually;

const MASTERS: usize = 3;

/// Four processes.
pub(crate) struct RedisCluster {
    folder: TempDir,
    ports: Vec<u16>,
    nodes: Vec<Child>,
}

impl Drop for RedisCluster {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            let _ = node.kill();
            let _ = node.wait();
        }
    }
}

impl RedisCluster {
    /// Starts one and waits until it serves.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ports: Vec<u16> = (0..=MASTERS).map(|_| free_port()).collect();
        let nodes = ports
            .iter()
            .map(|port| spawn(&folder, *port))
            .collect::<Vec<_>>();
        let cluster = Self {
            folder,
            ports,
            nodes,
        };
        for port in &cluster.ports {
            eventually("a node answers", async || ask(*port, &["ping"]) == "PONG").await;
        }
        let masters: Vec<String> = cluster.ports[..MASTERS].iter().map(at).collect();
        let masters: Vec<&str> = masters.iter().map(String::as_str).collect();
        manage(&[&["create"], &masters[..], &["--cluster-yes"]].concat());
        cluster.whole().await;
        let first = ask(cluster.ports[0], &["cluster", "myid"]);
        let (spare, member) = (at(&cluster.ports[MASTERS]), at(&cluster.ports[0]));
        manage(&[
            "add-node",
            &spare,
            &member,
            "--cluster-slave",
            "--cluster-master-id",
            &first,
        ]);
        eventually("the spare node follows", async || {
            ask(cluster.ports[MASTERS], &["info", "replication"]).contains("master_link_status:up")
        })
        .await;
        cluster
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        let nodes: Vec<_> = self.ports[..MASTERS].iter().map(at).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// Kills the first node and waits until its spare serves the slots.
    pub(crate) async fn fail_over(&mut self) {
        self.kill(0);
        eventually("the spare node takes over", async || {
            ask(self.ports[MASTERS], &["info", "replication"]).contains("role:master")
        })
        .await;
    }

    /// Kills the second node, which has no spare, and brings it back.
    pub(crate) async fn restart_one(&mut self) {
        self.kill(1);
        self.nodes[1] = spawn(&self.folder, self.ports[1]);
        self.whole().await;
    }

    fn kill(&mut self, node: usize) {
        self.nodes[node].kill().unwrap();
        self.nodes[node].wait().unwrap();
    }

    /// Every slot is served, as the second and third node see it.
    async fn whole(&self) {
        for port in &self.ports[1..MASTERS] {
            eventually("the cluster is whole", async || {
                ask(*port, &["cluster", "info"]).contains("cluster_state:ok")
            })
            .await;
        }
    }
}

/// One whose own port for the others, 10,000 above, is valid.
fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port() / 2 + 5_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok()
            && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok()
        {
            return port;
        }
    }
}

fn at(port: &u16) -> String {
    format!("127.0.0.1:{port}")
}

fn spawn(folder: &TempDir, port: u16) -> Child {
    let port = port.to_string();
    let nodes = format!("nodes-{port}.conf");
    Command::new("redis-server")
        .current_dir(folder.path())
        .args(["--bind", "127.0.0.1", "--port", &port, "--save", ""])
        .args(["--cluster-enabled", "yes", "--cluster-config-file", &nodes])
        .args(["--cluster-node-timeout", "1000", "--appendonly", "no"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is missing: run ./dev services")
}

fn ask(port: u16, command: &[&str]) -> String {
    let output = Command::new("redis-cli")
        .args(["-p", &port.to_string()])
        .args(command)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn manage(command: &[&str]) {
    let output = Command::new("redis-cli")
        .arg("--cluster")
        .args(command)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}
