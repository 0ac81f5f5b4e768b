//! The one connection to the server: frames out, frames in. The only file that touches the browser's WebSocket.
//!
//! It knows no rules: when to connect, to go or to come back is `engine/link.rs`' business. A dropped [`Socket`] is
//! closed and never calls back again.

use sphere_protocol::{ClientFrame, ServerFrame};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use crate::server;

/// What a connection tells.
#[derive(Debug)]
pub(crate) enum Event {
    /// Frames may be sent.
    Open,
    /// Something was heard; what it means, if this client knows it.
    Frame(Option<ServerFrame>),
    /// It is over, with this close code.
    Closed(u16),
}

/// A connection.
pub(crate) struct Socket {
    inner: WebSocket,
    _open: Closure<dyn FnMut()>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    /// Connects to the server.
    pub(crate) fn connect(tell: impl Fn(Event) + Clone + 'static) -> Option<Self> {
        let inner = WebSocket::new(&server::socket()?).ok()?;
        let open = {
            let tell = tell.clone();
            Closure::<dyn FnMut()>::new(move || tell(Event::Open))
        };
        let message = {
            let tell = tell.clone();
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                let frame = event
                    .data()
                    .as_string()
                    .and_then(|text| ServerFrame::decode(&text).ok());
                tell(Event::Frame(frame));
            })
        };
        let close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            tell(Event::Closed(event.code()))
        });
        inner.set_onopen(Some(open.as_ref().unchecked_ref()));
        inner.set_onmessage(Some(message.as_ref().unchecked_ref()));
        inner.set_onclose(Some(close.as_ref().unchecked_ref()));
        Some(Self {
            inner,
            _open: open,
            _message: message,
            _close: close,
        })
    }

    /// Sends a frame; on a connection that is not open nothing happens.
    pub(crate) fn send(&self, frame: &ClientFrame) {
        if self.inner.ready_state() == WebSocket::OPEN {
            // What cannot be sent now is sent again after the reconnect.
            let _ = self.inner.send_with_str(&frame.encode());
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.inner.set_onopen(None);
        self.inner.set_onmessage(None);
        self.inner.set_onclose(None);
        // Closing what is closed does nothing.
        let _ = self.inner.close();
    }
}
