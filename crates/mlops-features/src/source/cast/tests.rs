//! Every type into every reading, and what is refused.

use arrow::array::{
    BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Float64Array,
    Int32Array, Int64Array, LargeStringArray, NullArray, StringArray, TimestampMillisecondArray,
    TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{Int8Type, TimeUnit};
use mlops_core::{EventTime, Value};

use super::*;
use crate::{RejectionKind, SourceSchema, TimeFormat};

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
