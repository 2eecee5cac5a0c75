//! Logistic regression: the model to beat, and one whose weights can be read.
//!
//! Numbers are imputed, scaled and, where skewed, put through a logarithm; texts are one-hot. Label 1 is
//! always the positive class. linfa does not say whether its optimiser converged, so the gradient at an answer
//! is computed and held against a limit, whoever found it.

mod fit;
mod newton;

use std::collections::BTreeMap;

use mlops_core::{Target, TrainingSet};
use mlops_model::{Estimator, Linear, Matrix, ModelSpec};

use self::fit::{Problem, Settings};
use crate::{
    ClassWeights, Encoding, Error, Fitted, Result, Trainer,
    error::require,
    prepare::{Numerics, Prepared, target},
    record::{importance, params},
};

const NAME: &str = "logistic_regression";
/// The largest component of the mean gradient at which the fit still counts as converged.
const CONVERGED: f64 = 1e-4;

/// Fits the probability of label 1, `1 / (1 + exp(-(bias + Σ weight · column)))`, or, for named classes, a
/// score of that form a class and their softmax.
///
/// # Complexity
/// For two classes and at most 512 columns, about ten steps, each of `columns³` and for each row the square of its
/// columns that are not 0. Else some hundred steps of `rows · columns · classes`.
///
/// # Reference
/// Newton's method for two classes; else `linfa-logistic` 0.8 (L-BFGS), and for rows that count differently its
/// optimiser, argmin's, on the weighted loss: the optimum is the same. The penalty `l2` is `1 / C` of scikit-learn's `LogisticRegression` on the same scaled columns, and the
/// weights agree with it.
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticRegression {
    l2: f64,
    max_iterations: u64,
    encoding: Encoding,
    class_weights: ClassWeights,
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
            encoding: Encoding::default(),
            class_weights: ClassWeights::Equal,
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
        self.0.encoding.max_categories = categories;
        self
    }

    /// How features become columns.
    #[must_use]
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.0.encoding = encoding;
        self
    }

    /// How much the classes count.
    #[must_use]
    pub fn class_weights(mut self, weights: ClassWeights) -> Self {
        self.0.class_weights = weights;
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
        trainer.class_weights.check(NAME)?;
        trainer.encoding.check(NAME)?;
        Ok(trainer)
    }
}

impl Trainer for LogisticRegression {
    fn name(&self) -> &str {
        NAME
    }

    fn params(&self) -> BTreeMap<String, String> {
        let mut params = params([
            ("l2", self.l2.to_string()),
            ("max_iterations", self.max_iterations.to_string()),
        ]);
        params.extend(self.encoding.params());
        params.insert("class_weights".into(), self.class_weights.text());
        params
    }

    fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        let target = target(set)?;
        let Some((names, codes)) = target.classes() else {
            return Err(Error::UnsupportedTask {
                trainer: NAME,
                task: target.task(),
            });
        };
        let prepared = Prepared::encoded(set, (), &target, Numerics::Scaled, &self.encoding)?;
        let weights = prepared.weights.as_deref();
        let weights = self.class_weights.rows(NAME, &target, weights)?;
        let problem = Problem {
            matrix: &prepared.matrix,
            codes: &codes,
            outputs: if names.len() == 2 && matches!(target, Target::Binary(_)) {
                1
            } else {
                names.len()
            },
            weights: weights.as_deref(),
            settings: Settings {
                l2: self.l2,
                max_iterations: self.max_iterations,
            },
        };
        let (line, gradient) = converged(&problem)?;
        let loss = problem.mean_log_loss(&line);
        let width = prepared.matrix.width();
        let sizes: Vec<f64> = (0..width)
            .map(|at| line.weights.iter().skip(at).step_by(width))
            .map(|weights| weights.map(|weight| weight.abs()).sum())
            .collect();
        let importance = importance(prepared.preprocess.output_names(), &sizes);
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

/// The line over the columns of a matrix, fitted as [`LogisticRegression`] fits it.
pub(crate) fn line(
    matrix: &Matrix,
    codes: &[usize],
    outputs: usize,
    weights: Option<&[f64]>,
    l2: f64,
) -> Result<Linear> {
    let settings = Settings {
        l2,
        max_iterations: 1000,
    };
    let problem = Problem {
        matrix,
        codes,
        outputs,
        weights,
        settings,
    };
    Ok(converged(&problem)?.0)
}

/// The solution and its mean gradient, which is small.
fn converged(problem: &Problem<'_>) -> Result<(Linear, f64)> {
    let line = problem.solve()?;
    let gradient = problem.mean_gradient(&line);
    if gradient.is_nan() || gradient > CONVERGED {
        return Err(Error::NotConverged {
            trainer: NAME,
            iterations: problem.settings.max_iterations,
            gradient,
        });
    }
    Ok((line, gradient))
}

#[cfg(test)]
mod tests {
    use linfa::{
        Dataset,
        traits::{Fit, Predict},
    };
    use linfa_logistic::LogisticRegression as Engine;
    use mlops_core::metric::roc_auc;
    use mlops_model::Model;
    use ndarray::{Array1, Array2};

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
                // it stops where the gradient is 4e-6
                assert!((ours[row] - chance).abs() < 1e-6, "row {row}");
                let close = (chance - 0.5).abs() < 1e-6;
                assert!(close || (ours[row] > 0.5) == classes[row], "row {row}");
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
        let text = include_str!("../../tests/golden/scikit-learn/logistic.json");
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
