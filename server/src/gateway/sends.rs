//! The sends of a connection: checked one after the other, which fixes their order, then stored side by side.
//!
//! Each is answered once, by an ack or a nack. Called by [`super::session`].

use std::{collections::VecDeque, convert::Infallible, sync::Arc};

use futures::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, OptionFuture},
    stream::FuturesUnordered,
};
use sphere_protocol::{
    Cid, Code, ServerFrame, client::PostMessage, limits::MAX_OPEN_SENDS, server::Ack,
};
use tokio::time::Instant;

use super::session::Connection;
use crate::chat::{Admitted, Refusal, Send};

/// Sends that wait to be looked at; more are refused without looking.
const MAX_WAITING: usize = 1_024;

/// The sends of a socket: checked one after the other, then stored side by side.
#[derive(Default)]
pub(super) struct Sends {
    waiting: VecDeque<Send>,
    checking: Option<(Cid, BoxFuture<'static, Result<Admitted, Refusal>>)>,
    storing: FuturesUnordered<BoxFuture<'static, ServerFrame>>,
}

impl Sends {
    /// Sends that have not been answered.
    pub(super) fn open(&self) -> usize {
        self.waiting.len() + usize::from(self.checking.is_some()) + self.storing.len()
    }

    /// Takes one in.
    ///
    /// # Errors
    /// When too many wait.
    pub(super) fn push(&mut self, post: PostMessage) -> Result<(), Code> {
        if self.waiting.len() >= MAX_WAITING {
            return Err(Code::RateLimited);
        }
        let crowded = self.open() >= MAX_OPEN_SENDS;
        self.waiting.push_back(Send {
            post,
            received: Instant::now(),
            crowded,
        });
        Ok(())
    }

    /// Works for as long as it is polled; dropping the future loses no work.
    pub(super) async fn drive(&mut self, connection: &Arc<Connection>) -> Infallible {
        loop {
            if self.checking.is_none() {
                self.checking = self.waiting.pop_front().map(|send| {
                    let (cid, connection) = (send.post.cid, Arc::clone(connection));
                    let check = async move {
                        let identity = connection.identity.as_deref();
                        connection
                            .state
                            .chat
                            .post(identity, connection.address, send)
                            .await
                    };
                    (cid, check.boxed())
                });
            }
            let cid = self.checking.as_ref().map(|(cid, _)| *cid);
            let checking = OptionFuture::from(self.checking.as_mut().map(|(_, check)| check));
            tokio::select! {
                Some(frame) = self.storing.next() => connection.queue.answer(&frame),
                Some(checked) = checking => {
                    self.checking = None;
                    let Some(cid) = cid else { continue };
                    match checked {
                        Ok(Admitted::Known(ack)) => connection.queue.answer(&ServerFrame::Ack(ack)),
                        Ok(Admitted::Sent(stored)) => self.storing.push(stored.map(move |outcome| answer(cid, outcome)).boxed()),
                        Err(refusal) => connection.queue.answer(&ServerFrame::Nack(refusal.nack(cid))),
                    }
                }
                else => std::future::pending().await,
            }
        }
    }
}

fn answer(cid: Cid, outcome: Result<Ack, Refusal>) -> ServerFrame {
    match outcome {
        Ok(ack) => ServerFrame::Ack(ack),
        Err(refusal) => ServerFrame::Nack(refusal.nack(cid)),
    }
}
