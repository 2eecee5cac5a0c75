//! The contract for a label that is a number.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array};
use mlops_core::{Seed, TrainingSet};
use mlops_model::Output;

use super::{Case, Planted, answers, fit, json, labelled, planted, refusal};
use crate::Trainer;

/// All clauses for a label that is a number.
pub const NUMBER_CASES: [Case; 6] = [
    ("the same rows give the same model", same_model),
    ("answers are nearer to the label than its mean", near),
    ("the model survives its JSON text", survives_json),
    ("a label's unit is the answer's unit", unit),
    ("a constant feature changes nothing", constant),
    ("a label that is not finite is refused", not_finite),
];

/// Runs all cases of [`NUMBER_CASES`].
///
/// # Panics
/// If the trainer breaks its contract; the message begins with the case.
pub fn check_numbers(trainer: &dyn Trainer) {
    for (_, case) in NUMBER_CASES {
        case(trainer);
    }
}

/// The features of [`planted`](super::planted) with a number that depends on them, and noise.
///
/// # Panics
/// If `rows` is 0.
pub fn planted_numbers(rows: usize, seed: u64) -> TrainingSet {
    scaled(rows, seed, 10.0, 3.0)
}

fn scaled(rows: usize, seed: u64, shift: f64, scale: f64) -> TrainingSet {
    let planted = Planted::new(rows, seed);
    let labels = labels(&planted.scores, seed, shift, scale);
    labelled(planted.features, Arc::new(labels), None)
}

fn labels(scores: &[f64], seed: u64, shift: f64, scale: f64) -> Float64Array {
    let mut rng = Seed(seed).derive("planted numbers").rng();
    let noisy = scores
        .iter()
        .map(|score| shift + scale * (score + 0.5 * rng.normal()));
    Float64Array::from_iter_values(noisy)
}

fn same_model(trainer: &dyn Trainer) {
    let case = NUMBER_CASES[0].0;
    let set = planted_numbers(300, 1);
    let (first, again) = (fit(trainer, &set, case), fit(trainer, &set, case));
    assert_eq!(json(&first), json(&again), "{case}");
    assert_eq!(
        *mlops_model::Model::signature(&first).output(),
        Output::Number
    );
}

/// The share of the label's variance that the answers explain.
fn explained(trainer: &dyn Trainer, set: &TrainingSet, case: &str) -> f64 {
    let found = answers(&fit(trainer, set, case), set, case);
    let labels = set.label_values().expect("numbers");
    let mean = labels.iter().sum::<f64>() / labels.len() as f64;
    let off: f64 = found
        .iter()
        .zip(&labels)
        .map(|(x, y)| (x - y).powi(2))
        .sum();
    1.0 - off / labels.iter().map(|y| (y - mean).powi(2)).sum::<f64>()
}

fn near(trainer: &dyn Trainer) {
    let case = NUMBER_CASES[1].0;
    // a straight line explains 0.3 here
    let share = explained(trainer, &planted_numbers(600, 2), case);
    assert!(
        share > 0.2,
        "{case}: only {share} of the variance is explained"
    );
}

fn survives_json(trainer: &dyn Trainer) {
    let case = NUMBER_CASES[2].0;
    let set = planted_numbers(300, 3);
    let model = fit(trainer, &set, case);
    let read = serde_json::from_str(&json(&model)).unwrap_or_else(|e| panic!("{case}: {e}"));
    assert_eq!(
        answers(&model, &set, case),
        answers(&read, &set, case),
        "{case}"
    );
}

fn unit(trainer: &dyn Trainer) {
    let case = NUMBER_CASES[3].0;
    let set = scaled(300, 4, -1e6, 1e5);
    let share = explained(trainer, &set, case);
    assert!(
        share > 0.2,
        "{case}: only {share} of the variance is explained"
    );
}

fn constant(trainer: &dyn Trainer) {
    let case = NUMBER_CASES[4].0;
    let plain = planted_numbers(200, 5);
    let planted = Planted::new(200, 5);
    let mut features = planted.features;
    let seven: ArrayRef = Arc::new(Float64Array::from(vec![7.0; 200]));
    features.insert(0, ("constant", seven));
    let padded = labelled(
        features,
        Arc::new(labels(&planted.scores, 5, 10.0, 3.0)),
        None,
    );
    let (a, b) = (fit(trainer, &plain, case), fit(trainer, &padded, case));
    assert_eq!(
        answers(&a, &plain, case),
        answers(&b, &padded, case),
        "{case}"
    );
}

fn not_finite(trainer: &dyn Trainer) {
    let case = NUMBER_CASES[5].0;
    let batch = planted(50, 6).features();
    let schema = batch.schema();
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let features = names.zip(batch.columns().iter().cloned()).collect();
    let labels = (0..50).map(|row| if row == 7 { f64::NAN } else { f64::from(row) });
    let labels: ArrayRef = Arc::new(Float64Array::from_iter_values(labels));
    assert_eq!(labels.null_count(), 0);
    let text = refusal(trainer, &labelled(features, labels, None), case);
    assert!(text.contains('7'), "{case}: {text}");
}
