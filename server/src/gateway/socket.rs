//! The task of one socket: it reads, works and writes, and is the only one that touches the socket.
//!
//! It flushes at once when there is little to write and gathers frames while it is behind. It never waits for the log
//! or the store; a reader that does not read is closed after [`super::WRITE`].

use std::net::IpAddr;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures::SinkExt as _;
use rand::Rng as _;
use sphere_protocol::{CloseCode, Code, ServerFrame, limits::MAX_FRAME, server::Bye};
use tokio::time::{Duration, Instant, sleep_until, timeout};

use super::{DRAIN, PING, SILENCE, WRITE, bad_frames::binary, greeting::greet, session::Session};
use crate::{
    hub::{Next, Queue},
    state::AppState,
};

/// Frames that are gathered before they are flushed.
const GATHER: usize = 64;
/// How long the peer may take to answer a close frame.
const CLOSING: Duration = Duration::from_secs(1);
/// Longest time that clients are asked to stay away during a restart, in milliseconds.
const SPREAD_MS: u32 = 10_000;

/// Something that came over a socket.
pub(super) enum Received {
    Text(Utf8Bytes),
    Binary,
    Control,
}

/// How a connection ended.
pub(super) enum Ended {
    /// The peer is gone.
    Gone,
    /// We close it.
    Close(CloseCode),
}

/// Serves a socket to its end.
pub(super) async fn serve(mut socket: WebSocket, state: AppState, address: IpAddr) {
    let ended = match greet(&mut socket, state, address).await {
        Ok(mut session) => run(&mut socket, &mut session).await,
        Err(ended) => ended,
    };
    if let Ended::Close(code) = ended {
        tracing::debug!(?code, "closing a socket");
        close(socket, code).await;
    }
}

async fn run(socket: &mut WebSocket, session: &mut Session) -> Ended {
    let queue = session.connection.queue.clone();
    let draining = session.connection.state.lifecycle.draining.clone();
    let mut heard = Instant::now();
    let mut ping = heard + PING;
    let mut drained: Option<Instant> = None;
    loop {
        let timer = ping.min(heard + SILENCE).min(drained.unwrap_or(ping));
        let step = tokio::select! {
            received = receive(socket) => {
                heard = Instant::now();
                received.and_then(|received| match received {
                    Received::Text(text) => session.frame(&text).map_err(|_| Ended::Close(CloseCode::BadFrames)),
                    Received::Binary => session.bad_frame(binary()).map_err(|_| Ended::Close(CloseCode::BadFrames)),
                    Received::Control => Ok(()),
                })
            }
            next = queue.next() => write(socket, &queue, next).await,
            never = session.work() => match never {},
            () = draining.cancelled(), if drained.is_none() => {
                drained = Some(Instant::now() + DRAIN);
                Ok(())
            }
            () = sleep_until(timer) => {
                let now = Instant::now();
                if now >= heard + SILENCE {
                    Err(Ended::Close(CloseCode::Silence))
                } else if now >= ping {
                    ping = now + PING;
                    send(socket, Message::Ping(Vec::new().into())).await
                } else {
                    Ok(())
                }
            }
        };
        if let Err(ended) = step {
            // What was queued before the end, answers to bad frames above all, is still said.
            let _ = flush(socket, &queue).await;
            return ended;
        }
        if drained.is_some_and(|until| session.is_quiet() || Instant::now() >= until) {
            let reconnect_ms = Some(rand::rng().random_range(0..=SPREAD_MS));
            queue.answer(&ServerFrame::Bye(Bye {
                why: Code::ShuttingDown,
                reconnect_ms,
            }));
            let _ = flush(socket, &queue).await;
            return Ended::Close(CloseCode::Restart);
        }
    }
}

/// The next thing that comes.
pub(super) async fn receive(socket: &mut WebSocket) -> Result<Received, Ended> {
    match socket.recv().await {
        Some(Ok(Message::Text(text))) if text.len() > MAX_FRAME => {
            Err(Ended::Close(CloseCode::TooBig))
        }
        Some(Ok(Message::Binary(bytes))) if bytes.len() > MAX_FRAME => {
            Err(Ended::Close(CloseCode::TooBig))
        }
        Some(Ok(Message::Text(text))) => Ok(Received::Text(text)),
        Some(Ok(Message::Binary(_))) => Ok(Received::Binary),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(Received::Control),
        Some(Ok(Message::Close(_))) => {
            // The answer to the peer's close frame is queued already; without it the peer sees a broken connection.
            let _ = timeout(CLOSING, socket.flush()).await;
            Err(Ended::Gone)
        }
        None => Err(Ended::Gone),
        Some(Err(error)) => Err(broken(error)),
    }
}

/// What a broken frame is called; a broken connection has nobody to tell.
fn broken(error: axum::Error) -> Ended {
    let error = error.into_inner();
    match error.downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => Ended::Close(CloseCode::TooBig),
        Some(tungstenite::Error::Utf8(_)) => Ended::Close(CloseCode::NotUtf8),
        Some(tungstenite::Error::Protocol(
            tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
        )) => Ended::Gone,
        Some(tungstenite::Error::Protocol(_)) => Ended::Close(CloseCode::Protocol),
        _ => Ended::Gone,
    }
}

/// Writes everything that is queued.
pub(super) async fn flush(socket: &mut WebSocket, queue: &Queue) -> Result<(), Ended> {
    while let Some(next) = queue.try_next() {
        write(socket, queue, next).await?;
    }
    Ok(())
}

/// Writes what comes next together with what has gathered behind it.
async fn write(socket: &mut WebSocket, queue: &Queue, next: Next) -> Result<(), Ended> {
    let gathered = async {
        let mut next = Some(next);
        for _ in 0..GATHER {
            match next {
                Some(Next::Text(text)) => socket.feed(Message::Text(text)).await.map_err(broken)?,
                Some(Next::Close(code)) => return Err(Ended::Close(code)),
                None => break,
            }
            next = queue.try_next();
        }
        if let Some(Next::Text(text)) = next {
            socket.feed(Message::Text(text)).await.map_err(broken)?;
        }
        socket.flush().await.map_err(broken)
    };
    timeout(WRITE, gathered)
        .await
        .unwrap_or(Err(Ended::Close(CloseCode::SlowReader)))
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), Ended> {
    timeout(WRITE, socket.send(message))
        .await
        .map_err(|_| Ended::Close(CloseCode::SlowReader))?
        .map_err(broken)
}

/// Says why, waits a moment for the peer to agree, and goes.
pub(super) async fn close(mut socket: WebSocket, code: CloseCode) {
    let frame = CloseFrame {
        code: code as u16,
        reason: code.reason().into(),
    };
    let handshake = async {
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    let _ = timeout(CLOSING, handshake).await;
}
