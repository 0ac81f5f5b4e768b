//! Whether the server lives, and whether it wants readers.

use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};

use crate::state::AppState;

/// `GET /healthz`: always 200 while the process answers; what is away shows in the parts.
pub async fn healthz(State(state): State<AppState>) -> Json<Value> {
    let store = state.store.ping().await.is_ok();
    let mut log = true;
    let mut partitions = Vec::new();
    for partition in 0..state.log.partitions() {
        let end = state.log.end(partition).await.ok();
        log &= end.is_some();
        let next = state
            .feeds
            .get(partition)
            .map(|feed| feed.between(crate::feed::Core::next));
        let stored = state.store.next_offset(partition).await.ok();
        partitions
            .push(json!({ "partition": partition, "end": end, "feed": next, "stored": stored }));
    }
    Json(json!({
        "ready": state.lifecycle.is_ready(),
        "log": part(log),
        "store": part(store),
        "sockets": state.hub.len(),
        "partitions": partitions,
    }))
}

/// `GET /readyz`: 200 once the feeds have caught up and until the server goes down, otherwise 503.
pub async fn readyz(State(state): State<AppState>) -> (StatusCode, &'static str) {
    if state.lifecycle.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

fn part(up: bool) -> &'static str {
    if up { "up" } else { "down" }
}
