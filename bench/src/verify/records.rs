//! C1, C2, C4, C5 and C6: the checks that compare records, wherever they stand.

use std::collections::{HashMap, HashSet};

use sphere_protocol::{Kind, MessageId, Seq};

use super::{Check, Facts};
use crate::{
    evidence::{Evidence, Row},
    history::{Event, Item, Said},
};

pub(super) fn loss(facts: &mut Facts<'_>) {
    let evidence = facts.evidence;
    let stored: HashSet<MessageId> = messages(evidence).map(|row| row.id).collect();
    let logged: HashSet<MessageId> = evidence.log.iter().map(|record| record.id).collect();
    let views: Vec<(usize, usize, HashSet<MessageId>)> = evidence
        .views
        .iter()
        .map(|view| {
            let messages = view.records.iter().filter(|(_, _, void)| !void);
            (
                view.server,
                view.room,
                messages.map(|(_, id, _)| *id).collect(),
            )
        })
        .collect();
    let mut lost = Vec::new();
    for (client, room, id, seq, _) in &facts.acks {
        let whose = format!("{id} of client {client} in room {room}, acknowledged at {seq}");
        if !stored.contains(id) {
            lost.push(format!("{whose}, is not in the store"));
        }
        if !logged.contains(id) {
            lost.push(format!("{whose}, is not in the log"));
        }
        for (server, _, messages) in views.iter().filter(|(_, of, _)| of == room) {
            if !messages.contains(id) {
                lost.push(format!("{whose}, is not in the view of server {server}"));
            }
        }
    }
    for what in lost {
        facts.add(Check::C1, "lost", what);
    }
    for what in &evidence.untold {
        facts.add(Check::C1, "lost", what);
    }
    for (partition, (end, stored)) in evidence.ends.iter().enumerate() {
        if end != stored {
            let what = format!("partition {partition} ends at {end}, the store says {stored}");
            facts.add(Check::C1, "lost", what);
        }
    }
}

fn messages(evidence: &Evidence) -> impl Iterator<Item = &Row> {
    evidence.store.iter().filter(|row| !row.void)
}

pub(super) fn doubles(facts: &mut Facts<'_>) {
    let evidence = facts.evidence;
    let (mut ids, mut texts) = (HashSet::new(), HashMap::new());
    for row in messages(evidence) {
        if !ids.insert(row.id) {
            facts.add(
                Check::C2,
                "doubled",
                format!("{} stands twice in the store", row.id),
            );
        }
        if let Some(said) = row.said
            && let Some(other) = texts.insert((said.client, said.room, said.n), row.seq)
        {
            let what = format!("the text {said} stands at {other} and at {}", row.seq);
            facts.add(Check::C2, "doubled", what);
        }
    }
}

pub(super) fn sender_order(facts: &mut Facts<'_>) {
    let mut last: HashMap<(usize, usize), (u32, Seq)> = HashMap::new();
    let mut wrong = Vec::new();
    for (room, rows) in facts.rooms.iter().enumerate() {
        for said in rows
            .values()
            .filter_map(|row| row.said.map(|said| (row.seq, said)))
        {
            let (seq, Said { client, n, .. }) = said;
            match last.get(&(client, room)) {
                Some((before, at)) if *before > n => wrong.push(format!(
                    "client {client}'s message {n} of room {room} stands at {seq}, after its message {before} at {at}"
                )),
                Some((before, _)) if *before == n => {}
                _ => {
                    last.insert((client, room), (n, seq));
                }
            }
        }
    }
    for what in wrong {
        facts.add(Check::C4, "reordered", what);
    }
}

/// Every record that a client was told, and by whom.
fn told(evidence: &Evidence) -> impl Iterator<Item = (usize, &Item)> {
    evidence
        .clients
        .iter()
        .enumerate()
        .flat_map(|(client, events)| {
            events.iter().flat_map(move |event| {
                let items = match event {
                    Event::Recv { item, .. } => std::slice::from_ref(item),
                    Event::Page { items, .. } => items.as_slice(),
                    _ => &[],
                };
                items.iter().map(move |item| (client, item))
            })
        })
}

pub(super) fn agreement(facts: &mut Facts<'_>) {
    let evidence = facts.evidence;
    let mut wrong = HashSet::new();
    let stored = |room: usize, seq: Seq| facts.rooms[room].get(&seq);
    for (client, item) in told(evidence) {
        if let Some(row) = stored(item.room, item.seq)
            && (row.id != item.id || row.void != (item.kind == Kind::Void))
        {
            wrong.insert(format!(
                "room {} has {} at {}, but client {client} was told {} ({:?})",
                item.room, row.id, item.seq, item.id, item.kind
            ));
        }
    }
    for record in &evidence.log {
        match stored(record.room, record.seq) {
            Some(row) if row.id == record.id || row.void => {}
            Some(row) => {
                wrong.insert(format!(
                    "the log has {} at {}, the store {}",
                    record.id, record.seq, row.id
                ));
            }
            None => {
                wrong.insert(format!(
                    "the log has {} at {}, the store nothing",
                    record.id, record.seq
                ));
            }
        }
    }
    for view in &evidence.views {
        let rows = &facts.rooms[view.room];
        let same = view.records.len() == rows.len()
            && view
                .records
                .iter()
                .zip(rows.values())
                .all(|(told, row)| *told == (row.seq, row.id, row.void));
        if !same {
            wrong.insert(format!(
                "server {} tells {} records of room {}, the store has {}, or others",
                view.server,
                view.records.len(),
                view.room,
                rows.len()
            ));
        }
    }
    for (client, room, id, seq, _) in &facts.acks {
        match stored(*room, *seq) {
            Some(row) if row.id == *id => {}
            _ => {
                wrong.insert(format!("client {client}'s ack says that {id} stands at {seq} of room {room}, the store does not"));
            }
        }
    }
    let mut wrong: Vec<_> = wrong.into_iter().collect();
    wrong.sort();
    for what in wrong {
        facts.add(Check::C5, "inconsistent", what);
    }
}

pub(super) fn ghosts(facts: &mut Facts<'_>) {
    let evidence = facts.evidence;
    let stored: HashSet<MessageId> = evidence.store.iter().map(|row| row.id).collect();
    let mut wrong = HashSet::new();
    for (client, item) in told(evidence).filter(|(_, item)| item.kind == Kind::Message) {
        let sent = facts.sends.get(&item.id);
        let fits = sent.zip(item.said).is_some_and(|(sent, said)| {
            (sent.client, sent.room, sent.n) == (said.client, said.room, said.n)
                && sent.room == item.room
        });
        if !fits {
            wrong.insert(format!(
                "client {client} saw {} at {}, which nobody sent so",
                item.id, item.seq
            ));
        }
        if !stored.contains(&item.id) {
            wrong.insert(format!(
                "client {client} saw {} at {}, which is not in the store",
                item.id, item.seq
            ));
        }
    }
    for row in messages(evidence).filter(|row| !facts.sends.contains_key(&row.id)) {
        wrong.insert(format!(
            "the store has {} at {}, which nobody sent",
            row.id, row.seq
        ));
    }
    let mut wrong: Vec<_> = wrong.into_iter().collect();
    wrong.sort();
    for what in wrong {
        facts.add(Check::C6, "ghost", what);
    }
}
