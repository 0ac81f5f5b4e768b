//! Whether the server lives, whether it wants readers, and the figures that it counts.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};

use crate::{health::Health, measure, state::AppState};

/// `GET /healthz`: always 200 while the process answers; what is away shows in the parts.
pub async fn healthz(State(state): State<AppState>) -> Json<Health> {
    Json(state.examiner.look(&state).await)
}

/// `GET /readyz`: 200 once the feeds have caught up and until the server goes down, otherwise 503.
pub async fn readyz(State(state): State<AppState>) -> (StatusCode, &'static str) {
    if state.lifecycle.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

/// `GET /metrics`, on an address of its own: the figures in Prometheus' text format.
pub async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    let health = state.examiner.look(&state).await;
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        measure::figures(&health),
    )
}
