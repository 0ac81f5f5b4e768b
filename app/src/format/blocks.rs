//! Lines to blocks: code between fences, quotes, lists; all else is text.

use super::{Block, Item, MAX_DEPTH, inlines};

const FENCE: &str = "```";

/// Reads lines. Each level of quotes and lists is read once more, and there are at most [`MAX_DEPTH`].
pub(super) fn read(lines: &[&str], depth: usize) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (mut at, mut text) = (0, 0);
    // Where no fence was closed, no later one is.
    let mut fences = true;
    while at < lines.len() {
        let rest = &lines[at..];
        let found = if depth >= MAX_DEPTH {
            None
        } else if fences && is_fence(rest[0]) {
            let code = code(rest);
            fences = code.is_some();
            code
        } else {
            quote(rest, depth).or_else(|| list(rest, depth))
        };
        match found {
            Some((block, used)) => {
                plain(&mut blocks, &lines[text..at], true);
                blocks.push(block);
                at += used;
                text = at;
            }
            None => at += 1,
        }
    }
    plain(&mut blocks, &lines[text..], false);
    blocks
}

/// Lines of text. Beside another block, empty ones are only distance.
fn plain(blocks: &mut Vec<Block>, mut lines: &[&str], before: bool) {
    if !blocks.is_empty() {
        while lines.first().is_some_and(|line| is_blank(line)) {
            lines = &lines[1..];
        }
    }
    if before || !blocks.is_empty() {
        while lines.last().is_some_and(|line| is_blank(line)) {
            lines = &lines[..lines.len() - 1];
        }
    }
    if !lines.is_empty() {
        blocks.push(Block::Text(inlines::read(&lines.join("\n"))));
    }
}

fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

fn is_fence(line: &str) -> bool {
    line.strip_prefix(FENCE)
        .is_some_and(|rest| !rest.contains('`'))
}

/// Code between two fences. The second may stand at the end of the last line.
fn code(lines: &[&str]) -> Option<(Block, usize)> {
    let last = |line: &&str| line.trim_end().ends_with(FENCE);
    let end = 1 + lines.get(1..)?.iter().position(last)?;
    let head = lines[0].get(FENCE.len()..)?.trim_end();
    let is_language = head
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+-#._".contains(&byte));
    let mut code = Vec::new();
    if !is_language {
        code.push(head);
    }
    code.extend_from_slice(&lines[1..end]);
    let tail = lines[end].trim_end().strip_suffix(FENCE)?;
    if !tail.is_empty() {
        code.push(tail);
    }
    let language = if is_language { head } else { "" }.to_owned();
    let text = code.join("\n");
    Some((Block::Code { language, text }, end + 1))
}

/// Lines that begin with `> `.
fn quote(lines: &[&str], depth: usize) -> Option<(Block, usize)> {
    let quoted: Vec<&str> = lines.iter().map_while(|line| quoted(line)).collect();
    let used = quoted.len();
    (used > 0).then(|| (Block::Quote(read(&quoted, depth + 1)), used))
}

/// A line without its first `>`. Faces like `>:(` are no quotes.
fn quoted(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('>')?;
    let inner = rest.trim_start_matches('>');
    let marked = inner.is_empty() || inner.starts_with(' ');
    marked.then(|| rest.strip_prefix(' ').unwrap_or(rest))
}

/// Lines that begin with `- `, `* `, `+ ` or a number, and what is indented below each.
fn list(lines: &[&str], depth: usize) -> Option<(Block, usize)> {
    let numbered = marker(lines[0])?.0.is_some();
    let mut items = Vec::new();
    let (mut at, mut used) = (0, 0);
    while let Some((number, width)) = lines
        .get(at)
        .and_then(|line| marker(line))
        .filter(|(number, _)| number.is_some() == numbered)
    {
        let mut inner = vec![&lines[at][width..]];
        at += 1;
        while let Some(line) = lines
            .get(at)
            .filter(|line| line.starts_with("  ") && !is_blank(line))
        {
            let spaces = line.len() - line.trim_start_matches(' ').len();
            inner.push(&line[spaces.min(width)..]);
            at += 1;
        }
        let blocks = read(&inner, depth + 1);
        items.push(Item { number, blocks });
        used = at;
        while lines.get(at).is_some_and(|line| is_blank(line)) {
            at += 1;
        }
    }
    Some((Block::List(items), used))
}

/// The number of a point, if it has one, and how long what marks it is.
fn marker(line: &str) -> Option<(Option<u16>, usize)> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let (number, mark) = match line.as_bytes().first()? {
        b'-' | b'*' | b'+' => (None, 1),
        // As it will be shown: a year is a number, 007 is not.
        b'1'..=b'9' if digits < 5 && line[digits..].starts_with('.') => {
            (Some(line[..digits].parse().ok()?), digits + 1)
        }
        _ => return None,
    };
    let rest = line[mark..].strip_prefix(' ')?;
    // A line of stars is a line, not a list of lists.
    let is_rule = number.is_none() && line.bytes().all(|byte| b"-*+_ ".contains(&byte));
    (!is_blank(rest) && !is_rule).then_some((number, mark + 1))
}
