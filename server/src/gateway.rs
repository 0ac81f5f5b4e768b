//! The gateway: from the HTTP upgrade to the last frame of a WebSocket.
//!
//! Before the upgrade: the origin, the number of sockets of the address, whether the server is going down. After it one
//! task per socket ([`socket`]) decodes frames, hands them to [`session`], and writes what the hub and the session
//! queue. Bad input is answered and loses nothing; other sockets never notice.

use std::time::Duration;

use axum::{
    extract::{State, WebSocketUpgrade},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use sphere_protocol::{CloseCode, limits::MAX_FRAME};

use crate::{
    http::{address::ClientAddress, origin},
    state::AppState,
};

mod bad_frames;
mod greeting;
mod lane;
mod sends;
mod session;
mod socket;

/// Larger than tungstenite's default would be 128 KiB per socket, zeroed at every wake-up.
const READ_BUFFER: usize = 4 << 10;
/// Small frames are gathered up to this size before they are written.
const WRITE_BUFFER: usize = 16 << 10;
/// A stalled socket holds at most so many unwritten bytes in its buffer: more than the largest page, which is 200 messages
/// of 5,000 characters that JSON writes with six bytes each.
const MAX_WRITE_BUFFER: usize = 8 << 20;
/// Messages that are too big are still read up to this size, so that the close frame can be written after them.
const READ_LIMIT: usize = 4 * MAX_FRAME;

/// How long a socket may be silent.
pub(crate) const SILENCE: Duration = Duration::from_secs(45);
/// How often the server pings.
pub(crate) const PING: Duration = Duration::from_secs(20);
/// How long one write may take before the reader counts as slow.
pub(crate) const WRITE: Duration = Duration::from_secs(10);
/// How long sends may still be answered once the server is going down.
pub(crate) const DRAIN: Duration = Duration::from_secs(5);

/// `GET /ws`.
pub async fn upgrade(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if let Err(refused) = origin::check(&headers, &state.config.allowed_origins) {
        return refused.into_response();
    }
    let guard = state.limits.socket(address);
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(MAX_WRITE_BUFFER)
        .max_message_size(READ_LIMIT)
        .max_frame_size(READ_LIMIT)
        .on_failed_upgrade(|error| tracing::debug!(%error, "an upgrade failed"));
    let sockets = state.lifecycle.sockets.clone();
    // Upgraded even when there are too many: a browser can only read a close code, not an HTTP status.
    upgrade.on_upgrade(move |socket| {
        sockets.track_future(async move {
            match guard {
                Some(_guard) => socket::serve(socket, state, address).await,
                None => socket::close(socket, CloseCode::TooManyConnections).await,
            }
        })
    })
}
