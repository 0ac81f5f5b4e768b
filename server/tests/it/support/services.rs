//! The real parts of the distributed profile. A test that does not find one fails and says how to start it.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use tokio::net::TcpStream;

use super::eventually;

/// The address of a real broker.
pub(crate) fn kafka() -> String {
    variable("KAFKA_BROKERS")
}

/// The same broker with TLS.
pub(crate) fn kafka_tls() -> String {
    variable("TEST_KAFKA_TLS")
}

/// The same broker with TLS and a login.
pub(crate) fn kafka_sasl() -> String {
    variable("TEST_KAFKA_SASL")
}

/// Where its certificates and the password are.
pub(crate) fn kafka_folder() -> String {
    variable("TEST_KAFKA_FOLDER")
}

/// The programs of a broker, to start one with.
pub(crate) fn kafka_libs() -> String {
    variable("KAFKA_LIBS")
}

/// The address of a real PostgreSQL.
pub(crate) fn postgres() -> String {
    variable("DATABASE_URL")
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run eval \"$(./dev services | sed 's/^/export /')\"")
    })
}

/// A port below those that the system gives to outgoing connections: nobody takes it while its owner is dead.
pub(super) fn free_port() -> u16 {
    loop {
        let port = rand::random_range(12_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A Redis of one test's own, so that the test may do to it what it likes.
pub(crate) struct Redis {
    port: u16,
    child: Child,
}

impl Redis {
    /// Starts one and waits until it answers.
    pub(crate) async fn start() -> Self {
        let port = free_port();
        let redis = Self {
            port,
            child: spawn(port),
        };
        redis.answers().await;
        redis
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Takes it away.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Brings it back, empty.
    pub(crate) async fn restart(&mut self) {
        self.child = spawn(self.port);
        self.answers().await;
    }

    /// Says something to it.
    pub(crate) async fn command(&self, line: &str) {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut redis = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        redis.write_all(line.as_bytes()).await.unwrap();
        let mut answer = [0; 5];
        redis.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"+OK\r\n");
    }

    async fn answers(&self) {
        eventually("Redis answers", async || {
            TcpStream::connect(("127.0.0.1", self.port)).await.is_ok()
        })
        .await;
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(port: u16) -> Child {
    Command::new("redis-server")
        .args([
            "--bind",
            "127.0.0.1",
            "--port",
            &port.to_string(),
            "--save",
            "",
            "--appendonly",
            "no",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is missing: run ./dev services")
}

/// A new, empty database, and its address.
pub(crate) async fn new_database(name: &str) -> String {
    use sqlx::{Connection as _, Executor as _};
    let server = postgres();
    let mut connection = sqlx::PgConnection::connect(&server)
        .await
        .expect("PostgreSQL answers: run ./dev services");
    connection
        .execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .await
        .unwrap();
    let (before, _) = server
        .rsplit_once('/')
        .expect("an address that ends in a database");
    format!("{before}/{name}")
}
