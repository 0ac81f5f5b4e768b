//! C2 and C3 on the screens: what each client shows, frame by frame, against the store's list.

use std::collections::HashSet;

use sphere_protocol::Seq;

use super::{Check, Counts, Facts};
use crate::history::{Event, Item};

/// A stretch of a client's list without an announced hole.
struct Stretch {
    /// Everything above this and up to `to` must be shown.
    above: Seq,
    to: Seq,
    shown: Vec<Item>,
}

pub(super) fn check(facts: &mut Facts<'_>, counts: &mut Counts) {
    let evidence = facts.evidence;
    for (client, events) in evidence.clients.iter().enumerate() {
        for room in &evidence.joined[client] {
            let stretches = stretches(events, *room);
            for stretch in &stretches {
                counts.shown += stretch.shown.len();
                one(facts, client, *room, stretch);
            }
            twice(facts, client, &stretches);
            let end = stretches.last().map_or(-1, |stretch| stretch.to);
            marker(facts, client, *room, end);
        }
    }
}

/// The list of a room, cut where it began anew.
fn stretches(events: &[Event], room: usize) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for (index, event) in events.iter().enumerate() {
        match event {
            Event::Page {
                room: of,
                items,
                head,
                more,
                ..
            } if *of == room => {
                let anew = matches!(events.get(index + 1), Some(Event::Reset { room: of, .. }) if *of == room);
                if anew {
                    let first = items.first().filter(|_| *more).map(|item| item.seq - 1);
                    let nothing = if *more { *head } else { -1 };
                    stretches.push(Stretch {
                        above: first.unwrap_or(nothing),
                        to: *head,
                        shown: Vec::new(),
                    });
                }
                if let Some(stretch) = stretches.last_mut() {
                    for item in items {
                        add(stretch, item);
                    }
                }
            }
            Event::Recv { item, .. } if item.room == room => {
                if let Some(stretch) = stretches.last_mut() {
                    add(stretch, item);
                }
            }
            _ => {}
        }
    }
    stretches
}

fn add(stretch: &mut Stretch, item: &Item) {
    if item.shown {
        stretch.shown.push(*item);
    }
    // A void is no row, but the list reaches as far as it does.
    if item.shown || item.kind != sphere_protocol::Kind::Message {
        stretch.to = stretch.to.max(item.seq);
    }
}

fn one(facts: &mut Facts<'_>, client: usize, room: usize, stretch: &Stretch) {
    for pair in stretch.shown.windows(2) {
        if pair[0].seq >= pair[1].seq {
            let what = format!(
                "client {client} shows {} of room {room} below {}",
                pair[1].seq, pair[0].seq
            );
            facts.add(Check::C3, "inverted", what);
        }
    }
    let shown: HashSet<Seq> = stretch.shown.iter().map(|item| item.seq).collect();
    let missing: Vec<Seq> = facts.rooms[room]
        .range(stretch.above + 1..(stretch.to + 1).max(stretch.above + 1))
        .filter(|(seq, row)| !row.void && !shown.contains(seq))
        .map(|(seq, _)| *seq)
        .collect();
    for seq in missing {
        let what = format!(
            "client {client} shows room {room} from {} to {} without {seq}",
            stretch.above + 1,
            stretch.to
        );
        facts.add(Check::C3, "skipped", what);
    }
}

fn twice(facts: &mut Facts<'_>, client: usize, stretches: &[Stretch]) {
    for stretch in stretches {
        let mut ids = HashSet::new();
        let mut texts = HashSet::new();
        for item in &stretch.shown {
            let text = item.said.map(|said| (said.client, said.room, said.n));
            if !ids.insert(item.id) || text.is_some_and(|text| !texts.insert(text)) {
                let what = format!(
                    "client {client} shows {} twice, again at {}",
                    item.id, item.seq
                );
                facts.add(Check::C2, "doubled", what);
            }
        }
    }
}

/// In the end everybody has seen the last message of every room that was marked.
fn marker(facts: &mut Facts<'_>, client: usize, room: usize, end: Seq) {
    let markers = facts.rooms[room].values();
    let marker = markers
        .filter(|row| row.said.is_some_and(|said| said.marker))
        .map(|row| row.seq)
        .max();
    match marker {
        Some(marker) if end >= marker => {}
        Some(marker) => {
            let what = format!(
                "client {client} ends at {end} of room {room}, the last message stands at {marker}"
            );
            facts.add(Check::C3, "skipped", what);
        }
        None if facts.evidence.marked => {
            facts.add(
                Check::C1,
                "lost",
                format!("room {room} has no marker in the store"),
            );
        }
        None => {}
    }
}
