//! Instants and lengths of time, exact to the microsecond and always in UTC.
//!
//! A point-in-time join is only as right as its clock: [`EventTime`] has one unit and one zone, and
//! a text without a zone does not become one by accident. [`Span`] cannot be negative, so a
//! negative TTL cannot be built.

use std::{fmt, str::FromStr};

use arrow::datatypes::{DataType, TimeUnit};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// An instant: microseconds since 1970-01-01T00:00:00Z.
///
/// ```
/// use mlops_core::{EventTime, Span};
///
/// let noon = EventTime::parse("2011-07-01T12:00:00Z")?;
/// assert_eq!(noon, EventTime::parse("2011-07-01T14:00:00+02:00")?);
/// assert_eq!((noon - Span::days(1)).to_string(), "2011-06-30T12:00:00Z");
/// assert!(EventTime::parse("2011-07-01 12:00:00").is_err()); // no zone
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventTime(i64);

impl EventTime {
    /// The earliest instant that can be printed, in the year -9999.
    pub const MIN: Self = Self(-377_705_023_201_000_000);
    /// The latest instant that can be printed, in the year 9999.
    pub const MAX: Self = Self(253_402_207_200_000_000);

    /// The instant that lies `micros` microseconds after 1970-01-01T00:00:00Z, clamped to
    /// [`EventTime::MIN`] and [`EventTime::MAX`].
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// The instant that lies `seconds` seconds after 1970-01-01T00:00:00Z.
    pub fn from_seconds(seconds: i64) -> Self {
        Self::from_micros(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// Reads RFC 3339 with an offset, for instance `2011-07-01T12:00:00Z`. Digits past the microsecond are cut off
    /// towards the past, before 1970 as after it.
    ///
    /// # Errors
    /// [`Error::InvalidTime`] if the text is no time, names no offset or lies past [`EventTime::MAX`].
    pub fn parse(text: &str) -> Result<Self> {
        // jiff's reason may quote the text, however long that is
        let invalid = |reason: String| Error::InvalidTime {
            text: text.chars().take(64).collect(),
            reason: reason.chars().take(200).collect(),
        };
        let stamp: jiff::Timestamp = text
            .parse()
            .map_err(|e: jiff::Error| invalid(e.to_string()))?;
        let floor = stamp.as_nanosecond().div_euclid(1_000);
        let time = i64::try_from(floor).map(Self::from_micros);
        // jiff's last second has fractions, `MAX` has none
        time.ok()
            .filter(|time| i128::from(time.0) == floor)
            .ok_or_else(|| invalid("it lies past the last instant that can be printed".to_owned()))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The Arrow type of a column of instants.
    pub fn data_type() -> DataType {
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
    }

    /// The time that passed since `earlier`, or `None` if `earlier` is later.
    pub fn since(self, earlier: Self) -> Option<Span> {
        (self >= earlier).then(|| Span(self.0 - earlier.0))
    }

    /// The calendar day in UTC as `2011-07-01`.
    pub fn date(self) -> String {
        self.to_string().chars().take_while(|c| *c != 'T').collect()
    }
}

impl std::ops::Add<Span> for EventTime {
    type Output = Self;
    /// Clamps at [`EventTime::MAX`].
    fn add(self, span: Span) -> Self {
        Self::from_micros(self.0.saturating_add(span.0))
    }
}

impl std::ops::Sub<Span> for EventTime {
    type Output = Self;
    /// Clamps at [`EventTime::MIN`].
    fn sub(self, span: Span) -> Self {
        Self::from_micros(self.0.saturating_sub(span.0))
    }
}

impl fmt::Display for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stamp = jiff::Timestamp::from_microsecond(self.0).expect("MIN and MAX are jiff's own");
        write!(f, "{stamp}")
    }
}

impl FromStr for EventTime {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl TryFrom<String> for EventTime {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<EventTime> for String {
    fn from(time: EventTime) -> Self {
        time.to_string()
    }
}

/// A length of time, never negative, exact to the microsecond.
///
/// ```
/// use mlops_core::Span;
///
/// assert_eq!(Span::parse("90d")?, Span::days(90));
/// assert_eq!(Span::parse("1h")?.to_string(), "1h");
/// assert!(Span::parse("-3d").is_err());
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(i64);

/// Units from the longest to the shortest, with their length in microseconds.
const UNITS: [(&str, i64); 7] = [
    ("w", 604_800 * MICROS_PER_SECOND),
    ("d", 86_400 * MICROS_PER_SECOND),
    ("h", 3_600 * MICROS_PER_SECOND),
    ("m", 60 * MICROS_PER_SECOND),
    ("s", MICROS_PER_SECOND),
    ("ms", 1_000),
    ("us", 1),
];

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A number of days of 24 hours.
    pub const fn days(days: u32) -> Self {
        Self(days as i64 * 86_400 * MICROS_PER_SECOND)
    }

    /// A number of hours.
    pub const fn hours(hours: u32) -> Self {
        Self(hours as i64 * 3_600 * MICROS_PER_SECOND)
    }

    /// A number of minutes.
    pub const fn minutes(minutes: u32) -> Self {
        Self(minutes as i64 * 60 * MICROS_PER_SECOND)
    }

    /// A number of seconds.
    pub const fn seconds(seconds: u32) -> Self {
        Self(seconds as i64 * MICROS_PER_SECOND)
    }

    /// A number of microseconds.
    ///
    /// # Errors
    /// [`Error::InvalidSpan`] if it is negative.
    pub fn from_micros(micros: i64) -> Result<Self> {
        if micros < 0 {
            return Err(Error::InvalidSpan {
                text: format!("{micros}us"),
                reason: "it is negative",
            });
        }
        Ok(Self(micros))
    }

    /// Reads a whole number and a unit: `us`, `ms`, `s`, `m`, `h`, `d` or `w`.
    ///
    /// # Errors
    /// [`Error::InvalidSpan`] if the text is anything else, is negative or does not fit.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |reason| Error::InvalidSpan {
            text: text.chars().take(64).collect(),
            reason,
        };
        let trimmed = text.trim();
        if trimmed.starts_with('-') {
            return Err(invalid("it is negative"));
        }
        let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = trimmed.split_at(digits);
        let number: i64 = number
            .parse()
            .map_err(|_| invalid("it must begin with a whole number"))?;
        let (_, micros) = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(|| invalid("the unit must be one of us, ms, s, m, h, d, w"))?;
        number
            .checked_mul(*micros)
            .map(Self)
            .ok_or_else(|| invalid("it is longer than 292,000 years"))
    }

    /// Microseconds.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Seconds, as a fraction.
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / MICROS_PER_SECOND as f64
    }

    /// Days of 24 hours, as a fraction.
    pub fn as_days(self) -> f64 {
        self.as_seconds() / 86_400.0
    }
}

impl fmt::Display for Span {
    /// The shortest exact form, days before weeks: `90d`, `1h`, `250ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, micros) = UNITS[1..]
            .iter()
            .find(|(_, micros)| self.0 % micros == 0 && self.0 != 0)
            .unwrap_or(&("s", MICROS_PER_SECOND));
        write!(f, "{}{unit}", self.0 / micros)
    }
}

impl FromStr for Span {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Span {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_printable_range_is_jiffs() {
        let printable = |micros| jiff::Timestamp::from_microsecond(micros).is_ok();
        assert!(printable(EventTime::MIN.0) && !printable(EventTime::MIN.0 - 1));
        assert!(printable(EventTime::MAX.0) && !printable(EventTime::MAX.0 + 1));
        assert!(
            EventTime::from_micros(i64::MAX)
                .to_string()
                .starts_with("9999")
        );
        assert!(
            (EventTime::MIN - Span::days(9))
                .to_string()
                .starts_with('-')
        );
    }

    #[test]
    fn a_text_is_cut_to_the_microsecond_towards_the_past() {
        for (text, micros) in [
            ("1970-01-01T00:00:00.0000019Z", 1),
            ("1969-12-31T23:59:59.9999999Z", -1),
            ("1969-12-31T23:59:59.9999981Z", -2),
            ("9999-12-30T22:00:00Z", EventTime::MAX.0),
            ("9999-12-30T22:00:00.0000009Z", EventTime::MAX.0),
        ] {
            assert_eq!(EventTime::parse(text).unwrap().micros(), micros, "{text}");
        }
        assert!(EventTime::parse("9999-12-30T22:00:00.5Z").is_err());
    }

    #[test]
    fn an_error_does_not_repeat_a_long_text() {
        let long = "2011-07-01T12:00:00Z".repeat(1_000);
        let error = EventTime::parse(&long).unwrap_err().to_string();
        assert!(error.len() < 400, "{} bytes", error.len());
    }

    #[test]
    fn spans_refuse_what_is_not_a_length() {
        for bad in ["", "d", "-1d", "1", "1.5h", "1y", "99999999999999w", "٣d"] {
            assert!(Span::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_span_survives_its_text(micros in 0i64..i64::MAX) {
            let span = Span(micros);
            prop_assert_eq!(Span::parse(&span.to_string()).unwrap(), span);
        }

        #[test]
        fn a_time_survives_its_text(micros in EventTime::MIN.0..EventTime::MAX.0) {
            let time = EventTime::from_micros(micros);
            prop_assert_eq!(EventTime::parse(&time.to_string()).unwrap(), time);
        }
    }
}
