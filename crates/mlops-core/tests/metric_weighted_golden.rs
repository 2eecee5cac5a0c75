//! Metrics of rows that count differently against scikit-learn's; `golden/scikit-learn/weighted.py` wrote them.

use mlops_core::{
    Result,
    metric::weighted::{
        self,
        multiclass::{self, WeightedConfusion},
        regression,
    },
};
use serde::Deserialize;

const TOLERANCE: f64 = 1e-12;

#[derive(Deserialize)]
struct Golden {
    version: String,
    binary: Vec<Binary>,
    numbers: Vec<Numbers>,
    classes: Vec<Several>,
}

#[derive(Deserialize)]
struct Binary {
    name: String,
    labels: Vec<bool>,
    scores: Vec<f64>,
    weights: Vec<f64>,
    roc_auc: f64,
    pr_auc: f64,
    log_loss: f64,
    brier: f64,
    accuracy: f64,
    precision_at_10: f64,
    recall_at_10: f64,
}

#[derive(Deserialize)]
struct Numbers {
    name: String,
    truth: Vec<f64>,
    answers: Vec<f64>,
    weights: Vec<f64>,
    rmse: f64,
    mae: f64,
    median_absolute_error: f64,
    r2: f64,
    mape: f64,
    smape: f64,
    pinball: f64,
}

#[derive(Deserialize)]
struct Several {
    name: String,
    classes: usize,
    labels: Vec<usize>,
    answers: Vec<f64>,
    weights: Vec<f64>,
    log_loss: f64,
    accuracy: f64,
    macro_f1: f64,
    weighted_f1: f64,
    roc_auc_ovr: f64,
    precision: Vec<f64>,
    recall: Vec<f64>,
}

fn golden() -> Golden {
    let text = include_str!("golden/scikit-learn/weighted.json");
    let golden: Golden = serde_json::from_str(text).expect("the script wrote it");
    assert_eq!((golden.version.as_str(), golden.binary.len()), ("1.9.1", 3));
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
fn weighted_metrics_of_two_classes_agree_with_scikit_learn() {
    for case in golden().binary {
        let (name, l, s, w) = (&case.name, &case.labels, &case.scores, &case.weights);
        check(name, "roc_auc", weighted::roc_auc(l, s, w), case.roc_auc);
        check(name, "pr_auc", weighted::pr_auc(l, s, w), case.pr_auc);
        check(name, "log_loss", weighted::log_loss(l, s, w), case.log_loss);
        check(name, "brier", weighted::brier(l, s, w), case.brier);
        let accuracy = weighted::accuracy(l, s, w, 0.5);
        check(name, "accuracy", accuracy, case.accuracy);
        let precision = weighted::precision_at_k(l, s, w, 10);
        check(name, "precision", precision, case.precision_at_10);
        let recall = weighted::recall_at_k(l, s, w, 10);
        check(name, "recall", recall, case.recall_at_10);
    }
}

#[test]
fn weighted_metrics_of_numbers_agree_with_scikit_learn() {
    for case in golden().numbers {
        let (name, y, p, w) = (&case.name, &case.truth, &case.answers, &case.weights);
        check(name, "rmse", regression::rmse(y, p, w), case.rmse);
        check(name, "mae", regression::mae(y, p, w), case.mae);
        let median = regression::median_absolute_error(y, p, w);
        check(name, "median", median, case.median_absolute_error);
        check(name, "r2", regression::r2(y, p, w), case.r2);
        check(name, "mape", regression::mape(y, p, w), case.mape);
        check(name, "smape", regression::smape(y, p, w), case.smape);
        let pinball = regression::pinball(y, p, w, 0.3);
        check(name, "pinball", pinball, case.pinball);
    }
}

#[test]
fn weighted_metrics_of_several_classes_agree_with_scikit_learn() {
    for case in golden().classes {
        let (name, k) = (&case.name, case.classes);
        let (labels, answers, weights) = (&case.labels, &case.answers, &case.weights);
        let log_loss = multiclass::log_loss(labels, answers, weights, k);
        check(name, "log_loss", log_loss, case.log_loss);
        let auc = multiclass::roc_auc_ovr(labels, answers, weights, k);
        check(name, "roc_auc_ovr", auc, case.roc_auc_ovr);
        let sums = WeightedConfusion::of(labels, answers, weights, k).expect("valid rows");
        check(name, "accuracy", Ok(sums.accuracy()), case.accuracy);
        check(name, "macro_f1", Ok(sums.macro_f1()), case.macro_f1);
        check(
            name,
            "weighted_f1",
            Ok(sums.weighted_f1()),
            case.weighted_f1,
        );
        for class in 0..k {
            let [precision, recall] = [sums.precision(class), sums.recall(class)];
            let both = precision.zip(recall).expect("every class counts");
            check(name, "precision", Ok(both.0), case.precision[class]);
            check(name, "recall", Ok(both.1), case.recall[class]);
        }
    }
}
