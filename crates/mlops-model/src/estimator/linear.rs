//! Linear and logistic regression, and constants.

use serde::{Deserialize, Serialize};

use crate::{Error, Link, Result, limit};

/// `link(bias + Σ weight · column)`, summed in column order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linear {
    /// One weight an encoded column.
    #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
    pub weights: Vec<f64>,
    /// The score of a row of zeros.
    pub bias: f64,
    /// What turns the score into the answer.
    pub link: Link,
}

impl Linear {
    pub(crate) fn check(&self, width: usize) -> Result<()> {
        limit::check("the number of weights", self.weights.len(), limit::WEIGHTS)?;
        if self.weights.len() != width {
            return Err(Error::model(
                "linear model",
                format!(
                    "{} weights meet {width} encoded columns",
                    self.weights.len()
                ),
            ));
        }
        if let Some(at) = self.weights.iter().position(|w| !w.is_finite()) {
            return Err(Error::model(
                "linear model",
                format!("weight {at} is {}", self.weights[at]),
            ));
        }
        if !self.bias.is_finite() {
            return Err(Error::model(
                "linear model",
                format!("the bias is {}", self.bias),
            ));
        }
        Ok(())
    }

    pub(crate) fn is_probability(&self) -> bool {
        let constant = self.weights.iter().all(|w| *w == 0.0);
        self.link == Link::Logit || (constant && (0.0..=1.0).contains(&self.bias))
    }

    pub(crate) fn score(&self, encoded: &[f64]) -> f64 {
        let terms = self.weights.iter().zip(encoded);
        self.link
            .apply(terms.fold(self.bias, |sum, (w, x)| sum + w * x))
    }
}
