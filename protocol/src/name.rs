//! What a display name may be. Two users may share one: identity is the id.

use crate::limits::MAX_NAME;

/// The name of whoever has chosen none.
pub const ANONYMOUS: &str = "Anonymous";

/// Whether a name may be shown: 1-32 scalar values, trimmed, without control, bidi or zero-width characters.
///
/// The caller brings it into normal form C first; that needs tables which the browser already has.
pub fn is_valid(name: &str) -> bool {
    name.trim() == name
        && (1..=MAX_NAME).contains(&name.chars().count())
        && !name.chars().any(is_hidden)
}

/// Characters that change how a name looks without being seen: they let one person look like another.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_they_look_like() {
        for good in ["Ada", "Łukasz", "Дарья", "李", "O’Brien 2", &"x".repeat(32)] {
            assert!(is_valid(good), "{good}");
        }
        for bad in [
            "",
            " Ada",
            "Ada ",
            "a\nb",
            "a\u{202e}b",
            "a\u{200b}b",
            "\u{feff}a",
            &"x".repeat(33),
        ] {
            assert!(!is_valid(bad), "{bad:?}");
        }
    }
}
