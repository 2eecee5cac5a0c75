//! The join and the online read against a slow, obvious oracle that is written from the rule alone.
//!
//! The oracle scans all events for every spine row. Tables are random and small, with few keys and few
//! instants, so that ties in event time, created time and both are common.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::cast_possible_wrap, reason = "tables of tests are small")]

use std::sync::Arc;

use mlops_core::{
    Column, EntityKey, EventTime, KeyPart, Role, Span, Table, TableSchema, Value,
    arrow::array::{
        ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
    },
};
use mlops_features::{
    Boundary, Cutoff, DataType, Entity, Error, Feature, FeatureService, FeatureStore, FeatureView,
    Function, Status,
};
use proptest::{collection::vec, option, prelude::*};

use crate::exact;

const WORDS: [&str; 4] = ["", "1", "12", "é"];
const FIELDS: [&str; 5] = ["amount", "quantity", "country", "returned", "due"];
const WINDOWS: [i64; 4] = [1, 3, 10, 1_000];

type Key = (Option<usize>, Option<i64>, Option<bool>);

#[derive(Debug, Clone)]
struct Event {
    key: Key,
    time: i64,
    created: Option<i64>,
    amount: Option<f64>,
    quantity: Option<i64>,
    country: Option<usize>,
    returned: Option<bool>,
    due: Option<i64>,
}

#[derive(Debug, Clone)]
struct Setting {
    boundary: Boundary,
    cutoff: Cutoff,
    ttl: Option<i64>,
}

#[derive(Debug, Clone)]
struct Case {
    setting: Setting,
    /// Batches in order of arrival; `true` pushes, `false` ingests.
    batches: Vec<(bool, Vec<Event>)>,
    spine: Vec<(Key, i64)>,
}

impl Case {
    fn events(&self) -> Vec<Event> {
        self.batches
            .iter()
            .flat_map(|(_, events)| events.clone())
            .collect()
    }
}

fn key() -> impl Strategy<Value = Key> {
    let rarely_null = |weight| option::weighted(weight, 0..3_usize);
    (
        rarely_null(0.95),
        option::weighted(0.95, 0..2_i64),
        option::weighted(0.97, any::<bool>()),
    )
}

fn event() -> impl Strategy<Value = Event> {
    let amount = prop_oneof![
        4 => (-1e3..1e3_f64).boxed(),
        4 => prop::sample::select(vec![0.0, -0.0, 0.1, 0.2, 0.3, -1.5]).boxed(),
        1 => prop::sample::select(vec![1e300, f64::INFINITY, f64::NAN]).boxed(),
    ];
    (
        key(),
        0..14_i64,
        option::weighted(0.8, 0..18_i64),
        option::weighted(0.8, amount),
        option::weighted(0.8, -5..5_i64),
        option::weighted(0.8, 0..4_usize),
        option::weighted(0.8, any::<bool>()),
        option::weighted(0.8, 0..9_i64),
    )
        .prop_map(
            |(key, time, created, amount, quantity, country, returned, due)| Event {
                key,
                time,
                created,
                amount,
                quantity,
                country,
                returned,
                due,
            },
        )
}

fn case() -> impl Strategy<Value = Case> {
    let setting = (
        prop::sample::select(vec![Boundary::Inclusive, Boundary::Exclusive]),
        prop::sample::select(vec![Cutoff::EventTime, Cutoff::CreatedTime]),
        option::of(1..15_i64),
    )
        .prop_map(|(boundary, cutoff, ttl)| Setting {
            boundary,
            cutoff,
            ttl,
        });
    let batches = vec((any::<bool>(), vec(event(), 0..40)), 0..5);
    let spine = vec((key(), -2..20_i64), 0..25);
    (setting, batches, spine).prop_map(|(setting, batches, spine)| Case {
        setting,
        batches,
        spine,
    })
}

fn view(setting: &Setting) -> FeatureView {
    let entity = Entity::new(
        "shopper",
        [
            ("shop", DataType::Utf8),
            ("id", DataType::Int64),
            ("vip", DataType::Boolean),
        ],
    );
    let ttl = setting
        .ttl
        .map_or(Span::ZERO, |ttl| Span::from_micros(ttl).unwrap());
    FeatureView::builder("purchase")
        .entity(entity.unwrap())
        .event_time("at")
        .created_time("loaded")
        .ttl(ttl)
        .boundary(setting.boundary)
        .cutoff(setting.cutoff)
        .field("amount", DataType::Float64)
        .field("quantity", DataType::Int64)
        .field("country", DataType::Utf8)
        .field("returned", DataType::Boolean)
        .field("due", EventTime::data_type())
        .build()
        .unwrap()
}

/// Every function of every field that has it, over every window.
fn service(view: &FeatureView) -> FeatureService {
    let mut features = vec![Feature::time_since_last(view).unwrap()];
    for field in FIELDS {
        features.push(Feature::latest(view, field).unwrap());
        for window in WINDOWS {
            let window = Span::from_micros(window).unwrap();
            let aggregates = [
                Feature::sum(view, field),
                Feature::count(view, field),
                Feature::mean(view, field),
                Feature::min(view, field),
                Feature::max(view, field),
                Feature::distinct_count(view, field),
            ];
            features.extend(aggregates.into_iter().filter_map(|a| a.over(window).ok()));
        }
    }
    for window in WINDOWS {
        features.push(
            Feature::events(view)
                .over(Span::from_micros(window).unwrap())
                .unwrap(),
        );
    }
    let service = FeatureService::named("all").unwrap();
    service.features(features).build().unwrap()
}

fn times(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    let column: TimestampMicrosecondArray = values.collect();
    Arc::new(column.with_timezone("UTC"))
}

fn key_arrays<'a>(keys: impl Iterator<Item = &'a Key> + Clone) -> Vec<ArrayRef> {
    vec![
        Arc::new(
            keys.clone()
                .map(|k| k.0.map(|i| WORDS[i]))
                .collect::<StringArray>(),
        ),
        Arc::new(keys.clone().map(|k| k.1).collect::<Int64Array>()),
        Arc::new(keys.map(|k| k.2).collect::<BooleanArray>()),
    ]
}

fn table(view: &FeatureView, events: &[Event]) -> Table {
    let mut columns = key_arrays(events.iter().map(|e| &e.key));
    columns.push(times(events.iter().map(|e| Some(e.time))));
    columns.push(times(events.iter().map(|e| e.created)));
    columns.push(Arc::new(
        events.iter().map(|e| e.amount).collect::<Float64Array>(),
    ));
    columns.push(Arc::new(
        events.iter().map(|e| e.quantity).collect::<Int64Array>(),
    ));
    let country = events.iter().map(|e| e.country.map(|i| WORDS[i]));
    columns.push(Arc::new(country.collect::<StringArray>()));
    columns.push(Arc::new(
        events.iter().map(|e| e.returned).collect::<BooleanArray>(),
    ));
    columns.push(times(events.iter().map(|e| e.due)));
    Table::new(view.schema(), columns).unwrap()
}

fn spine(rows: &[(Key, i64)]) -> Table {
    let schema = TableSchema::new([
        Column::key("shop", DataType::Utf8).nullable(true),
        Column::key("id", DataType::Int64).nullable(true),
        Column::key("vip", DataType::Boolean).nullable(true),
        Column::event_time("asked"),
        Column::new("label", DataType::Int64, Role::Label),
    ]);
    let mut columns = key_arrays(rows.iter().map(|(key, _)| key));
    columns.push(times(rows.iter().map(|(_, at)| Some(*at))));
    columns.push(Arc::new(Int64Array::from_iter_values(0..rows.len() as i64)));
    Table::new(schema.unwrap(), columns).unwrap()
}

fn filled(case: &Case) -> (FeatureStore, FeatureService) {
    let view = view(&case.setting);
    let store = FeatureStore::new();
    store.register(view.clone()).unwrap();
    for (push, events) in &case.batches {
        let table = table(&view, events);
        if *push {
            store.push("purchase", &table).unwrap();
        } else {
            store.ingest("purchase", &table).unwrap();
        }
    }
    (store, service(&view))
}

/// The rule, literally.
fn oracle(feature: &Feature, setting: &Setting, events: &[Event], key: &Key, at: i64) -> Value {
    let inclusive = setting.boundary == Boundary::Inclusive;
    let before = |stamp: i64, limit: i64| {
        if inclusive {
            stamp <= limit
        } else {
            stamp < limit
        }
    };
    let null_key = key.0.is_none() || key.1.is_none() || key.2.is_none();
    let mut seen: Vec<(i64, i64, usize, &Event)> = Vec::new();
    for (arrival, event) in events.iter().enumerate() {
        let known = match setting.cutoff {
            Cutoff::EventTime => true,
            Cutoff::CreatedTime => event.created.is_some_and(|created| before(created, at)),
        };
        if !null_key && event.key == *key && before(event.time, at) && known {
            let created = event.created.unwrap_or(i64::MIN);
            seen.push((event.time, created, arrival, event));
        }
    }
    seen.sort_by_key(|(time, created, arrival, _)| (*time, *created, *arrival));

    let Some(window) = feature.window() else {
        let fresh = |time: i64| setting.ttl.is_none_or(|ttl| time >= at - ttl);
        return match seen.last() {
            Some((time, _, _, event)) if fresh(*time) => match feature.field() {
                Some(field) => value(event, field),
                None => Value::Float((at - time) as f64 / 86_400_000_000.0),
            },
            _ => Value::Null,
        };
    };
    let window = window.micros();
    seen.retain(|(time, ..)| {
        if inclusive {
            at - window < *time && *time <= at
        } else {
            at - window <= *time && *time < at
        }
    });
    let Some(field) = feature.field() else {
        return Value::Int(seen.len() as i64);
    };
    let values: Vec<Value> = seen
        .iter()
        .map(|(.., event)| value(event, field))
        .filter(|value| !value.is_null())
        .collect();
    aggregate(feature.function(), &values)
}

fn value(event: &Event, field: &str) -> Value {
    match field {
        "amount" => event.amount.into(),
        "quantity" => event.quantity.into(),
        "country" => event.country.map(|i| WORDS[i]).into(),
        "returned" => event.returned.into(),
        "due" => event.due.map(EventTime::from_micros).into(),
        _ => unreachable!(),
    }
}

fn aggregate(function: Function, values: &[Value]) -> Value {
    let len = values.len() as i64;
    let floats: Vec<f64> = values.iter().filter_map(Value::as_f64).collect();
    let whole = |value: &Value| match value {
        Value::Int(value) => Some(*value),
        Value::Time(time) => Some(time.micros()),
        _ => None,
    };
    let ints: Option<Vec<i64>> = values.iter().map(whole).collect();
    let is_time = matches!(values.first(), Some(Value::Time(_)));
    let wrap = |value: Option<&i64>| match value {
        Some(value) if is_time => Value::Time(EventTime::from_micros(*value)),
        Some(value) => Value::Int(*value),
        None => Value::Null,
    };
    match (function, &ints) {
        (Function::Count, _) => Value::Int(len),
        (Function::DistinctCount, _) => {
            let mut different: Vec<&Value> = Vec::new();
            for value in values {
                let both_nan = |a: &Value, b: &Value| {
                    a.as_f64().is_some_and(f64::is_nan) && b.as_f64().is_some_and(f64::is_nan)
                };
                if !different
                    .iter()
                    .any(|known| *known == value || both_nan(known, value))
                {
                    different.push(value);
                }
            }
            Value::Int(different.len() as i64)
        }
        _ if len == 0 => Value::Null,
        (Function::Sum, Some(ints)) => Value::Int(ints.iter().sum()),
        (Function::Mean, Some(ints)) => Value::Float(ints.iter().sum::<i64>() as f64 / len as f64),
        (Function::Min, Some(ints)) => wrap(ints.iter().min()),
        (Function::Max, Some(ints)) => wrap(ints.iter().max()),
        (Function::Sum, None) => Value::Float(exact::sum(&floats)),
        (Function::Mean, None) => Value::Float(exact::mean(&floats)),
        (Function::Min | Function::Max, None) => {
            // `-0.0` is less than `0.0`, and NaN is more extreme than any number
            let beats = |a: f64, b: f64| {
                let order = a.total_cmp(&b);
                if function == Function::Min {
                    order.is_lt()
                } else {
                    order.is_gt()
                }
            };
            let pick = |best: f64, next: &f64| {
                if best.is_nan() || next.is_nan() {
                    f64::NAN
                } else if beats(*next, best) {
                    *next
                } else {
                    best
                }
            };
            Value::Float(floats[1..].iter().fold(floats[0], pick))
        }
        _ => unreachable!(),
    }
}

/// Equal bit for bit; one NaN is as good as another.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => {
            a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
        }
        _ => a == b,
    }
}

fn entity_key(key: &Key) -> Option<EntityKey> {
    let parts = [
        KeyPart::from(WORDS[key.0?]),
        KeyPart::from(key.1?),
        KeyPart::from(key.2?),
    ];
    Some(EntityKey::new(parts))
}

fn cell(table: &Table, column: &str, row: usize) -> Value {
    Value::from_array(column, table.column(column).unwrap(), row).unwrap()
}

fn cells(table: &Table, service: &FeatureService) -> Vec<Vec<Value>> {
    let names = service.names();
    (0..table.rows())
        .map(|row| names.iter().map(|name| cell(table, name, row)).collect())
        .collect()
}

fn assert_same(left: &[Vec<Value>], right: &[Vec<Value>]) -> Result<(), TestCaseError> {
    prop_assert_eq!(left.len(), right.len());
    for (row, (left, right)) in left.iter().zip(right).enumerate() {
        for (at, (left, right)) in left.iter().zip(right).enumerate() {
            prop_assert!(
                same(left, right),
                "row {row}, feature {at}: {left:?} and {right:?}"
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn the_join_is_the_rule(case in case()) {
        let (store, service) = filled(&case);
        let events = case.events();
        let joined = store.join(&service, &spine(&case.spine)).unwrap();
        prop_assert_eq!(joined.rows(), case.spine.len());
        for (row, (key, at)) in case.spine.iter().enumerate() {
            prop_assert_eq!(cell(&joined, "label", row), Value::Int(row as i64));
            for feature in service.features() {
                let found = cell(&joined, feature.name().as_str(), row);
                let expected = oracle(feature, &case.setting, &events, key, *at);
                prop_assert!(
                    same(&found, &expected),
                    "{} of {key:?} at {at}: {found:?}, the rule says {expected:?}", feature.name(),
                );
            }
        }
    }

    #[test]
    fn online_is_the_join_bit_for_bit(case in case()) {
        let (store, service) = filled(&case);
        let joined = cells(&store.join(&service, &spine(&case.spine)).unwrap(), &service);
        for (row, (key, at)) in case.spine.iter().enumerate() {
            let Some(key) = entity_key(key) else { continue };
            let online = store.online(&service, &key, EventTime::from_micros(*at)).unwrap();
            for (i, (_, value)) in online.values.iter().enumerate() {
                prop_assert!(same(value, &joined[row][i]), "{value:?} and {:?}", joined[row][i]);
                let present = online.statuses[i] == Status::Present;
                let counts = !service.features()[i].is_nullable();
                prop_assert!(counts || present != value.is_null());
                prop_assert!(online.event_times[i].is_none_or(|time| time.micros() <= *at));
            }
        }
    }

    #[test]
    fn the_future_changes_nothing(case in case(), future in vec(event(), 1..30)) {
        let (store, service) = filled(&case);
        let questions = spine(&case.spine);
        let before = cells(&store.join(&service, &questions).unwrap(), &service);
        let horizon = case.spine.iter().map(|(_, at)| *at).max().unwrap_or(0);
        let later = |i: usize, mut event: Event| {
            // known at once, or of the past and known too late where that is looked at
            let hidden = case.setting.cutoff == Cutoff::CreatedTime && i.is_multiple_of(2);
            event.created = Some(horizon + 1 + i as i64);
            if !hidden {
                event.time += horizon + 1;
                event.created = Some(0);
            }
            event
        };
        let future: Vec<Event> = future.into_iter().enumerate().map(|(i, e)| later(i, e)).collect();
        store.push("purchase", &table(&view(&case.setting), &future)).unwrap();
        assert_same(&cells(&store.join(&service, &questions).unwrap(), &service), &before)?;

        // the same, with whatever was already there after the last question moved and changed
        let mut changed = case.clone();
        for event in changed.batches.iter_mut().flat_map(|(_, events)| events) {
            if event.time > horizon {
                event.time += 7;
                event.quantity = Some(4);
                event.amount = None;
            }
        }
        let (store, _) = filled(&changed);
        assert_same(&cells(&store.join(&service, &questions).unwrap(), &service), &before)?;
    }

    #[test]
    fn how_rows_arrive_shows_in_nothing_but_full_ties(case in case(), seed in any::<u64>()) {
        let (store, service) = filled(&case);
        let whole = Case { batches: vec![(false, case.events())], ..case.clone() };
        let (at_once, _) = filled(&whole);
        prop_assert_eq!(store.lineage(&service).unwrap(), at_once.lineage(&service).unwrap());

        let mut distinct = case.events();
        distinct.sort_by_key(|e| (e.key, e.time, e.created));
        distinct.dedup_by_key(|e| (e.key, e.time, e.created));
        let one_by_one = |events: &[Event]| {
            let batches = events.iter().map(|event| (true, vec![event.clone()])).collect();
            filled(&Case { batches, ..case.clone() }).0.lineage(&service).unwrap()
        };
        let sorted = one_by_one(&distinct);
        let mut rng = mlops_core::Seed(seed).rng();
        rng.shuffle(&mut distinct);
        prop_assert_eq!(one_by_one(&distinct), sorted);
    }
}

#[test]
fn a_sum_that_does_not_fit_is_an_error_and_not_a_number() {
    let setting = Setting {
        boundary: Boundary::Inclusive,
        cutoff: Cutoff::EventTime,
        ttl: None,
    };
    let event = |time: i64, quantity: i64| Event {
        key: (Some(1), Some(1), Some(true)),
        time,
        created: None,
        amount: None,
        quantity: Some(quantity),
        country: None,
        returned: None,
        due: None,
    };
    let events = vec![event(0, i64::MAX), event(1, 1), event(2, -1)];
    let case = Case {
        setting,
        batches: vec![(false, events)],
        spine: vec![],
    };
    let (store, _) = filled(&case);
    let sum = Feature::sum(&view(&case.setting), "quantity").over(Span::from_micros(9).unwrap());
    let service = FeatureService::named("s")
        .unwrap()
        .feature(sum)
        .build()
        .unwrap();
    let key = entity_key(&(Some(1), Some(1), Some(true))).unwrap();
    let at = |at| store.online(&service, &key, EventTime::from_micros(at));
    assert_eq!(at(0).unwrap().values[0].1, Value::Int(i64::MAX));
    assert!(
        matches!(at(1), Err(Error::SumOverflow { feature, .. }) if feature == "quantity_sum_9us")
    );
    assert_eq!(
        at(2).unwrap().values[0].1,
        Value::Int(i64::MAX),
        "only the result must fit"
    );
}
