//! How a page changes a room: a catch-up goes on where the room ends, a newest page becomes its end, an earlier one goes
//! in front or into a hole.

use sphere_protocol::{Page, Seq};

use super::{Effect, Hole, RoomState};

impl RoomState {
    /// A page: the answer to a join, to a `sync:room` or to a request for older messages.
    pub(in crate::state) fn page(&mut self, page: &Page) -> Vec<Effect> {
        if page.around.is_some() {
            return Vec::new();
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
        if self.paging == Some(before) {
            self.paging = None;
        }
        if self.last.is_none() {
            return Vec::new();
        }
        if self.epoch != Some(page.epoch) {
            self.forget();
            return self.read(0);
        }
        // Only what touches loaded rows may be shown; anything else would hide a hole.
        if !self.shows(before) {
            return Vec::new();
        }
        let low = page
            .items
            .first()
            .filter(|_| page.more)
            .map(|item| item.seq);
        self.holes.retain_mut(|hole| {
            let filled = hole.before <= before && low.is_none_or(|low| low <= hole.after + 1);
            if let (Some(low), true) = (low, hole.before <= before) {
                hole.before = hole.before.min(low);
            }
            !filled
        });
        self.floor = match (self.floor, low) {
            (Some(floor), Some(low)) => Some(floor.min(low)),
            _ => None,
        };
        page.items
            .iter()
            .filter_map(|item| self.show(item))
            .collect()
    }

    /// Lets the live frames in that waited for a page.
    fn release(&mut self) -> Vec<Effect> {
        let held = std::mem::take(&mut self.held);
        held.iter().flat_map(|message| self.live(message)).collect()
    }
}
