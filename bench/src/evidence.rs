//! Everything that the checks look at: what clients lived through, and what store, log and servers hold in the end.

use std::{
    collections::HashMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures::future::join_all;
use sphere_protocol::{Kind, MessageId, Page, RoomName, Seq, UserId};

use crate::{
    Failure,
    cluster::{Cluster, Ground, PARTITIONS, room_name},
    history::{History, Said},
    http,
};

/// How long a server may refuse to tell a page in the end, when nothing is broken any more.
const PATIENCE: Duration = Duration::from_secs(3);

/// Everything, in one shape: numbers for rooms, clients and servers.
#[derive(Debug, Default)]
pub struct Evidence {
    /// One per client, by its number.
    pub clients: Vec<Vec<crate::history::Event>>,
    /// The user of each client.
    pub users: Vec<UserId>,
    /// The name of each room.
    pub rooms: Vec<RoomName>,
    /// The rooms of each client.
    pub joined: Vec<Vec<usize>>,
    /// The rows of the store.
    pub store: Vec<Row>,
    /// The log.
    pub log: Vec<Logged>,
    /// Per partition: where its log ends and how far the store says that it is, both as `seq`.
    pub ends: Vec<(Seq, Seq)>,
    /// Records that nobody could read.
    pub dead_letters: i64,
    /// What each server answers in the end, room by room.
    pub views: Vec<View>,
    /// Servers that did not tell a room.
    pub untold: Vec<String>,
    /// Whether every room got its marker written.
    pub marked: bool,
}

/// A row of the store.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The room.
    pub room: usize,
    /// The place.
    pub seq: Seq,
    /// The id.
    pub id: MessageId,
    /// Whether it is a repeat's own row.
    pub void: bool,
    /// What it says; none for a void, and for what no client of ours can have written.
    pub said: Option<Said>,
}

/// A record of the log.
#[derive(Debug, Clone, Copy)]
pub struct Logged {
    /// The room.
    pub room: usize,
    /// The place that follows from its offset.
    pub seq: Seq,
    /// The id; a repeat has the same.
    pub id: MessageId,
}

/// A room as a server tells it in the end.
#[derive(Debug)]
pub struct View {
    /// The server.
    pub server: usize,
    /// The room.
    pub room: usize,
    /// Place, id, and whether it is a repeat's own record.
    pub records: Vec<(Seq, MessageId, bool)>,
}

impl Evidence {
    /// Reads all of it.
    ///
    /// # Errors
    /// When some part does not answer: then nothing is proven.
    pub async fn gather(
        ground: &Ground,
        cluster: &Cluster,
        histories: Vec<History>,
        users: Vec<UserId>,
        joined: Vec<Vec<usize>>,
    ) -> Result<Self, Failure> {
        let names: Vec<String> = (0..cluster.shape.rooms).map(room_name).collect();
        let number: HashMap<&str, usize> = names
            .iter()
            .enumerate()
            .map(|(number, name)| (name.as_str(), number))
            .collect();
        let find = |name: &str| {
            let number = number.get(name).copied();
            number.ok_or_else(|| format!("there is a room {name:?} that nobody made"))
        };
        let mut store = Vec::new();
        for stored in cluster.database.messages().await? {
            store.push(Row {
                room: find(&stored.room)?,
                seq: stored.seq,
                id: stored.id,
                void: stored.void,
                said: Said::parse(&stored.body),
            });
        }
        let offsets = cluster.database.offsets().await?;
        let ends = ground.kafka.ends(&cluster.shape.name, PARTITIONS).await?;
        let base = |partition: i32| {
            let partition = usize::try_from(partition).unwrap_or_default();
            offsets.get(partition).map_or(0, |(base, _)| *base)
        };
        let mut log = Vec::new();
        for (partition, offset, record) in
            ground.kafka.dump(&cluster.shape.name, PARTITIONS).await?
        {
            log.push(Logged {
                room: find(record.room.as_str())?,
                seq: base(partition) + offset,
                id: record.id,
            });
        }
        let servers = cluster.servers.iter().enumerate();
        let told = servers.map(|(server, node)| tell(server, node.direct(), &names));
        let (mut views, mut untold) = (Vec::new(), Vec::new());
        for (rooms, failure) in join_all(told).await {
            views.extend(rooms);
            untold.extend(failure);
        }
        Ok(Self {
            clients: histories
                .into_iter()
                .map(|history| history.events)
                .collect(),
            users,
            rooms: names.into_iter().map(RoomName::from).collect(),
            joined,
            store,
            log,
            ends: ends
                .into_iter()
                .zip(offsets)
                .map(|(end, (base, next))| (base + end, base + next))
                .collect(),
            dead_letters: cluster.database.dead_letters().await?,
            views,
            untold,
            marked: true,
        })
    }
}

/// All rooms as a server tells them, up to the first one that it does not tell.
async fn tell(server: usize, address: SocketAddr, names: &[String]) -> (Vec<View>, Option<String>) {
    let mut views = Vec::new();
    for (room, name) in names.iter().enumerate() {
        match walk(address, name).await {
            Ok(records) => views.push(View {
                server,
                room,
                records,
            }),
            Err(error) => {
                let failure = format!("server {server} does not tell room {room}: {error}");
                return (views, Some(failure));
            }
        }
    }
    (views, None)
}

/// Every record of a room, as a server tells it.
async fn walk(server: SocketAddr, room: &str) -> Result<Vec<(Seq, MessageId, bool)>, Failure> {
    let mut records = Vec::new();
    let mut after = -1;
    loop {
        let path = format!("/api/rooms/{room}/messages?after={after}&records=true&limit=200");
        let page = page(server, &path).await?;
        for item in &page.items {
            records.push((item.seq, item.id, item.kind == Kind::Void));
        }
        match page.items.last() {
            Some(last) if page.more => after = last.seq,
            _ => return Ok(records),
        }
    }
}

/// A server may say that it cannot answer now, but not for ever.
async fn page(server: SocketAddr, path: &str) -> Result<Page, Failure> {
    let began = Instant::now();
    loop {
        let why = match http::get(server, path).await {
            Ok((200, body)) => return Ok(serde_json::from_slice(&body)?),
            Ok((status, _)) => format!("status {status}"),
            Err(error) => error.to_string(),
        };
        if began.elapsed() > PATIENCE {
            return Err(format!("{server} does not answer {path}: {why}").into());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
