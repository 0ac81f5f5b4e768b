//! The chat as the components see it: signals to read, and one way to ask for something.
//!
//! One [`Chat`] lives at the root, so changing rooms neither reconnects nor reads anything twice. On the server it shows
//! the state that the page starts from; in the browser [`Chat::start`] puts an engine behind it. Rows are published one
//! by one: a row that has not changed is not touched, however much arrives.

mod screen;

use leptos::prelude::*;
use send_wrapper::SendWrapper;
use sphere_protocol::{Code, MessageId, RoomName, Seq, Timestamp, server::Me};

use crate::{
    address::Place,
    boot::Boot,
    engine::Engine,
    settings::Settings,
    state::{ChatState, layout::Key, list, window::Window},
    time::Zone,
};
use screen::Screen;
pub(crate) use screen::{Eye, Line, Mark};

/// What the connection is doing, in the reader's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Link {
    /// Not there yet, or not there any more.
    #[default]
    Connecting,
    /// Frames come and go.
    Connected,
}

/// What the banner says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Banner {
    /// Nothing.
    #[default]
    None,
    /// The connection is away and comes back by itself.
    Lost,
    /// It has just come back.
    Back,
    /// The server sent this client away; only its user brings it back.
    Stopped(Code),
}

/// What somebody does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Looks at a room, perhaps at one of its messages.
    Show(Place),
    /// Writes to the room that is shown.
    Send(String),
    /// Sends a refused message again, under a new key.
    Again(MessageId),
    /// Gives a refused message up.
    Remove(MessageId),
    /// Takes another name.
    Rename(String),
    /// Comes near to the first line that is drawn.
    Above,
    /// Comes near to the last line that is drawn.
    Below,
    /// Wants what a hole above this `seq` hides; comes to it from above, or from below.
    Fill(Seq, bool),
    /// Does not want to wait for the connection.
    Connect,
    /// Scrolls away from the end, or back to it.
    AtEnd(bool),
    /// Changes the text in the composer.
    Draft(String),
    /// Chooses how the chat looks and when it calls.
    Set(Settings),
    /// Wants a room to call no more, or to call again.
    Mute(RoomName, bool),
}

/// The shown room apart from its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RoomView {
    /// The room.
    pub(crate) name: Option<RoomName>,
    /// Its newest page has come.
    pub(crate) loaded: bool,
    /// It has older messages than those that are drawn.
    pub(crate) older: bool,
    /// It has newer messages than those that are drawn.
    pub(crate) newer: bool,
    /// A page of history is on its way.
    pub(crate) paging: bool,
    /// The message that was asked for is not in this room.
    pub(crate) absent: bool,
    /// So many messages of others came since the reader left the end.
    pub(crate) news: usize,
    /// Why it cannot be read.
    pub(crate) error: Option<Code>,
}

/// The chat, as a handle that components copy.
#[derive(Clone, Copy)]
pub(crate) struct Chat {
    /// Hydration is finished: what only the browser knows may be shown.
    pub(crate) ready: RwSignal<bool>,
    /// In which zone times are shown.
    pub(crate) zone: RwSignal<Zone>,
    /// The lines of the room that is shown.
    pub(crate) lines: RwSignal<Vec<Line>>,
    /// The rest of it.
    pub(crate) room: RwSignal<RoomView>,
    /// All rooms.
    pub(crate) rooms: RwSignal<Vec<list::Line>>,
    /// The last message of the rooms that were looked at.
    pub(crate) marks: RwSignal<Vec<Mark>>,
    /// Who writes here; none until the browser is asked.
    pub(crate) me: RwSignal<Option<Me>>,
    /// Whether frames come and go.
    pub(crate) link: RwSignal<Link>,
    /// What the banner says.
    pub(crate) banner: RwSignal<Banner>,
    /// Messages that wait to be sent.
    pub(crate) waiting: RwSignal<usize>,
    /// The text in the composer.
    pub(crate) draft: RwSignal<String>,
    /// The name that was asked for breaks a rule.
    pub(crate) name_refused: RwSignal<bool>,
    /// A screen reader should not read what comes into the log: it is history.
    pub(crate) quiet: RwSignal<bool>,
    /// The log follows the newest message.
    pub(crate) at_end: RwSignal<bool>,
    /// The message that is to be scrolled to, once.
    pub(crate) aim: RwSignal<Option<MessageId>>,
    /// Until when the room that is shown waits because too much was written.
    pub(crate) slowed: RwSignal<Option<Timestamp>>,
    /// The message whose tools are shown.
    pub(crate) tools: RwSignal<Option<MessageId>>,
    /// What was chosen.
    pub(crate) settings: RwSignal<Settings>,
    /// Rooms that do not call.
    pub(crate) muted: RwSignal<Vec<RoomName>>,
    screen: StoredValue<Screen>,
    engine: StoredValue<Option<SendWrapper<Engine>>>,
}

impl Chat {
    /// The chat that a page starts from, the same on the server and in the browser.
    pub(crate) fn new(boot: &Boot) -> Self {
        let chat = Self {
            ready: RwSignal::new(false),
            zone: RwSignal::new(Zone::default()),
            lines: RwSignal::new(Vec::new()),
            room: RwSignal::new(RoomView::default()),
            rooms: RwSignal::new(Vec::new()),
            marks: RwSignal::new(Vec::new()),
            me: RwSignal::new(None),
            link: RwSignal::new(Link::default()),
            banner: RwSignal::new(Banner::default()),
            waiting: RwSignal::new(0),
            draft: RwSignal::new(String::new()),
            name_refused: RwSignal::new(false),
            quiet: RwSignal::new(false),
            at_end: RwSignal::new(boot.target.is_none()),
            aim: RwSignal::new(None),
            slowed: RwSignal::new(None),
            tools: RwSignal::new(None),
            settings: RwSignal::new(Settings::default()),
            muted: RwSignal::new(Vec::new()),
            screen: StoredValue::new(Screen::default()),
            engine: StoredValue::new(None),
        };
        let state = ChatState::from_boot(boot);
        chat.publish(&state, boot.room.as_ref(), Eye::default());
        if let Some(target) = boot.target {
            // Where the page begins for who comes by a link to one message.
            let window = chat.window_around(target).unwrap_or_default();
            let eye = Eye {
                window,
                target: Some(target),
                ..Eye::default()
            };
            chat.publish(&state, boot.room.as_ref(), eye);
        }
        chat
    }

    /// Brings it to life. Only in the browser, once.
    pub(crate) fn start(self, boot: &Boot) {
        self.engine
            .set_value(Some(SendWrapper::new(Engine::start(self, boot))));
    }

    /// Does what somebody wants. Before the engine runs there is nobody who could want something.
    pub(crate) fn act(self, action: Action) {
        let engine = self
            .engine
            .with_value(|engine| engine.as_ref().map(|engine| (**engine).clone()));
        if let Some(engine) = engine {
            engine.act(action);
        }
    }

    /// Shows the state: each signal is set only if what it holds has changed.
    pub(crate) fn publish(self, state: &ChatState, shown: Option<&RoomName>, eye: Eye) {
        let me = state.me().map(|me| &me.user_id);
        let zone = self.zone.get_untracked();
        let room = shown.and_then(|room| state.room(room));
        let drawn = self
            .screen
            .try_update_value(|screen| screen.lines(room, me, zone, eye))
            .flatten();
        if let Some(lines) = drawn {
            if self.room.with_untracked(|room| room.name.as_ref() != shown) {
                self.quiet.set(true);
            }
            self.lines.set(lines);
        }
        let view = self
            .screen
            .with_value(|screen| screen.view(shown, room, me, eye));
        set(self.room, view);
        set(self.marks, screen::marks(state));
        set(self.rooms, state.list().lines().to_vec());
        set(self.me, state.me().cloned());
        set(self.waiting, state.waiting());
    }

    /// The window that has a message in its middle, if its row is loaded.
    pub(crate) fn window_around(self, id: MessageId) -> Option<Window> {
        self.windows(|keys| Window::around(keys, Key::Row(id)))
    }

    /// What this user wrote in the room that is shown, the newest first.
    pub(crate) fn own_texts(self) -> Vec<String> {
        self.engine.with_value(|engine| {
            engine
                .as_ref()
                .map(|engine| engine.own_texts())
                .unwrap_or_default()
        })
    }

    /// What becomes of a window, from all lines of the room that is shown.
    pub(crate) fn windows<R>(self, choose: impl FnOnce(&[Key]) -> R) -> R {
        self.screen.with_value(|screen| choose(screen.keys()))
    }
}

/// Sets a signal if that changes it.
pub(crate) fn set<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|old| *old != value) {
        signal.set(value);
    }
}

/// The chat of this page.
pub(crate) fn use_chat() -> Chat {
    expect_context::<Chat>()
}
