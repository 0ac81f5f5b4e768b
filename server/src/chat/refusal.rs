//! Why something was refused, and when it may work: the same for sends, names and pages.

use std::time::Duration;

use sphere_protocol::{Cid, Code, server::Nack};

use crate::{limits::Exceeded, measure};

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("refused: {code:?}")]
pub struct Refusal {
    /// The code on the wire.
    pub code: Code,
    /// Whether, and when, the same may work.
    pub retry: Option<Duration>,
}

impl Refusal {
    /// It will never work.
    pub fn never(code: Code) -> Self {
        Self { code, retry: None }
    }

    /// It may work later.
    pub fn later(code: Code, after: Duration) -> Self {
        Self {
            code,
            retry: Some(after),
        }
    }

    /// The answer to a send.
    pub fn nack(self, cid: Cid) -> Nack {
        measure::nacked(self.code);
        let (retry, after_ms) = self.on_the_wire();
        Nack {
            cid,
            code: self.code,
            message: self.code.text().to_owned(),
            retry,
            after_ms,
        }
    }

    /// `retry` and `afterMs`; a wait is never rounded down to one that is still too short.
    pub fn on_the_wire(self) -> (bool, Option<u64>) {
        let after = self
            .retry
            .map(|after| u64::try_from(after.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX));
        (self.retry.is_some(), after)
    }
}

impl From<Exceeded> for Refusal {
    fn from(exceeded: Exceeded) -> Self {
        Self::later(Code::RateLimited, exceeded.0)
    }
}
