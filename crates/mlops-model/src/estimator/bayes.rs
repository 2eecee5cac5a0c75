//! Bayes' rule over one density a class: naive Bayes, discriminants with full covariances, and Gaussian
//! mixtures, whose classes are their components.

use std::f64::consts::TAU;

use serde::{Deserialize, Serialize};

use crate::{Error, Link, Result, limit};

/// The probability of each class, `prior · likelihood`, scaled so that they sum to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bayes {
    /// `[classes]`: the logarithms of the prior probabilities.
    #[serde(deserialize_with = "limit::list::<{ limit::OUTPUTS }, _, _>")]
    pub log_priors: Vec<f64>,
    /// How likely a row is in each class.
    pub likelihood: Likelihood,
    /// [`Link::Softmax`] for a probability a class, [`Link::Logit`] for that of the second of two.
    pub link: Link,
}

/// How likely the encoded columns are, given the class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Likelihood {
    /// Columns are independent normal numbers.
    ///
    /// # Reference
    /// scikit-learn's `GaussianNB`.
    Gaussian {
        /// `[classes, columns]`.
        #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
        means: Vec<f64>,
        /// `[classes, columns]`, above 0.
        #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
        variances: Vec<f64>,
    },
    /// Rows are normal vectors, each class with a covariance of its own.
    ///
    /// # Reference
    /// scikit-learn's `GaussianMixture` with full covariances, and `QuadraticDiscriminantAnalysis`.
    Covariance {
        /// `[classes, columns]`.
        #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
        means: Vec<f64>,
        /// `[classes, columns, columns]`: lower triangles `A` with a diagonal above 0, such that `AᵀA` is
        /// the inverse of the covariance.
        #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
        whitening: Vec<f64>,
    },
    /// Columns are counts of a class's draws.
    ///
    /// # Reference
    /// scikit-learn's `MultinomialNB`.
    Multinomial {
        /// `[classes, columns]`: the logarithm of how often a draw falls on the column.
        #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
        log_shares: Vec<f64>,
    },
    /// Columns are independent and either above a threshold or not.
    ///
    /// # Reference
    /// scikit-learn's `BernoulliNB`, whose `binarize` is the threshold.
    Bernoulli {
        /// What a column is compared with.
        threshold: f64,
        /// `[classes, columns]`: the logarithm of how often the column lies above.
        #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
        log_above: Vec<f64>,
        /// `[classes, columns]`: the logarithm of how often it does not.
        #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
        log_below: Vec<f64>,
    },
}

/// A checked [`Bayes`], with what does not depend on the row computed once.
#[derive(Debug, Clone)]
pub(crate) struct Densities {
    width: usize,
    /// `[classes]`: the scores before any column.
    constants: Vec<f64>,
    terms: Terms,
    link: Link,
}

#[derive(Debug, Clone)]
enum Terms {
    /// Means, and half the inverse variances.
    Gaussian(Vec<f64>, Vec<f64>),
    Covariance(Vec<f64>, Vec<f64>),
    Multinomial(Vec<f64>),
    Bernoulli(f64, Vec<f64>, Vec<f64>),
}

impl Densities {
    pub(crate) fn new(bayes: &Bayes, width: usize) -> Result<Self> {
        let classes = bayes.log_priors.len();
        limit::check("the number of classes", classes, limit::OUTPUTS)?;
        let invalid = |reason: String| Error::model("Bayes model", reason);
        match bayes.link {
            Link::Logit if classes == 2 => {}
            Link::Softmax if classes >= 2 => {}
            link => {
                return Err(invalid(format!(
                    "{classes} classes do not fit the link {link:?}; two take the logit, more the softmax"
                )));
            }
        }
        finite("prior", &bayes.log_priors).map_err(invalid)?;
        let fill = |what: &str, values: &[f64], size: Option<usize>| {
            limit::check("the number of weights", values.len(), limit::WEIGHTS)?;
            if size.and_then(|size| size.checked_mul(classes)) != Some(values.len()) {
                return Err(invalid(format!(
                    "{} numbers in `{what}` do not fit {classes} classes and {width} columns",
                    values.len()
                )));
            }
            finite(what, values).map_err(invalid)
        };
        let mut constants = bayes.log_priors.clone();
        let terms = match &bayes.likelihood {
            Likelihood::Gaussian { means, variances } => {
                fill("means", means, Some(width))?;
                fill("variances", variances, Some(width))?;
                if let Some(variance) = variances.iter().find(|variance| **variance <= 0.0) {
                    return Err(invalid(format!("a variance is {variance}")));
                }
                for (class, constant) in constants.iter_mut().enumerate() {
                    for variance in &variances[class * width..(class + 1) * width] {
                        *constant -= 0.5 * (TAU * variance).ln();
                    }
                }
                let halves = variances.iter().map(|variance| 0.5 / variance).collect();
                Terms::Gaussian(means.clone(), halves)
            }
            Likelihood::Covariance { means, whitening } => {
                fill("means", means, Some(width))?;
                fill("whitening", whitening, width.checked_mul(width))?;
                for (class, constant) in constants.iter_mut().enumerate() {
                    let rows = &whitening[class * width * width..(class + 1) * width * width];
                    for at in 0..width {
                        let (row, diagonal) = (&rows[at * width..], rows[at * width + at]);
                        if diagonal <= 0.0 || row[at + 1..width].iter().any(|x| *x != 0.0) {
                            return Err(invalid(format!(
                                "the whitening of class {class} is no lower triangle with a positive diagonal"
                            )));
                        }
                        *constant += diagonal.ln() - 0.5 * TAU.ln();
                    }
                }
                Terms::Covariance(means.clone(), whitening.clone())
            }
            Likelihood::Multinomial { log_shares } => {
                fill("log_shares", log_shares, Some(width))?;
                Terms::Multinomial(log_shares.clone())
            }
            Likelihood::Bernoulli {
                threshold,
                log_above,
                log_below,
            } => {
                finite("threshold", &[*threshold]).map_err(invalid)?;
                fill("log_above", log_above, Some(width))?;
                fill("log_below", log_below, Some(width))?;
                Terms::Bernoulli(*threshold, log_above.clone(), log_below.clone())
            }
        };
        Ok(Self {
            width,
            constants,
            terms,
            link: bayes.link,
        })
    }

    /// The numbers of an answer.
    pub(crate) fn outputs(&self) -> usize {
        if self.link == Link::Logit {
            1
        } else {
            self.constants.len()
        }
    }

    /// The answer for one encoded row.
    pub(crate) fn score(&self, row: &[f64], answer: &mut [f64]) {
        if self.link == Link::Logit {
            answer[0] = self.log_density(1, row) - self.log_density(0, row);
        } else {
            for (class, answer) in answer.iter_mut().enumerate() {
                *answer = self.log_density(class, row);
            }
        }
        self.link.apply(answer);
    }

    /// The logarithm of prior times likelihood.
    fn log_density(&self, class: usize, row: &[f64]) -> f64 {
        let own = class * self.width..(class + 1) * self.width;
        let constant = self.constants[class];
        match &self.terms {
            Terms::Gaussian(means, halves) => {
                let columns = row
                    .iter()
                    .zip(&means[own.clone()])
                    .zip(&halves[own.clone()]);
                columns.fold(constant, |sum, ((x, mean), half)| {
                    sum - (x - mean) * (x - mean) * half
                })
            }
            Terms::Covariance(means, whitening) => {
                let means = &means[own.clone()];
                let start = class * self.width * self.width;
                (0..self.width).fold(constant, |sum, at| {
                    let whitening = &whitening[start + at * self.width..][..=at];
                    let terms = whitening.iter().zip(row.iter().zip(means));
                    let z = terms.fold(0.0, |z, (weight, (x, mean))| z + weight * (x - mean));
                    sum - 0.5 * z * z
                })
            }
            Terms::Multinomial(log_shares) => {
                let columns = row.iter().zip(&log_shares[own]);
                columns.fold(constant, |sum, (x, log)| sum + x * log)
            }
            Terms::Bernoulli(threshold, above, below) => {
                let columns = row.iter().zip(above[own.clone()].iter().zip(&below[own]));
                columns.fold(constant, |sum, (x, (above, below))| {
                    sum + if x > threshold { above } else { below }
                })
            }
        }
    }
}

fn finite(what: &str, values: &[f64]) -> Result<(), String> {
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(format!("a number in `{what}` is {value}")),
        None => Ok(()),
    }
}
