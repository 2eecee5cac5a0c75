//! Folds against scikit-learn's; `golden/scikit-learn/splits.py` wrote them.

use mlops_core::EventTime;
use mlops_train::{Folds, GroupKFold, KFold, Result, StratifiedKFold, TimeSeries};
use serde::Deserialize;

type Found = Vec<(Vec<u32>, Vec<u32>)>;

#[derive(Deserialize)]
struct Golden {
    version: String,
    k_fold: Vec<ByRows>,
    stratified: Vec<ByLabels>,
    group: Vec<ByGroups>,
    series: Vec<BySeries>,
}

#[derive(Deserialize)]
struct ByRows {
    rows: usize,
    folds: u32,
    found: Found,
}

#[derive(Deserialize)]
struct ByLabels {
    labels: Vec<f64>,
    folds: u32,
    found: Found,
}

#[derive(Deserialize)]
struct ByGroups {
    groups: Vec<u32>,
    folds: u32,
    found: Found,
}

#[derive(Deserialize)]
struct BySeries {
    rows: usize,
    folds: u32,
    test: Option<usize>,
    train: Option<usize>,
    gap: usize,
    found: Found,
}

fn check(found: Result<Folds>, expected: &Found) {
    let found: Found = found
        .expect("rows that can be split")
        .map(|fold| (fold.train, fold.test))
        .collect();
    assert_eq!(&found, expected);
}

#[test]
fn folds_agree_with_scikit_learn() {
    let text = include_str!("../golden/scikit-learn/splits.json");
    let golden: Golden = serde_json::from_str(text).expect("the committed values");
    assert_eq!(golden.version, "1.9.1");
    for case in golden.k_fold {
        check(KFold::new(case.folds).split(case.rows), &case.found);
    }
    for case in golden.stratified {
        let folds = StratifiedKFold::new(case.folds).split(&case.labels);
        check(folds, &case.found);
    }
    for case in golden.group {
        let folds = GroupKFold::by_key(case.folds).split(&case.groups);
        check(folds, &case.found);
    }
    for case in golden.series {
        let mut splitter = TimeSeries::expanding(case.folds).gap_rows(case.gap);
        if let Some(rows) = case.test {
            splitter = splitter.test_rows(rows);
        }
        if let Some(rows) = case.train {
            splitter = splitter.train_rows(rows);
        }
        let times: Vec<EventTime> = (0i64..)
            .take(case.rows)
            .map(EventTime::from_seconds)
            .collect();
        check(splitter.split(&times), &case.found);
    }
}
