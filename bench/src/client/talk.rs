//! What a client does while it is connected: it writes, sends what may be sent, asks for pages, and notices silence.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use futures::{SinkExt as _, StreamExt as _};
use rand::Rng as _;
use sphere_protocol::{
    Cid, ClientFrame,
    client::{JoinRoom, Ping, PostMessage, SyncRoom},
};
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite;
use uuid::Uuid;

use super::{Client, Gone, Phase, Socket, room::Entry};
use crate::{
    clock,
    history::{Event, Said},
};

/// How often a client asks for the heads of its rooms. The real one does every 20 s; the run has less time.
const PING: Duration = Duration::from_secs(2);
/// A server that says nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(6);
/// A page that does not come is asked for again.
const PAGE: Duration = Duration::from_secs(5);
/// A send without an answer in this time is an anomaly; the client then takes another connection.
const ANSWER: Duration = Duration::from_secs(16);
/// Messages of a room that may wait before the client writes no more.
const PATIENCE: usize = 2;

impl Client {
    pub(super) async fn talk(&mut self, mut socket: Socket) -> Gone {
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
}
