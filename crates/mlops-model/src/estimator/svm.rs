//! Kernel machines: support vectors, for a number or for the log-odds of a class.

use serde::{Deserialize, Serialize};

use crate::{Error, Link, Result, estimator, limit};

/// `link(bias + Σ coefficient · kernel(vector, row))` for each output, summed in the vectors' order.
///
/// The probability of Platt's sigmoid, `1 / (1 + exp(a · f + b))`, is the logit link over coefficients and
/// bias times `-a`, and `-b` in the bias.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Svm {
    /// How alike two rows are.
    pub kernel: Kernel,
    /// `[vectors, encoded columns]`, row-major.
    #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
    pub vectors: Vec<f64>,
    /// `[outputs, vectors]`, row-major.
    #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
    pub coefficients: Vec<f64>,
    /// `[outputs]`.
    #[serde(
        serialize_with = "estimator::one_if_one",
        deserialize_with = "estimator::one_or_list"
    )]
    pub bias: Vec<f64>,
    /// What turns the scores into the answer.
    pub link: Link,
}

/// How alike two rows are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Kernel {
    /// `x · y`.
    Linear,
    /// `exp(-gamma · |x - y|²)`.
    Rbf {
        /// How fast the likeness falls, above 0.
        gamma: f64,
    },
    /// `(gamma · x · y + constant)^degree`.
    Polynomial {
        /// What the product is multiplied with.
        gamma: f64,
        /// What is added to it.
        constant: f64,
        /// The power, 1 to 16.
        degree: u8,
    },
}

impl Kernel {
    /// How alike two rows of the same length are.
    pub fn apply(self, vector: &[f64], row: &[f64]) -> f64 {
        let pairs = vector.iter().zip(row);
        match self {
            Self::Linear => pairs.fold(0.0, |sum, (v, x)| sum + v * x),
            Self::Rbf { gamma } => {
                let distance = pairs.fold(0.0, |sum, (v, x)| sum + (v - x) * (v - x));
                (-gamma * distance).exp()
            }
            Self::Polynomial {
                gamma,
                constant,
                degree,
            } => {
                let product = pairs.fold(0.0, |sum, (v, x)| sum + v * x);
                (gamma * product + constant).powi(i32::from(degree))
            }
        }
    }

    fn check(self) -> Result<(), String> {
        match self {
            Self::Linear => Ok(()),
            Self::Rbf { gamma } if gamma.is_finite() && gamma > 0.0 => Ok(()),
            Self::Rbf { gamma } => Err(format!("`gamma` is {gamma}; it must be above 0")),
            Self::Polynomial {
                gamma,
                constant,
                degree,
            } => {
                if let Some(value) = [gamma, constant].iter().find(|value| !value.is_finite()) {
                    return Err(format!("a number of the kernel is {value}"));
                }
                if !(1..=16).contains(&degree) {
                    return Err(format!("`degree` is {degree}; it must lie in 1..=16"));
                }
                Ok(())
            }
        }
    }
}

impl Svm {
    pub(crate) fn check(&self, width: usize) -> Result<()> {
        let invalid = |reason: String| Error::model("support vector machine", reason);
        limit::check("the number of weights", self.vectors.len(), limit::WEIGHTS)?;
        limit::check(
            "the number of coefficients",
            self.coefficients.len(),
            limit::WEIGHTS,
        )?;
        self.kernel.check().map_err(invalid)?;
        let outputs = self.bias.len();
        if outputs == 0 {
            return Err(invalid("it has no output".into()));
        }
        let vectors = self.count();
        if self.vectors.len() != vectors * width || self.coefficients.len() != vectors * outputs {
            return Err(invalid(format!(
                "{} numbers of vectors and {} coefficients do not fit {width} columns and {outputs} outputs",
                self.vectors.len(),
                self.coefficients.len()
            )));
        }
        let mut numbers = self
            .vectors
            .iter()
            .chain(&self.coefficients)
            .chain(&self.bias);
        match numbers.find(|number| !number.is_finite()) {
            Some(number) => Err(invalid(format!("a number is {number}"))),
            None => Ok(()),
        }
    }

    /// The number of support vectors.
    fn count(&self) -> usize {
        self.coefficients.len() / self.bias.len()
    }

    pub(crate) fn score(&self, row: &[f64], answer: &mut [f64]) {
        answer.copy_from_slice(&self.bias);
        let (vectors, width) = (self.count(), row.len());
        for at in 0..vectors {
            let likeness = self
                .kernel
                .apply(&self.vectors[at * width..(at + 1) * width], row);
            for (output, sum) in answer.iter_mut().enumerate() {
                *sum += self.coefficients[output * vectors + at] * likeness;
            }
        }
        self.link.apply(answer);
    }
}
