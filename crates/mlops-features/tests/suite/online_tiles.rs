//! Keys with so many events that their windows are read by tiles: every aggregate, to the bit, against the
//! same store's own history and against the offline join, with late events, ties and dropped tails.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use mlops_core::{
    Column, ManualClock, Role, Span, Table, TableSchema,
    arrow::array::{
        ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
    },
};
use mlops_features::{
    Accuracy, Aggregate, Boundary, DataType, Entity, EntityKey, EventTime, Feature, FeatureService,
    FeatureStore, FeatureView, Filter, PushOptions, Status, Target, Value,
    online::{MemoryStore, OnlineStore},
};
use proptest::{collection::vec, option, prelude::*};

/// Events of two keys over so many microseconds.
const SPAN: i64 = 6_000;
const WINDOWS: [i64; 3] = [100, 1_700, 5_000];
const WORDS: [&str; 4] = ["", "a", "bb", "é"];

#[derive(Debug, Clone)]
struct Event {
    key: i64,
    time: i64,
    created: Option<i64>,
    real: Option<f64>,
    whole: Option<i64>,
    word: Option<usize>,
    flag: Option<bool>,
}

fn event() -> impl Strategy<Value = Event> {
    let real = prop_oneof![
        6 => -1e3..1e3_f64,
        2 => prop::sample::select(vec![0.0, -0.0, 0.1, 1e16, -1e16, 1e300]),
    ];
    (
        0..10_i64,
        0..SPAN / 3,
        option::weighted(0.8, 0..5_i64),
        option::weighted(0.8, real),
        option::weighted(0.8, -50..50_i64),
        option::weighted(0.8, 0..WORDS.len()),
        option::weighted(0.8, any::<bool>()),
    )
        .prop_map(|(key, time, created, real, whole, word, flag)| Event {
            key: i64::from(key == 0), // the other key has most
            time: time * 3,
            created,
            real,
            whole,
            word,
            flag,
        })
}

fn view(boundary: Boundary) -> FeatureView {
    FeatureView::builder("event")
        .entity(Entity::new("user", [("user", DataType::Int64)]).unwrap())
        .event_time("at")
        .created_time("loaded")
        .boundary(boundary)
        .field("real", DataType::Float64)
        .field("whole", DataType::Int64)
        .field("word", DataType::Utf8)
        .field("flag", DataType::Boolean)
        .build()
        .unwrap()
}

fn span(micros: i64) -> Span {
    Span::from_micros(micros).unwrap()
}

fn service(view: &FeatureView) -> FeatureService {
    let aggregates = || -> Vec<Aggregate> {
        vec![
            Feature::sum(view, "real"),
            Feature::mean(view, "real"),
            Feature::variance(view, "real"),
            Feature::std_dev(view, "whole"),
            Feature::min(view, "real"),
            Feature::max(view, "whole"),
            Feature::first(view, "word"),
            Feature::last(view, "real"),
            Feature::last_k(view, "word", 3),
            Feature::last_k(view, "whole", 4),
            Feature::distinct_count(view, "word"),
            Feature::distinct_count(view, "real"),
            Feature::approx_distinct_count(view, "whole", 8),
            Feature::quantile(view, "whole", 0.3),
            Feature::quantile(view, "real", 0.9),
            Feature::approx_quantile(view, "real", 0.5, 16).accuracy(Accuracy::Sawtooth(span(64))),
            Feature::events(view),
            Feature::events(view).by("word", 2).named("by_word"),
            Feature::sum(view, "whole").by("flag", 2).named("by_flag"),
            Feature::sum(view, "real")
                .only(Filter::field("flag").equals(true))
                .named("flagged"),
            Feature::sum(view, "whole")
                .per(Feature::count(view, "real"))
                .named("ratio"),
            Feature::sum(view, "whole")
                .accuracy(Accuracy::Snapshot(span(50)))
                .named("snapshot"),
            Feature::max(view, "real")
                .accuracy(Accuracy::Sawtooth(span(128)))
                .named("sawtooth"),
        ]
    };
    let mut features = vec![
        Feature::latest(view, "real").unwrap(),
        Feature::latest(view, "word").unwrap(),
    ];
    for window in WINDOWS {
        for (i, aggregate) in aggregates().into_iter().enumerate() {
            features.push(
                aggregate
                    .named(format!("f{i}_{window}"))
                    .over(span(window))
                    .unwrap(),
            );
        }
    }
    FeatureService::named("all")
        .unwrap()
        .features(features)
        .build()
        .unwrap()
}

fn times(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    let column: TimestampMicrosecondArray = values.collect();
    Arc::new(column.with_timezone("UTC"))
}

fn table(view: &FeatureView, events: &[Event]) -> Table {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(events.iter().map(|e| Some(e.key)).collect::<Int64Array>()),
        times(events.iter().map(|e| Some(e.time))),
        times(events.iter().map(|e| e.created)),
        Arc::new(events.iter().map(|e| e.real).collect::<Float64Array>()),
        Arc::new(events.iter().map(|e| e.whole).collect::<Int64Array>()),
        Arc::new(
            events
                .iter()
                .map(|e| e.word.map(|w| WORDS[w]))
                .collect::<StringArray>(),
        ),
        Arc::new(events.iter().map(|e| e.flag).collect::<BooleanArray>()),
    ];
    Table::new(view.schema(), columns).unwrap()
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((i, a), (j, b))| i == j && same(a, b))
        }
        (a, b) => a == b,
    }
}

fn run(
    boundary: Boundary,
    keep: i64,
    batches: &[Vec<Event>],
    instants: &[i64],
) -> Result<(), TestCaseError> {
    let view = view(boundary);
    let service = service(&view);
    let clock = Arc::new(ManualClock::new(EventTime::from_micros(SPAN)));
    let online: Arc<dyn OnlineStore> = Arc::new(MemoryStore::new());
    let store = FeatureStore::builder()
        .online(online)
        .clock(clock)
        .keep(span(keep))
        .serving(&service)
        .build()
        .unwrap();
    let history = FeatureStore::new();
    for store in [&store, &history] {
        store.register(view.clone()).unwrap();
    }
    let options = PushOptions::new().target(Target::Both);
    let keys = [0, 1, 2].map(EntityKey::from);
    for (done, batch) in batches.iter().enumerate() {
        let rows = table(&view, batch);
        store.push_with("event", &rows, &options).unwrap();
        history.push("event", &rows).unwrap();
        let last = done + 1 == batches.len();
        for instant in instants.iter().take(if last { instants.len() } else { 1 }) {
            let at = EventTime::from_micros(*instant);
            let answers = store.online_batch(&service, &keys, at).unwrap();
            let expected = history.online_batch(&service, &keys, at).unwrap();
            for ((answer, expected), key) in answers.rows().zip(expected.rows()).zip(&keys) {
                for (i, name) in service.names().iter().enumerate() {
                    if answer.statuses[i] == Status::NotRetained {
                        prop_assert!(*instant < SPAN - keep, "{name} is not known at {instant}");
                        continue;
                    }
                    prop_assert!(
                        same(&answer.values[i], &expected.values[i])
                            && answer.statuses[i] == expected.statuses[i]
                            && answer.event_times[i] == expected.event_times[i],
                        "{name} of {key} at {instant}: online {:?} {:?} {:?}, history {:?} {:?} {:?}",
                        answer.values[i],
                        answer.statuses[i],
                        answer.event_times[i],
                        expected.values[i],
                        expected.statuses[i],
                        expected.event_times[i]
                    );
                }
            }
        }
    }
    // and the history is the join
    let schema = TableSchema::new([
        Column::key("user", DataType::Int64),
        Column::new("when", EventTime::data_type(), Role::EventTime),
    ]);
    let at = instants[0];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![0, 1, 2])),
        times([Some(at); 3].into_iter()),
    ];
    let joined = history
        .join(&service, &Table::new(schema.unwrap(), columns).unwrap())
        .unwrap();
    let batch = history
        .online_batch(&service, &keys, EventTime::from_micros(at))
        .unwrap();
    for (row, answer) in batch.rows().enumerate() {
        for (i, name) in service.names().iter().enumerate() {
            let value = Value::from_array(name, joined.column(name).unwrap(), row).unwrap();
            prop_assert!(
                same(&value, &answer.values[i]),
                "{name}: {value:?}, {:?}",
                answer.values[i]
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(8) })]

    #[test]
    fn windows_by_tiles_are_windows_by_events(
        exclusive in any::<bool>(),
        keep in prop::sample::select(vec![0, 900, 1_000_000]),
        first in vec(event(), 270..420),
        late in vec(vec(event(), 0..30), 0..4),
        instants in vec(0..SPAN + 500, 1..8),
    ) {
        let boundary = if exclusive { Boundary::Exclusive } else { Boundary::Inclusive };
        let batches: Vec<_> = std::iter::once(first).chain(late).collect();
        run(boundary, keep, &batches, &instants)?;
    }
}
