//! A client of the checker: it writes and reads as the real one does, reconnects to any server, keeps what it wrote until
//! that is stored, and writes down everything that happens to it.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use futures::{SinkExt as _, StreamExt as _};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use sphere_protocol::{
    Cid, ClientFrame, Message, Page, RoomName, ServerFrame, UserId, VERSION,
    client::{Anonymous, Hello, JoinRoom, Ping, PostMessage, SyncRoom},
};
use tokio::{
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite};
use uuid::Uuid;

use crate::{
    Failure, clock,
    history::{Event, History, Item, Said},
    http,
    stats::Stats,
};

pub mod room;

use room::{Entry, Room};

/// How often a client asks for the heads of its rooms. The real one does every 20 s; the run has less time.
const PING: Duration = Duration::from_secs(2);
/// A server that says nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(6);
/// How long a greeting may take.
const GREETING: Duration = Duration::from_secs(8);
/// A page that does not come is asked for again.
const PAGE: Duration = Duration::from_secs(5);
/// A send without an answer in this time is an anomaly; the client then takes another connection.
const ANSWER: Duration = Duration::from_secs(16);
/// Messages of a room that may wait before the client writes no more.
const PATIENCE: usize = 2;

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

    async fn talk(&mut self, mut socket: Socket) -> Gone {
        match self.converse(&mut socket).await {
            Err(gone) => gone,
            Ok(never) => match never {},
        }
    }

    async fn converse(&mut self, socket: &mut Socket) -> Result<std::convert::Infallible, Gone> {
        let mut heard = Instant::now();
        let mut ping = Instant::now() + PING;
        let mut phase = self.shared.phase.clone();
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                frame = socket.next() => {
                    heard = Instant::now();
                    let frame = frame.ok_or_else(|| Gone("closed".to_owned()))??;
                    match &frame {
                        tungstenite::Message::Text(text) => self.frame(text)?,
                        tungstenite::Message::Close(close) => {
                            let code = close.as_ref().map(|close| u16::from(close.code));
                            return Err(Gone(format!("close {}", code.unwrap_or_default())));
                        }
                        _ => {}
                    }
                }
                () = sleep_until(self.next_message), if *phase.borrow() == Phase::Talk => self.write(),
                Some(probe) = self.probes.join_next() => if let Ok(Some(event)) = probe { self.history.add(event) },
                _ = phase.changed() => {}
                _ = ticks.tick() => {
                    if heard.elapsed() > SILENCE {
                        return Err(Gone("silent".to_owned()));
                    }
                    if ping <= Instant::now() {
                        ping = Instant::now() + PING;
                        socket.send(ClientFrame::Ping(Ping { n: 1 }).encode().into()).await?;
                    }
                }
            }
            match *phase.borrow() {
                Phase::End => return Err(Gone("end".to_owned())),
                Phase::Mark => self.mark(),
                Phase::Talk | Phase::Drain => {}
            }
            self.drain(socket).await?;
            self.ask(socket).await?;
        }
    }

    /// Writes a message into the outbox of a room.
    fn write(&mut self) {
        let mean = self.shared.manner.pause.as_secs_f64();
        let pause = Duration::from_secs_f64(mean * self.random.random_range(0.5..1.5));
        self.next_message = Instant::now() + pause;
        let room = self.random.random_range(0..self.rooms.len());
        if self.rooms[room].outbox.len() < PATIENCE.max(self.shared.manner.window) {
            self.add(room, false);
        }
    }

    /// The first client of a room writes its marker, once.
    fn mark(&mut self) {
        if !self.marked {
            self.marked = true;
            if self.rooms[0].index == self.index {
                self.add(0, true);
            }
        }
    }

    fn add(&mut self, room: usize, marker: bool) {
        let cid = Cid(uuid::Builder::from_random_bytes(self.random.random()).into_uuid());
        let room = &mut self.rooms[room];
        let said = Said {
            client: self.index,
            room: room.index,
            n: room.written,
            at: clock::now(),
            marker,
        };
        room.written += 1;
        room.outbox.push_back(Entry {
            cid,
            said,
            attempt: 0,
            in_flight: None,
            not_before: Instant::now(),
        });
        self.shared.stats.count(|stats| &stats.waiting, true);
    }

    /// Sends what may be sent.
    async fn drain(&mut self, socket: &mut Socket) -> Result<(), Gone> {
        let now = Instant::now();
        let manner = self.shared.manner;
        for room in &mut self.rooms {
            let hung = |entry: &Entry| entry.in_flight.is_some_and(|since| now - since > ANSWER);
            if room.outbox.iter().any(hung) {
                return Err(Gone("hung".to_owned()));
            }
            let (index, name) = (room.index, room.name.clone());
            while let Some(entry) = room.due(now, manner.window) {
                if entry.attempt > 0 && manner.new_key_on_retry {
                    entry.cid = Cid(Uuid::new_v4());
                    entry.attempt = 0;
                }
                entry.attempt += 1;
                entry.in_flight = Some(now);
                let post = ClientFrame::PostMessage(PostMessage {
                    cid: entry.cid,
                    attempt: entry.attempt,
                    room: name.clone(),
                    message: entry.said.to_string(),
                });
                self.history.add(Event::Send {
                    t: clock::now(),
                    room: index,
                    cid: entry.cid,
                    n: entry.said.n,
                    attempt: entry.attempt,
                });
                self.shared.stats.sends.fetch_add(1, Relaxed);
                socket.send(post.encode().into()).await?;
            }
        }
        Ok(())
    }

    /// Asks for pages that are needed.
    async fn ask(&mut self, socket: &mut Socket) -> Result<(), Gone> {
        let now = Instant::now();
        for room in &mut self.rooms {
            if room.syncing.is_some_and(|(since, _)| now - since > PAGE) {
                room.syncing = None;
                room.sync_at = Some(now);
            }
            if room.sync_at.is_none_or(|at| at > now) {
                continue;
            }
            room.sync_at = None;
            room.syncing = Some((now, clock::now()));
            let frame = if room.joined {
                ClientFrame::SyncRoom(SyncRoom {
                    room: room.name.clone(),
                    after: room.last,
                    before: None,
                    around: None,
                    limit: None,
                    epoch: room.epoch,
                })
            } else {
                ClientFrame::JoinRoom(JoinRoom {
                    room: room.name.clone(),
                    epoch: room.epoch,
                    after: room.last,
                })
            };
            socket.send(frame.encode().into()).await?;
        }
        Ok(())
    }

    fn room(&mut self, name: &RoomName) -> Option<&mut Room> {
        self.rooms.iter_mut().find(|room| room.name == *name)
    }

    fn frame(&mut self, text: &str) -> Result<(), Gone> {
        let t = clock::now();
        let frame = match ServerFrame::decode(text) {
            Ok(frame) => frame,
            Err(error) => {
                let what = format!("a frame that cannot be read: {error:?}");
                self.history.add(Event::Refused { t, what });
                return Ok(());
            }
        };
        match frame {
            ServerFrame::Message(message) => self.live(&message),
            ServerFrame::RoomJoined(page) | ServerFrame::RoomPage(page) => self.page(&page),
            ServerFrame::Ack(ack) => {
                self.history.add(Event::Ack {
                    t,
                    cid: ack.cid,
                    id: ack.id,
                    seq: ack.seq,
                });
                self.shared.stats.acks.fetch_add(1, Relaxed);
                self.settle(|_, _, entry| entry.cid == ack.cid);
                let room = self
                    .rooms
                    .iter()
                    .find(|room| room::id_of(&self.user, &room.name, ack.cid) == ack.id);
                let room = room.map(|room| (room.index, room.name.clone()));
                if let Some((index, name)) = room
                    && self.random.random_range(0..1_000) < self.shared.manner.probes
                {
                    self.probe(index, name, ack.seq);
                }
            }
            ServerFrame::Nack(nack) => {
                self.history.add(Event::Nack {
                    t,
                    cid: nack.cid,
                    code: nack.code,
                    retry: nack.retry,
                });
                let wait = Duration::from_millis(nack.after_ms.unwrap_or(1_000));
                if nack.retry {
                    let entries = self.rooms.iter_mut().flat_map(|room| &mut room.outbox);
                    for entry in entries.filter(|entry| entry.cid == nack.cid) {
                        entry.in_flight = None;
                        entry.not_before = Instant::now() + wait;
                    }
                } else {
                    self.settle(|_, _, entry| entry.cid == nack.cid);
                }
            }
            ServerFrame::RoomError(error) => {
                if !error.retry {
                    let what = format!("{}: {:?}", error.room, error.code);
                    self.history.add(Event::Refused { t, what });
                }
                let wait = Duration::from_millis(error.after_ms.unwrap_or(500));
                if let Some(room) = self.room(&error.room) {
                    room.syncing = None;
                    room.sync_at = Some(Instant::now() + wait);
                }
            }
            ServerFrame::RoomResync(resync) => {
                if let Some(room) = self.room(&resync.room) {
                    room.want_page(Instant::now());
                }
            }
            ServerFrame::Pong(pong) => {
                for room in &mut self.rooms {
                    let head = pong.heads.get(&room.name).copied();
                    if room.joined
                        && head.is_some_and(|head| room.last.is_none_or(|last| head > last))
                    {
                        room.want_page(Instant::now());
                    }
                }
            }
            ServerFrame::Error(error) => {
                let what = format!("{:?}: {}", error.code, error.message);
                self.history.add(Event::Refused { t, what });
            }
            ServerFrame::Bye(bye) => return Err(Gone(format!("bye {:?}", bye.why))),
            ServerFrame::Welcome(_)
            | ServerFrame::Profile(_)
            | ServerFrame::RoomLeft(_)
            | ServerFrame::RoomActivity(_) => {}
        }
        Ok(())
    }

    fn live(&mut self, message: &Arc<Message>) {
        let Some(room) = self.room(&message.room) else {
            return;
        };
        if let Some(item) = room.live(message) {
            self.seen(item);
        }
    }

    fn page(&mut self, page: &Page) {
        let (t, server) = (clock::now(), self.server);
        let Some(room) = self.room(&page.room) else {
            return;
        };
        let asked = room.syncing.map_or(t, |(_, asked)| asked);
        let index = room.index;
        let turned = room.page(page);
        if turned.again {
            room.want_page(Instant::now());
        }
        self.history.add(Event::Page {
            t,
            asked,
            room: index,
            server,
            after: page.after.filter(|_| !page.reset),
            head: page.head,
            more: page.more,
            items: turned.items.clone(),
        });
        if turned.anew {
            let forced = page.reset;
            self.history.add(Event::Reset {
                t,
                room: index,
                forced,
            });
        }
        for item in &turned.items {
            self.note(item, false);
        }
        for item in turned.released {
            self.seen(item);
        }
    }

    fn seen(&mut self, item: Item) {
        self.note(&item, true);
        self.history.add(Event::Recv {
            t: clock::now(),
            item,
        });
    }

    /// What a record on the screen means to the run: a delivery, a marker, the end of an own send.
    fn note(&mut self, item: &Item, live: bool) {
        let Some(said) = item.said.filter(|_| item.shown) else {
            return;
        };
        if live {
            self.shared.stats.delivered(said.at);
        }
        if said.marker {
            self.shared.stats.count(|stats| &stats.markers, true);
        }
        if said.client == self.index {
            let id = item.id;
            self.settle(|user, room, entry| room::id_of(user, room, entry.cid) == id);
        }
    }

    fn settle(&mut self, is_it: impl Fn(&UserId, &RoomName, &Entry) -> bool) {
        for room in &mut self.rooms {
            let name = room.name.clone();
            if room
                .settle(|entry| is_it(&self.user, &name, entry))
                .is_some()
            {
                self.shared.stats.count(|stats| &stats.waiting, false);
                return;
            }
        }
    }

    /// Asks another server for what was just acknowledged: one that lags must wait, not deny.
    fn probe(&mut self, room: usize, name: RoomName, seq: i64) {
        let server = self.random.random_range(0..self.shared.servers.len());
        let address = self.shared.servers[server];
        let t = clock::now();
        self.probes.spawn(async move {
            let read = async |query: String| -> Option<Page> {
                let path = format!("/api/rooms/{name}/messages?{query}");
                let (status, body) = http::get(address, &path).await.ok()?;
                (status == 200).then(|| serde_json::from_slice(&body).ok())?
            };
            // The first waits until the server has come so far; from then on the record must be there.
            let reached = read(format!("after={seq}")).await?;
            let below = seq - 1;
            let page = read(format!("after={below}&records=true&limit=1")).await?;
            let found = !reached.reset
                && reached.head >= seq
                && page.items.first().is_some_and(|item| item.seq == seq);
            Some(Event::Probe {
                t,
                room,
                server,
                seq,
                found,
            })
        });
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
