//! What a client makes of what the server says.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use rand::Rng as _;
use sphere_protocol::{Message, Page, RoomName, ServerFrame, UserId};
use tokio::time::Instant;

use super::{
    Client, Gone,
    room::{self, Entry, Room},
};
use crate::{
    clock,
    history::{Event, Item},
    http,
};

impl Client {
    fn room(&mut self, name: &RoomName) -> Option<&mut Room> {
        self.rooms.iter_mut().find(|room| room.name == *name)
    }

    pub(super) fn frame(&mut self, text: &str) -> Result<(), Gone> {
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
