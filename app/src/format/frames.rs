//! What marks have opened and nobody has closed yet.
//!
//! Each kind of mark is open at most once, so frames never stand deeper than there are kinds; a frame that nobody closes
//! turns back into text. Called by [`super::inlines`].

use super::{Inline, Style};

struct Frame<'a> {
    mark: &'a str,
    inside: Vec<Inline>,
}

/// The pieces so far, and the frames that are open, each inside of the one before.
#[derive(Default)]
pub(super) struct Frames<'a> {
    done: Vec<Inline>,
    open: Vec<Frame<'a>>,
}

impl<'a> Frames<'a> {
    fn inside(&mut self) -> &mut Vec<Inline> {
        match self.open.last_mut() {
            Some(frame) => &mut frame.inside,
            None => &mut self.done,
        }
    }

    /// Adds a piece to the innermost frame.
    pub(super) fn push(&mut self, inline: Inline) {
        self.inside().push(inline);
    }

    /// Adds text, to the text before it if there is some.
    pub(super) fn text(&mut self, text: &str) {
        push_text(self.inside(), text);
    }

    /// Frames above `depth` have no partner: back to text.
    pub(super) fn unwind(&mut self, depth: usize) {
        while self.open.len() > depth {
            let Some(frame) = self.open.pop() else {
                return;
            };
            let into = self.inside();
            push_text(into, frame.mark);
            for inline in frame.inside {
                match inline {
                    Inline::Text(text) => push_text(into, &text),
                    other => into.push(other),
                }
            }
        }
    }

    /// All pieces.
    pub(super) fn finish(mut self) -> Vec<Inline> {
        self.unwind(0);
        self.done
    }

    /// Closes the frame whose mark has this width, or else the innermost that has a narrower one; says how wide it was.
    pub(super) fn close(&mut self, byte: u8, left: usize) -> usize {
        let find = |fits: &dyn Fn(usize) -> bool| {
            self.open.iter().rposition(|frame| {
                frame.mark.as_bytes()[0] == byte
                    && fits(frame.mark.len())
                    && !frame.inside.is_empty()
            })
        };
        let Some(index) = find(&|width| width == left).or_else(|| find(&|width| width < left))
        else {
            return 0;
        };
        self.unwind(index + 1);
        let Some(frame) = self.open.pop() else {
            return 0;
        };
        let style = match (byte, frame.mark.len()) {
            (b'~', _) => Style::Struck,
            (b'|', _) => Style::Spoiler,
            (_, 1) => Style::Italic,
            _ => Style::Bold,
        };
        self.push(Inline::Styled(style, frame.inside));
        frame.mark.len()
    }

    /// Opens a frame with a run of marks, the widest that is not open already; says how wide its mark is.
    pub(super) fn open(&mut self, run: &'a str, least: usize) -> usize {
        for width in (least..=run.len().min(2)).rev() {
            let mark = &run[..width];
            if self.open.iter().all(|frame| frame.mark != mark) {
                let inside = Vec::new();
                self.open.push(Frame { mark, inside });
                return width;
            }
        }
        0
    }
}

fn push_text(into: &mut Vec<Inline>, text: &str) {
    match into.last_mut() {
        _ if text.is_empty() => {}
        Some(Inline::Text(last)) => last.push_str(text),
        _ => into.push(Inline::Text(text.to_owned())),
    }
}
