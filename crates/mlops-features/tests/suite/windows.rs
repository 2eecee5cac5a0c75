//! Every function, filter, grouping and accuracy against an oracle that recomputes each value from the raw
//! rows by the rule, with schoolbook arithmetic for sums; and the join, the online read and merged
//! partial aggregates against each other.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "tables of tests are small"
)]

use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc};

use mlops_core::{
    Column, EntityKey, EventTime, Role, Span, Table, TableSchema, Value,
    arrow::array::{
        ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
    },
};
use mlops_features::{
    Accuracy, Aggregate, Boundary, Cutoff, DataType, Divisor, Entity, Feature, FeatureService,
    FeatureStore, FeatureView, Filter, Function, PartialAggregate,
    sketch::{HyperLogLog, Kll},
};
use proptest::{collection::vec, option, prelude::*};

use crate::exact;

const WORDS: [&str; 4] = ["", "UK", "IE", "é"];
const FIELDS: [&str; 5] = ["amount", "quantity", "country", "returned", "due"];

#[derive(Debug, Clone)]
struct Event {
    key: i64,
    time: i64,
    created: Option<i64>,
    amount: Option<f64>,
    quantity: Option<i64>,
    country: Option<usize>,
    returned: Option<bool>,
    due: Option<i64>,
}

#[derive(Debug, Clone)]
struct Case {
    boundary: Boundary,
    cutoff: Cutoff,
    ttl: Option<i64>,
    events: Vec<Event>,
    questions: Vec<(Option<i64>, i64)>,
}

fn event() -> impl Strategy<Value = Event> {
    let amount = prop_oneof![
        6 => (-1e3..1e3_f64).boxed(),
        6 => prop::sample::select(vec![0.0, -0.0, 0.1, 0.2, 0.3, -1.5, 1e9]).boxed(),
        1 => prop::sample::select(vec![1e300, -1e300, f64::MAX, 5e-324, f64::INFINITY, f64::NAN]).boxed(),
    ];
    (
        0..2_i64,
        -20..40_i64,
        option::weighted(0.9, -20..60_i64),
        option::weighted(0.85, amount),
        option::weighted(0.85, prop_oneof![9 => -4..4_i64, 1 => Just(1 << 57)]),
        option::weighted(0.85, 0..4_usize),
        option::weighted(0.85, any::<bool>()),
        option::weighted(0.85, 0..9_i64),
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
    (
        prop::sample::select(vec![Boundary::Inclusive, Boundary::Exclusive]),
        prop::sample::select(vec![Cutoff::EventTime, Cutoff::CreatedTime]),
        option::of(1..30_i64),
        option::weighted(0.6, 0..9_i64),
        vec(event(), 0..70),
        vec((option::weighted(0.95, 0..3_i64), -25..70_i64), 0..20),
    )
        .prop_map(|(boundary, cutoff, ttl, delay, mut events, questions)| {
            // rows that become known in the order of events take another way than those that do not
            if let Some(delay) = delay {
                for event in &mut events {
                    event.created = Some(event.time + delay);
                }
            }
            Case {
                boundary,
                cutoff,
                ttl,
                events,
                questions,
            }
        })
}

fn view(case: &Case) -> FeatureView {
    let ttl = case.ttl.map_or(Span::ZERO, span);
    FeatureView::builder("purchase")
        .entity(Entity::new("customer", [("id", DataType::Int64)]).unwrap())
        .event_time("at")
        .created_time("loaded")
        .ttl(ttl)
        .boundary(case.boundary)
        .cutoff(case.cutoff)
        .field("amount", DataType::Float64)
        .field("quantity", DataType::Int64)
        .field("country", DataType::Utf8)
        .field("returned", DataType::Boolean)
        .field("due", EventTime::data_type())
        .build()
        .unwrap()
}

fn span(micros: i64) -> Span {
    Span::from_micros(micros).unwrap()
}

fn times(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    let column: TimestampMicrosecondArray = values.collect();
    Arc::new(column.with_timezone("UTC"))
}

fn table(view: &FeatureView, events: &[Event]) -> Table {
    let all = || events.iter();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(all().map(|e| Some(e.key)).collect::<Int64Array>()),
        times(all().map(|e| Some(e.time))),
        times(all().map(|e| e.created)),
        Arc::new(all().map(|e| e.amount).collect::<Float64Array>()),
        Arc::new(all().map(|e| e.quantity).collect::<Int64Array>()),
        Arc::new(
            all()
                .map(|e| e.country.map(|i| WORDS[i]))
                .collect::<StringArray>(),
        ),
        Arc::new(all().map(|e| e.returned).collect::<BooleanArray>()),
        times(all().map(|e| e.due)),
    ];
    Table::new(view.schema(), columns).unwrap()
}

fn spine(questions: &[(Option<i64>, i64)]) -> Table {
    let schema = TableSchema::new([
        Column::key("id", DataType::Int64).nullable(true),
        Column::event_time("asked"),
        Column::new("label", DataType::Int64, Role::Label),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(questions.iter().map(|q| q.0).collect::<Int64Array>()),
        times(questions.iter().map(|q| Some(q.1))),
        Arc::new(Int64Array::from_iter_values(0..questions.len() as i64)),
    ];
    Table::new(schema.unwrap(), columns).unwrap()
}

/// A filter, and the same said in Rust.
type Condition = (Filter, fn(&Event) -> bool);

fn conditions() -> Vec<Condition> {
    let field = |name: &str| Filter::field(name);
    vec![
        (field("amount").is_above(0.15), |e| {
            e.amount.is_some_and(|v| v > 0.15)
        }),
        (field("amount").differs_from(0.0), |e| {
            e.amount.is_some_and(|v| v != 0.0)
        }),
        (
            field("country")
                .is_one_of(["UK", ""])
                .and(field("quantity").is_at_most(1)),
            |e| matches!(e.country, Some(0 | 1)) && e.quantity.is_some_and(|v| v <= 1),
        ),
        (
            field("returned").equals(true).or(field("due").is_null()),
            |e| e.returned == Some(true) || e.due.is_none(),
        ),
        (
            field("due")
                .is_at_least(EventTime::from_micros(4))
                .or(field("country").is_below("UK")),
            |e| e.due.is_some_and(|v| v >= 4) || e.country.is_some_and(|i| WORDS[i] < "UK"),
        ),
        (field("returned").is_present(), |e| e.returned.is_some()),
    ]
}

/// One aggregate as the oracle reads it.
#[derive(Clone, Copy)]
struct Part {
    function: Function,
    field: Option<&'static str>,
    only: Option<fn(&Event) -> bool>,
    by: Option<(&'static str, usize)>,
}

fn part(field: Option<&'static str>) -> Part {
    Part {
        function: Function::Count,
        field,
        only: None,
        by: None,
    }
}

struct Asked {
    feature: Feature,
    parts: Vec<Part>,
}

/// Every function of every field that has it, each with one of the windows, accuracies and filters in turn.
fn asked(view: &FeatureView) -> Vec<Asked> {
    let mut all = Vec::new();
    let conditions = conditions();
    let windows = [3, 10, 25, 1_000];
    let accuracies = [
        Accuracy::Exact,
        Accuracy::Snapshot(span(4)),
        Accuracy::Sawtooth(span(6)),
    ];
    let mut turn = 0;
    let mut add = |aggregate: Aggregate, mut part: Part, tiled: bool| {
        turn += 1;
        let window = span(windows[turn % windows.len()]);
        let accuracy = match accuracies[turn / 4 % 3] {
            Accuracy::Exact if tiled => Accuracy::Sawtooth(span(5)),
            accuracy => accuracy,
        };
        let (filter, rule) = &conditions[turn % conditions.len()];
        let mut aggregate = aggregate.accuracy(accuracy).named(format!("f{turn}"));
        if turn % 5 < 2 {
            aggregate = aggregate.only(filter.clone());
            part.only = Some(*rule);
        }
        let Ok(feature) = aggregate.over(window) else {
            return;
        };
        part.function = feature.function();
        let parts = vec![part];
        all.push(Asked { feature, parts });
    };
    for round in 0..3 {
        for field in FIELDS {
            let all = [
                Feature::sum(view, field),
                Feature::count(view, field),
                Feature::mean(view, field),
                Feature::variance(view, field),
                Feature::variance(view, field).population(),
                Feature::std_dev(view, field),
                Feature::min(view, field),
                Feature::max(view, field),
                Feature::first(view, field),
                Feature::last(view, field),
                Feature::last_k(view, field, 1 + round * 3),
                Feature::distinct_count(view, field),
                Feature::approx_distinct_count(view, field, 5),
                Feature::quantile(view, field, [0.0, 0.5, 0.95][round as usize]),
                Feature::quantile(view, field, [0.3, 0.25, 1.0][round as usize]),
            ];
            for aggregate in all {
                add(aggregate, part(Some(field)), false);
            }
            let sketch = Feature::approx_quantile(view, field, [0.5, 0.1, 0.9][round as usize], 8);
            add(sketch, part(Some(field)), true);
            for by in FIELDS {
                let limit = [1, 2, 9][round as usize];
                let grouped = |aggregate: Aggregate| aggregate.by(by, limit);
                let part = Part {
                    by: Some((by, limit.into())),
                    ..part(Some(field))
                };
                add(grouped(Feature::sum(view, field)), part, false);
                add(grouped(Feature::mean(view, field)), part, false);
                add(grouped(Feature::variance(view, field)), part, false);
                let events = Part {
                    field: None,
                    ..part
                };
                add(grouped(Feature::events(view)), events, false);
            }
        }
        add(Feature::events(view), part(None), false);
    }
    all.extend(others(view));
    all
}

/// The newest rows, the time since some of them, and ratios.
fn others(view: &FeatureView) -> Vec<Asked> {
    let mut all = Vec::new();
    for field in FIELDS {
        let latest = Part {
            function: Function::Latest,
            ..part(Some(field))
        };
        all.push(Asked {
            feature: Feature::latest(view, field).unwrap(),
            parts: vec![latest],
        });
    }
    for (i, (filter, rule)) in conditions().iter().enumerate() {
        let since = Feature::time_since_last_of(view, filter.clone(), format!("since{i}"));
        let last = Part {
            function: Function::TimeSinceLast,
            only: Some(*rule),
            ..part(None)
        };
        all.push(Asked {
            feature: since.unwrap(),
            parts: vec![last],
        });
        let above = Feature::sum(view, "amount").only(filter.clone());
        let ratio = above
            .per(Feature::count(view, "quantity"))
            .named(format!("ratio{i}"));
        let sum = Part {
            function: Function::Sum,
            only: Some(*rule),
            ..part(Some("amount"))
        };
        all.push(Asked {
            feature: ratio.over(span(12)).unwrap(),
            parts: vec![sum, part(Some("quantity"))],
        });
    }
    all
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

/// The events that a question may see at an instant, in order.
fn seen(case: &Case, key: Option<i64>, at: i64) -> Vec<&Event> {
    let before = |stamp: i64, limit: i64| match case.boundary {
        Boundary::Inclusive => stamp <= limit,
        Boundary::Exclusive => stamp < limit,
    };
    let known = |event: &Event| match case.cutoff {
        Cutoff::EventTime => true,
        Cutoff::CreatedTime => event.created.is_some_and(|created| before(created, at)),
    };
    let mut seen: Vec<&Event> = case.events.iter().collect();
    seen.retain(|e| Some(e.key) == key && before(e.time, at) && known(e));
    seen.sort_by_key(|e| (e.time, e.created.unwrap_or(i64::MIN)));
    seen
}

fn floor(time: i64, hop: Span) -> i64 {
    time.div_euclid(hop.micros()) * hop.micros()
}

/// The events of a feature's window.
fn window<'e>(case: &'e Case, feature: &Feature, key: Option<i64>, at: i64) -> Vec<&'e Event> {
    let length = feature.window().unwrap().micros();
    let tiled = matches!(feature.function(), Function::ApproxQuantile(..));
    let (tail, head) = match feature.accuracy() {
        Accuracy::Snapshot(hop) => {
            let head = floor(at, hop);
            let tail = head - length;
            (if tiled { floor(tail, hop) } else { tail }, head)
        }
        Accuracy::Sawtooth(hop) => (floor(at - length, hop), at),
        _ => (at - length, at),
    };
    let mut events = seen(case, key, head);
    events.retain(|e| match case.boundary {
        Boundary::Inclusive => tail < e.time,
        Boundary::Exclusive => tail <= e.time,
    });
    events
}

/// The rule, literally.
fn oracle(case: &Case, asked: &Asked, key: Option<i64>, at: i64) -> Value {
    let Asked { feature, parts } = asked;
    if feature.window().is_none() {
        let mut events = seen(case, key, at);
        events.retain(|e| parts[0].only.is_none_or(|only| only(e)));
        let fresh = |time: i64| case.ttl.is_none_or(|ttl| time >= at - ttl);
        return match events.last() {
            Some(last) if fresh(last.time) => match parts[0].field {
                Some(field) => value(last, field),
                None => Value::Float((at - last.time) as f64 / 86_400e6),
            },
            _ => Value::Null,
        };
    }
    let events = window(case, feature, key, at);
    let mut values = parts
        .iter()
        .map(|part| aggregate(case, feature, *part, &events));
    let first = values.next().unwrap();
    let Some(below) = values.next() else {
        return first;
    };
    match (first.as_f64(), below.as_f64()) {
        (Some(above), Some(below)) if below != 0.0 => Value::Float(above / below),
        _ => Value::Null,
    }
}

fn aggregate(case: &Case, feature: &Feature, part: Part, events: &[&Event]) -> Value {
    let live: Vec<&Event> = events
        .iter()
        .copied()
        .filter(|e| part.only.is_none_or(|only| only(e)))
        .filter(|e| part.field.is_none_or(|field| !value(e, field).is_null()))
        .collect();
    let Some((by, limit)) = part.by else {
        return single(case, feature, part, &live);
    };
    let mut groups: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
    for event in live {
        let name = match value(event, by) {
            Value::Null => continue,
            Value::Str(text) => text,
            Value::Int(int) => int.to_string(),
            Value::Bool(bool) => bool.to_string(),
            _ => unreachable!(),
        };
        groups.entry(name).or_default().push(event);
    }
    let mut sizes: Vec<(usize, String)> =
        groups.iter().map(|(n, e)| (e.len(), n.clone())).collect();
    sizes.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let chosen = sizes.iter().take(limit);
    Value::Map(
        chosen
            .map(|(_, n)| (n.clone(), single(case, feature, part, &groups[n])))
            .collect(),
    )
}

fn single(case: &Case, feature: &Feature, part: Part, events: &[&Event]) -> Value {
    let len = events.len();
    let Some(field) = part.field else {
        return Value::Int(len as i64);
    };
    let values: Vec<Value> = events.iter().map(|e| value(e, field)).collect();
    let reals: Vec<f64> = values.iter().filter_map(Value::as_f64).collect();
    let whole = matches!(values.first(), Some(Value::Int(_)));
    let nan = reals.iter().any(|v| v.is_nan());
    let mut sorted = values.clone();
    sorted.sort_by(|a, b| match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) => a.cmp(b),
        _ => std::cmp::Ordering::Equal,
    });
    match part.function {
        Function::Count => Value::Int(len as i64),
        Function::DistinctCount => {
            let mut different: Vec<&Value> = Vec::new();
            for value in &values {
                let nan = |v: &Value| v.as_f64().is_some_and(f64::is_nan);
                if !different
                    .iter()
                    .any(|known| *known == value || nan(known) && nan(value))
                {
                    different.push(value);
                }
            }
            Value::Int(different.len() as i64)
        }
        Function::ApproxDistinctCount(precision) => {
            let mut sketch = HyperLogLog::new(precision).unwrap();
            for value in &values {
                match value {
                    Value::Str(text) => sketch.add_text(text),
                    Value::Bool(bool) => sketch.add_word((*bool).into()),
                    Value::Int(int) => sketch.add_word(int.cast_unsigned()),
                    Value::Time(time) => sketch.add_word(time.micros().cast_unsigned()),
                    Value::Float(real) if real.is_nan() => sketch.add_word(f64::NAN.to_bits()),
                    Value::Float(real) => sketch.add_word((real + 0.0).to_bits()),
                    _ => unreachable!(),
                }
            }
            Value::Int(sketch.estimate() as i64)
        }
        _ if len == 0 => Value::Null,
        Function::Sum if whole => Value::Int(
            values
                .iter()
                .map(|v| if let Value::Int(v) = v { *v } else { 0 })
                .sum(),
        ),
        Function::Sum => Value::Float(exact::sum(&reals)),
        Function::Mean => Value::Float(exact::mean(&reals)),
        Function::Variance(divisor) => exact::variance(&reals, divisor.ddof().into()).into(),
        Function::StdDev(divisor) => exact::variance(&reals, divisor.ddof().into())
            .map(f64::sqrt)
            .into(),
        Function::First => values[0].clone(),
        Function::Last => values[len - 1].clone(),
        Function::LastK(k) => Value::List(values[len.saturating_sub(k.into())..].to_vec()),
        Function::Min | Function::Max | Function::Quantile(_) | Function::ApproxQuantile(..)
            if nan =>
        {
            Value::Float(f64::NAN)
        }
        Function::Min => sorted[0].clone(),
        Function::Max => sorted[len - 1].clone(),
        Function::Quantile(rank) => {
            let place = (len - 1) as f64 * rank.get();
            let (low, share) = (place.floor() as usize, place - place.floor());
            let high = (low + 1).min(len - 1);
            let (low, high) = (
                sorted[low].as_f64().unwrap(),
                sorted[high].as_f64().unwrap(),
            );
            Value::Float(match share {
                0.0 => low,
                _ if low == high => low,
                share if share >= 0.5 => high - (high - low) * (1.0 - share),
                share => low + (high - low) * share,
            })
        }
        Function::ApproxQuantile(rank, size) => {
            let mut whole = Kll::new(size).unwrap();
            let tile = |e: &Event| {
                let shift = i64::from(case.boundary == Boundary::Inclusive);
                floor(e.time - shift, feature.accuracy().hop().unwrap())
            };
            for tile in events.chunk_by(|a, b| tile(a) == tile(b)) {
                let mut sketch = Kll::new(size).unwrap();
                for e in tile {
                    sketch.add(value(e, field).as_f64().unwrap());
                }
                whole.merge(&sketch).unwrap();
            }
            whole.quantile(rank.get()).into()
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
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((n, a), (m, b))| n == m && same(a, b))
        }
        _ => a == b,
    }
}

fn cell(table: &Table, column: &str, row: usize) -> Value {
    Value::from_array(column, table.column(column).unwrap(), row).unwrap()
}

fn filled(case: &Case) -> FeatureStore {
    let view = view(case);
    let store = FeatureStore::new();
    store.register(view.clone()).unwrap();
    let (first, rest) = case.events.split_at(case.events.len() / 2);
    store.ingest("purchase", &table(&view, first)).unwrap();
    store.push("purchase", &table(&view, rest)).unwrap();
    store
}

fn service(asked: &[Asked]) -> FeatureService {
    let features = asked.iter().map(|asked| asked.feature.clone());
    FeatureService::named("all")
        .unwrap()
        .features(features)
        .build()
        .unwrap()
}

/// The window's events cut into tiles, each added in the order of arrival, sent as bytes, merged in time.
fn merged(case: &Case, feature: &Feature, events: &[&Event], at: i64) -> Value {
    let hop = feature.accuracy().hop().unwrap_or(span(7));
    let tile = |e: &Event| {
        floor(
            e.time - i64::from(case.boundary == Boundary::Inclusive),
            hop,
        )
    };
    let mut whole = PartialAggregate::new(feature);
    for tile in events.chunk_by(|a, b| tile(a) == tile(b)) {
        let mut state = PartialAggregate::new(feature);
        let mut arrived = tile.to_vec();
        if PartialAggregate::is_order_free(feature) {
            arrived.sort_by_key(|e| std::ptr::from_ref(*e)); // the place in the list of arrivals
        }
        for event in arrived {
            let fields: Vec<Value> = FIELDS.iter().map(|field| value(event, field)).collect();
            let time = EventTime::from_micros;
            state.add(feature, &fields, time(event.time), event.created.map(time));
        }
        let bytes = state.to_bytes();
        let back = PartialAggregate::from_bytes(feature, &bytes).unwrap();
        assert_eq!(back.to_bytes(), bytes);
        whole.merge(feature, &back).unwrap();
    }
    whole.finish(feature, EventTime::from_micros(at)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn join_online_read_and_merged_tiles_all_follow_the_rule(case in case()) {
        let asked = asked(&view(&case));
        let (store, service) = (filled(&case), service(&asked));
        let spine = spine(&case.questions);
        let one = store.join_on(&service, &spine, NonZeroUsize::MIN).unwrap();
        let three = store.join_on(&service, &spine, NonZeroUsize::new(3).unwrap()).unwrap();
        prop_assert_eq!(one.digest(), three.digest());
        for (row, (key, at)) in case.questions.iter().enumerate() {
            let online = key.map(|key| {
                let at = EventTime::from_micros(*at);
                store.online(&service, &EntityKey::from(key), at).unwrap()
            });
            for (i, asked) in asked.iter().enumerate() {
                let feature = &asked.feature;
                let about = || format!(
                    "{:?} of {:?} over {:?} {:?} at {at} of {key:?}",
                    feature.function(), asked.parts[0].field, feature.window(), feature.accuracy(),
                );
                let expected = oracle(&case, asked, *key, *at);
                let found = cell(&one, feature.name().as_str(), row);
                prop_assert!(same(&found, &expected), "{}: {found:?}, the rule says {expected:?}", about());
                if let Some(online) = &online {
                    let value = &online.values[i].1;
                    prop_assert!(same(value, &expected), "online {}: {value:?}, not {expected:?}", about());
                }
                let events = match feature.window() {
                    Some(_) => window(&case, feature, *key, *at),
                    None => seen(&case, *key, *at),
                };
                let tiles = merged(&case, feature, &events, *at);
                prop_assert!(same(&tiles, &expected), "tiles, {}: {tiles:?}, not {expected:?}", about());
            }
        }
    }
}

fn plain(events: Vec<Event>) -> Case {
    Case {
        boundary: Boundary::Inclusive,
        cutoff: Cutoff::EventTime,
        ttl: None,
        events,
        questions: Vec::new(),
    }
}

fn bought(time: i64, amount: Option<f64>, country: Option<usize>) -> Event {
    Event {
        key: 0,
        time,
        created: None,
        amount,
        quantity: None,
        country,
        returned: None,
        due: None,
    }
}

fn answers(case: &Case, features: Vec<Feature>, at: i64) -> Vec<Value> {
    let service = FeatureService::named("s")
        .unwrap()
        .features(features)
        .build()
        .unwrap();
    let store = filled(case);
    let row = store
        .online(&service, &EntityKey::from(0), EventTime::from_micros(at))
        .unwrap();
    let joined = store.join(&service, &spine(&[(Some(0), at)])).unwrap();
    for (name, value) in &row.values {
        assert!(same(&cell(&joined, name.as_str(), 0), value));
    }
    row.values.into_iter().map(|(_, value)| value).collect()
}

#[test]
fn nothing_counts_as_zero_is_an_empty_map_and_is_null_otherwise() {
    let view = view(&plain(Vec::new()));
    let all = asked(&view).into_iter().map(|asked| asked.feature);
    let features: Vec<Feature> = all.filter(|f| f.window().is_some()).collect();
    // no event, events of another time, and events without values
    for events in [
        vec![],
        vec![bought(-5_000, Some(1.0), Some(1))],
        vec![bought(0, None, None)],
    ] {
        let empty = events.first().is_some_and(|e| e.time == 0);
        let case = plain(events);
        let values = answers(&case, features.clone(), 1);
        for (feature, value) in features.iter().zip(values) {
            let expected = match feature.function() {
                Function::Count if feature.field().is_none() && empty => continue,
                _ if matches!(feature.data_type(), DataType::Map(..)) => {
                    Value::Map(BTreeMap::new())
                }
                Function::Count | Function::DistinctCount | Function::ApproxDistinctCount(_) => {
                    Value::Int(0)
                }
                _ => Value::Null,
            };
            assert_eq!(
                value,
                expected,
                "{:?} of {:?}",
                feature.function(),
                feature.field()
            );
            assert_eq!(feature.is_nullable(), expected.is_null());
        }
    }
}

#[test]
fn a_variance_far_from_zero_keeps_all_its_digits() {
    let values = [1e9, 1e9 + 1.0, 1e9 - 1.0, 1e9 + 2.0, 1e9 - 2.0];
    let events = values
        .iter()
        .enumerate()
        .map(|(i, v)| bought(i as i64, Some(*v), None));
    let case = plain(events.collect());
    let view = view(&case);
    let amount = |aggregate: fn(&FeatureView, &str) -> Aggregate| aggregate(&view, "amount");
    let features = vec![
        amount(|v, f| Feature::variance(v, f))
            .over(span(9))
            .unwrap(),
        amount(|v, f| Feature::variance(v, f).population())
            .over(span(9))
            .unwrap(),
        amount(|v, f| Feature::std_dev(v, f)).over(span(9)).unwrap(),
        amount(|v, f| Feature::variance(v, f))
            .over(span(1))
            .unwrap(),
        amount(|v, f| Feature::variance(v, f).population())
            .over(span(1))
            .unwrap(),
    ];
    assert_eq!(
        features[1].function(),
        Function::Variance(Divisor::Population)
    );
    let expected = [
        Value::Float(2.5),
        Value::Float(2.0),
        Value::Float(2.5_f64.sqrt()),
        Value::Null, // a sample of one has none
        Value::Float(0.0),
    ];
    assert_eq!(answers(&case, features, 4), expected);
}

#[test]
fn a_snapshot_stands_still_between_its_hops_and_a_sawtooth_only_at_its_tail() {
    let case = plain((0..40).map(|time| bought(time, Some(1.0), None)).collect());
    let view = view(&case);
    let count = |accuracy| {
        Feature::events(&view)
            .accuracy(accuracy)
            .over(span(10))
            .unwrap()
    };
    let check = |accuracy, counts: [i64; 4]| {
        for (at, expected) in [20, 21, 23, 24].into_iter().zip(counts) {
            assert_eq!(
                answers(&case, vec![count(accuracy)], at),
                [Value::Int(expected)],
                "{at}"
            );
        }
    };
    check(Accuracy::Exact, [10, 10, 10, 10]);
    // as of 20, 20, 20 and 24
    check(Accuracy::Snapshot(span(4)), [10, 10, 10, 10]);
    // tails at 8, 8, 12 and 12: never shorter than asked for, at most a hop longer
    check(Accuracy::Sawtooth(span(4)), [12, 13, 11, 12]);
    let last = |at| {
        let newest = Feature::last(&view, "amount").accuracy(Accuracy::Snapshot(span(4)));
        let since = newest.over(span(1)).unwrap();
        let first = case.events.iter().find(|e| e.time == at);
        (answers(&case, vec![since], at), first.is_some())
    };
    assert_eq!(last(23), (vec![Value::Float(1.0)], true));
}

#[test]
fn the_categories_of_most_events_are_kept_and_come_in_order() {
    let countries = [1, 1, 1, 2, 3, 0, 3, 0];
    let events = countries.iter().enumerate();
    let case = plain(
        events
            .map(|(i, c)| bought(i as i64, Some(0.5), Some(*c)))
            .collect(),
    );
    let view = view(&case);
    let by = |limit| {
        let feature = Feature::sum(&view, "amount")
            .by("country", limit)
            .over(span(99))
            .unwrap();
        serde_json::to_string(&answers(&case, vec![feature], 50)[0]).unwrap()
    };
    assert_eq!(by(2), r#"{"":1.0,"UK":1.5}"#);
    assert_eq!(by(9), r#"{"":1.0,"IE":0.5,"UK":1.5,"é":1.0}"#);
}

#[test]
fn lists_and_maps_travel_like_other_columns_and_only_lists_of_numbers_are_features_of_a_model() {
    let mut case = plain(Vec::new());
    case.events = (0..6)
        .map(|i| bought(i, (i % 3 > 0).then_some(i as f64), Some(i as usize % 4)))
        .collect();
    let view = view(&case);
    let features = vec![
        Feature::last_k(&view, "amount", 2).over(span(3)).unwrap(),
        Feature::last_k(&view, "country", 2).over(span(3)).unwrap(),
        Feature::events(&view)
            .by("country", 9)
            .over(span(3))
            .unwrap(),
        Feature::mean(&view, "amount")
            .by("returned", 9)
            .over(span(3))
            .unwrap(),
    ];
    let service = FeatureService::named("s")
        .unwrap()
        .features(features)
        .build()
        .unwrap();
    let store = filled(&case);
    let questions: Vec<_> = [None, Some(0), Some(1), Some(0), Some(0)]
        .into_iter()
        .zip([9, 5, 5, 2, -9])
        .collect();
    let all = store.join(&service, &spine(&questions)).unwrap();
    let back = Table::from_ipc(&all.to_ipc()).unwrap();
    assert_eq!((back.schema(), back.digest()), (all.schema(), all.digest()));
    let keep = [false, true, true, false, true];
    let (some, rest) = (
        all.filter(&keep).unwrap(),
        all.filter(&keep.map(|k| !k)).unwrap(),
    );
    let together = Table::concat(&[some.clone(), rest]).unwrap();
    assert_eq!(
        together.take(&[3, 0, 1, 4, 2]).unwrap().digest(),
        all.digest()
    );
    let alone = store
        .join(
            &service,
            &spine(&[questions[1], questions[2], questions[4]]),
        )
        .unwrap();
    for name in service.names() {
        for row in 0..3 {
            assert_eq!(cell(&some, name, row), cell(&alone, name, row));
        }
    }
    assert_eq!(
        cell(&all, "amount_last_2_3us", 1),
        Value::List(vec![Value::Float(4.0), Value::Float(5.0)])
    );
    assert_eq!(cell(&all, "amount_last_2_3us", 2), Value::Null);
    let error = store
        .training_set(&service, &spine(&questions))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("column `country_last_2_3us`") && error.contains("a list of numbers"),
        "{error}"
    );
}

#[test]
fn the_first_row_of_the_spine_that_overflows_is_named_whatever_the_threads() {
    let event = |key: i64, time: i64, quantity: i64| Event {
        key,
        quantity: Some(quantity),
        ..bought(time, None, None)
    };
    let case = plain(vec![
        event(0, 1, i64::MAX),
        event(0, 5, 1),
        event(1, 2, i64::MIN),
        event(1, 3, -1),
        event(1, 4, 1),
    ]);
    let view = view(&case);
    let sum = Feature::sum(&view, "quantity").over(span(100)).unwrap();
    let service = FeatureService::named("s")
        .unwrap()
        .feature(sum)
        .build()
        .unwrap();
    let store = filled(&case);
    for threads in 1..4 {
        let threads = NonZeroUsize::new(threads).unwrap();
        let join =
            |questions: &[(Option<i64>, i64)]| store.join_on(&service, &spine(questions), threads);
        let error = join(&[(Some(0), 1), (Some(1), 3), (Some(0), 6)])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("overflows 64 bits at 1970-01-01T00:00:00.000003Z"),
            "{error}"
        );
        let table = join(&[(Some(1), 2), (Some(1), 4), (Some(0), 4)]).unwrap();
        let cells = [0, 1, 2].map(|row| cell(&table, "quantity_sum_100us", row));
        assert_eq!(cells, [i64::MIN, i64::MIN, i64::MAX].map(Value::Int));
    }
}
