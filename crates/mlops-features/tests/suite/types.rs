//! Every Arrow type that a key or a field can have: kept in the join, null kept as null, the same online.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BinaryArray, BinaryViewArray, BooleanArray, Date32Array,
        Date64Array, Decimal128Array, DurationMillisecondArray, FixedSizeBinaryArray, Float32Array,
        Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, LargeBinaryArray,
        LargeStringArray, RecordBatch, StringArray, StringViewArray, TimestampMicrosecondArray,
        TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt8Array,
        UInt16Array, UInt32Array, UInt64Array,
    },
    compute::cast,
    datatypes::{Decimal128Type, DurationMillisecondType, Float64Type, Int64Type},
};
use mlops_core::{Column, ErrorKind, EventTime, Table, TableSchema};
use mlops_features::{
    DataType, Date, Entity, EntityKey, EntityRow, Error, Feature, FeatureService, FeatureStore,
    FeatureView, KeyPart, KeyType, Result, Uuid, Value, ViewRow, days,
};
use proptest::prelude::*;

fn micros(values: Vec<i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
}

fn numbered(rows: usize) -> Int64Array {
    (0..rows).map(|row| i64::try_from(row).ok()).collect()
}

/// A column of each type with three values, the second of them null.
fn columns() -> Vec<ArrayRef> {
    let sized = |values: Vec<Option<&[u8]>>| {
        FixedSizeBinaryArray::try_from_sparse_iter_with_size(values.into_iter(), 3).unwrap()
    };
    let money = Decimal128Array::from(vec![Some(-1), None, Some(i128::from(i64::MAX))]);
    let bytes = || vec![Some(&b"\x00\xff"[..]), None, Some(&b""[..])];
    let texts = || vec![Some("ä"), None, Some("")];
    let times = || vec![Some(-1), None, Some(1_600_000_000)];
    vec![
        Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
        Arc::new(Int8Array::from(vec![Some(-128), None, Some(127)])),
        Arc::new(Int16Array::from(vec![Some(i16::MIN), None, Some(i16::MAX)])),
        Arc::new(Int32Array::from(vec![Some(i32::MIN), None, Some(i32::MAX)])),
        Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)])),
        Arc::new(UInt8Array::from(vec![Some(0), None, Some(255)])),
        Arc::new(UInt16Array::from(vec![Some(0), None, Some(u16::MAX)])),
        Arc::new(UInt32Array::from(vec![Some(0), None, Some(u32::MAX)])),
        Arc::new(UInt64Array::from(vec![
            Some(0),
            None,
            Some(i64::MAX.cast_unsigned()),
        ])),
        Arc::new(Float32Array::from(vec![Some(0.1), None, Some(-0.0)])),
        Arc::new(Float64Array::from(vec![
            Some(0.1),
            None,
            Some(f64::MIN_POSITIVE),
        ])),
        Arc::new(StringArray::from(texts())),
        Arc::new(LargeStringArray::from(texts())),
        Arc::new(StringViewArray::from(texts())),
        Arc::new(BinaryArray::from(bytes())),
        Arc::new(LargeBinaryArray::from(bytes())),
        Arc::new(BinaryViewArray::from(bytes())),
        Arc::new(sized(vec![Some(b"abc"), None, Some(b"\0\0\0")])),
        Arc::new(Date32Array::from(vec![Some(-1), None, Some(20_000)])),
        Arc::new(Date64Array::from(vec![Some(-86_400_000), None, Some(0)])),
        Arc::new(TimestampSecondArray::from(times())),
        Arc::new(TimestampMillisecondArray::from(times()).with_timezone("Europe/London")),
        Arc::new(TimestampMicrosecondArray::from(times())),
        Arc::new(
            TimestampNanosecondArray::from(vec![
                Some(-1_000),
                None,
                Some(i64::MAX / 1_000 * 1_000),
            ])
            .with_timezone("+02:00"),
        ),
        Arc::new(DurationMillisecondArray::from(times())),
        Arc::new(money.with_precision_and_scale(20, 4).unwrap()),
    ]
}

/// A view with the columns as fields, one event a key, and a service of their latest values.
fn latest_of(fields: &[ArrayRef]) -> Result<(FeatureStore, FeatureService, Table)> {
    let entity = Entity::new("thing", [("id", DataType::Int64)])?;
    let mut builder = FeatureView::builder("v").entity(entity).event_time("at");
    for (i, field) in fields.iter().enumerate() {
        builder = builder.field(format!("f{i}"), field.data_type().clone());
    }
    let view = builder.build()?;
    let rows = fields[0].len();
    let ids: ArrayRef = Arc::new(numbered(rows));
    let keys_and_times = [ids, micros(vec![0; rows])];
    let columns = keys_and_times.iter().chain(fields).cloned().collect();
    let table = Table::new(view.schema(), columns)?;
    let store = FeatureStore::new();
    store.register(view.clone())?;
    store.ingest("v", &table)?;
    let service = FeatureService::named("s")?;
    let names = (0..fields.len()).map(|i| Feature::latest(&view, &format!("f{i}")));
    let service = service.features(names).build()?;
    let schema = TableSchema::new([Column::key("id", DataType::Int64), Column::event_time("at")])?;
    let spine = Table::new(schema, keys_and_times.to_vec())?;
    Ok((store, service, spine))
}

fn assert_kept(fields: &[ArrayRef]) {
    let (store, service, spine) = latest_of(fields).unwrap();
    let joined = store.join(&service, &spine).unwrap();
    for (i, field) in fields.iter().enumerate() {
        let name = format!("f{i}_latest");
        let column = joined.column(&name).unwrap();
        assert_eq!(column, field, "{}", field.data_type());
        for row in 0..field.len() {
            let key = EntityKey::from(i64::try_from(row).unwrap());
            let online = store
                .online(&service, &key, EventTime::from_micros(0))
                .unwrap();
            let offline = Value::from_array(&name, column, row).unwrap();
            assert_eq!(online.get(&name), Some(&offline), "{}", field.data_type());
        }
    }
}

#[test]
fn the_declared_type_is_kept_and_null_stays_null() {
    assert_kept(&columns());
}

proptest! {
    #[test]
    fn random_values_of_every_width_come_back_as_they_were(
        rows in proptest::collection::vec(
            (any::<Option<i64>>(), any::<Option<f32>>(), any::<Option<Vec<u8>>>(), any::<Option<i32>>()), 1..20,
        ),
    ) {
        let longs: Vec<Option<i64>> = rows.iter().map(|r| r.0).collect();
        let small: Vec<Option<i8>> = longs.iter().map(|v| v.map(|v| v.to_le_bytes()[0].cast_signed())).collect();
        let reals: Vec<Option<f32>> = rows.iter().map(|r| r.1).collect();
        let bytes: Vec<Option<&[u8]>> = rows.iter().map(|r| r.2.as_deref()).collect();
        let days: Vec<Option<i32>> = rows.iter().map(|r| r.3.map(|d| d % 2_900_000)).collect();
        let naive: Vec<Option<i64>> = longs.iter().map(|v| v.map(|v| v % 250_000_000_000)).collect();
        let money = longs.iter().map(|v| v.map(i128::from)).collect::<Decimal128Array>();
        assert_kept(&[
            Arc::new(Int64Array::from(longs)),
            Arc::new(Int8Array::from(small)),
            Arc::new(Float32Array::from(reals)),
            Arc::new(BinaryArray::from(bytes)),
            Arc::new(Date32Array::from(days)),
            Arc::new(TimestampSecondArray::from(naive)),
            Arc::new(money.with_precision_and_scale(38, 7).unwrap()),
        ]);
    }
}

#[test]
fn a_value_that_does_not_fit_is_named_by_column_and_row_and_nothing_is_taken() {
    let check = |column: ArrayRef, expect: &str| {
        let error = latest_of(&[column]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let text = error.to_string();
        assert!(
            text.contains("`f0`, row 1") && text.contains(expect),
            "{text}"
        );
    };
    let wide = Decimal128Array::from(vec![0, i128::MAX >> 1]);
    check(
        Arc::new(UInt64Array::from(vec![0, u64::MAX])),
        "does not fit",
    );
    check(
        Arc::new(wide.with_precision_and_scale(38, 0).unwrap()),
        "more digits",
    );
    check(
        Arc::new(Date32Array::from(vec![0, i32::MAX])),
        "outside the years",
    );
    check(Arc::new(Date64Array::from(vec![0, 1])), "no whole day");
    check(
        Arc::new(TimestampSecondArray::from(vec![0, i64::MAX])),
        "outside the years",
    );
    check(
        Arc::new(TimestampNanosecondArray::from(vec![0, 1])),
        "finer than a microsecond",
    );
}

#[test]
fn whole_numbers_of_another_width_are_taken_where_they_fit_and_reals_never() {
    let entity = Entity::new("thing", [("id", DataType::Int64)]).unwrap();
    let view = FeatureView::builder("v")
        .entity(entity)
        .event_time("at")
        .field("n", DataType::Int16)
        .build()
        .unwrap();
    let store = FeatureStore::new();
    store.register(view).unwrap();
    let ingest = |column: ArrayRef| {
        let schema = TableSchema::new([
            Column::key("id", DataType::Int64),
            Column::event_time("at"),
            Column::value("n", column.data_type().clone()),
        ]);
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let table = Table::new(schema.unwrap(), vec![ids, micros(vec![0, 0]), column]);
        store
            .ingest("v", &table.unwrap())
            .map_err(|e| e.to_string())
    };
    assert!(ingest(Arc::new(Int64Array::from(vec![Some(32_767), None]))).is_ok());
    let error = ingest(Arc::new(Int64Array::from(vec![0, 32_768]))).unwrap_err();
    assert!(
        error.contains("row 1") && error.contains("does not fit"),
        "{error}"
    );
    let error = ingest(Arc::new(Float64Array::from(vec![0.0, 1.0]))).unwrap_err();
    assert!(error.contains("is Float64 and must be Int16"), "{error}");
    assert_eq!(store.rows("v").unwrap(), 2);
}

#[test]
fn sums_keep_their_sort_and_no_mean_makes_reals_of_decimals() {
    let money = Decimal128Array::from(vec![1_999, 1])
        .with_precision_and_scale(6, 2)
        .unwrap();
    let (store, _, spine) = latest_of(&[
        Arc::new(money),
        Arc::new(DurationMillisecondArray::from(vec![1_500, 2])),
        Arc::new(Int8Array::from(vec![127, 2])),
        Arc::new(Float32Array::from(vec![0.5, 2.0])),
    ])
    .unwrap();
    let view = store.views().remove(0);
    assert!(matches!(
        Feature::mean(&view, "f0").over(days(1)),
        Err(Error::FieldType {
            found: DataType::Decimal128(6, 2),
            ..
        })
    ));
    let service = FeatureService::named("s").unwrap();
    let sums = (0..4).map(|i| Feature::sum(&view, format!("f{i}")).over(days(1)));
    let extremes = ["f0", "f1", "f2", "f3"].map(|f| Feature::max(&view, f).over(days(1)));
    let service = service.features(sums).features(extremes).build().unwrap();
    let joined = store.join(&service, &spine).unwrap();
    let column = |name: &str| joined.column(name).unwrap();
    let sum = column("f0_sum_1d").as_primitive::<Decimal128Type>();
    assert_eq!(
        (sum.value_as_string(0).as_str(), sum.data_type()),
        ("19.99", &DataType::Decimal128(38, 2))
    );
    assert_eq!(
        column("f1_sum_1d")
            .as_primitive::<DurationMillisecondType>()
            .value(0),
        1_500
    );
    assert_eq!(
        column("f2_sum_1d").as_primitive::<Int64Type>().value(0),
        127
    );
    assert_eq!(
        column("f3_sum_1d").as_primitive::<Float64Type>().value(0),
        0.5
    );
    assert_eq!(column("f0_max_1d").data_type(), &DataType::Decimal128(6, 2));
    assert_eq!(column("f2_max_1d").data_type(), &DataType::Int8);
    assert_eq!(column("f3_max_1d").data_type(), &DataType::Float32);
    let online = store
        .online(&service, &0.into(), EventTime::from_micros(0))
        .unwrap();
    assert_eq!(online.get("f0_sum_1d"), Some(&Value::from("19.99")));
}

fn uuid(last: u8) -> Uuid {
    let mut bytes = [0xab; 16];
    bytes[15] = last;
    Uuid::from_bytes(bytes)
}

/// A view with one key column of the given rows, the events numbered, and what a spine with other rows gets.
fn joined(events: &ArrayRef, spine: &ArrayRef) -> Result<Vec<Option<i64>>> {
    let entity = Entity::new("thing", [("id", events.data_type().clone())])?;
    let view = FeatureView::builder("v")
        .entity(entity)
        .event_time("at")
        .field("n", DataType::Int64)
        .build()?;
    let numbers: ArrayRef = Arc::new(numbered(events.len()));
    let columns = vec![events.clone(), micros(vec![0; events.len()]), numbers];
    let store = FeatureStore::new();
    store.register(view.clone())?;
    store.ingest("v", &Table::new(view.schema(), columns)?)?;
    let service = FeatureService::named("s")?
        .feature(Feature::latest(&view, "n"))
        .build()?;
    let key = Column::key("id", spine.data_type().clone()).nullable(true);
    let schema = TableSchema::new([key, Column::event_time("at")])?;
    let spine = Table::new(schema, vec![spine.clone(), micros(vec![0; spine.len()])])?;
    let out = store.join(&service, &spine)?;
    Ok(out
        .column("n_latest")?
        .as_primitive::<Int64Type>()
        .iter()
        .collect())
}

#[test]
fn keys_of_every_type_join_by_value_whatever_their_width() {
    let numbers = Int64Array::from(vec![Some(7), None, Some(-1)]);
    let widths = [
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
    ];
    for wide in &widths {
        for narrow in &widths {
            let (events, spine) = (
                cast(&numbers, wide).unwrap(),
                cast(&numbers, narrow).unwrap(),
            );
            let signed = |t: &DataType| t.is_signed_integer();
            let last = (signed(wide) && signed(narrow)).then_some(2);
            assert_eq!(joined(&events, &spine).unwrap(), [Some(0), None, last]);
        }
    }
    let texts = StringArray::from(vec![Some("1"), None, Some("")]);
    let texts = [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View]
        .map(|t| cast(&texts, &t).unwrap());
    for events in &texts {
        for spine in &texts {
            assert_eq!(joined(events, spine).unwrap(), [Some(0), None, Some(2)]);
        }
    }
    let ids = FixedSizeBinaryArray::try_from_iter([uuid(1), uuid(2)].iter().map(Uuid::as_bytes));
    let ids: ArrayRef = Arc::new(ids.unwrap());
    let written: ArrayRef = Arc::new(StringArray::from(vec![
        Some(uuid(2).to_string().to_uppercase()),
        None,
        Some(uuid(9).to_string()),
    ]));
    assert_eq!(joined(&ids, &ids).unwrap(), [Some(0), Some(1)]);
    assert_eq!(joined(&ids, &written).unwrap(), [Some(1), None, None]);
    let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(1), None, Some(-1)]));
    assert_eq!(joined(&days, &days).unwrap(), [Some(0), None, Some(2)]);
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]));
    assert_eq!(joined(&flags, &flags).unwrap(), [Some(0), None, Some(2)]);
}

#[test]
fn a_key_of_another_sort_is_refused_and_one_out_of_range_is_named() {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
    let days: ArrayRef = Arc::new(Date32Array::from(vec![1]));
    let ids: ArrayRef = Arc::new(
        FixedSizeBinaryArray::try_from_iter([uuid(1)].iter().map(Uuid::as_bytes)).unwrap(),
    );
    for (events, spine) in [
        (&numbers, &texts),
        (&texts, &numbers),
        (&numbers, &days),
        (&texts, &ids),
    ] {
        let error = joined(events, spine).unwrap_err();
        assert!(matches!(error, Error::SpineKeyType { .. }), "{error}");
    }
    let error = joined(&ids, &texts).unwrap_err().to_string();
    assert_eq!(error, "column `id`, row 0: it is no UUID");
    let far: ArrayRef = Arc::new(UInt64Array::from(vec![0, u64::MAX]));
    let error = joined(&numbers, &far).unwrap_err().to_string();
    assert_eq!(
        error,
        "column `id`, row 1: it does not fit 64 bits with a sign"
    );
    assert!(joined(&far, &numbers).is_err());
}

#[derive(mlops_features::Entity)]
struct Visit {
    visitor: Uuid,
    day: Date,
    mobile: bool,
}

/// What somebody saw.
#[derive(mlops_features::FeatureView)]
#[view(entity = Visit, time = at, owner = "web", tags(domain = "site", tier = "gold"), source = "push:clicks",
       source = "s3://lake/clicks.parquet")]
struct Click {
    visitor: Uuid,
    #[field(from = "Day", pii)]
    day: Option<Date>,
    mobile: bool,
    #[field(from = "At")]
    at: EventTime,
    /// In pixels,
    /// from the top.
    #[field(unit = "px", from = "Depth")]
    depth: u16,
    share: Option<f32>,
    #[field(pii, description = "of the network")]
    address: Vec<u8>,
    page: Uuid,
    seen: Date,
}

#[test]
fn a_struct_states_types_and_what_people_read() {
    let view = Click::view();
    let types: Vec<&DataType> = view
        .fields()
        .iter()
        .map(mlops_features::Field::data_type)
        .collect();
    let expect = [
        &DataType::UInt16,
        &DataType::Float32,
        &DataType::Binary,
        &DataType::FixedSizeBinary(16),
        &DataType::Date32,
    ];
    assert_eq!(types, expect);
    assert_eq!(
        (view.owner(), view.description()),
        ("web", "What somebody saw.")
    );
    assert_eq!(view.tags()["tier"], "gold");
    let sources: Vec<String> = view.sources().iter().map(ToString::to_string).collect();
    assert_eq!(
        sources,
        ["push clicks", "batch s3://lake/clicks.parquet (parquet)"]
    );
    let depth = view.field("depth").unwrap();
    assert_eq!(
        (depth.description(), depth.unit(), depth.source()),
        ("In pixels, from the top.", Some("px"), "Depth")
    );
    let address = view.field("address").unwrap();
    assert_eq!(
        (address.description(), address.is_pii()),
        ("of the network", true)
    );
    assert_eq!(
        (view.source_column("at"), view.source_column("day")),
        ("At", "Day")
    );
    let entity = view.entity();
    assert!(entity.notes()[1].pii && !entity.notes()[0].pii);
    let kinds: Vec<KeyType> = Visit::KEYS.iter().map(|(_, kind)| *kind).collect();
    assert_eq!(kinds, [KeyType::Uuid, KeyType::Date, KeyType::Bool]);

    let visit = Visit {
        visitor: uuid(1),
        day: Date::from_days(1).unwrap(),
        mobile: true,
    };
    let click = |day: Option<Date>| Click {
        visitor: uuid(1),
        day,
        mobile: true,
        at: EventTime::from_seconds(1),
        depth: 900,
        share: Some(0.1),
        address: vec![127, 0, 0, 1],
        page: uuid(7),
        seen: Date::from_days(3).unwrap(),
    };
    let store = FeatureStore::new();
    store.register(view).unwrap();
    store
        .push_rows(&[click(Some(visit.day)), click(None)])
        .unwrap();
    assert_eq!(store.rows("click").unwrap(), 1);
    let service = FeatureService::named("s").unwrap();
    let service = service
        .feature(Click::depth().latest())
        .feature(Click::share().latest())
        .feature(Click::address().latest())
        .feature(Click::page().distinct_count().over(days(1)))
        .feature(Click::seen().max().over(days(1)))
        .build()
        .unwrap();
    let row = store
        .online(&service, &visit.key(), EventTime::from_seconds(1))
        .unwrap();
    let json = serde_json::to_value(row.into_map()).unwrap();
    let expect = serde_json::json!({
        "depth_latest": 900, "share_latest": f64::from(0.1_f32), "address_latest": "7f000001",
        "page_distinct_count_1d": 1, "seen_max_1d": "1970-01-04T00:00:00Z",
    });
    assert_eq!(json, expect);
    let part = |value: Value| Visit::KEYS[0].1.part(&value);
    assert_eq!(
        part(uuid(1).to_string().into()),
        Some(KeyPart::Uuid(uuid(1)))
    );
}

#[test]
fn a_batch_becomes_rows_by_the_names_and_types_of_the_view() {
    let entity = Entity::new("thing", [("id", DataType::FixedSizeBinary(16))]).unwrap();
    let view = FeatureView::builder("v")
        .entity(entity)
        .event_time("at")
        .field("n", DataType::Int64)
        .from_column("Number")
        .rename("id", "ID")
        .rename("at", "At")
        .build()
        .unwrap();
    let batch = |ids: ArrayRef, at: ArrayRef, number: ArrayRef| {
        RecordBatch::try_from_iter([
            ("Number", number),
            ("At", at),
            ("ID", ids),
            ("n", micros(vec![0])),
        ])
        .unwrap()
    };
    let written: ArrayRef = Arc::new(StringArray::from(vec![uuid(3).to_string()]));
    let naive: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![-1]));
    let small: ArrayRef = Arc::new(UInt8Array::from(vec![200]));
    let table = view
        .table_from(&batch(written.clone(), naive.clone(), small))
        .unwrap();
    assert_eq!(table.keys().unwrap(), [Some(EntityKey::from(uuid(3)))]);
    assert_eq!(table.event_times().unwrap(), [EventTime::from_micros(-1)]);
    assert_eq!(
        table
            .column("n")
            .unwrap()
            .as_primitive::<Int64Type>()
            .value(0),
        200
    );

    let real: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
    let number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let none: ArrayRef = Arc::new(TimestampSecondArray::from(vec![None]));
    let cases = [
        (
            batch(written.clone(), naive.clone(), real),
            "column `Number` is Float64 and must be Int64",
        ),
        (
            batch(written.clone(), text.clone(), number.clone()),
            "column `At` is Utf8",
        ),
        (
            batch(text, naive, number.clone()),
            "column `ID`, row 0: it is no UUID",
        ),
        (batch(written, none, number), "column `at` is null in row 0"),
    ];
    for (batch, expect) in cases {
        let error = view.table_from(&batch).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }
    let none = RecordBatch::try_from_iter([("ID", micros(vec![0]))]).unwrap();
    let error = view.table_from(&none).unwrap_err().to_string();
    assert!(error.contains("must be FixedSizeBinary(16)"), "{error}");
}
