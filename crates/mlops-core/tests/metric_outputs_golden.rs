//! Metrics of numbers and of several classes against scikit-learn's; `golden/scikit-learn/outputs.py` wrote them.

use mlops_core::{
    Result,
    metric::{
        multiclass::{self, ConfusionMatrix},
        regression,
    },
};
use serde::Deserialize;

const TOLERANCE: f64 = 1e-12;

#[derive(Deserialize)]
struct Golden {
    peer: String,
    version: String,
    numbers: Vec<Numbers>,
    classes: Vec<Several>,
}

#[derive(Deserialize)]
struct Numbers {
    name: String,
    truth: Vec<f64>,
    answers: Vec<f64>,
    rmse: f64,
    mae: f64,
    median_absolute_error: f64,
    r2: f64,
    mape: f64,
    smape: f64,
    pinball: Vec<(f64, f64)>,
}

#[derive(Deserialize)]
struct Several {
    name: String,
    classes: usize,
    labels: Vec<usize>,
    answers: Vec<f64>,
    log_loss: f64,
    accuracy: f64,
    macro_f1: f64,
    weighted_f1: f64,
    confusion: Vec<Vec<u64>>,
    roc_auc_ovr: Option<f64>,
    roc_auc_ovr_weighted: Option<f64>,
}

fn golden() -> Golden {
    let golden: Golden = serde_json::from_str(include_str!("golden/scikit-learn/outputs.json"))
        .expect("the committed values");
    assert_eq!(
        (golden.peer.as_str(), golden.version.as_str()),
        ("scikit-learn", "1.9.1")
    );
    golden
}

fn check(case: &str, metric: &str, found: Result<f64>, expected: f64) {
    let found = found.expect("a metric of valid rows");
    assert!(
        (found - expected).abs() <= TOLERANCE * expected.abs().max(1.0),
        "{metric} of `{case}` is {found}, scikit-learn says {expected}"
    );
}

#[test]
fn metrics_of_numbers_agree_with_scikit_learn() {
    for case in golden().numbers {
        let (name, y, p) = (case.name.as_str(), &case.truth, &case.answers);
        check(name, "rmse", regression::rmse(y, p), case.rmse);
        check(name, "mae", regression::mae(y, p), case.mae);
        let median = regression::median_absolute_error(y, p);
        check(name, "median", median, case.median_absolute_error);
        check(name, "r2", regression::r2(y, p), case.r2);
        check(name, "mape", regression::mape(y, p), case.mape);
        check(name, "smape", regression::smape(y, p), case.smape);
        for (quantile, expected) in case.pinball {
            check(
                name,
                "pinball",
                regression::pinball(y, p, quantile),
                expected,
            );
        }
    }
}

#[test]
fn metrics_of_several_classes_agree_with_scikit_learn() {
    for case in golden().classes {
        let (name, k) = (case.name.as_str(), case.classes);
        let (labels, answers) = (&case.labels, &case.answers);
        let log_loss = multiclass::log_loss(labels, answers, k);
        check(name, "log_loss", log_loss, case.log_loss);
        let counts = ConfusionMatrix::of(labels, answers, k).unwrap();
        check(name, "accuracy", Ok(counts.accuracy()), case.accuracy);
        check(name, "macro_f1", Ok(counts.macro_f1()), case.macro_f1);
        check(
            name,
            "weighted_f1",
            Ok(counts.weighted_f1()),
            case.weighted_f1,
        );
        for (truth, row) in case.confusion.iter().enumerate() {
            for (called, expected) in row.iter().enumerate() {
                assert_eq!(counts.count(truth, called), *expected, "`{name}`");
            }
        }
        let found = multiclass::roc_auc_ovr(labels, answers, k);
        match case.roc_auc_ovr {
            Some(expected) => check(name, "roc_auc_ovr", found, expected),
            None => assert!(found.is_err(), "`{name}`"),
        }
        if let Some(expected) = case.roc_auc_ovr_weighted {
            let found = multiclass::roc_auc_ovr_weighted(labels, answers, k);
            check(name, "roc_auc_ovr_weighted", found, expected);
        }
    }
}
