//! `strftime` patterns: what one reads, and whether it settles an instant.

use jiff::{civil::DateTime, fmt::strtime::BrokenDownTime, tz::TimeZone};

use super::{
    local_time::{micros, not_time, resolve, start_of_day},
    rejection::{Fault, RejectionKind},
};
use crate::{Error, Result};

const MICROS: i64 = 1_000_000;

/// The instant of a text that has the form of a pattern.
pub(super) fn parse_pattern(pattern: &str, text: &str, zone: &TimeZone) -> Result<i64, Fault> {
    let other_form = || format!("it does not have the form `{pattern}`");
    let parts = BrokenDownTime::parse(pattern, text)
        .map_err(|_| Fault::new(RejectionKind::NotTime, other_form()))?;
    if parts.offset().is_some() || parts.timestamp().is_some() {
        return micros(parts.to_timestamp().map_err(|e| not_time(&e))?);
    }
    let local = parts.to_datetime().map_err(|e| not_time(&e))?;
    if parts.hour().is_none() {
        return start_of_day(zone, local);
    }
    resolve(zone, local)
}

pub(super) fn find_zone(name: &str) -> Result<TimeZone> {
    if name.eq_ignore_ascii_case("utc") {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|e| Error::UnknownTimeZone {
        zone: name.to_owned(),
        reason: e.to_string(),
    })
}

/// Writes a sample by the pattern and reads it back: whatever is lost on the way is not settled by
/// the pattern. Only seconds, minutes with them, or the whole time of day may be lost.
pub(super) fn check_pattern(pattern: &str) -> Result<()> {
    let invalid = |reason: String| Error::InvalidTimeFormat {
        format: pattern.to_owned(),
        reason,
    };
    let broken = |e: jiff::Error| invalid(e.to_string());
    let local = DateTime::new(2011, 12, 9, 13, 14, 15, 123_456_000).map_err(broken)?;
    let sample = TimeZone::UTC.to_zoned(local).map_err(broken)?;
    let text = BrokenDownTime::from(&sample)
        .to_string(pattern)
        .map_err(broken)?;
    let parts = BrokenDownTime::parse(pattern, &text).map_err(broken)?;
    if parts.iana_time_zone().is_some() {
        return Err(invalid(
            "zone names in the text are not read; use an offset (%z)".to_owned(),
        ));
    }
    let read =
        parse_pattern(pattern, &text, &TimeZone::UTC).map_err(|f| invalid(f.reason.into()))?;
    let full = micros(sample.timestamp()).map_err(|f| invalid(f.reason.into()))?;
    let coarser = [1, MICROS, 60 * MICROS, 3_600 * MICROS, 86_400 * MICROS];
    if coarser
        .iter()
        .any(|unit| full - full.rem_euclid(*unit) == read)
    {
        return Ok(());
    }
    Err(invalid(format!(
        "it writes `{sample}` as `{text}` and reads another time back"
    )))
}
