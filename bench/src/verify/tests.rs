//! Hand-made histories: a right one that every check accepts, and one wrong change each that its check must reject.

use proptest::prelude::*;
use sphere_protocol::{Cid, Code, Kind, MessageId, RoomName, Seq, UserId};
use uuid::Uuid;

use super::{Check, verify};
use crate::{
    evidence::{Evidence, Logged, Row, View},
    history::{Event, Item, Said},
};

const SECOND: u64 = 1_000_000_000;

/// Two clients in one room, with these authors one after the other; all of it as it should be.
fn right(authors: &[usize]) -> Evidence {
    let users: Vec<UserId> = (0..2).map(|index| crate::client::user(1, index)).collect();
    let room = RoomName::from("r00");
    let mut evidence = Evidence {
        clients: vec![Vec::new(), Vec::new()],
        users: users.clone(),
        rooms: vec![room.clone()],
        joined: vec![vec![0], vec![0]],
        marked: true,
        ..Evidence::default()
    };
    for (client, events) in evidence.clients.iter_mut().enumerate() {
        events.push(Event::Conn {
            t: 0,
            server: client,
        });
        events.push(Event::Page {
            t: 1,
            asked: 0,
            room: 0,
            server: client,
            after: None,
            head: -1,
            more: false,
            items: Vec::new(),
        });
        events.push(Event::Reset {
            t: 1,
            room: 0,
            forced: false,
        });
    }
    let mut counts = [0, 0];
    let mut prev = -1;
    for (index, author) in authors.iter().enumerate() {
        let t = (index as u64 + 1) * SECOND;
        let seq = index as Seq * 2;
        let cid = Cid(Uuid::from_u128(index as u128 + 1));
        let id = MessageId::derive(&users[*author], &room, cid);
        let said = Said {
            client: *author,
            room: 0,
            n: counts[*author],
            at: t,
            marker: index + 1 == authors.len(),
        };
        counts[*author] += 1;
        evidence.clients[*author].push(Event::Send {
            t,
            room: 0,
            cid,
            n: said.n,
            attempt: 1,
        });
        evidence.clients[*author].push(Event::Ack {
            t: t + 10,
            cid,
            id,
            seq,
        });
        for events in &mut evidence.clients {
            let item = Item {
                room: 0,
                seq,
                prev: Some(prev),
                id,
                kind: Kind::Message,
                said: Some(said),
                shown: true,
            };
            events.push(Event::Recv { t: t + 20, item });
        }
        prev = seq;
        evidence.store.push(Row {
            room: 0,
            seq,
            id,
            void: false,
            said: Some(said),
        });
        evidence.log.push(Logged { room: 0, seq, id });
    }
    let records: Vec<_> = evidence
        .store
        .iter()
        .map(|row| (row.seq, row.id, row.void))
        .collect();
    evidence.views = (0..2)
        .map(|server| View {
            server,
            room: 0,
            records: records.clone(),
        })
        .collect();
    evidence.ends = vec![(prev + 1, prev + 1)];
    evidence
}

const AUTHORS: [usize; 5] = [0, 1, 0, 1, 0];

/// The names of what is found after a change to what is right.
fn found(check: Check, change: impl FnOnce(&mut Evidence)) -> Vec<&'static str> {
    let mut evidence = right(&AUTHORS);
    change(&mut evidence);
    let (anomalies, _) = verify(&evidence);
    let of = anomalies
        .into_iter()
        .filter(|anomaly| anomaly.check == check);
    of.map(|anomaly| anomaly.name).collect()
}

fn items(events: &mut [Event]) -> Vec<&mut Item> {
    events
        .iter_mut()
        .filter_map(|event| match event {
            Event::Recv { item, .. } => Some(item),
            _ => None,
        })
        .collect()
}

#[test]
fn a_right_history_passes_and_is_counted() {
    let (anomalies, counts) = verify(&right(&AUTHORS));
    assert_eq!(anomalies, []);
    assert_eq!((counts.written, counts.acked, counts.shown), (5, 5, 10));
}

#[test]
fn an_acknowledged_message_that_the_store_lacks_is_lost() {
    let names = found(Check::C1, |evidence| {
        evidence.store.remove(1);
    });
    assert!(names.contains(&"lost"), "{names:?}");
}

#[test]
fn an_acknowledged_message_that_one_servers_view_lacks_is_lost() {
    let names = found(Check::C1, |evidence| {
        evidence.views[1].records.remove(1);
    });
    assert_eq!(names, ["lost"]);
}

#[test]
fn a_store_that_lags_behind_the_log_in_the_end_has_lost_something() {
    assert_eq!(
        found(Check::C1, |evidence| evidence.ends[0].1 -= 1),
        ["lost"]
    );
}

#[test]
fn a_text_that_stands_in_the_store_under_two_ids_is_doubled() {
    let names = found(Check::C2, |evidence| {
        let again = Row {
            seq: 99,
            id: MessageId(Uuid::from_u128(99)),
            ..evidence.store[1]
        };
        evidence.store.push(again);
    });
    assert_eq!(names, ["doubled"]);
}

#[test]
fn an_id_that_a_screen_shows_twice_is_doubled() {
    let names = found(Check::C2, |evidence| {
        let (id, said) = {
            let first = &items(&mut evidence.clients[1])[0];
            (first.id, first.said)
        };
        let mut items = items(&mut evidence.clients[1]);
        (items[3].id, items[3].said) = (id, said);
    });
    assert_eq!(names, ["doubled"]);
}

#[test]
fn a_screen_that_shows_two_messages_the_other_way_round_is_inverted() {
    let names = found(Check::C3, |evidence| {
        let events = &mut evidence.clients[1];
        let last = events.len() - 1;
        events.swap(last, last - 2);
    });
    assert_eq!(names.first(), Some(&"inverted"));
}

#[test]
fn a_screen_without_a_message_has_skipped_it() {
    let names = found(Check::C3, |evidence| {
        items(&mut evidence.clients[1])[2].shown = false
    });
    assert_eq!(names, ["skipped"]);
}

#[test]
fn a_screen_that_ends_before_the_last_message_has_skipped_it() {
    let names = found(Check::C3, |evidence| {
        evidence.clients[1].pop();
    });
    assert_eq!(names, ["skipped"]);
}

#[test]
fn a_hole_that_the_server_announced_is_none() {
    let mut evidence = right(&AUTHORS);
    let events = &mut evidence.clients[1];
    let items: Vec<Item> = events
        .iter()
        .filter_map(|event| match event {
            Event::Recv { item, .. } => Some(*item),
            _ => None,
        })
        .collect();
    events.truncate(3);
    events.push(Event::Page {
        t: 7 * SECOND,
        asked: 6 * SECOND,
        room: 0,
        server: 1,
        after: None,
        head: items[4].seq,
        more: true,
        items: items[3..].to_vec(),
    });
    events.push(Event::Reset {
        t: 7 * SECOND,
        room: 0,
        forced: true,
    });
    // Client 1 still is the author of messages that it acknowledged before.
    let sends = right(&AUTHORS).clients[1].clone();
    let own = sends
        .into_iter()
        .filter(|event| matches!(event, Event::Send { .. } | Event::Ack { .. }));
    evidence.clients[1].splice(3..3, own);
    assert_eq!(verify(&evidence).0, []);
}

#[test]
fn an_authors_messages_the_other_way_round_are_reordered() {
    let names = found(Check::C4, |evidence| {
        let (first, third) = (evidence.store[0].said, evidence.store[2].said);
        (evidence.store[0].said, evidence.store[2].said) = (third, first);
    });
    assert_eq!(names, ["reordered"]);
}

#[test]
fn a_place_with_another_record_on_one_screen_is_inconsistent() {
    let names = found(Check::C5, |evidence| {
        items(&mut evidence.clients[1])[2].kind = Kind::Void
    });
    assert_eq!(names, ["inconsistent"]);
}

#[test]
fn an_ack_that_names_another_place_than_the_store_is_inconsistent() {
    let names = found(Check::C5, |evidence| {
        for event in &mut evidence.clients[0] {
            if let Event::Ack { seq, .. } = event {
                *seq += 1;
                break;
            }
        }
    });
    assert_eq!(names, ["inconsistent"]);
}

#[test]
fn a_log_that_says_another_id_than_the_store_is_inconsistent() {
    let names = found(Check::C5, |evidence| {
        evidence.log[2].id = MessageId(Uuid::from_u128(99))
    });
    assert_eq!(names, ["inconsistent"]);
}

#[test]
fn a_message_that_nobody_sent_is_a_ghost() {
    let names = found(Check::C6, |evidence| {
        items(&mut evidence.clients[1])[2].said = None;
    });
    assert_eq!(names, ["ghost"]);
}

#[test]
fn a_message_that_was_seen_and_is_not_stored_is_a_ghost() {
    let names = found(Check::C6, |evidence| {
        evidence.store.remove(2);
    });
    assert_eq!(names, ["ghost", "ghost"]);
}

/// A page that client 0 asked for over the same connection after all of its acknowledgements.
fn page_without(evidence: &mut Evidence, asked: u64, missing: usize) {
    let items: Vec<Item> = items(&mut evidence.clients[0])
        .into_iter()
        .map(|item| *item)
        .collect();
    let items = items
        .into_iter()
        .enumerate()
        .filter(|(index, _)| *index != missing);
    let items: Vec<Item> = items
        .map(|(_, item)| Item {
            shown: false,
            ..item
        })
        .collect();
    evidence.clients[0].push(Event::Page {
        t: asked + 1,
        asked,
        room: 0,
        server: 0,
        after: Some(-1),
        head: 8,
        more: false,
        items,
    });
}

#[test]
fn a_page_without_what_was_acknowledged_before_is_stale() {
    assert_eq!(
        found(Check::C7, |evidence| page_without(evidence, 9 * SECOND, 2)),
        ["stale"]
    );
    // Another author's message, or one that was acknowledged later, may be missing.
    assert_eq!(
        found(Check::C7, |evidence| page_without(evidence, 9 * SECOND, 1)),
        [""; 0]
    );
    assert_eq!(
        found(Check::C7, |evidence| page_without(evidence, SECOND, 4)),
        [""; 0]
    );
}

#[test]
fn a_server_that_denies_what_another_acknowledged_is_stale() {
    let names = found(Check::C7, |evidence| {
        let probe = Event::Probe {
            t: 9 * SECOND,
            room: 0,
            server: 1,
            seq: 4,
            found: false,
        };
        evidence.clients[0].push(probe);
    });
    assert_eq!(names, ["stale"]);
}

#[test]
fn a_send_without_an_answer_on_a_living_connection_hangs() {
    let late = |evidence: &mut Evidence| {
        let ack = evidence.clients[0]
            .iter()
            .position(|event| matches!(event, Event::Ack { .. }));
        evidence.clients[0].remove(ack.unwrap());
        evidence.clients[0].push(Event::Disc {
            t: 30 * SECOND,
            why: "end".to_owned(),
        });
    };
    assert_eq!(found(Check::C8, late), ["hung"]);
}

#[test]
fn a_send_whose_connection_ends_does_not_hang() {
    let cut = |evidence: &mut Evidence| {
        let ack = evidence.clients[0]
            .iter()
            .position(|event| matches!(event, Event::Ack { .. }));
        let cut = Event::Disc {
            t: 2 * SECOND,
            why: "cut".to_owned(),
        };
        evidence.clients[0][ack.unwrap()] = cut;
    };
    assert_eq!(found(Check::C8, cut), [""; 0]);
}

#[test]
fn a_refusal_for_good_is_an_anomaly() {
    let names = found(Check::C8, |evidence| {
        let cid = Cid(Uuid::from_u128(77));
        evidence.clients[0].push(Event::Nack {
            t: 9 * SECOND,
            cid,
            code: Code::Blank,
            retry: false,
        });
    });
    assert_eq!(names, ["refused"]);
}

#[test]
fn what_was_sent_after_an_acknowledgement_must_stand_above_it() {
    let names = found(Check::C9, |evidence| {
        // The ack of the second message comes before the first one is sent.
        for event in &mut evidence.clients[1] {
            if let Event::Ack { t, .. } = event {
                *t = SECOND / 2;
                break;
            }
        }
    });
    assert_eq!(names, ["stale order"]);
}

proptest! {
    #[test]
    fn any_order_of_authors_passes(authors in proptest::collection::vec(0_usize..2, 1..60)) {
        let (anomalies, counts) = verify(&right(&authors));
        prop_assert_eq!(anomalies, []);
        prop_assert_eq!(counts.acked, authors.len());
    }

    #[test]
    fn no_row_can_be_missing_unnoticed(
        authors in proptest::collection::vec(0_usize..2, 1..60),
        index in any::<prop::sample::Index>(),
    ) {
        let mut evidence = right(&authors);
        evidence.store.remove(index.index(authors.len()));
        let (anomalies, _) = verify(&evidence);
        prop_assert!(anomalies.iter().any(|anomaly| anomaly.check == Check::C1));
    }
}
