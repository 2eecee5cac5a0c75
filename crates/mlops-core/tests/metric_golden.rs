//! The metrics against scikit-learn's numbers; `golden/scikit-learn/generate.py` wrote them.

use mlops_core::{Result, metric};
use serde::Deserialize;

const TOLERANCE: f64 = 1e-12;

#[derive(Deserialize)]
struct Golden {
    peer: String,
    version: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    labels: Vec<bool>,
    scores: Vec<f64>,
    roc_auc: f64,
    pr_auc: f64,
    log_loss: f64,
    brier: f64,
    accuracy: f64,
    roc_curve: Vec<(f64, f64)>,
    pr_curve: Vec<(f64, f64)>,
    calibration: Vec<(f64, f64)>,
    at_k: Vec<(usize, f64, f64)>,
}

fn cases() -> Vec<Case> {
    let golden: Golden = serde_json::from_str(include_str!("golden/scikit-learn/values.json"))
        .expect("the committed values");
    assert_eq!(
        (golden.peer.as_str(), golden.version.as_str()),
        ("scikit-learn", "1.9.1")
    );
    assert!(golden.cases.len() >= 10);
    golden.cases
}

fn check(case: &Case, metric: &str, found: Result<f64>, expected: f64) {
    let found = found.expect("a metric of valid rows");
    assert!(
        (found - expected).abs() <= TOLERANCE,
        "{metric} of `{}` is {found}, scikit-learn says {expected}",
        case.name
    );
}

fn check_points(case: &Case, curve: &str, found: &[(f64, f64)], expected: &[(f64, f64)]) {
    assert_eq!(found.len(), expected.len(), "{curve} of `{}`", case.name);
    for (found, expected) in found.iter().zip(expected) {
        check(case, curve, Ok(found.0), expected.0);
        check(case, curve, Ok(found.1), expected.1);
    }
}

#[test]
fn scores_agree_with_scikit_learn() {
    for case in cases() {
        let (labels, scores) = (&case.labels, &case.scores);
        check(
            &case,
            "roc_auc",
            metric::roc_auc(labels, scores),
            case.roc_auc,
        );
        check(&case, "pr_auc", metric::pr_auc(labels, scores), case.pr_auc);
        check(
            &case,
            "log_loss",
            metric::log_loss(labels, scores),
            case.log_loss,
        );
        check(&case, "brier", metric::brier(labels, scores), case.brier);
        check(
            &case,
            "accuracy",
            metric::accuracy(labels, scores, 0.5),
            case.accuracy,
        );
    }
}

#[test]
fn the_top_of_the_list_agrees_with_scikit_learn() {
    for case in cases() {
        for (k, precision, recall) in &case.at_k {
            let found = metric::precision_at_k(&case.labels, &case.scores, *k);
            check(&case, "precision_at_k", found, *precision);
            let found = metric::recall_at_k(&case.labels, &case.scores, *k);
            check(&case, "recall_at_k", found, *recall);
        }
    }
}

#[test]
fn curves_agree_with_scikit_learn() {
    for case in cases() {
        let (labels, scores) = (&case.labels, &case.scores);
        let roc = metric::roc_curve(labels, scores).unwrap();
        check_points(&case, "roc_curve", &roc, &case.roc_curve);
        let pr = metric::pr_curve(labels, scores).unwrap();
        check_points(&case, "pr_curve", &pr, &case.pr_curve);
        let bins = metric::calibration_curve(labels, scores, 10).unwrap();
        let points: Vec<_> = bins
            .iter()
            .map(|b| (b.mean_score, b.positive_share))
            .collect();
        check_points(&case, "calibration_curve", &points, &case.calibration);
    }
}
