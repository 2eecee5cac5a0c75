//! Typed columns to the table's types: widened without loss, or rejected value by value.
//!
//! A type that can never become what the schema asks for is an error of the whole source; a single value
//! that does not fit (a fraction in a whole column, 2^60 in a float column) is a fault of its row.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, new_null_array,
    },
    compute,
    datatypes::{
        DataType, Date32Type, Date64Type, Float64Type, Int64Type, TimeUnit,
        TimestampMicrosecondType, UInt64Type,
    },
};

use super::{
    Parse, TimeFormat, cell,
    columns::{ColumnBuilder, NullTokens, Stop},
    local_time::{in_range, out_of_range},
    rejection::{Fault, RejectionKind},
    schema::{Reading, SourceColumn},
};
use crate::{Error, Result};

/// A column in the table's type; rows with a fault hold null.
pub(super) struct Cast {
    pub(super) array: ArrayRef,
    pub(super) bad: Vec<(usize, Fault)>,
}

/// Casts one column of a batch.
pub(super) fn cast(source_name: &str, spec: &SourceColumn, array: &ArrayRef) -> Result<Cast> {
    let array = match array.data_type() {
        DataType::Dictionary(_, values) => to(array, values)?,
        _ => Arc::clone(array),
    };
    let mut bad = Vec::new();
    let converted = if *array.data_type() == DataType::Null {
        Some(new_null_array(spec.column.data_type(), array.len()))
    } else if is_text(array.data_type()) {
        Some(from_text(source_name, spec, &array, &mut bad)?)
    } else {
        match &spec.reading {
            Reading::Plain(Parse::Int) => ints(spec, &array, &mut bad)?,
            Reading::Plain(Parse::Float) => floats(spec, &array, &mut bad)?,
            Reading::Plain(Parse::Bool) => booleans(&array, &mut bad)?,
            Reading::Plain(Parse::Str | Parse::Trimmed) => {
                let whole = array.data_type().is_integer();
                whole.then(|| to(&array, &DataType::Utf8)).transpose()?
            }
            Reading::Time(format) => {
                let naive = matches!(
                    array.data_type(),
                    DataType::Timestamp(_, None) | DataType::Date32 | DataType::Date64
                );
                if naive && format.zone().is_none() {
                    return Err(Error::UnstatedZone {
                        source_name: source_name.to_owned(),
                        column: spec.source.clone(),
                    });
                }
                times(format, &array, &mut bad)?
            }
        }
    };
    let Some(converted) = converted else {
        return Err(Error::ColumnType {
            source_name: source_name.to_owned(),
            column: spec.source.clone(),
            found: array.data_type().clone(),
            wanted: wanted(&spec.reading),
        });
    };
    if !spec.column.is_nullable() && converted.null_count() > 0 {
        // a value that is null because of a fault has that fault already, and the first one counts
        let missing = (0..converted.len()).filter(|row| converted.is_null(*row));
        bad.extend(missing.map(|row| (row, Fault::missing())));
    }
    Ok(Cast {
        array: converted,
        bad,
    })
}

fn wanted(reading: &Reading) -> &'static str {
    match reading {
        Reading::Plain(Parse::Int) => "a whole number",
        Reading::Plain(Parse::Float) => "a real number",
        Reading::Plain(Parse::Bool) => "a boolean",
        Reading::Plain(Parse::Str | Parse::Trimmed) => "a text",
        Reading::Time(_) => "an instant in the stated format",
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

fn to(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    compute::cast(array, data_type).map_err(Error::arrow("widen a column"))
}

/// Texts are read as a CSV file's are.
fn from_text(
    source_name: &str,
    spec: &SourceColumn,
    array: &ArrayRef,
    bad: &mut Vec<(usize, Fault)>,
) -> Result<ArrayRef> {
    let texts = to(array, &DataType::Utf8View)?;
    let mut builder = ColumnBuilder::new(spec);
    let no_tokens = NullTokens::default();
    for (row, text) in texts.as_string_view().iter().enumerate() {
        match builder.push(text.unwrap_or_default().as_bytes(), &no_tokens) {
            Ok(()) => {}
            Err(Stop::Fault(fault)) => {
                bad.push((row, fault));
                builder.push_null();
            }
            Err(Stop::Full) => {
                return Err(Error::ColumnTooLarge {
                    source_name: source_name.to_owned(),
                    column: spec.source.clone(),
                });
            }
        }
    }
    Ok(builder.finish())
}

/// Converts value by value; a fault leaves a null.
fn convert<T: ArrowPrimitiveType, U: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    bad: &mut Vec<(usize, Fault)>,
    change: impl Fn(T::Native) -> Result<Option<U::Native>, Fault>,
) -> PrimitiveArray<U> {
    let values = array.iter().enumerate().map(|(row, value)| {
        change(value?).unwrap_or_else(|fault| {
            bad.push((row, fault));
            None
        })
    });
    values.collect()
}

fn ints(
    spec: &SourceColumn,
    array: &ArrayRef,
    bad: &mut Vec<(usize, Fault)>,
) -> Result<Option<ArrayRef>> {
    let too_large = || Fault::new(RejectionKind::OutOfRange, "it does not fit 64 bits");
    Ok(Some(match array.data_type() {
        DataType::UInt64 => {
            let source = array.as_primitive::<UInt64Type>();
            Arc::new(convert::<_, Int64Type>(source, bad, |value| {
                i64::try_from(value).map(Some).map_err(|_| too_large())
            }))
        }
        t if t.is_integer() => to(array, &DataType::Int64)?,
        t if t.is_floating() => {
            let wide = to(array, &DataType::Float64)?;
            let source = wide.as_primitive::<Float64Type>();
            Arc::new(convert::<_, Int64Type>(source, bad, |value| {
                let Some(value) = finite(spec, value)? else {
                    return Ok(None);
                };
                if value.fract() != 0.0 {
                    return Err(Fault::new(
                        RejectionKind::NotWhole,
                        "it is not a whole number",
                    ));
                }
                whole(value).map(Some).ok_or_else(too_large)
            }))
        }
        _ => return Ok(None),
    }))
}

/// A whole float as an integer, if it fits.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the range is checked in the line above"
)]
fn whole(value: f64) -> Option<i64> {
    let limit = 2_f64.powi(63);
    (-limit..limit).contains(&value).then_some(value as i64)
}

fn floats(
    spec: &SourceColumn,
    array: &ArrayRef,
    bad: &mut Vec<(usize, Fault)>,
) -> Result<Option<ArrayRef>> {
    let inexact = || {
        Fault::new(
            RejectionKind::OutOfRange,
            "a 64-bit float cannot hold it exactly",
        )
    };
    Ok(Some(match array.data_type() {
        DataType::Int64 => {
            let source = array.as_primitive::<Int64Type>();
            Arc::new(convert::<_, Float64Type>(source, bad, |value| {
                let wide = value as f64;
                if whole(wide) == Some(value) {
                    Ok(Some(wide))
                } else {
                    Err(inexact())
                }
            }))
        }
        DataType::UInt64 => {
            let source = array.as_primitive::<UInt64Type>();
            Arc::new(convert::<_, Float64Type>(source, bad, |value| {
                let exact = value == 0
                    || 64 - value.leading_zeros() - value.trailing_zeros() <= f64::MANTISSA_DIGITS;
                if exact {
                    Ok(Some(value as f64))
                } else {
                    Err(inexact())
                }
            }))
        }
        t if t.is_integer() => to(array, &DataType::Float64)?,
        t if t.is_floating() || t.is_decimal() => {
            let wide = to(array, &DataType::Float64)?;
            let source = wide.as_primitive::<Float64Type>();
            Arc::new(convert::<_, Float64Type>(source, bad, |value| {
                finite(spec, value)
            }))
        }
        _ => return Ok(None),
    }))
}

fn finite(spec: &SourceColumn, value: f64) -> Result<Option<f64>, Fault> {
    if value.is_nan() && spec.nan_as_null {
        return Ok(None);
    }
    if value.is_finite() {
        Ok(Some(value))
    } else {
        Err(cell::not_finite())
    }
}

fn booleans(array: &ArrayRef, bad: &mut Vec<(usize, Fault)>) -> Result<Option<ArrayRef>> {
    Ok(match array.data_type() {
        DataType::Boolean => Some(Arc::clone(array)),
        t if t.is_integer() && *t != DataType::UInt64 => {
            let wide = to(array, &DataType::Int64)?;
            let source = wide.as_primitive::<Int64Type>();
            let values = source.iter().enumerate().map(|(row, value)| match value? {
                0 => Some(false),
                1 => Some(true),
                _ => {
                    let reason = "it is neither 0 nor 1";
                    bad.push((row, Fault::new(RejectionKind::NotBool, reason)));
                    None
                }
            });
            Some(Arc::new(values.collect::<BooleanArray>()))
        }
        _ => None,
    })
}

fn times(
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

#[cfg(test)]
mod tests {
    use arrow::array::{
        Date32Array, Decimal128Array, DictionaryArray, Float32Array, Float64Array, Int32Array,
        Int64Array, LargeStringArray, NullArray, StringArray, TimestampMillisecondArray,
        TimestampNanosecondArray, UInt64Array,
    };
    use arrow::datatypes::Int8Type;
    use mlops_core::{EventTime, Value};

    use super::*;
    use crate::SourceSchema;

    type Kinds = Vec<(usize, RejectionKind)>;

    fn cast_as(parse: Parse, array: impl Array + 'static) -> Result<(Vec<Value>, Kinds)> {
        run(
            &SourceSchema::builder().value("v", "v", parse).build()?,
            &(Arc::new(array) as ArrayRef),
        )
    }

    fn cast_time(format: TimeFormat, array: impl Array + 'static) -> Result<(Vec<Value>, Kinds)> {
        run(
            &SourceSchema::builder()
                .time_value("v", "v", format)
                .build()?,
            &(Arc::new(array) as ArrayRef),
        )
    }

    fn run(schema: &SourceSchema, array: &ArrayRef) -> Result<(Vec<Value>, Kinds)> {
        let cast = cast("t", &schema.columns()[0], array)?;
        assert_eq!(
            cast.array.data_type(),
            schema.columns()[0].column.data_type()
        );
        let values = (0..array.len()).map(|row| Value::from_array("v", &cast.array, row));
        let kinds = cast
            .bad
            .into_iter()
            .map(|(row, fault)| (row, fault.kind))
            .collect();
        Ok((values.collect::<Result<_, _>>()?, kinds))
    }

    fn time(text: &str) -> Value {
        Value::Time(EventTime::parse(text).unwrap())
    }

    #[test]
    fn whole_numbers_are_widened_or_rejected() {
        let (values, bad) = cast_as(Parse::Int, Int32Array::from(vec![Some(1), None])).unwrap();
        assert_eq!((values, bad.len()), (vec![Value::Int(1), Value::Null], 0));
        let floats = Float64Array::from(vec![17_850.0, 0.5, f64::NAN, 1e19, -(2_f64.powi(63))]);
        let (values, bad) = cast_as(Parse::Int, floats).unwrap();
        assert_eq!(values[0], Value::Int(17_850));
        assert_eq!(values[4], Value::Int(i64::MIN));
        let kinds = [
            RejectionKind::NotWhole,
            RejectionKind::NotFinite,
            RejectionKind::OutOfRange,
        ];
        assert_eq!(bad, (1..=3).zip(kinds).collect::<Vec<_>>());
        let (_, bad) = cast_as(Parse::Int, UInt64Array::from(vec![u64::MAX])).unwrap();
        assert_eq!(bad, [(0, RejectionKind::OutOfRange)]);
    }

    #[test]
    fn real_numbers_keep_their_value_or_are_rejected() {
        let (values, _) = cast_as(Parse::Float, Float32Array::from(vec![0.5_f32])).unwrap();
        assert_eq!(values, [Value::Float(0.5)]);
        let ints = Int64Array::from(vec![1 << 53, (1 << 53) + 1, i64::MIN, i64::MAX]);
        let (values, bad) = cast_as(Parse::Float, ints).unwrap();
        assert_eq!(values[0], Value::Float(2_f64.powi(53)));
        assert_eq!(
            bad,
            [
                (1, RejectionKind::OutOfRange),
                (3, RejectionKind::OutOfRange)
            ]
        );
        let large = UInt64Array::from(vec![0, 1 << 63, u64::MAX]);
        let (_, bad) = cast_as(Parse::Float, large).unwrap();
        assert_eq!(bad, [(2, RejectionKind::OutOfRange)]);
        let money = Decimal128Array::from(vec![1_234])
            .with_precision_and_scale(10, 2)
            .unwrap();
        assert_eq!(
            cast_as(Parse::Float, money).unwrap().0,
            [Value::Float(12.34)]
        );
    }

    #[test]
    fn texts_dictionaries_and_nulls_are_read_as_a_file_is() {
        let text = LargeStringArray::from(vec!["17850.0", "", "x"]);
        let (values, bad) = cast_as(Parse::Int, text).unwrap();
        assert_eq!(values, [Value::Int(17_850), Value::Null, Value::Null]);
        assert_eq!(bad, [(2, RejectionKind::NotNumber)]);
        let words: DictionaryArray<Int8Type> = vec![" UK ", "FR"].into_iter().collect();
        let (values, _) = cast_as(Parse::Trimmed, words).unwrap();
        assert_eq!(values, ["UK".into(), "FR".into()]);
        assert_eq!(
            cast_as(Parse::Float, NullArray::new(1)).unwrap().0,
            [Value::Null]
        );
        assert_eq!(
            cast_as(Parse::Str, Int32Array::from(vec![7])).unwrap().0,
            ["7".into()]
        );
        let flags = Int32Array::from(vec![0, 1, 2]);
        assert_eq!(
            cast_as(Parse::Bool, flags).unwrap().1,
            [(2, RejectionKind::NotBool)]
        );
    }

    #[test]
    fn times_of_every_unit_become_instants() {
        let noon = 1_309_521_600;
        let zoned = TimestampMillisecondArray::from(vec![noon * 1_000]).with_timezone("+02:00");
        let (values, _) = cast_time(TimeFormat::rfc3339(), zoned).unwrap();
        assert_eq!(values, [time("2011-07-01T12:00:00Z")]);
        let naive = TimestampNanosecondArray::from(vec![noon * 1_000_000_000 + 1_999]);
        let (values, _) = cast_time(TimeFormat::local("Europe/London").unwrap(), naive).unwrap();
        assert_eq!(values, [time("2011-07-01T11:00:00.000001Z")]);
        let days = Date32Array::from(vec![15_156]);
        let (values, _) = cast_time(TimeFormat::local("Asia/Tokyo").unwrap(), days).unwrap();
        assert_eq!(values, [time("2011-06-30T15:00:00Z")]);
        // the first of these days would wrap around into the calendar
        let far = Date32Array::from(vec![209_132_397, i32::MAX, i32::MIN]);
        let (values, bad) = cast_time(TimeFormat::local("UTC").unwrap(), far).unwrap();
        assert_eq!(values, [Value::Null, Value::Null, Value::Null]);
        assert!(
            bad.iter()
                .all(|(_, kind)| *kind == RejectionKind::OutOfRange)
        );
        let seconds = Int64Array::from(vec![Some(noon), Some(i64::MAX), None]);
        let (values, bad) = cast_time(TimeFormat::epoch(TimeUnit::Second), seconds).unwrap();
        assert_eq!(
            values,
            [time("2011-07-01T12:00:00Z"), Value::Null, Value::Null]
        );
        assert_eq!(bad, [(1, RejectionKind::OutOfRange)]);
    }

    #[test]
    fn a_type_that_cannot_fit_and_a_zone_that_nobody_stated_are_errors() {
        let naive = TimestampMillisecondArray::from(vec![0]);
        let error = cast_time(TimeFormat::rfc3339(), naive).unwrap_err();
        assert!(matches!(error, Error::UnstatedZone { .. }), "{error}");
        let error = cast_time(TimeFormat::rfc3339(), Int64Array::from(vec![0])).unwrap_err();
        assert!(matches!(error, Error::ColumnType { .. }), "{error}");
        for parse in [Parse::Int, Parse::Float, Parse::Str] {
            let error = cast_as(parse, BooleanArray::from(vec![true])).unwrap_err();
            assert!(matches!(error, Error::ColumnType { .. }), "{error}");
        }
    }

    #[test]
    fn nan_is_no_value_only_where_it_is_declared() {
        let schema = |required: bool| {
            let builder = SourceSchema::builder()
                .value("v", "v", Parse::Float)
                .nan_as_null();
            let builder = if required {
                builder.required()
            } else {
                builder
            };
            builder.build().unwrap()
        };
        let nan: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN]));
        assert_eq!(
            run(&schema(false), &nan).unwrap(),
            (vec![Value::Null], vec![])
        );
        assert_eq!(
            run(&schema(true), &nan).unwrap().1,
            [(0, RejectionKind::Missing)]
        );
        let text: ArrayRef = Arc::new(StringArray::from(vec!["NaN"]));
        assert_eq!(
            run(&schema(false), &text).unwrap(),
            (vec![Value::Null], vec![])
        );
    }
}
