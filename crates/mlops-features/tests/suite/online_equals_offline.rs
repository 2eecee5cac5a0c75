//! Random streams of events, late, out of order and repeated, through pushes and materialisations in any
//! order: at random instants every online value is, to the bit, what the offline join gives for that
//! instant, or says that it is not known. A slow scan of all events answers the same where its sums are exact.
//!
//! Memory and SQLite always run; Redis runs where a server answers on `REDIS_URL` or 127.0.0.1:6379.

#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::cast_possible_wrap, reason = "tables of tests are small")]

use crate::support;

use std::{collections::BTreeMap, sync::Arc};

use mlops_core::{
    Column, EntityKey, EventTime, KeyPart, ManualClock, Role, Span, Table, TableSchema, Value,
    arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray},
};
use mlops_features::{
    Boundary, Cutoff, DataType, Durability, Entity, Error, Feature, FeatureService, FeatureStore,
    FeatureView, Materialize, PushOptions, Status, Target,
    online::{MemoryStore, OnlineStore, SqliteStore, SqliteSync},
};
use proptest::{collection::vec, option, prelude::*};

const WORDS: [&str; 4] = ["", "1", "12", "é"];
const WINDOWS: [i64; 2] = [2, 7];
/// The last instant at which anything happens.
const END: i64 = 24;

#[derive(Debug, Clone)]
struct Event {
    shop: usize,
    id: i64,
    time: i64,
    created: Option<i64>,
    /// Quarters: sums of them are exact in any order.
    amount: Option<i64>,
    noise: Option<f64>,
    country: Option<usize>,
    due: Option<i64>,
}

#[derive(Debug, Clone)]
enum Step {
    Push(usize, Target, Vec<Event>),
    Ingest(usize, Vec<Event>),
    Range(usize, i64, i64),
    Incremental(usize, i64, Option<i64>),
    /// Everything again from the directory, as after the end of the process.
    Reopen,
    Compact,
    Read(i64),
}

#[derive(Debug, Clone)]
struct Case {
    boundary: Boundary,
    cutoff: Cutoff,
    ttl: Option<i64>,
    keep: i64,
    /// The longest window: with a short one rows are dropped.
    longest: i64,
    steps: Vec<Step>,
}

fn event() -> impl Strategy<Value = Event> {
    let noise = prop_oneof![
        6 => -1e3..1e3_f64,
        2 => prop::sample::select(vec![0.0, -0.0, 0.1, 1e16, -1e16, 1e300]),
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, -1e300]),
    ];
    (
        0..WORDS.len(),
        0..2_i64,
        0..END,
        option::weighted(0.8, 0..END + 4),
        option::weighted(0.8, -40..40_i64),
        option::weighted(0.8, noise),
        option::weighted(0.8, 0..WORDS.len()),
        option::weighted(0.8, 0..9_i64),
    )
        .prop_map(
            |(shop, id, time, created, amount, noise, country, due)| Event {
                shop,
                id,
                time,
                created,
                amount,
                noise,
                country,
                due,
            },
        )
}

fn step() -> impl Strategy<Value = Step> {
    let events = || vec(event(), 0..12);
    let target = prop::sample::select(vec![Target::Both, Target::Both, Target::Offline]);
    prop_oneof![
        6 => (0..2_usize, target, events()).prop_map(|(v, t, e)| Step::Push(v, t, e)),
        2 => (0..2_usize, events()).prop_map(|(v, e)| Step::Ingest(v, e)),
        2 => (0..2_usize, -1..END, 0..END).prop_map(|(v, s, l)| Step::Range(v, s, s + l)),
        4 => (0..2_usize, 0..END + 6, option::weighted(0.3, 0..9_i64))
            .prop_map(|(v, e, l)| Step::Incremental(v, e, l)),
        1 => Just(Step::Reopen),
        1 => Just(Step::Compact),
        3 => (-2..END + 6).prop_map(Step::Read),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    (
        prop::sample::select(vec![Boundary::Inclusive, Boundary::Exclusive]),
        prop::sample::select(vec![Cutoff::EventTime, Cutoff::CreatedTime]),
        option::of(1..15_i64),
        prop::sample::select(vec![0, 3, 10_000]),
        prop::sample::select(vec![9, 1_000]),
        vec(step(), 1..14),
    )
        .prop_map(|(boundary, cutoff, ttl, keep, longest, steps)| Case {
            boundary,
            cutoff,
            ttl,
            keep,
            longest,
            steps,
        })
}

fn span(micros: i64) -> Span {
    Span::from_micros(micros).unwrap()
}

fn at(micros: i64) -> EventTime {
    EventTime::from_micros(micros)
}

/// One view with a composite key and created times, one with a single key and without.
fn views(case: &Case) -> [FeatureView; 2] {
    let builder = |name: &str, keys: &[(&str, DataType)]| {
        FeatureView::builder(name)
            .entity(Entity::new("e", keys.iter().cloned()).unwrap())
            .event_time("at")
            .ttl(case.ttl.map_or(Span::ZERO, span))
            .boundary(case.boundary)
            .field("amount", DataType::Float64)
            .field("noise", DataType::Float64)
            .field("country", DataType::Utf8)
            .field("due", EventTime::data_type())
    };
    [
        builder(
            "purchase",
            &[("shop", DataType::Utf8), ("id", DataType::Int64)],
        )
        .created_time("loaded")
        .cutoff(case.cutoff)
        .build()
        .unwrap(),
        builder("visit", &[("id", DataType::Int64)])
            .build()
            .unwrap(),
    ]
}

fn service(case: &Case, views: &[FeatureView]) -> FeatureService {
    let windows = || WINDOWS.into_iter().chain([case.longest]).map(span);
    let mut features = Vec::new();
    for view in views {
        features.push(Feature::time_since_last(view).unwrap());
        for field in ["amount", "noise", "country", "due"] {
            features.push(Feature::latest(view, field).unwrap());
            for window in windows() {
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
        let events = windows().map(|window| Feature::events(view).over(window).unwrap());
        features.extend(events);
    }
    let service = FeatureService::named("all").unwrap().features(features);
    service.full_names().build().unwrap()
}

fn times(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    let column: TimestampMicrosecondArray = values.collect();
    Arc::new(column.with_timezone("UTC"))
}

fn table(view: &FeatureView, events: &[Event]) -> Table {
    let schema = view.schema();
    let columns = schema.columns().iter().map(|column| -> ArrayRef {
        let events = events.iter();
        match column.name() {
            "shop" => Arc::new(events.map(|e| Some(WORDS[e.shop])).collect::<StringArray>()),
            "id" => Arc::new(events.map(|e| Some(e.id)).collect::<Int64Array>()),
            "at" => times(events.map(|e| Some(e.time))),
            "loaded" => times(events.map(|e| e.created)),
            "due" => times(events.map(|e| e.due)),
            "amount" => Arc::new(
                events
                    .map(|e| e.amount.map(|a| a as f64 / 4.0))
                    .collect::<Float64Array>(),
            ),
            "noise" => Arc::new(events.map(|e| e.noise).collect::<Float64Array>()),
            _ => Arc::new(
                events
                    .map(|e| e.country.map(|c| WORDS[c]))
                    .collect::<StringArray>(),
            ),
        }
    });
    let columns = columns.collect();
    Table::new(schema, columns).unwrap()
}

/// All keys that there can be, and one that nobody has.
fn keys() -> Vec<EntityKey> {
    let shops = WORDS.iter().chain(&["nobody"]);
    let mut keys: Vec<EntityKey> = shops
        .flat_map(|shop| (0..2).map(|id| EntityKey::new([KeyPart::from(*shop), KeyPart::Int(id)])))
        .collect();
    keys.push(keys[0].clone());
    keys
}

/// The offline join for all keys at one instant.
fn offline(store: &FeatureStore, service: &FeatureService, instant: i64) -> Vec<Vec<Value>> {
    let keys = keys();
    let part = |at: usize| keys.iter().map(move |key| key.parts()[at].to_value());
    let shops: StringArray = part(0).map(|v| v.as_str().map(ToOwned::to_owned)).collect();
    let ids: Int64Array = part(1)
        .map(|v| match v {
            Value::Int(id) => Some(id),
            _ => None,
        })
        .collect();
    let schema = TableSchema::new([
        Column::key("shop", DataType::Utf8),
        Column::key("id", DataType::Int64),
        Column::new("when", EventTime::data_type(), Role::EventTime),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(shops),
        Arc::new(ids),
        times(keys.iter().map(|_| Some(instant))),
    ];
    let spine = Table::new(schema.unwrap(), columns).unwrap();
    let joined = store.join(service, &spine).unwrap();
    let names = service.names();
    (0..keys.len())
        .map(|row| {
            let value =
                |name: &&str| Value::from_array(name, joined.column(name).unwrap(), row).unwrap();
            names.iter().map(value).collect()
        })
        .collect()
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

/// The store under test on one backend, with what is needed to open it again.
struct Subject {
    name: &'static str,
    dir: tempfile::TempDir,
    /// `None` is memory, which is new after a restart.
    durable: Option<Arc<dyn OnlineStore>>,
    store: Option<FeatureStore>,
    clock: Arc<ManualClock>,
}

impl Subject {
    fn new(name: &'static str, case: &Case, service: &FeatureService) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let durable: Option<Arc<dyn OnlineStore>> = match name {
            "memory" => None,
            "SQLite" => {
                let path = dir.path().join("online.db");
                Some(Arc::new(
                    SqliteStore::open(path, SqliteSync::Normal).unwrap(),
                ))
            }
            _ => support::redis(),
        };
        let mut subject = Self {
            name,
            dir,
            durable,
            store: None,
            clock: Arc::new(ManualClock::new(at(END))),
        };
        subject.open(case, service);
        subject
    }

    fn open(&mut self, case: &Case, service: &FeatureService) {
        self.store = None;
        let online = self
            .durable
            .clone()
            .unwrap_or_else(|| Arc::new(MemoryStore::new()));
        let store = FeatureStore::builder()
            .directory(self.dir.path().join("store"))
            .durability(Durability::Process)
            .clock(Arc::<ManualClock>::clone(&self.clock))
            .online(online)
            .keep(span(case.keep))
            .serving(service)
            .build()
            .unwrap();
        for view in views(case) {
            store.register(view).unwrap();
        }
        self.store = Some(store);
    }

    fn store(&self) -> &FeatureStore {
        self.store.as_ref().unwrap()
    }
}

/// A scan of all events of one view, in order of arrival, for one feature that its sums are exact for.
fn naive(case: &Case, events: &[Event], feature: &Feature, key: &EntityKey, instant: i64) -> Value {
    let composite = feature.view().name().as_str() == "purchase";
    let sees = |time: i64, at: i64| match case.boundary {
        Boundary::Inclusive => time <= at,
        Boundary::Exclusive => time < at,
    };
    let mine = |e: &&Event| {
        let id = KeyPart::Int(e.id) == key.parts()[1];
        id && (!composite || KeyPart::from(WORDS[e.shop]) == key.parts()[0])
    };
    let known = |e: &&Event| {
        !composite
            || case.cutoff == Cutoff::EventTime
            || e.created.is_some_and(|created| sees(created, instant))
    };
    let created = |e: &Event| if composite { e.created } else { None };
    let mut seen: Vec<&Event> = events
        .iter()
        .filter(mine)
        .filter(known)
        .filter(|e| sees(e.time, instant))
        .collect();
    seen.sort_by_key(|e| (e.time, created(e))); // stable: arrival decides ties
    let quarters = |e: &&&Event| e.amount.is_some();
    let amount = |e: &Event| {
        e.amount
            .map_or(Value::Null, |a| Value::Float(a as f64 / 4.0))
    };
    match feature.window() {
        None => {
            let Some(newest) = seen.last() else {
                return Value::Null;
            };
            if case.ttl.is_some_and(|ttl| newest.time < instant - ttl) {
                return Value::Null;
            }
            match feature.field() {
                None => Value::Float((instant - newest.time) as f64 / 86_400e6),
                Some("amount") => amount(newest),
                Some("country") => newest.country.map_or(Value::Null, |c| WORDS[c].into()),
                _ => newest.due.map_or(Value::Null, |d| Value::Time(at(d))),
            }
        }
        Some(window) => {
            let edge = instant - window.micros();
            let inside: Vec<&Event> = seen.into_iter().filter(|e| !sees(e.time, edge)).collect();
            let values: Vec<i64> = inside
                .iter()
                .filter(quarters)
                .filter_map(|e| e.amount)
                .collect();
            let real = |value: Option<f64>| value.map_or(Value::Null, |v| Value::Float(v / 4.0));
            let some = !values.is_empty();
            let sum = values.iter().sum::<i64>() as f64;
            match (feature.function().name(), feature.field()) {
                ("count", None) => Value::Int(inside.len() as i64),
                ("count", Some("amount")) => Value::Int(values.len() as i64),
                ("sum", Some("amount")) => real(some.then_some(sum)),
                ("mean", Some("amount")) => {
                    let mean = (sum / 4.0) / values.len() as f64;
                    if some {
                        Value::Float(mean)
                    } else {
                        Value::Null
                    }
                }
                ("min", Some("amount")) => real(values.iter().min().map(|v| *v as f64)),
                ("max", Some("amount")) => real(values.iter().max().map(|v| *v as f64)),
                ("distinct_count", Some("country")) => {
                    let words: std::collections::BTreeSet<_> =
                        inside.iter().filter_map(|e| e.country).collect();
                    Value::Int(words.len() as i64)
                }
                _ => unreachable!("{feature:?}"),
            }
        }
    }
}

/// Whether the scan above can say what a feature is.
fn naive_knows(feature: &Feature) -> bool {
    match (feature.window(), feature.function().name(), feature.field()) {
        (None, _, field) => field != Some("noise"),
        (Some(_), "count", None) | (Some(_), "distinct_count", Some("country")) => true,
        (Some(_), function, Some("amount")) => function != "distinct_count",
        _ => false,
    }
}

#[derive(Debug, Default)]
struct Tally {
    equal: u64,
    unknown: u64,
}

/// Every value that online knows is that of the join.
fn compare(
    subject: &Subject,
    case: &Case,
    service: &FeatureService,
    history: &BTreeMap<usize, Vec<Event>>,
    which: &[usize],
    instant: i64,
) -> Result<Tally, TestCaseError> {
    let (store, keys, views) = (subject.store(), keys(), views(case));
    let batch = store.online_batch(service, &keys, at(instant)).unwrap();
    let expected = offline(store, service, instant);
    let mut tally = Tally::default();
    for (row, (answer, expected)) in batch.rows().zip(&expected).enumerate() {
        for (i, feature) in service.features().iter().enumerate() {
            let view = views
                .iter()
                .position(|view| view == feature.view())
                .unwrap();
            if !which.contains(&view) {
                continue;
            }
            if answer.statuses[i] == Status::NotRetained {
                prop_assert_eq!(&answer.values[i], &Value::Null);
                tally.unknown += 1;
                continue;
            }
            tally.equal += 1;
            prop_assert!(
                same(&answer.values[i], &expected[i]),
                "{}: {} of ({}) at {instant}: online {:?} {:?}, offline {:?}",
                subject.name,
                feature.name(),
                keys[row],
                answer.values[i],
                answer.statuses[i],
                expected[i]
            );
            let missing = answer.statuses[i] != Status::Present;
            let counts = !feature.is_nullable();
            prop_assert_eq!(missing && !counts, answer.values[i].is_null() && !counts);
            if naive_knows(feature) {
                let events = history.get(&view).map(Vec::as_slice).unwrap_or_default();
                let slow = naive(case, events, feature, &keys[row], instant);
                prop_assert!(
                    same(&slow, &expected[i]),
                    "{} of ({}) at {instant}: scan {slow:?}, join {:?}",
                    feature.name(),
                    keys[row],
                    expected[i]
                );
            }
        }
    }
    Ok(tally)
}

fn run(case: &Case, backend: &'static str) -> Result<(), TestCaseError> {
    let views = views(case);
    let service = service(case, &views);
    let mut subject = Subject::new(backend, case, &service);
    let mut history: BTreeMap<usize, Vec<Event>> = BTreeMap::new();
    // whether a view has rows offline that no run since has had the chance to bring online
    let mut behind = [None::<i64>, None];
    for step in &case.steps {
        match step {
            Step::Push(view, target, events) => {
                let options = PushOptions::new().target(*target);
                let name = views[*view].name().as_str();
                subject
                    .store()
                    .push_with(name, &table(&views[*view], events), &options)
                    .unwrap();
                history
                    .entry(*view)
                    .or_default()
                    .extend(events.iter().cloned());
                if *target == Target::Offline && !events.is_empty() {
                    behind[*view] = Some(i64::MIN);
                }
            }
            Step::Ingest(view, events) => {
                let name = views[*view].name().as_str();
                subject
                    .store()
                    .ingest(name, &table(&views[*view], events))
                    .unwrap();
                history
                    .entry(*view)
                    .or_default()
                    .extend(events.iter().cloned());
                if !events.is_empty() {
                    behind[*view] = Some(i64::MIN);
                }
            }
            Step::Range(view, start, end) => {
                let name = views[*view].name().as_str();
                subject
                    .store()
                    .materialize(name, at(*start), at(*end))
                    .unwrap();
            }
            Step::Incremental(view, end, lateness) => {
                let mut what = Materialize::until(at(*end));
                if let Some(lateness) = lateness {
                    what = what.lateness(span(*lateness));
                }
                let name = views[*view].name().as_str();
                match subject.store().materialize_with(name, &what, &mut |_| {}) {
                    Ok(_) if behind[*view].is_some() => behind[*view] = Some(*end),
                    Ok(_) | Err(Error::NoHistory { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            Step::Reopen => {
                subject.open(case, &service);
                if subject.durable.is_none() {
                    // what was materialised is gone from memory
                    for behind in behind.iter_mut().filter(|behind| behind.is_some()) {
                        *behind = Some(i64::MIN);
                    }
                }
            }
            Step::Compact => {
                prop_assert!(subject.store().compact().unwrap());
            }
            Step::Read(instant) => {
                let current = |view: &usize| behind[*view].is_none_or(|until| *instant <= until);
                let which: Vec<usize> = (0..2).filter(current).collect();
                compare(&subject, case, &service, &history, &which, *instant)?;
            }
        }
    }
    // in the end all is brought online, and what lies in the horizon is known
    for view in &views {
        subject
            .store()
            .materialize(view.name().as_str(), EventTime::MIN, at(2 * END))
            .unwrap();
    }
    for instant in [END, END + 1, END + 3, END + 9] {
        let tally = compare(&subject, case, &service, &history, &[0, 1], instant)?;
        let late = case
            .steps
            .iter()
            .any(|s| matches!(s, Step::Incremental(_, _, Some(_))));
        prop_assert!(late || tally.unknown == 0, "{tally:?} at {instant}");
    }
    subject.open(case, &service);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn online_equals_offline_in_memory(case in case()) {
        run(&case, "memory")?;
    }

    #[test]
    fn online_equals_offline_in_sqlite(case in case()) {
        run(&case, "SQLite")?;
    }

    #[test]
    fn online_equals_offline_in_redis(case in case()) {
        if support::redis().is_some() {
            run(&case, "Redis")?;
        }
    }
}
