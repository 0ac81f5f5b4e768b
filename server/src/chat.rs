//! Use cases: what people do in rooms. The order of effects of "a message was posted" stands here and nowhere else:
//! rights and limits, identity, the log, the bus, and the acknowledgement when the feed lets the record through.

use std::{net::IpAddr, sync::Arc, time::Duration};

use futures::{FutureExt as _, future::BoxFuture};
use sphere_protocol::{
    Code, Epoch, MessageId,
    client::PostMessage,
    limits::SEND_MS,
    server::Ack,
    text::{self, TextError},
};
use tokio::time::{Instant, timeout_at};

use crate::{
    auth::{Identity, IdentityError},
    bus::{Bus, Hint, Signal},
    clock,
    faults::{self, Fault},
    feed::{Core, Feed, Feeds, First},
    limits::Limits,
    log::{AppendError, MessageLog, Record},
    measure,
    rooms::{Room, Rooms},
    store::Store,
};

mod refusal;

pub use refusal::Refusal;

/// How long a client waits before it repeats a send whose outcome is unknown, or that could not be taken.
const RETRY: Duration = Duration::from_secs(1);
/// Every send is answered a little earlier than promised.
const ANSWER: Duration = Duration::from_millis(SEND_MS as u64 - 1_000);

/// A send as it came over a socket.
#[derive(Debug)]
pub struct Send {
    /// What the client said.
    pub post: PostMessage,
    /// When it came; the answer is due a fixed time later.
    pub received: Instant,
    /// Whether the socket had too many open sends then.
    pub crowded: bool,
}

/// A send that has passed all checks.
pub enum Admitted {
    /// It was stored before: this is the first answer.
    Known(Ack),
    /// It is on its way to the log.
    Sent(BoxFuture<'static, Result<Ack, Refusal>>),
}

/// What people do. Cheap to clone.
#[derive(Clone)]
pub struct Chat {
    rooms: Rooms,
    store: Store,
    log: Arc<dyn MessageLog>,
    bus: Arc<dyn Bus>,
    feeds: Feeds,
    limits: Arc<Limits>,
    epoch: Epoch,
}

impl std::fmt::Debug for Chat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chat")
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

impl Chat {
    /// Puts the parts together.
    pub fn new(
        rooms: Rooms,
        store: Store,
        log: Arc<dyn MessageLog>,
        bus: Arc<dyn Bus>,
        feeds: Feeds,
        limits: Arc<Limits>,
        epoch: Epoch,
    ) -> Self {
        Self {
            rooms,
            store,
            log,
            bus,
            feeds,
            limits,
            epoch,
        }
    }

    /// Checks a send and queues it for the log. When this returns, its place among the author's sends is fixed.
    ///
    /// Checked in the order of the protocol: identity, room, text, what became of an earlier attempt, rate, open sends.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn post(
        &self,
        author: Option<&Identity>,
        address: IpAddr,
        send: Send,
    ) -> Result<Admitted, Refusal> {
        let Send {
            post,
            received,
            crowded,
        } = send;
        let deadline = received + ANSWER;
        let author = author.ok_or(Refusal::never(Code::IdentityRequired))?;
        let room = self
            .rooms
            .get(&post.room)
            .ok_or(Refusal::never(Code::UnknownRoom))?;
        text::check(&post.message).map_err(|error| {
            Refusal::never(match error {
                TextError::Blank => Code::Blank,
                TextError::TooLong => Code::TooLong,
                TextError::Nul => Code::BadFrame,
            })
        })?;
        let feed = self
            .feeds
            .get(room.partition)
            .ok_or(Refusal::later(Code::Unavailable, RETRY))?;
        let id = MessageId::derive(author.user(), &room.name, post.cid);
        if post.attempt > 1
            && let Some(first) = self.first(&feed, id).await?
        {
            return Ok(Admitted::Known(ack(&post, id, first)));
        }
        self.limits.message(author.user()).await?;
        if crowded {
            return Err(Refusal::later(Code::RateLimited, RETRY));
        }
        self.bind(author, address).await?;
        let record = Arc::new(Record::message(
            author.author(),
            room.name.clone(),
            post.cid,
            post.message.clone(),
            clock::now(),
        ));
        Ok(Admitted::Sent(
            self.send(&room, feed, record, post, deadline),
        ))
    }

    /// What became of an earlier attempt. Only the store knows the ids that the feed has forgotten, so without it the
    /// question stays open.
    async fn first(&self, feed: &Feed, id: MessageId) -> Result<Option<First>, Refusal> {
        if let Some(first) = feed.between(|core| core.first(&id)) {
            return Ok(Some(first));
        }
        self.store.first(id).await.map_err(|error| {
            tracing::warn!(%error, "an earlier attempt could not be looked up");
            Refusal::later(Code::Unavailable, RETRY)
        })
    }

    /// Binds a new id before its first record can stand in the log.
    async fn bind(&self, author: &Identity, address: IpAddr) -> Result<(), Refusal> {
        if author.is_bound() {
            return Ok(());
        }
        self.limits.new_id(address)?;
        author.bind(&self.store).await.map_err(|error| match error {
            IdentityError::Refused => Refusal::never(Code::IdentityRefused),
            IdentityError::Store(error) => {
                tracing::warn!(%error, "an identity could not be bound");
                Refusal::later(Code::Unavailable, RETRY)
            }
        })
    }

    fn send(
        &self,
        room: &Room,
        feed: Arc<Feed>,
        record: Arc<Record>,
        post: PostMessage,
        deadline: Instant,
    ) -> BoxFuture<'static, Result<Ack, Refusal>> {
        let partition = room.partition;
        let append = self.log.append(partition, Arc::clone(&record));
        let (bus, epoch) = (Arc::clone(&self.bus), self.epoch);
        let id = record.id;
        let guess = faults::on(Fault::AckBeforeAppend).then(|| First {
            seq: feed.between(Core::next_seq),
            created_at: record.created_at,
        });
        let sent = async move {
            let offset = append.await.map_err(|error| {
                tracing::warn!(%error, room = %record.room, "a message was not appended");
                Refusal::later(
                    match error {
                        AppendError::Unavailable(_) => Code::Unavailable,
                        AppendError::OutcomeUnknown(_) => Code::OutcomeUnknown,
                    },
                    RETRY,
                )
            })?;
            measure::appended();
            if let Err(error) = bus
                .publish(Signal::Hint(Hint {
                    epoch,
                    partition,
                    offset,
                    record,
                }))
                .await
            {
                // Every server follows the log: the message arrives all the same, a little later.
                measure::hints_lost(1);
                tracing::warn!(%error, "a hint was not published");
            }
            feed.passed(offset, id)
                .await
                .ok_or(Refusal::later(Code::OutcomeUnknown, RETRY))
        };
        if let Some(guess) = guess {
            tokio::spawn(sent);
            return std::future::ready(Ok(ack(&post, id, guess))).boxed();
        }
        async move {
            let first = timeout_at(deadline, sent)
                .await
                .unwrap_or(Err(Refusal::later(Code::OutcomeUnknown, RETRY)))?;
            // The answer is due a fixed time after the send came.
            measure::acked((Instant::now() + ANSWER).saturating_duration_since(deadline));
            Ok(ack(&post, id, first))
        }
        .boxed()
    }

    /// Gives the user another name; it shows on later messages and on all the user's sockets.
    ///
    /// # Errors
    /// Why it was refused.
    pub async fn rename(&self, user: &Identity, name: &str) -> Result<String, Refusal> {
        let name = crate::auth::display_name(name).ok_or(Refusal::never(Code::BadName))?;
        user.rename(&self.store, &name).await.map_err(|error| {
            tracing::warn!(%error, "a name could not be stored");
            Refusal::later(Code::Unavailable, RETRY)
        })?;
        let changed = Signal::ProfileChanged {
            user: user.user().clone(),
            name: name.clone(),
        };
        if let Err(error) = self.bus.publish(changed).await {
            tracing::warn!(%error, "a new name was not published");
        }
        Ok(name)
    }
}

fn ack(post: &PostMessage, id: MessageId, first: First) -> Ack {
    Ack {
        cid: post.cid,
        id,
        seq: first.seq,
        created_at: first.created_at,
    }
}
