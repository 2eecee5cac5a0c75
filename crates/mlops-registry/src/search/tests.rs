//! Searches for runs against an evaluator that looks at every run.

use std::{cmp::Ordering, collections::BTreeMap};

use mlops_core::EventTime;
use proptest::prelude::*;

use super::*;
use crate::{
    Batch, ExperimentId, Metric, MetricPoint, NewExperiment, NewRun, Registry, RunRecord,
    RunStatus, RunUpdate, Tracking, View,
};

#[derive(Debug, Clone)]
struct Made {
    experiment: usize,
    start: i64,
    status: RunStatus,
    deleted: bool,
    metrics: BTreeMap<String, f64>,
    params: BTreeMap<String, String>,
}

fn metric() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(-0.0),
        (-2i32..3).prop_map(f64::from),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab]{0,2}",
        "[0-3]",
        Just("A".to_owned()),
        Just("é".to_owned())
    ]
}

fn made() -> impl Strategy<Value = Made> {
    (
        0usize..2,
        0i64..4,
        prop::sample::select(vec![
            RunStatus::Running,
            RunStatus::Finished,
            RunStatus::Failed,
        ]),
        prop::bool::weighted(0.15),
        prop::collection::btree_map("[mn]", metric(), 0..3),
        prop::collection::btree_map("[pq]", text(), 0..3),
    )
        .prop_map(
            |(experiment, start, status, deleted, metrics, params)| Made {
                experiment,
                start,
                status,
                deleted,
                metrics,
                params,
            },
        )
}

/// A condition as the test means it; its text is what the search reads.
#[derive(Debug, Clone)]
enum Meant {
    Metric(String, &'static str, f64),
    Param(String, &'static str, String),
    Number(String, &'static str, i32),
    Null(String, bool),
    Start(&'static str, i64),
    Status(&'static str),
    All(Vec<Meant>),
    Any(Vec<Meant>),
    Not(Box<Meant>),
}

const NUMERIC: [&str; 6] = ["=", "!=", "<", "<=", ">", ">="];

fn meant() -> impl Strategy<Value = Meant> {
    let numeric = || prop::sample::select(NUMERIC.to_vec());
    let leaf = prop_oneof![
        ("[mnx]", numeric(), -2i32..3).prop_map(|(k, o, v)| Meant::Metric(k, o, f64::from(v))),
        ("[pqx]", prop::sample::select(vec!["=", "!="]), text())
            .prop_map(|(k, o, v)| Meant::Param(k, o, v)),
        ("[pq]", numeric(), 0i32..4).prop_map(|(k, o, v)| Meant::Number(k, o, v)),
        ("[pqx]", any::<bool>()).prop_map(|(k, null)| Meant::Null(k, null)),
        (numeric(), 0i64..4).prop_map(|(o, v)| Meant::Start(o, v)),
        prop::sample::select(vec!["RUNNING", "FINISHED", "none"]).prop_map(Meant::Status),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Meant::All),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Meant::Any),
            inner.prop_map(|inner| Meant::Not(Box::new(inner))),
        ]
    })
}

impl Meant {
    fn text(&self) -> String {
        let join = |parts: &[Self], word: &str| {
            let parts: Vec<_> = parts.iter().map(Self::text).collect();
            format!("({})", parts.join(word))
        };
        match self {
            Self::Metric(key, operator, value) => format!("metrics.{key} {operator} {value}"),
            Self::Param(key, operator, value) => format!("params.`{key}` {operator} '{value}'"),
            Self::Number(key, operator, value) => format!("params.{key} {operator} {value}"),
            Self::Null(key, true) => format!("params.{key} IS NULL"),
            Self::Null(key, false) => format!("params.{key} is not null"),
            Self::Start(operator, value) => format!("start_time {operator} {value}"),
            Self::Status(status) => format!("status = '{status}'"),
            Self::All(parts) => join(parts, " AND "),
            Self::Any(parts) => join(parts, " or "),
            Self::Not(inner) => format!("NOT {}", inner.text()),
        }
    }

    fn holds(&self, run: &RunRecord) -> bool {
        let numeric = |found: f64, operator: &str, given: f64| match operator {
            "=" => found == given,
            "!=" => found != given,
            "<" => found < given,
            "<=" => found <= given,
            ">" => found > given,
            _ => found >= given,
        };
        match self {
            Self::Metric(key, operator, value) => run
                .metrics
                .get(key)
                .is_some_and(|point| numeric(point.value, operator, *value)),
            Self::Param(key, operator, value) => run
                .params
                .get(key)
                .is_some_and(|found| (found == value) == (*operator == "=")),
            Self::Number(key, operator, value) => run
                .params
                .get(key)
                .and_then(|found| found.parse::<f64>().ok())
                .is_some_and(|found| numeric(found, operator, f64::from(*value))),
            Self::Null(key, null) => run.params.contains_key(key) != *null,
            Self::Start(operator, value) => numeric(
                (run.started.micros() / 1_000) as f64,
                operator,
                *value as f64,
            ),
            Self::Status(status) => run.status.as_str().to_uppercase() == *status,
            Self::All(parts) => parts.iter().all(|part| part.holds(run)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(run)),
            Self::Not(inner) => !inner.holds(run),
        }
    }
}

const ORDERS: [&str; 6] = [
    "metrics.m",
    "params.p",
    "start_time",
    "end_time",
    "status",
    "run_id",
];

/// Orders two runs by one key: values first, NaN next, missing last.
fn by(order: (usize, bool), one: &RunRecord, other: &RunRecord) -> Ordering {
    let (key, ascending) = order;
    let number = |run: &RunRecord| match key {
        0 => run.metrics.get("m").map(|point| point.value),
        2 => Some(run.started.micros() as f64),
        3 => run.ended.map(|ended| ended.micros() as f64),
        _ => None,
    };
    let text = |run: &RunRecord| match key {
        1 => run.params.get("p").cloned(),
        4 => Some(run.status.as_str().to_uppercase()),
        5 => Some(run.id.to_string()),
        _ => None,
    };
    let rank = |run: &RunRecord| match (number(run), text(run)) {
        (Some(number), _) => i32::from(number.is_nan()),
        (None, Some(_)) => 0,
        (None, None) => 2,
    };
    rank(one).cmp(&rank(other)).then_with(|| {
        let values = number(one)
            .partial_cmp(&number(other))
            .unwrap_or(Ordering::Equal)
            .then_with(|| text(one).cmp(&text(other)));
        if ascending { values } else { values.reverse() }
    })
}

fn create(tracking: &Tracking, experiments: &[ExperimentId], made: &Made) -> RunRecord {
    let mut new = NewRun::new(experiments[made.experiment]);
    new.started = Some(EventTime::from_micros(made.start * 1_000));
    let id = tracking.create_run(new).unwrap().id;
    let metrics = made.metrics.iter().map(|(key, value)| {
        let time = EventTime::from_seconds(1);
        let (step, value) = (0, *value);
        Metric::new(key, MetricPoint { step, time, value })
    });
    let mut batch = Batch::of_metrics(metrics);
    batch.params = made.params.clone().into_iter().collect();
    tracking.log_batch(&id, batch).unwrap();
    let ended = made.status != RunStatus::Running;
    let update = RunUpdate {
        status: Some(made.status),
        ended: ended.then(|| EventTime::from_micros((made.start + 1) * 1_000)),
        name: None,
    };
    tracking.update_run(&id, &update).unwrap();
    if made.deleted {
        tracking.delete_run(&id).unwrap();
    }
    tracking.run(&id).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn a_search_finds_what_a_look_at_every_run_finds(
        runs in prop::collection::vec(made(), 0..14),
        late in prop::collection::vec(made(), 0..4),
        meant in meant(),
        orders in prop::collection::btree_map(0usize..6, any::<bool>(), 0..3),
        limit in 1usize..5,
        view in prop::sample::select(vec![View::Active, View::Deleted, View::All]),
        both in any::<bool>(),
        shared in any::<bool>(),
    ) {
        let tracking = registry(shared).tracking();
        let second = NewExperiment::new("second".parse().unwrap());
        let second = tracking.create_experiment(second).unwrap().id;
        let experiments = [ExperimentId::DEFAULT, second];
        let mut records: Vec<_> =
            runs.iter().map(|made| create(&tracking, &experiments, made)).collect();
        let mut orders: Vec<(usize, bool)> = orders.into_iter().collect();
        let mut query = RunQuery {
            experiments: (!both).then(|| vec![second]),
            condition: meant.text(),
            view,
            order_by: orders
                .iter()
                .map(|(key, ascending)| {
                    format!("{} {}", ORDERS[*key], if *ascending { "ASC" } else { "DESC" })
                })
                .collect(),
            limit: Some(limit),
            page_token: None,
        };
        orders.extend([(2, false), (5, true)]);
        let order = |one: &RunRecord, other: &RunRecord| {
            orders
                .iter()
                .map(|key| by(*key, one, other))
                .find(|order| *order != Ordering::Equal)
                .unwrap_or(Ordering::Equal)
        };
        let expected = |records: &[RunRecord]| {
            let mut expected: Vec<_> = records
                .iter()
                .filter(|run| both || run.experiment == second)
                .filter(|run| match view {
                    View::Active => run.lifecycle == crate::Lifecycle::Active,
                    View::Deleted => run.lifecycle == crate::Lifecycle::Deleted,
                    View::All => true,
                })
                .filter(|run| meant.holds(run))
                .cloned()
                .collect();
            expected.sort_by(order);
            expected
        };
        let mut first = tracking.query_runs(&query).unwrap();
        let all = expected(&records);
        prop_assert_eq!(first.items.len(), all.len().min(limit));
        prop_assert_eq!(ids(&first.items), ids(&all[..first.items.len()]), "{}", query.condition);
        // what comes later must neither repeat nor skip what was there
        records.extend(late.iter().map(|made| create(&tracking, &experiments, made)));
        let last = first.items.last().cloned();
        let mut rest = Vec::new();
        while let Some(token) = first.next.take() {
            query.page_token = Some(token);
            first = tracking.query_runs(&query).unwrap();
            prop_assert!(first.items.len() <= limit);
            rest.append(&mut first.items);
        }
        let expected: Vec<_> = expected(&records)
            .into_iter()
            .filter(|run| last.as_ref().is_some_and(|last| order(run, last) == Ordering::Greater))
            .collect();
        if query.page_token.is_some() {
            prop_assert_eq!(ids(&rest), ids(&expected), "{} {:?}", query.condition, query.order_by);
        }
    }
}

/// A registry in memory, alone or as the index of runs on an object store.
fn registry(shared: bool) -> Registry {
    let builder = Registry::builder("memory://");
    let location = mlops_store::Objects::new().locate("memory://registry");
    let builder = if shared {
        builder.at(location.unwrap())
    } else {
        builder
    };
    builder.open().unwrap()
}

fn ids(runs: &[RunRecord]) -> Vec<&str> {
    runs.iter().map(|run| run.id.as_str()).collect()
}

#[test]
fn groups_count_runs_and_sum_up_metrics() {
    let tracking = registry(true).tracking();
    for (depth, value) in [
        ("3", 1.0),
        ("3", 3.0),
        ("3", f64::NAN),
        ("10", 5.0),
        ("", 7.0),
    ] {
        let id = tracking
            .create_run(NewRun::new(ExperimentId::DEFAULT))
            .unwrap()
            .id;
        let point = MetricPoint {
            step: 0,
            time: EventTime::from_seconds(1),
            value,
        };
        let mut batch = Batch::of_metrics([Metric::new("loss", point)]);
        if !depth.is_empty() {
            batch.params = vec![("depth".into(), depth.into())];
        }
        tracking.log_batch(&id, batch).unwrap();
    }
    let query = GroupQuery {
        condition: "metrics.loss != 7".into(),
        by: vec!["params.depth".into()],
        metrics: vec!["loss".into(), "none".into()],
        ..GroupQuery::default()
    };
    let groups = tracking.group_runs(&query).unwrap();
    let seen: Vec<_> = groups
        .iter()
        .map(|group| {
            (
                group.values[0].as_deref(),
                group.runs,
                group.metrics[0].mean,
                group.metrics[0].nans,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [(Some("10"), 1, Some(5.0), 0), (Some("3"), 3, Some(2.0), 1)]
    );
    assert_eq!(
        (groups[1].metrics[0].min, groups[1].metrics[0].max),
        (Some(1.0), Some(3.0))
    );
    assert_eq!(groups[0].metrics[1].count, 0);
    let all = GroupQuery {
        condition: String::new(),
        ..query
    };
    assert_eq!(tracking.group_runs(&all).unwrap()[2].values, [None]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn no_text_makes_a_parser_panic(
        text in r#"((metrics|params|tags|dataset|name|start_time|run_id|[.`'"a1 ]|<=|!=|>|=|LIKE|IN|NOT|IS NULL|AND|OR|[()%,\\é;-]|1e5|-0.5) ?){0,12}"#,
    ) {
        for searched in [
            Searchable::Runs,
            Searchable::Experiments,
            Searchable::RegisteredModels,
            Searchable::ModelVersions,
            Searchable::LoggedModels,
        ] {
            let _ = Filter::parse(searched, &text);
            let _ = Ordered::parse(searched, &[&text]);
        }
        let _ = Condition::parse(&text);
    }
}
