//! Calendar days, as parts of keys.

use std::{fmt, str::FromStr};

use jiff::civil;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The day that `Date32` counts from.
const EPOCH: civil::Date = civil::date(1970, 1, 1);

/// A calendar day without a zone, from the year -9999 to 9999.
///
/// ```
/// use mlops_core::Date;
///
/// let day = Date::parse("2011-07-01")?;
/// assert_eq!((day.days(), day.to_string().as_str()), (15_156, "2011-07-01"));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(i32);

impl Date {
    /// The day that lies `days` after 1970-01-01, or `None` if its year does not fit four digits.
    pub fn from_days(days: i32) -> Option<Self> {
        let first = day_number(civil::Date::MIN);
        let last = day_number(civil::Date::MAX);
        (first..=last).contains(&days).then_some(Self(days))
    }

    /// Reads `2011-07-01`.
    ///
    /// # Errors
    /// [`Error::InvalidTime`] for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let read = text.parse::<civil::Date>();
        // jiff takes more than days; only what prints as it was given is a day
        let day = read
            .map(|day| Self(day_number(day)))
            .ok()
            .filter(|day| day.to_string() == text);
        day.ok_or_else(|| Error::InvalidTime {
            text: text.chars().take(64).collect(),
            reason: "a day such as 2011-07-01 is expected".to_owned(),
        })
    }

    /// Days since 1970-01-01.
    pub const fn days(self) -> i32 {
        self.0
    }
}

fn day_number(day: civil::Date) -> i32 {
    EPOCH.until(day).expect("both are dates").get_days()
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = EPOCH.saturating_add(jiff::Span::new().days(self.0));
        write!(f, "{day}")
    }
}

impl FromStr for Date {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Date {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Date> for String {
    fn from(day: Date) -> Self {
        day.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_last_day_survive_their_text() {
        for day in [civil::Date::MIN, civil::Date::MAX, EPOCH] {
            let day = Date::from_days(day_number(day)).unwrap();
            assert_eq!(Date::parse(&day.to_string()).unwrap(), day);
        }
        assert_eq!(Date::from_days(day_number(civil::Date::MAX) + 1), None);
        assert_eq!(Date::from_days(i32::MIN), None);
    }

    #[test]
    fn only_whole_days_are_read() {
        for bad in [
            "",
            "2011-7-1",
            "20110701",
            "2011-07-01T00:00:00",
            "2011-02-30",
        ] {
            assert!(Date::parse(bad).is_err(), "{bad}");
        }
    }
}
