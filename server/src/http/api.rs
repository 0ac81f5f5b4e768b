//! The read API: the rooms, and the same pages that the socket gives.

use axum::{
    Json,
    extract::{
        Path, Query, Request, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use sphere_protocol::{Code, MessageId, Page, RoomName, RoomSummary, Seq};

use super::{address::ClientAddress, problem::Problem};
use crate::{
    history::{Ask, PageError, Request as PageRequest},
    state::AppState,
};

/// What `GET /api/rooms/{room}/messages` may be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    after: Option<Seq>,
    before: Option<Seq>,
    around: Option<MessageId>,
    limit: Option<u32>,
    /// With `after`: every record, however many there are.
    #[serde(default)]
    records: bool,
}

/// The list of rooms.
#[derive(Debug, Serialize)]
pub struct RoomList {
    rooms: Vec<RoomSummary>,
}

/// `GET /api/rooms`.
pub async fn rooms(State(state): State<AppState>) -> Json<RoomList> {
    Json(RoomList {
        rooms: state.rooms.summaries(&state.feeds, state.history.epoch()),
    })
}

/// `GET /api/rooms/{room}/messages`.
///
/// # Errors
/// 400 for a query that makes no sense, 404 for an unknown room or message, 503 when it cannot be read now.
pub async fn messages(
    State(state): State<AppState>,
    room: Result<Path<String>, PathRejection>,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(part) = part.map_err(|error| Problem::bad_request(error.body_text()))?;
    let Path(room) = room.map_err(|error| Problem::bad_request(error.body_text()))?;
    let room = state
        .rooms
        .get(&RoomName::from(room))
        .ok_or(Problem::new(StatusCode::NOT_FOUND, Code::UnknownRoom))?;
    let ask = match (part.after, part.before, part.around, part.records) {
        (None, None, None, false) => Ask::Newest,
        (Some(seq), None, None, false) => Ask::After(seq),
        (Some(seq), None, None, true) => Ask::Records(seq),
        (None, Some(seq), None, false) => Ask::Before(seq),
        (None, None, Some(id), false) => Ask::Around(id),
        _ => {
            return Err(Problem::bad_request(
                "Give at most one of after, before and around; records goes with after.",
            ));
        }
    };
    let page = state
        .history
        .page(
            &room,
            PageRequest {
                ask,
                epoch: None,
                limit: part.limit,
            },
        )
        .await;
    page.map(Json).map_err(|error| match error {
        PageError::UnknownMessage => Problem::new(StatusCode::NOT_FOUND, Code::UnknownMessage),
        PageError::Unavailable => Problem::new(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
    })
}

/// No such thing under `/api`.
pub async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, Code::UnknownEvent)
}

/// Counts the requests of an address before they cost anything.
pub async fn limit(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    request: Request,
    next: Next,
) -> Response {
    match state.limits.http(address) {
        Ok(()) => next.run(request).await,
        Err(exceeded) => Problem::from(exceeded).into_response(),
    }
}
