//! Logistic regression on linfa: the model to beat, and one whose weights can be read.
//!
//! Numbers are imputed, scaled and, where skewed, put through a logarithm; texts are one-hot. linfa
//! calls the *more frequent* class positive, so the sign of its weights depends on the data; here
//! label 1 is always the positive class. linfa does not say whether its optimiser converged, so
//! the gradient at its answer is computed and held against a limit.

use std::collections::BTreeMap;

use linfa::{Dataset, traits::Fit};
use linfa_logistic::LogisticRegression as Engine;
use mlops_core::{TrainingSet, metric};
use mlops_model::{Estimator, Linear, Link, Matrix, ModelSpec};
use ndarray::{Array1, Array2};

use crate::{
    Error, Fitted, Result, Trainer,
    error::require,
    prepare::{Numerics, Prepared, check_categories},
    record::{importance, params},
};

const NAME: &str = "logistic_regression";
/// The largest component of the mean gradient at which the fit still counts as converged.
const CONVERGED: f64 = 1e-4;

/// Fits `P(label) = 1 / (1 + exp(-(bias + Σ weight · column)))`.
///
/// # Reference
/// `linfa-logistic` 0.8 (L-BFGS). The penalty `l2` is `1 / C` of scikit-learn's
/// `LogisticRegression` on the same scaled columns, and the weights agree with it.
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticRegression {
    l2: f64,
    max_iterations: u64,
    max_categories: usize,
}

/// Settings of [`LogisticRegression`].
#[derive(Debug, Clone)]
pub struct LogisticRegressionBuilder(LogisticRegression);

impl LogisticRegression {
    /// Starts from the defaults: `l2` 1, 500 iterations, 16 categories a text.
    pub fn builder() -> LogisticRegressionBuilder {
        LogisticRegressionBuilder(Self {
            l2: 1.0,
            max_iterations: 500,
            max_categories: 16,
        })
    }
}

impl LogisticRegressionBuilder {
    /// The weight of half the squared weights in the summed loss; 0 turns the penalty off.
    #[must_use]
    pub fn l2(mut self, l2: f64) -> Self {
        self.0.l2 = l2;
        self
    }

    /// How many steps the optimiser may take.
    #[must_use]
    pub fn max_iterations(mut self, iterations: u64) -> Self {
        self.0.max_iterations = iterations;
        self
    }

    /// How many categories of a text get a column of their own.
    #[must_use]
    pub fn max_categories(mut self, categories: usize) -> Self {
        self.0.max_categories = categories;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for the first one out of its range.
    pub fn build(self) -> Result<LogisticRegression> {
        let trainer = self.0;
        let l2 = trainer.l2.is_finite() && trainer.l2 >= 0.0;
        require(l2, NAME, "l2", &trainer.l2, "it must be at least 0")?;
        let iterations = (1..=100_000).contains(&trainer.max_iterations);
        let rule = "it must lie in 1..=100000";
        require(
            iterations,
            NAME,
            "max_iterations",
            &trainer.max_iterations,
            rule,
        )?;
        check_categories(NAME, trainer.max_categories)?;
        Ok(trainer)
    }
}

impl Trainer for LogisticRegression {
    fn name(&self) -> &str {
        NAME
    }

    fn params(&self) -> BTreeMap<String, String> {
        params([
            ("l2", self.l2.to_string()),
            ("max_iterations", self.max_iterations.to_string()),
            ("max_categories", self.max_categories.to_string()),
        ])
    }

    fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        let prepared = Prepared::new(set, Numerics::Scaled, self.max_categories)?;
        let (matrix, labels) = (&prepared.matrix, &prepared.labels);
        let line = self.line(matrix, labels)?;
        let gradient = mean_gradient(&line, matrix, labels, self.l2);
        if gradient.is_nan() || gradient > CONVERGED {
            return Err(Error::NotConverged {
                trainer: NAME,
                iterations: self.max_iterations,
                gradient,
            });
        }
        let sizes: Vec<f64> = line.weights.iter().map(|weight| weight.abs()).collect();
        let importance = importance(prepared.preprocess.output_names(), &sizes);
        let scores: Vec<f64> = (0..matrix.rows())
            .map(|row| probability(&line, matrix.row(row)))
            .collect();
        let loss = metric::log_loss(labels, &scores)?;
        Ok(Fitted {
            spec: ModelSpec::new(
                prepared.signature,
                prepared.preprocess,
                Estimator::Linear(line),
            )?,
            params: self.params(),
            history: BTreeMap::from([
                ("train_log_loss".into(), vec![loss]),
                ("mean_gradient".into(), vec![gradient]),
            ]),
            importance,
        })
    }
}

impl LogisticRegression {
    /// Fits with linfa and turns its answer the right way round.
    fn line(&self, matrix: &Matrix, labels: &[bool]) -> Result<Linear> {
        let shape = (matrix.rows(), matrix.width());
        let records = Array2::from_shape_vec(shape, matrix.values().to_vec())
            .expect("a matrix fills its shape");
        let dataset = Dataset::new(records, Array1::from(labels.to_vec()));
        let fitted = Engine::default()
            .alpha(self.l2)
            .max_iterations(self.max_iterations)
            // linfa sums the gradient over the rows
            .gradient_tolerance((1e-8 * matrix.rows() as f64).max(1e-6))
            .fit(&dataset)
            .map_err(|error| Error::Engine {
                engine: "linfa-logistic",
                reason: error.to_string(),
            })?;
        let sign = if fitted.labels().pos.class { 1.0 } else { -1.0 };
        Ok(Linear {
            weights: fitted.params().iter().map(|weight| sign * weight).collect(),
            bias: vec![sign * fitted.intercept()],
            link: Link::Logit,
        })
    }
}

fn probability(line: &Linear, row: &[f64]) -> f64 {
    let terms = line.weights.iter().zip(row);
    let mut answer = [terms.fold(line.bias[0], |sum, (weight, x)| sum + weight * x)];
    Link::Logit.apply(&mut answer);
    answer[0]
}

/// The largest component of the penalised loss's gradient, a row.
fn mean_gradient(line: &Linear, matrix: &Matrix, labels: &[bool], l2: f64) -> f64 {
    let mut gradient: Vec<f64> = line.weights.iter().map(|weight| l2 * weight).collect();
    let mut bias = 0.0;
    for (row, label) in labels.iter().enumerate() {
        let row = matrix.row(row);
        let error = probability(line, row) - f64::from(u8::from(*label));
        bias += error;
        for (sum, x) in gradient.iter_mut().zip(row) {
            *sum += error * x;
        }
    }
    let rows = labels.len() as f64;
    // `f64::max` would lose a NaN
    let components = gradient.iter().chain([&bias]).map(|sum| (sum / rows).abs());
    components.fold(0.0, |max, x| if x.is_nan() || x > max { x } else { max })
}

#[cfg(test)]
mod tests {
    use linfa::traits::Predict;
    use mlops_core::metric::roc_auc;
    use mlops_model::Model;

    use super::*;
    use crate::conformance::{planted, table};

    #[test]
    fn the_exported_model_answers_as_linfa_does() {
        for seed in 0..3 {
            let set = planted(400, seed);
            let trainer = LogisticRegression::builder().build().unwrap();
            let prepared = Prepared::new(&set, Numerics::Scaled, 16).unwrap();
            let shape = (prepared.matrix.rows(), prepared.matrix.width());
            let records = Array2::from_shape_vec(shape, prepared.matrix.values().to_vec()).unwrap();
            let labels = Array1::from(prepared.labels.clone());
            let dataset = Dataset::new(records.clone(), labels);
            let theirs = Engine::default()
                .alpha(1.0)
                .max_iterations(500)
                .gradient_tolerance(4e-6)
                .fit(&dataset)
                .unwrap();
            let ours = trainer
                .fit(&set)
                .unwrap()
                .spec
                .predict_values(&set.features())
                .unwrap();
            let classes = theirs.predict(&records);
            for (row, chance) in theirs.predict_probabilities(&records).iter().enumerate() {
                let chance = if theirs.labels().pos.class {
                    *chance
                } else {
                    1.0 - chance
                };
                assert!((ours[row] - chance).abs() < 1e-12, "row {row}");
                assert!(
                    chance == 0.5 || (ours[row] > 0.5) == classes[row],
                    "row {row}"
                );
            }
        }
    }

    #[test]
    fn label_1_is_positive_whichever_class_is_the_larger() {
        for positives in [10, 50, 90] {
            // the larger x, the more likely the label
            let x: Vec<Option<f64>> = (0..100).map(|i| Some(f64::from(i))).collect();
            let labels: Vec<bool> = (0..100).map(|i| i >= 100 - positives).collect();
            let set = table(vec![("x", x)], &labels);
            let fitted = LogisticRegression::builder()
                .build()
                .unwrap()
                .fit(&set)
                .unwrap();
            let scores = fitted.spec.predict_values(&set.features()).unwrap();
            assert_eq!(
                roc_auc(&labels, &scores).unwrap(),
                1.0,
                "{positives} positives"
            );
            let mean = scores.iter().sum::<f64>() / 100.0;
            assert!((mean - f64::from(positives) / 100.0).abs() < 1e-4, "{mean}");
        }
    }

    #[derive(serde::Deserialize)]
    struct Golden {
        version: String,
        cases: Vec<Case>,
    }

    #[derive(serde::Deserialize)]
    struct Case {
        name: String,
        l2: f64,
        columns: Vec<Vec<Option<f64>>>,
        labels: Vec<bool>,
        weights: Vec<f64>,
        bias: f64,
    }

    #[test]
    fn weights_agree_with_scikit_learn() {
        let text = include_str!("../tests/golden/scikit-learn/logistic.json");
        let golden: Golden = serde_json::from_str(text).unwrap();
        assert_eq!((golden.version.as_str(), golden.cases.len()), ("1.9.1", 4));
        for case in golden.cases {
            let columns = ["a", "b", "c"].into_iter().zip(case.columns).collect();
            let set = table(columns, &case.labels);
            let trainer = LogisticRegression::builder().l2(case.l2).build().unwrap();
            let fitted = trainer.fit(&set).unwrap();
            let Estimator::Linear(line) = fitted.spec.estimator() else {
                panic!("linear")
            };
            let found = line.weights.iter().chain(&line.bias);
            for (found, expected) in found.zip(case.weights.iter().chain([&case.bias])) {
                assert!(
                    (found - expected).abs() < 1e-5,
                    "{}: {found} is not {expected}",
                    case.name
                );
            }
        }
    }

    #[test]
    fn a_gradient_that_starts_at_zero_is_no_error() {
        let x = vec![Some(-1.0), Some(1.0), Some(-1.0), Some(1.0)];
        let set = table(vec![("x", x)], &[true, true, false, false]);
        let fitted = LogisticRegression::builder()
            .build()
            .unwrap()
            .fit(&set)
            .unwrap();
        assert_eq!(
            fitted.spec.predict_values(&set.features()).unwrap(),
            vec![0.5; 4]
        );
    }

    #[test]
    fn a_fit_that_is_cut_short_says_so() {
        let trainer = LogisticRegression::builder()
            .max_iterations(1)
            .build()
            .unwrap();
        let error = trainer.fit(&planted(400, 1)).unwrap_err();
        assert!(
            matches!(error, Error::NotConverged { iterations: 1, .. }),
            "{error}"
        );
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let builder = LogisticRegression::builder;
        for (bad, parameter) in [
            (builder().l2(-1.0), "l2"),
            (builder().l2(f64::NAN), "l2"),
            (builder().max_iterations(0), "max_iterations"),
            (builder().max_categories(0), "max_categories"),
        ] {
            let error = bad.build().unwrap_err().to_string();
            assert!(error.contains(parameter), "{error}");
        }
    }
}
