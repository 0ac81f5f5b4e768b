//! How well a few typed letters name something: for the room switcher.
//!
//! The letters must stand in the name in that order. Letters side by side and letters that begin a word count more, and
//! of two equal matches the shorter name wins.

/// How well `typed` names `name`, both in lower case: the higher the better, none if it does not. Nothing typed names
/// everything. The browser makes lower case, its tables need not be downloaded.
pub fn score(typed: &str, name: &str) -> Option<i32> {
    let typed: Vec<char> = typed.trim().chars().collect();
    let name: Vec<char> = name.chars().collect();
    let starts = (0..name.len()).filter(|start| typed.first() == name.get(*start));
    let best = starts.filter_map(|start| from(&typed, &name, start)).max();
    let shorter = -i32::try_from(name.len()).unwrap_or(i32::MAX);
    if typed.is_empty() {
        Some(0)
    } else {
        best.map(|best| best * 100 + shorter)
    }
}

/// The match that takes the first letter at `start` and each further one as early as it can.
fn from(typed: &[char], name: &[char], start: usize) -> Option<i32> {
    let (mut score, mut next) = (0, start);
    for letter in typed {
        let found = next + name.get(next..)?.iter().position(|other| other == letter)?;
        let begins = found == 0 || matches!(name[found - 1], ' ' | '-' | '_' | '.' | '/');
        let follows = found == next && found != start;
        score += 1 + 3 * i32::from(begins) + 2 * i32::from(follows);
        next = found + 1;
    }
    Some(score)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn best<'a>(typed: &str, names: &[&'a str]) -> Option<&'a str> {
        let scored = names
            .iter()
            .filter_map(|name| Some((score(typed, name)?, *name)));
        scored.max_by_key(|(score, _)| *score).map(|(_, name)| name)
    }

    #[test]
    fn letters_must_stand_in_order() {
        assert!(score("gnr", "general").is_some());
        assert_eq!(score("rng", "general"), None);
        assert_eq!(score("", "general"), Some(0));
    }

    #[test]
    fn beginnings_and_neighbours_win() {
        assert_eq!(best("ot", &["robots", "off-topic"]), Some("off-topic"));
        assert_eq!(best("help", &["he leaps up", "help"]), Some("help"));
        assert_eq!(best("gen", &["general talk", "general"]), Some("general"));
        assert_eq!(best("ran", &["errands", "random"]), Some("random"));
    }

    #[test]
    fn letters_of_any_script_count() {
        assert!(score("привет", "привет мир").is_some());
        assert!(score("東", "東京").is_some());
    }
}
