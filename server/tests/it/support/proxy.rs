//! A wire between a server and one of its parts that a test may hang or cut.
//!
//! Hung, it is a black hole: connections stand, bytes wait, nobody is told. Cut, every connection breaks and new ones break
//! at once. A Kafka client connects to the addresses that the broker names; for it the wire writes itself into the answers.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Open,
    Hung,
    Cut,
}

/// The wire.
pub(crate) struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.accepting.abort();
    }
}

impl Proxy {
    /// A wire to `host:port`.
    pub(crate) async fn to(upstream: &str) -> Self {
        Self::start(upstream, None).await
    }

    /// A wire to a Kafka broker.
    pub(crate) async fn to_kafka(upstream: &str) -> Self {
        Self::start(upstream, Some(None)).await
    }

    /// A wire to a Kafka broker that seems to know other versions of fetching.
    pub(crate) async fn to_kafka_that_fetches(upstream: &str, versions: (i16, i16)) -> Self {
        Self::start(upstream, Some(Some(versions))).await
    }

    async fn start(upstream: &str, kafka: Option<Option<(i16, i16)>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mode = watch::Sender::new(Mode::Open);
        let (watched, upstream) = (mode.clone(), upstream.to_owned());
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let modes = watched.subscribe();
                let named = kafka.map(|fetch| Answers::new(address.port(), fetch));
                tokio::spawn(wire(client, upstream.clone(), modes, named));
            }
        });
        Self {
            address,
            mode,
            accepting,
        }
    }

    /// Where it begins.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// The same URL by way of this wire.
    pub(crate) fn url(&self, url: &str) -> String {
        let from = authority(url);
        url.replacen(&from, &self.address(), 1)
    }

    /// Nothing comes through, and nobody is told.
    pub(crate) fn hang(&self) {
        self.mode.send_replace(Mode::Hung);
    }

    /// Every connection breaks.
    pub(crate) fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
    }

    /// What waited goes on.
    pub(crate) fn open(&self) {
        self.mode.send_replace(Mode::Open);
    }
}

/// `host:port` of a URL.
pub(crate) fn authority(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split('/').next().unwrap().to_owned()
}

async fn wire(
    client: TcpStream,
    upstream: String,
    mut modes: watch::Receiver<Mode>,
    named: Option<Answers>,
) {
    let mut ends = modes.clone();
    let joined = async move {
        passable(&mut modes).await?;
        let server = TcpStream::connect(upstream).await.ok()?;
        let ((from_client, to_client), (from_server, to_server)) =
            (client.into_split(), server.into_split());
        let there = pump(from_client, to_server, modes.clone(), named.clone(), true);
        let back = pump(from_server, to_client, modes, named, false);
        tokio::select! { end = there => end, end = back => end }
    };
    tokio::select! {
        _ = joined => {}
        _ = ends.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}

/// Waits until something may come through.
async fn passable(modes: &mut watch::Receiver<Mode>) -> Option<()> {
    modes.wait_for(|mode| *mode == Mode::Open).await.ok()?;
    Some(())
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut modes: watch::Receiver<Mode>,
    named: Option<Answers>,
    requests: bool,
) -> Option<()> {
    let mut bytes = vec![0; 64 << 10];
    loop {
        let chunk = match &named {
            None => {
                let count = from
                    .read(&mut bytes)
                    .await
                    .ok()
                    .filter(|count| *count > 0)?;
                bytes[..count].to_vec()
            }
            Some(answers) => {
                let length = from.read_i32().await.ok()?;
                let mut frame = vec![0; usize::try_from(length).ok()?];
                from.read_exact(&mut frame).await.ok()?;
                if requests {
                    answers.asked(&frame);
                } else {
                    answers.answered(&mut frame);
                }
                [&length.to_be_bytes()[..], &frame].concat()
            }
        };
        passable(&mut modes).await?;
        to.write_all(&chunk).await.ok()?;
    }
}

/// The answers that are changed on the way: which brokers there are, and what they speak. In the versions that rskafka asks
/// for.
#[derive(Clone)]
struct Answers {
    port: u16,
    fetch: Option<(i16, i16)>,
    open: Arc<Mutex<HashMap<[u8; 4], Asked>>>,
}

/// A request that is not answered yet.
struct Asked {
    key: u8,
    version: u8,
}

const FETCH: [u8; 2] = [0, 1];
const METADATA: u8 = 3;
const API_VERSIONS: u8 = 18;

impl Answers {
    fn new(port: u16, fetch: Option<(i16, i16)>) -> Self {
        Self {
            port,
            fetch,
            open: Arc::default(),
        }
    }

    fn asked(&self, frame: &[u8]) {
        let (key, version) = (frame[1], frame[3]);
        if key == METADATA || key == API_VERSIONS {
            let id = frame[4..8].try_into().unwrap();
            self.open.lock().unwrap().insert(id, Asked { key, version });
        }
    }

    fn answered(&self, frame: &mut [u8]) {
        let id: [u8; 4] = frame[..4].try_into().unwrap();
        let asked = self.open.lock().unwrap().remove(&id);
        match (asked, self.fetch) {
            (Some(asked), _) if asked.key == METADATA => self.brokers(frame, asked.version),
            (Some(asked), Some(fetch)) if asked.version == 3 => Self::versions(frame, fetch),
            _ => {}
        }
    }

    /// Puts our port in the place of every broker's.
    fn brokers(&self, frame: &mut [u8], version: u8) {
        let text = |frame: &[u8], at: usize| {
            let length = i16::from_be_bytes(frame[at..at + 2].try_into().unwrap());
            2 + usize::try_from(length).unwrap_or(0)
        };
        let mut at = if version >= 3 { 8 } else { 4 };
        let brokers = i32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
        at += 4;
        for _ in 0..brokers {
            at += 4;
            at += text(frame, at);
            frame[at..at + 4].copy_from_slice(&u32::from(self.port).to_be_bytes());
            at += 4;
            if version >= 1 {
                at += text(frame, at);
            }
        }
    }

    /// Correlation, error, number of entries in one byte; an entry is key, lowest, highest, and one byte of nothing.
    fn versions(frame: &mut [u8], (lowest, highest): (i16, i16)) {
        for entry in frame[7..].chunks_exact_mut(7) {
            if entry[..2] == FETCH {
                entry[2..4].copy_from_slice(&lowest.to_be_bytes());
                entry[4..6].copy_from_slice(&highest.to_be_bytes());
            }
        }
    }
}
