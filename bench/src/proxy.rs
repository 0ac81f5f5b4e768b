//! The chaos proxy: stands on one edge between two programs and does to their connections what networks do.
//!
//! A connection is two pumps, one per direction. [`Proxy::set`] changes what all of them do from now on; the other calls
//! break something once. Nothing is ever reordered, and no byte is lost on a connection that stays open: a black hole
//! holds bytes back, as TCP would.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

/// What an edge does to everything that passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Nothing.
    #[default]
    Pass,
    /// Every byte arrives later, in both directions.
    Delay(Duration),
    /// Nothing arrives, in neither direction; connections stay open, new ones are taken and hang.
    BlackHole,
}

/// What becomes of the connection whose response is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It is closed: the client sees an error at once and knows nothing about the outcome.
    Cut,
    /// It stays open and silent: the client must time out by itself.
    Silence,
}

/// Tells the requests whose responses shall be dropped, by the bytes that they begin with.
pub type Matches = fn(&[u8]) -> bool;

/// A proxy on one edge. It ends when it is dropped, and with it every connection.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    edge: Arc<Edge>,
}

#[derive(Debug)]
struct Edge {
    upstream: SocketAddr,
    mode: watch::Sender<Mode>,
    /// Connections of an earlier round are to end.
    round: watch::Sender<u64>,
    /// Connections of an earlier round lose their upstream and stay open towards the client.
    half_open: watch::Sender<u64>,
    /// After so many bytes a connection is torn, again and again; 0: never.
    tear_every: AtomicUsize,
    /// Bytes of all connections since then.
    carried: AtomicUsize,
    torn: AtomicU64,
    drops: AtomicU32,
    drop_by: parking_lot::Mutex<Option<(Matches, Then)>>,
    dropped: AtomicU64,
    open: AtomicU64,
}

impl Proxy {
    /// A proxy to `upstream`, on a free port of its own.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start(upstream: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Self::on(listener, upstream)
    }

    /// The same on a listener that is there already.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn on(listener: TcpListener, upstream: SocketAddr) -> std::io::Result<Self> {
        let edge = Arc::new(Edge {
            upstream,
            mode: watch::Sender::default(),
            round: watch::Sender::default(),
            half_open: watch::Sender::default(),
            tear_every: AtomicUsize::new(0),
            carried: AtomicUsize::new(0),
            torn: AtomicU64::new(0),
            drops: AtomicU32::new(0),
            drop_by: parking_lot::Mutex::new(None),
            dropped: AtomicU64::new(0),
            open: AtomicU64::new(0),
        });
        let address = listener.local_addr()?;
        tokio::spawn(Arc::clone(&edge).accept(listener));
        Ok(Self { address, edge })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Does this to everything from now on.
    pub fn set(&self, mode: Mode) {
        self.edge.mode.send_replace(mode);
    }

    /// Closes every connection.
    pub fn cut(&self) {
        self.edge.round.send_modify(|round| *round += 1);
    }

    /// Every connection is dead from now on, and the clients do not hear of it. New ones work.
    pub fn half_open(&self) {
        self.edge.half_open.send_modify(|round| *round += 1);
    }

    /// Whenever so many bytes have passed in all, the connection that carries the last of them is closed behind it,
    /// wherever in a frame that is.
    pub fn tear_every(&self, bytes: usize) {
        self.edge.torn.store(0, Relaxed);
        self.edge.carried.store(0, Relaxed);
        self.edge.tear_every.store(bytes, Relaxed);
    }

    /// How many connections were torn since that was asked for.
    pub fn torn(&self) -> u64 {
        self.edge.torn.load(Relaxed)
    }

    /// Drops the responses to the next so many requests that match.
    pub fn drop_responses(&self, count: u32, matches: Matches, then: Then) {
        self.edge.dropped.store(0, Relaxed);
        *self.edge.drop_by.lock() = Some((matches, then));
        self.edge.drops.store(count, Relaxed);
    }

    /// How many responses were dropped since that was asked for.
    pub fn dropped(&self) -> u64 {
        self.edge.dropped.load(Relaxed)
    }

    /// How many connections are open.
    pub fn open(&self) -> u64 {
        self.edge.open.load(Relaxed)
    }

    /// Ends everything that is still to come. Connections stay as they are.
    pub fn heal(&self) {
        self.set(Mode::Pass);
        self.edge.tear_every.store(0, Relaxed);
        self.edge.drops.store(0, Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The accepting task looks at the round: the largest one means the end.
        self.edge.round.send_replace(u64::MAX);
    }
}

impl Edge {
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut round = self.round.subscribe();
        loop {
            tokio::select! {
                accepted = listener.accept() => if let Ok((client, _)) = accepted {
                    tokio::spawn(Arc::clone(&self).connection(client));
                },
                _ = round.wait_for(|round| *round == u64::MAX) => return,
            }
        }
    }

    /// How many of the next so many bytes pass before the connection is to be torn; none: all of them, and it stays.
    fn until_torn(&self, count: usize) -> Option<usize> {
        let every = self.tear_every.load(Relaxed);
        if every == 0 {
            return None;
        }
        let left = every - self.carried.fetch_add(count, Relaxed) % every;
        (left <= count).then_some(left)
    }

    async fn connection(self: Arc<Self>, client: TcpStream) {
        let (mut round, mut half_open) = (self.round.subscribe(), self.half_open.subscribe());
        let (now, half_now) = (*round.borrow_and_update(), *half_open.borrow_and_update());
        let mut mode = self.mode.subscribe();
        let connected = async {
            // The far end of a black hole does not even answer the handshake.
            let _ = mode.wait_for(|mode| *mode != Mode::BlackHole).await;
            TcpStream::connect(self.upstream).await
        };
        let upstream = tokio::select! {
            upstream = connected => upstream,
            () = other_than(&mut round, now) => return,
        };
        let Ok(upstream) = upstream else { return };
        let _ = (client.set_nodelay(true), upstream.set_nodelay(true));
        let open = Arc::new(Open {
            edge: Arc::clone(&self),
            drop_next: AtomicBool::new(false),
        });
        self.open.fetch_add(1, Relaxed);
        let (from_client, to_client) = client.into_split();
        let (from_upstream, to_upstream) = upstream.into_split();
        let mut later = round.clone();
        let both = async {
            tokio::select! {
                () = open.pump(from_client, to_upstream, Direction::Request) => {}
                () = open.pump(from_upstream, to_client, Direction::Response) => {}
            }
        };
        tokio::pin!(both);
        tokio::select! {
            () = &mut both => {}
            () = other_than(&mut round, now) => {}
            // The pumps stand still and hold the client's socket open.
            () = other_than(&mut half_open, half_now) => other_than(&mut later, now).await,
        }
        self.open.fetch_sub(1, Relaxed);
    }
}

/// Waits until something else stands there.
async fn other_than(receiver: &mut watch::Receiver<u64>, value: u64) {
    let _ = receiver.wait_for(|now| *now != value).await;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Request,
    Response,
}

/// One connection.
struct Open {
    edge: Arc<Edge>,
    drop_next: AtomicBool,
}

impl Open {
    /// Carries bytes until the connection is to end.
    async fn pump(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, direction: Direction) {
        let (later, mut due) = mpsc::channel::<(Instant, Vec<u8>)>(1_024);
        // Moves the sender: what is still queued when the reading ends is written before the connection ends.
        let read = async move {
            let mut buffer = vec![0; 64 << 10];
            loop {
                let Ok(count @ 1..) = from.read(&mut buffer).await else {
                    return;
                };
                let torn = self.edge.until_torn(count);
                let bytes = &buffer[..torn.unwrap_or(count)];
                if !self.passes(bytes, direction).await {
                    return;
                }
                let at = match *self.edge.mode.borrow() {
                    Mode::Delay(delay) => Instant::now() + delay,
                    Mode::Pass | Mode::BlackHole => Instant::now(),
                };
                if later.send((at, bytes.to_vec())).await.is_err() {
                    return;
                }
                if torn.is_some() {
                    self.edge.torn.fetch_add(1, Relaxed);
                    return;
                }
            }
        };
        let write = async {
            let mut mode = self.edge.mode.subscribe();
            while let Some((at, bytes)) = due.recv().await {
                sleep_until(at).await;
                let _ = mode.wait_for(|mode| *mode != Mode::BlackHole).await;
                if to.write_all(&bytes).await.is_err() {
                    return;
                }
            }
        };
        tokio::pin!(write);
        tokio::select! { () = read => {}, () = &mut write => return }
        write.await;
    }

    /// Whether the bytes go on; if not, the connection ends.
    async fn passes(&self, bytes: &[u8], direction: Direction) -> bool {
        let edge = &self.edge;
        let Some((matches, then)) = *edge.drop_by.lock() else {
            return true;
        };
        match direction {
            Direction::Request => {
                let takes = |drops: u32| drops.checked_sub(1);
                if matches(bytes) && edge.drops.fetch_update(Relaxed, Relaxed, takes).is_ok() {
                    self.drop_next.store(true, Relaxed);
                }
                true
            }
            Direction::Response if self.drop_next.swap(false, Relaxed) => {
                edge.dropped.fetch_add(1, Relaxed);
                if then == Then::Silence {
                    std::future::pending::<()>().await;
                }
                false
            }
            Direction::Response => true,
        }
    }
}
