//! The worked cases of the point-in-time contract: small, decisive, and named after it.
//!
//! Times are hours, the TTL is 20 hours unless a case says otherwise. Several of these come out wrong in
//! other feature stores; what stands here is the rule.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use mlops_core::{
    Column, EntityKey, ErrorKind, EventTime, Role, Span, Table, TableSchema, Value,
    arrow::array::{ArrayRef, BooleanArray, Int64Array, StringArray, TimestampMicrosecondArray},
};
use mlops_features::Status::{Expired, NotFound, Null, Present};
use mlops_features::{
    Boundary, Cutoff, DataType, Entity, Error, Feature, FeatureService, FeatureStore, FeatureView,
    FeatureViewBuilder, Result, Status,
};

fn at(hour: i64) -> EventTime {
    EventTime::from_seconds(hour * 3_600)
}

fn times(hours: impl IntoIterator<Item = Option<i64>>) -> ArrayRef {
    let micros = hours
        .into_iter()
        .map(|hour| hour.map(|hour| at(hour).micros()));
    let column: TimestampMicrosecondArray = micros.collect();
    Arc::new(column.with_timezone("UTC"))
}

fn ints(values: impl IntoIterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<Int64Array>())
}

fn driver() -> FeatureViewBuilder {
    FeatureView::builder("driver")
        .entity(Entity::new("driver", [("driver_id", DataType::Int64)]).unwrap())
        .event_time("at")
        .created_time("loaded")
        .ttl(Span::hours(20))
        .field("trips", DataType::Int64)
}

/// A row of the driver view: key, event hour, created hour, trips.
type Row = (i64, i64, Option<i64>, Option<i64>);

fn rows(view: &FeatureView, rows: &[Row]) -> Table {
    let columns = vec![
        ints(rows.iter().map(|r| Some(r.0))),
        times(rows.iter().map(|r| Some(r.1))),
        times(rows.iter().map(|r| r.2)),
        ints(rows.iter().map(|r| r.3)),
    ];
    Table::new(view.schema(), columns).unwrap()
}

fn spine(keys: &[(Option<i64>, i64)]) -> Table {
    let schema = TableSchema::new([
        Column::key("driver_id", DataType::Int64).nullable(true),
        Column::event_time("event_timestamp"),
        Column::new("label", DataType::Int64, Role::Label),
    ]);
    let columns = vec![
        ints(keys.iter().map(|k| k.0)),
        times(keys.iter().map(|k| Some(k.1))),
        ints([0, 1].into_iter().cycle().map(Some).take(keys.len())),
    ];
    Table::new(schema.unwrap(), columns).unwrap()
}

fn column(table: &Table, name: &str) -> Vec<Value> {
    let array = table.column(name).unwrap();
    (0..table.rows())
        .map(|row| Value::from_array(name, array, row).unwrap())
        .collect()
}

fn joined(view: FeatureViewBuilder, events: &[Row], keys: &[(Option<i64>, i64)]) -> Vec<Value> {
    let view = view.build().unwrap();
    let store = FeatureStore::new();
    store.register(view.clone()).unwrap();
    store.ingest("driver", &rows(&view, events)).unwrap();
    let latest = Feature::latest(&view, "trips").unwrap().named("trips");
    let service = FeatureService::named("s")
        .unwrap()
        .feature(latest)
        .build()
        .unwrap();
    let table = store.join(&service, &spine(keys)).unwrap();
    assert_eq!(
        table.schema().columns()[3].data_type(),
        &DataType::Int64,
        "no float promotion"
    );
    column(&table, "trips")
}

fn one(view: FeatureViewBuilder, events: &[Row], asked: i64) -> Value {
    joined(view, events, &[(Some(1), asked)]).remove(0)
}

#[test]
fn an_event_at_the_very_instant_is_seen_unless_the_boundary_is_exclusive() {
    let exact = [(1, 10, None, Some(5))];
    assert_eq!(one(driver(), &exact, 10), Value::Int(5));
    assert_eq!(
        one(driver().boundary(Boundary::Exclusive), &exact, 10),
        Value::Null
    );
    assert_eq!(
        one(driver().boundary(Boundary::Exclusive), &exact, 11),
        Value::Int(5)
    );
}

#[test]
fn the_ttl_includes_its_edge_and_the_row_is_kept_without_a_value() {
    let edge = [(1, 0, None, Some(5))];
    assert_eq!(one(driver(), &edge, 20), Value::Int(5));
    assert_eq!(one(driver(), &edge, 21), Value::Null);
    assert_eq!(
        one(driver().ttl(Span::ZERO), &edge, 2_000),
        Value::Int(5),
        "zero is for ever"
    );
}

#[test]
fn the_future_and_unknown_keys_give_null() {
    assert_eq!(one(driver(), &[(1, 50, None, Some(5))], 1), Value::Null);
    assert_eq!(one(driver(), &[(2, 1, None, Some(5))], 1), Value::Null);
    assert_eq!(one(driver(), &[], 1), Value::Null);
}

#[test]
fn created_time_breaks_ties_and_is_a_cutoff_only_on_request() {
    let tie = [(1, 5, Some(6), Some(5)), (1, 5, Some(7), Some(6))];
    assert_eq!(one(driver(), &tie, 6), Value::Int(6));
    let cutoff = || driver().cutoff(Cutoff::CreatedTime);
    assert_eq!(one(cutoff(), &tie, 6), Value::Int(5));
    assert_eq!(
        one(cutoff(), &tie, 5),
        Value::Null,
        "all candidates are too new"
    );
    assert_eq!(
        one(cutoff(), &[(1, 5, None, Some(5))], 6),
        Value::Null,
        "never known"
    );

    let event_time_first = [(1, 4, Some(9), Some(1)), (1, 5, Some(5), Some(2))];
    assert_eq!(one(driver(), &event_time_first, 9), Value::Int(2));
    let missing_sorts_lowest = [(1, 5, Some(1), Some(1)), (1, 5, None, Some(2))];
    assert_eq!(one(driver(), &missing_sorts_lowest, 9), Value::Int(1));
    let full_tie = [(1, 5, Some(6), Some(1)), (1, 5, Some(6), Some(2))];
    assert_eq!(
        one(driver(), &full_tie, 9),
        Value::Int(2),
        "the later arrival wins"
    );
}

#[test]
fn the_chosen_rows_null_stays_null() {
    let null = [(1, 4, None, Some(1)), (1, 5, None, None)];
    assert_eq!(one(driver(), &null, 9), Value::Null);
}

#[test]
fn duplicates_order_and_null_keys_are_kept_row_by_row() {
    let events = [(1, 5, None, Some(5)), (2, 5, None, Some(6))];
    let asked = [
        (Some(2), 9),
        (Some(1), 9),
        (None, 9),
        (Some(1), 9),
        (Some(1), 9),
        (Some(3), 9),
    ];
    let (five, six) = (Value::Int(5), Value::Int(6));
    let expect = vec![
        six,
        five.clone(),
        Value::Null,
        five.clone(),
        five,
        Value::Null,
    ];
    assert_eq!(joined(driver(), &events, &asked), expect);
}

#[test]
fn keys_that_glue_alike_get_their_own_values() {
    let entity = Entity::new("pair", [("a", DataType::Utf8), ("b", DataType::Utf8)]).unwrap();
    let view = FeatureView::builder("pair").entity(entity).event_time("at");
    let view = view.field("v", DataType::Int64).build().unwrap();
    let keys = || -> Vec<ArrayRef> {
        vec![
            Arc::new(StringArray::from(vec!["1", "12"])),
            Arc::new(StringArray::from(vec!["23", "3"])),
            times([Some(5), Some(5)]),
        ]
    };
    let store = FeatureStore::new();
    store.register(view.clone()).unwrap();
    let mut columns = keys();
    columns.push(ints([Some(1), Some(2)]));
    store
        .ingest("pair", &Table::new(view.schema(), columns).unwrap())
        .unwrap();
    let latest = Feature::latest(&view, "v");
    let service = FeatureService::named("s")
        .unwrap()
        .feature(latest)
        .build()
        .unwrap();
    let schema = TableSchema::new([
        Column::key("a", DataType::Utf8),
        Column::key("b", DataType::Utf8),
        Column::event_time("at"),
    ]);
    let spine = Table::new(schema.unwrap(), keys()).unwrap();
    let table = store.join(&service, &spine).unwrap();
    assert_eq!(column(&table, "v_latest"), [Value::Int(1), Value::Int(2)]);
    for (parts, value) in [(["1", "23"], 1), (["12", "3"], 2)] {
        let key = EntityKey::new(parts.map(Into::into));
        let row = store.online(&service, &key, at(5)).unwrap();
        assert_eq!(row.get("v_latest"), Some(&Value::Int(value)));
    }
}

/// Two views with their own keys, a role of one of them, and a view that joins on time alone.
fn ride() -> Result<(FeatureStore, FeatureService)> {
    let view = |name: &str, keys: Vec<(&str, DataType)>| {
        FeatureView::builder(name)
            .entity(Entity::new(name, keys)?)
            .event_time("at")
            .field("v", DataType::Int64)
            .build()
    };
    let driver = view("driver", vec![("driver_id", DataType::Int64)])?;
    let customer = view("customer", vec![("customer_id", DataType::Int64)])?;
    let city = view("city", vec![])?;
    let store = FeatureStore::new();
    for view in [&driver, &customer, &city] {
        store.register(view.clone())?;
    }
    let keyed = |view: &FeatureView, rows: &[(i64, i64)]| {
        let mut columns = vec![
            times(rows.iter().map(|_| Some(1))),
            ints(rows.iter().map(|r| Some(r.1))),
        ];
        if !view.entity().keys().is_empty() {
            columns.insert(0, ints(rows.iter().map(|r| Some(r.0))));
        }
        store.ingest(view.name().as_str(), &Table::new(view.schema(), columns)?)
    };
    keyed(&driver, &[(1, 10)])?;
    keyed(&customer, &[(7, 70), (8, 80), (9, 90)])?;
    keyed(&city, &[(0, 3)])?;
    let guest = Feature::latest(&customer, "v")?.keyed_by("guest", &[("customer_id", "guest_id")]);
    let service = FeatureService::named("ride")?
        .feature(Feature::latest(&driver, "v")?.named("driver_v"))
        .feature(Feature::latest(&customer, "v"))
        .feature(guest)
        .feature(Feature::latest(&city, "v")?.named("city_v"))
        .build()?;
    Ok((store, service))
}

#[test]
fn each_view_joins_on_its_own_keys_and_a_role_renames_them() {
    let (store, service) = ride().unwrap();
    let keys: Vec<&str> = service.keys().iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["driver_id", "customer_id", "guest_id"]);
    let schema = TableSchema::new([
        Column::key("guest_id", DataType::Int64),
        Column::key("driver_id", DataType::Int64),
        Column::key("customer_id", DataType::Int64),
        Column::event_time("t"),
    ]);
    let spine = Table::new(
        schema.unwrap(),
        vec![
            ints([Some(9), Some(7)]),
            ints([Some(1), Some(1)]),
            ints([Some(7), Some(8)]),
            times([Some(5), Some(5)]),
        ],
    );
    let table = store.join(&service, &spine.unwrap()).unwrap();
    let int = |name: &str| column(&table, name);
    assert_eq!(int("driver_v"), [Value::Int(10), Value::Int(10)]);
    assert_eq!(int("v_latest"), [Value::Int(70), Value::Int(80)]);
    assert_eq!(int("guest__v_latest"), [Value::Int(90), Value::Int(70)]);
    assert_eq!(int("city_v"), [Value::Int(3), Value::Int(3)]);

    let key = EntityKey::new([1.into(), 8.into(), 7.into()]);
    let row = store.online(&service, &key, at(5)).unwrap();
    let values: Vec<Value> = row.values.into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, [10, 80, 70, 3].map(Value::Int));
}

#[test]
fn online_says_why_a_value_is_missing() {
    let view = driver().build().unwrap();
    let store = FeatureStore::new();
    store.register(view.clone()).unwrap();
    let events = [(1, 0, None, Some(5)), (2, 0, None, None)];
    store.push("driver", &rows(&view, &events)).unwrap();
    let service = FeatureService::named("s")
        .unwrap()
        .feature(Feature::latest(&view, "trips"))
        .feature(Feature::sum(&view, "trips").over(Span::hours(48)))
        .feature(Feature::count(&view, "trips").over(Span::hours(1)))
        .feature(Feature::time_since_last(&view))
        .build()
        .unwrap();
    let check = |key: i64, hour: i64, values: [Value; 4], statuses: [Status; 4]| {
        let row = store.online(&service, &key.into(), at(hour)).unwrap();
        let found: Vec<Value> = row.values.into_iter().map(|(_, value)| value).collect();
        assert_eq!(
            (found, row.statuses),
            (values.to_vec(), statuses.to_vec()),
            "{key} at {hour}"
        );
    };
    let (none, zero) = (Value::Null, Value::Int(0));
    let five = Value::Int(5);
    check(
        1,
        0,
        [five.clone(), five.clone(), Value::Int(1), Value::Float(0.0)],
        [Present; 4],
    );
    let half_a_day = Value::Float(0.5);
    check(
        1,
        12,
        [five.clone(), five.clone(), zero.clone(), half_a_day],
        [Present; 4],
    );
    check(
        1,
        30,
        [none.clone(), five, zero.clone(), none.clone()],
        [Expired, Present, Present, Expired],
    );
    check(
        2,
        0,
        [none.clone(), none.clone(), zero.clone(), Value::Float(0.0)],
        [Null, Null, Present, Present],
    );
    let nothing = [none.clone(), none.clone(), zero, none];
    check(3, 0, nothing.clone(), [NotFound; 4]);
    check(1, -1, nothing, [NotFound; 4]);
}

#[test]
fn an_older_write_does_not_replace_a_newer_one() {
    let view = driver().build().unwrap();
    let store = FeatureStore::new();
    store.register(view.clone()).unwrap();
    let push = |row: Row| store.push("driver", &rows(&view, &[row])).unwrap();
    let latest = Feature::latest(&view, "trips").unwrap();
    let service = FeatureService::named("s")
        .unwrap()
        .feature(latest)
        .build()
        .unwrap();
    let read = || {
        store
            .online(&service, &1.into(), at(9))
            .unwrap()
            .values
            .remove(0)
            .1
    };
    push((1, 5, Some(6), Some(2)));
    push((1, 4, Some(8), Some(1)));
    assert_eq!(read(), Value::Int(2), "an older event");
    push((1, 5, Some(5), Some(1)));
    assert_eq!(
        read(),
        Value::Int(2),
        "an older correction of the same event"
    );
    push((1, 5, Some(7), Some(3)));
    assert_eq!(
        read(),
        Value::Int(3),
        "a newer correction of the same event"
    );
}

fn refused<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind, expect: &str) {
    let error: Error = result.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(expect), "{error}");
}

fn trips(view: &FeatureView) -> FeatureService {
    let latest = Feature::latest(view, "trips");
    FeatureService::named("s")
        .unwrap()
        .feature(latest)
        .build()
        .unwrap()
}

fn table(columns: Vec<Column>, arrays: Vec<ArrayRef>) -> Table {
    Table::new(TableSchema::new(columns).unwrap(), arrays).unwrap()
}

#[test]
fn a_view_that_is_not_there_or_not_the_same_is_refused() {
    let view = driver().build().unwrap();
    let store = FeatureStore::new();
    let asked = spine(&[(Some(1), 1)]);
    let unknown = "`driver` is not registered";
    refused(
        store.join(&trips(&view), &asked),
        ErrorKind::NotFound,
        unknown,
    );
    refused(
        store.online(&trips(&view), &1.into(), at(1)),
        ErrorKind::NotFound,
        unknown,
    );
    refused(
        store.push("drivr", &rows(&view, &[])),
        ErrorKind::NotFound,
        "`drivr`",
    );
    store.register(view.clone()).unwrap();
    store.register(view.clone()).unwrap();
    let other = driver().ttl(Span::hours(1)).build().unwrap();
    refused(
        store.register(other.clone()),
        ErrorKind::Conflict,
        "`driver`",
    );
    refused(
        store.join(&trips(&other), &asked),
        ErrorKind::Conflict,
        "`driver`",
    );
}

#[test]
fn a_spine_or_key_that_does_not_fit_is_refused_by_column() {
    let view = driver().build().unwrap();
    let store = FeatureStore::new();
    store.register(view.clone()).unwrap();
    let time = || Column::event_time("at");
    let join = |spine: &Table, expect: &str| {
        refused(store.join(&trips(&view), spine), ErrorKind::Invalid, expect);
    };
    join(
        &table(vec![time()], vec![times([Some(1)])]),
        "no key column `driver_id`",
    );
    let text: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
    let columns = vec![Column::key("driver_id", DataType::Utf8), time()];
    join(&table(columns, vec![text, times([Some(1)])]), "holds Utf8");
    let columns = vec![Column::key("driver_id", DataType::Int64)];
    join(&table(columns, vec![ints([Some(1)])]), "no event time");
    let columns = vec![
        Column::key("driver_id", DataType::Int64),
        time().nullable(true),
    ];
    join(
        &table(columns, vec![ints([Some(1)]), times([None])]),
        "`at` is null in row 0",
    );

    let clash = Feature::latest(&view, "trips").unwrap().named("label");
    let clash = FeatureService::named("s")
        .unwrap()
        .feature(clash)
        .build()
        .unwrap();
    let clash = store.join(&clash, &spine(&[]));
    refused(
        clash,
        ErrorKind::Conflict,
        "`label` is a column of the spine",
    );

    let online = |key: EntityKey| store.online(&trips(&view), &key, at(1));
    refused(
        online("1".into()),
        ErrorKind::Invalid,
        "`driver_id` must be Int64",
    );
    let short = online(EntityKey::new([]));
    refused(short, ErrorKind::Invalid, "the key columns are `driver_id`");
}

#[test]
fn rows_that_do_not_fit_are_refused_as_a_whole() {
    let view = driver().build().unwrap();
    let store = FeatureStore::new();
    store.register(view.clone()).unwrap();
    let created = || Column::new("loaded", EventTime::data_type(), Role::CreatedTime);
    let columns = |time: Column, trips: DataType| {
        let key = Column::key("driver_id", DataType::Int64);
        vec![
            key,
            time,
            created().nullable(true),
            Column::value("trips", trips),
        ]
    };
    let arrays = |times: ArrayRef, trips: ArrayRef| {
        let created = self::times([None, Some(1)]);
        vec![ints([Some(1), Some(1)]), times, created, trips]
    };
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
    let (when, seven) = (times([Some(1), Some(2)]), ints([Some(7), Some(7)]));
    let at = || Column::event_time("at");
    let other = table(
        columns(at(), DataType::Boolean),
        arrays(when.clone(), flags),
    );
    refused(
        store.push("driver", &other),
        ErrorKind::Invalid,
        "`trips` is Boolean",
    );
    let renamed = Column::event_time("when");
    let renamed = table(
        columns(renamed, DataType::Int64),
        arrays(when, seven.clone()),
    );
    refused(
        store.ingest("driver", &renamed),
        ErrorKind::Invalid,
        "no column `at`",
    );
    let holes = columns(at().nullable(true), DataType::Int64);
    let holes = table(holes, arrays(times([Some(1), None]), seven));
    refused(
        store.push("driver", &holes),
        ErrorKind::Invalid,
        "`at` is null in row 1",
    );
    assert_eq!(store.rows("driver").unwrap(), 0, "nothing was half written");
}

#[test]
fn a_training_set_carries_its_lineage() {
    let view = driver().build().unwrap();
    let store = FeatureStore::new();
    store.register(view.clone()).unwrap();
    store
        .ingest("driver", &rows(&view, &[(1, 5, None, Some(5))]))
        .unwrap();
    let service = FeatureService::named("s")
        .unwrap()
        .feature(Feature::latest(&view, "trips"))
        .build()
        .unwrap();
    let asked = spine(&[(Some(1), 9), (Some(2), 9)]);
    let set = store.training_set(&service, &asked).unwrap();
    assert_eq!(set.feature_names(), ["trips_latest"]);
    assert_eq!(set.label_values().unwrap(), [0.0, 1.0]);
    let lineage = set.lineage();
    assert_eq!(
        lineage.features["trips_latest"],
        service.features()[0].digest()
    );
    assert_eq!(lineage.data["@spine"], asked.digest());
    let before = lineage.data["driver"];
    assert_eq!(store.lineage(&service).unwrap().data["driver"], before);

    let snapshot = store.clone();
    store
        .push("driver", &rows(&view, &[(1, 6, None, Some(6))]))
        .unwrap();
    assert_ne!(
        snapshot.lineage(&service).unwrap().data["driver"],
        before,
        "a clone shares the state"
    );
    assert!(store.training_set(&service, &spine(&[])).is_err());
}

#[test]
fn rows_without_a_key_are_counted_and_not_kept() {
    let view = driver().build().unwrap();
    let store = FeatureStore::new();
    store.register(view.clone()).unwrap();
    let columns = vec![
        ints([Some(1), None, Some(2)]),
        times([Some(3), Some(1), Some(2)]),
        times([None, None, None]),
        ints([Some(1), Some(1), None]),
    ];
    let report = store
        .ingest("driver", &Table::new(view.schema(), columns).unwrap())
        .unwrap();
    assert_eq!(
        (report.rows, report.null_keys, report.span),
        (2, 1, Some((at(2), at(3))))
    );
    assert_eq!(store.rows("driver").unwrap(), 2);
}
