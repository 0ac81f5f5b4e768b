//! Which lines of a room are drawn: never more than [`DRAWN`], however long the room is.
//!
//! Pure. A window is a place in the list of lines, named by the line that it begins with, so that it stays where it is
//! when lines come above or below. `chat/screen.rs` draws what it covers, `engine` moves it.

use std::ops::Range;

use super::layout::Key;

/// At most so many lines are drawn.
pub const DRAWN: usize = 120;
/// By so many lines a window moves.
const STEP: usize = 40;

/// Which lines are drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Window {
    /// The last ones, also when there are more.
    #[default]
    End,
    /// Those from this one on.
    From(Key),
    /// The first ones that are loaded.
    Beginning,
}

impl Window {
    /// The lines that it covers. A window whose first line is gone covers the last ones.
    pub fn range(self, keys: &[Key]) -> Range<usize> {
        let last = keys.len().saturating_sub(DRAWN);
        let first = match self {
            Self::End => last,
            Self::Beginning => 0,
            Self::From(key) => keys.iter().position(|other| *other == key).unwrap_or(last),
        };
        first..keys.len().min(first + DRAWN)
    }

    /// The same lines, held fast.
    pub fn held(self, keys: &[Key]) -> Self {
        Self::at(keys, self.range(keys).start)
    }

    /// A window further up; none when nothing is above.
    pub fn above(self, keys: &[Key]) -> Option<Self> {
        let first = self.range(keys).start;
        (first > 0).then(|| Self::at(keys, first.saturating_sub(STEP)))
    }

    /// A window further down; none when nothing is below.
    pub fn below(self, keys: &[Key]) -> Option<Self> {
        let Range { start, end } = self.range(keys);
        let rest = keys.len() - end;
        (rest > 0).then(|| Self::at(keys, start + rest.min(STEP)))
    }

    /// A window with a line in its middle; none when that line is not there.
    pub fn around(keys: &[Key], key: Key) -> Option<Self> {
        let middle = keys.iter().position(|other| *other == key)?;
        let last = keys.len().saturating_sub(DRAWN);
        Some(Self::at(keys, middle.saturating_sub(DRAWN / 2).min(last)))
    }

    /// A window that begins with this line, or with the one below it: the line of a day or of what is new may move, a
    /// message or a hole does not. The beginning of the room is whatever stands there.
    fn at(keys: &[Key], first: usize) -> Self {
        if first == 0 {
            return Self::Beginning;
        }
        let fast = |key: &&Key| matches!(key, Key::Row(_) | Key::Hole(_));
        let found = keys.get(first..).and_then(|keys| keys.iter().find(fast));
        found.map_or(Self::End, |key| Self::From(*key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(count: i64) -> Vec<Key> {
        (0..count).map(Key::Hole).collect()
    }

    #[test]
    fn a_short_room_is_drawn_whole() {
        assert_eq!(Window::End.range(&keys(5)), 0..5);
        assert_eq!(Window::End.above(&keys(5)), None);
        assert_eq!(Window::End.below(&keys(5)), None);
    }

    #[test]
    fn the_end_goes_along_and_a_held_window_stays() {
        let held = Window::End.held(&keys(500));
        assert_eq!(Window::End.range(&keys(510)), 390..510);
        assert_eq!(held.range(&keys(510)), 380..500);
    }

    #[test]
    fn lines_above_do_not_move_a_window() {
        let now = keys(200);
        let more: Vec<Key> = (-50..200).map(Key::Hole).collect();
        let window = Window::End.above(&now).unwrap();
        assert_eq!(
            now[window.range(&now)].first(),
            more[window.range(&more)].first()
        );
    }

    #[test]
    fn going_up_and_down_reaches_every_line_and_ends() {
        let keys = keys(1_000);
        let (mut window, mut steps) = (Window::End, 0);
        while let Some(above) = window.above(&keys) {
            assert!(above.range(&keys).len() <= DRAWN);
            assert!(
                above.range(&keys).end > window.range(&keys).start,
                "lines in common"
            );
            window = above;
            steps += 1;
        }
        assert_eq!(window.range(&keys).start, 0);
        while let Some(below) = window.below(&keys) {
            assert!(below.range(&keys).start < window.range(&keys).end);
            window = below;
            steps += 1;
        }
        assert_eq!(window.range(&keys).end, 1_000);
        assert!(steps < 60);
    }

    #[test]
    fn a_message_far_away_stands_in_the_middle() {
        let keys = keys(1_000);
        let window = Window::around(&keys, Key::Hole(500)).unwrap();
        assert_eq!(window.range(&keys), 440..560);
        let window = Window::around(&keys, Key::Hole(999)).unwrap();
        assert_eq!(window.range(&keys).end, 1_000);
        assert_eq!(Window::around(&keys, Key::Hole(1_000)), None);
    }

    #[test]
    fn the_line_of_the_first_day_can_be_reached() {
        let mut keys = keys(300);
        keys[0] = Key::Day(1);
        let mut window = Window::End;
        while let Some(above) = window.above(&keys) {
            window = above;
        }
        assert_eq!(window.range(&keys).start, 0);
    }

    #[test]
    fn a_window_whose_first_line_is_gone_shows_the_end() {
        assert_eq!(
            Window::From(Key::New).range(&keys(200)),
            Window::End.range(&keys(200))
        );
    }
}
