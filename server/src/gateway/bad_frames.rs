//! Frames that cannot be read, or that are not allowed where they come: each is answered, and too many end the connection.
//!
//! Called by [`super::greeting`] and [`super::session`].

use std::collections::VecDeque;

use sphere_protocol::{ClientFrame, Code, DecodeError, ServerFrame, server::ErrorFrame};
use tokio::time::{Duration, Instant};

use crate::{chat::Refusal, hub::Queue};

/// Bad frames within this time are too many.
const BAD_FRAMES: (usize, Duration) = (3, Duration::from_secs(10));

/// There were too many bad frames: the socket is closed after the last answer.
#[derive(Debug)]
pub(super) struct TooManyBadFrames;

/// Counts frames that could not be read.
#[derive(Default)]
pub(super) struct BadFrames(VecDeque<Instant>);

impl BadFrames {
    /// Answers a bad frame.
    ///
    /// # Errors
    /// When it is one too many.
    pub(super) fn answer(
        &mut self,
        queue: &Queue,
        error: DecodeError,
    ) -> Result<(), TooManyBadFrames> {
        // Neither the event nor what the parser says: both may repeat what somebody wrote.
        tracing::debug!(code = ?error.code, "a bad frame");
        queue.answer(&match error.cid {
            Some(cid) => ServerFrame::Nack(Refusal::never(error.code).nack(cid)),
            None => {
                let message = error.code.text().to_owned();
                ServerFrame::Error(ErrorFrame {
                    code: error.code,
                    message,
                    retry: false,
                    event: error.event,
                })
            }
        });
        let now = Instant::now();
        self.0.retain(|at| now - *at < BAD_FRAMES.1);
        self.0.push_back(now);
        if self.0.len() >= BAD_FRAMES.0 {
            Err(TooManyBadFrames)
        } else {
            Ok(())
        }
    }
}

/// A frame that is well-formed, but not allowed here.
pub(super) fn out_of_place(frame: &ClientFrame, why: &str) -> DecodeError {
    let cid = if let ClientFrame::PostMessage(post) = frame {
        Some(post.cid)
    } else {
        None
    };
    DecodeError {
        code: Code::BadFrame,
        event: Some(frame.event().to_owned()),
        cid,
        why: why.to_owned(),
    }
}

/// A frame that is not even text.
pub(super) fn binary() -> DecodeError {
    DecodeError {
        code: Code::BadFrame,
        event: None,
        cid: None,
        why: "a binary frame".to_owned(),
    }
}
