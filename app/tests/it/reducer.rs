//! Whatever order, repetition and loss of frames: what the reducer then asks for by itself brings it to the store's rows.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sphere_app::state::{
    ChatState, Effect,
    own::{Pending, own_message, unknown_me},
};
use sphere_protocol::{
    Cid, ClientFrame, ServerFrame, Timestamp,
    server::{Pong, RoomLeft},
};

use super::model::{Model, Record, record};

#[derive(Debug, Clone)]
enum Step {
    /// The next record is written; its author's row has been there before.
    Append,
    /// A record that exists arrives live, perhaps again, perhaps before an earlier one.
    Live(prop::sample::Index),
    /// The oldest request that is open is answered.
    Answer,
    /// An answer from before comes once more.
    Again(prop::sample::Index),
    /// The heartbeat names the head.
    Pong,
    /// The server dropped frames.
    Resync,
    /// An own message is acknowledged, perhaps again.
    Ack(prop::sample::Index),
    /// The connection breaks; open requests are lost. The client joins from where it stands.
    Reconnect,
    /// The reader scrolls to the beginning.
    Older,
    /// The reader asks for what a hole hides.
    Hole(prop::sample::Index),
    /// The reader follows a link to a message of this room.
    Link(prop::sample::Index),
    /// Nobody scrolls: what is far above the end is forgotten.
    Trim,
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        6 => Just(Step::Append),
        9 => index().prop_map(Step::Live),
        4 => Just(Step::Answer),
        1 => index().prop_map(Step::Again),
        1 => Just(Step::Pong),
        1 => Just(Step::Resync),
        2 => index().prop_map(Step::Ack),
        1 => Just(Step::Reconnect),
        1 => Just(Step::Older),
        1 => index().prop_map(Step::Hole),
        1 => index().prop_map(Step::Link),
        1 => Just(Step::Trim),
    ]
}

/// A client and what travels between it and the model.
struct Client {
    state: ChatState,
    open: Vec<ClientFrame>,
    answers: Vec<ServerFrame>,
    completed: BTreeMap<Cid, usize>,
}

impl Client {
    fn new(model: &Model) -> Self {
        let mut state = ChatState::default();
        state.set_me(unknown_me(model.me(), None));
        let mut client = Self {
            state,
            open: Vec::new(),
            answers: Vec::new(),
            completed: BTreeMap::new(),
        };
        client.join(model);
        client
    }

    fn join(&mut self, model: &Model) {
        self.state.disconnected();
        self.open = vec![ClientFrame::JoinRoom(self.state.join(&model.room()))];
    }

    fn take(&mut self, frame: &ServerFrame) {
        for effect in self.state.apply(frame) {
            match effect {
                Effect::Read { room, .. } => self.open.push(self.state.request(&room)),
                Effect::Stored { cid, .. } => *self.completed.entry(cid).or_default() += 1,
                Effect::Arrived(_) => {}
                other => panic!("nothing in this model asks for {other:?}"),
            }
        }
    }

    fn answer(&mut self, model: &Model) -> bool {
        if self.open.is_empty() {
            return false;
        }
        let answer = model.answer(&self.open.remove(0));
        self.take(&answer);
        self.answers.push(answer);
        true
    }

    fn before(&mut self, model: &Model, before: Option<i64>) {
        if let Some(before) = before {
            self.open
                .extend(self.state.request_before(&model.room(), before));
        }
    }

    fn older(&self, model: &Model) -> Option<i64> {
        self.state.room(&model.room())?.older()
    }

    fn hole(&self, model: &Model, index: Option<prop::sample::Index>) -> Option<i64> {
        let holes = self.state.room(&model.room())?.holes();
        let at = index.map_or(0, |index| index.index(holes.len().max(1)));
        holes.get(at).map(|hole| hole.before)
    }

    fn run(&mut self, model: &mut Model, step: &Step) {
        match step {
            Step::Append => {
                if let Some((cid, text)) = model.next_own() {
                    let me = self.state.me().unwrap().clone();
                    let message = own_message(&me, &model.room(), cid, &text, Timestamp(0));
                    self.state.pend(
                        &model.room(),
                        Pending {
                            cid,
                            message,
                            refused: None,
                        },
                    );
                }
                model.append();
            }
            Step::Live(index) => {
                let lives = model.lives();
                if !lives.is_empty() {
                    self.take(&ServerFrame::Message(index.get(&lives).clone()));
                }
            }
            Step::Answer => {
                self.answer(model);
            }
            Step::Again(index) => {
                if !self.answers.is_empty() {
                    let answer = index.get(&self.answers).clone();
                    self.take(&answer);
                }
            }
            Step::Pong => self.take(&pong(model)),
            Step::Resync => self.take(&ServerFrame::RoomResync(RoomLeft { room: model.room() })),
            Step::Ack(index) => {
                let acks = model.acks();
                if !acks.is_empty() {
                    self.take(&ServerFrame::Ack(index.get(&acks).clone()));
                }
            }
            Step::Reconnect => self.join(model),
            Step::Older => self.before(model, self.older(model)),
            Step::Hole(index) => self.before(model, self.hole(model, Some(*index))),
            Step::Link(index) => {
                let rows = model.rows();
                if !rows.is_empty() {
                    let (_, id, _) = index.get(&rows);
                    let request = self.state.request_around(&model.room(), *id);
                    self.open.extend(request);
                }
            }
            Step::Trim => self.state.trim(3, None),
        }
    }

    /// Nothing more is written: one heartbeat, then everything that the client asks for, then the reader scrolls.
    fn settle(&mut self, model: &Model) {
        self.take(&pong(model));
        for _ in 0..500 {
            if !self.answer(model) {
                let next = self.older(model).or_else(|| self.hole(model, None));
                if next.is_none() {
                    return;
                }
                self.before(model, next);
            }
        }
        panic!("the client never comes to rest");
    }
}

fn pong(model: &Model) -> ServerFrame {
    ServerFrame::Pong(Pong {
        n: 1,
        heads: [(model.room(), model.head())].into(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn any_delivery_and_what_is_asked_for_then_give_the_rows_of_the_store(
        records in prop::collection::vec(record(), 0..40),
        already in 0..20_usize,
        steps in prop::collection::vec(step(), 0..160),
    ) {
        let mut model = Model::new(&records);
        for _ in 0..already {
            model.append();
        }
        let mut client = Client::new(&model);
        for step in &steps {
            client.run(&mut model, step);
        }
        client.settle(&model);

        let room = client.state.room(&model.room()).unwrap();
        let rows: Vec<_> = room.rows().map(|row| (row.seq, row.id, row.message.clone())).collect();
        prop_assert_eq!(rows, model.rows());
        prop_assert_eq!(room.last(), Some(model.head()));
        prop_assert!(room.pending().is_empty());
        for (cid, times) in &client.completed {
            prop_assert_eq!(*times, 1, "{} was completed {} times", cid, times);
        }
        prop_assert_eq!(client.completed.len(), model.own_since(already));
    }

    #[test]
    fn rows_are_always_in_order_and_never_doubled(
        records in prop::collection::vec(record(), 0..40),
        steps in prop::collection::vec(step(), 0..160),
    ) {
        let mut model = Model::new(&records);
        let mut client = Client::new(&model);
        for step in &steps {
            client.run(&mut model, step);
            let room = client.state.room(&model.room()).unwrap();
            let rows: Vec<_> = room.rows().collect();
            prop_assert!(rows.is_sorted_by(|a, b| a.seq < b.seq));
            let mut ids: Vec<_> = rows.iter().map(|row| row.id).chain(room.pending().iter().map(|row| row.message.id)).collect();
            ids.sort_unstable();
            ids.dedup();
            prop_assert_eq!(ids.len(), rows.len() + room.pending().len());
        }
    }
}

#[test]
fn an_ack_may_come_before_or_after_the_own_message() {
    for ack_first in [true, false] {
        let mut model = Model::new(&[(Record::Own, true)]);
        let mut client = Client::new(&model);
        client.answer(&model);
        client.run(&mut model, &Step::Append);
        assert_eq!(client.state.room(&model.room()).unwrap().pending().len(), 1);
        let message = model.lives()[0].clone();
        let mut frames = vec![
            ServerFrame::Ack(model.acks()[0].clone()),
            ServerFrame::Message(message),
        ];
        if !ack_first {
            frames.reverse();
        }
        for frame in &frames {
            client.take(frame);
            let room = client.state.room(&model.room()).unwrap();
            assert_eq!((room.rows().count(), room.pending().len()), (1, 0));
        }
        assert_eq!(client.completed.values().sum::<usize>(), 1);
    }
}
