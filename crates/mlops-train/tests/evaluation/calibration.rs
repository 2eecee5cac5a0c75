//! Calibrations against scikit-learn's; `golden/scikit-learn/calibration.py` wrote them.

use mlops_train::{Isotonic, Sigmoid};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    version: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    scores: Vec<f64>,
    labels: Vec<bool>,
    sigmoid: (f64, f64),
    optimum: (f64, f64),
    knots: Vec<(f64, f64)>,
    grid: Vec<f64>,
    grid_sigmoid: Vec<f64>,
    grid_isotonic: Vec<f64>,
}

fn near(case: &Case, what: &str, found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance * expected.abs().max(1.0),
        "{what} of `{}` is {found}, the peer says {expected}",
        case.name
    );
}

#[test]
fn calibrations_agree_with_scikit_learn() {
    let text = include_str!("../golden/scikit-learn/calibration.json");
    let golden: Golden = serde_json::from_str(text).expect("the committed values");
    assert_eq!(golden.version, "1.9.1");
    for case in &golden.cases {
        let sigmoid = Sigmoid::fit(&case.labels, &case.scores).unwrap();
        near(case, "a", sigmoid.a, case.optimum.0, 1e-8);
        near(case, "b", sigmoid.b, case.optimum.1, 1e-8);
        near(case, "a", sigmoid.a, case.sigmoid.0, 1e-4);
        near(case, "b", sigmoid.b, case.sigmoid.1, 1e-4);
        let isotonic = Isotonic::fit(&case.labels, &case.scores).unwrap();
        assert_eq!(isotonic.knots.len(), case.knots.len(), "`{}`", case.name);
        for (knot, (score, probability)) in isotonic.knots.iter().zip(&case.knots) {
            near(case, "a knot", knot.score, *score, 1e-12);
            near(case, "a level", knot.probability, *probability, 1e-12);
        }
        for (at, score) in case.grid.iter().enumerate() {
            let (theirs, ours) = (case.grid_sigmoid[at], sigmoid.apply(*score));
            near(case, "the sigmoid", ours, theirs, 1e-5);
            let (theirs, ours) = (case.grid_isotonic[at], isotonic.apply(*score));
            near(case, "the curve", ours, theirs, 1e-12);
        }
    }
}
