//! Instants of any Arrow type as whole numbers of one unit, so that a comparison is one instruction.
//!
//! Microseconds unless some column carries nanoseconds: then everything is counted in those, because a
//! rounded instant could see an event that came after it. Times without a zone are UTC.

use arrow::{
    array::{Array, ArrayRef, AsArray, Int64Array, StringArray},
    compute::cast,
    datatypes::{
        DataType, Date32Type, Date64Type, TimeUnit, TimestampMicrosecondType,
        TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    },
};

use super::cells::Origin;
use crate::{Error, Result};

/// The unit that a join counts time in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Precision {
    Micros,
    Nanos,
}

const DAY_SECONDS: i64 = 86_400;

impl Precision {
    /// The unit that a column of this type asks for; `None` if it holds no instants.
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Timestamp(TimeUnit::Nanosecond, _) => Some(Self::Nanos),
            DataType::Timestamp(..)
            | DataType::Date32
            | DataType::Date64
            | DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View => Some(Self::Micros),
            _ => None,
        }
    }

    pub(super) fn per_second(self) -> i64 {
        match self {
            Self::Micros => 1_000_000,
            Self::Nanos => 1_000_000_000,
        }
    }

    /// A span of microseconds in this unit; one beyond the range is for ever.
    pub(super) fn span(self, micros: i64) -> i64 {
        micros.saturating_mul(self.per_second() / 1_000_000)
    }

    /// The instants of a column; nulls stay nulls.
    ///
    /// # Errors
    /// [`Error::BadCell`] for a text that is no instant, or an instant beyond the range of the unit.
    pub(super) fn instants(self, array: &ArrayRef, origin: &Origin<'_>) -> Result<Int64Array> {
        use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
        let unit = self.per_second();
        let scale = |values: Int64Array, per_second: i64| -> Result<Int64Array> {
            if per_second == unit {
                return Ok(values);
            }
            if per_second > unit {
                unreachable!("a join counts in its finest unit");
            }
            let factor = unit / per_second;
            values
                .try_unary(|value| value.checked_mul(factor).ok_or(()))
                .map_err(|()| {
                    let far = |row: &usize| values.value(*row).checked_mul(factor).is_none();
                    let row = (0..values.len()).find(far).unwrap_or_default();
                    let value = format!("{} / {per_second} s", values.value(row));
                    origin.bad(row, &value, "an instant within the range of its unit")
                })
        };
        match array.data_type() {
            DataType::Timestamp(Microsecond, _) => scale(
                array
                    .as_primitive::<TimestampMicrosecondType>()
                    .reinterpret_cast(),
                1_000_000,
            ),
            DataType::Timestamp(Nanosecond, _) => scale(
                array
                    .as_primitive::<TimestampNanosecondType>()
                    .reinterpret_cast(),
                1_000_000_000,
            ),
            DataType::Timestamp(Millisecond, _) => scale(
                array
                    .as_primitive::<TimestampMillisecondType>()
                    .reinterpret_cast(),
                1_000,
            ),
            DataType::Timestamp(Second, _) => scale(
                array
                    .as_primitive::<TimestampSecondType>()
                    .reinterpret_cast(),
                1,
            ),
            DataType::Date64 => scale(array.as_primitive::<Date64Type>().reinterpret_cast(), 1_000),
            DataType::Date32 => {
                let days = array.as_primitive::<Date32Type>();
                let seconds: Int64Array = days.unary(|day| i64::from(day) * DAY_SECONDS);
                scale(seconds, 1)
            }
            DataType::Utf8 => self.parse(array.as_string::<i32>(), origin),
            DataType::LargeUtf8 | DataType::Utf8View => {
                let texts = cast(array, &DataType::Utf8).map_err(Error::arrow("read a text"))?;
                self.parse(texts.as_string::<i32>(), origin)
            }
            found => Err(origin.wrong_type(found, "an instant")),
        }
    }

    fn parse(self, texts: &StringArray, origin: &Origin<'_>) -> Result<Int64Array> {
        let mut values = Vec::with_capacity(texts.len());
        for (row, text) in texts.iter().enumerate() {
            values.push(match text {
                None | Some("") => None,
                Some(text) => Some(self.instant(text, origin, row)?),
            });
        }
        Ok(Int64Array::from(values))
    }

    fn instant(self, text: &str, origin: &Origin<'_>, row: usize) -> Result<i64> {
        let bad = |expected| origin.bad(row, text, expected);
        let (seconds, nanos) = parse_instant(text)
            .ok_or_else(|| bad("an instant such as `2024-01-31 23:59:59` or `…T23:59:59Z`"))?;
        if self == Self::Micros && nanos % 1_000 != 0 {
            return Err(bad(FINER));
        }
        let fraction = i64::from(nanos) / (1_000_000_000 / self.per_second());
        seconds
            .checked_mul(self.per_second())
            .and_then(|whole| whole.checked_add(fraction))
            .ok_or_else(|| bad("an instant within the range of its unit"))
    }
}

/// What a join that counts in microseconds answers to a finer text; it is then run again in nanoseconds.
const FINER: &str = "an instant of whole microseconds";

/// Whether an error says that the join must count in nanoseconds.
pub(super) fn wants_nanos(error: &Error) -> bool {
    matches!(error, Error::BadCell { expected, .. } if *expected == FINER)
}

/// Seconds since 1970, rounded down, and nanoseconds; a text without an offset is UTC.
pub(super) fn parse_instant(text: &str) -> Option<(i64, u32)> {
    let text = text.trim();
    let has_offset = |clock: &[u8]| clock.iter().any(|byte| b"+-Zz".contains(byte));
    let nanos = if has_offset(text.as_bytes().get(10..).unwrap_or_default()) {
        let instant: jiff::Timestamp = text.parse().ok()?;
        instant.as_nanosecond()
    } else {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        zoned.timestamp().as_nanosecond()
    };
    let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).ok()?;
    let nanos = u32::try_from(nanos.rem_euclid(1_000_000_000)).ok()?;
    Some((seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_as_people_and_programs_write_them() {
        let check = |text: &str, expect: Option<(i64, u32)>| {
            assert_eq!(parse_instant(text), expect, "{text}");
        };
        check("1970-01-02", Some((86_400, 0)));
        check("1970-01-01 00:01", Some((60, 0)));
        check("1970-01-01T00:00:01.5", Some((1, 500_000_000)));
        check("1970-01-01 01:00:00+01:00", Some((0, 0)));
        check("1970-01-01 01:00:00.000001+0100", Some((0, 1_000)));
        check("1970-01-01 00:00:00+00", Some((0, 0)));
        check("1969-12-31T23:59:59.25Z", Some((-1, 250_000_000)));
        check("1970-01-01T00:00:00.000000001Z", Some((0, 1)));
        for bad in [
            "",
            "soon",
            "1970-13-01",
            "1970-01-01T25:00",
            "12",
            "1970-01-01x",
        ] {
            check(bad, None);
        }
    }
}
