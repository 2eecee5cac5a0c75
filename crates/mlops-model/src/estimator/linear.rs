//! Linear and logistic regression, and constants.

use serde::{Deserialize, Serialize};

use crate::{Error, Link, Result, estimator, limit};

/// `link(bias + Σ weight · column)` for each output, summed in column order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linear {
    /// `[outputs, encoded columns]`, row-major.
    #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
    pub weights: Vec<f64>,
    /// `[outputs]`: the scores of a row of zeros.
    #[serde(
        serialize_with = "estimator::one_if_one",
        deserialize_with = "estimator::one_or_list"
    )]
    pub bias: Vec<f64>,
    /// What turns the scores into the answer.
    pub link: Link,
}

impl Linear {
    pub(crate) fn check(&self, width: usize) -> Result<()> {
        let invalid = |reason: String| Err(Error::model("linear model", reason));
        limit::check("the number of weights", self.weights.len(), limit::WEIGHTS)?;
        if self.bias.is_empty() {
            return invalid("it has no output".into());
        }
        if self.weights.len() != width.saturating_mul(self.bias.len()) {
            return invalid(format!(
                "{} weights meet {width} encoded columns and {} outputs",
                self.weights.len(),
                self.bias.len()
            ));
        }
        if let Some(at) = self.weights.iter().position(|w| !w.is_finite()) {
            return invalid(format!("weight {at} is {}", self.weights[at]));
        }
        if let Some(bias) = self.bias.iter().find(|bias| !bias.is_finite()) {
            return invalid(format!("the bias is {bias}"));
        }
        Ok(())
    }

    pub(crate) fn is_probability(&self) -> bool {
        let constant = self.weights.iter().all(|w| *w == 0.0);
        let inside = self.bias.iter().all(|bias| (0.0..=1.0).contains(bias));
        matches!(self.link, Link::Logit | Link::Softmax)
            || (self.link == Link::Identity && constant && inside)
    }

    pub(crate) fn score(&self, encoded: &[f64], answer: &mut [f64]) {
        for (output, answer) in answer.iter_mut().enumerate() {
            let weights = &self.weights[output * encoded.len()..(output + 1) * encoded.len()];
            let terms = weights.iter().zip(encoded);
            *answer = terms.fold(self.bias[output], |sum, (w, x)| sum + w * x);
        }
        self.link.apply(answer);
    }
}
