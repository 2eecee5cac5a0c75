//! Calendars and clocks, in a zone that the expression states.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use mlops_core::EventTime;

use crate::transform::{fault::Fault, kind::Instant};

const SECOND: i64 = 1_000_000;
const DAY: f64 = 86_400e6;

/// One number of a date or of a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    DayOfYear,
    Weekday,
    Hour,
    Minute,
    Second,
}

/// What a time is cut down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
}

impl Unit {
    pub(crate) const ALL: [(&'static str, Self); 8] = [
        ("year", Self::Year),
        ("quarter", Self::Quarter),
        ("month", Self::Month),
        ("week", Self::Week),
        ("day", Self::Day),
        ("hour", Self::Hour),
        ("minute", Self::Minute),
        ("second", Self::Second),
    ];
}

fn stamp(Instant(micros): Instant) -> Timestamp {
    let micros = EventTime::from_micros(micros).micros();
    Timestamp::from_microsecond(micros).expect("an event time can be printed")
}

fn instant(micros: i64, what: &'static str) -> Result<Option<Instant>, Fault> {
    if EventTime::from_micros(micros).micros() == micros {
        Ok(Some(Instant(micros)))
    } else {
        Err(Fault::Time(what))
    }
}

/// The part in the zone; a week is the ISO one, and Monday is weekday 1.
pub(crate) fn part(zone: &TimeZone, part: Part, time: Instant) -> i64 {
    let local = zone.to_datetime(stamp(time));
    match part {
        Part::Year => local.year().into(),
        Part::Quarter => i64::from(local.month() - 1) / 3 + 1,
        Part::Month => local.month().into(),
        Part::Week => local.date().iso_week_date().week().into(),
        Part::Day => local.day().into(),
        Part::DayOfYear => local.date().day_of_year().into(),
        Part::Weekday => local.weekday().to_monday_one_offset().into(),
        Part::Hour => local.hour().into(),
        Part::Minute => local.minute().into(),
        Part::Second => local.second().into(),
    }
}

/// The beginning of the unit in the zone.
pub(crate) fn truncate(
    zone: &TimeZone,
    unit: Unit,
    time: Instant,
) -> Result<Option<Instant>, Fault> {
    let stamp = stamp(time);
    let local = zone.to_datetime(stamp);
    let first = match unit {
        Unit::Hour | Unit::Minute | Unit::Second => {
            // back from the instant itself, so that an hour that is there twice stays the one it was
            let mut past = i64::from(local.subsec_nanosecond()) / 1_000;
            if unit != Unit::Second {
                past += i64::from(local.second()) * SECOND;
            }
            if unit == Unit::Hour {
                past += i64::from(local.minute()) * 60 * SECOND;
            }
            return instant(stamp.as_microsecond() - past, "the beginning of an hour");
        }
        Unit::Day => Some(local.date()),
        Unit::Week => {
            let past = local.weekday().to_monday_zero_offset();
            let date = local.date();
            date.checked_sub(jiff::Span::new().days(past)).ok()
        }
        Unit::Month => Some(local.date().first_of_month()),
        Unit::Quarter => {
            let month = (local.month() - 1) / 3 * 3 + 1;
            Date::new(local.year(), month, 1).ok()
        }
        Unit::Year => Some(local.date().first_of_year()),
    };
    let what = "the beginning of a day";
    // a midnight that clocks skip begins after the gap, one that is there twice at its first time
    let begin = first
        .map(DateTime::from)
        .and_then(|midnight| zone.to_ambiguous_timestamp(midnight).compatible().ok());
    match begin {
        Some(begin) => instant(begin.as_microsecond(), what),
        None => Err(Fault::Time(what)),
    }
}

/// From the first instant to the second, negative if it comes first.
pub(crate) fn seconds_between(Instant(from): Instant, Instant(to): Instant) -> f64 {
    to.saturating_sub(from) as f64 / SECOND as f64
}

/// In days of 24 hours.
pub(crate) fn days_between(Instant(from): Instant, Instant(to): Instant) -> f64 {
    to.saturating_sub(from) as f64 / DAY
}

pub(crate) fn add_seconds(Instant(time): Instant, seconds: i64) -> Result<Option<Instant>, Fault> {
    moved(time, seconds, SECOND)
}

pub(crate) fn add_days(Instant(time): Instant, days: i64) -> Result<Option<Instant>, Fault> {
    moved(time, days, 86_400 * SECOND)
}

fn moved(time: i64, by: i64, unit: i64) -> Result<Option<Instant>, Fault> {
    let to = by.checked_mul(unit).and_then(|by| time.checked_add(by));
    match to {
        Some(to) => instant(to, "a time"),
        None => Err(Fault::Time("a time")),
    }
}

/// Whole seconds since 1970, cut towards the past.
pub(crate) fn unix_seconds(Instant(time): Instant) -> i64 {
    time.div_euclid(SECOND)
}

pub(crate) fn from_unix_seconds(seconds: i64) -> Result<Option<Instant>, Fault> {
    moved(0, seconds, SECOND)
}
