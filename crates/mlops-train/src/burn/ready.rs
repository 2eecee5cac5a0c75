//! From a training set to what the loop reads: targets and weights, the rows held out, scaled numbers.

use std::collections::BTreeMap;

use mlops_core::{EventTime, Target};
use mlops_model::Matrix;

use super::{data::Rows, loss::Loss, net::single, training::Training};
use crate::{Error, Result, Watched, split::latest_cut};

/// What is learnt from the labels.
#[derive(Debug)]
pub(super) struct Goal {
    pub(super) loss: Loss,
    /// `[rows]`.
    targets: Vec<f32>,
    /// `[rows]`.
    weights: Vec<f32>,
    /// What a score is multiplied by, and what is then added.
    pub(super) scale: f64,
    pub(super) center: f64,
    /// The positions of the rows to fit on, and of those held out.
    fit: Vec<usize>,
    held: Vec<usize>,
}

impl Goal {
    /// Scales numbers, weighs classes and holds the latest rows out, where both sides are then worth something.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a watched number or a class weight that the labels do not have,
    /// [`Error::EmptySplit`] if no row to fit on has a weight above 0.
    pub(super) fn new(
        owner: &'static str,
        training: &Training,
        labels: &Target,
        weights: Option<&[f64]>,
        times: &[EventTime],
    ) -> Result<Self> {
        training.watched.check(owner, labels)?;
        let rows = labels.rows();
        let weight = training.class_weights.rows(owner, labels, weights)?;
        let weight = weight.unwrap_or_else(|| vec![1.0; rows]);
        let sum = |rows: &[usize]| rows.iter().map(|row| weight[*row]).sum::<f64>();
        let (fit, held) = training
            .early_stopping
            .and_then(|_| latest_cut(times, training.validation_fraction))
            .map(|cut| (0..rows).partition::<Vec<usize>, _>(|row| times[*row] < cut))
            .filter(|(fit, held)| {
                let ranked = training.watched.ranks();
                sum(fit) > 0.0
                    && sum(held) > 0.0
                    && has_all_classes(labels, fit)
                    && (!ranked || has_all_classes(labels, held))
            })
            .unwrap_or_else(|| ((0..rows).collect(), Vec::new()));
        let total = sum(&fit);
        if total <= 0.0 {
            return Err(Error::EmptySplit {
                rows,
                side: "of a weight above 0 to fit on",
            });
        }
        let (mut center, mut scale) = (0.0, 1.0);
        let (loss, targets) = match labels {
            Target::Binary(labels) => {
                let targets = labels.iter().map(|label| f32::from(u8::from(*label)));
                (Loss::Log, targets.collect())
            }
            Target::Classes { names, codes } => {
                let targets = codes.iter().map(|code| *code as f32);
                (Loss::CrossEntropy(names.len()), targets.collect())
            }
            Target::Number(values) => {
                (center, scale) = moments(values, &weight, &fit, total);
                let targets = values.iter().map(|value| single((value - center) / scale));
                (Loss::Squared, targets.collect())
            }
        };
        let mean = total / fit.len() as f64;
        Ok(Self {
            loss,
            targets,
            weights: weight.iter().map(|weight| single(weight / mean)).collect(),
            scale,
            center,
            fit,
            held,
        })
    }

    /// The rows to fit on and those held out; columns with a number of categories become codes, where
    /// what is missing gets that number.
    pub(super) fn rows(&self, matrix: &Matrix, codes: &[(usize, usize)]) -> (Rows, Rows) {
        let has_code = |column: &usize| codes.binary_search_by_key(column, |(at, _)| *at).is_ok();
        let plain: Vec<usize> = (0..matrix.width()).filter(|at| !has_code(at)).collect();
        let take = |at: &[usize]| {
            let mut rows = Rows {
                numbers: Vec::with_capacity(at.len() * plain.len()),
                width: plain.len(),
                codes: Vec::with_capacity(at.len() * codes.len()),
                columns: codes.len(),
                targets: at.iter().map(|row| self.targets[*row]).collect(),
                weights: at.iter().map(|row| self.weights[*row]).collect(),
            };
            for row in at {
                let values = matrix.row(*row);
                rows.numbers
                    .extend(plain.iter().map(|column| single(values[*column])));
                rows.codes.extend(
                    codes
                        .iter()
                        .map(|(column, unseen)| code(values[*column], *unseen)),
                );
            }
            rows
        };
        (take(&self.fit), take(&self.held))
    }

    /// The rows to fit on and those held out, from numbers and codes of each row.
    pub(super) fn split(
        &self,
        (numbers, width): (&[f32], usize),
        (codes, columns): (&[i32], usize),
    ) -> (Rows, Rows) {
        let take = |at: &[usize]| {
            let mut rows = Rows {
                numbers: Vec::with_capacity(at.len() * width),
                width,
                codes: Vec::with_capacity(at.len() * columns),
                columns,
                targets: at.iter().map(|row| self.targets[*row]).collect(),
                weights: at.iter().map(|row| self.weights[*row]).collect(),
            };
            for row in at {
                rows.numbers
                    .extend_from_slice(&numbers[row * width..(row + 1) * width]);
                rows.codes
                    .extend_from_slice(&codes[row * columns..(row + 1) * columns]);
            }
            rows
        };
        (take(&self.fit), take(&self.held))
    }

    /// The positions of the rows to fit on.
    pub(super) fn fit(&self) -> &[usize] {
        &self.fit
    }

    /// The series of a fit by name, in the unit of the label.
    pub(super) fn history(
        &self,
        watched: Watched,
        [train, held, other]: [Vec<f64>; 3],
    ) -> BTreeMap<String, Vec<f64>> {
        let (mut square, mut unit) = (1.0, 1.0);
        if self.loss == Loss::Squared {
            // half of a square was minimised
            (square, unit) = (2.0 * self.scale * self.scale, self.scale);
        }
        let times = |values: Vec<f64>, factor: f64| -> Vec<f64> {
            values.into_iter().map(|value| value * factor).collect()
        };
        let loss = self.loss.name();
        let mut history = BTreeMap::from([(format!("train_{loss}"), times(train, square))]);
        if !held.is_empty() {
            history.insert(format!("validation_{loss}"), times(held, square));
        }
        if !other.is_empty() {
            history.insert(format!("validation_{}", watched.name()), times(other, unit));
        }
        history
    }

    /// The number of rows held out.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "categories are counted in thousands"
)]
fn code(value: f64, unseen: usize) -> i32 {
    let number = if value.is_nan() { unseen as f64 } else { value };
    number as i32
}

/// Whether every class that occurs, occurs among these rows.
fn has_all_classes(labels: &Target, rows: &[usize]) -> bool {
    match labels {
        Target::Number(_) => true,
        Target::Binary(labels) => [true, false]
            .iter()
            .all(|class| rows.iter().any(|row| labels[*row] == *class)),
        Target::Classes { names, codes } => {
            let mut seen = vec![false; names.len()];
            for row in rows {
                seen[codes[*row] as usize] = true;
            }
            seen.iter().all(|seen| *seen)
        }
    }
}

/// The weighted mean and deviation of some rows' values.
fn moments(values: &[f64], weights: &[f64], rows: &[usize], total: f64) -> (f64, f64) {
    let weighted = |value: &dyn Fn(f64) -> f64| -> f64 {
        let terms = rows
            .iter()
            .map(|row| weights[*row] / total * value(values[*row]));
        terms.sum()
    };
    let mean = weighted(&|value| value);
    let largest = rows
        .iter()
        .map(|row| (values[*row] - mean).abs())
        .fold(0.0, f64::max);
    if largest == 0.0 || !largest.is_finite() {
        return (mean, 1.0);
    }
    let deviation = weighted(&|value| ((value - mean) / largest).powi(2)).sqrt() * largest;
    (mean, if deviation > 0.0 { deviation } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClassWeights;

    fn times(rows: i64) -> Vec<EventTime> {
        (0..rows).map(EventTime::from_seconds).collect()
    }

    fn goal(training: &Training, labels: &Target, weights: Option<&[f64]>) -> Result<Goal> {
        let rows = i64::try_from(labels.rows()).unwrap();
        Goal::new("mlp", training, labels, weights, &times(rows))
    }

    #[test]
    fn numbers_are_scaled_by_their_weights() {
        let labels = Target::Number(vec![1.0, 3.0, 1e9]);
        let training = Training::new().early_stopping(None);
        let goal = goal(&training, &labels, Some(&[1.0, 1.0, 0.0])).unwrap();
        assert!((goal.center - 2.0).abs() < 1e-12 && (goal.scale - 1.0).abs() < 1e-12);
        assert_eq!(goal.targets[..2], [-1.0, 1.0]);
        assert_eq!(goal.weights, [1.5, 1.5, 0.0]);
    }

    #[test]
    fn balanced_classes_weigh_alike_and_given_ones_as_told() {
        let labels = Target::Binary(vec![true, false, false, false]);
        let training = Training::new().early_stopping(None);
        let weights = |wanted: ClassWeights| {
            let training = training.clone().class_weights(wanted);
            goal(&training, &labels, None).unwrap().weights
        };
        assert_eq!(weights(ClassWeights::Equal), [1.0; 4]);
        let balanced = weights(ClassWeights::Balanced);
        assert!((balanced[0] - 3.0 * balanced[1]).abs() < 1e-6);
        let given = weights(ClassWeights::Given([("1".into(), 5.0)].into()));
        assert_eq!(given, [2.5, 0.5, 0.5, 0.5]);
        let unknown = ClassWeights::Given([("perhaps".into(), 5.0)].into());
        let error = goal(&training.class_weights(unknown), &labels, None).unwrap_err();
        assert!(error.to_string().contains("perhaps"), "{error}");
    }

    #[test]
    fn rows_are_held_out_only_where_both_sides_are_worth_something() {
        let held = |labels: &Target, weights: Option<&[f64]>| {
            goal(&Training::new().validation_fraction(0.4), labels, weights)
                .unwrap()
                .held
        };
        let labels = Target::Binary(vec![true, false, true, true, false]);
        assert_eq!(held(&labels, None), [3, 4]);
        assert_eq!(held(&labels, Some(&[1.0, 1.0, 1.0, 0.0, 0.0])), [0usize; 0]);
        assert_eq!(held(&labels, Some(&[0.0, 0.0, 0.0, 1.0, 1.0])), [0usize; 0]);
        let late = Target::Binary(vec![true, true, true, true, false]);
        assert_eq!(held(&late, None), [0usize; 0]);
    }

    #[test]
    fn what_is_watched_must_exist() {
        let number = Target::Number(vec![1.0, 2.0, 3.0]);
        let classes = Target::Classes {
            names: vec!["a".into(), "b".into()],
            codes: vec![0, 1, 0],
        };
        for (watched, labels) in [
            (Watched::RocAuc, &number),
            (Watched::PrAuc, &classes),
            (Watched::Accuracy, &number),
            (Watched::AbsoluteError, &classes),
        ] {
            let error = goal(&Training::new().watched(watched), labels, None).unwrap_err();
            assert!(error.to_string().contains("`watched` of mlp"), "{error}");
        }
        let weights = ClassWeights::Balanced;
        assert!(goal(&Training::new().class_weights(weights), &number, None).is_err());
    }
}
