//! Points in time on the wire: RFC 3339, UTC, always three digits of milliseconds. Shown, never sorted by.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use time::{
    OffsetDateTime, PrimitiveDateTime, format_description::BorrowedFormatItem,
    macros::format_description,
};

const FORMAT: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// Unix time in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads `2026-11-24T08:00:00.000Z`; no other form is sent.
    pub fn parse(text: &str) -> Option<Self> {
        let at = PrimitiveDateTime::parse(text, FORMAT).ok()?.assume_utc();
        Some(Self(
            at.unix_timestamp() * 1000 + i64::from(at.millisecond()),
        ))
    }

    /// The calendar form; the epoch itself for times outside the years that RFC 3339 knows.
    pub fn date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            &self
                .date_time()
                .format(FORMAT)
                .map_err(|_| std::fmt::Error)?,
        )
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom("expected an RFC 3339 time in UTC with milliseconds"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_survives_the_wire() {
        let at = Timestamp(1_737_708_000_042);
        assert_eq!(at.to_string(), "2025-01-24T08:40:00.042Z");
        assert_eq!(Timestamp::parse(&at.to_string()), Some(at));
    }
}
