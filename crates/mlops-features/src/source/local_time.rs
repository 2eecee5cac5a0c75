//! Local times to instants, and what can be wrong with one.

use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};
use mlops_core::EventTime;

use super::rejection::{Fault, RejectionKind};

/// The instant of a local time that exists exactly once.
pub(super) fn resolve(zone: &TimeZone, local: DateTime) -> Result<i64, Fault> {
    let (kind, reason) = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => {
            let stamp = offset.to_timestamp(local).map_err(|_| out_of_range())?;
            return micros(stamp);
        }
        AmbiguousOffset::Gap { .. } => (
            RejectionKind::NonexistentTime,
            "the local time does not exist: clocks were set forward over it",
        ),
        AmbiguousOffset::Fold { .. } => (
            RejectionKind::AmbiguousTime,
            "the local time exists twice: clocks were set back over it",
        ),
    };
    Err(Fault::new(kind, reason))
}

/// The first instant of a day; a day whose midnight is skipped begins after the gap.
pub(super) fn start_of_day(zone: &TimeZone, midnight: DateTime) -> Result<i64, Fault> {
    let first = zone.to_ambiguous_timestamp(midnight).compatible();
    micros(first.map_err(|_| out_of_range())?)
}

/// The same instant as a local time of UTC.
pub(super) fn utc(micros: i64) -> Result<DateTime, Fault> {
    let stamp = Timestamp::from_microsecond(micros).map_err(|_| out_of_range())?;
    Ok(TimeZone::UTC.to_datetime(stamp))
}

/// The microsecond that an instant lies in, if it can be printed: jiff's last second has fractions that
/// [`EventTime::MAX`] has not.
pub(super) fn micros(stamp: Timestamp) -> Result<i64, Fault> {
    let floor = stamp.as_nanosecond().div_euclid(1_000);
    in_range(i64::try_from(floor).expect("the years -9999 to 9999 in microseconds"))
}

/// An instant that can be printed.
pub(super) fn in_range(micros: i64) -> Result<i64, Fault> {
    let range = EventTime::MIN.micros()..=EventTime::MAX.micros();
    if range.contains(&micros) {
        Ok(micros)
    } else {
        Err(out_of_range())
    }
}

pub(super) fn out_of_range() -> Fault {
    Fault::new(
        RejectionKind::OutOfRange,
        "the time is outside the years -9999 to 9999",
    )
}

/// jiff's reason, which may quote the text: cut, because many are kept.
pub(super) fn not_time(error: &jiff::Error) -> Fault {
    let reason: String = error.to_string().chars().take(200).collect();
    Fault::new(RejectionKind::NotTime, reason)
}
