//! Emoji by their names: `:smile:`. The names come in a list of lines (`public/emoji.txt`), each an emoji and its names,
//! which the composer loads when somebody types a colon and two letters. Used by `components/emoji_list.rs`.

/// So many are offered.
const MOST: usize = 8;
/// From so many letters on.
const LEAST: usize = 2;

/// What somebody is typing before the caret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Typed<'a> {
    /// Where the colon stands.
    pub start: usize,
    /// What follows it.
    pub name: &'a str,
    /// Whether a second colon ends it.
    pub ended: bool,
}

/// An emoji that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emoji {
    /// The emoji.
    pub sign: String,
    /// The name that fits.
    pub name: String,
}

/// The name that a text ends with, from its colon on.
pub fn typed(text: &str) -> Option<Typed<'_>> {
    let ended = text.ends_with(':');
    let open = text.strip_suffix(':').unwrap_or(text);
    let start = open.rfind(':')?;
    let name = &open[start + 1..];
    // A time like 12:30 or a scheme like http: is none.
    let alone = open[..start]
        .chars()
        .next_back()
        .is_none_or(|c| !c.is_alphanumeric() && c != ':');
    let letters = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_+-".contains(&byte));
    (alone && letters && name.len() >= LEAST).then_some(Typed { start, name, ended })
}

/// The emoji of exactly this name.
pub fn named(list: &str, name: &str) -> Option<Emoji> {
    of(list).find(|(_, other)| *other == name).map(emoji)
}

/// The emoji that are named so, then those whose names begin so, then those whose names contain it; each once.
pub fn find(list: &str, part: &str) -> Vec<Emoji> {
    let part = part.to_ascii_lowercase();
    let mut found: Vec<Emoji> = Vec::new();
    for rank in 0..3 {
        for pair in of(list) {
            let name = pair.1;
            let fits = match rank {
                0 => name == part,
                1 => name.starts_with(&part),
                _ => name.contains(&part),
            };
            if fits && found.len() < MOST && found.iter().all(|other| other.sign != pair.0) {
                found.push(emoji(pair));
            }
        }
    }
    found
}

/// Every name with its emoji.
fn of(list: &str) -> impl Iterator<Item = (&str, &str)> {
    list.lines().flat_map(|line| {
        let mut words = line.split(' ');
        let sign = words.next().unwrap_or_default();
        words.map(move |name| (sign, name))
    })
}

fn emoji((sign, name): (&str, &str)) -> Emoji {
    Emoji {
        sign: sign.to_owned(),
        name: name.to_owned(),
    }
}

/// The byte at which a position in UTF-16, as browsers count, stands.
pub fn byte_at(text: &str, units: u32) -> usize {
    let mut left = units as usize;
    let end = text.char_indices().find(|(_, c)| {
        let ends = left == 0;
        left = left.saturating_sub(c.len_utf16());
        ends
    });
    end.map_or(text.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "😄 smile\n😀 grinning\n😼 smirk_cat\n😃 smiley\n👍 +1 thumbsup\n";

    fn signs(part: &str) -> String {
        find(LIST, part)
            .into_iter()
            .map(|emoji| emoji.sign)
            .collect()
    }

    #[test]
    fn a_name_begins_with_a_colon_that_stands_alone() {
        let name = |text| typed(text).map(|typed| (typed.start, typed.name, typed.ended));
        assert_eq!(name("Hi :smi"), Some((3, "smi", false)));
        assert_eq!(name(":smile:"), Some((0, "smile", true)));
        assert_eq!(name("(:+1"), Some((1, "+1", false)));
        for text in [
            "", ":", ":s", "12:30", "http://x", "a:smile:", ":sm ile", ":: ab", "::ab",
        ] {
            assert_eq!(name(text), None, "{text}");
        }
    }

    #[test]
    fn exact_names_come_first_then_beginnings_then_parts() {
        assert_eq!(signs("smile"), "😄😃");
        assert_eq!(signs("SM"), "😄😼😃");
        assert_eq!(signs("in"), "😀");
        assert_eq!(signs("nothing"), "");
        assert_eq!(
            named(LIST, "thumbsup").map(|emoji| emoji.sign),
            Some("👍".to_owned())
        );
        assert_eq!(named(LIST, "thumbs"), None);
    }

    #[test]
    fn the_list_that_is_served_is_whole() {
        let list = include_str!("../../public/emoji.txt");
        assert!(list.lines().count() > 1_800);
        assert!(list.lines().all(|line| line.split(' ').count() >= 2));
        assert_eq!(
            named(list, "tada").map(|emoji| emoji.sign),
            Some("🎉".to_owned())
        );
    }

    #[test]
    fn positions_are_counted_as_browsers_do() {
        for (units, byte) in [(0, 0), (1, 1), (3, 5), (4, 7), (9, 7)] {
            assert_eq!(byte_at("a🌙é", units), byte);
        }
    }
}
