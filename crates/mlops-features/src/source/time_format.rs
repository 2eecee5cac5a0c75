//! How a text or a number becomes an instant: pattern, unit and time zone, all of them stated.
//!
//! A local time without a zone is not an instant, so [`TimeFormat::new`] asks for one. A local time that
//! exists twice or not at all, because clocks were set back or forward, is rejected with that
//! reason and never guessed. Instants are exact to the microsecond; digits past it are cut off towards
//! the past.

use arrow::datatypes::TimeUnit;
use jiff::tz::TimeZone;

use super::{
    local_time::{in_range, micros, not_time, out_of_range, resolve, start_of_day, utc},
    quick::{Quick, quick_rfc3339},
    rejection::{Fault, RejectionKind},
    time_pattern::{check_pattern, find_zone, parse_pattern},
};
use crate::Result;

const MICROS: i64 = 1_000_000;

/// The form of a time column and the zone that its local times are in.
///
/// ```
/// use mlops_features::TimeFormat;
///
/// let london = TimeFormat::new("%d/%m/%Y %H:%M", "Europe/London")?;
/// assert!(TimeFormat::new("%d/%m/%Y", "Atlantis").is_err());   // no such zone
/// assert!(TimeFormat::new("%d/%m %H:%M", "UTC").is_err());     // no year
/// assert!(TimeFormat::new("%Y-%m-%d %I:%M", "UTC").is_err());  // morning or evening?
/// # let _ = london; Ok::<(), mlops_features::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TimeFormat(Shape);

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Rfc3339,
    Epoch(TimeUnit),
    Local {
        pattern: String,
        quick: Option<Quick>,
        zone: TimeZone,
    },
}

impl TimeFormat {
    /// A `strftime` pattern and the IANA zone of the local times that it reads, for instance
    /// `("%Y-%m-%d %H:%M:%S", "Europe/London")`.
    ///
    /// Where the pattern reads an offset (`%z`), the offset holds and the zone is not used. A pattern
    /// without a time of day reads the start of the day. The patterns are those of
    /// [`jiff`](https://docs.rs/jiff/0.2/jiff/fmt/strtime/index.html).
    ///
    /// # Errors
    /// [`Error::UnknownTimeZone`](crate::Error::UnknownTimeZone) if the zone is not in the IANA database, [`Error::InvalidTimeFormat`](crate::Error::InvalidTimeFormat)
    /// if the pattern is malformed or does not settle day, hour and minute.
    pub fn new(pattern: &str, zone: &str) -> Result<Self> {
        let quick = match pattern {
            "%Y-%m-%d" => Some(Quick::Date),
            "%Y-%m-%d %H:%M:%S" => Some(Quick::DateTime(b' ')),
            "%Y-%m-%dT%H:%M:%S" => Some(Quick::DateTime(b'T')),
            _ => None,
        };
        let zone = find_zone(zone)?;
        check_pattern(pattern)?;
        Ok(Self(Shape::Local {
            pattern: pattern.to_owned(),
            quick,
            zone,
        }))
    }

    /// RFC 3339 with an offset, for instance `2011-07-01T12:00:00Z` or `2011-07-01T14:00:00+02:00`.
    pub fn rfc3339() -> Self {
        Self(Shape::Rfc3339)
    }

    /// Whole numbers of that unit since 1970-01-01T00:00:00Z.
    pub fn epoch(unit: TimeUnit) -> Self {
        Self(Shape::Epoch(unit))
    }

    /// Times that a typed source (Parquet, Arrow) holds without a zone, and texts as
    /// `2011-07-01 12:00:00`, are local times of this IANA zone.
    ///
    /// # Errors
    /// [`Error::UnknownTimeZone`](crate::Error::UnknownTimeZone) if the zone is not in the IANA database.
    pub fn local(zone: &str) -> Result<Self> {
        Self::new("%Y-%m-%d %H:%M:%S", zone)
    }

    /// The instant that a text states, in microseconds.
    pub(super) fn parse(&self, text: &str) -> Result<i64, Fault> {
        match &self.0 {
            Shape::Rfc3339 => match quick_rfc3339(text.as_bytes()) {
                Some(micros) => Ok(micros),
                None => micros(text.parse().map_err(|e: jiff::Error| not_time(&e))?),
            },
            Shape::Epoch(_) => self.instant_of_number(super::cell::int(text.as_bytes())?),
            Shape::Local {
                pattern,
                quick,
                zone,
            } => {
                if let Some(local) = quick.and_then(|quick| quick.read(text.as_bytes())) {
                    return local.resolve(zone);
                }
                parse_pattern(pattern, text, zone)
            }
        }
    }

    /// The instant that a number states, if this format counts from the epoch.
    pub(super) fn instant_of_number(&self, number: i64) -> Result<i64, Fault> {
        let Shape::Epoch(unit) = self.0 else {
            return Err(Fault::new(
                RejectionKind::NotTime,
                "a number, and no unit is stated",
            ));
        };
        let scaled = match unit {
            TimeUnit::Second => number.checked_mul(MICROS),
            TimeUnit::Millisecond => number.checked_mul(1_000),
            TimeUnit::Microsecond => Some(number),
            TimeUnit::Nanosecond => Some(number.div_euclid(1_000)),
        };
        scaled.ok_or_else(out_of_range).and_then(in_range)
    }

    /// The instant of a local time that is given as microseconds since 1970-01-01 00:00:00 local.
    pub(super) fn instant_of_local(&self, local: i64) -> Result<i64, Fault> {
        let local = in_range(local)?;
        match self.zone() {
            None => Err(Fault::new(
                RejectionKind::NotTime,
                "a local time, and no zone is stated",
            )),
            Some(zone) if *zone == TimeZone::UTC => Ok(local),
            Some(zone) => resolve(zone, utc(local)?),
        }
    }

    /// The instant at which a local day begins, given as days since 1970-01-01.
    pub(super) fn instant_of_day(&self, day: i32) -> Result<i64, Fault> {
        let local = i64::from(day).checked_mul(86_400 * MICROS);
        let local = local.ok_or_else(out_of_range).and_then(in_range)?;
        match self.zone() {
            None => Err(Fault::new(
                RejectionKind::NotTime,
                "a local day, and no zone is stated",
            )),
            Some(zone) => start_of_day(zone, utc(local)?),
        }
    }

    /// The zone of local times, if one is stated.
    pub(super) fn zone(&self) -> Option<&TimeZone> {
        match &self.0 {
            Shape::Local { zone, .. } => Some(zone),
            Shape::Rfc3339 | Shape::Epoch(_) => None,
        }
    }

    /// Whether numbers are times here.
    pub(super) fn reads_numbers(&self) -> bool {
        matches!(self.0, Shape::Epoch(_))
    }
}

impl Default for TimeFormat {
    /// [`TimeFormat::rfc3339`].
    fn default() -> Self {
        Self::rfc3339()
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::EventTime;
    use proptest::prelude::*;

    use super::*;
    use crate::Error;

    fn kind(format: &TimeFormat, text: &str) -> RejectionKind {
        format.parse(text).unwrap_err().kind
    }

    fn text(format: &TimeFormat, text: &str) -> String {
        EventTime::from_micros(format.parse(text).unwrap()).to_string()
    }

    #[test]
    fn local_times_become_instants_by_their_zone() {
        let cases = [
            (
                "%Y-%m-%d %H:%M:%S",
                "UTC",
                "2011-07-01 12:00:00",
                "2011-07-01T12:00:00Z",
            ),
            (
                "%Y-%m-%d %H:%M:%S",
                "Europe/London",
                "2011-07-01 12:00:00",
                "2011-07-01T11:00:00Z",
            ),
            (
                "%Y-%m-%d %H:%M:%S",
                "Europe/London",
                "2011-12-01 12:00:00",
                "2011-12-01T12:00:00Z",
            ),
            (
                "%d.%m.%Y %H:%M",
                "Europe/Berlin",
                "01.07.2011 12:00",
                "2011-07-01T10:00:00Z",
            ),
            (
                "%m/%d/%y %I:%M %p",
                "America/New_York",
                "07/01/11 01:30 PM",
                "2011-07-01T17:30:00Z",
            ),
            (
                "%Y-%m-%dT%H:%M:%S%.f",
                "UTC",
                "2011-07-01T12:00:00.5",
                "2011-07-01T12:00:00.5Z",
            ),
            (
                "%Y-%m-%d %H:%M:%S %z",
                "UTC",
                "2011-07-01 12:00:00 +0200",
                "2011-07-01T10:00:00Z",
            ),
            (
                "%Y-%m-%d",
                "Asia/Tokyo",
                "2011-07-01",
                "2011-06-30T15:00:00Z",
            ),
            // clocks went forward at midnight, so the day began at one
            (
                "%Y-%m-%d",
                "America/Sao_Paulo",
                "2011-10-16",
                "2011-10-16T03:00:00Z",
            ),
        ];
        for (pattern, zone, local, instant) in cases {
            assert_eq!(
                text(&TimeFormat::new(pattern, zone).unwrap(), local),
                instant,
                "{pattern}"
            );
        }
        assert_eq!(
            text(&TimeFormat::rfc3339(), "2011-07-01T14:00:00+02:00"),
            "2011-07-01T12:00:00Z"
        );
        assert_eq!(
            text(&TimeFormat::epoch(TimeUnit::Second), "1309521600"),
            "2011-07-01T12:00:00Z"
        );
        assert_eq!(
            text(&TimeFormat::epoch(TimeUnit::Nanosecond), "-1"),
            "1969-12-31T23:59:59.999999Z"
        );
    }

    #[test]
    fn local_times_that_are_no_instant_are_rejected_with_the_reason() {
        let london = TimeFormat::local("Europe/London").unwrap();
        assert_eq!(
            kind(&london, "2011-03-27 01:30:00"),
            RejectionKind::NonexistentTime
        );
        assert_eq!(
            kind(&london, "2011-10-30 01:30:00"),
            RejectionKind::AmbiguousTime
        );
        for bad in [
            "2011-02-29 00:00:00",
            "2011-13-01 00:00:00",
            "2011-07-01",
            "yesterday",
            "2011-07-01 24:00:00",
        ] {
            assert_eq!(kind(&london, bad), RejectionKind::NotTime, "{bad}");
        }
        assert_eq!(
            kind(&TimeFormat::rfc3339(), "2011-07-01T12:00:00"),
            RejectionKind::NotTime
        );
        let long = "2011-07-01T12:00:00Z".repeat(1_000);
        for format in [&london, &TimeFormat::rfc3339()] {
            assert!(format.parse(&long).unwrap_err().reason.len() <= 400);
        }
        // the last second that can be printed has no fraction
        let last = "9999-12-30T22:00:00.5Z";
        assert_eq!(
            kind(&TimeFormat::rfc3339(), last),
            RejectionKind::OutOfRange
        );
        let epoch = TimeFormat::epoch(TimeUnit::Second);
        assert_eq!(kind(&epoch, "99999999999999"), RejectionKind::OutOfRange);
        assert_eq!(kind(&epoch, "soon"), RejectionKind::NotNumber);
    }

    #[test]
    fn a_pattern_that_leaves_something_open_is_refused() {
        for bad in [
            "",
            "%Y-%m",
            "%d/%m %H:%M",
            "%I:%M %d/%m/%Y",
            "%Y-%m-%d %M",
            "%Y-%m-%d %Q",
            "%!",
        ] {
            let error = TimeFormat::new(bad, "UTC").unwrap_err();
            assert!(
                matches!(error, Error::InvalidTimeFormat { .. }),
                "{bad}: {error}"
            );
        }
        for zone in ["", "Atlantis", "local", "GMT+2x"] {
            let error = TimeFormat::local(zone).unwrap_err();
            assert!(
                matches!(error, Error::UnknownTimeZone { .. }),
                "{zone}: {error}"
            );
        }
    }

    proptest! {
        #[test]
        fn the_quick_form_agrees_with_the_pattern(
            seconds in -62_000_000_000_i64..253_000_000_000,
            zone in prop::sample::select(vec!["UTC", "Europe/London", "America/Sao_Paulo", "Asia/Kolkata"]),
        ) {
            let local = utc(seconds * MICROS).unwrap();
            let zone = find_zone(zone).unwrap();
            for (quick, pattern) in [
                (Quick::DateTime(b' '), "%Y-%m-%d %H:%M:%S"),
                (Quick::DateTime(b'T'), "%Y-%m-%dT%H:%M:%S"),
                (Quick::Date, "%Y-%m-%d"),
            ] {
                let text = local.strftime(pattern).to_string();
                let quick = quick.read(text.as_bytes()).unwrap().resolve(&zone);
                prop_assert_eq!(quick, parse_pattern(pattern, &text, &zone));
            }
        }

        #[test]
        fn the_quick_form_takes_nothing_that_the_pattern_refuses(text in "[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}") {
            let quick = Quick::DateTime(b' ').read(text.as_bytes());
            let slow = parse_pattern("%Y-%m-%d %H:%M:%S", &text, &TimeZone::UTC);
            if let Some(local) = quick {
                prop_assert_eq!(local.resolve(&TimeZone::UTC), slow);
            }
        }
    }
}
