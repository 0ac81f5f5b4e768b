//! Whether a message is nothing but a few emoji: then it is shown large.

/// More than so many are a text.
const MOST: usize = 12;
const JOINER: u32 = 0x200D;
const EMOJI_FORM: u32 = 0xFE0F;
const KEYCAP: u32 = 0x20E3;

/// Characters below the emoji's own planes that are emoji without being asked: first and last of each range.
const EARLY: [(u16, u16); 40] = [
    (0x231A, 0x231B),
    (0x23E9, 0x23EC),
    (0x23F0, 0x23F0),
    (0x23F3, 0x23F3),
    (0x25FD, 0x25FE),
    (0x2614, 0x2615),
    (0x2648, 0x2653),
    (0x267F, 0x267F),
    (0x2693, 0x2693),
    (0x26A1, 0x26A1),
    (0x26AA, 0x26AB),
    (0x26BD, 0x26BE),
    (0x26C4, 0x26C5),
    (0x26CE, 0x26CE),
    (0x26D4, 0x26D4),
    (0x26EA, 0x26EA),
    (0x26F2, 0x26F3),
    (0x26F5, 0x26F5),
    (0x26FA, 0x26FA),
    (0x26FD, 0x26FD),
    (0x2705, 0x2705),
    (0x270A, 0x270B),
    (0x2728, 0x2728),
    (0x274C, 0x274C),
    (0x274E, 0x274E),
    (0x2753, 0x2755),
    (0x2757, 0x2757),
    (0x2795, 0x2797),
    (0x27B0, 0x27B0),
    (0x27BF, 0x27BF),
    (0x2B1B, 0x2B1C),
    (0x2B50, 0x2B50),
    (0x2B55, 0x2B55),
    (0x2665, 0x2665),
    (0x2764, 0x2764),
    (0x263A, 0x263A),
    (0x2600, 0x2600),
    (0x2639, 0x2639),
    (0x270C, 0x270C),
    (0x261D, 0x261D),
];

/// Whether a text is one to twelve emoji and white space.
pub fn is_only_emoji(text: &str) -> bool {
    // The longest emoji has ten characters of up to four bytes.
    if text.len() > MOST * 41 {
        return false;
    }
    let mut count = 0;
    let mut chars = text.chars().map(u32::from).peekable();
    while let Some(char) = chars.next() {
        if char::from_u32(char).is_some_and(char::is_whitespace) {
            continue;
        }
        let mut emoji = is_emoji(char);
        let mut flag = (0x1F1E6..=0x1F1FF).contains(&char);
        // What follows belongs to it: colours, forms, the second letter of a flag, tags, and whatever is joined.
        while let Some(&next) = chars.peek() {
            match next {
                EMOJI_FORM | KEYCAP => {
                    emoji = emoji || is_symbol(char) || next == KEYCAP && is_key(char)
                }
                0x1F1E6..=0x1F1FF if flag => flag = false,
                0x1F3FB..=0x1F3FF | 0xE0020..=0xE007F if emoji => {}
                JOINER if emoji => {
                    chars.next();
                    if !chars
                        .peek()
                        .is_some_and(|next| is_emoji(*next) || is_symbol(*next))
                    {
                        return false;
                    }
                }
                _ => break,
            }
            chars.next();
        }
        count += 1;
        // A letter of a flag alone is none.
        if !emoji || flag || count > MOST {
            return false;
        }
    }
    count > 0
}

fn is_emoji(char: u32) -> bool {
    let in_planes = matches!(char, 0x1F004 | 0x1F0CF | 0x1F170..=0x1F19A | 0x1F1E6..=0x1F1FF | 0x1F201..=0x1F251 | 0x1F300..=0x1FAFF);
    in_planes
        || EARLY
            .iter()
            .any(|&(first, last)| (u32::from(first)..=u32::from(last)).contains(&char))
}

/// Characters that are emoji when asked to be, by U+FE0F.
fn is_symbol(char: u32) -> bool {
    matches!(
        char,
        0xA9 | 0xAE | 0x203C..=0x2BFF | 0x3030 | 0x303D | 0x3297 | 0x3299
    )
}

/// Characters that stand on keys.
fn is_key(char: u32) -> bool {
    matches!(char, 0x23 | 0x2A | 0x30..=0x39)
}
