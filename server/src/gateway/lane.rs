//! Work of one socket that takes time, done in the socket's own task, in order.

use std::{collections::VecDeque, convert::Infallible, future::pending};

use futures::future::BoxFuture;

/// Runs pieces of work one after the other.
#[derive(Default)]
pub(super) struct Lane {
    running: Option<BoxFuture<'static, ()>>,
    waiting: VecDeque<BoxFuture<'static, ()>>,
}

impl Lane {
    /// Adds work behind what waits.
    pub(super) fn push(&mut self, work: BoxFuture<'static, ()>) {
        self.waiting.push_back(work);
    }

    /// Works for as long as it is polled; dropping the future loses no work.
    pub(super) async fn drive(&mut self) -> Infallible {
        loop {
            if self.running.is_none() {
                self.running = self.waiting.pop_front();
            }
            match &mut self.running {
                Some(work) => {
                    work.await;
                    self.running = None;
                }
                None => pending().await,
            }
        }
    }
}
