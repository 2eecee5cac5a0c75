//! Transforms in a feature service: the same after the join and inside the request.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::{
    Array, ArrayRef, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use mlops_core::{
    Column, EntityKey, EventTime, ManualClock, Role, Span, Table, TableSchema, Value,
};
use mlops_features::{
    DataType, Entity, Error, Feature, FeatureService, FeatureServiceBuilder, FeatureStore,
    FeatureView, Status, days,
    online::MemoryStore,
    transform::{UserFunction, at, call, col},
};

fn hour(hour: i64) -> EventTime {
    EventTime::from_seconds(hour * 3_600)
}

fn times(hours: &[i64]) -> ArrayRef {
    let micros = hours.iter().map(|h| hour(*h).micros());
    Arc::new(TimestampMicrosecondArray::from_iter_values(micros).with_timezone("UTC"))
}

fn view() -> FeatureView {
    FeatureView::builder("purchase")
        .entity(Entity::new("customer", [("customer_id", DataType::Int64)]).unwrap())
        .event_time("at")
        .field("amount", DataType::Float64)
        .field("country", DataType::Utf8)
        .build()
        .unwrap()
}

fn store() -> FeatureStore {
    filled(FeatureStore::new())
}

fn filled(store: FeatureStore) -> FeatureStore {
    store.register(view()).unwrap();
    let schema = TableSchema::new([
        Column::key("customer_id", DataType::Int64),
        Column::event_time("at"),
        Column::value("amount", DataType::Float64),
        Column::value("country", DataType::Utf8),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![1, 1, 2, 1])),
        times(&[1, 2, 3, 50]),
        Arc::new(Float64Array::from(vec![
            Some(10.0),
            Some(30.0),
            None,
            Some(5.0),
        ])),
        Arc::new(StringArray::from(vec![
            Some("UK"),
            Some("France"),
            None,
            Some("uk "),
        ])),
    ];
    let events = Table::new(schema.unwrap(), columns).unwrap();
    store.ingest("purchase", &events).unwrap();
    store
}

fn builder() -> FeatureServiceBuilder {
    FeatureService::named("fraud")
        .unwrap()
        .feature(Feature::sum(&view(), "amount").over(days(1)))
        .feature(Feature::count(&view(), "amount").over(days(1)))
        .feature(Feature::latest(&view(), "country"))
}

fn fraud() -> FeatureServiceBuilder {
    builder()
        .request("amount_now", DataType::Float64)
        .request("country_now", DataType::Utf8)
        .transform("times_mean", col("amount_now").ratio(col("mean_1d"), 1.0))
        .transform("mean_1d", "amount_sum_1d / nullif(amount_count_1d, 0)")
        .transform(
            "abroad",
            "upper(trim(country_latest)) != upper(country_now)",
        )
        .transform("night", call("hour", [at()]).less_than(6))
        .transform("bucket", "hash_bucket(customer_id, 16)")
        .hidden("amount_sum_1d")
        .hidden("mean_1d")
}

fn spine(request: bool) -> Table {
    let mut columns = vec![
        Column::key("customer_id", DataType::Int64),
        Column::event_time("at"),
        Column::new("fraud", DataType::Boolean, Role::Label),
    ];
    let labels = arrow::array::BooleanArray::from(vec![true, false, false, true, false]);
    let mut arrays: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![1, 2, 3, 1, 1])),
        times(&[2, 4, 30, 50, 1]),
        Arc::new(labels),
    ];
    if request {
        columns.push(Column::value("amount_now", DataType::Float64));
        columns.push(Column::value("country_now", DataType::Utf8));
        let amounts = vec![Some(80.0), None, Some(f64::NAN), Some(-0.0), Some(5.0)];
        arrays.push(Arc::new(Float64Array::from(amounts)));
        let countries = vec![Some("uk"), Some("UK"), None, Some("UK"), Some("France")];
        arrays.push(Arc::new(StringArray::from(countries)));
    }
    Table::new(TableSchema::new(columns).unwrap(), arrays).unwrap()
}

#[test]
fn a_request_gives_what_the_join_gave_for_that_row() {
    let (store, service, spine) = (store(), fraud().build().unwrap(), spine(true));
    let shown = [
        "amount_count_1d",
        "country_latest",
        "times_mean",
        "abroad",
        "night",
        "bucket",
    ];
    assert_eq!(service.names(), shown);
    let joined = store.join(&service, &spine).unwrap();
    let names: Vec<&str> = joined.schema().columns().iter().map(Column::name).collect();
    assert_eq!(
        names[..5],
        ["customer_id", "at", "fraud", "amount_now", "country_now"]
    );
    assert_eq!(names[5..], shown);
    for row in 0..spine.rows() {
        let cell = |name: &str| Value::from_array(name, joined.column(name).unwrap(), row).unwrap();
        let Value::Int(customer) = cell("customer_id") else {
            panic!()
        };
        let request = ["amount_now", "country_now"].map(|name| (name.to_owned(), cell(name)));
        let online = store.online_with(
            &service,
            &EntityKey::from(customer),
            spine.event_times().unwrap()[row],
            &request.into(),
        );
        let online = online.unwrap();
        assert_eq!(online.values.len(), shown.len());
        for (name, value) in &online.values {
            let expect = cell(name.as_str());
            match (value, &expect) {
                (Value::Float(a), Value::Float(b)) => assert_eq!(a.to_bits(), b.to_bits()),
                _ => assert_eq!(*value, expect, "{name} of row {row}"),
            }
        }
        assert_eq!(online.statuses.len(), shown.len());
        assert_eq!(online.event_times.len(), shown.len());
    }
    // mean of 10 and 30 at hour 2
    assert_eq!(joined.rows(), 5);
    let first = Value::from_array("x", joined.column("times_mean").unwrap(), 0).unwrap();
    assert_eq!(first, Value::Float(4.0));
}

#[test]
fn a_transform_is_as_fresh_as_what_it_rests_on() {
    let service = fraud().build().unwrap();
    let request: BTreeMap<String, Value> = [
        ("amount_now".to_owned(), Value::Int(80)),
        ("country_now".to_owned(), Value::from("UK")),
        ("more".to_owned(), Value::Null),
    ]
    .into();
    let row = store()
        .online_with(&service, &1.into(), hour(3), &request)
        .unwrap();
    let at = |name: &str| {
        let at = row
            .values
            .iter()
            .position(|(n, _)| n.as_str() == name)
            .unwrap();
        (row.statuses[at], row.event_times[at])
    };
    assert_eq!(at("times_mean"), (Status::Present, Some(hour(2))));
    assert_eq!(at("night"), (Status::Present, None));
    assert_eq!(row.get("times_mean"), Some(&Value::Float(4.0)));
    let row = store()
        .online_with(&service, &9.into(), hour(3), &request)
        .unwrap();
    let abroad = row
        .values
        .iter()
        .position(|(n, _)| n.as_str() == "abroad")
        .unwrap();
    assert_eq!(row.statuses[abroad], Status::Null);
}

#[test]
fn what_the_online_store_does_not_reach_back_to_is_not_made_up() {
    let service = builder()
        .transform("place", "coalesce(country_latest, 'nowhere')")
        .transform("longer", "concat(place, '!')")
        .transform("odd", "customer_id % 2 = 1")
        .build()
        .unwrap();
    let store = FeatureStore::builder()
        .online(Arc::new(MemoryStore::new()))
        .clock(Arc::new(ManualClock::new(hour(100))))
        .keep(Span::ZERO)
        .serving(&service)
        .build();
    let store = filled(store.unwrap());
    store.materialize("purchase", hour(40), hour(60)).unwrap();
    let read = |customer: i64, name: &str| {
        let row = store.online(&service, &customer.into(), hour(60)).unwrap();
        let names = row.values.iter().map(|(n, _)| n.as_str());
        let at = names.into_iter().position(|n| n == name).unwrap();
        (row.values[at].1.clone(), row.statuses[at])
    };
    assert_eq!(read(1, "longer"), ("uk !".into(), Status::Present));
    assert_eq!(read(2, "place"), (Value::Null, Status::NotRetained));
    assert_eq!(read(2, "longer"), (Value::Null, Status::NotRetained));
    assert_eq!(read(2, "odd"), (false.into(), Status::Present));
}

#[test]
fn a_batch_has_one_request_a_key() {
    let (store, service) = (store(), fraud().build().unwrap());
    let request = |amount: f64| -> BTreeMap<String, Value> {
        [
            ("amount_now".to_owned(), Value::Float(amount)),
            ("country_now".to_owned(), Value::from("UK")),
        ]
        .into()
    };
    let keys: [EntityKey; 3] = [1.into(), 2.into(), 1.into()];
    let requests = [request(80.0), request(5.0), request(20.0)];
    let rows = store.online_batch_with(&service, &keys, hour(3), &requests);
    for ((row, key), request) in rows.unwrap().into_iter().zip(&keys).zip(&requests) {
        let alone = store.online_with(&service, key, hour(3), request);
        assert_eq!(row, alone.unwrap());
    }
    let few = store.online_batch_with(&service, &keys, hour(3), &requests[1..]);
    let text = few.unwrap_err().to_string();
    assert_eq!(text, "there are 2 requests for 3 keys");
}

#[test]
fn missing_and_mistyped_request_data_is_named_before_anything_is_computed() {
    let (store, service) = (FeatureStore::new(), fraud().build().unwrap());
    store.register(view()).unwrap();
    let error = store.join(&service, &spine(false)).unwrap_err();
    let text = "service `fraud` needs the request column `amount_now`; there is `customer_id`, `at`, `fraud`";
    assert_eq!(error.to_string(), text);
    let online = |values: &[(&str, Value)]| {
        let request = values.iter().map(|(n, v)| ((*n).to_owned(), v.clone()));
        store.online_with(&service, &1.into(), hour(1), &request.collect())
    };
    let country = ("country_now", Value::Null);
    let cases = [
        (
            vec![],
            "needs the request column `amount_now`; there is none",
        ),
        (
            vec![("amount_now", Value::from("8")), country.clone()],
            "request column `amount_now` of service `fraud` is Utf8, it must be Float64",
        ),
        (
            vec![("amount_now", Value::Int((1 << 53) + 1)), country.clone()],
            "a whole number past 2^53",
        ),
    ];
    for (values, expect) in cases {
        let error = online(&values).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }
    assert!(online(&[("amount_now", Value::Int(8)), country]).is_ok());
    assert!(matches!(
        store.online(&service, &1.into(), hour(1)),
        Err(Error::MissingRequest { .. })
    ));

    let label = builder().request("fraud", DataType::Boolean);
    let label = label.transform("leak", "not fraud").build().unwrap();
    let error = store.join(&label, &spine(false)).unwrap_err().to_string();
    assert!(error.contains("is the label of the spine"), "{error}");
    let wrong = builder()
        .request("amount_now", DataType::Int64)
        .build()
        .unwrap();
    let error = store.join(&wrong, &spine(true)).unwrap_err().to_string();
    assert!(error.contains("is Float64, it must be Int64"), "{error}");
    let taken = builder().transform("fraud", "true").build().unwrap();
    let error = store.join(&taken, &spine(false)).unwrap_err();
    assert!(matches!(error, Error::NameCollision { .. }));
}

#[test]
fn a_training_set_has_what_a_request_answers_and_its_lineage() {
    let (store, service) = (store(), fraud().build().unwrap());
    let set = store.training_set(&service, &spine(true)).unwrap();
    let names: Vec<&str> = set
        .table()
        .schema()
        .columns()
        .iter()
        .map(Column::name)
        .collect();
    assert_eq!(names[..3], ["customer_id", "at", "fraud"]);
    assert_eq!(names[3..], service.names());
    let lineage = set.lineage();
    let digest = |name: &str| lineage.features.get(name).copied().unwrap();
    assert_eq!(digest("mean_1d"), service.transforms()[1].digest());
    assert!(lineage.features.contains_key("amount_sum_1d"));

    let raw = builder().request("amount_now", DataType::Float64);
    let raw = raw.transform("amount", "amount_now").build().unwrap();
    let set = store.training_set(&raw, &spine(true)).unwrap();
    assert!(set.table().column("amount").is_ok());
    assert!(set.table().column("amount_now").is_err());
}

#[test]
fn definitions_that_contradict_themselves_name_the_culprit() {
    let cases = [
        (
            builder()
                .transform("a", "b + 1")
                .transform("b", "c")
                .transform("c", "a"),
            "transform `a` is not valid: it reads itself: a reads b reads c reads a",
        ),
        (
            builder().transform("x", "a").transform("a", "a"),
            "it reads itself: a reads a",
        ),
        (
            builder().transform("a", "amount_sum_2d"),
            "is `amount_sum_1d` meant?",
        ),
        (
            builder().transform("a", "amount_sum_1d + 'x'"),
            "transform `a` is not valid: `+` takes",
        ),
        (builder().transform("a", "1 +"), "breaks at character 4"),
        (
            builder().transform("amount_sum_1d", "1"),
            "`amount_sum_1d` is a feature and also a transform",
        ),
        (
            builder().transform("customer_id", "1"),
            "is a key column and also a transform",
        ),
        (
            builder().transform("a", "1").transform("a", "2"),
            "is a transform and also a transform",
        ),
        (
            builder().request("a", DataType::Int64).transform("a", "2"),
            "is a request column and also",
        ),
        (
            builder().request("a", DataType::Null),
            "a request column cannot be Null",
        ),
        (
            builder().hidden("amount"),
            "feature `amount` is not in service `fraud`",
        ),
        (
            builder()
                .hidden("amount_sum_1d")
                .hidden("amount_count_1d")
                .hidden("country_latest"),
            "service `fraud` has no features",
        ),
        (builder().transform("a b", "1"), "`a b`"),
    ];
    for (builder, expect) in cases {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }
}

#[test]
fn the_digest_follows_every_definition_that_counts() {
    let function = |version| {
        let body = |args: &[Value]| Ok::<_, String>(args[0].clone());
        UserFunction::new("own", version, [DataType::Float64], DataType::Float64, body).unwrap()
    };
    let own = |version| {
        let builder = builder().function(function(version));
        builder
            .transform("a", "own(amount_sum_1d)")
            .transform("b", "a + 1")
    };
    let base = builder().build().unwrap().digest();
    let digests = [
        base,
        builder()
            .transform("a", "amount_sum_1d")
            .build()
            .unwrap()
            .digest(),
        builder()
            .transform("b", "amount_sum_1d")
            .build()
            .unwrap()
            .digest(),
        builder()
            .transform("a", "-amount_sum_1d")
            .build()
            .unwrap()
            .digest(),
        builder()
            .request("a", DataType::Int64)
            .build()
            .unwrap()
            .digest(),
        builder().hidden("amount_sum_1d").build().unwrap().digest(),
        own(1).build().unwrap().digest(),
        own(2).build().unwrap().digest(),
    ];
    for (i, a) in digests.iter().enumerate() {
        for (j, b) in digests.iter().enumerate() {
            assert_eq!(i == j, a == b, "{i} and {j}");
        }
    }
    // a definition further down changes what rests on it
    let chained = |version| own(version).build().unwrap().transforms()[1].digest();
    assert_ne!(chained(1), chained(2));
    let text = builder()
        .transform("a", "amount_sum_1d+ 1")
        .build()
        .unwrap();
    let built = builder()
        .transform("a", col("amount_sum_1d") + 1)
        .build()
        .unwrap();
    assert_eq!(text.digest(), built.digest());
}

#[test]
fn a_row_without_a_value_is_an_error_that_names_transform_and_row() {
    let service = builder().request("n", DataType::Int64);
    let service = service.transform("doubled", "n * 2").build().unwrap();
    let request = [("n".to_owned(), Value::Int(i64::MAX))].into();
    let error = store()
        .online_with(&service, &1.into(), hour(1), &request)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "`doubled` has no value: a product overflows 64 bits"
    );
    let schema = TableSchema::new([
        Column::key("customer_id", DataType::Int64),
        Column::event_time("at"),
        Column::value("n", DataType::Int64),
    ]);
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![1, 1])),
        times(&[1, 2]),
        Arc::new(Int64Array::from(vec![1, i64::MIN])),
    ];
    let spine = Table::new(schema.unwrap(), arrays).unwrap();
    let error = store().join(&service, &spine).unwrap_err().to_string();
    assert_eq!(
        error,
        "`doubled` has no value in row 1: a product overflows 64 bits"
    );
    let empty = spine.filter(&[false, false]).unwrap();
    let joined = store().join(&service, &empty).unwrap();
    assert_eq!(joined.column("doubled").unwrap().len(), 0);
}
