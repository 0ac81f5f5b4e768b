//! What the banner says about the connection, and for how long.

use leptos::prelude::{GetUntracked, Set};

use super::{Engine, Inner};
use crate::{
    browser,
    chat::{self, Banner},
};

/// The banner waits so long after a loss, so that a blink does not show.
pub(super) const PATIENCE_MS: i64 = 400;
/// It waits so long after the page was opened.
pub(super) const FIRST_MS: i64 = 2_000;
/// So long it says that the connection is back.
const BACK_MS: u64 = 2_000;

impl Engine {
    pub(super) fn check_banner_soon(&self) {
        let engine = self.clone();
        browser::after(PATIENCE_MS.unsigned_abs() + 20, move || {
            engine.with(Inner::set_banner)
        });
    }

    pub(super) fn let_banner_go(&self) {
        let engine = self.clone();
        browser::after(BACK_MS, move || {
            engine.with(|inner| {
                if inner.link.welcomed {
                    chat::set(inner.chat.banner, Banner::None);
                }
            });
        });
    }
}

impl Inner {
    /// What the banner says now.
    pub(super) fn set_banner(&mut self) {
        if self.link.welcomed {
            return;
        }
        if let Some(why) = self.link.stopped {
            chat::set(self.chat.banner, Banner::Stopped(why));
        } else if browser::now().0 >= self.link.banner_at {
            chat::set(self.chat.banner, Banner::Lost);
        }
    }

    /// Whoever was told that the connection is away is told that it is back.
    pub(super) fn banner_back(&self) {
        if self.chat.banner.get_untracked() == Banner::Lost {
            self.chat.banner.set(Banner::Back);
        } else {
            chat::set(self.chat.banner, Banner::None);
        }
    }
}
