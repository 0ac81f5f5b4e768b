//! Single moments of a room, where it matters what is shown, counted and asked for.

use std::sync::Arc;

use sphere_app::{
    Boot,
    state::{
        ChatState, Effect,
        layout::{Content, Delivery, Item, Key, layout},
        own::{Pending, Reason, own_message, unknown_me},
        room::Hole,
    },
};
use sphere_protocol::{
    Cid, ClientFrame, Code, Kind, Message, MessageId, Page, RoomName, RoomSummary, Seq,
    ServerFrame, Timestamp, UserId,
    server::{Ack, ErrorFrame, Nack, Pong, RoomActivity, RoomError, Welcome},
};

const EPOCH: i64 = 1_737_700_000_000;

fn room() -> RoomName {
    "room1".into()
}

fn me() -> UserId {
    "anon_1_aaaaaaaaa".into()
}

fn message(seq: Seq, prev: impl Into<Option<Seq>>) -> Message {
    let author = UserId::from("anon_2_bbbbbbbbb");
    let cid = Cid(uuid::Uuid::from_u128(u128::try_from(seq).unwrap()));
    Message {
        room: room(),
        epoch: EPOCH,
        seq,
        prev: prev.into(),
        id: MessageId::derive(&author, &room(), cid),
        user_id: author,
        user_name: "Lin".to_owned(),
        user_image: String::new(),
        message: format!("text {seq}"),
        created_at: Timestamp(seq * 1_000),
        kind: Kind::Message,
        reference: None,
    }
}

fn live(seq: Seq, prev: Seq) -> ServerFrame {
    ServerFrame::Message(Arc::new(message(seq, prev)))
}

fn page(head: Seq, items: &[Seq], more: bool) -> Page {
    Page {
        room: room(),
        epoch: EPOCH,
        head,
        items: items
            .iter()
            .map(|seq| Arc::new(message(*seq, None)))
            .collect(),
        more,
        reset: false,
        more_after: None,
        after: None,
        before: None,
        around: None,
    }
}

fn summary(head: Seq, unread: Option<u32>) -> RoomSummary {
    RoomSummary {
        room: room(),
        title: "General".to_owned(),
        epoch: EPOCH,
        head,
        last_at: None,
        unread,
    }
}

/// A client that is in the room and has its newest page.
fn joined(page: Page) -> ChatState {
    let head = page.head;
    let mut state = ChatState::from_boot(&Boot {
        rooms: vec![summary(head, None)],
        ..Boot::default()
    });
    state.set_me(unknown_me(me(), None));
    state.join(&room());
    assert_eq!(state.apply(&ServerFrame::RoomJoined(page)), []);
    state
}

fn seqs(state: &ChatState) -> Vec<Seq> {
    state
        .room(&room())
        .unwrap()
        .rows()
        .map(|row| row.seq)
        .collect()
}

fn read_now() -> Vec<Effect> {
    vec![Effect::Read {
        room: room(),
        delay_ms: 0,
    }]
}

fn write(state: &mut ChatState, n: u128, at: i64) -> (Cid, MessageId) {
    let cid = Cid(uuid::Uuid::from_u128(n));
    let message = own_message(state.me().unwrap(), &room(), cid, "mine", Timestamp(at));
    let id = message.id;
    state.pend(
        &room(),
        Pending {
            cid,
            message,
            refused: None,
        },
    );
    (cid, id)
}

#[test]
fn a_gap_is_asked_for_once_and_what_came_meanwhile_is_shown_after_it() {
    let mut state = joined(page(1, &[0, 1], false));
    assert_eq!(state.apply(&live(3, 2)), read_now());
    assert_eq!(state.apply(&live(4, 3)), []);
    assert_eq!(seqs(&state), [0, 1]);
    let ClientFrame::SyncRoom(asked) = state.request(&room()) else {
        panic!("a joined room asks by sync:room")
    };
    assert_eq!((asked.after, asked.epoch), (Some(1), Some(EPOCH)));

    let mut answer = Page {
        after: Some(1),
        ..page(2, &[], false)
    };
    answer.items = vec![Arc::new(message(2, 1))];
    assert_eq!(state.apply(&ServerFrame::RoomPage(answer)), []);
    assert_eq!(seqs(&state), [0, 1, 2, 3, 4]);
}

#[test]
fn a_reset_leaves_a_hole_that_earlier_pages_close() {
    let mut state = joined(page(5, &[4, 5], true));
    state.disconnected();
    state.join(&room());
    let reset = Page {
        reset: true,
        after: Some(5),
        ..page(90, &[80, 90], true)
    };
    assert_eq!(state.apply(&ServerFrame::RoomJoined(reset)), []);
    assert_eq!(seqs(&state), [4, 5, 80, 90]);
    assert_eq!(
        state.room(&room()).unwrap().holes(),
        [Hole {
            after: 5,
            before: 80
        }]
    );

    assert!(state.request_before(&room(), 80).is_some());
    assert!(
        state.request_before(&room(), 80).is_none(),
        "one page at a time"
    );
    state.apply(&ServerFrame::RoomPage(Page {
        before: Some(80),
        ..page(90, &[60, 70], true)
    }));
    assert_eq!(
        state.room(&room()).unwrap().holes(),
        [Hole {
            after: 5,
            before: 60
        }]
    );

    state.apply(&ServerFrame::RoomPage(Page {
        before: Some(60),
        ..page(90, &[5, 50], true)
    }));
    assert_eq!(state.room(&room()).unwrap().holes(), []);
    assert_eq!(seqs(&state), [4, 5, 50, 60, 70, 80, 90]);
    assert_eq!(state.room(&room()).unwrap().older(), Some(4));
}

#[test]
fn another_epoch_drops_the_rows_but_not_what_waits() {
    let mut state = joined(page(5, &[4, 5], true));
    write(&mut state, 7, 0);
    let mut other = message(0, -1);
    other.epoch = EPOCH + 1;
    assert_eq!(
        state.apply(&ServerFrame::Message(Arc::new(other))),
        read_now()
    );
    assert!(seqs(&state).is_empty());
    assert_eq!(state.room(&room()).unwrap().pending().len(), 1);
    let ClientFrame::SyncRoom(asked) = state.request(&room()) else {
        panic!("a joined room asks by sync:room")
    };
    assert_eq!((asked.after, asked.epoch), (None, None));
}

#[test]
fn a_head_below_what_is_known_is_another_history() {
    let mut state = joined(page(50, &[49, 50], false));
    state.disconnected();
    state.join(&room());
    let wiped = Page {
        after: Some(50),
        reset: true,
        ..page(3, &[3], false)
    };
    state.apply(&ServerFrame::RoomJoined(wiped));
    assert_eq!(seqs(&state), [3]);
    assert_eq!(state.room(&room()).unwrap().holes(), []);
}

#[test]
fn an_own_message_that_is_already_known_completes_its_row_again() {
    let mut state = joined(page(1, &[0, 1], false));
    let (cid, id) = write(&mut state, 7, 0);
    // It lies below what is loaded, so the row leaves and no other comes.
    let mut state_below = joined(page(9, &[8, 9], true));
    let below = write(&mut state_below, 7, 0);
    let stored = Message {
        id,
        user_id: me(),
        ..message(1, 0)
    };
    let done = state.apply(&ServerFrame::Message(Arc::new(stored.clone())));
    assert_eq!(
        done,
        [Effect::Stored {
            cid,
            seq: 1,
            at: stored.created_at
        }]
    );

    let ack = Ack {
        cid: below.0,
        id: below.1,
        seq: 2,
        created_at: Timestamp(5),
    };
    assert_eq!(
        state_below.apply(&ServerFrame::Ack(ack)),
        [Effect::Stored {
            cid: below.0,
            seq: 2,
            at: Timestamp(5)
        }]
    );
    assert_eq!(
        seqs(&state_below),
        [8, 9],
        "a row alone above unloaded ones would hide a hole"
    );
}

#[test]
fn an_ack_before_the_page_does_not_leave_a_row_inside_a_hole() {
    let mut state = joined(page(5, &[4, 5], false));
    let (cid, id) = write(&mut state, 7, 0);
    state.apply(&ServerFrame::Ack(Ack {
        cid,
        id,
        seq: 20,
        created_at: Timestamp(5),
    }));
    assert_eq!(seqs(&state), [4, 5, 20]);
    state.disconnected();
    state.join(&room());
    state.apply(&ServerFrame::RoomJoined(Page {
        reset: true,
        after: Some(5),
        ..page(90, &[80, 90], true)
    }));
    assert_eq!(seqs(&state), [4, 5, 80, 90]);

    // The same without a page before it.
    let mut state = ChatState::default();
    state.set_me(unknown_me(me(), None));
    state.join(&room());
    let (cid, id) = write(&mut state, 7, 0);
    state.apply(&ServerFrame::Ack(Ack {
        cid,
        id,
        seq: 20,
        created_at: Timestamp(5),
    }));
    state.apply(&ServerFrame::RoomJoined(page(90, &[80, 90], true)));
    assert_eq!(seqs(&state), [80, 90]);
}

#[test]
fn a_refusal_says_whether_to_try_again() {
    let mut state = joined(page(1, &[0, 1], false));
    let (cid, _) = write(&mut state, 7, 0);
    let nack = |code, retry, after_ms| {
        ServerFrame::Nack(Nack {
            cid,
            code,
            message: String::new(),
            retry,
            after_ms,
        })
    };
    assert_eq!(
        state.apply(&nack(Code::RateLimited, true, Some(100))),
        [Effect::Retry {
            cid,
            code: Code::RateLimited,
            after_ms: Some(100)
        }]
    );
    assert_eq!(state.waiting(), 1);
    assert_eq!(
        state.apply(&nack(Code::Forbidden, false, None)),
        [Effect::Refused {
            cid,
            code: Code::Forbidden
        }]
    );
    assert_eq!(state.waiting(), 0);
    assert_eq!(
        state.room(&room()).unwrap().pending()[0].refused,
        Some(Reason::Code(Code::Forbidden))
    );
}

#[test]
fn a_page_that_was_refused_for_now_is_asked_for_later() {
    let mut state = joined(page(1, &[0, 1], false));
    state.apply(&live(3, 2));
    let error = RoomError {
        room: room(),
        code: Code::Unavailable,
        message: String::new(),
        retry: true,
        after_ms: Some(700),
    };
    let later = |delay_ms| {
        vec![Effect::Read {
            room: room(),
            delay_ms,
        }]
    };
    assert_eq!(state.apply(&ServerFrame::RoomError(error)), later(700));
    let error = ErrorFrame {
        code: Code::RateLimited,
        message: String::new(),
        retry: true,
        event: Some("sync:room".to_owned()),
    };
    assert_eq!(state.apply(&ServerFrame::Error(error)), later(1_000));
}

#[test]
fn a_heartbeat_finds_what_no_frame_told() {
    let mut state = joined(page(1, &[0, 1], false));
    let pong = |head| {
        ServerFrame::Pong(Pong {
            n: 1,
            heads: [(room(), head)].into(),
        })
    };
    assert_eq!(state.apply(&pong(1)), []);
    assert_eq!(state.apply(&pong(2)), read_now());
}

#[test]
fn others_messages_count_as_unread_once_and_own_ones_never() {
    let mut state = joined(page(1, &[0, 1], false));
    let unread = |state: &ChatState| {
        state
            .list()
            .line(&room())
            .map(|line| (line.unread, line.more))
            .unwrap()
    };
    state.apply(&live(2, 1));
    state.apply(&live(2, 1));
    state.apply(&ServerFrame::Message(Arc::new(Message {
        user_id: me(),
        ..message(3, 2)
    })));
    state.apply(&live(4, 3));
    assert_eq!(unread(&state), (2, false));

    assert_eq!(state.set_reading(Some(&room())), Some((EPOCH, 4)));
    state.apply(&live(5, 4));
    assert_eq!(unread(&state), (0, false));
    state.set_reading(None);
    state.apply(&live(6, 5));
    assert_eq!(unread(&state), (1, false));
    state.read_elsewhere(&room(), 6);
    assert_eq!(unread(&state), (0, false));
}

#[test]
fn what_the_welcome_counted_is_not_counted_again_by_the_page() {
    let mut state = joined(page(1, &[0, 1], false));
    state.disconnected();
    state.join(&room());
    let welcome = Welcome {
        v: 1,
        me: None,
        heartbeat_ms: 20_000,
        max_length: 5_000,
        rooms: vec![summary(3, Some(2))],
    };
    state.apply(&ServerFrame::Welcome(welcome));
    let mut missed = Page {
        after: Some(1),
        ..page(3, &[], false)
    };
    missed.items = vec![Arc::new(message(2, 1)), Arc::new(message(3, 2))];
    state.apply(&ServerFrame::RoomJoined(missed));
    assert_eq!(state.list().line(&room()).unwrap().unread, 2);
}

#[test]
fn a_room_that_is_not_followed_only_says_that_there_is_more() {
    let mut state = ChatState::from_boot(&Boot {
        rooms: vec![summary(1, None)],
        ..Boot::default()
    });
    state.apply(&ServerFrame::RoomActivity(RoomActivity {
        room: room(),
        head: 4,
        last_at: Some(Timestamp(9)),
    }));
    let line = state.list().line(&room()).unwrap();
    assert_eq!(
        (line.unread, line.more, line.last_at),
        (0, true, Some(Timestamp(9)))
    );
}

fn lines(state: &ChatState) -> Vec<Item> {
    layout(state.room(&room()).unwrap(), Some(&me()), |at| {
        at.0.div_euclid(86_400_000)
    })
}

#[test]
fn rows_of_one_author_share_a_header_for_five_minutes() {
    let minute = 60;
    let state = joined(page(
        99 * minute,
        &[0, 4 * minute, 5 * minute, 99 * minute],
        false,
    ));
    let ends: Vec<(bool, bool)> = lines(&state)
        .iter()
        .filter_map(|item| match &item.content {
            Content::Row(_, look) => Some((look.first, look.last)),
            _ => None,
        })
        .collect();
    assert_eq!(
        ends,
        [(true, false), (false, true), (true, true), (true, true)]
    );
}

#[test]
fn a_day_is_named_once_and_a_hole_stands_where_something_is_missing() {
    let day = 86_400;
    let mut state = joined(page(day, &[0, day], false));
    state.disconnected();
    state.join(&room());
    let reset = Page {
        reset: true,
        after: Some(day),
        ..page(3 * day, &[day + 9, 3 * day], true)
    };
    state.apply(&ServerFrame::RoomJoined(reset));
    let keys: Vec<&str> = lines(&state)
        .iter()
        .map(|item| match item.key {
            Key::Day(_) => "day",
            Key::Hole(_) => "hole",
            Key::New => "new",
            Key::Row(_) => "row",
        })
        .collect();
    assert_eq!(
        keys,
        ["day", "row", "day", "row", "hole", "row", "day", "row"]
    );
}

#[test]
fn an_answer_changes_the_look_of_a_row_and_not_its_key() {
    let mut state = joined(page(1, &[0, 1], false));
    let (cid, id) = write(&mut state, 7, 2_000);
    let before = lines(&state);
    state.apply(&ServerFrame::Ack(Ack {
        cid,
        id,
        seq: 2,
        created_at: Timestamp(2_500),
    }));
    let after = lines(&state);
    let keys = |items: &[Item]| items.iter().map(|item| item.key).collect::<Vec<_>>();
    assert_eq!(keys(&before), keys(&after));
    let look = |items: &[Item]| match items.last().unwrap().content {
        Content::Row(_, look) => (look.mine, look.latest, look.delivery, look.seq),
        _ => panic!("the last line is the message"),
    };
    assert_eq!(look(&before), (true, false, Delivery::Sending, None));
    assert_eq!(look(&after), (true, true, Delivery::Stored, Some(2)));
}

#[test]
fn a_deleted_room_leaves_the_list_and_what_is_on_the_screen_stays() {
    let mut state = joined(page(5, &[4, 5], false));
    assert!(state.list().line(&room()).is_some());
    let effects = state.apply(&ServerFrame::RoomError(RoomError {
        room: room(),
        code: Code::UnknownRoom,
        message: String::new(),
        retry: false,
        after_ms: None,
    }));
    assert_eq!(effects, []);
    assert!(state.list().line(&room()).is_none());
    assert_eq!(seqs(&state), [4, 5]);
}
