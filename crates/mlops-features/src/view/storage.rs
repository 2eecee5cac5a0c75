//! Values of a declared type as the index holds them, and back without a difference.
//!
//! Whole numbers of any width, durations and decimals (in units of their last digit) are held in 64 bits with a
//! sign, days and times in microseconds UTC, bytes as hexadecimal text. A value that does not fit is named by its row
//! when it comes in; so nothing can fail on the way out.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryBuilder, FixedSizeBinaryBuilder,
        PrimitiveArray, StringBuilder,
    },
    compute,
    datatypes::{
        DataType, Date32Type, Date64Type, Decimal128Type, Int64Type, TimeUnit,
        TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
        TimestampSecondType,
    },
};
use mlops_core::EventTime;

use super::FieldKind;
use crate::{Error, Result};

const MICROS_PER_DAY: i64 = 86_400_000_000;

type Micros = TimestampMicrosecondType;

/// A value that cannot be held.
#[derive(Debug)]
pub(crate) struct Unfit {
    /// Its row, counted from 0.
    pub(crate) row: usize,
    /// Why; never the value itself.
    pub(crate) reason: &'static str,
}

/// The column as the index holds it. The column's type is the declared one, or a whole number of another width, or a
/// text of another encoding.
pub(crate) fn store(array: &ArrayRef, declared: &DataType) -> Result<Result<ArrayRef, Unfit>> {
    let kind = FieldKind::of(declared).expect("checked when the view was built");
    let plain = kind.data_type();
    let found = array.data_type();
    Ok(match declared {
        t if t.is_integer() => {
            let wide = cast(array, &plain)?;
            let lost = lost_null(array, &wide);
            let narrow = if *found == *declared {
                None
            } else {
                lost_null(&wide, &cast(&wide, declared)?)
            };
            match lost.or(narrow) {
                Some(row) => Err(unfit(row, "it does not fit the field's type in 64 bits")),
                None => Ok(wide),
            }
        }
        DataType::Duration(_) => Ok(cast(array, &plain)?),
        DataType::Decimal128(_, _) => {
            let values = array.as_primitive::<Decimal128Type>();
            held::<_, Int64Type>(values, |value| {
                i64::try_from(value).map_err(|_| "it has more digits than 64 bits hold")
            })
            .map(|array| Arc::new(array) as ArrayRef)
        }
        DataType::Date32 => {
            instants::<Date32Type>(array, |v| i64::from(v).checked_mul(MICROS_PER_DAY))
        }
        DataType::Date64 => {
            let values = array.as_primitive::<Date64Type>();
            let part = (0..values.len())
                .find(|row| values.is_valid(*row) && values.value(*row) % 86_400_000 != 0);
            match part {
                Some(row) => Err(unfit(row, "it is no whole day")),
                None => instants::<Date64Type>(array, |v| v.checked_mul(1_000)),
            }
        }
        DataType::Timestamp(unit, _) => match unit {
            TimeUnit::Second => {
                instants::<TimestampSecondType>(array, |v| v.checked_mul(1_000_000))
            }
            TimeUnit::Millisecond => {
                instants::<TimestampMillisecondType>(array, |v| v.checked_mul(1_000))
            }
            TimeUnit::Microsecond => instants::<Micros>(array, Some),
            TimeUnit::Nanosecond => {
                let values = array.as_primitive::<TimestampNanosecondType>();
                let fine = (0..values.len())
                    .find(|row| values.is_valid(*row) && values.value(*row) % 1_000 != 0);
                match fine {
                    Some(row) => Err(unfit(row, "it is finer than a microsecond")),
                    None => instants::<TimestampNanosecondType>(array, |v| Some(v / 1_000)),
                }
            }
        },
        t if t.is_binary() || matches!(t, DataType::FixedSizeBinary(_)) => Ok(to_hex(array)?),
        _ => Ok(cast(array, &plain)?),
    })
}

/// A column of times in microseconds UTC, cut off towards the past; `None` if it holds no times.
pub(crate) fn instants_of(array: &ArrayRef) -> Result<Option<ArrayRef>> {
    let DataType::Timestamp(unit, _) = array.data_type() else {
        return Ok(None);
    };
    let micros = if *unit == TimeUnit::Nanosecond {
        let values = array.as_primitive::<TimestampNanosecondType>();
        values.unary::<_, Micros>(|v| v.div_euclid(1_000))
    } else {
        // the number alone, so that a zone does not shift it
        let to = DataType::Timestamp(TimeUnit::Microsecond, None);
        let naive = compute::cast(array, &DataType::Int64)
            .and_then(|values| compute::cast(&values, &DataType::Timestamp(*unit, None)))
            .and_then(|values| compute::cast(&values, &to));
        let naive = naive.map_err(Error::arrow("read a column of times"))?;
        naive.as_primitive::<Micros>().clone()
    };
    Ok(Some(Arc::new(micros.with_timezone("UTC"))))
}

/// Whether [`store`] takes a column of that type for a field of the declared one.
pub(crate) fn takes(found: &DataType, declared: &DataType) -> bool {
    found == declared
        || (found.is_integer() && declared.is_integer())
        || (found.is_string() && declared.is_string())
}

/// What came out of the index, in the declared type of its feature.
pub(crate) fn restore(array: ArrayRef, declared: &DataType) -> Result<ArrayRef> {
    if array.data_type() == declared {
        return Ok(array);
    }
    Ok(match declared {
        DataType::Decimal128(precision, scale) => {
            let values = array.as_primitive::<Int64Type>();
            let wide: PrimitiveArray<Decimal128Type> = values.unary(i128::from);
            let wide = wide.with_precision_and_scale(*precision, *scale);
            Arc::new(wide.map_err(Error::arrow("give a decimal back"))?)
        }
        DataType::Date32 => {
            let values = array.as_primitive::<Micros>();
            let days = |v: i64| i32::try_from(v / MICROS_PER_DAY).unwrap_or_default();
            Arc::new(values.unary::<_, Date32Type>(days))
        }
        DataType::Date64 => {
            let values = array.as_primitive::<Micros>();
            Arc::new(values.unary::<_, Date64Type>(|v| v / 1_000))
        }
        DataType::Timestamp(unit, zone) => {
            let values = array.as_primitive::<Micros>();
            let zone = zone.clone();
            match unit {
                TimeUnit::Second => {
                    let back = values.unary::<_, TimestampSecondType>(|v| v / 1_000_000);
                    Arc::new(back.with_timezone_opt(zone))
                }
                TimeUnit::Millisecond => {
                    let back = values.unary::<_, TimestampMillisecondType>(|v| v / 1_000);
                    Arc::new(back.with_timezone_opt(zone))
                }
                TimeUnit::Microsecond => Arc::new(values.clone().with_timezone_opt(zone)),
                TimeUnit::Nanosecond => {
                    // a null may hold any number
                    let back =
                        values.unary::<_, TimestampNanosecondType>(|v| v.wrapping_mul(1_000));
                    Arc::new(back.with_timezone_opt(zone))
                }
            }
        }
        t if t.is_binary() || matches!(t, DataType::FixedSizeBinary(_)) => from_hex(&array, t)?,
        t => cast(&array, t)?,
    })
}

fn unfit(row: usize, reason: &'static str) -> Unfit {
    Unfit { row, reason }
}

fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    compute::cast(array, to).map_err(Error::arrow("change the width of a column"))
}

/// The first row that a cast made null.
fn lost_null(before: &ArrayRef, after: &ArrayRef) -> Option<usize> {
    if before.null_count() == after.null_count() {
        return None;
    }
    (0..before.len()).find(|row| before.is_valid(*row) && after.is_null(*row))
}

/// Converts value by value.
fn held<T: ArrowPrimitiveType, U: ArrowPrimitiveType>(
    values: &PrimitiveArray<T>,
    change: impl Fn(T::Native) -> Result<U::Native, &'static str>,
) -> Result<PrimitiveArray<U>, Unfit> {
    let rows = values.iter().enumerate();
    rows.map(|(row, value)| {
        let value = value.map(&change).transpose();
        value.map_err(|reason| unfit(row, reason))
    })
    .collect()
}

fn instants<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    micros: impl Fn(T::Native) -> Option<i64>,
) -> Result<ArrayRef, Unfit> {
    let values = array.as_primitive::<T>();
    let times = held::<_, Micros>(values, |value| {
        let found = micros(value);
        let time = found.map(|micros| EventTime::from_micros(micros).micros());
        time.filter(|time| Some(*time) == found)
            .ok_or("it lies outside the years -9999 to 9999")
    })?;
    Ok(Arc::new(times.with_timezone("UTC")))
}

fn to_hex(array: &ArrayRef) -> Result<ArrayRef> {
    let bytes = match array.data_type() {
        DataType::FixedSizeBinary(_) => {
            let values = array.as_fixed_size_binary();
            let rows = (0..values.len()).map(|row| values.is_valid(row).then(|| values.value(row)));
            return Ok(hex(rows));
        }
        _ => cast(array, &DataType::BinaryView)?,
    };
    Ok(hex(bytes.as_binary_view().iter()))
}

fn hex<'a>(rows: impl Iterator<Item = Option<&'a [u8]>>) -> ArrayRef {
    let mut texts = StringBuilder::new();
    for row in rows {
        texts.append_option(row.map(hex_text));
    }
    Arc::new(texts.finish())
}

/// Bytes as hexadecimal text.
pub(crate) fn hex_text(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let pairs = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    pairs
        .map(|half| char::from(DIGITS[usize::from(half)]))
        .collect()
}

fn from_hex(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let texts = array.as_string::<i32>();
    let read = |text: &str| -> Vec<u8> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => byte - b'0',
            _ => byte - b'a' + 10,
        };
        let pairs = text.as_bytes().chunks_exact(2);
        pairs
            .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
            .collect()
    };
    if let DataType::FixedSizeBinary(size) = to {
        let mut values = FixedSizeBinaryBuilder::with_capacity(texts.len(), *size);
        for text in texts {
            match text {
                Some(text) => values
                    .append_value(read(text))
                    .map_err(Error::arrow("give bytes back"))?,
                None => values.append_null(),
            }
        }
        return Ok(Arc::new(values.finish()));
    }
    let mut values = BinaryBuilder::new();
    for text in texts {
        values.append_option(text.map(read));
    }
    cast(&(Arc::new(values.finish()) as ArrayRef), to)
}
