//! Single cells of the rarer Arrow types as values.
//!
//! What has no value of its own takes the closest one that loses nothing: a day is its midnight in UTC, a time
//! without a zone is meant in UTC, a duration is the count of its unit, a decimal is its exact text, and bytes
//! are hexadecimal text.

use std::fmt::Write;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{
        DataType, Date32Type, Date64Type, Decimal128Type, DurationMicrosecondType,
        DurationMillisecondType, DurationNanosecondType, DurationSecondType, TimeUnit,
        TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
        TimestampSecondType, UInt64Type,
    },
};

use crate::{Error, EventTime, Result, Value};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// The value in one row that is not null.
pub(crate) fn read(column: &str, array: &ArrayRef, row: usize) -> Result<Value> {
    let lost = |reason| Error::Unrepresentable {
        column: column.to_owned(),
        row,
        reason,
    };
    let instant = |micros: Option<i64>| {
        let time = micros.map(EventTime::from_micros);
        let kept = time.filter(|time| Some(time.micros()) == micros);
        kept.map(Value::Time)
            .ok_or_else(|| lost("it lies outside the years -9999 to 9999"))
    };
    Ok(match array.data_type() {
        DataType::UInt64 => i64::try_from(array.as_primitive::<UInt64Type>().value(row))
            .map(Value::Int)
            .map_err(|_| lost("it does not fit 64 bits with a sign"))?,
        DataType::Utf8View => Value::Str(array.as_string_view().value(row).to_owned()),
        DataType::Date32 => {
            let days = i64::from(array.as_primitive::<Date32Type>().value(row));
            instant(days.checked_mul(MICROS_PER_DAY))?
        }
        DataType::Date64 => {
            instant((array.as_primitive::<Date64Type>().value(row)).checked_mul(1_000))?
        }
        DataType::Timestamp(unit, _) => instant(match unit {
            TimeUnit::Second => {
                let value = array.as_primitive::<TimestampSecondType>().value(row);
                value.checked_mul(1_000_000)
            }
            TimeUnit::Millisecond => {
                let value = array.as_primitive::<TimestampMillisecondType>().value(row);
                value.checked_mul(1_000)
            }
            TimeUnit::Microsecond => {
                Some(array.as_primitive::<TimestampMicrosecondType>().value(row))
            }
            TimeUnit::Nanosecond => {
                let value = array.as_primitive::<TimestampNanosecondType>().value(row);
                if value % 1_000 != 0 {
                    return Err(lost("it is finer than a microsecond"));
                }
                Some(value / 1_000)
            }
        })?,
        DataType::Duration(unit) => Value::Int(match unit {
            TimeUnit::Second => array.as_primitive::<DurationSecondType>().value(row),
            TimeUnit::Millisecond => array.as_primitive::<DurationMillisecondType>().value(row),
            TimeUnit::Microsecond => array.as_primitive::<DurationMicrosecondType>().value(row),
            TimeUnit::Nanosecond => array.as_primitive::<DurationNanosecondType>().value(row),
        }),
        DataType::Decimal128(_, _) => {
            Value::Str(array.as_primitive::<Decimal128Type>().value_as_string(row))
        }
        DataType::Binary => Value::Str(hex(array.as_binary::<i32>().value(row))),
        DataType::LargeBinary => Value::Str(hex(array.as_binary::<i64>().value(row))),
        DataType::BinaryView => Value::Str(hex(array.as_binary_view().value(row))),
        DataType::FixedSizeBinary(_) => Value::Str(hex(array.as_fixed_size_binary().value(row))),
        found => {
            return Err(Error::TypeMismatch {
                column: column.to_owned(),
                expected: DataType::Utf8,
                found: found.clone(),
            });
        }
    })
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes all text");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BinaryArray, Date32Array, Decimal128Array, DurationSecondArray, StringViewArray,
        TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
    };

    use super::*;

    #[test]
    fn a_cell_is_its_value_or_an_error_that_names_the_row() {
        let check = |array: ArrayRef, expect: Result<Value, &str>| {
            let read = Value::from_array("c", &array, 1).map_err(|e| e.to_string());
            match (read, expect) {
                (Ok(found), Ok(value)) => assert_eq!(found, value),
                (Err(found), Err(text)) => {
                    assert!(found.contains(text) && found.contains("row 1"), "{found}");
                }
                (found, expect) => panic!("{found:?}, not {expect:?}"),
            }
        };
        let day = EventTime::from_seconds(86_400);
        check(Arc::new(Date32Array::from(vec![0, 1])), Ok(day.into()));
        check(
            Arc::new(Date32Array::from(vec![0, i32::MAX])),
            Err("outside the years"),
        );
        check(
            Arc::new(TimestampSecondArray::from(vec![0, 86_400])),
            Ok(day.into()),
        );
        check(
            Arc::new(TimestampSecondArray::from(vec![0, i64::MAX])),
            Err("outside the years"),
        );
        check(
            Arc::new(TimestampNanosecondArray::from(vec![0, 1])),
            Err("finer than a microsecond"),
        );
        check(
            Arc::new(DurationSecondArray::from(vec![0, 7])),
            Ok(7.into()),
        );
        check(Arc::new(UInt64Array::from(vec![0, 7])), Ok(7.into()));
        check(
            Arc::new(UInt64Array::from(vec![0, u64::MAX])),
            Err("does not fit"),
        );
        check(
            Arc::new(StringViewArray::from(vec!["", "x"])),
            Ok("x".into()),
        );
        check(
            Arc::new(BinaryArray::from(vec![&b""[..], b"\x00\xff"])),
            Ok("00ff".into()),
        );
        let money = Decimal128Array::from(vec![0, -1_205]);
        let money = money.with_precision_and_scale(9, 2).unwrap();
        check(Arc::new(money), Ok("-12.05".into()));
    }
}
