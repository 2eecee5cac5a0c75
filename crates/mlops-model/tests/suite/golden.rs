//! Every family answers what scikit-learn answers with the numbers that it fitted.
//!
//! `tests/golden/scikit-learn/generate.py` wrote the models and the answers.

use mlops_core::Value;
use mlops_model::{Model, ModelSpec, Scratch};

#[derive(serde::Deserialize)]
struct Golden {
    version: String,
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    rows: Vec<Vec<f64>>,
    model: ModelSpec,
    answers: Vec<Vec<f64>>,
}

#[test]
fn answers_agree_with_scikit_learn() {
    let text = include_str!("../golden/scikit-learn/families.json");
    let golden: Golden = serde_json::from_str(text).unwrap();
    assert_eq!((golden.version.as_str(), golden.cases.len()), ("1.9.1", 21));
    for case in golden.cases {
        let mut scratch = Scratch::new();
        for (row, expected) in case.rows.iter().zip(&case.answers) {
            let values: Vec<Value> = row.iter().map(|x| Value::Float(*x)).collect();
            let found = case.model.predict_row(&values, &mut scratch).unwrap();
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                let off = (found - expected).abs();
                assert!(
                    off <= 1e-9 * expected.abs().max(1.0),
                    "{}: {found} is not {expected}",
                    case.name
                );
            }
        }
    }
}
