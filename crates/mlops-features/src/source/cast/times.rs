//! Times and days of every unit, and numbers that count from the epoch.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, Date32Type, Date64Type, Int64Type, TimeUnit, TimestampMicrosecondType},
};

use super::{
    super::{
        TimeFormat,
        local_time::{in_range, out_of_range},
        rejection::Fault,
    },
    convert, to,
};
use crate::Result;

pub(super) fn times(
    format: &TimeFormat,
    array: &ArrayRef,
    bad: &mut Vec<(usize, Fault)>,
) -> Result<Option<ArrayRef>> {
    type Micros = TimestampMicrosecondType;
    let instants = match array.data_type() {
        DataType::Timestamp(unit, zone) => {
            // the same numbers without their unit
            let numbers = to(array, &DataType::Int64)?;
            convert::<_, Micros>(numbers.as_primitive::<Int64Type>(), bad, |number| {
                let micros = match unit {
                    TimeUnit::Second => number.checked_mul(1_000_000),
                    TimeUnit::Millisecond => number.checked_mul(1_000),
                    TimeUnit::Microsecond => Some(number),
                    TimeUnit::Nanosecond => Some(number.div_euclid(1_000)),
                };
                let micros = micros.ok_or_else(out_of_range)?;
                let instant = match zone {
                    Some(_) => in_range(micros),
                    None => format.instant_of_local(micros),
                };
                instant.map(Some)
            })
        }
        DataType::Date32 => convert::<_, Micros>(array.as_primitive::<Date32Type>(), bad, |day| {
            format.instant_of_day(day).map(Some)
        }),
        DataType::Date64 => {
            convert::<_, Micros>(array.as_primitive::<Date64Type>(), bad, |millis| {
                let day =
                    i32::try_from(millis.div_euclid(86_400_000)).map_err(|_| out_of_range())?;
                format.instant_of_day(day).map(Some)
            })
        }
        t if t.is_integer() && *t != DataType::UInt64 && format.reads_numbers() => {
            let numbers = to(array, &DataType::Int64)?;
            convert::<_, Micros>(numbers.as_primitive::<Int64Type>(), bad, |number| {
                format.instant_of_number(number).map(Some)
            })
        }
        _ => return Ok(None),
    };
    Ok(Some(Arc::new(instants.with_timezone("UTC"))))
}
