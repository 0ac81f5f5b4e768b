//! Points in time on the wire: RFC 3339, UTC, always three digits of milliseconds. Shown, never sorted by.
//!
//! The calendar is computed here, by the days of 400 Gregorian years (H. Hinnant, "chrono-compatible low-level date
//! algorithms"): a date library would be a twentieth of what a browser downloads.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use time::OffsetDateTime;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Days of 400 years, after which the calendar repeats.
const ERA: i64 = 146_097;
/// Days from the first of March of the year 0 to 1970.
const SHIFT: i64 = 719_468;

/// Unix time in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// A point in time by the calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    /// The year.
    pub year: i64,
    /// The month, from 1.
    pub month: i64,
    /// The day of the month, from 1.
    pub day: i64,
    /// The day of the week, from 0 for Monday.
    pub weekday: i64,
    /// Milliseconds since midnight.
    pub ms: i64,
}

impl Timestamp {
    /// Reads `2026-11-24T08:00:00.000Z`; no other form is sent.
    pub fn parse(text: &str) -> Option<Self> {
        let form = b"0000-00-00T00:00:00.000Z";
        let fits = |(byte, form): (u8, &u8)| match form {
            b'0' => byte.is_ascii_digit(),
            mark => byte == *mark,
        };
        if text.len() != form.len() || !text.bytes().zip(form).all(fits) {
            return None;
        }
        let number = |from, to| text.get(from..to)?.parse::<i64>().ok();
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let ms = ((hour * 60 + minute) * 60 + second) * 1_000 + number(20, 23)?;
        let at = Self(days(year, month, day) * DAY_MS + ms);
        let read = at.calendar();
        // The 30th of February is another day.
        ((read.year, read.month, read.day) == (year, month, day)).then_some(at)
    }

    /// What a database takes; 1970 for times outside the years that RFC 3339 knows.
    pub fn date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// The date and the time of day.
    pub fn calendar(self) -> Calendar {
        let days = self.0.div_euclid(DAY_MS);
        let shifted = days + SHIFT;
        let in_era = shifted.rem_euclid(ERA);
        let year_of_era = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
        let day_of_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        // Years begin in March here, so that the leap day is their last.
        let from_march = (5 * day_of_year + 2) / 153;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        let year = shifted.div_euclid(ERA) * 400 + year_of_era + i64::from(month <= 2);
        Calendar {
            year,
            month,
            day: day_of_year - (153 * from_march + 2) / 5 + 1,
            weekday: (days + 3).rem_euclid(7),
            ms: self.0.rem_euclid(DAY_MS),
        }
    }
}

/// The number of a date's day, 0 for the first of January 1970.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let year_of_era = year.rem_euclid(400);
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    let in_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    year.div_euclid(400) * ERA + in_era - SHIFT
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Calendar {
            year,
            month,
            day,
            ms,
            ..
        } = self.calendar();
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
        let ms = ms % 1_000;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z"
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

    #[test]
    fn every_day_of_eight_centuries_has_its_date() {
        let start = days(1_600, 1, 1);
        for day in start..days(2_401, 1, 1) {
            let at = Timestamp(day * DAY_MS + 86_399_999);
            let date = at.date_time();
            let read = at.calendar();
            assert_eq!(read.year, i64::from(date.year()));
            assert_eq!(read.month, i64::from(u8::from(date.month())));
            assert_eq!(read.day, i64::from(date.day()));
            assert_eq!(
                read.weekday,
                i64::from(date.weekday().number_days_from_monday())
            );
            assert_eq!(Timestamp::parse(&at.to_string()), Some(at));
        }
    }

    #[test]
    fn only_real_times_in_one_form_are_read() {
        assert_eq!(
            Timestamp::parse("1969-12-31T23:59:59.999Z"),
            Some(Timestamp(-1))
        );
        assert!(Timestamp::parse("2024-02-29T00:00:00.000Z").is_some());
        for bad in [
            "",
            "2023-02-29T00:00:00.000Z",
            "2023-13-01T00:00:00.000Z",
            "2023-00-01T00:00:00.000Z",
            "2023-01-00T00:00:00.000Z",
            "2023-01-01T24:00:00.000Z",
            "2023-01-01T00:60:00.000Z",
            "2023-01-01T00:00:60.000Z",
            "2023-01-01T00:00:00Z",
            "2023-01-01T00:00:00.000+00:00",
            "2023-01-01 00:00:00.000Z",
            "+023-01-01T00:00:00.000Z",
            "2023-01-01T00:00:00.000Zz",
            "2023-01-01T00:00:00.00äZ",
        ] {
            assert_eq!(Timestamp::parse(bad), None, "{bad}");
        }
    }
}
