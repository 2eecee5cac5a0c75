//! Late, repeated, revised and missing outcomes.

#![expect(clippy::unwrap_used, reason = "a test panics where something is wrong")]

use mlops_core::{
    EventTime, ModelName, OutcomeRecord, PredictionRecord, Seed,
    metric::{brier, pr_auc, roc_auc},
};
use mlops_drift::{Added, Error, Metric, OutcomeJoin, Performance, PerformanceQuery};

fn model() -> ModelName {
    ModelName::new("churn").unwrap()
}

fn at(second: i64) -> EventTime {
    EventTime::from_seconds(second)
}

fn prediction(id: u32, second: i64, version: u32, prediction: f64) -> PredictionRecord {
    PredictionRecord {
        id: format!("p{id}"),
        time: at(second),
        model: model(),
        version,
        key: None,
        features: Vec::new(),
        prediction,
        outputs: Vec::new(),
    }
}

fn outcome(id: u32, second: i64, outcome: f64) -> OutcomeRecord {
    OutcomeRecord {
        prediction_id: format!("p{id}"),
        time: at(second),
        outcome,
    }
}

fn query() -> PerformanceQuery {
    PerformanceQuery::between(at(0), at(1_000))
}

/// A hundred predictions in seconds 0..100, of which the first `known` have an outcome in second 500 + id.
fn stream(known: u32) -> (Vec<PredictionRecord>, Vec<OutcomeRecord>) {
    let mut rng = Seed(3).rng();
    let predictions: Vec<_> = (0..100)
        .map(|id| prediction(id, i64::from(id), 1 + id % 2, rng.unit()))
        .collect();
    let outcomes = (0..known).map(|id| {
        let came_true = rng.unit() < predictions[id as usize].prediction;
        outcome(id, 500 + i64::from(id), f64::from(u8::from(came_true)))
    });
    let outcomes = outcomes.collect();
    (predictions, outcomes)
}

fn join(predictions: &[PredictionRecord], outcomes: &[OutcomeRecord]) -> OutcomeJoin {
    let mut join = OutcomeJoin::new(model());
    for record in predictions {
        join.add_prediction(record).unwrap();
    }
    for record in outcomes {
        join.add_outcome(record).unwrap();
    }
    join
}

#[test]
fn metrics_are_those_of_the_known_pairs() {
    let (predictions, outcomes) = stream(60);
    let performance = join(&predictions, &outcomes).performance(&query());
    let scores: Vec<f64> = predictions[..60].iter().map(|p| p.prediction).collect();
    let labels: Vec<bool> = outcomes.iter().map(|o| o.outcome == 1.0).collect();
    let value = |metric| performance.metrics[&metric].value;
    assert!((value(Metric::PrAuc) - pr_auc(&labels, &scores).unwrap()).abs() < 1e-12);
    assert!((value(Metric::RocAuc) - roc_auc(&labels, &scores).unwrap()).abs() < 1e-12);
    assert!((value(Metric::Brier) - brier(&labels, &scores).unwrap()).abs() < 1e-12);
    assert_eq!(
        (
            performance.predictions,
            performance.outcomes,
            performance.completeness()
        ),
        (100, 60, 0.6)
    );
    let positives = labels.iter().filter(|label| **label).count() as f64;
    assert_eq!(performance.base_rate(), Some(positives / 60.0));
    let interval = performance.metrics[&Metric::RocAuc];
    assert!(interval.lower < interval.value && interval.value < interval.upper);
    let back: Performance =
        serde_json::from_str(&serde_json::to_string(&performance).unwrap()).unwrap();
    assert_eq!(back, performance);
}

#[test]
fn the_order_and_number_of_deliveries_do_not_matter() {
    let (predictions, outcomes) = stream(60);
    let first = join(&predictions, &outcomes);
    let mut again = OutcomeJoin::new(model());
    for record in outcomes.iter().rev() {
        assert_eq!(again.add_outcome(record).unwrap(), Added::New);
        assert_eq!(again.add_outcome(record).unwrap(), Added::Known);
    }
    assert_eq!(again.unmatched_outcomes(), 60);
    for record in predictions.iter().rev().chain(&predictions) {
        again.add_prediction(record).unwrap();
    }
    assert_eq!(again, first);
    assert_eq!((again.unmatched_outcomes(), again.predictions()), (0, 100));
    assert_eq!(again.performance(&query()), first.performance(&query()));
}

#[test]
fn what_was_known_then_is_not_what_is_known_now() {
    let (predictions, outcomes) = stream(100);
    let mut join = join(&predictions, &outcomes);
    let then = query().known_by(at(519));
    assert_eq!(join.performance(&then).outcomes, 20);
    assert_eq!(join.performance(&query()).outcomes, 100);
    // the first outcome is corrected later; the earlier question keeps its answer
    let before = (
        join.performance(&then),
        join.performance(&query()).positives,
    );
    let other = 1.0 - outcomes[0].outcome;
    assert_eq!(
        join.add_outcome(&outcome(0, 900, other)).unwrap(),
        Added::Revision
    );
    assert_eq!(join.performance(&then), before.0);
    assert_eq!(join.performance(&query()).positives.abs_diff(before.1), 1);
}

#[test]
fn spans_and_versions_select_predictions() {
    let (predictions, outcomes) = stream(100);
    let join = join(&predictions, &outcomes);
    let part = |query: PerformanceQuery| join.performance(&query).predictions;
    assert_eq!(part(PerformanceQuery::between(at(10), at(20))), 10);
    assert_eq!(part(query().version(2)), 50);
    assert_eq!(part(query().version(9)), 0);
    let empty = join.performance(&query().version(9));
    assert_eq!(
        (empty.completeness(), empty.base_rate(), empty.metrics.len()),
        (0.0, None, 0)
    );
    assert_eq!(empty.unavailable.len(), 4);
}

#[test]
fn one_class_has_no_ranking_and_says_so() {
    let mut join = OutcomeJoin::new(model());
    for id in 0..5 {
        join.add_prediction(&prediction(id, 1, 1, 0.2)).unwrap();
        join.add_outcome(&outcome(id, 2, 0.0)).unwrap();
    }
    let performance = join.performance(&query());
    assert!(performance.metrics.contains_key(&Metric::Brier));
    assert!(performance.unavailable[&Metric::RocAuc].contains("labels are false"));
}

#[test]
fn the_position_of_a_class_is_not_taken_for_a_probability() {
    let mut record = prediction(1, 1, 1, 1.0);
    record.outputs = vec![0.1, 0.7, 0.2];
    let error = OutcomeJoin::new(model())
        .add_prediction(&record)
        .unwrap_err();
    assert!(matches!(error, Error::NotProbability { .. }), "{error}");
}

#[test]
fn contradictions_and_foreign_records_are_named() {
    let mut join = OutcomeJoin::new(model());
    join.add_prediction(&prediction(1, 1, 1, 0.2)).unwrap();
    join.add_outcome(&outcome(1, 5, 1.0)).unwrap();
    let clash = join.add_prediction(&prediction(1, 1, 1, 0.3)).unwrap_err();
    assert_eq!(
        clash.to_string(),
        "prediction `p1` came twice with different contents"
    );
    assert!(matches!(
        join.add_outcome(&outcome(1, 5, 0.0)),
        Err(Error::ConflictingRecord { .. })
    ));
    assert!(matches!(
        join.add_outcome(&outcome(2, 5, 0.5)),
        Err(Error::NotBinary { .. })
    ));
    assert!(matches!(
        join.add_outcome(&outcome(2, 5, f64::NAN)),
        Err(Error::NotBinary { .. })
    ));
    assert!(matches!(
        join.add_prediction(&prediction(2, 1, 1, 1.5)),
        Err(Error::NotProbability { .. })
    ));
    let mut foreign = prediction(3, 1, 1, 0.5);
    foreign.model = ModelName::new("demand").unwrap();
    assert!(matches!(
        join.add_prediction(&foreign),
        Err(Error::OtherModel { .. })
    ));
    assert_eq!((join.predictions(), join.unmatched_outcomes()), (1, 0));
}

#[test]
fn old_predictions_can_be_forgotten() {
    let (predictions, outcomes) = stream(100);
    let mut join = join(&predictions, &outcomes);
    join.add_outcome(&outcome(777, 5, 1.0)).unwrap();
    join.forget_before(at(40));
    assert_eq!((join.predictions(), join.unmatched_outcomes()), (60, 0));
    assert_eq!(join.performance(&query()).outcomes, 60);
}

#[test]
fn the_interval_is_the_same_for_the_same_seed() {
    let (predictions, outcomes) = stream(100);
    let join = join(&predictions, &outcomes);
    let run = |seed| {
        join.performance(&query().interval(0.9, 50, Seed(seed)))
            .metrics[&Metric::PrAuc]
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
