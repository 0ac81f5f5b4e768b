//! What somebody has chosen about how the chat looks and when it calls.
//!
//! Kept in the storage as words, `dark compact 24h sound`, so that two lines of script can read them before the first
//! paint; unknown words are left out. All tabs share them.

use sphere_protocol::RoomName;

use crate::storage::Storage;

/// The storage key of the choices.
pub const SETTINGS: &str = "settings";
/// The storage key of the rooms that do not call.
pub const MUTED: &str = "muted";

/// Which colours are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// Those of the system.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// How times are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Hours {
    /// As the browser's language has it.
    #[default]
    System,
    /// With am and pm.
    Twelve,
    /// From 0 to 23.
    TwentyFour,
}

/// The choices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settings {
    /// Colours.
    pub theme: Theme,
    /// Whether more lines fit on the screen.
    pub compact: bool,
    /// How times are written.
    pub hours: Hours,
    /// Whether a sound plays for what comes while nobody looks.
    pub sound: bool,
    /// Whether the desktop shows what comes while nobody looks.
    pub notify: bool,
}

impl Settings {
    /// What the storage holds.
    pub fn stored(storage: &impl Storage) -> Self {
        Self::parse(&storage.get(SETTINGS).unwrap_or_default())
    }

    /// Keeps them.
    pub fn keep(self, storage: &impl Storage) {
        storage.set(SETTINGS, &self.to_text());
    }

    fn parse(text: &str) -> Self {
        let mut settings = Self::default();
        for word in text.split(' ') {
            match word {
                "light" => settings.theme = Theme::Light,
                "dark" => settings.theme = Theme::Dark,
                "compact" => settings.compact = true,
                "12h" => settings.hours = Hours::Twelve,
                "24h" => settings.hours = Hours::TwentyFour,
                "sound" => settings.sound = true,
                "notify" => settings.notify = true,
                _ => {}
            }
        }
        settings
    }

    fn to_text(self) -> String {
        let hours = match self.hours {
            Hours::System => "",
            Hours::Twelve => "12h",
            Hours::TwentyFour => "24h",
        };
        let flags = [
            (self.compact, "compact"),
            (self.sound, "sound"),
            (self.notify, "notify"),
        ];
        let flags = flags
            .into_iter()
            .filter(|(on, _)| *on)
            .map(|(_, word)| word);
        let words = [self.theme.word(), hours].into_iter().chain(flags);
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        words.join(" ")
    }
}

impl Theme {
    /// The word for it; none for the system's.
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The rooms that do not call.
pub fn muted(storage: &impl Storage) -> Vec<RoomName> {
    let words = storage.get(MUTED).unwrap_or_default();
    let words = words.split(' ').filter(|word| !word.is_empty());
    words.map(RoomName::from).collect()
}

/// Keeps them.
pub fn keep_muted(storage: &impl Storage, rooms: &[RoomName]) {
    let words: Vec<&str> = rooms.iter().map(RoomName::as_str).collect();
    storage.set(MUTED, &words.join(" "));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryStorage;

    #[test]
    fn what_was_chosen_is_there_again() {
        let storage = MemoryStorage::default();
        assert_eq!(Settings::stored(&storage), Settings::default());
        for theme in [Theme::System, Theme::Light, Theme::Dark] {
            for hours in [Hours::System, Hours::Twelve, Hours::TwentyFour] {
                for flags in 0..8 {
                    let settings = Settings {
                        theme,
                        hours,
                        compact: flags & 1 > 0,
                        sound: flags & 2 > 0,
                        notify: flags & 4 > 0,
                    };
                    settings.keep(&storage);
                    assert_eq!(Settings::stored(&storage), settings);
                }
            }
        }
    }

    #[test]
    fn words_that_nobody_knows_change_nothing() {
        let storage = MemoryStorage::default();
        storage.set(SETTINGS, "purple  dark");
        assert_eq!(Settings::stored(&storage).theme, Theme::Dark);
    }

    #[test]
    fn muted_rooms_stay_muted() {
        let storage = MemoryStorage::default();
        assert_eq!(muted(&storage), Vec::<RoomName>::new());
        let rooms = [RoomName::from("room1"), RoomName::from("a-b_c")];
        keep_muted(&storage, &rooms);
        assert_eq!(muted(&storage), rooms);
    }
}
