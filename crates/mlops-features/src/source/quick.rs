//! Dates and times in the strict ISO forms, read by hand because most files have them.
//!
//! What does not fit the strict form is left to the pattern, which decides. A test holds both against each other.

use jiff::{civil::DateTime, tz::TimeZone};

use super::{
    local_time::{not_time, resolve, start_of_day},
    rejection::Fault,
};

const MICROS: i64 = 1_000_000;

/// Shapes that are read by hand, because most files have one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quick {
    /// `2011-07-01`.
    Date,
    /// `2011-07-01 12:30:00`, with this byte in the middle.
    DateTime(u8),
}

/// A local day, and a time of it in seconds where the text has one.
pub(super) struct Local {
    date: (i16, i8, i8),
    seconds: Option<i32>,
}

impl Local {
    pub(super) fn resolve(&self, zone: &TimeZone) -> Result<i64, Fault> {
        let (year, month, day) = self.date;
        let seconds = self.seconds.unwrap_or_default();
        if *zone == TimeZone::UTC {
            let days = days_from_epoch(year.into(), month.into(), day.into());
            return Ok((days * 86_400 + i64::from(seconds)) * MICROS);
        }
        let part = |value: i32| i8::try_from(value).expect("an hour, a minute or a second");
        let local = DateTime::new(
            year,
            month,
            day,
            part(seconds / 3_600),
            part(seconds / 60 % 60),
            part(seconds % 60),
            0,
        )
        .map_err(|e| not_time(&e))?;
        match self.seconds {
            Some(_) => resolve(zone, local),
            None => start_of_day(zone, local),
        }
    }
}

impl Quick {
    /// Reads the strict form; anything else is left to the pattern.
    pub(super) fn read(self, text: &[u8]) -> Option<Local> {
        let (date, seconds) = match self {
            Self::Date if text.len() == 10 => (text, None),
            Self::DateTime(separator) if text.len() == 19 && text[10] == separator => {
                (&text[..10], Some(quick_time(&text[11..])?))
            }
            _ => return None,
        };
        Some(Local {
            date: quick_date(date)?,
            seconds,
        })
    }
}

fn digits(text: &[u8]) -> Option<i16> {
    text.iter().try_fold(0, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + i16::from(byte - b'0'))
    })
}

/// `2011-07-01`, a day that exists, from the year 1 on.
fn quick_date(text: &[u8]) -> Option<(i16, i8, i8)> {
    if text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let (year, month, day) = (
        digits(&text[..4])?,
        digits(&text[5..7])?,
        digits(&text[8..])?,
    );
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i16::from(leap),
        _ => return None,
    };
    // the last days of the year 9999 are past the end in some zones
    let sound = (1..=length).contains(&day) && (1..9999).contains(&year);
    let part = |value| i8::try_from(value).expect("a month or a day");
    sound.then(|| (year, part(month), part(day)))
}

/// `12:30:00` in seconds; a leap second is left to the pattern.
fn quick_time(text: &[u8]) -> Option<i32> {
    if text[2] != b':' || text[5] != b':' {
        return None;
    }
    let (hour, minute, second) = (
        digits(&text[..2])?,
        digits(&text[3..5])?,
        digits(&text[6..])?,
    );
    (hour < 24 && minute < 60 && second < 60)
        .then(|| i32::from(hour) * 3_600 + i32::from(minute) * 60 + i32::from(second))
}

/// `2011-07-01T12:30:00Z`.
pub(super) fn quick_rfc3339(text: &[u8]) -> Option<i64> {
    let local = (text.len() == 20 && text[19] == b'Z')
        .then(|| Quick::DateTime(b'T').read(&text[..19]))??;
    local.resolve(&TimeZone::UTC).ok()
}

/// Days from 1970-01-01 to a day of the proleptic Gregorian calendar.
///
/// # Reference
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    // a year that begins in March puts the leap day at its end
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}
