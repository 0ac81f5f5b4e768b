//! When to connect, when a connection is dead, and when to come back.

use sphere_protocol::{ClientFrame, CloseCode, Code, ServerFrame, Timestamp, client::Ping};

use super::{
    Engine, Inner,
    banner::{FIRST_MS, PATIENCE_MS},
};
use crate::{
    backoff, browser, chat,
    socket::{Event, Socket},
};

/// A connection that is not welcomed within this time is given up.
const WELCOME_MS: i64 = 10_000;
/// A send that is not answered within this time means that the connection is dead; the server answers within 15 s.
const ANSWER_MS: i64 = 20_000;
/// A page that was hidden for so long does not trust its connection.
const HIDDEN_MS: i64 = 30_000;
/// The wait between attempts while the browser says that there is no network.
const OFFLINE_MS: u64 = 30_000;

/// The connection and what is known about it.
pub(super) struct Link {
    socket: Option<Socket>,
    /// Counts attempts to connect: what was meant for an earlier one is dropped.
    number: u32,
    pub(super) welcomed: bool,
    /// When the present state began: opened, welcomed or lost.
    pub(super) since: i64,
    /// From when on the banner may say that the connection is away.
    pub(super) banner_at: i64,
    pub(super) failures: u32,
    heard: i64,
    pub(super) pinged: i64,
    pings: u64,
    pub(super) heartbeat: i64,
    hidden: Option<i64>,
    pub(super) back_ms: Option<u64>,
    pub(super) stopped: Option<Code>,
    /// The identity was refused over this connection, and there is a new one.
    pub(super) renewed: bool,
}

impl Link {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            socket: None,
            number: 0,
            welcomed: false,
            since: now.0,
            banner_at: now.0 + FIRST_MS,
            failures: 0,
            heard: now.0,
            pinged: now.0,
            pings: 0,
            heartbeat: i64::from(sphere_protocol::limits::HEARTBEAT_MS),
            hidden: None,
            back_ms: None,
            stopped: None,
            renewed: false,
        }
    }

    pub(super) fn send(&self, frame: &ClientFrame) {
        if let Some(socket) = &self.socket {
            socket.send(frame);
        }
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn is_welcomed(&self) -> bool {
        self.welcomed
    }

    pub(super) fn bye(&mut self, why: Code, reconnect_ms: Option<u32>) {
        self.back_ms = reconnect_ms.map(u64::from);
        if reconnect_ms.is_none() {
            self.stopped = Some(why);
        }
    }

    fn ping(&mut self, now: i64) {
        self.pings += 1;
        self.pinged = now;
        self.send(&ClientFrame::Ping(Ping { n: self.pings }));
    }

    /// Whether the connection is dead although nobody has said so.
    fn is_dead(&self, now: i64, oldest_send: Option<i64>) -> bool {
        if self.socket.is_none() {
            return false;
        }
        if !self.welcomed {
            return now - self.since > WELCOME_MS;
        }
        let silent = browser::is_visible() && now - self.heard > 2 * self.heartbeat;
        silent || oldest_send.is_some_and(|since| now - since > ANSWER_MS)
    }
}

impl Engine {
    /// Opens a new connection; the one before it is over.
    pub(super) fn connect(&self) {
        let number = self.with(Inner::drop_connection);
        self.drain();
        let engine = self.clone();
        let socket = Socket::connect(move |event| engine.heard(number, event));
        let failed = socket.is_none();
        self.with(|inner| inner.link.socket = socket);
        if failed {
            self.heard(number, Event::Closed(0));
        }
    }

    fn heard(&self, number: u32, event: Event) {
        if self.with(|inner| inner.link.number != number) {
            return;
        }
        match event {
            Event::Open => self.with(Inner::greet),
            Event::Frame(frame) => {
                self.with(|inner| inner.link.heard = browser::now().0);
                let Some(frame) = frame else { return };
                if let ServerFrame::Welcome(welcome) = &frame {
                    self.with(|inner| inner.welcomed(welcome.heartbeat_ms));
                    self.let_banner_go();
                }
                self.take(&frame);
            }
            Event::Closed(code) => self.closed(code),
        }
    }

    fn closed(&self, code: u16) {
        let number = self.with(Inner::drop_connection);
        self.drain();
        // The error frame before this close has made a new pair, unless it was lost.
        let renewed = self.with(|inner| std::mem::take(&mut inner.link.renewed));
        if code == CloseCode::Identity as u16 && !renewed {
            self.with(Inner::renew_identity);
        }
        let wait = self.with(|inner| inner.wait_after(code));
        self.redraw();
        self.check_banner_soon();
        let Some(wait) = wait else { return };
        let engine = self.clone();
        browser::after(wait, move || {
            if engine.with(|inner| inner.link.number == number && inner.link.stopped.is_none()) {
                engine.connect();
            }
        });
    }

    /// Connects now, whatever the clock says.
    pub(super) fn come_back(&self) {
        self.with(|inner| inner.link.stopped = None);
        if !self.with(|inner| inner.link.socket.is_some() && inner.link.welcomed) {
            self.connect();
        }
        self.check_banner_soon();
    }

    /// Once a second, and whenever the page comes to the front.
    pub(super) fn check_link(&self) {
        let now = browser::now().0;
        let dead = self.with(|inner| {
            let oldest = inner.outbox.oldest_flight();
            let link = &mut inner.link;
            if link.welcomed && browser::is_visible() && now - link.pinged >= link.heartbeat {
                link.ping(now);
            }
            link.is_dead(now, oldest)
        });
        if dead {
            self.connect();
        }
        self.with(Inner::set_banner);
    }

    /// The page came to the front or went to the back.
    pub(super) fn seen(&self) {
        let now = browser::now().0;
        if !browser::is_visible() {
            self.with(|inner| inner.link.hidden = Some(now));
            return;
        }
        let (long, stopped, welcomed) = self.with(|inner| {
            let hidden = inner.link.hidden.take();
            let long = hidden.is_some_and(|since| now - since >= HIDDEN_MS);
            (long, inner.link.stopped.is_some(), inner.link.welcomed)
        });
        if !stopped && (long || !welcomed) {
            self.connect();
            self.check_banner_soon();
        } else if welcomed {
            self.with(|inner| inner.link.ping(now));
        }
    }

    /// The browser has lost its network.
    pub(super) fn offline(&self) {
        if self.with(|inner| inner.link.socket.is_some()) {
            self.closed(0);
        }
    }
}

impl Inner {
    /// Forgets the connection: nothing that was asked over it will be answered.
    fn drop_connection(&mut self) -> u32 {
        let now = browser::now().0;
        if self.link.welcomed {
            self.link.banner_at = now + PATIENCE_MS;
        }
        self.link.number += 1;
        self.link.welcomed = false;
        self.link.since = now;
        self.link.socket = None;
        self.state.disconnected();
        self.outbox.disconnected();
        chat::set(self.chat.link, chat::Link::Connecting);
        self.link.number
    }

    /// How long to wait after a close; none: until somebody asks.
    fn wait_after(&mut self, code: u16) -> Option<u64> {
        let link = &mut self.link;
        if code == CloseCode::UnsupportedVersion as u16 {
            link.stopped = Some(Code::UnsupportedVersion);
        }
        if link.stopped.is_some() {
            return None;
        }
        if code == CloseCode::TooManyConnections as u16 {
            link.failures = link.failures.max(4);
        }
        let wait = link
            .back_ms
            .take()
            .unwrap_or_else(|| backoff::delay(link.failures, browser::chance()));
        link.failures += 1;
        Some(if browser::is_online() {
            wait
        } else {
            OFFLINE_MS
        })
    }
}
