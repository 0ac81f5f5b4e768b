//! A client of the protocol: says what the test says, and keeps what the server says until the test asks for it.

use std::{collections::VecDeque, net::SocketAddr, ops::Index};

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Message, client::IntoClientRequest as _, http::HeaderValue},
};

use super::{Person, cid, eventually, within};

/// A frame of the server.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    pub(crate) event: String,
    pub(crate) data: Value,
}

impl Index<&str> for Frame {
    type Output = Value;

    fn index(&self, field: &str) -> &Value {
        &self.data[field]
    }
}

impl Frame {
    /// Reads the one form that all frames have.
    pub(crate) fn read(text: &str) -> Self {
        let frame: Value =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(
            frame.as_object().map(serde_json::Map::len),
            Some(2),
            "{text}"
        );
        Self {
            event: frame["event"].as_str().unwrap().to_owned(),
            data: frame["data"].clone(),
        }
    }
}

/// What comes over a socket.
#[derive(Debug)]
pub(crate) enum Got {
    Frame(Frame),
    /// The end, with the code of the close frame if there was one.
    Closed(Option<u16>),
}

/// A client of the protocol.
#[derive(Debug)]
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    inbox: VecDeque<Frame>,
    code: Option<u16>,
    /// Whether `room:activity` is kept. It comes when it wants, so most tests do not look at it.
    pub(crate) keeps_activity: bool,
}

impl Client {
    /// A socket that has not said anything.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::open_with(address, &[]).await.expect("an upgrade")
    }

    /// The same with headers; the status and the answer's body if there is no upgrade.
    pub(crate) async fn open_with(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, (u16, String)> {
        let stream = within("a connection", TcpStream::connect(address))
            .await
            .unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream, address, headers).await
    }

    /// The same over a connection that is there already.
    pub(crate) async fn over(
        stream: TcpStream,
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, (u16, String)> {
        let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
        for (name, value) in headers {
            request
                .headers_mut()
                .append(*name, HeaderValue::from_str(value).unwrap());
        }
        match within(
            "the upgrade",
            tokio_tungstenite::client_async(request, stream),
        )
        .await
        {
            Ok((socket, _)) => Ok(Self {
                socket,
                inbox: VecDeque::new(),
                code: None,
                keeps_activity: false,
            }),
            Err(tungstenite::Error::Http(answer)) => {
                let body = answer.body().clone().unwrap_or_default();
                Err((answer.status().as_u16(), String::from_utf8(body).unwrap()))
            }
            Err(error) => panic!("the upgrade failed: {error}"),
        }
    }

    /// A socket that has said this `hello`, and what it was welcomed with.
    pub(crate) async fn hello(address: SocketAddr, hello: Value) -> (Self, Value) {
        let mut client = Self::open(address).await;
        client.send("hello", hello).await;
        let welcome = client.next().await;
        assert_eq!(welcome.event, "welcome", "{welcome:?}");
        (client, welcome.data)
    }

    /// Somebody's socket, in these rooms.
    pub(crate) async fn join(address: SocketAddr, person: &Person, rooms: &[&str]) -> Self {
        let (mut client, _) = Self::hello(address, person.hello_with(rooms)).await;
        for room in rooms {
            let joined = client.next().await;
            assert_eq!(
                (joined.event.as_str(), &joined["room"]),
                ("room:joined", &json!(room))
            );
        }
        client
    }

    /// A reader's socket, in these rooms.
    pub(crate) async fn guest(address: SocketAddr, rooms: &[&str]) -> Self {
        let entries: Vec<Value> = rooms.iter().map(|room| json!({"room": room})).collect();
        let (mut client, _) = Self::hello(address, json!({"v": 1, "rooms": entries})).await;
        for _ in rooms {
            client.take("room:joined").await;
        }
        client
    }

    /// The same where the server may die in the middle.
    pub(crate) async fn try_over(stream: TcpStream, address: SocketAddr) -> Option<Self> {
        let (socket, _) = tokio_tungstenite::client_async(format!("ws://{address}/ws"), stream)
            .await
            .ok()?;
        Some(Self {
            socket,
            inbox: VecDeque::new(),
            code: None,
            keeps_activity: false,
        })
    }

    /// Says something.
    pub(crate) async fn send(&mut self, event: &str, data: Value) {
        self.text(json!({"event": event, "data": data}).to_string())
            .await;
    }

    /// Says something that need not be a frame.
    pub(crate) async fn text(&mut self, text: impl Into<String>) {
        self.message(Message::Text(text.into().into())).await;
    }

    /// Sends a WebSocket message.
    pub(crate) async fn message(&mut self, message: Message) {
        within("sending", self.socket.send(message)).await.unwrap();
    }

    /// Sends a WebSocket message that the server may no longer want.
    pub(crate) async fn try_message(&mut self, message: Message) -> bool {
        within("sending", self.socket.send(message)).await.is_ok()
    }

    /// Queues a WebSocket message without waiting for the connection to take it.
    pub(crate) async fn feed(&mut self, event: &str, data: Value) {
        let text = json!({"event": event, "data": data}).to_string();
        within("sending", self.socket.feed(Message::Text(text.into())))
            .await
            .unwrap();
    }

    /// Writes what was queued.
    pub(crate) async fn flush(&mut self) {
        within("flushing", self.socket.flush()).await.unwrap();
    }

    /// What comes next, the end included. Waits for ever: to be used with a deadline.
    pub(crate) async fn got(&mut self) -> Got {
        if let Some(frame) = self.inbox.pop_front() {
            return Got::Frame(frame);
        }
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let frame = Frame::read(&text);
                    if self.keeps_activity || frame.event != "room:activity" {
                        return Got::Frame(frame);
                    }
                }
                Some(Ok(Message::Close(close))) => self.code = close.map(|close| close.code.into()),
                Some(Ok(Message::Binary(_))) => panic!("the server sends text only"),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Got::Closed(self.code),
            }
        }
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Frame {
        match within("the next frame", self.got()).await {
            Got::Frame(frame) => frame,
            Got::Closed(code) => panic!("closed with {code:?} instead of a frame"),
        }
    }

    /// The next frame, which must be of this event.
    pub(crate) async fn expect(&mut self, event: &str) -> Value {
        let frame = self.next().await;
        assert_eq!(frame.event, event, "{frame:?}");
        frame.data
    }

    /// The next frame that fits; those before it stay for later.
    pub(crate) async fn find(&mut self, what: &str, fits: impl Fn(&Frame) -> bool) -> Frame {
        if let Some(n) = self.inbox.iter().position(&fits) {
            return self.inbox.remove(n).unwrap();
        }
        let mut passed = std::mem::take(&mut self.inbox);
        let found = loop {
            match within(what, self.got()).await {
                Got::Frame(frame) if fits(&frame) => break frame,
                Got::Frame(frame) => passed.push_back(frame),
                Got::Closed(code) => panic!("{what}: closed with {code:?} after {passed:?}"),
            }
        };
        self.inbox = passed;
        found
    }

    /// The next frame of this event; those before it stay for later.
    pub(crate) async fn take(&mut self, event: &str) -> Value {
        self.find(event, |frame| frame.event == event).await.data
    }

    /// The code that the socket is closed with. Frames before it stay for later.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        let mut passed = std::mem::take(&mut self.inbox);
        loop {
            match within("the end", self.got()).await {
                Got::Frame(frame) => passed.push_back(frame),
                Got::Closed(code) => {
                    self.inbox = passed;
                    return code;
                }
            }
        }
    }

    /// Everything that the server has said before it answers a ping.
    pub(crate) async fn heard(&mut self) -> Vec<Frame> {
        self.send("ping", json!({"n": 0})).await;
        let mut heard = Vec::new();
        loop {
            match self.next().await {
                frame if frame.event == "pong" => return heard,
                frame => heard.push(frame),
            }
        }
    }

    /// Sends a message and does not wait.
    pub(crate) async fn post(&mut self, room: &str, text: &str) -> String {
        let cid = cid();
        self.post_again(&cid, 1, room, text).await;
        cid
    }

    /// Sends a message under a key that was used before.
    pub(crate) async fn post_again(&mut self, cid: &str, attempt: u32, room: &str, text: &str) {
        self.send(
            "event:message",
            json!({"cid": cid, "attempt": attempt, "room": room, "message": text}),
        )
        .await;
    }

    /// Sends a message that was refused again and again, until it is taken: its acknowledgement.
    pub(crate) async fn post_until_taken(&mut self, cid: &str, room: &str, text: &str) -> Frame {
        let (mut attempt, mut ack) = (2, None);
        eventually("the send is taken", async || {
            self.post_again(cid, attempt, room, text).await;
            attempt += 1;
            let answer = self.answer(cid).await;
            ack = Some(answer).filter(|answer| answer.event == "message:ack");
            ack.is_some()
        })
        .await;
        ack.unwrap()
    }

    /// The answer to a send: `message:ack` or `message:nack`.
    pub(crate) async fn answer(&mut self, cid: &str) -> Frame {
        let fits = |frame: &Frame| frame.event.starts_with("message:") && frame["cid"] == *cid;
        self.find("the answer to a send", fits).await
    }

    /// The acknowledgement of a send.
    pub(crate) async fn ack(&mut self, cid: &str) -> Value {
        let answer = self.answer(cid).await;
        assert_eq!(answer.event, "message:ack", "{answer:?}");
        answer.data
    }

    /// The refusal of a send.
    pub(crate) async fn nack(&mut self, cid: &str) -> Value {
        let answer = self.answer(cid).await;
        assert_eq!(answer.event, "message:nack", "{answer:?}");
        answer.data
    }

    /// Sends a message and waits for its acknowledgement.
    pub(crate) async fn say(&mut self, room: &str, text: &str) -> Value {
        let cid = self.post(room, text).await;
        self.ack(&cid).await
    }

    /// Sends a message and waits for its refusal: the code, and whether to try again.
    pub(crate) async fn refused(&mut self, room: &str, text: &str) -> (String, bool) {
        let cid = self.post(room, text).await;
        let nack = self.nack(&cid).await;
        (
            nack["code"].as_str().unwrap().to_owned(),
            nack["retry"].as_bool().unwrap(),
        )
    }

    /// Sends many messages at once and waits for all of them.
    pub(crate) async fn say_all(
        &mut self,
        room: &str,
        texts: impl IntoIterator<Item = String>,
    ) -> Vec<Value> {
        let mut acks = Vec::new();
        let texts: Vec<String> = texts.into_iter().collect();
        // No more than a socket may have open.
        for texts in texts.chunks(60) {
            let mut cids = Vec::new();
            for text in texts {
                let cid = cid();
                self.feed(
                    "event:message",
                    json!({"cid": cid, "attempt": 1, "room": room, "message": text}),
                )
                .await;
                cids.push(cid);
            }
            self.flush().await;
            for cid in cids {
                acks.push(self.ack(&cid).await);
            }
        }
        acks
    }

    /// Asks for a page: `room:page` or `room:error`.
    pub(crate) async fn ask(&mut self, sync: Value) -> Frame {
        self.send("sync:room", sync).await;
        self.find("a page", |frame| {
            matches!(frame.event.as_str(), "room:page" | "room:error")
        })
        .await
    }

    /// Asks for a page that must come.
    pub(crate) async fn page(&mut self, sync: Value) -> Value {
        let answer = self.ask(sync).await;
        assert_eq!(answer.event, "room:page", "{answer:?}");
        answer.data
    }

    /// The connection below, to break it.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.socket.into_inner()
    }
}
