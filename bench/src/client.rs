//! A client of the checker: it writes and reads as the real one does, reconnects to any server, keeps what it wrote until
//! that is stored, and writes down everything that happens to it.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures::{SinkExt as _, StreamExt as _};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use sphere_protocol::{
    Cid, ClientFrame, RoomName, ServerFrame, UserId, VERSION,
    client::{Anonymous, Hello, JoinRoom, PostMessage},
};
use tokio::{
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite};
use uuid::Uuid;

use crate::{
    Failure, clock,
    history::{Event, History},
    stats::Stats,
};

mod frames;
pub mod room;
mod talk;

use room::Room;

/// How long a greeting may take.
const GREETING: Duration = Duration::from_secs(8);

/// What all clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Phase {
    /// They write and read.
    #[default]
    Talk,
    /// They write nothing new.
    Drain,
    /// One of each room writes its marker.
    Mark,
    /// They end.
    End,
}

/// How a client behaves, right or wrong.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// The mean pause between two messages of a client.
    pub pause: Duration,
    /// Sends of a room in flight; anything but 1 breaks the client's rule.
    pub window: usize,
    /// Whether a retry takes another key, which breaks the client's rule.
    pub new_key_on_retry: bool,
    /// Of 1,000 acknowledgements, how many are asked for at another server.
    pub probes: u32,
}

/// What the clients of a run share.
#[derive(Debug)]
pub struct Shared {
    /// Where the servers are.
    pub servers: Vec<SocketAddr>,
    /// What to do.
    pub phase: watch::Receiver<Phase>,
    /// What is known while it goes on.
    pub stats: Arc<Stats>,
    /// How to behave.
    pub manner: Manner,
}

/// One client.
#[derive(Debug)]
pub struct Client {
    index: usize,
    user: UserId,
    secret: String,
    rooms: Vec<Room>,
    shared: Arc<Shared>,
    history: History,
    random: StdRng,
    server: usize,
    next_message: Instant,
    marked: bool,
    probes: JoinSet<Option<Event>>,
}

type Socket = WebSocketStream<TcpStream>;

/// Why a conversation ended.
struct Gone(String);

impl From<tungstenite::Error> for Gone {
    fn from(error: tungstenite::Error) -> Self {
        Self(error.to_string())
    }
}

/// The user of a client; the checks derive ids from it.
pub fn user(seed: u64, index: usize) -> UserId {
    UserId::from(format!(
        "anon_{}_{index:09}",
        1_700_000_000_000 + seed % 1_000_000_000
    ))
}

impl Client {
    /// A client of these rooms.
    pub fn new(
        index: usize,
        seed: u64,
        rooms: impl IntoIterator<Item = (usize, RoomName)>,
        shared: Arc<Shared>,
        history: History,
    ) -> Self {
        let mut random = StdRng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(index as u64));
        Self {
            index,
            user: user(seed, index),
            secret: format!("{:032x}", random.random::<u128>()),
            rooms: rooms
                .into_iter()
                .map(|(index, name)| Room::new(index, name))
                .collect(),
            server: index % shared.servers.len().max(1),
            shared,
            history,
            random,
            next_message: Instant::now(),
            marked: false,
            probes: JoinSet::new(),
        }
    }

    /// Lives until the run ends.
    pub async fn run(mut self) -> History {
        let mut failures: u32 = 0;
        let mut phase = self.shared.phase.clone();
        while *phase.borrow() != Phase::End {
            match self.connect().await {
                Ok(socket) => {
                    failures = 0;
                    self.shared.stats.count(|stats| &stats.connected, true);
                    let Gone(why) = self.talk(socket).await;
                    self.shared.stats.count(|stats| &stats.connected, false);
                    self.history.add(Event::Disc {
                        t: clock::now(),
                        why,
                    });
                }
                Err(_) => failures += 1,
            }
            for room in &mut self.rooms {
                room.disconnected();
            }
            // Jitter, so that a thousand clients of a dead server do not come back at once; and to any server.
            let longest = (200_u64 << failures.min(3)).min(1_500);
            let pause = Duration::from_millis(self.random.random_range(50..=longest));
            self.server = self.random.random_range(0..self.shared.servers.len());
            tokio::select! {
                () = sleep(pause) => {}
                _ = phase.wait_for(|phase| *phase == Phase::End) => {}
            }
        }
        while let Some(probe) = self.probes.join_next().await {
            if let Ok(Some(event)) = probe {
                self.history.add(event);
            }
        }
        self.history
    }

    /// A connection that has been welcomed.
    async fn connect(&mut self) -> Result<Socket, Failure> {
        let address = self.shared.servers[self.server];
        let greeting = timeout(GREETING, async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (mut socket, _) = client_async(format!("ws://{address}/ws"), stream).await?;
            let joins = self.rooms.iter().map(|room| JoinRoom {
                room: room.name.clone(),
                epoch: room.epoch,
                after: room.last,
            });
            let hello = ClientFrame::Hello(Hello {
                v: VERSION,
                anonymous: Some(Anonymous {
                    user_id: self.user.clone(),
                    secret: self.secret.clone(),
                }),
                user_name: Some(format!("client {}", self.index)),
                rooms: Some(joins.collect()),
                read: None,
            });
            socket.send(hello.encode().into()).await?;
            loop {
                let frame = socket.next().await.ok_or("closed while greeting")??;
                let Ok(text) = frame.to_text() else { continue };
                match ServerFrame::decode(text) {
                    Ok(ServerFrame::Welcome(_)) => return Ok::<_, Failure>(socket),
                    Ok(ServerFrame::Bye(_) | ServerFrame::Error(_)) => {
                        return Err("not welcome".into());
                    }
                    _ => {}
                }
            }
        });
        let socket = greeting.await??;
        let t = clock::now();
        self.history.add(Event::Conn {
            t,
            server: self.server,
        });
        for room in &mut self.rooms {
            room.syncing = Some((Instant::now(), t));
        }
        Ok(socket)
    }
}

/// Says one thing in a room, as somebody new, and waits until it is stored.
///
/// # Errors
/// When the server does not answer as it should.
pub async fn say_once(server: SocketAddr, room: &str) -> Result<(), Failure> {
    let stream = TcpStream::connect(server).await?;
    let (mut socket, _) = client_async(format!("ws://{server}/ws"), stream).await?;
    let hello = ClientFrame::Hello(Hello {
        v: VERSION,
        anonymous: Some(Anonymous {
            user_id: user(0, rand::rng().random_range(0..1_000_000)),
            secret: Uuid::new_v4().simple().to_string(),
        }),
        ..Hello::default()
    });
    let post = ClientFrame::PostMessage(PostMessage {
        cid: Cid(Uuid::new_v4()),
        attempt: 1,
        room: RoomName::from(room),
        message: "a record".to_owned(),
    });
    for frame in [hello, post] {
        socket.send(frame.encode().into()).await?;
    }
    loop {
        let frame = timeout(GREETING, socket.next()).await?.ok_or("closed")??;
        let Ok(text) = frame.to_text() else { continue };
        match ServerFrame::decode(text) {
            Ok(ServerFrame::Ack(_)) => return Ok(()),
            Ok(ServerFrame::Nack(nack)) => return Err(format!("{:?}", nack.code).into()),
            _ => {}
        }
    }
}
