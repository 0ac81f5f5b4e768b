//! The real binary, killed in mid-load again and again: nothing that was acknowledged is lost, nothing is doubled, and
//! everybody reads the same order.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{sleep, timeout},
};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    Client, Got, Person, Process, View, cid, eventually, files, http, server::UNLIMITED, view::row,
    within,
};

const ROUNDS: usize = 20;
const ACKS_PER_ROUND: usize = 120;
const ACKS: usize = 2_000;
const WRITERS: usize = 4;
const ROOMS: [&str; 4] = ["room1", "room2", "room3", "room4"];
/// In these rounds the kill comes within 300 ms of the start.
const EARLY: [usize; 2] = [6, 13];
const EARLY_MS: u64 = 300;

/// What everybody knows of the server.
#[derive(Clone)]
struct World {
    address: watch::Receiver<Option<SocketAddr>>,
    acks: Arc<AtomicUsize>,
    /// Writers finish what they have begun.
    enough: Arc<AtomicBool>,
}

impl World {
    /// A socket, as soon as there is a server that gives one.
    async fn connect(&mut self, hello: &Value) -> Client {
        loop {
            let address = self
                .address
                .wait_for(Option::is_some)
                .await
                .unwrap()
                .unwrap();
            let attempt = async {
                let stream = TcpStream::connect(address).await.ok()?;
                let mut client = Client::try_over(stream, address).await?;
                let hello = json!({"event": "hello", "data": hello}).to_string();
                client
                    .try_message(Message::text(hello))
                    .await
                    .then_some(client)
            };
            match timeout(Duration::from_secs(5), attempt).await {
                Ok(Some(client)) => return client,
                _ => sleep(Duration::from_millis(10)).await,
            }
        }
    }
}

/// A send in the outbox.
struct Entry {
    cid: String,
    attempt: u32,
    n: usize,
}

impl Entry {
    fn new(n: usize) -> Self {
        Self {
            cid: cid(),
            attempt: 0,
            n,
        }
    }
}

/// An acknowledgement.
struct Acked {
    room: &'static str,
    seq: i64,
    id: String,
    text: String,
}

/// Writes to all rooms, one send in flight in each, by the rules of the outbox: the key and the text of a send never
/// change, its attempt is counted before it is sent, and the next one waits for the ack.
async fn write(mut world: World, name: usize) -> Vec<Acked> {
    let person = Person::new("Ada");
    let mut outbox: BTreeMap<&str, Entry> =
        ROOMS.iter().map(|room| (*room, Entry::new(0))).collect();
    let mut acked = Vec::new();
    while !outbox.is_empty() {
        let mut client = world.connect(&person.hello()).await;
        let mut due: Vec<&str> = outbox.keys().copied().collect();
        'connected: loop {
            for room in due.drain(..) {
                let entry = outbox.get_mut(room).unwrap();
                entry.attempt += 1;
                let data = json!({"cid": entry.cid, "attempt": entry.attempt, "room": room, "message": text(name, room, entry.n)});
                let post = json!({"event": "event:message", "data": data});
                if !client.try_message(Message::text(post.to_string())).await {
                    break 'connected;
                }
            }
            let Got::Frame(frame) = within("an answer", client.got()).await else {
                break;
            };
            let Some((room, n)) = outbox
                .iter()
                .find(|(_, entry)| frame["cid"] == *entry.cid)
                .map(|(room, entry)| (*room, entry.n))
            else {
                continue;
            };
            if frame.event == "message:nack" {
                assert_eq!(frame["retry"], true, "{frame:?}");
                sleep(Duration::from_millis(
                    frame["afterMs"].as_u64().unwrap_or(100),
                ))
                .await;
                due.push(room);
                continue;
            }
            let (seq, id) = (
                frame["seq"].as_i64().unwrap(),
                frame["id"].as_str().unwrap().to_owned(),
            );
            acked.push(Acked {
                room: ROOMS.iter().find(|name| **name == room).unwrap(),
                seq,
                id,
                text: text(name, room, n),
            });
            world.acks.fetch_add(1, Ordering::Relaxed);
            if world.enough.load(Ordering::Relaxed) {
                outbox.remove(room);
                if outbox.is_empty() {
                    break;
                }
            } else {
                outbox.insert(room, Entry::new(n + 1));
                due.push(room);
            }
        }
    }
    acked
}

fn text(writer: usize, room: &str, n: usize) -> String {
    format!("{writer}:{room}:{n}")
}

/// Reads all rooms, comes back after every kill, and stops when it stands at the heads that it is told.
async fn read(mut world: World, mut heads: watch::Receiver<Option<HashMap<String, i64>>>) -> View {
    let mut view = View::default();
    loop {
        let hello = json!({"v": 1, "rooms": view.rooms(&ROOMS)});
        let mut client = world.connect(&hello).await;
        view.disconnected();
        loop {
            if heads
                .borrow()
                .as_ref()
                .is_some_and(|heads| heads.iter().all(|(room, head)| view.last(room) >= *head))
            {
                return view;
            }
            let got = tokio::select! {
                got = client.got() => got,
                changed = heads.changed() => {
                    changed.unwrap();
                    continue;
                }
            };
            let Got::Frame(frame) = got else { break };
            if let Some(sync) = view.apply(frame) {
                let sync = json!({"event": "sync:room", "data": sync});
                if !client.try_message(Message::text(sync.to_string())).await {
                    break;
                }
            }
        }
    }
}

/// Starts the server, lets people talk, kills it; says how long after the start.
async fn round(
    folder: &TempDir,
    address: &watch::Sender<Option<SocketAddr>>,
    acks: &AtomicUsize,
    early: bool,
) -> Duration {
    let before = acks.load(Ordering::Relaxed);
    let began = Instant::now();
    let mut process = Process::spawn(folder.path(), &UNLIMITED).await;
    address.send_replace(Some(process.address));
    if early {
        // As late as the promise allows, so that as much as possible is going on.
        sleep(Duration::from_millis(EARLY_MS - 20).saturating_sub(began.elapsed())).await;
    } else {
        eventually("the acks of a round", async || {
            acks.load(Ordering::Relaxed) >= before + ACKS_PER_ROUND
        })
        .await;
    }
    process.kill().await;
    address.send_replace(None);
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_in_mid_load_lose_nothing_double_nothing_and_disorder_nothing() {
    let folder = TempDir::new().unwrap();
    let (address, known) = watch::channel(None);
    let (heads, told) = watch::channel(None);
    let world = World {
        address: known,
        acks: Arc::default(),
        enough: Arc::default(),
    };
    let acks = Arc::clone(&world.acks);
    let writers: Vec<_> = (0..WRITERS)
        .map(|name| tokio::spawn(write(world.clone(), name)))
        .collect();
    let readers: Vec<_> = (0..2)
        .map(|_| tokio::spawn(read(world.clone(), told.clone())))
        .collect();

    let began = Instant::now();
    let mut early = Vec::new();
    for n in 0..ROUNDS {
        if EARLY.contains(&n) {
            // On a busy machine the process may need longer than that to be there at all: then it is done again.
            for _ in 0..10 {
                let after = round(&folder, &address, &acks, true).await;
                early.push(after);
                if after <= Duration::from_millis(EARLY_MS) {
                    break;
                }
            }
        } else {
            round(&folder, &address, &acks, false).await;
        }
    }
    let killed = began.elapsed();
    let process = Process::start(folder.path()).await;
    address.send_replace(Some(process.address));
    world.enough.store(true, Ordering::Relaxed);
    let mut acked = Vec::new();
    for writer in writers {
        acked.extend(within("a writer", writer).await.unwrap());
    }
    let mut stored = BTreeMap::new();
    for room in ROOMS {
        stored.insert(room, http::records(process.address, room).await);
    }
    let head = |records: &Vec<Value>| {
        records
            .last()
            .map_or(-1, |record| record["seq"].as_i64().unwrap())
    };
    heads.send_replace(Some(
        stored
            .iter()
            .map(|(room, records)| ((*room).to_owned(), head(records)))
            .collect(),
    ));

    let mut views = Vec::new();
    for reader in readers {
        views.push(within("a reader", reader).await.unwrap());
    }
    let found = check(&stored, &acked, &views);
    println!(
        "{ROUNDS} kills in {killed:?} (early ones after {early:?}): {} acks, {} messages, {} voids, {} records seen live; {found:?}",
        acked.len(),
        found.messages,
        found.voids,
        views.iter().map(|view| view.live).sum::<usize>(),
    );
    assert_eq!(
        (found.lost, found.doubled, found.disordered, found.differing),
        (0, 0, 0, 0)
    );
    assert!(acked.len() >= ACKS, "{} acks prove too little", acked.len());
    assert!(
        early
            .iter()
            .any(|after| *after <= Duration::from_millis(EARLY_MS)),
        "{early:?}"
    );
    assert!(
        views.iter().all(|view| view.live > 500),
        "readers saw too little live"
    );
    assert_eq!(
        views
            .iter()
            .map(|view| view.gaps + view.resets)
            .sum::<usize>(),
        0
    );
    assert_eq!(
        files::count(
            &folder.path().join("store.db"),
            "SELECT COUNT(*) FROM dead_letters"
        )
        .await,
        0
    );
}

#[derive(Debug, Default)]
struct Found {
    messages: usize,
    voids: usize,
    lost: usize,
    doubled: usize,
    disordered: usize,
    differing: usize,
}

fn check(stored: &BTreeMap<&str, Vec<Value>>, acked: &[Acked], views: &[View]) -> Found {
    let mut found = Found::default();
    let (mut ids, mut texts) = (HashSet::new(), HashSet::new());
    let mut places = HashMap::new();
    for (room, records) in stored {
        let rows: Vec<_> = records
            .iter()
            .filter(|record| record["kind"] == "message")
            .map(row)
            .collect();
        found.messages += rows.len();
        found.voids += records.len() - rows.len();
        let mut next: HashMap<&str, usize> = HashMap::new();
        for (seq, id, text) in &rows {
            found.doubled += usize::from(!ids.insert(id.clone()) || !texts.insert(text.clone()));
            let (writer, n) = (
                text.split(':').next().unwrap(),
                text.rsplit(':').next().unwrap(),
            );
            let n: usize = n.parse().unwrap();
            let expected = next.entry(writer).or_default();
            found.disordered += usize::from(n != *expected);
            *expected = n + 1;
            places.insert(((*room).to_owned(), *seq), (id.clone(), text.clone()));
        }
        found.differing += views
            .iter()
            .filter(|view| view.messages(room) != rows)
            .count();
    }
    for ack in acked {
        let place = places.get(&(ack.room.to_owned(), ack.seq));
        found.lost += usize::from(place != Some(&(ack.id.clone(), ack.text.clone())));
    }
    found
}
