//! What a threshold makes of the scores: the four counts and the shares that come from them.

use serde::{Deserialize, Serialize};

use super::input::check;
use crate::Result;

/// The four counts of a decision: a row is called positive if its score reaches the threshold.
///
/// ```
/// use mlops_core::metric::Confusion;
///
/// let counts = Confusion::at(&[true, true, false], &[0.9, 0.2, 0.6], 0.5)?;
/// assert_eq!((counts.precision(), counts.recall()), (Some(0.5), Some(0.5)));
/// # Ok::<(), mlops_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Positive rows that were called positive.
    pub true_positives: u64,
    /// Negative rows that were called positive.
    pub false_positives: u64,
    /// Negative rows that were called negative.
    pub true_negatives: u64,
    /// Positive rows that were called negative.
    pub false_negatives: u64,
}

impl Confusion {
    /// Counts at a threshold.
    ///
    /// # Errors
    /// [`Error::InvalidScore`](crate::Error::InvalidScore) for a score that is not finite,
    /// [`Error::LengthMismatch`](crate::Error::LengthMismatch), and
    /// [`Error::EmptyTable`](crate::Error::EmptyTable) without rows.
    pub fn at(labels: &[bool], scores: &[f64], threshold: f64) -> Result<Self> {
        check("confusion", labels, scores)?;
        let count = |label: bool, called: bool| {
            let rows = labels.iter().zip(scores);
            rows.filter(|(l, s)| **l == label && (**s >= threshold) == called)
                .count() as u64
        };
        Ok(Self {
            true_positives: count(true, true),
            false_positives: count(false, true),
            true_negatives: count(false, false),
            false_negatives: count(true, false),
        })
    }

    /// The share of rows that were called rightly.
    pub fn accuracy(&self) -> f64 {
        let right = self.true_positives + self.true_negatives;
        right as f64 / (right + self.false_positives + self.false_negatives) as f64
    }

    /// The share of positives among the rows called positive; `None` if none was.
    pub fn precision(&self) -> Option<f64> {
        share(self.true_positives, self.false_positives)
    }

    /// The share of the positives that were called positive; `None` if there are none.
    pub fn recall(&self) -> Option<f64> {
        share(self.true_positives, self.false_negatives)
    }

    /// The harmonic mean of precision and recall; `None` where neither says anything.
    pub fn f1(&self) -> Option<f64> {
        share(
            2 * self.true_positives,
            self.false_positives + self.false_negatives,
        )
    }

    /// The mean of precision and recall that holds recall `beta` times as dear; `None` where neither says
    /// anything. A `beta` of 1 is [`Confusion::f1`].
    ///
    /// # Reference
    /// Agrees with `sklearn.metrics.fbeta_score` to 1e-12. Van Rijsbergen 1979.
    pub fn f_beta(&self, beta: f64) -> Option<f64> {
        let squared = beta * beta;
        let right = (1.0 + squared) * self.true_positives as f64;
        let wrong = squared * self.false_negatives as f64 + self.false_positives as f64;
        (right + wrong > 0.0).then(|| right / (right + wrong))
    }
}

/// The share of rows that a threshold calls rightly.
///
/// # Errors
/// As for [`Confusion::at`].
///
/// # Reference
/// `sklearn.metrics.accuracy_score` of `score >= threshold`.
pub fn accuracy(labels: &[bool], scores: &[f64], threshold: f64) -> Result<f64> {
    Ok(Confusion::at(labels, scores, threshold)?.accuracy())
}

fn share(part: u64, rest: u64) -> Option<f64> {
    (part + rest > 0).then(|| part as f64 / (part + rest) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_nothing_are_absent() {
        let counts = Confusion::at(&[false, false], &[0.1, 0.2], 0.5).unwrap();
        assert_eq!(
            (counts.precision(), counts.recall(), counts.f1()),
            (None, None, None)
        );
        assert_eq!(counts.accuracy(), 1.0);
        assert_eq!(accuracy(&[true, false], &[0.5, 0.5], 0.5).unwrap(), 0.5);
    }
}
