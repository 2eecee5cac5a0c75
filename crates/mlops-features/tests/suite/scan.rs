//! Training sets over files: to the bit what a store gives that holds them whole, from the rows in reach alone.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeSet, fs, num::NonZeroUsize, path::Path, sync::Arc};

use mlops_core::{
    Column, ErrorKind, Role, Span, Table, TableSchema,
    arrow::{
        array::{
            Array, ArrayRef, AsArray, Float32Array, Float64Array, Int32Array, Int64Array,
            LargeStringArray, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array,
        },
        datatypes::Int64Type,
    },
};
use mlops_features::{
    Accuracy, Boundary, Csv, Cutoff, DataType, Entity, Error, Feature, FeatureService,
    FeatureStore, FeatureView, Filter, ParquetDirectory, ParquetFile, Parse, RowFilter,
    SourceSchema, TimeFormat, with_computed,
};
use parquet::{arrow::ArrowWriter, file::properties::WriterProperties};
use proptest::{collection::vec, option, prelude::*};

const REGIONS: [&str; 3] = ["north", "south", "é"];
const COUNTRIES: [&str; 3] = ["UK", "France", ""];

#[derive(Debug, Clone)]
struct Event {
    region: usize,
    id: Option<i32>,
    time: i64,
    created: Option<i64>,
    amount: Option<f32>,
    quantity: Option<i32>,
    country: Option<usize>,
}

#[derive(Debug, Clone)]
struct Case {
    boundary: Boundary,
    cutoff: Cutoff,
    ttl: Option<i64>,
    events: Vec<Event>,
    spine: Vec<(usize, Option<i64>, i64)>,
    /// Which of all features are asked for; the first is always.
    features: Vec<bool>,
    chunk_rows: usize,
}

fn event() -> impl Strategy<Value = Event> {
    (
        0..3_usize,
        option::weighted(0.95, 0..3),
        0..40_i64,
        option::weighted(0.8, 0..44_i64),
        option::weighted(0.8, -100.0..100.0_f32),
        option::weighted(0.8, -5..5),
        option::weighted(0.8, 0..3_usize),
    )
        .prop_map(
            |(region, id, time, created, amount, quantity, country)| Event {
                region,
                id,
                time,
                created,
                amount,
                quantity,
                country,
            },
        )
}

fn case() -> impl Strategy<Value = Case> {
    (
        prop::sample::select(vec![Boundary::Inclusive, Boundary::Exclusive]),
        prop::sample::select(vec![Cutoff::EventTime, Cutoff::CreatedTime]),
        option::of(1..15_i64),
        vec(event(), 0..80),
        vec(
            (0..2_usize, option::weighted(0.95, 0..4_i64), -2..46_i64),
            1..12,
        ),
        vec(any::<bool>(), 20),
        1..9_usize,
    )
        .prop_map(
            |(boundary, cutoff, ttl, events, spine, features, chunk_rows)| Case {
                boundary,
                cutoff,
                ttl,
                events,
                spine,
                features,
                chunk_rows,
            },
        )
}

fn micros(span: i64) -> Span {
    Span::from_micros(span).unwrap()
}

fn view(case: &Case) -> FeatureView {
    let entity = Entity::new(
        "shopper",
        [("region", DataType::Utf8), ("id", DataType::Int64)],
    );
    FeatureView::builder("purchase")
        .entity(entity.unwrap())
        .event_time("at")
        .created_time("loaded")
        .ttl(case.ttl.map_or(Span::ZERO, micros))
        .boundary(case.boundary)
        .cutoff(case.cutoff)
        .field("amount", DataType::Float64)
        .field("quantity", DataType::Int64)
        .field("country", DataType::Utf8)
        .field("spare", DataType::Decimal128(12, 2))
        .build()
        .unwrap()
}

fn service(case: &Case) -> FeatureService {
    let view = &view(case);
    let refund = || Filter::field("quantity").is_below(0);
    let coarse = |accuracy, name: &str| {
        let sum = Feature::sum(view, "amount").accuracy(accuracy);
        sum.named(name).over(micros(9))
    };
    let all = [
        Feature::sum(view, "quantity").over(micros(4)),
        Feature::latest(view, "amount"),
        Feature::latest(view, "country"),
        Feature::time_since_last(view),
        Feature::time_since_last_of(view, refund(), "refunded"),
        Feature::count(view, "amount").over(micros(1)),
        Feature::mean(view, "amount").over(micros(11)),
        Feature::min(view, "amount").over(micros(3)),
        Feature::max(view, "quantity").over(micros(7)),
        Feature::distinct_count(view, "country").over(micros(20)),
        Feature::quantile(view, "amount", 0.5).over(micros(8)),
        Feature::last_k(view, "quantity", 3).over(micros(13)),
        Feature::first(view, "amount").over(micros(6)),
        Feature::std_dev(view, "amount").over(micros(10)),
        Feature::count(view, "quantity")
            .only(refund())
            .named("refunds")
            .over(micros(12)),
        Feature::sum(view, "quantity")
            .by("country", 2)
            .named("by_country")
            .over(micros(15)),
        coarse(Accuracy::Sawtooth(micros(5)), "saw"),
        coarse(Accuracy::Snapshot(micros(5)), "snap"),
        Feature::events(view).over(micros(1_000)),
        // the same view in another role
        Feature::latest(view, "quantity").and_then(|feature| {
            let role = feature.keyed_by("friend", &[("id", "friend_id")])?;
            role.named("friend_quantity")
        }),
    ];
    let chosen = all.into_iter().zip(&case.features).enumerate();
    let chosen = chosen.filter(|(at, (_, chosen))| *at == 0 || **chosen);
    FeatureService::named("all")
        .unwrap()
        .features(chosen.map(|(_, (feature, _))| feature))
        .request("asked_for", DataType::Int64)
        .transform("share", "float(quantity_sum_4us) / float(asked_for)")
        .build()
        .unwrap()
}

fn times(values: impl IntoIterator<Item = Option<i64>>) -> ArrayRef {
    let column = TimestampMicrosecondArray::from_iter(values);
    Arc::new(column.with_timezone("UTC"))
}

/// Writes a hive directory of small row groups; the types of one file are not those of the next.
fn write_lake(lake: &Path, events: &[Event]) {
    for (at, region) in REGIONS.iter().enumerate() {
        let of: Vec<&Event> = events.iter().filter(|e| e.region == at).collect();
        let drifted = at == 1;
        let ids = of.iter().map(|e| e.id);
        let ids: ArrayRef = if drifted {
            Arc::new(ids.map(|id| id.map(i64::from)).collect::<Int64Array>())
        } else {
            Arc::new(ids.collect::<Int32Array>())
        };
        let amounts = of.iter().map(|e| e.amount);
        let amounts: ArrayRef = if drifted {
            Arc::new(amounts.map(|a| a.map(f64::from)).collect::<Float64Array>())
        } else {
            Arc::new(amounts.collect::<Float32Array>())
        };
        let countries = of.iter().map(|e| e.country.map(|i| COUNTRIES[i]));
        let countries: ArrayRef = if drifted {
            Arc::new(countries.collect::<LargeStringArray>())
        } else {
            Arc::new(countries.collect::<StringArray>())
        };
        let quantities = of.iter().map(|e| e.quantity).collect::<Int32Array>();
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("Id", ids, true),
            ("At", times(of.iter().map(|e| Some(e.time))), true),
            ("Loaded", times(of.iter().map(|e| e.created)), true),
            ("Amount", amounts, true),
            ("Quantity", Arc::new(quantities) as ArrayRef, true),
            ("Country", countries, true),
        ]);
        let folder = lake.join(format!("region={region}"));
        fs::create_dir_all(&folder).unwrap();
        write(&folder.join("part-0.parquet"), &batch.unwrap(), 4);
    }
}

fn write(path: &Path, batch: &RecordBatch, group: usize) {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group));
    let file = fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn schema() -> SourceSchema {
    SourceSchema::builder()
        .key("region", "region", Parse::Str)
        .key("id", "Id", Parse::Int)
        .nullable()
        .event_time("at", "At", TimeFormat::rfc3339())
        .created_time("loaded", "Loaded", TimeFormat::rfc3339())
        .nullable()
        .value("amount", "Amount", Parse::Float)
        .value("quantity", "Quantity", Parse::Int)
        .value("country", "Country", Parse::Str)
        .build()
        .unwrap()
}

fn spine(rows: &[(usize, Option<i64>, i64)]) -> Table {
    let schema = TableSchema::new([
        Column::key("region", DataType::Utf8),
        Column::key("id", DataType::Int64).nullable(true),
        Column::event_time("asked"),
        Column::value("friend_id", DataType::Int64),
        Column::value("asked_for", DataType::Int64),
        Column::new("label", DataType::Int64, Role::Label),
    ]);
    let regions: StringArray = rows.iter().map(|(at, ..)| Some(REGIONS[*at])).collect();
    let ids: Int64Array = rows.iter().map(|(_, id, _)| *id).collect();
    let friends: Int64Array = rows
        .iter()
        .map(|(_, id, at)| id.map(|id| (id + at) % 3))
        .collect();
    let ones = || Int64Array::from_iter_values(rows.iter().map(|(.., at)| *at % 3));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(regions),
        Arc::new(ids),
        times(rows.iter().map(|(.., at)| Some(*at))),
        Arc::new(friends),
        Arc::new(ones()),
        Arc::new(ones()),
    ];
    Table::new(schema.unwrap(), columns).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_scan_gives_what_a_store_of_all_rows_gives(case in case()) {
        let dir = tempfile::tempdir().unwrap();
        write_lake(dir.path(), &case.events);
        let lake = ParquetDirectory::open(dir.path()).unwrap();
        let (schema, spine, service) = (schema(), spine(&case.spine), service(&case));

        let whole = FeatureStore::new();
        whole.register(view(&case)).unwrap();
        // a decimal that no feature reads: the store is given nulls
        let all = lake.read(&schema).unwrap().table;
        let spare = new_null_array(&DataType::Decimal128(12, 2), all.rows());
        let spare_column = Column::value("spare", DataType::Decimal128(12, 2));
        let all = mlops_features::with_column(&all, spare_column, spare).unwrap();
        whole.ingest("purchase", &all).unwrap();
        let expect = whole.join(&service, &spine).unwrap();

        let store = FeatureStore::new();
        let scan = store.scan(&service).read("purchase", &lake, &schema).chunk_rows(case.chunk_rows);
        let (found, report) = scan.join(&spine).unwrap();
        prop_assert_eq!(found.digest(), expect.digest());
        let account = &report.views[0];
        prop_assert!(account.rows_held <= case.events.len());
        prop_assert!(account.sources[0].rows_read <= case.events.len() as u64);

        // merged and pruned again and again: the same rows are held, and so the lineage is the same
        let few = account.rows_held + 20;
        let often = store.scan(&service).read("purchase", &lake, &schema).rows_limit(few).chunk_rows(1);
        let often = often.threads(NonZeroUsize::MIN);
        let (found, again) = often.join(&spine).unwrap();
        prop_assert_eq!(found.digest(), expect.digest());
        prop_assert_eq!(again.views[0].rows_held, account.rows_held);
        // lists and maps are no features of a training set
        if !case.features[11] && !case.features[15] {
            let (set, _) = often.training_set(&spine).unwrap();
            let (same, _) = scan.training_set(&spine).unwrap();
            prop_assert_eq!(set.lineage(), same.lineage());
            let expect = whole.training_set(&service, &spine).unwrap();
            prop_assert_eq!(set.table().digest(), expect.table().digest());
        }
    }
}

fn purchase() -> FeatureView {
    let customer = Entity::new("customer", [("customer_id", DataType::Int64)]).unwrap();
    FeatureView::builder("purchase")
        .entity(customer)
        .event_time("at")
        .field("amount", DataType::Float64)
        .field("note", DataType::Utf8)
        .build()
        .unwrap()
}

fn columns() -> SourceSchema {
    SourceSchema::builder()
        .key("customer_id", "id", Parse::Int)
        .event_time("at", "at", TimeFormat::rfc3339())
        .value("amount", "amount", Parse::Float)
        .value("note", "note", Parse::Str)
        .build()
        .unwrap()
}

/// A spine of one instant.
fn asked(ids: &[i64], at: i64) -> Table {
    let schema = TableSchema::new([
        Column::key("customer_id", DataType::Int64),
        Column::event_time("asked"),
        Column::new("label", DataType::Int64, Role::Label),
    ]);
    let column: ArrayRef = Arc::new(Int64Array::from(ids.to_vec()));
    let columns = vec![
        Arc::clone(&column),
        times(vec![Some(at); ids.len()]),
        column,
    ];
    Table::new(schema.unwrap(), columns).unwrap()
}

fn ints(table: &Table, column: &str) -> Vec<Option<i64>> {
    let column = table.column(column).unwrap();
    column.as_primitive::<Int64Type>().iter().collect()
}

#[test]
fn row_groups_out_of_reach_are_not_read_and_of_old_rows_the_newest_is_held() {
    let dir = tempfile::tempdir().unwrap();
    let rows = 10_000;
    let ids = (0..rows).map(|i| i % 100).collect::<Int64Array>();
    let amounts = (0..rows).map(|i| Some(i as f64)).collect::<Float64Array>();
    let notes = (0..rows)
        .map(|i| Some(format!("note {i}")))
        .collect::<StringArray>();
    let batch = RecordBatch::try_from_iter([
        ("id", Arc::new(ids) as ArrayRef),
        ("at", times((0..rows).map(Some))),
        ("amount", Arc::new(amounts) as ArrayRef),
        ("note", Arc::new(notes) as ArrayRef),
    ]);
    let path = dir.path().join("purchases.parquet");
    write(&path, &batch.unwrap(), 1_000);
    let (file, schema, view) = (ParquetFile::open(&path).unwrap(), columns(), purchase());
    let store = FeatureStore::new();
    let run = |feature: Feature| {
        let service = FeatureService::named("s")
            .unwrap()
            .feature(feature)
            .build()
            .unwrap();
        let scan = store.scan(&service).read("purchase", &file, &schema);
        let (table, report) = scan.join(&asked(&[7, 8], 5_500)).unwrap();
        let view = &report.views[0];
        (
            table,
            view.sources[0].rows_read,
            view.sources[0].rows_seen,
            view.rows_held,
        )
    };
    // two windows of 1,000 rows each reach into three groups of ten
    let (table, read, seen, held) = run(Feature::events(&view).over(micros(1_400)).unwrap());
    assert_eq!(ints(&table, "purchase_count_1400us"), [Some(14), Some(14)]);
    assert_eq!((read, seen, held), (2_000, 28, 28));
    // a filter of the file's own has its columns, though no feature reads them
    let some = file
        .clone()
        .filter(RowFilter::new().at_least("amount", 5_000.0));
    let events = Feature::events(&view).over(micros(1_400)).unwrap();
    let service = FeatureService::named("s").unwrap().feature(events);
    let service = service.build().unwrap();
    let scan = store.scan(&service).read("purchase", &some, &schema);
    let (table, _) = scan.join(&asked(&[7, 8], 5_500)).unwrap();
    assert_eq!(ints(&table, "purchase_count_1400us"), [Some(5), Some(5)]);
    // without a TTL any row may be the newest, up to the last instant
    let (table, read, seen, held) = run(Feature::latest(&view, "note").unwrap());
    let notes = table.column("note_latest").unwrap();
    assert_eq!(notes.as_string::<i32>().value(0), "note 5407");
    assert_eq!((read, seen, held), (6_000, 110, 2));
}

#[test]
fn columns_are_computed_on_the_way_and_sources_follow_each_other() {
    let part =
        |lines: &str| Csv::from_bytes("part", format!("id,at,price,pieces\n{lines}").as_bytes());
    let parts = [
        part("1,1970-01-01T00:00:01Z,2.5,2\n1,1970-01-01T00:00:01Z,1,x\n"),
        part("1,1970-01-01T00:00:02Z,4,1\n2,1970-01-01T00:00:02Z,4,1\n"),
    ];
    let schema = SourceSchema::builder()
        .key("customer_id", "id", Parse::Int)
        .event_time("at", "at", TimeFormat::rfc3339())
        .value("price", "price", Parse::Float)
        .value("pieces", "pieces", Parse::Int)
        .build()
        .unwrap();
    let amount = |table: Table| {
        let column = Column::value("amount", DataType::Float64);
        with_computed(&table, column, &["price", "pieces"], |v| Some(v[0] * v[1]))
    };
    let view = purchase();
    let sum = Feature::sum(&view, "amount").over(Span::days(1));
    let service = FeatureService::named("s")
        .unwrap()
        .feature(sum)
        .build()
        .unwrap();
    let store = FeatureStore::new();
    let scan = store
        .scan(&service)
        .read_with("purchase", &parts[0], &schema, amount)
        .read_with("purchase", &parts[1], &schema, amount);
    let (set, report) = scan.training_set(&asked(&[1], 3_000_000)).unwrap();
    let sums = set.table().column("amount_sum_1d").unwrap();
    assert_eq!(sums.as_ref(), &Float64Array::from(vec![9.0]) as &dyn Array);
    let sources = &report.views[0].sources;
    assert_eq!((sources[0].rows_read, sources[0].rejected.total()), (2, 1));
    assert_eq!((sources[1].rows_read, sources[1].rows_seen), (2, 1));
}

#[test]
fn a_view_without_a_source_is_that_of_the_store() {
    let (view, customer) = (purchase(), purchase().entity().clone());
    let plan = FeatureView::builder("plan")
        .entity(customer)
        .event_time("since")
        .field("fee", DataType::Int64)
        .build()
        .unwrap();
    let service = FeatureService::named("s")
        .unwrap()
        .feature(Feature::events(&view).over(Span::days(1)))
        .feature(Feature::latest(&plan, "fee"))
        .build()
        .unwrap();
    let store = FeatureStore::new();
    let file = Csv::from_bytes(
        "p.csv",
        &b"id,at,amount,note\n1,1970-01-01T00:00:01Z,1,\n"[..],
    );
    let (schema, spine) = (columns(), asked(&[1], 3_000_000));
    let run = || {
        let scan = store.scan(&service).read("purchase", &file, &schema);
        scan.join(&spine)
    };
    let error = run().unwrap_err();
    assert!(
        matches!(error, Error::UnknownView { ref view, .. } if view == "plan"),
        "{error}"
    );
    store.register(plan.clone()).unwrap();
    let fees: ArrayRef = Arc::new(Int64Array::from(vec![12]));
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let table = Table::new(plan.schema(), vec![ids, times([Some(0)]), fees]).unwrap();
    store.ingest("plan", &table).unwrap();
    let (table, report) = run().unwrap();
    assert_eq!(ints(&table, "fee_latest"), [Some(12)]);
    assert_eq!(ints(&table, "purchase_count_1d"), [Some(1)]);
    let names: BTreeSet<&str> = report.views.iter().map(|v| v.view.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["purchase"]));
}

#[test]
fn what_is_wrong_is_said_before_a_source_is_read() {
    let view = purchase();
    let sum = Feature::sum(&view, "amount").over(Span::days(1));
    let service = FeatureService::named("s")
        .unwrap()
        .feature(sum)
        .build()
        .unwrap();
    let store = FeatureStore::new();
    // to read this would be an error of its own
    let broken = Csv::from_bytes("broken.csv", &b""[..]);
    let (schema, spine) = (columns(), asked(&[1], 3));
    let scan = |name: &str, schema: &SourceSchema, spine: &Table| {
        let scan = store.scan(&service).read(name, &broken, schema);
        scan.join(spine).unwrap_err()
    };
    let error = scan("purchases", &schema, &spine);
    assert!(matches!(error, Error::UnknownView { .. }), "{error}");
    assert!(error.to_string().contains("`purchases`") && error.to_string().contains("`purchase`"));
    let keyless = SourceSchema::builder()
        .event_time("at", "at", TimeFormat::rfc3339())
        .build()
        .unwrap();
    let error = scan("purchase", &keyless, &spine);
    assert!(error.to_string().contains("`customer_id`"), "{error}");
    let other = Table::new(
        TableSchema::new([Column::event_time("asked")]).unwrap(),
        vec![times([Some(1)])],
    );
    let error = scan("purchase", &schema, &other.unwrap());
    assert!(matches!(error, Error::SpineMissingKey { .. }), "{error}");
    let error = scan("purchase", &schema, &spine);
    assert!(matches!(error, Error::MissingHeader { .. }), "{error}");
}

#[test]
fn more_rows_than_may_be_held_are_an_error() {
    let lines: Vec<String> = (0..100)
        .map(|i| format!("1,1970-01-01T00:00:01Z,{i},\n"))
        .collect();
    let lines = lines.concat();
    let file = Csv::from_bytes("p.csv", format!("id,at,amount,note\n{lines}").as_bytes());
    let view = purchase();
    let events = Feature::events(&view).over(Span::days(1));
    let service = FeatureService::named("s")
        .unwrap()
        .feature(events)
        .build()
        .unwrap();
    let (store, schema, spine) = (FeatureStore::new(), columns(), asked(&[1], 3_000_000));
    let scan = |limit| {
        let scan = store
            .scan(&service)
            .read("purchase", &file, &schema)
            .chunk_rows(10);
        scan.rows_limit(limit).join(&spine)
    };
    assert_eq!(scan(100).unwrap().1.views[0].rows_held, 100);
    let error = scan(99).unwrap_err();
    assert!(
        matches!(error, Error::ScanTooLarge { limit: 99, .. }),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let error = store
        .scan(&service)
        .read("purchase", &file, &schema)
        .chunk_rows(0)
        .join(&spine);
    assert!(matches!(
        error.unwrap_err(),
        Error::InvalidParameter {
            parameter: "chunk_rows",
            ..
        }
    ));
}
