//! Permutation importance: what the metric loses when an input's values are dealt out anew.

use arrow::{array::UInt32Array, compute};
use mlops_core::{Seed, TrainingSet};
use mlops_model::Model;
use serde::{Deserialize, Serialize};

use super::grid::with_column;
use crate::{Error, Metric, Result, Truth, error::require, measure::judged};

/// What each input is worth to a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PermutationImportance {
    /// The metric.
    pub metric: String,
    /// Its value on the rows as they are.
    pub value: f64,
    /// The inputs, the largest mean loss first.
    pub inputs: Vec<InputImportance>,
}

/// One input's losses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputImportance {
    /// The input.
    pub input: String,
    /// The mean loss; about 0 for an input that does not matter.
    pub mean: f64,
    /// The standard deviation of the losses over the repeats.
    pub deviation: f64,
    /// How much worse the metric was in each repeat, above 0 where it was.
    pub losses: Vec<f64>,
}

/// Shuffles each input in turn, `repeats` times, and asks the metric again.
///
/// Use rows that the model was not fitted on. Inputs that carry the same news hide each other: shuffling
/// one leaves the other in place.
///
/// # Errors
/// [`Error::InvalidParameter`] for no repeats, the metric's own, and the model's own if the features do not
/// fit.
///
/// # Complexity
/// `inputs · repeats` predictions of all rows.
///
/// # Reference
/// Breiman 2001; the numbers are those of `sklearn.inspection.permutation_importance` for the same
/// permutations, the deviation with the number of repeats as divisor.
pub fn permutation_importance(
    model: &dyn Model,
    set: &TrainingSet,
    metric: &dyn Metric,
    repeats: u32,
    seed: Seed,
) -> Result<PermutationImportance> {
    require(
        (1..=10_000).contains(&repeats),
        "permutation importance",
        "repeats",
        &repeats,
        "it must lie in 1..=10000",
    )?;
    let truth = Truth::of(set, model.signature().output())?;
    let batch = set.features();
    let weights = set.weights();
    let value = |answers: &[f64]| judged(metric, &truth, answers, weights.as_deref());
    let whole = value(model.predict(&batch)?.values())?;
    let rows: Vec<u32> = (0u32..).take(batch.num_rows()).collect();
    let mut inputs = Vec::new();
    for input in model.signature().inputs() {
        let name = &input.name;
        let column = batch.column_by_name(name).expect("the model has read it");
        let mut losses = Vec::new();
        for repeat in 0..repeats {
            let mut order = rows.clone();
            let mut rng = seed.derive(&format!("{repeat} of {name}")).rng();
            rng.shuffle(&mut order);
            let dealt = compute::take(column, &UInt32Array::from(order), None);
            let dealt = dealt.map_err(|source| {
                Error::Core(mlops_core::Error::Arrow {
                    action: "shuffle a column",
                    source,
                })
            })?;
            let answers = model.predict(&with_column(&batch, name, &dealt)?)?;
            let shuffled = value(answers.values())?;
            losses.push(metric.goal().gain(whole, shuffled));
        }
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        let squares: f64 = losses.iter().map(|loss| (loss - mean).powi(2)).sum();
        inputs.push(InputImportance {
            input: name.clone(),
            mean,
            deviation: (squares / losses.len() as f64).sqrt(),
            losses,
        });
    }
    inputs.sort_by(|a, b| b.mean.total_cmp(&a.mean));
    Ok(PermutationImportance {
        metric: metric.name(),
        value: whole,
        inputs,
    })
}

#[cfg(all(test, feature = "linfa"))]
mod tests {
    use super::*;
    use crate::{
        DecisionTree, Measure, Trainer,
        conformance::{planted, table},
    };

    #[test]
    fn an_input_that_the_model_ignores_is_worth_nothing() {
        let x: Vec<Option<f64>> = (0..200)
            .map(|row| Some(f64::from((row * 37) % 200)))
            .collect();
        let labels: Vec<bool> = x.iter().map(|x| x.unwrap() >= 100.0).collect();
        let noise = (0..200).map(|_| Some(1.0)).collect();
        let set = table(vec![("noise", noise), ("x", x)], &labels);
        let model = DecisionTree::builder()
            .build()
            .unwrap()
            .fit(&set)
            .unwrap()
            .spec;
        for measure in [Measure::RocAuc, Measure::LogLoss] {
            let found = permutation_importance(&model, &set, &measure, 5, Seed(1)).unwrap();
            assert_eq!(
                (found.inputs[0].input.as_str(), found.inputs[0].losses.len()),
                ("x", 5)
            );
            assert!(
                found.inputs[0].mean > 0.3,
                "{measure}: {:?}",
                found.inputs[0]
            );
            assert!(found.inputs[0].deviation > 0.0);
            assert_eq!(
                (found.inputs[1].mean, found.inputs[1].deviation),
                (0.0, 0.0)
            );
        }
    }

    #[test]
    fn a_seed_gives_the_same_losses_and_a_repeat_does_not_move_the_others() {
        let set = planted(200, 1);
        let model = DecisionTree::builder()
            .build()
            .unwrap()
            .fit(&set)
            .unwrap()
            .spec;
        let run = |repeats, seed| {
            permutation_importance(&model, &set, &Measure::Brier, repeats, Seed(seed)).unwrap()
        };
        assert_eq!(run(2, 1), run(2, 1));
        assert_ne!(run(2, 1).inputs, run(2, 2).inputs);
        let (short, long) = (run(1, 1), run(3, 1));
        for input in &short.inputs {
            let same = long
                .inputs
                .iter()
                .find(|other| other.input == input.input)
                .unwrap();
            assert_eq!(input.losses[0], same.losses[0]);
        }
        let none = permutation_importance(&model, &set, &Measure::Brier, 0, Seed(1));
        assert!(matches!(none, Err(Error::InvalidParameter { .. })));
    }
}
