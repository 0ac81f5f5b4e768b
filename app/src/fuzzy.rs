//! How well a few typed letters name something: for the room switcher.
//!
//! The letters must stand in the name in that order. Letters side by side and letters that begin a word count more, and
//! of two equal matches the shorter name wins. No tables, no allocation beyond lower case.

/// How well `typed` names `name`: the higher the better, none if it does not. Nothing typed names everything.
pub fn score(typed: &str, name: &str) -> Option<i32> {
    let typed: Vec<char> = typed.trim().to_lowercase().chars().collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
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
        let begins = found == 0 || !name[found - 1].is_alphanumeric();
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
        assert!(score("gnr", "General").is_some());
        assert_eq!(score("rng", "General"), None);
        assert_eq!(score("", "General"), Some(0));
    }

    #[test]
    fn beginnings_and_neighbours_win() {
        assert_eq!(best("ot", &["Robots", "Off-topic"]), Some("Off-topic"));
        assert_eq!(best("help", &["He leaps up", "Help"]), Some("Help"));
        assert_eq!(best("gen", &["General talk", "General"]), Some("General"));
        assert_eq!(best("RAN", &["Errands", "Random"]), Some("Random"));
    }

    #[test]
    fn letters_of_any_script_count() {
        assert!(score("привет", "Привет мир").is_some());
        assert!(score("東", "東京").is_some());
    }
}
