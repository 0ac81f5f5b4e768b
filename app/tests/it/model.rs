//! A server of one room, as small as it can be: records in order, live frames, acks, and the three kinds of page.

use std::sync::Arc;

use proptest::{prelude::*, sample::Index};
use sphere_protocol::{
    Cid, ClientFrame, Kind, Message, MessageId, Page, RoomName, Seq, ServerFrame, Timestamp,
    UserId, server::Ack,
};

const EPOCH: i64 = 1_737_700_000_000;
/// Small, so that a short list of records needs many pages.
const PAGE: usize = 4;
/// Above so many records a catch-up becomes a reset.
const REPLAY: usize = 9;

/// What somebody wrote into the log.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    /// Somebody else's message.
    Other,
    /// A message of this client.
    Own,
    /// An earlier message once more. A feed that still knows it sends a void, one that forgot it sends it again.
    Repeat { of: Index, known: bool },
    /// A kind of a newer server.
    Newer,
}

pub(crate) fn record() -> impl Strategy<Value = (Record, bool)> {
    let kind = prop_oneof![
        4 => Just(Record::Other),
        3 => Just(Record::Own),
        2 => (any::<Index>(), any::<bool>()).prop_map(|(of, known)| Record::Repeat { of, known }),
        1 => Just(Record::Newer),
    ];
    (kind, any::<bool>())
}

/// One record, as the store has it and as it was sent live.
#[derive(Debug, Clone)]
struct Written {
    stored: Message,
    live: Message,
    own: Option<Cid>,
}

/// The server.
pub(crate) struct Model {
    written: Vec<Written>,
    /// So many of them exist by now.
    now: usize,
}

impl Model {
    /// A room in which these will be written; `true` leaves a hole in the numbers before the record.
    pub(crate) fn new(records: &[(Record, bool)]) -> Self {
        let mut model = Self {
            written: Vec::new(),
            now: 0,
        };
        for (record, gap) in records {
            model.plan(record, *gap);
        }
        model
    }

    pub(crate) fn me(&self) -> UserId {
        "anon_1_aaaaaaaaa".into()
    }

    pub(crate) fn room(&self) -> RoomName {
        "room1".into()
    }

    fn plan(&mut self, record: &Record, gap: bool) {
        let index = self.written.len();
        let prev = self.written.last().map_or(-1, |last| last.stored.seq);
        let seq = prev + if gap { 3 } else { 1 };
        let cid =
            Cid(uuid::Builder::from_custom_bytes([u8::try_from(index).unwrap(); 16]).into_uuid());
        let author = if matches!(record, Record::Own) {
            self.me()
        } else {
            "anon_2_bbbbbbbbb".into()
        };
        let mut stored = Message {
            room: self.room(),
            epoch: EPOCH,
            seq,
            prev: Some(prev),
            id: MessageId::derive(&author, &self.room(), cid),
            user_id: author,
            user_name: String::new(),
            user_image: String::new(),
            message: format!("text {index}"),
            created_at: Timestamp(seq),
            kind: Kind::Message,
            reference: None,
        };
        let mut live = stored.clone();
        let messages: Vec<&Written> = self
            .written
            .iter()
            .filter(|written| written.stored.kind == Kind::Message)
            .collect();
        match record {
            Record::Repeat { of, known } if !messages.is_empty() => {
                let first = of.get(&messages).stored.clone();
                stored.kind = Kind::Void;
                stored.reference = Some(first.id);
                stored.message = String::new();
                live = stored.clone();
                if !known {
                    live = Message {
                        seq,
                        prev: Some(prev),
                        ..first
                    };
                }
            }
            Record::Newer => {
                stored.kind = Kind::Unknown;
                live.kind = Kind::Unknown;
            }
            _ => {}
        }
        let own = matches!(record, Record::Own).then_some(cid);
        self.written.push(Written { stored, live, own });
    }

    /// The own message that will be written next.
    pub(crate) fn next_own(&self) -> Option<(Cid, String)> {
        let next = self.written.get(self.now)?;
        Some((next.own?, next.stored.message.clone()))
    }

    pub(crate) fn append(&mut self) {
        self.now = self.written.len().min(self.now + 1);
    }

    fn existing(&self) -> &[Written] {
        &self.written[..self.now]
    }

    pub(crate) fn head(&self) -> Seq {
        self.existing().last().map_or(-1, |last| last.stored.seq)
    }

    pub(crate) fn lives(&self) -> Vec<Arc<Message>> {
        self.existing()
            .iter()
            .map(|written| Arc::new(written.live.clone()))
            .collect()
    }

    pub(crate) fn acks(&self) -> Vec<Ack> {
        let ack = |written: &Written| {
            let Message {
                id,
                seq,
                created_at,
                ..
            } = written.stored;
            Some(Ack {
                cid: written.own?,
                id,
                seq,
                created_at,
            })
        };
        self.existing().iter().filter_map(ack).collect()
    }

    /// The rows that a reader of everything sees.
    pub(crate) fn rows(&self) -> Vec<(Seq, MessageId, String)> {
        let rows = self.existing().iter().map(|written| &written.stored);
        let rows = rows.filter(|stored| stored.kind == Kind::Message);
        rows.map(|stored| (stored.seq, stored.id, stored.message.clone()))
            .collect()
    }

    pub(crate) fn own_since(&self, from: usize) -> usize {
        self.existing()
            .iter()
            .skip(from)
            .filter(|written| written.own.is_some())
            .count()
    }

    pub(crate) fn answer(&self, request: &ClientFrame) -> ServerFrame {
        match request {
            ClientFrame::JoinRoom(join) => ServerFrame::RoomJoined(self.page(join.after, None)),
            ClientFrame::SyncRoom(sync) => ServerFrame::RoomPage(match sync.around {
                Some(id) => self.around(id),
                None => self.page(sync.after, sync.before),
            }),
            other => panic!("this model serves no {other:?}"),
        }
    }

    fn page(&self, after: Option<Seq>, before: Option<Seq>) -> Page {
        let mut page = Page {
            room: self.room(),
            epoch: EPOCH,
            head: self.head(),
            items: Vec::new(),
            more: false,
            reset: false,
            more_after: None,
            after,
            before,
            around: None,
        };
        if let Some(after) = after {
            let above: Vec<&Written> = self
                .existing()
                .iter()
                .filter(|written| written.stored.seq > after)
                .collect();
            if above.len() <= REPLAY {
                page.more = above.len() > PAGE;
                page.items = above
                    .iter()
                    .take(PAGE)
                    .map(|written| Arc::new(written.stored.clone()))
                    .collect();
                return page;
            }
            page.reset = true;
        }
        let below = |stored: &&Message| before.is_none_or(|before| stored.seq < before);
        let stored = self.existing().iter().map(|written| &written.stored);
        let mut items: Vec<Arc<Message>> = stored
            .filter(|stored| stored.kind == Kind::Message)
            .filter(below)
            .map(|stored| {
                Arc::new(Message {
                    prev: None,
                    ..stored.clone()
                })
            })
            .collect();
        page.more = items.len() > PAGE;
        page.items = items.split_off(items.len().saturating_sub(PAGE));
        page
    }

    /// Half of a page before a message, half from it on.
    fn around(&self, id: MessageId) -> Page {
        let before = self.page(None, Some(Seq::MAX));
        let messages: Vec<&Message> = self
            .existing()
            .iter()
            .map(|written| &written.stored)
            .filter(|stored| stored.kind == Kind::Message)
            .collect();
        let middle = messages.iter().position(|stored| stored.id == id);
        let middle = middle.expect("a message that a client knows");
        let (low, high) = (
            middle.saturating_sub(PAGE / 2),
            messages.len().min(middle + PAGE / 2),
        );
        Page {
            items: messages[low..high]
                .iter()
                .map(|stored| {
                    Arc::new(Message {
                        prev: None,
                        ..(*stored).clone()
                    })
                })
                .collect(),
            more: low > 0,
            more_after: Some(high < messages.len()),
            before: None,
            around: Some(id),
            ..before
        }
    }
}
