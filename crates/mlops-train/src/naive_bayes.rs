//! Naive Bayes: the quickest classifier, as if columns had nothing to do with each other.
//!
//! linfa-bayes keeps its counts and means to itself and knows no weights, so they are summed here; tests
//! hold the answers to linfa's.

use std::{collections::BTreeMap, f64::consts::TAU};

use mlops_core::{Target, TrainingSet};
use mlops_model::{Bayes, Estimator, Likelihood, Link, Matrix, Model, ModelSpec};

use crate::{
    Encoding, Error, Fitted, Result, Trainer,
    error::require,
    prepare::{Numerics, Prepared, target},
    record::{importance, params},
};

const NAME: &str = "naive_bayes";

/// Fits a prior and a density of each column to every class.
///
/// # Complexity
/// One pass over the rows.
///
/// # Reference
/// scikit-learn's `GaussianNB`, `MultinomialNB` and `BernoulliNB`, and `linfa-bayes` 0.8; answers agree with
/// both to 1e-9.
#[derive(Debug, Clone, PartialEq)]
pub struct NaiveBayes {
    density: Density,
    smoothing: f64,
    encoding: Encoding,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Density {
    Gaussian,
    Multinomial,
    Bernoulli { threshold: f64 },
}

/// Settings of [`NaiveBayes`].
#[derive(Debug, Clone)]
pub struct NaiveBayesBuilder(NaiveBayes);

impl NaiveBayes {
    /// Normal columns, scaled and, where skewed, put through a logarithm; `smoothing` 1e-9.
    pub fn gaussian() -> NaiveBayesBuilder {
        Self::of(Density::Gaussian, 1e-9)
    }

    /// Counts, as they are; a column below 0 is refused; `smoothing` 1.
    pub fn multinomial() -> NaiveBayesBuilder {
        Self::of(Density::Multinomial, 1.0)
    }

    /// Columns above a threshold or not, scaled first; the threshold is 0, the mean; `smoothing` 1.
    pub fn bernoulli() -> NaiveBayesBuilder {
        Self::of(Density::Bernoulli { threshold: 0.0 }, 1.0)
    }

    fn of(density: Density, smoothing: f64) -> NaiveBayesBuilder {
        NaiveBayesBuilder(Self {
            density,
            smoothing,
            encoding: Encoding::default(),
        })
    }
}

impl NaiveBayesBuilder {
    /// Of normal columns, the share of the largest variance that is added to all of them; else, how often
    /// everything is counted without having been seen. Above 0.
    #[must_use]
    pub fn smoothing(mut self, smoothing: f64) -> Self {
        self.0.smoothing = smoothing;
        self
    }

    /// What scaled columns are compared with; only Bernoulli columns are.
    #[must_use]
    pub fn threshold(mut self, at: f64) -> Self {
        if let Density::Bernoulli { threshold } = &mut self.0.density {
            *threshold = at;
        }
        self
    }

    /// How features become columns.
    #[must_use]
    pub fn encoding(mut self, encoding: Encoding) -> Self {
        self.0.encoding = encoding;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for the first one out of its range.
    pub fn build(self) -> Result<NaiveBayes> {
        let trainer = self.0;
        let smoothing = trainer.smoothing;
        let positive = smoothing.is_finite() && smoothing > 0.0;
        require(
            positive,
            NAME,
            "smoothing",
            &smoothing,
            "it must be above 0",
        )?;
        if let Density::Bernoulli { threshold } = trainer.density {
            let rule = "it must be finite";
            require(threshold.is_finite(), NAME, "threshold", &threshold, rule)?;
        }
        trainer.encoding.check(NAME)?;
        Ok(trainer)
    }
}

impl Trainer for NaiveBayes {
    fn name(&self) -> &str {
        NAME
    }

    fn params(&self) -> BTreeMap<String, String> {
        let mut params = params([
            (
                "density",
                match self.density {
                    Density::Gaussian => "gaussian",
                    Density::Multinomial => "multinomial",
                    Density::Bernoulli { .. } => "bernoulli",
                }
                .to_owned(),
            ),
            ("smoothing", self.smoothing.to_string()),
        ]);
        if let Density::Bernoulli { threshold } = self.density {
            params.insert("threshold".into(), threshold.to_string());
        }
        params.extend(self.encoding.params());
        params
    }

    fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        let target = target(set)?;
        let (codes, classes): (Vec<usize>, usize) = match &target {
            Target::Binary(labels) => (labels.iter().map(|l| usize::from(*l)).collect(), 2),
            Target::Classes { names, codes } => (
                codes.iter().map(|code| *code as usize).collect(),
                names.len(),
            ),
            Target::Number(_) => {
                return Err(Error::UnsupportedTask {
                    trainer: NAME,
                    task: target.task(),
                });
            }
        };
        let numerics = match self.density {
            Density::Multinomial => Numerics::Imputed,
            Density::Gaussian | Density::Bernoulli { .. } => Numerics::Scaled,
        };
        let prepared = Prepared::encoded(set, (), &target, numerics, &self.encoding)?;
        let names = prepared.preprocess.output_names();
        let weights = match &prepared.weights {
            Some(weights) => weights.clone(),
            None => vec![1.0; codes.len()],
        };
        let sums = Sums::new(&prepared.matrix, &codes, &weights, classes);
        let total: f64 = sums.counts.iter().sum();
        if let Some(class) = sums.counts.iter().position(|count| *count <= 0.0) {
            // its rows are there and weigh nothing
            return Err(Error::SingleClass {
                rows: codes.len(),
                class: usize::from(class == 0).to_string(),
            });
        }
        let likelihood = match self.density {
            Density::Gaussian => sums.gaussian(&prepared.matrix, &codes, &weights, self.smoothing),
            Density::Multinomial => {
                refuse_negative(&prepared.matrix, &names)?;
                sums.multinomial(self.smoothing)
            }
            Density::Bernoulli { threshold } => {
                let above = prepared.matrix.values().iter();
                let above: Vec<f64> = above.map(|x| f64::from(u8::from(*x > threshold))).collect();
                let rows = above.chunks_exact(prepared.matrix.width());
                Sums::of(rows, &codes, &weights, classes).bernoulli(threshold, self.smoothing)
            }
        };
        let bayes = Bayes {
            log_priors: sums
                .counts
                .iter()
                .map(|count| (count / total).ln())
                .collect(),
            likelihood,
            link: match target {
                Target::Binary(_) => Link::Logit,
                _ => Link::Softmax,
            },
        };
        let importance = importance(names, &spread(&bayes.likelihood, classes));
        let spec = ModelSpec::new(
            prepared.signature,
            prepared.preprocess,
            Estimator::Bayes(bayes),
        )?;
        let answers = spec.predict(&set.features())?;
        let lost = codes.iter().enumerate().map(|(row, code)| {
            let chance = match answers.row(row) {
                [positive] => (1.0 - *positive) + (2.0 * positive - 1.0) * *code as f64,
                all => all[*code],
            };
            -weights[row] * chance.max(f64::MIN_POSITIVE).ln()
        });
        let loss = lost.sum::<f64>() / total;
        Ok(Fitted {
            spec,
            params: self.params(),
            history: BTreeMap::from([("train_log_loss".into(), vec![loss])]),
            importance,
        })
    }
}

fn refuse_negative(matrix: &Matrix, names: &[String]) -> Result<()> {
    match matrix.values().iter().position(|x| *x < 0.0) {
        None => Ok(()),
        Some(at) => Err(Error::NotACount {
            trainer: "multinomial naive Bayes",
            column: names[at % names.len()].clone(),
            row: at / names.len(),
            value: matrix.values()[at],
        }),
    }
}

/// What is summed over the rows of each class.
#[derive(Debug)]
struct Sums {
    width: usize,
    /// `[classes]`: the weight of its rows.
    counts: Vec<f64>,
    /// `[classes, columns]`.
    totals: Vec<f64>,
}

impl Sums {
    fn new(matrix: &Matrix, codes: &[usize], weights: &[f64], classes: usize) -> Self {
        let rows = matrix.values().chunks_exact(matrix.width());
        Self::of(rows, codes, weights, classes)
    }

    fn of<'a>(
        rows: impl Iterator<Item = &'a [f64]>,
        codes: &[usize],
        weights: &[f64],
        classes: usize,
    ) -> Self {
        let mut counts = vec![0.0; classes];
        let mut sums: Vec<f64> = Vec::new();
        let mut width = 0;
        for (at, row) in rows.enumerate() {
            width = row.len();
            sums.resize(classes * width, 0.0);
            let (code, weight) = (codes[at], weights[at]);
            counts[code] += weight;
            for (sum, x) in sums[code * width..(code + 1) * width].iter_mut().zip(row) {
                *sum += weight * x;
            }
        }
        Self {
            width,
            counts,
            totals: sums,
        }
    }

    fn gaussian(
        &self,
        matrix: &Matrix,
        codes: &[usize],
        weights: &[f64],
        smoothing: f64,
    ) -> Likelihood {
        let width = self.width;
        let count = |at: usize| self.counts[at / width];
        let sums = self.totals.iter().enumerate();
        let means: Vec<f64> = sums.map(|(at, sum)| sum / count(at)).collect();
        let total: f64 = self.counts.iter().sum();
        let mut overall = vec![0.0; width];
        for (at, sum) in self.totals.iter().enumerate() {
            overall[at % width] += sum / total;
        }
        let mut variances = vec![0.0; means.len()];
        let mut largest = vec![0.0; width];
        for (row, code) in codes.iter().enumerate() {
            for (at, x) in matrix.row(row).iter().enumerate() {
                let own = code * width + at;
                variances[own] += weights[row] * (x - means[own]).powi(2) / self.counts[*code];
                largest[at] += weights[row] * (x - overall[at]).powi(2) / total;
            }
        }
        let least = smoothing * largest.into_iter().fold(0.0, f64::max);
        for variance in &mut variances {
            // scaled columns have a variance of 1, so this is never 0
            *variance += least;
        }
        Likelihood::Gaussian { means, variances }
    }

    fn multinomial(&self, smoothing: f64) -> Likelihood {
        let classes = self.totals.chunks_exact(self.width);
        let log_shares = classes.flat_map(|sums| {
            let all: f64 = sums.iter().map(|sum| sum + smoothing).sum();
            sums.iter()
                .map(move |sum| (sum + smoothing).ln() - all.ln())
        });
        Likelihood::Multinomial {
            log_shares: log_shares.collect(),
        }
    }

    fn bernoulli(&self, threshold: f64, smoothing: f64) -> Likelihood {
        let all = |at: usize| self.counts[at / self.width] + 2.0 * smoothing;
        let shares = |of: &dyn Fn(usize, f64) -> f64| {
            let sums = self.totals.iter().enumerate();
            sums.map(|(at, sum)| (of(at, *sum) / all(at)).ln())
                .collect()
        };
        Likelihood::Bernoulli {
            threshold,
            log_above: shares(&|_, sum| sum + smoothing),
            // rounding may leave a little less than nothing
            log_below: shares(&|at, sum| (self.counts[at / self.width] - sum).max(0.0) + smoothing),
        }
    }
}

/// How far apart the classes lie in each column.
fn spread(likelihood: &Likelihood, classes: usize) -> Vec<f64> {
    let values = match likelihood {
        Likelihood::Gaussian { means, variances } => {
            let pairs = means.iter().zip(variances);
            pairs
                .map(|(mean, variance)| mean / (TAU * variance).sqrt())
                .collect()
        }
        Likelihood::Multinomial { log_shares } => log_shares.clone(),
        Likelihood::Bernoulli {
            log_above,
            log_below,
            ..
        } => {
            let pairs = log_above.iter().zip(log_below);
            pairs.map(|(above, below)| above - below).collect()
        }
        _ => Vec::new(),
    };
    let width = values.len() / classes;
    (0..width)
        .map(|at| {
            let column = || values.iter().skip(at).step_by(width).copied();
            let most = column().fold(f64::NEG_INFINITY, f64::max);
            most - column().fold(f64::INFINITY, f64::min)
        })
        .collect()
}
