//! TreeSHAP: what each input adds to the raw score of one row, exactly.

mod cover;
mod path;

use std::num::NonZeroUsize;

use arrow::array::RecordBatch;
use mlops_model::{Combine, Estimator, Matrix, ModelSpec};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};
use cover::Covered;
use path::Walk;

/// Explains the raw scores of a tree ensemble: log-odds, logarithms or numbers, before the link.
///
/// An input that is not known is averaged over by the share of background rows on each side of a split;
/// give the rows that the model was fitted on. Columns that one input was encoded to are added up.
///
/// # Complexity
/// `O(leaves · depth²)` a row. Memory for the background's counts: one number a node.
///
/// # Reference
/// Lundberg, Erion and Lee 2018, algorithm 2 (path-dependent). Agrees with LightGBM's `pred_contrib` and with
/// `shap.TreeExplainer(feature_perturbation="tree_path_dependent")` to 1e-9 where covers are the
/// background's counts.
#[derive(Debug, Clone)]
#[doc(alias = "SHAP")]
pub struct TreeShap<'m> {
    spec: &'m ModelSpec,
    trees: Vec<Covered<'m>>,
    /// `[outputs]`: the mean raw score over the background.
    expected: Vec<f64>,
    /// What a tree's value is multiplied by, for each output.
    scales: Vec<f64>,
    /// The input that each encoded column came from.
    input_of: Vec<usize>,
    threads: NonZeroUsize,
}

/// What each input added to each row's raw scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    inputs: Vec<String>,
    expected: Vec<f64>,
    /// `[rows, outputs, inputs]`.
    values: Vec<f64>,
}

impl<'m> TreeShap<'m> {
    /// Counts on which side of every split the background's rows fall.
    ///
    /// # Errors
    /// [`Error::UnsupportedModel`] for a model that is not made of trees,
    /// [`mlops_core::Error::EmptyTable`] for a background without rows, and the model's own if its columns
    /// do not fit.
    pub fn new(spec: &'m ModelSpec, background: &RecordBatch) -> Result<Self> {
        let Estimator::Trees(ensemble) = spec.estimator() else {
            return Err(Error::UnsupportedModel {
                function: "TreeShap",
                expected: "a tree ensemble",
                found: format!("is of the family `{}`", spec.estimator().family()),
            });
        };
        if background.num_rows() == 0 {
            return Err(Error::Core(mlops_core::Error::EmptyTable {
                table: "background".into(),
            }));
        }
        let matrix = spec.preprocess().encode(background)?;
        let outputs = ensemble.base.len();
        let scale = |output: usize| match ensemble.combine {
            Combine::Mean => {
                // trees of the output: those whose position leaves it as the remainder
                let trees = (ensemble.trees.len() + outputs - 1 - output) / outputs;
                1.0 / trees.max(1) as f64
            }
            _ => 1.0,
        };
        let scales: Vec<f64> = (0..outputs).map(scale).collect();
        let trees: Vec<Covered> = ensemble
            .trees
            .iter()
            .map(|tree| Covered::new(tree, &matrix))
            .collect();
        let mut expected = ensemble.base.clone();
        for (at, tree) in trees.iter().enumerate() {
            expected[at % outputs] += scales[at % outputs] * tree.expected();
        }
        let encoders = spec.preprocess().encoders().iter();
        let input_of = encoders.flat_map(|encoder| vec![encoder.input(); encoder.width()]);
        Ok(Self {
            spec,
            trees,
            expected,
            scales,
            input_of: input_of.collect(),
            threads: NonZeroUsize::MIN,
        })
    }

    /// How many threads share the rows; the numbers are the same for any.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// Explains every row of a batch.
    ///
    /// # Errors
    /// The model's own if the columns do not fit.
    pub fn explain(&self, batch: &RecordBatch) -> Result<Explanation> {
        let matrix = self.spec.preprocess().encode(batch)?;
        let inputs = self.spec.preprocess().signature().inputs();
        let stride = self.expected.len() * inputs.len();
        let mut values = vec![0.0; matrix.rows() * stride];
        if stride > 0 {
            let share = matrix.rows().div_ceil(self.threads.get()).max(1);
            std::thread::scope(|scope| {
                for (at, part) in values.chunks_mut(share * stride).enumerate() {
                    let matrix = &matrix;
                    let mut work = move || self.explain_rows(matrix, at * share, part);
                    if self.threads.get() == 1 {
                        work();
                    } else {
                        scope.spawn(work);
                    }
                }
            });
        }
        Ok(Explanation {
            inputs: inputs.iter().map(|input| input.name.clone()).collect(),
            expected: self.expected.clone(),
            values,
        })
    }

    /// Fills `[rows, outputs, inputs]` for the rows from `first` on.
    fn explain_rows(&self, matrix: &Matrix, first: usize, values: &mut [f64]) {
        let outputs = self.expected.len();
        let inputs = self.spec.preprocess().signature().inputs().len();
        let mut walk = Walk::new();
        let mut columns = vec![0.0; self.input_of.len()];
        for (row, values) in (first..).zip(values.chunks_exact_mut(outputs * inputs)) {
            for (output, values) in values.chunks_exact_mut(inputs).enumerate() {
                columns.fill(0.0);
                for tree in self.trees.iter().skip(output).step_by(outputs) {
                    walk.add(tree, matrix.row(row), &mut columns);
                }
                for (column, input) in columns.iter().zip(&self.input_of) {
                    values[*input] += self.scales[output] * column;
                }
            }
        }
    }
}

impl Explanation {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        let stride = self.inputs.len() * self.expected.len();
        self.values.len().checked_div(stride).unwrap_or(0)
    }

    /// The inputs in the model's order.
    pub fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// `[outputs]`: the raw score where no input is known, the mean over the background.
    pub fn expected(&self) -> &[f64] {
        &self.expected
    }

    /// `[inputs]`: what each input added to the output's raw score; with the expected one they sum to it.
    ///
    /// # Panics
    /// If there are not as many rows or outputs.
    pub fn values(&self, row: usize, output: usize) -> &[f64] {
        assert!(output < self.expected.len(), "output {output}");
        let inputs = self.inputs.len();
        let start = (row * self.expected.len() + output) * inputs;
        &self.values[start..start + inputs]
    }

    /// The raw score that the row's values explain.
    ///
    /// # Panics
    /// If there are not as many rows or outputs.
    pub fn raw_score(&self, row: usize, output: usize) -> f64 {
        let added: f64 = self.values(row, output).iter().sum();
        self.expected[output] + added
    }

    /// The inputs that moved the row most, with what they added; at most `most`.
    ///
    /// # Panics
    /// If there are not as many rows or outputs.
    pub fn reasons(&self, row: usize, output: usize, most: usize) -> Vec<(&str, f64)> {
        let values = self.values(row, output).iter().copied();
        let names = self.inputs.iter().map(String::as_str);
        let mut reasons: Vec<(&str, f64)> = names.zip(values).filter(|(_, v)| *v != 0.0).collect();
        reasons.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        reasons.truncate(most);
        reasons
    }

    /// The mean size of what each input added, over all rows and outputs, the largest first.
    pub fn importance(&self) -> Vec<(String, f64)> {
        let mut sums = vec![0.0; self.inputs.len()];
        for values in self.values.chunks_exact(self.inputs.len().max(1)) {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += value.abs();
            }
        }
        let rows = (self.rows() * self.expected.len()).max(1) as f64;
        let sums = sums.into_iter().map(|sum| sum / rows);
        let mut all: Vec<(String, f64)> = self.inputs.iter().cloned().zip(sums).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all
    }
}

#[cfg(test)]
mod tests;
