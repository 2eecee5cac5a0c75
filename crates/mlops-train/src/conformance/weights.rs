//! The contract for rows that count differently.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, UInt64Array},
    compute,
};
use mlops_core::{ErrorKind, TrainingSet};
use mlops_model::Model;

use super::labelled;
use crate::Trainer;

/// Checks that a row of weight 2 counts as two rows: fits on `set` with every third row twice, and on `set`
/// with every third row at weight 2, and compares the answers to all rows. A trainer that refuses weights as
/// [`ErrorKind::Unsupported`] passes too.
///
/// # Panics
/// If the answers differ by more than `tolerance`, or a good set is refused.
pub fn check_weights(trainer: &dyn Trainer, set: &TrainingSet, tolerance: f64) {
    let rows = set.rows() as u64;
    let once: Vec<u64> = (0..rows).collect();
    let twice: Vec<u64> = (0..rows)
        .flat_map(|row| vec![row; 1 + usize::from(row % 3 == 0)])
        .collect();
    let weights = (0..rows).map(|row| if row % 3 == 0 { 2.0 } else { 1.0 });
    let weighted = taken(set, &once, Some(weights.collect()));
    let fitted = match trainer.fit(&weighted) {
        Ok(fitted) => fitted,
        Err(error) if error.kind() == ErrorKind::Unsupported => return,
        Err(error) => panic!("weights: {} refused a good set: {error}", trainer.name()),
    };
    let repeated = match trainer.fit(&taken(set, &twice, None)) {
        Ok(fitted) => fitted,
        Err(error) => panic!("weights: {} refused a good set: {error}", trainer.name()),
    };
    let answers = |spec: &mlops_model::ModelSpec| match spec.predict(&set.features()) {
        Ok(answers) => answers.into_values(),
        Err(error) => panic!("weights: the model refused its own rows: {error}"),
    };
    let pairs = answers(&fitted.spec)
        .into_iter()
        .zip(answers(&repeated.spec));
    for (at, (one, other)) in pairs.enumerate() {
        let off = (one - other).abs();
        assert!(
            off <= tolerance,
            "a row of weight 2 counts as two rows: answer {at} is {one}, and {other} of rows twice"
        );
    }
}

/// Some rows of a set.
fn taken(set: &TrainingSet, rows: &[u64], weights: Option<Vec<f64>>) -> TrainingSet {
    let at = UInt64Array::from(rows.to_vec());
    let take = |array: &ArrayRef| -> ArrayRef {
        compute::take(array, &at, None).expect("the rows are there")
    };
    let batch = set.table().batch();
    let label = batch
        .column_by_name(set.label_name())
        .expect("a set has its label");
    let features = set.features();
    let schema = features.schema();
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let features = names.zip(features.columns().iter().map(take)).collect();
    labelled(features, Arc::clone(&take(label)), weights)
}
