//! Text to marked pieces, from left to right in one pass.
//!
//! A mark opens a frame; its partner closes it ([`Frames`]). What means nothing stays as it was written.

use super::{Inline, frames::Frames};
use crate::links::{Found, is_link, next_link, place};

/// Longer runs of backticks are just backticks.
const LONGEST_TICKS: usize = 3;

/// Reads lines of text.
pub(super) fn read(text: &str) -> Vec<Inline> {
    Reader::new(text, true).read()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Where the text begins that was passed and means nothing but itself.
    plain: usize,
    frames: Frames<'a>,
    /// Whether links may stand here; not in the label of one.
    links: bool,
    /// The next link: looked for again only when it has been passed.
    next: Option<Found>,
    /// For each length of a run of backticks: no such run follows any more.
    alone: [bool; LONGEST_TICKS + 1],
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, links: bool) -> Self {
        Self {
            text,
            at: 0,
            plain: 0,
            frames: Frames::default(),
            links,
            next: links.then(|| next_link(text, 0)).flatten(),
            alone: [false; LONGEST_TICKS + 1],
        }
    }

    fn read(mut self) -> Vec<Inline> {
        while let Some(&byte) = self.text.as_bytes().get(self.at) {
            let passed = self.link()
                || match byte {
                    b'\\' => self.escape(),
                    b'`' => self.code(),
                    b'*' | b'_' | b'~' | b'|' => self.mark(byte),
                    b'[' => self.labelled(),
                    b'\n' => self.line_end(),
                    _ => false,
                };
            if !passed {
                self.at += 1;
            }
        }
        self.flush();
        self.frames.finish()
    }

    /// What was passed and meant nothing becomes text.
    fn flush(&mut self) {
        self.frames.text(&self.text[self.plain..self.at]);
        self.plain = self.at;
    }

    /// Puts something in place of the text up to `end`.
    fn put(&mut self, inline: Inline, end: usize) -> bool {
        self.flush();
        self.frames.push(inline);
        self.at = end;
        self.plain = end;
        true
    }

    fn link(&mut self) -> bool {
        if self.next.is_some_and(|link| link.start < self.at) {
            self.next = next_link(self.text, self.at);
        }
        match self.next {
            Some(link) if link.start == self.at => {
                let end = self.at + link.length;
                let href = self.text[self.at..end].to_owned();
                let label = vec![Inline::Text(href.clone())];
                self.put(
                    Inline::Link {
                        href,
                        label,
                        place: None,
                    },
                    end,
                )
            }
            _ => false,
        }
    }

    /// A backslash makes a mark a character; before anything else it is one itself.
    fn escape(&mut self) -> bool {
        let bytes = self.text.as_bytes();
        let Some(next) = bytes.get(self.at + 1) else {
            return false;
        };
        let starts_line = self.at == 0 || bytes[self.at - 1] == b'\n';
        if !(b"*_~|`[".contains(next) || starts_line && b">-+".contains(next)) {
            return false;
        }
        // ¯\_(ツ)_/¯ keeps its arm.
        if !self.text[..self.at].ends_with('¯') {
            self.flush();
            self.plain = self.at + 1;
        }
        self.at += 2;
        true
    }

    /// Code up to the next run of as many backticks.
    fn code(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let ticks = run(rest, b'`');
        let end = (ticks <= LONGEST_TICKS && !self.alone[ticks])
            .then(|| closing(rest, ticks))
            .flatten();
        let Some(end) = end else {
            if ticks <= LONGEST_TICKS {
                self.alone[ticks] = true;
            }
            self.at += ticks;
            return true;
        };
        let inner = &rest[ticks..end];
        // A space on both sides lets code begin with a backtick.
        let code = inner
            .strip_prefix(' ')
            .and_then(|inner| inner.strip_suffix(' '))
            .filter(|code| !code.trim().is_empty())
            .unwrap_or(inner);
        let (code, end) = (code.to_owned(), self.at + end + ticks);
        self.put(Inline::Code(code), end)
    }

    /// A run of one of `*_~|`: closes what is open, opens what is not.
    fn mark(&mut self, byte: u8) -> bool {
        let text = self.text;
        let length = run(&text[self.at..], byte);
        let end = self.at + length;
        let (least, most) = if byte == b'*' || byte == b'_' {
            (1, 3)
        } else {
            (2, 2)
        };
        if length < least || length > most {
            self.at = end;
            return true;
        }
        let before = text[..self.at].chars().next_back();
        let after = text[end..].chars().next();
        let space = |c: Option<char>| c.is_none_or(char::is_whitespace);
        // snake_case is a word.
        let word = |c: Option<char>| byte == b'_' && c.is_some_and(char::is_alphanumeric);
        let (opens, closes) = (
            !space(after) && !word(before),
            !space(before) && !word(after),
        );
        self.flush();
        while self.at < end {
            let left = end - self.at;
            let width = if closes {
                self.frames.close(byte, left)
            } else {
                0
            };
            let width = if width == 0 && opens {
                self.frames.open(&text[self.at..end], least)
            } else {
                width
            };
            if width == 0 {
                break;
            }
            self.at += width;
        }
        self.plain = self.at;
        self.at = end;
        true
    }

    /// `[label](address)`. An image is none.
    fn labelled(&mut self) -> bool {
        let (before, rest) = self.text.split_at(self.at);
        let label_end = rest[1..].find(['[', ']', '\n']).map(|found| found + 1);
        let Some(label_end) = label_end.filter(|end| self.links && *end > 1) else {
            return false;
        };
        let Some(address) = rest[label_end..].strip_prefix("](") else {
            return false;
        };
        let Some(length) = address_length(address) else {
            return false;
        };
        let href = &address[..length];
        if before.ends_with('!') || !is_link(href) {
            return false;
        }
        let label = &rest[1..label_end];
        let inline = Inline::Link {
            href: href.to_owned(),
            label: Reader::new(label, false).read(),
            place: (label != href).then(|| place(href).to_owned()),
        };
        let end = self.at + label_end + 2 + length + 1;
        self.put(inline, end)
    }

    /// Marks have no partner beyond an empty line.
    fn line_end(&mut self) -> bool {
        let rest = self.text[self.at + 1..].trim_start_matches([' ', '\t']);
        if rest.starts_with('\n') {
            self.flush();
            self.frames.unwind(0);
        }
        false
    }
}

/// How often a text begins with a byte.
fn run(text: &str, byte: u8) -> usize {
    text.bytes().take_while(|found| *found == byte).count()
}

/// Where a run of exactly so many backticks begins, after the one that the text begins with.
fn closing(text: &str, ticks: usize) -> Option<usize> {
    let mut at = ticks;
    loop {
        at += text[at..].find('`')?;
        let found = run(&text[at..], b'`');
        if found == ticks {
            return Some(at);
        }
        at += found;
    }
}

/// How long an address in parentheses is; it may contain pairs of them, but no space.
fn address_length(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => open += 1,
            b')' if open == 0 => return Some(at),
            b')' => open -= 1,
            b' ' | b'\n' | b'\t' | b'<' | b'>' => return None,
            _ => {}
        }
    }
    None
}
