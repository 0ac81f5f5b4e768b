//! The first frame: who connects, and what `welcome` tells it.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc, time::Duration};

use axum::extract::ws::WebSocket;
use parking_lot::Mutex;
use sphere_protocol::{
    ClientFrame, CloseCode, Code, ServerFrame, VERSION,
    client::Hello,
    limits::{HEARTBEAT_MS, HELLO_MS, MAX_TEXT},
    server::{Bye, ErrorFrame, Welcome},
};
use tokio::time::{Instant, timeout_at};

use super::{
    bad_frames::{BadFrames, binary, out_of_place},
    session::{Connection, Session},
    socket::{Ended, Received, flush, receive},
};
use crate::{
    auth::{Identity, IdentityError, display_name},
    hub::Queue,
    state::AppState,
};

/// Waits for `hello`, answers it, and begins to follow the rooms that it names.
///
/// # Errors
/// How the connection ended instead.
pub(super) async fn greet(
    socket: &mut WebSocket,
    state: AppState,
    address: IpAddr,
) -> Result<Session, Ended> {
    let queue = Arc::new(Queue::default());
    let deadline = Instant::now() + Duration::from_millis(u64::from(HELLO_MS));
    let mut bad_frames = BadFrames::default();
    let hello = match timeout_at(deadline, hello(socket, &queue, &mut bad_frames)).await {
        Ok(hello) => hello,
        Err(_) => Err(Ended::Close(CloseCode::NoHello)),
    };
    // Whatever was said about bad frames comes first.
    flush(socket, &queue).await?;
    let hello = hello?;
    let (name, bad_name) = match hello.user_name.as_deref().map(display_name) {
        Some(None) => (None, true),
        Some(name) => (name, false),
        None => (None, false),
    };
    let identity = match &hello.anonymous {
        None => None,
        Some(anonymous) => match Identity::open(&state.store, anonymous, name).await {
            Ok(identity) => Some(Arc::new(identity)),
            Err(IdentityError::Refused | IdentityError::Store(_)) => {
                queue.answer(&error(Code::IdentityRefused));
                flush(socket, &queue).await?;
                return Err(Ended::Close(CloseCode::Identity));
            }
        },
    };
    queue.answer(&ServerFrame::Welcome(
        welcome(&state, &hello, identity.as_deref()).await,
    ));
    if bad_name {
        queue.answer(&error(Code::BadName));
    }
    let id = state.hub.enter(Arc::clone(&queue), identity.clone());
    let joined = Mutex::new(BTreeSet::new());
    let mut session = Session::new(
        Arc::new(Connection {
            state,
            address,
            queue,
            id,
            identity,
            joined,
        }),
        bad_frames,
    );
    for room in hello.rooms.into_iter().flatten() {
        session.join(room);
    }
    Ok(session)
}

async fn hello(
    socket: &mut WebSocket,
    queue: &Queue,
    bad_frames: &mut BadFrames,
) -> Result<Hello, Ended> {
    loop {
        let error = match receive(socket).await? {
            Received::Text(text) => match ClientFrame::decode(&text) {
                Ok(ClientFrame::Hello(hello)) => return Ok(hello),
                Ok(frame) => out_of_place(&frame, "hello comes first"),
                Err(error) if error.code == Code::UnsupportedVersion => {
                    queue.answer(&ServerFrame::Bye(Bye {
                        why: error.code,
                        reconnect_ms: None,
                    }));
                    return Err(Ended::Close(CloseCode::UnsupportedVersion));
                }
                Err(error) => error,
            },
            Received::Binary => binary(),
            Received::Control => continue,
        };
        let too_many = bad_frames.answer(queue, error).is_err();
        flush(socket, queue).await?;
        if too_many {
            return Err(Ended::Close(CloseCode::BadFrames));
        }
    }
}

async fn welcome(state: &AppState, hello: &Hello, identity: Option<&Identity>) -> Welcome {
    let mut rooms = state.rooms.summaries(&state.feeds, state.history.epoch());
    for summary in &mut rooms {
        let Some(room) = state.rooms.get(&summary.room) else {
            continue;
        };
        let read = hello
            .read
            .as_ref()
            .and_then(|read| read.get(&summary.room))
            .copied();
        // With the store away the count stays open; the client keeps its own.
        summary.unread = state
            .history
            .unread(&room, read, identity.map(Identity::user))
            .await
            .ok();
    }
    Welcome {
        v: VERSION,
        me: identity.map(Identity::me),
        heartbeat_ms: HEARTBEAT_MS,
        max_length: MAX_TEXT,
        rooms,
    }
}

fn error(code: Code) -> ServerFrame {
    ServerFrame::Error(ErrorFrame {
        code,
        message: code.text().to_owned(),
        retry: false,
        event: Some("hello".to_owned()),
    })
}
