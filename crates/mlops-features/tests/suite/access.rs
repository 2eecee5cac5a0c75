//! Column grants: whatever the policy, no value of a column that is not granted ever shows.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use mlops_core::{
    Column, ErrorKind, EventTime, Masking, Principal, Role, Span, Table, TableSchema, Value,
};
use mlops_features::{
    AccessPolicy, DataType, Entity, EntityKey, Error, Feature, FeatureService, FeatureStore,
    FeatureView, Filter, Guard, GuardedStore, Personal, Result, SecretKey, Status, days,
};
use proptest::prelude::*;

const ROWS: i64 = 12;
const FIELDS: [&str; 4] = ["amount", "units", "phone", "note"];

fn ada() -> Principal {
    Principal::new("ada").unwrap()
}

fn build(name: &str, personal: &[&str]) -> FeatureView {
    let customer = Entity::new("customer", [("customer_id", DataType::Int64)]).unwrap();
    let types = [
        DataType::Float64,
        DataType::Int64,
        DataType::Utf8,
        DataType::Utf8,
    ];
    let builder = FeatureView::builder(name).entity(customer).event_time("at");
    let fields = FIELDS.iter().zip(types);
    let builder = fields.fold(builder, |builder, (field, data_type)| {
        let builder = builder.field(*field, data_type);
        if personal.contains(field) {
            builder.pii()
        } else {
            builder
        }
    });
    builder.build().unwrap()
}

/// Events of three customers whose values all depend on the seed, nulls apart.
fn events(view: &FeatureView, seed: i64) -> Table {
    let n = ROWS;
    let some = |i: i64| i % 4 != 3;
    let text = |word: &str| -> StringArray {
        (0..n)
            .map(|i| some(i).then(|| format!("{word} {seed} {i}")))
            .collect()
    };
    let amounts = (0..n).map(|i| some(i).then_some((seed * 1_000 + i) as f64));
    let units = (0..n).map(|i| some(i).then_some(seed * 7_000 + i));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values((0..n).map(|i| i % 3))),
        Arc::new(TimestampMicrosecondArray::from_iter_values(0..n).with_timezone("UTC")),
        Arc::new(amounts.collect::<Float64Array>()),
        Arc::new(units.collect::<Int64Array>()),
        Arc::new(text("phone")),
        Arc::new(text("note")),
    ];
    Table::new(view.schema(), columns).unwrap()
}

fn spine() -> Table {
    let schema = TableSchema::new([
        Column::key("customer_id", DataType::Int64).nullable(true),
        Column::event_time("event_timestamp"),
        Column::new("label", DataType::Boolean, Role::Label),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![
            Some(0),
            Some(1),
            None,
            Some(2),
            Some(9),
        ])),
        Arc::new(TimestampMicrosecondArray::from(vec![5, 11, 3, 0, 8]).with_timezone("UTC")),
        Arc::new(BooleanArray::from(vec![true, false, true, false, true])),
    ];
    Table::new(schema.unwrap(), columns).unwrap()
}

fn store(view: &FeatureView, seed: i64) -> FeatureStore {
    let store = FeatureStore::new();
    store.register(view.clone()).unwrap();
    store
        .ingest(view.name().as_str(), &events(view, seed))
        .unwrap();
    store
}

fn service(features: impl IntoIterator<Item = Result<Feature>>) -> FeatureService {
    let service = FeatureService::named("s").unwrap();
    service.features(features).build().unwrap()
}

fn guarded(store: &FeatureStore, policy: AccessPolicy) -> GuardedStore {
    store.guarded(Guard::new(Arc::new(policy), ada()))
}

fn analyst(columns: &[&str]) -> AccessPolicy {
    let policy = AccessPolicy::new().member("analyst", ada());
    policy.grant("analyst", "purchase", columns.iter().copied())
}

#[test]
fn a_refusal_names_who_which_view_and_which_column() {
    let view = build("purchase", &["phone"]);
    let store = store(&view, 1);
    let check = |policy: AccessPolicy, feature: Result<Feature>, expect: &str| {
        let store = guarded(&store, policy);
        let service = service([feature]);
        let text = format!("`ada` may not read {expect}");
        let online = store.online(&service, &0.into(), EventTime::from_micros(9));
        for error in [
            store.join(&service, &spine()).unwrap_err(),
            store.training_set(&service, &spine()).unwrap_err(),
            online.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Denied);
            assert_eq!(error.to_string(), text);
        }
    };
    let none = "no role of theirs has it";
    let latest = |field| Feature::latest(&view, field);
    let of = |column: &str, why: &str| format!("`{column}` of feature view `purchase`: {why}");
    check(AccessPolicy::new(), latest("amount"), &of("amount", none));
    check(
        AccessPolicy::new(),
        Feature::time_since_last(&view),
        &of("at", none),
    );
    check(analyst(&["units"]), latest("amount"), &of("amount", none));
    let sum = Feature::sum(&view, "amount").over(days(1));
    check(analyst(&["units", "phone"]), sum, &of("amount", none));
    check(analyst(&["phone"]), latest("phone"), &of("phone", none));
    let masked = |masking| analyst(&["phone"]).personal("analyst", Personal::Masked(masking));
    let distinct = || Feature::distinct_count(&view, "phone").over(days(1));
    let only = "it is masked for them, and only its latest value can be";
    check(masked(Masking::Redact), distinct(), &of("phone", only));
    let no_key = "it is shown to them as a hash, and no key for that was given";
    check(masked(Masking::Hash), latest("phone"), &of("phone", no_key));
    let elsewhere = AccessPolicy::new().member("analyst", ada());
    let elsewhere = elsewhere.grant_all("analyst", "visit");
    check(elsewhere, latest("units"), &of("units", none));
}

#[test]
fn masked_values_are_null_redacted_or_hashed() {
    let view = build("purchase", &["phone", "units"]);
    let store = store(&view, 1);
    let columns = ["phone", "units", "amount"];
    let service = service(columns.map(|field| Feature::latest(&view, field)));
    let key = |byte: u8| Arc::new(SecretKey::new([byte; 32]));
    let read = |personal: Personal, byte: u8| {
        let policy = analyst(&columns).personal("analyst", personal);
        let guard = Guard::new(Arc::new(policy), ada()).hash_key(key(byte));
        let store = store.guarded(guard);
        let table = store.join(&service, &spine()).unwrap();
        let online = store
            .online(&service, &0.into(), EventTime::from_micros(5))
            .unwrap();
        for (i, name) in columns.iter().enumerate() {
            let column = table.column(&format!("{name}_latest")).unwrap();
            let first = Value::from_array(name, column, 0).unwrap();
            assert_eq!(online.values[i].1, first, "{name}");
        }
        (table, online)
    };
    let (shown, _) = read(Personal::Shown, 1);
    let plain = shown.column("phone_latest").unwrap();
    assert_eq!(plain.as_string::<i32>().value(1), "phone 1 10");

    let (nulls, online) = read(Personal::Masked(Masking::Null), 1);
    let column = nulls.column("units_latest").unwrap();
    assert_eq!(
        (column.data_type(), column.null_count()),
        (&DataType::Int64, 5)
    );
    assert_eq!(online.statuses, [Status::Null, Status::Null, Status::Null]);
    let amount = |table: &Table| table.column("amount_latest").unwrap().clone();
    assert_eq!(&amount(&nulls), &amount(&shown));

    let (redacted, _) = read(Personal::Masked(Masking::Redact), 1);
    let texts = redacted.column("units_latest").unwrap().as_string::<i32>();
    let texts: Vec<Option<&str>> = texts.iter().collect();
    assert_eq!(texts, [None, Some("redacted"), None, None, None]);

    let (hashed, _) = read(Personal::Masked(Masking::Hash), 1);
    let (again, _) = read(Personal::Masked(Masking::Hash), 1);
    let (other, _) = read(Personal::Masked(Masking::Hash), 2);
    let hash = |table: &Table| {
        table
            .column("phone_latest")
            .unwrap()
            .as_string::<i32>()
            .value(1)
            .to_owned()
    };
    assert_eq!((hash(&hashed), hash(&hashed).len()), (hash(&again), 64));
    assert_ne!(hash(&hashed), hash(&other));
}

#[test]
fn what_a_transform_makes_of_a_masked_column_is_refused() {
    let view = build("purchase", &["phone"]);
    let store = store(&view, 1);
    let service = |expr: &str| {
        let service = FeatureService::named("s").unwrap();
        service
            .feature(Feature::latest(&view, "phone"))
            .feature(Feature::latest(&view, "amount"))
            .transform("inner", expr)
            .transform("outer", "inner")
            .hidden("inner")
            .build()
            .unwrap()
    };
    let policy = analyst(&["phone", "amount"]);
    let masked = policy.personal("analyst", Personal::Masked(Masking::Redact));
    let guarded = guarded(&store, masked);
    let error = guarded
        .join(&service("lower(phone_latest)"), &spine())
        .unwrap_err();
    let why = "it is masked for them, and a transform of the service could show it";
    assert_eq!(
        error.to_string(),
        format!("`ada` may not read `phone` of feature view `purchase`: {why}")
    );
    let allowed = service("amount_latest + 1.0");
    let table = guarded.join(&allowed, &spine()).unwrap();
    let phone = table.column("phone_latest").unwrap().as_string::<i32>();
    assert_eq!(phone.value(1), "redacted");
    assert!(table.column("outer").is_ok());
    let keys = [EntityKey::from(0), EntityKey::from(1)];
    let rows = guarded
        .online_batch(&allowed, &keys, EventTime::from_micros(11))
        .unwrap();
    assert_eq!(rows[1].get("phone_latest"), Some(&Value::from("redacted")));
    let online = guarded
        .online(&allowed, &keys[1], EventTime::from_micros(11))
        .unwrap();
    assert_eq!(online.get("phone_latest"), Some(&Value::from("redacted")));
    assert_eq!(online.get("outer"), Some(&Value::Float(1_011.0)));
}

#[test]
fn a_filter_and_a_category_read_their_column_too() {
    let view = build("purchase", &[]);
    let store = guarded(&store(&view, 1), analyst(&["amount"]));
    let features = [
        Feature::events(&view).only(Filter::field("note").equals("x")),
        Feature::events(&view).by("note", 5),
        Feature::sum(&view, "amount").per(Feature::sum(&view, "units")),
    ];
    for feature in features {
        let error = store.join(&service([feature.over(days(1))]), &spine());
        assert!(matches!(error, Err(Error::AccessDenied { .. })));
    }
    let own = Feature::events(&view).only(Filter::field("amount").is_above(1.0));
    assert!(store.join(&service([own.over(days(1))]), &spine()).is_ok());
}

#[test]
fn which_columns_are_personal_is_not_for_the_caller_to_say() {
    let registered = build("purchase", &["phone"]);
    let store = store(&registered, 1);
    let own = build("purchase", &[]);
    assert_eq!(own, registered, "the same values, so the same definition");
    let store = guarded(&store, analyst(&["phone"]));
    let error = store.join(&service([Feature::latest(&own, "phone")]), &spine());
    assert!(matches!(error, Err(Error::AccessDenied { .. })));
}

#[test]
fn a_mark_of_personal_data_counts_from_its_registration_on() {
    let store = store(&build("purchase", &[]), 1);
    let view = build("purchase", &["phone"]);
    let service = service([Feature::latest(&view, "phone")]);
    let guarded = guarded(&store, analyst(&["phone"]));
    assert!(guarded.join(&service, &spine()).is_ok());
    store.register(view).unwrap();
    assert!(guarded.join(&service, &spine()).is_err());
    assert_eq!(store.rows("purchase").unwrap(), 12);
}

#[test]
fn what_is_not_granted_is_not_listed_either() {
    let view = build("purchase", &["phone"]);
    let store = store(&view, 1);
    store.register(build("payroll", &[])).unwrap();
    let guarded = guarded(&store, analyst(&["amount", "phone"]));
    let columns = ["customer_id", "at", "amount"].map(str::to_owned);
    assert_eq!(guarded.views(), [("purchase".to_owned(), columns.to_vec())]);
    // a granted view that is not registered: the error lists no view that is not granted
    let policy = analyst(&["amount"]).grant_all("analyst", "visit");
    let other = service([Feature::latest(&build("visit", &[]), "amount")]);
    let error = store
        .guarded(Guard::new(Arc::new(policy), ada()))
        .join(&other, &spine());
    let text = error.unwrap_err().to_string();
    assert_eq!(
        text,
        "feature view `visit` is not registered; there is `purchase`"
    );
}

#[test]
fn the_digest_of_a_view_is_for_who_may_see_all_of_it() {
    let view = build("purchase", &[]);
    let store = store(&view, 1);
    let service = service([Feature::latest(&view, "amount")]);
    let data = |policy: AccessPolicy| {
        let set = guarded(&store, policy)
            .training_set(&service, &spine())
            .unwrap();
        set.lineage().data.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(data(analyst(&["amount"])), ["@spine"]);
    assert_eq!(data(analyst(&FIELDS)), ["@spine", "purchase"]);
}

fn any_personal() -> impl Strategy<Value = Personal> {
    prop_oneof![
        Just(Personal::Refused),
        Just(Personal::Shown),
        Just(Personal::Masked(Masking::Null)),
        Just(Personal::Masked(Masking::Redact)),
        Just(Personal::Masked(Masking::Hash)),
    ]
}

fn any_policy() -> impl Strategy<Value = AccessPolicy> {
    let columns = proptest::sample::subsequence(FIELDS.to_vec(), 0..=4);
    let role = (any::<bool>(), columns, 0..4_u8, any_personal());
    proptest::collection::vec(role, 0..3).prop_map(|roles| {
        let mut policy = AccessPolicy::new();
        for (i, (member, columns, wild, personal)) in roles.into_iter().enumerate() {
            let role = format!("role{i}");
            policy = policy
                .grant(&role, "purchase", columns)
                .personal(&role, personal);
            policy = match wild {
                0 => policy.grant_all(&role, "purchase"),
                1 => policy.grant_all(&role, "*"),
                _ => policy,
            };
            if member {
                policy = policy.member(&role, ada());
            }
        }
        policy
    })
}

fn feature(view: &FeatureView, (field, function): (usize, usize)) -> Result<Feature> {
    let name = FIELDS[field];
    let window = Span::from_micros(6).unwrap();
    match function {
        0 => Feature::latest(view, name),
        1 => Feature::count(view, name).over(window),
        2 => Feature::distinct_count(view, name).over(window),
        3 => Feature::sum(view, name).over(window),
        4 => Feature::max(view, name).over(window),
        5 => Feature::events(view).over(window),
        _ => Feature::time_since_last(view),
    }
}

/// Whether a policy lets `ada` see the values of a field as they are, reckoned the slow way.
fn shows(policy: &AccessPolicy, field: &str, personal: bool) -> bool {
    let json = serde_json::to_value(policy).unwrap();
    let roles = json["roles"].as_object().unwrap().values();
    roles.into_iter().any(|role| {
        let member = role["members"].as_array().unwrap().contains(&"ada".into());
        let granted = role["views"].as_object().unwrap().values().any(|columns| {
            *columns == "*"
                || columns
                    .as_array()
                    .is_some_and(|c| c.contains(&field.into()))
        });
        member && granted && (!personal || role["personal"] == "shown")
    })
}

/// All that the principal can get hold of, as text.
fn everything(store: &GuardedStore, service: &FeatureService) -> String {
    let mut seen = vec![format!("{:?}", store.views())];
    seen.push(match store.join(service, &spine()) {
        Ok(table) => format!("{:?} {}", table.batch().columns(), table.digest()),
        Err(error) => format!("{error} {error:?}"),
    });
    seen.push(match store.training_set(service, &spine()) {
        Ok(set) => format!("{:?} {}", set.lineage(), set.digest()),
        Err(error) => format!("{error:?}"),
    });
    for at in [0, 4, 11] {
        let online = store.online(service, &EntityKey::from(1), EventTime::from_micros(at));
        seen.push(format!("{online:?}"));
    }
    seen.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Two stores that differ in the values of what is not granted, and in nothing else, look the same.
    #[test]
    fn values_that_are_not_granted_change_nothing_that_is_seen(
        policy in any_policy(),
        personal in proptest::sample::subsequence(FIELDS.to_vec(), 0..=4),
    ) {
        let view = build("purchase", &personal);
        let hidden: Vec<&str> = FIELDS
            .into_iter()
            .filter(|field| !shows(&policy, field, personal.contains(field)))
            .collect();
        let one = events(&view, 1);
        let two = events(&view, 2);
        let columns = one.schema().columns().iter().zip(one.batch().columns());
        let mixed = columns.map(|(column, array)| {
            let other = hidden.contains(&column.name());
            if other { two.column(column.name()).unwrap() } else { array }.clone()
        });
        let mixed = Table::new(view.schema(), mixed.collect()).unwrap();
        let stores = [one, mixed].map(|table| {
            let store = FeatureStore::new();
            store.register(view.clone()).unwrap();
            store.ingest("purchase", &table).unwrap();
            guarded(&store, policy.clone())
        });
        for field in 0..FIELDS.len() {
            for function in 0..7 {
                let Ok(feature) = feature(&view, (field, function)) else { continue };
                let service = service([Ok(feature)]);
                let seen = stores.each_ref().map(|store| everything(store, &service));
                prop_assert_eq!(&seen[0], &seen[1]);
                // hidden texts say so themselves
                for field in hidden.iter().filter(|f| ["phone", "note"].contains(*f)) {
                    prop_assert!(!seen[0].contains(&format!("{field} 1 ")), "{}", &seen[0]);
                }
            }
        }
    }
}
