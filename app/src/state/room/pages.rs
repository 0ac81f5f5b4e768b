//! How a page changes a room: a catch-up goes on where the room ends, a newest page becomes its end, an earlier one goes
//! in front or into a hole.

use sphere_protocol::{MessageId, Page, Seq};

use super::{Ask, Effect, Hole, RoomState};

/// Where a history begins: what is missing from here on has no loaded row below it.
const BEGINNING: Seq = -1;

impl RoomState {
    /// A page: the answer to a join, to a `sync:room` or to a request for older messages.
    pub(in crate::state) fn page(&mut self, page: &Page) -> Vec<Effect> {
        if let Some(id) = page.around {
            return self.around(page, id);
        }
        if let Some(before) = page.before {
            return self.earlier(page, before);
        }
        self.syncing = false;
        self.error = None;
        if self.epoch.is_some_and(|epoch| epoch != page.epoch) {
            self.forget();
        }
        let catch_up = !page.reset
            && (page.after.is_some() || page.items.first().is_some_and(|item| item.prev.is_some()));
        if !catch_up {
            let mut effects = self.rebase(page);
            effects.extend(self.release());
            return effects;
        }
        match self.last {
            Some(last) if page.head >= last => self.catch_up(page),
            _ => {
                self.forget();
                self.read(0)
            }
        }
    }

    fn catch_up(&mut self, page: &Page) -> Vec<Effect> {
        self.epoch = Some(page.epoch);
        let before = self.last;
        let mut whole = true;
        let mut effects = Vec::new();
        for item in &page.items {
            let last = self.last.unwrap_or(-1);
            if item.seq <= last {
                effects.extend(self.repeat(item));
            } else if item.prev == Some(last) {
                effects.extend(self.append(item));
            } else {
                whole = false;
                break;
            }
        }
        if page.more || !whole {
            // A page that brings nothing new must not be asked for again at once, for ever.
            let stuck = self.last == before;
            effects.extend(self.read(if stuck { 1_000 } else { 0 }));
        } else {
            effects.extend(self.release());
        }
        effects
    }

    /// The newest page as the end of the room; what lies between it and older rows becomes a hole.
    fn rebase(&mut self, page: &Page) -> Vec<Effect> {
        if self.last.is_some_and(|last| page.head < last) {
            self.forget();
        }
        self.epoch = Some(page.epoch);
        let low = page
            .items
            .first()
            .filter(|_| page.more)
            .map(|item| item.seq);
        match (low, self.last) {
            (None, _) => {
                self.floor = None;
                self.holes.clear();
            }
            (Some(low), None) => {
                self.floor = Some(low);
                self.drop_rows(|seq| seq < low);
            }
            (Some(low), Some(last)) if low > last + 1 => {
                let hole = Hole {
                    after: last,
                    before: low,
                };
                self.drop_rows(|seq| hole.contains(seq));
                self.holes.push(hole);
            }
            (Some(_), Some(_)) => {}
        }
        self.last = Some(page.head);
        page.items
            .iter()
            .filter_map(|item| self.show(item))
            .collect()
    }

    /// A page of messages below `before`: fills a hole or goes in front.
    fn earlier(&mut self, page: &Page, before: Seq) -> Vec<Effect> {
        if self.paging == Some(Ask::Before(before)) {
            self.paging = None;
        }
        // Only what touches loaded rows may be shown; anything else would hide a hole.
        if self.last.is_some() && self.epoch == Some(page.epoch) && !self.shows(before) {
            return Vec::new();
        }
        self.history(page, before - 1)
    }

    /// A page around a message: an island, or a bridge between what is here.
    fn around(&mut self, page: &Page, id: MessageId) -> Vec<Effect> {
        if self.paging == Some(Ask::Around(id)) {
            self.paging = None;
        }
        let end = page.items.last().filter(|_| page.more_after == Some(true));
        self.history(page, end.map_or(page.head, |item| item.seq))
    }

    /// Messages up to `high`, without a gap among themselves. What is above `last` comes by itself.
    fn history(&mut self, page: &Page, high: Seq) -> Vec<Effect> {
        let Some(last) = self.last else {
            return Vec::new();
        };
        if self.epoch != Some(page.epoch) {
            self.forget();
            return self.read(0);
        }
        let low = page.items.first().filter(|_| page.more);
        self.cover(low.map_or(BEGINNING, |item| item.seq), high);
        let items = page.items.iter().filter(|item| item.seq <= last);
        items.filter_map(|item| self.show(item)).collect()
    }

    /// Nothing is missing any more from `low` to `high`.
    fn cover(&mut self, low: Seq, high: Seq) {
        let below = self.floor.take().map(|before| Hole {
            after: BEGINNING,
            before,
        });
        let holes = std::mem::take(&mut self.holes);
        for hole in below.into_iter().chain(holes) {
            let left = Hole {
                before: hole.before.min(low),
                ..hole
            };
            let right = Hole {
                after: hole.after.max(high),
                ..hole
            };
            let left_over = [left, right].into_iter();
            self.holes
                .extend(left_over.filter(|hole| hole.after + 1 < hole.before));
        }
        if self
            .holes
            .first()
            .is_some_and(|hole| hole.after == BEGINNING)
        {
            self.floor = Some(self.holes.remove(0).before);
        }
    }

    /// Lets the live frames in that waited for a page.
    fn release(&mut self) -> Vec<Effect> {
        let held = std::mem::take(&mut self.held);
        held.iter().flat_map(|message| self.live(message)).collect()
    }
}
