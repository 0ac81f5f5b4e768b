//! Every route of the server, and what all answers have in common.

use std::time::Duration;

use axum::{
    Router,
    http::{Method, StatusCode},
    middleware::{from_fn_with_state, map_response},
    routing::get,
};
use tower_http::{
    catch_panic::CatchPanicLayer,
    cors::{AllowOrigin, CorsLayer},
    timeout::TimeoutLayer,
};

use crate::{
    gateway,
    http::{api, assets, avatar, health, pages, security},
    state::AppState,
};

/// The longest that an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The router of a server.
pub fn router(state: AppState) -> Router {
    let cors = CorsLayer::new()
        .allow_methods([Method::GET])
        .allow_origin(AllowOrigin::list(state.config.allowed_origins.clone()));
    let api = Router::new()
        .route("/rooms", get(api::rooms))
        .route("/rooms/{room}/messages", get(api::messages))
        .fallback(api::not_found)
        .layer(from_fn_with_state(state.clone(), api::limit))
        .layer(cors);
    let answers = Router::new()
        .route("/", get(pages::home))
        .route("/rooms/{room}", get(pages::room))
        .route("/offline", get(pages::offline))
        .route("/robots.txt", get(pages::robots))
        .route("/pkg/{hash}/{*file}", get(assets::package))
        .route("/avatar/{file}", get(avatar::avatar))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .nest("/api", api)
        .fallback(pages::not_found)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            TIMEOUT,
        ));
    Router::new()
        .route("/ws", get(gateway::upgrade))
        .merge(answers)
        .layer(CatchPanicLayer::new())
        .layer(map_response(security::harden))
        .with_state(state)
}

/// The router of the address that figures are read from.
pub fn figures_only(state: AppState) -> Router {
    Router::new()
        .route("/metrics", get(health::metrics))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            TIMEOUT,
        ))
        .layer(map_response(security::harden))
        .with_state(state)
}

/// The router of a process that only stores: whether it lives.
pub fn health_only(state: AppState) -> Router {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .layer(map_response(security::harden))
        .with_state(state)
}
