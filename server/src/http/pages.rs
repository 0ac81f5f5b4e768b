//! The pages: rendered here with their newest messages, then taken over by the client.

use axum::{
    extract::{Path, Request, State, rejection::PathRejection},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use leptos::prelude::{provide_context, use_nonce};
use sphere_app::{Archive, Boot, Manner, shell};
use sphere_protocol::{MessageId, RoomName};

use super::{archive, assets, security::set_policy};
use crate::{history::Request as PageRequest, rooms::Room, state::AppState};

/// The cookie in which the client keeps the room that was shown last.
const LAST_ROOM: &str = "room";

/// `GET /`: the room that was shown last, or the first.
pub async fn home(State(state): State<AppState>, request: Request) -> Response {
    let last = last_room(&request).and_then(|name| state.rooms.get(&name));
    match last.or_else(|| state.rooms.all().into_iter().next()) {
        Some(room) => Redirect::temporary(&format!("/rooms/{}", room.name)).into_response(),
        None => not_found(State(state), request).await,
    }
}

/// `GET /rooms/{room}`.
pub async fn room(
    State(state): State<AppState>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    match name
        .ok()
        .and_then(|Path(name)| state.rooms.get(&RoomName::from(name)))
    {
        Some(room) => {
            let earlier = archive::find(&state, &room, request.uri()).await;
            if let Some((page, archive)) = earlier {
                let rooms = state.rooms.summaries(&state.feeds, state.history.epoch());
                let boot = Boot {
                    room: Some(room.name.clone()),
                    rooms,
                    page: Some(page),
                    ..Boot::default()
                };
                return render(&state, boot, Some(archive), StatusCode::OK, request).await;
            }
            let boot = boot(&state, &room, target(&request)).await;
            render(&state, boot, None, StatusCode::OK, request).await
        }
        None => not_found(State(state), request).await,
    }
}

/// Any other address: a file, or the page that says that there is nothing.
pub async fn not_found(State(state): State<AppState>, request: Request) -> Response {
    if let Some(file) = assets::public(request.uri().path(), request.headers()) {
        return file;
    }
    let rooms = state.rooms.summaries(&state.feeds, state.history.epoch());
    render(
        &state,
        Boot {
            rooms,
            ..Boot::default()
        },
        None,
        StatusCode::NOT_FOUND,
        request,
    )
    .await
}

/// `GET /offline`: the page without a room that the browser keeps (`public/sw.js`). It carries the list of rooms and no
/// message; the application finds out from the address which room to show.
pub async fn offline(State(state): State<AppState>, request: Request) -> Response {
    let rooms = state.rooms.summaries(&state.feeds, state.history.epoch());
    let boot = Boot {
        rooms,
        ..Boot::default()
    };
    render(&state, boot, None, StatusCode::OK, request).await
}

/// `GET /robots.txt`.
pub async fn robots(State(state): State<AppState>) -> &'static str {
    if state.config.index {
        "User-agent: *\nDisallow: /api/\nDisallow: /offline\n"
    } else {
        "User-agent: *\nDisallow: /\n"
    }
}

/// What the page shows first; the client starts from exactly this.
async fn boot(state: &AppState, room: &Room, target: Option<MessageId>) -> Boot {
    let rooms = state.rooms.summaries(&state.feeds, state.history.epoch());
    let (page, error) = match state.history.page(room, PageRequest::newest()).await {
        Ok(page) => (Some(page), None),
        Err(error) => (None, Some(error.code())),
    };
    // A message that is not there, or cannot be read now, is looked for again by the client, which says so.
    let around = match target {
        Some(id) => state.history.page(room, PageRequest::around(id)).await.ok(),
        None => None,
    };
    Boot {
        room: Some(room.name.clone()),
        rooms,
        page,
        error,
        target,
        around,
    }
}

/// The message that a link like `?m=61068ac8-be10-8324-8206-116820cf4008` leads to.
fn target(request: &Request) -> Option<MessageId> {
    let mut pairs = request.uri().query()?.split('&');
    pairs.find_map(|pair| MessageId::parse(pair.strip_prefix("m=")?))
}

async fn render(
    state: &AppState,
    boot: Boot,
    archive: Option<Archive>,
    status: StatusCode,
    request: Request,
) -> Response {
    let options = state.leptos.clone();
    let watching = state.config.watching;
    let found = status == StatusCode::OK;
    let manner = Manner {
        index: state.config.index && found && boot.room.is_some(),
        shell: found && boot.room.is_none(),
    };
    let context = move || {
        provide_context(boot.clone());
        provide_context(manner);
        if let Some(archive) = &archive {
            provide_context(archive.clone());
        }
        let nonce = use_nonce().map(|nonce| nonce.to_string());
        if let Some(response) = leptos::prelude::use_context::<leptos_axum::ResponseOptions>() {
            let mut headers = axum::http::HeaderMap::new();
            set_policy(&mut headers, nonce.as_deref(), watching);
            if let Some(policy) = headers.remove(header::CONTENT_SECURITY_POLICY) {
                response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
            }
        }
    };
    let render =
        leptos_axum::render_app_to_stream_with_context(context, move || shell(options.clone()));
    let mut response = render(request).await;
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn last_room(request: &Request) -> Option<RoomName> {
    let cookies = request.headers().get_all(header::COOKIE);
    let mut pairs = cookies
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    pairs.find_map(|pair| {
        pair.trim()
            .strip_prefix(LAST_ROOM)?
            .strip_prefix('=')
            .map(RoomName::from)
    })
}
