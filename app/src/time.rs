//! Times as people read them: in UTC until the browser is asked, then in the reader's time zone.
//!
//! Server and browser render the same first view in UTC; [`Zone::local`] is set after hydration and every label follows.

use std::cell::RefCell;

use js_sys::{Array, Date, Intl, Object, Reflect};
use sphere_protocol::{Timestamp, timestamp::Calendar};
use wasm_bindgen::JsValue;

use crate::settings::Hours;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// In which zone times are shown, and which day is today there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Zone {
    /// Today's number; none while times are shown in UTC.
    today: Option<i64>,
    /// How hours are written.
    hours: Hours,
}

impl Zone {
    /// The reader's zone, today. Only in the browser.
    pub fn local(hours: Hours) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "milliseconds since 1970 are far below 2^53"
        )]
        let now = Timestamp(Date::now() as i64);
        Self {
            today: Some(local_day(now)),
            hours,
        }
    }

    /// The number of a point's day, rising by one from day to day.
    pub fn day(self, at: Timestamp) -> i64 {
        if self.today.is_some() {
            local_day(at)
        } else {
            at.0.div_euclid(DAY_MS)
        }
    }

    /// The hour and minute.
    pub fn clock(self, at: Timestamp) -> String {
        if self.today.is_some() {
            return local_clock(at, self.hours);
        }
        let minutes = at.calendar().ms / 60_000;
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    }

    /// A day as its line names it: *Today*, *Yesterday*, *Monday, 23 November*, with the year when it is another one.
    pub fn day_name(self, at: Timestamp) -> String {
        let day = self.day(at);
        match self.today {
            Some(today) if day == today => "Today".to_owned(),
            Some(today) if day == today - 1 => "Yesterday".to_owned(),
            today => {
                let (weekday, date, month, year) = calendar(day);
                let same_year = today.is_some_and(|today| calendar(today).3 == year);
                let year = if same_year {
                    String::new()
                } else {
                    format!(" {year}")
                };
                format!("{weekday}, {date} {month}{year}")
            }
        }
    }

    /// When a room was last active, in the room list: the time today, the weekday this week, else the date.
    pub fn short(self, at: Timestamp) -> String {
        let day = self.day(at);
        let (weekday, date, month, _) = calendar(day);
        match self.today {
            Some(today) if day == today => self.clock(at),
            Some(today) if (today - 6..today).contains(&day) => weekday[..3].to_owned(),
            _ => format!("{date} {}", &month[..3]),
        }
    }
}

/// Weekday, date, month and year of a day's number.
fn calendar(day: i64) -> (&'static str, i64, &'static str, i64) {
    let Calendar {
        year,
        month,
        day,
        weekday,
        ..
    } = Timestamp(day * DAY_MS).calendar();
    let name = |names: &[&'static str], index| {
        usize::try_from(index)
            .ok()
            .and_then(|index| names.get(index).copied())
    };
    (
        name(&DAYS, weekday).unwrap_or_default(),
        day,
        name(&MONTHS, month - 1).unwrap_or_default(),
        year,
    )
}

fn local_day(at: Timestamp) -> i64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 are far below 2^53"
    )]
    let date = Date::new(&JsValue::from_f64(at.0 as f64));
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a zone's offset is at most a day"
    )]
    let offset = date.get_timezone_offset() as i64 * 60_000;
    (at.0 - offset).div_euclid(DAY_MS)
}

thread_local! {
    /// Making a formatter is a hundred times dearer than using it.
    static CLOCK: RefCell<Option<(Hours, js_sys::Function)>> = const { RefCell::new(None) };
}

fn local_clock(at: Timestamp, hours: Hours) -> String {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 are far below 2^53"
    )]
    let date = JsValue::from_f64(at.0 as f64);
    CLOCK.with_borrow_mut(|clock| {
        let format = match clock {
            Some((of, format)) if *of == hours => format,
            _ => &mut clock.insert((hours, formatter(hours))).1,
        };
        format
            .call1(&JsValue::UNDEFINED, &date)
            .ok()
            .and_then(|text| text.as_string())
            .unwrap_or_default()
    })
}

fn formatter(hours: Hours) -> js_sys::Function {
    let options = Object::new();
    let set = |key: &str, value: &str| {
        // Setting a property of a plain object cannot fail.
        let _ = Reflect::set(&options, &key.into(), &value.into());
    };
    set("hour", "2-digit");
    set("minute", "2-digit");
    match hours {
        Hours::System => {}
        Hours::Twelve => set("hourCycle", "h12"),
        Hours::TwentyFour => set("hourCycle", "h23"),
    }
    Intl::DateTimeFormat::new(&Array::new(), &options).format()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_the_browser_is_asked_everything_is_utc() {
        let at = Timestamp::parse("2026-11-24T08:05:59.999Z").unwrap();
        assert_eq!(Zone::default().clock(at), "08:05");
        assert_eq!(Zone::default().day_name(at), "Tuesday, 24 November 2026");
        assert_eq!(Zone::default().short(at), "24 Nov");
    }

    #[test]
    fn a_day_ends_at_midnight() {
        let zone = Zone::default();
        let last = Timestamp::parse("2026-11-24T23:59:59.999Z").unwrap();
        assert_eq!(zone.day(last) + 1, zone.day(Timestamp(last.0 + 1)));
        assert_eq!(zone.day(Timestamp(-1)), -1);
    }
}
