//! Somebody who chats: an anonymous id with its secret, and a name.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

static LAST: AtomicU64 = AtomicU64::new(0);

fn number() -> u64 {
    LAST.fetch_add(1, Ordering::Relaxed)
}

fn unix_ms() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis()
}

/// A client key that nobody has used.
pub(crate) fn cid() -> String {
    format!(
        "{:08x}-{:04x}-4000-8000-{:012x}",
        std::process::id(),
        unix_ms() & 0xffff,
        number()
    )
}

/// Somebody who chats.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) name: Option<String>,
}

impl Person {
    /// Somebody new.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: Some(name.to_owned()),
            ..Self::nameless()
        }
    }

    /// Somebody new who has not said a name.
    pub(crate) fn nameless() -> Self {
        let n = number();
        let digits = format!("{n:09}");
        let id = format!("anon_{}_{}", unix_ms(), &digits[digits.len() - 9..]);
        let secret = format!("{:016x}{n:016x}", unix_ms());
        Self {
            id,
            secret,
            name: None,
        }
    }

    /// Somebody else who says to be this one.
    pub(crate) fn thief(&self) -> Self {
        Self {
            secret: "f".repeat(32),
            ..self.clone()
        }
    }

    /// The identity as it stands in `hello`.
    pub(crate) fn anonymous(&self) -> Value {
        json!({"userId": self.id, "secret": self.secret})
    }

    /// The data of `hello`.
    pub(crate) fn hello(&self) -> Value {
        json!({"v": 1, "anonymous": self.anonymous(), "userName": self.name})
    }

    /// The data of `hello` with rooms to join.
    pub(crate) fn hello_with(&self, rooms: &[&str]) -> Value {
        let mut hello = self.hello();
        hello["rooms"] = rooms.iter().map(|room| json!({"room": room})).collect();
        hello
    }
}
