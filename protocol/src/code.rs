//! Stable codes: why something was refused, and why a socket was closed. Texts may change, codes may not.

use serde::{Deserialize, Serialize};

/// Why the server refused or ended something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The text is only white space.
    Blank,
    /// The text has more than 5,000 characters.
    TooLong,
    /// The display name breaks a rule.
    BadName,
    /// There is no such room.
    UnknownRoom,
    /// There is no such message in the room.
    UnknownMessage,
    /// The user may not do this.
    Forbidden,
    /// Too much in a short time.
    RateLimited,
    /// A part of the server is away; the same request works later.
    Unavailable,
    /// The message may or may not have been stored; a retry with the same client key finds out.
    OutcomeUnknown,
    /// Only somebody with an identity may write.
    IdentityRequired,
    /// The identity is malformed, or its secret is another one than the id is bound to.
    IdentityRefused,
    /// Not a frame of this protocol.
    BadFrame,
    /// No such event.
    UnknownEvent,
    /// The client speaks a version that this server does not.
    UnsupportedVersion,
    /// The server is going down; another one, or the same a little later, will answer.
    ShuttingDown,
    /// A code of a newer server. Clients treat it like a refusal without a retry.
    #[serde(other)]
    Other,
}

impl Code {
    /// A sentence for people. Never contains internals.
    pub fn text(self) -> &'static str {
        match self {
            Self::Blank => "The message is empty.",
            Self::TooLong => "The message has more than 5,000 characters.",
            Self::BadName => "A name has 1 to 32 visible characters.",
            Self::UnknownRoom => "There is no such room.",
            Self::UnknownMessage => "There is no such message in this room.",
            Self::Forbidden => "You may not do this.",
            Self::RateLimited => "Too many messages in a short time.",
            Self::Unavailable => "The server cannot do this at the moment.",
            Self::OutcomeUnknown => "The server could not confirm the message.",
            Self::IdentityRequired => "Writing needs an identity.",
            Self::IdentityRefused => "This identity belongs to somebody else.",
            Self::BadFrame => "The frame is not part of the protocol.",
            Self::UnknownEvent => "There is no such event.",
            Self::UnsupportedVersion => {
                "This version of the client is too old or too new for the server."
            }
            Self::ShuttingDown => "The server is restarting.",
            Self::Other => "The server refused this.",
        }
    }
}

/// Why the server closed a socket. 1xxx as in RFC 6455, 4xxx are ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// Nothing was heard for 45 s.
    Silence = 1001,
    /// A frame broke the WebSocket protocol itself.
    Protocol = 1002,
    /// A text frame was not UTF-8.
    NotUtf8 = 1007,
    /// A message was larger than 65,536 bytes.
    TooBig = 1009,
    /// The server restarts.
    Restart = 1012,
    /// Three bad frames within 10 s.
    BadFrames = 4400,
    /// The identity was refused: make a new one.
    Identity = 4401,
    /// The version is not served.
    UnsupportedVersion = 4406,
    /// No `hello` within 5 s.
    NoHello = 4408,
    /// Too many connections from this address.
    TooManyConnections = 4429,
    /// The client reads too slowly.
    SlowReader = 4508,
}

impl CloseCode {
    /// The reason that travels beside the number.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Protocol => "protocol error",
            Self::NotUtf8 => "not UTF-8",
            Self::TooBig => "too big",
            Self::Restart => "restart",
            Self::BadFrames => "bad frames",
            Self::Identity => "identity refused",
            Self::UnsupportedVersion => "unsupported version",
            Self::NoHello => "no hello",
            Self::TooManyConnections => "too many connections",
            Self::SlowReader => "slow reader",
        }
    }
}
