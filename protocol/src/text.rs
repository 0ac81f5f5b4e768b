//! What a message may say. Checked by the composer before it sends and by the server before it writes.

use crate::limits::MAX_TEXT;

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextError {
    /// Nothing but white space.
    Blank,
    /// More than [`MAX_TEXT`] Unicode scalar values.
    TooLong,
    /// Contains U+0000, which PostgreSQL cannot hold.
    Nul,
}

/// Whether a text may be sent. It is stored unchanged, so nothing is trimmed or replaced here.
///
/// # Errors
/// The first rule that the text breaks.
pub fn check(text: &str) -> Result<(), TextError> {
    if text.contains('\0') {
        return Err(TextError::Nul);
    }
    if text.chars().all(char::is_whitespace) {
        return Err(TextError::Blank);
    }
    if text.len() > MAX_TEXT && text.chars().count() > MAX_TEXT {
        return Err(TextError::TooLong);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_scalar_values() {
        assert_eq!(check(&"ä".repeat(MAX_TEXT)), Ok(()));
        assert_eq!(check(&"ä".repeat(MAX_TEXT + 1)), Err(TextError::TooLong));
    }

    #[test]
    fn white_space_alone_says_nothing() {
        assert_eq!(check(""), Err(TextError::Blank));
        assert_eq!(check(" \u{3000}\n\u{85}"), Err(TextError::Blank));
        assert_eq!(check(" x "), Ok(()));
        assert_eq!(check("a\0b"), Err(TextError::Nul));
    }
}
