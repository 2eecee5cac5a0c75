//! The contract for a label of named classes.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray};
use mlops_core::{Seed, Target, TrainingSet};
use mlops_model::{Matrix, Model, ModelSpec, Output};

use super::{Case, Planted, fit, json, labelled, refusal};
use crate::Trainer;

/// All clauses for a label of named classes.
pub const CLASS_CASES: [Case; 5] = [
    ("the same rows give the same model", same_model),
    (
        "answers are a probability a class, in the order of the names",
        answers_are_probabilities,
    ),
    (
        "the likeliest class is right more often than the most frequent one",
        right,
    ),
    ("two named classes are a probability each", two_classes),
    ("a single class is refused", single_class),
];

/// Runs all cases of [`CLASS_CASES`].
///
/// # Panics
/// If the trainer breaks its contract; the message begins with the case.
pub fn check_classes(trainer: &dyn Trainer) {
    for (_, case) in CLASS_CASES {
        case(trainer);
    }
}

/// The features of [`planted`](super::planted) with one of three classes, `gold`, `iron` or `silver`, that
/// depends on them, and noise.
///
/// # Panics
/// If `rows` is 0.
pub fn planted_classes(rows: usize, seed: u64) -> TrainingSet {
    named(rows, seed, |score| match score {
        score if score < -2.0 => "iron",
        score if score < 0.0 => "silver",
        _ => "gold",
    })
}

fn named(rows: usize, seed: u64, name: fn(f64) -> &'static str) -> TrainingSet {
    let planted = Planted::new(rows, seed);
    let mut rng = Seed(seed).derive("planted classes").rng();
    let names = planted
        .scores
        .iter()
        .map(|score| name(score + 0.5 * rng.normal()));
    let labels = StringArray::from_iter_values(names);
    labelled(planted.features, Arc::new(labels), None)
}

fn all_answers(model: &ModelSpec, set: &TrainingSet, case: &str) -> Matrix {
    match model.predict(&set.features()) {
        Ok(answers) => answers,
        Err(error) => panic!("{case}: the model refused its own rows: {error}"),
    }
}

fn same_model(trainer: &dyn Trainer) {
    let case = CLASS_CASES[0].0;
    let set = planted_classes(300, 1);
    let (first, again) = (fit(trainer, &set, case), fit(trainer, &set, case));
    assert_eq!(json(&first), json(&again), "{case}");
    let read: ModelSpec =
        serde_json::from_str(&json(&first)).unwrap_or_else(|error| panic!("{case}: {error}"));
    let (a, b) = (
        all_answers(&first, &set, case),
        all_answers(&read, &set, case),
    );
    assert_eq!(a, b, "{case}");
}

fn answers_are_probabilities(trainer: &dyn Trainer) {
    let case = CLASS_CASES[1].0;
    let set = planted_classes(300, 2);
    let model = fit(trainer, &set, case);
    let names = ["gold", "iron", "silver"].map(String::from).to_vec();
    assert_eq!(
        *model.signature().output(),
        Output::Classes { names },
        "{case}"
    );
    let answers = all_answers(&model, &set, case);
    for row in 0..answers.rows() {
        let row = answers.row(row);
        assert!(
            row.iter().all(|p| (0.0..=1.0).contains(p)),
            "{case}: {row:?}"
        );
        let sum: f64 = row.iter().sum();
        assert!((sum - 1.0).abs() < 1e-9, "{case}: {row:?} sums to {sum}");
    }
}

fn right(trainer: &dyn Trainer) {
    let case = CLASS_CASES[2].0;
    let set = planted_classes(600, 3);
    let Target::Classes { names, codes } = set.target() else {
        panic!("named classes")
    };
    let mut counts = vec![0usize; names.len()];
    for code in &codes {
        counts[*code as usize] += 1;
    }
    let most = counts.into_iter().max().expect("three classes") as f64 / 600.0;
    let answers = all_answers(&fit(trainer, &set, case), &set, case);
    let hits = codes.iter().enumerate().filter(|(row, code)| {
        let row = answers.row(*row);
        row.iter().all(|p| *p <= row[**code as usize])
    });
    let share = hits.count() as f64 / 600.0;
    // a straight line reaches 0.1 more
    assert!(
        share > most + 0.05,
        "{case}: {share} are right, {most} are the most frequent"
    );
}

fn two_classes(trainer: &dyn Trainer) {
    let case = CLASS_CASES[3].0;
    let set = named(300, 4, |score| if score < -1.0 { "no" } else { "yes" });
    let answers = all_answers(&fit(trainer, &set, case), &set, case);
    assert_eq!(answers.width(), 2, "{case}");
}

fn single_class(trainer: &dyn Trainer) {
    let case = CLASS_CASES[4].0;
    let x: ArrayRef = Arc::new(Float64Array::from_iter_values((0..50).map(f64::from)));
    let labels: ArrayRef = Arc::new(StringArray::from(vec!["only"; 50]));
    let text = refusal(trainer, &labelled(vec![("x", x)], labels, None), case);
    assert!(text.contains("only"), "{case}: {text}");
}
