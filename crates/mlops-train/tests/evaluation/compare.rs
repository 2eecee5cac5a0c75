//! Paired tests against scipy and statsmodels; `golden/scipy/compare.py` wrote the numbers.

use mlops_train::{Comparison, corrected_t_test, delong, mcnemar};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    scipy: String,
    statsmodels: String,
    delong: Vec<DeLong>,
    mcnemar: Vec<McNemar>,
    t_test: Vec<TTest>,
}

#[derive(Deserialize)]
struct DeLong {
    labels: Vec<bool>,
    first: Vec<f64>,
    second: Vec<f64>,
    found: [f64; 4],
}

#[derive(Deserialize)]
struct McNemar {
    counts: [usize; 4],
    p: f64,
}

#[derive(Deserialize)]
struct TTest {
    differences: Vec<f64>,
    train: u64,
    test: u64,
    found: [f64; 4],
}

#[track_caller]
fn check(found: &Comparison, expected: [f64; 4]) {
    let i = found.difference;
    for (found, expected) in [i.value, i.lower, i.upper, found.p_value]
        .iter()
        .zip(expected)
    {
        assert!(
            (found - expected).abs() <= 1e-9,
            "{found}, the peer says {expected}"
        );
    }
}

#[test]
fn paired_tests_agree_with_scipy_and_statsmodels() {
    let text = include_str!("../golden/scipy/compare.json");
    let golden: Golden = serde_json::from_str(text).expect("the committed values");
    assert_eq!(
        (golden.scipy.as_str(), golden.statsmodels.as_str()),
        ("1.17.1", "0.15.0")
    );
    for case in &golden.delong {
        let found = delong(&case.labels, &case.first, &case.second, 0.95).unwrap();
        check(&found, case.found);
    }
    for case in &golden.mcnemar {
        let [first, second, both, neither] = case.counts;
        let rows = |first_only, second_only| {
            let parts = [
                (first, first_only),
                (second, second_only),
                (both, true),
                (neither, false),
            ];
            let rows = parts
                .into_iter()
                .flat_map(|(count, right)| vec![right; count]);
            rows.collect::<Vec<bool>>()
        };
        let found = mcnemar(&rows(true, false), &rows(false, true), 0.95).unwrap();
        assert!(
            (found.p_value - case.p).abs() < 1e-9,
            "{found:?}, the peer says {}",
            case.p
        );
    }
    for case in &golden.t_test {
        let found = corrected_t_test(&case.differences, case.train, case.test, 0.95).unwrap();
        check(&found, case.found);
    }
}
