//! What boosting lessens: the loss of a row, and its first two derivatives by the score.

use serde::{Deserialize, Serialize};

use super::math::{exp, log_one_plus_exp, quantile, sigmoid};
use crate::{Result, Watched, error::require};

/// A loss, by the link between score and answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Objective {
    /// The squared difference; the answer is a mean.
    SquaredError,
    /// The absolute difference; the answer is a median.
    AbsoluteError,
    /// The pinball loss; the answer is that quantile.
    Quantile {
        /// The share of labels below the answer, between 0 and 1.
        alpha: f64,
    },
    /// Squared up to a difference of `delta`, straight beyond.
    Huber {
        /// Where the loss becomes straight.
        delta: f64,
    },
    /// The Poisson deviance with a logarithmic link; labels are counts or other numbers from 0 on.
    Poisson,
    /// The logarithmic loss of labels 0 and 1; the score is the log-odds.
    Logistic,
    /// The logarithmic loss of labels 0 up to `classes` - 1; a score a class.
    Softmax {
        /// How many classes there are.
        classes: usize,
    },
}

/// Keeps shares from 0 and 1, whose logarithms are not finite.
const EDGE: f64 = 1e-15;

/// LightGBM's `poisson_max_delta_step`: what keeps a step on a logarithmic scale short.
const POISSON_STEP: f64 = 0.7;

impl Objective {
    /// Refuses the parameter of an objective that is out of its range.
    pub(crate) fn check(self, owner: &'static str) -> Result<()> {
        let (name, value, holds, rule) = match self {
            Self::Quantile { alpha } => (
                "alpha",
                alpha,
                alpha > 0.0 && alpha < 1.0,
                "it must lie between 0 and 1",
            ),
            Self::Huber { delta } => (
                "delta",
                delta,
                delta > 0.0 && delta.is_finite(),
                "it must be above 0",
            ),
            Self::Softmax { classes } => {
                let holds = (2..=1000).contains(&classes);
                ("classes", classes as f64, holds, "it must lie in 2..=1000")
            }
            _ => return Ok(()),
        };
        require(holds, owner, name, &value, rule)
    }

    /// What keeps a label from being one, if anything.
    pub(crate) fn refuses(self, label: f64) -> Option<&'static str> {
        let (fits, rule) = match self {
            Self::Logistic => (label == 0.0 || label == 1.0, "it must be 0 or 1"),
            Self::Poisson => (label >= 0.0 && label.is_finite(), "it must be at least 0"),
            Self::Softmax { classes } => {
                let whole = label.fract() == 0.0 && label >= 0.0 && label < classes as f64;
                (whole, "it must be the number of a class")
            }
            _ => (label.is_finite(), "it must be finite"),
        };
        (!fits).then_some(rule)
    }

    /// The quantile that leaves are set to after they have grown, where gradients alone say too little.
    pub(crate) fn renewal(self) -> Option<f64> {
        match self {
            Self::AbsoluteError => Some(0.5),
            Self::Quantile { alpha } => Some(alpha),
            _ => None,
        }
    }

    /// The best constant score of each output.
    pub(crate) fn base(self, labels: &[f64], weights: Option<&[f64]>) -> Vec<f64> {
        let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
        let total: f64 = (0..labels.len()).map(weight).sum();
        let share = |holds: &dyn Fn(f64) -> f64| -> f64 {
            let rows = labels.iter().enumerate();
            rows.map(|(row, label)| weight(row) * holds(*label))
                .sum::<f64>()
                / total
        };
        match self {
            Self::SquaredError => vec![share(&|label| label)],
            Self::AbsoluteError | Self::Quantile { .. } | Self::Huber { .. } => {
                let level = self.renewal().unwrap_or(0.5);
                let mut pairs: Vec<(f64, f64)> = (0..labels.len())
                    .map(|row| (labels[row], weight(row)))
                    .collect();
                vec![quantile(&mut pairs, level, weights.is_some())]
            }
            Self::Poisson => vec![share(&|label| label).max(EDGE).ln()],
            Self::Logistic => {
                let p = share(&|label| label).clamp(EDGE, 1.0 - EDGE);
                vec![(p / (1.0 - p)).ln()]
            }
            Self::Softmax { classes } => (0..classes)
                .map(|class| {
                    let is = |label: f64| f64::from(u8::from(label == class as f64));
                    share(&is).max(EDGE).ln()
                })
                .collect(),
        }
    }

    /// The gradients and hessians of some rows for one output.
    ///
    /// `scores` are those of the output; for `Softmax` they are the probabilities of the class.
    pub(crate) fn derive(
        self,
        output: usize,
        scores: &[f64],
        labels: &[f64],
        out: &mut [(f64, f64)],
    ) {
        let rows = out.iter_mut().zip(scores.iter().zip(labels));
        match self {
            Self::SquaredError => rows.for_each(|(out, (s, y))| *out = (s - y, 1.0)),
            Self::AbsoluteError => {
                rows.for_each(|(out, (s, y))| {
                    *out = (f64::from(u8::from(s > y)) - f64::from(u8::from(s < y)), 1.0);
                });
            }
            Self::Quantile { alpha } => {
                rows.for_each(|(out, (s, y))| {
                    *out = (if s >= y { 1.0 - alpha } else { -alpha }, 1.0);
                });
            }
            Self::Huber { delta } => {
                rows.for_each(|(out, (s, y))| *out = ((s - y).clamp(-delta, delta), 1.0));
            }
            Self::Poisson => rows.for_each(|(out, (s, y))| {
                *out = (exp(*s) - y, exp(s + POISSON_STEP));
            }),
            Self::Logistic => rows.for_each(|(out, (s, y))| {
                let p = sigmoid(*s);
                *out = (p - y, p * (1.0 - p));
            }),
            Self::Softmax { classes } => {
                let factor = classes as f64 / (classes as f64 - 1.0);
                let class = output as f64;
                rows.for_each(|(out, (p, y))| {
                    let is = f64::from(u8::from(*y == class));
                    *out = (p - is, factor * p * (1.0 - p));
                });
            }
        }
    }

    /// The mean loss; `scores` by output.
    pub(crate) fn loss(self, scores: &[Vec<f64>], labels: &[f64], weights: Option<&[f64]>) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, label) in labels.iter().enumerate() {
            let weight = weights.map_or(1.0, |weights| weights[row]);
            sum += weight * self.row_loss(scores, row, *label);
            total += weight;
        }
        sum / total
    }

    /// What is watched on some rows, unless it is the loss; `None` where it is not defined.
    pub(crate) fn watched(
        self,
        watched: Watched,
        scores: &[Vec<f64>],
        labels: &[f64],
        weights: Option<&[f64]>,
    ) -> Option<f64> {
        let mean = |value: &dyn Fn(usize) -> f64| {
            let (mut sum, mut total) = (0.0, 0.0);
            for row in 0..labels.len() {
                let weight = weights.map_or(1.0, |weights| weights[row]);
                sum += weight * value(row);
                total += weight;
            }
            Some(sum / total)
        };
        match watched {
            Watched::Loss => None,
            Watched::Accuracy => mean(&|row| {
                let called = match scores {
                    [score] => f64::from(u8::from(score[row] > 0.0)),
                    scores => {
                        let higher = |a: usize, b: usize| {
                            if scores[b][row] > scores[a][row] {
                                b
                            } else {
                                a
                            }
                        };
                        (1..scores.len()).fold(0, higher) as f64
                    }
                };
                f64::from(u8::from(called == labels[row]))
            }),
            Watched::AbsoluteError => mean(&|row| {
                let score = scores[0][row];
                let answer = if self == Self::Poisson {
                    exp(score)
                } else {
                    score
                };
                (answer - labels[row]).abs()
            }),
            Watched::RocAuc | Watched::PrAuc => {
                let labels: Vec<bool> = labels.iter().map(|label| *label > 0.5).collect();
                watched.area(&labels, &scores[0], weights)?.ok()
            }
        }
    }

    fn row_loss(self, scores: &[Vec<f64>], row: usize, y: f64) -> f64 {
        let s = scores[0][row];
        match self {
            Self::SquaredError => (s - y) * (s - y),
            Self::AbsoluteError => (s - y).abs(),
            Self::Quantile { alpha } => {
                if s >= y {
                    (1.0 - alpha) * (s - y)
                } else {
                    alpha * (y - s)
                }
            }
            Self::Huber { delta } => {
                let d = (s - y).abs();
                if d <= delta {
                    0.5 * d * d
                } else {
                    delta * (d - 0.5 * delta)
                }
            }
            Self::Poisson => exp(s) - y * s,
            Self::Logistic => log_one_plus_exp(s) - y * s,
            Self::Softmax { .. } => {
                let largest = scores
                    .iter()
                    .map(|s| s[row])
                    .fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = scores.iter().map(|s| (s[row] - largest).exp()).sum();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a label was checked to be the number of a class"
                )]
                let own = scores[y as usize][row];
                sum.ln() + largest - own
            }
        }
    }
}

/// Turns scores by output into probabilities by output, for the rows of one chunk.
pub(crate) fn softmax(scores: &[Vec<f64>], first: usize, out: &mut [&mut [f64]]) {
    let rows = out.first().map_or(0, |out| out.len());
    for row in 0..rows {
        let largest = scores
            .iter()
            .map(|s| s[first + row])
            .fold(f64::NEG_INFINITY, f64::max);
        let mut sum = 0.0;
        for (scores, out) in scores.iter().zip(&mut *out) {
            out[row] = exp(scores[first + row] - largest);
            sum += out[row];
        }
        for out in &mut *out {
            out[row] /= sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Objective; 6] = [
        Objective::SquaredError,
        Objective::Quantile { alpha: 0.3 },
        Objective::AbsoluteError,
        Objective::Huber { delta: 0.7 },
        Objective::Poisson,
        Objective::Logistic,
    ];

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        for objective in ALL {
            for score in [-2.3, -0.4, 0.1, 1.7] {
                for label in [0.0, 1.0] {
                    let loss = |s: f64| objective.row_loss(&[vec![s]], 0, label);
                    let slope = (loss(score + 1e-6) - loss(score - 1e-6)) / 2e-6;
                    let mut out = [(0.0, 0.0)];
                    objective.derive(0, &[score], &[label], &mut out);
                    let factor = if objective == Objective::SquaredError {
                        2.0
                    } else {
                        1.0
                    };
                    assert!((factor * out[0].0 - slope).abs() < 1e-6, "{objective:?}");
                }
            }
        }
    }

    #[test]
    fn the_base_has_no_slope_left() {
        let labels = [0.0, 1.0, 1.0, 0.0, 1.0];
        let weights = [1.0, 2.0, 1.0, 1.0, 0.5];
        for objective in [
            Objective::SquaredError,
            Objective::Poisson,
            Objective::Logistic,
        ] {
            let base = objective.base(&labels, Some(&weights))[0];
            let mut out = [(0.0, 0.0); 5];
            objective.derive(0, &[base; 5], &labels, &mut out);
            let slope: f64 = out.iter().zip(weights).map(|(out, w)| out.0 * w).sum();
            assert!(slope.abs() < 1e-12);
        }
        let base = Objective::Softmax { classes: 2 }.base(&labels, Some(&weights));
        assert!((base.iter().map(|b| b.exp()).sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
