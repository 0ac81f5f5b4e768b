//! C7, C8 and C9: the checks that look at when something happened.

use std::collections::HashMap;

use sphere_protocol::{Cid, Seq};

use super::{ANSWER, Check, Facts};
use crate::{
    clock::seconds,
    history::{Event, Item},
};

/// What a connection acknowledged is in every page that is asked for over it; and no server denies it when asked.
pub(super) fn own_writes(facts: &mut Facts<'_>) {
    let evidence = facts.evidence;
    let mut stale = Vec::new();
    for (client, events) in evidence.clients.iter().enumerate() {
        let mut rooms: HashMap<Cid, usize> = HashMap::new();
        // Acknowledged over this connection: room, place, when.
        let mut acked: Vec<(usize, Seq, u64)> = Vec::new();
        for event in events {
            match event {
                Event::Conn { .. } => acked.clear(),
                Event::Send { cid, room, .. } => {
                    rooms.insert(*cid, *room);
                }
                Event::Ack { t, cid, seq, .. } => {
                    if let Some(room) = rooms.get(cid) {
                        acked.push((*room, *seq, *t));
                    }
                }
                Event::Page {
                    asked,
                    room,
                    after,
                    more,
                    items,
                    ..
                } => {
                    let (from, to) = covers(*after, *more, items);
                    let missing = acked.iter().filter(|(of, seq, at)| {
                        of == room
                            && at < asked
                            && (from..=to).contains(seq)
                            && !items.iter().any(|item| item.seq == *seq)
                    });
                    stale.extend(missing.map(|(_, seq, _)| {
                        format!("client {client} asked for a page of room {room} after it got an ack for {seq}, which is not in it")
                    }));
                }
                Event::Probe {
                    room,
                    server,
                    seq,
                    found: false,
                    ..
                } => stale.push(format!(
                    "server {server} did not know {seq} of room {room} after client {client} got its ack"
                )),
                _ => {}
            }
        }
    }
    for what in stale {
        facts.add(Check::C7, "stale", what);
    }
}

/// The places that a page speaks for.
fn covers(after: Option<Seq>, more: bool, items: &[Item]) -> (Seq, Seq) {
    let (first, last) = (
        items.first().map(|item| item.seq),
        items.last().map(|item| item.seq),
    );
    match after {
        Some(after) => (after + 1, last.filter(|_| more).unwrap_or(Seq::MAX)),
        None => (first.filter(|_| more).unwrap_or(0), Seq::MAX),
    }
}

/// Every send is answered, or its connection ends.
pub(super) fn answers(facts: &mut Facts<'_>) {
    let evidence = facts.evidence;
    let mut wrong = Vec::new();
    for (client, events) in evidence.clients.iter().enumerate() {
        let mut open: HashMap<Cid, u64> = HashMap::new();
        let mut late = |cid: &Cid, sent: u64, end: u64| {
            if end.saturating_sub(sent) > ANSWER {
                let after = seconds(end - sent);
                wrong.push((
                    "hung",
                    format!("client {client}'s send {cid} had no answer for {after:.1} s"),
                ));
            }
        };
        let mut refused = Vec::new();
        let mut end = 0;
        for event in events {
            match event {
                Event::Send { t, cid, .. } => {
                    open.insert(*cid, *t);
                    end = *t;
                }
                Event::Ack { t, cid, .. } => {
                    if let Some(sent) = open.remove(cid) {
                        late(cid, sent, *t);
                    }
                    end = *t;
                }
                Event::Nack {
                    t,
                    cid,
                    code,
                    retry,
                } => {
                    if let Some(sent) = open.remove(cid) {
                        late(cid, sent, *t);
                    }
                    if !retry {
                        refused.push(format!("client {client}'s send {cid}: {code:?}"));
                    }
                    end = *t;
                }
                Event::Disc { t, .. } => {
                    for (cid, sent) in open.drain() {
                        late(&cid, sent, *t);
                    }
                    end = *t;
                }
                Event::Refused { t, what } => {
                    refused.push(format!("client {client}: {what}"));
                    end = *t;
                }
                Event::Recv { t, .. } | Event::Page { t, .. } => end = *t,
                Event::Conn { .. } | Event::Reset { .. } | Event::Probe { .. } => {}
            }
        }
        for (cid, sent) in &open {
            late(cid, *sent, end);
        }
        wrong.extend(refused.into_iter().map(|what| ("refused", what)));
    }
    for (name, what) in wrong {
        facts.add(Check::C8, name, what);
    }
}

/// Ascending by time: an acknowledgement lifts the floor of its room, and whatever is sent later must stand above it.
pub(super) fn real_time(facts: &mut Facts<'_>) {
    let mut moments: Vec<(u64, bool, usize, Seq)> = Vec::new();
    for (_, room, id, seq, acked) in &facts.acks {
        moments.push((*acked, true, *room, *seq));
        if let Some(sent) = facts.sends.get(id) {
            moments.push((sent.first, false, *room, *seq));
        }
    }
    moments.sort_unstable();
    let mut floors: HashMap<usize, Seq> = HashMap::new();
    let mut wrong = Vec::new();
    for (_, is_ack, room, seq) in moments {
        let floor = floors.entry(room).or_insert(-1);
        if is_ack {
            *floor = (*floor).max(seq);
        } else if seq < *floor {
            wrong.push(format!(
                "{seq} of room {room} was sent after {floor} was acknowledged, and stands below it"
            ));
        }
    }
    for what in wrong {
        facts.add(Check::C9, "stale order", what);
    }
}
