//! What a connection means: its user, its rooms, and what each of its frames does.
//!
//! Requests about rooms run one after the other, so answers come in the order of the questions. Sends are checked one
//! after the other too, which fixes their order, and then wait for the log side by side.

use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    net::IpAddr,
    sync::Arc,
};

use futures::{FutureExt as _, future::BoxFuture};
use parking_lot::Mutex;
use sphere_protocol::{
    ClientFrame, Code, DecodeError, RoomName, ServerFrame,
    client::{JoinRoom, Ping, PostMessage, SyncRoom},
    server::{ErrorFrame, Pong, RoomError, RoomLeft},
};
use tokio::time::Duration;

use super::{
    bad_frames::{BadFrames, TooManyBadFrames, out_of_place},
    lane::Lane,
    sends::Sends,
};
use crate::{
    auth::Identity,
    chat::Refusal,
    history::{Ask, Request},
    hub::{Queue, SocketId},
    limits::{SocketLimit, per_socket},
    state::AppState,
};

/// When a page that could not be read may be asked for again.
const RETRY: Duration = Duration::from_secs(1);

/// What is the same for all work of a connection.
pub(super) struct Connection {
    pub(super) state: AppState,
    pub(super) address: IpAddr,
    pub(super) queue: Arc<Queue>,
    pub(super) id: SocketId,
    pub(super) identity: Option<Arc<Identity>>,
    pub(super) joined: Mutex<BTreeSet<RoomName>>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.state.hub.exit(self.id, self.joined.get_mut().iter());
    }
}

/// A connection that has said hello.
pub(super) struct Session {
    pub(super) connection: Arc<Connection>,
    limit: SocketLimit,
    bad: BadFrames,
    requests: Lane,
    sends: Sends,
}

impl Session {
    pub(super) fn new(connection: Arc<Connection>, bad: BadFrames) -> Self {
        Self {
            connection,
            limit: per_socket(),
            bad,
            requests: Lane::default(),
            sends: Sends::default(),
        }
    }

    /// Does one frame, or begins to.
    ///
    /// # Errors
    /// When there were too many bad frames.
    pub(super) fn frame(&mut self, text: &str) -> Result<(), TooManyBadFrames> {
        match ClientFrame::decode(text) {
            Err(error) => return self.bad_frame(error),
            Ok(frame @ ClientFrame::Hello(_)) => {
                return self.bad_frame(out_of_place(&frame, "a second hello"));
            }
            Ok(ClientFrame::PostMessage(post)) => self.post(post),
            Ok(ClientFrame::Ping(ping)) => match self.limit.request() {
                Ok(()) => self.pong(ping),
                Err(exceeded) => self.connection.error(exceeded.into(), "ping"),
            },
            Ok(ClientFrame::Profile(profile)) => match self.limit.request() {
                Ok(()) => self.request(|connection| connection.rename(profile.user_name).boxed()),
                Err(exceeded) => self.connection.error(exceeded.into(), "profile"),
            },
            Ok(ClientFrame::JoinRoom(join)) => match self.limit.request() {
                Ok(()) => self.join(join),
                Err(exceeded) => self.connection.room_error(&join.room, exceeded.into()),
            },
            Ok(ClientFrame::SyncRoom(sync)) => match self.limit.request() {
                Ok(()) => self.request(|connection| connection.sync(sync).boxed()),
                Err(exceeded) => self.connection.room_error(&sync.room, exceeded.into()),
            },
            Ok(ClientFrame::LeaveRoom(leave)) => match self.limit.request() {
                Ok(()) => self.request(|connection| connection.leave(leave.room).boxed()),
                Err(exceeded) => self.connection.room_error(&leave.room, exceeded.into()),
            },
        }
        Ok(())
    }

    /// Answers a frame that could not be read.
    ///
    /// # Errors
    /// When there were too many.
    pub(super) fn bad_frame(&mut self, error: DecodeError) -> Result<(), TooManyBadFrames> {
        self.bad.answer(&self.connection.queue, error)
    }

    /// Follows a room.
    pub(super) fn join(&mut self, join: JoinRoom) {
        self.request(|connection| connection.join(join).boxed());
    }

    /// Works for as long as it is polled; dropping the future loses no work.
    pub(super) async fn work(&mut self) -> Infallible {
        tokio::select! {
            never = self.requests.drive() => never,
            never = self.sends.drive(&self.connection) => never,
        }
    }

    /// Whether every send has been answered.
    pub(super) fn is_quiet(&self) -> bool {
        self.sends.open() == 0
    }

    fn request(&mut self, work: impl FnOnce(Arc<Connection>) -> BoxFuture<'static, ()>) {
        self.requests.push(work(Arc::clone(&self.connection)));
    }

    fn post(&mut self, post: PostMessage) {
        let cid = post.cid;
        let taken = if self.connection.state.lifecycle.draining.is_cancelled() {
            Err(Code::ShuttingDown)
        } else {
            self.sends.push(post)
        };
        if let Err(code) = taken {
            let nack = Refusal::later(code, RETRY).nack(cid);
            self.connection.queue.answer(&ServerFrame::Nack(nack));
        }
    }

    fn pong(&self, ping: Ping) {
        let state = &self.connection.state;
        let head = |name: &RoomName| {
            let head = state
                .rooms
                .get(name)
                .and_then(|room| state.feeds.head(room.partition, name));
            (name.clone(), head.map_or(-1, |head| head.seq))
        };
        let heads: BTreeMap<_, _> = self.connection.joined.lock().iter().map(head).collect();
        self.connection
            .queue
            .answer(&ServerFrame::Pong(Pong { n: ping.n, heads }));
    }
}

impl Connection {
    async fn join(self: Arc<Self>, join: JoinRoom) {
        let Some(room) = self.state.rooms.get(&join.room) else {
            return self.room_error(&join.room, Refusal::never(Code::UnknownRoom));
        };
        let request = Request::resume(join.epoch, join.after);
        let entered = self.state.history.enter(&room, request, |page| {
            self.joined.lock().insert(room.name.clone());
            self.state.hub.join(&room.name, self.id, &self.queue);
            self.queue.answer(&ServerFrame::RoomJoined(page));
        });
        if let Err(error) = entered.await {
            self.room_error(&room.name, Refusal::later(error.code(), RETRY));
        }
    }

    async fn leave(self: Arc<Self>, room: RoomName) {
        self.joined.lock().remove(&room);
        self.state.hub.leave(&room, self.id);
        self.queue.answer(&ServerFrame::RoomLeft(RoomLeft { room }));
    }

    async fn sync(self: Arc<Self>, sync: SyncRoom) {
        let Some(room) = self.state.rooms.get(&sync.room) else {
            return self.room_error(&sync.room, Refusal::never(Code::UnknownRoom));
        };
        let ask = match (sync.after, sync.before, sync.around) {
            (Some(seq), _, _) => Ask::After(seq),
            (_, Some(seq), _) => Ask::Before(seq),
            (_, _, Some(id)) => Ask::Around(id),
            (None, None, None) => Ask::Newest,
        };
        match self
            .state
            .history
            .page(
                &room,
                Request {
                    ask,
                    epoch: sync.epoch,
                    limit: sync.limit,
                },
            )
            .await
        {
            Ok(page) => self.queue.answer(&ServerFrame::RoomPage(page)),
            Err(error) if error.code() == Code::Unavailable => {
                self.room_error(&room.name, Refusal::later(error.code(), RETRY));
            }
            Err(error) => self.room_error(&room.name, Refusal::never(error.code())),
        }
    }

    async fn rename(self: Arc<Self>, name: String) {
        let Some(identity) = &self.identity else {
            return self.error(Refusal::never(Code::IdentityRequired), "profile");
        };
        if let Err(refusal) = self.state.chat.rename(identity, &name).await {
            self.error(refusal, "profile");
        }
    }

    pub(super) fn error(&self, refusal: Refusal, event: &str) {
        let (retry, _) = refusal.on_the_wire();
        let message = refusal.code.text().to_owned();
        self.queue.answer(&ServerFrame::Error(ErrorFrame {
            code: refusal.code,
            message,
            retry,
            event: Some(event.to_owned()),
        }));
    }

    fn room_error(&self, room: &RoomName, refusal: Refusal) {
        let (retry, after_ms) = refusal.on_the_wire();
        let message = refusal.code.text().to_owned();
        self.queue.answer(&ServerFrame::RoomError(RoomError {
            room: room.clone(),
            code: refusal.code,
            message,
            retry,
            after_ms,
        }));
    }
}
