//! What the marks in a message mean: `**bold**`, `_italic_`, `~~struck~~`, `` `code` ``, `||spoilers||`, links, quotes,
//! lists and blocks of code.
//!
//! Text in, a small plain tree out; the same on the server and in the browser. A mark without its partner, and everything
//! that is no feature here (headings, tables, images, HTML), stays as it was typed. Nothing but marks ever disappears: see
//! `tests`. It takes time in proportion to the text, whatever the text is. `components/formatted.rs` shows the tree.
//!
//! Not a parser for all of Markdown: that would be a quarter of what a reader downloads
//! (`docs/decisions/0008-own-small-markup.md`).

mod blocks;
mod emoji;
mod frames;
mod inlines;
#[cfg(test)]
mod tests;

pub use emoji::is_only_emoji;

/// Quotes and lists stand in each other at most so deep; what is deeper stays text.
const MAX_DEPTH: usize = 6;

/// A part of a message that stands on lines of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Text. A line break in it is a line break.
    Text(Vec<Inline>),
    /// What somebody else said.
    Quote(Vec<Block>),
    /// A list.
    List(Vec<Item>),
    /// Text that a machine reads.
    Code {
        /// Which language it is in, if that was said.
        language: String,
        /// The lines.
        text: String,
    },
}

/// One point of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its number, as it was typed; none in a list of bullets.
    pub number: Option<u16>,
    /// What it says.
    pub blocks: Vec<Block>,
}

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inline {
    /// Just text.
    Text(String),
    /// Code within a line.
    Code(String),
    /// Something between two marks.
    Styled(Style, Vec<Inline>),
    /// A link. Its address begins with `http://`, `https://` or `mailto:`.
    Link {
        /// The address.
        href: String,
        /// What there is to click.
        label: Vec<Inline>,
        /// Where it leads, if the label does not say it.
        place: Option<String>,
    },
}

/// What two marks say about the text between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `**` or `__`.
    Bold,
    /// `*` or `_`.
    Italic,
    /// `~~`.
    Struck,
    /// `||`: hidden until somebody wants to see it.
    Spoiler,
}

/// Reads a message.
pub fn read(text: &str) -> Vec<Block> {
    let lines: Vec<&str> = text.split('\n').collect();
    blocks::read(&lines, 0)
}
