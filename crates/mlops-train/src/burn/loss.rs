//! What a network minimises, with its gradient. Both are computed on the host from raw scores, so that no
//! logarithm has to be clipped.

use mlops_model::Link;

use super::net::single;

/// A loss of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// The score is a log-odds, the target 0 or 1.
    Log,
    /// The scores are unnormalised log-probabilities, the target a position among them.
    CrossEntropy(usize),
    /// Half of the squared error of the one score.
    Squared,
}

impl Loss {
    /// The scores of a row.
    pub(super) fn outputs(self) -> usize {
        match self {
            Self::Log | Self::Squared => 1,
            Self::CrossEntropy(classes) => classes,
        }
    }

    /// What turns scores into answers.
    pub(super) fn link(self) -> Link {
        match self {
            Self::Log => Link::Logit,
            Self::CrossEntropy(_) => Link::Softmax,
            Self::Squared => Link::Identity,
        }
    }

    /// The name of its mean in a history.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Log | Self::CrossEntropy(_) => "log_loss",
            Self::Squared => "squared_error",
        }
    }

    /// The weighted sum over rows; `scores` become its gradient times `scale`.
    ///
    /// # Shapes
    /// `[rows, outputs]`, `[rows]`, `[rows]`.
    ///
    /// # Reference
    /// `binary_cross_entropy_with_logits`, `cross_entropy` and half of `mse_loss` of torch.
    pub(super) fn gradient(
        self,
        scores: &mut [f32],
        targets: &[f32],
        weights: &[f32],
        scale: f64,
    ) -> f64 {
        let mut total = 0.0;
        let rows = scores.chunks_exact_mut(self.outputs());
        for ((scores, target), weight) in rows.zip(targets).zip(weights) {
            let (target, weight) = (f64::from(*target), f64::from(*weight));
            match self {
                Self::Log => {
                    let score = f64::from(scores[0]);
                    // ln(1 + exp(s)) - t s without overflow
                    total +=
                        weight * (score.max(0.0) + (-score.abs()).exp().ln_1p() - target * score);
                    let p = 1.0 / (1.0 + (-score).exp());
                    scores[0] = single((p - target) * weight * scale);
                }
                Self::Squared => {
                    let off = f64::from(scores[0]) - target;
                    total += weight * 0.5 * off * off;
                    scores[0] = single(off * weight * scale);
                }
                Self::CrossEntropy(_) => {
                    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                    let largest = f64::from(largest);
                    let shares = scores.iter().map(|s| (f64::from(*s) - largest).exp());
                    let sum: f64 = shares.sum();
                    for (class, score) in scores.iter_mut().enumerate() {
                        let s = f64::from(*score) - largest;
                        let hit = class as f64 == target;
                        if hit {
                            total += weight * (sum.ln() - s);
                        }
                        let p = s.exp() / sum;
                        *score = single((p - f64::from(u8::from(hit))) * weight * scale);
                    }
                }
            }
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_the_slopes_of_their_losses() {
        for (loss, scores, target) in [
            (Loss::Log, vec![0.7f32], 1.0),
            (Loss::Log, vec![0.0], 0.0),
            (Loss::Squared, vec![-1.2], 0.4),
            (Loss::CrossEntropy(3), vec![0.3, -1.0, 2.0], 1.0),
        ] {
            let value =
                |scores: &[f32]| loss.gradient(&mut scores.to_vec(), &[target], &[2.0], 1.0);
            let mut slopes = scores.clone();
            loss.gradient(&mut slopes, &[target], &[2.0], 1.0);
            for at in 0..scores.len() {
                let moved = |by: f32| {
                    let mut scores = scores.clone();
                    scores[at] += by;
                    value(&scores)
                };
                let step = 2f32.powi(-7);
                let slope = (moved(step) - moved(-step)) / f64::from(2.0 * step);
                let off = (slope - f64::from(slopes[at])).abs();
                assert!(off < 1e-4, "{loss:?}: {slope} is not {}", slopes[at]);
            }
        }
    }

    #[test]
    fn losses_agree_with_torch_and_need_no_clipping() {
        // torch 2.15, float64, reduction="sum"
        for (loss, mut scores, target, expected) in [
            (Loss::Log, vec![0.7f32], 1.0, 0.403_186_048_885_457_9),
            (
                Loss::CrossEntropy(3),
                vec![0.3, -1.0, 2.0],
                1.0,
                3.209_020_766_545_06,
            ),
            (Loss::Squared, vec![-1.2], 0.4, 1.28),
            (Loss::Log, vec![-1e6], 1.0, 1e6),
            (Loss::CrossEntropy(2), vec![-1e30, 1e30], 0.0, 2e30),
        ] {
            let value = loss.gradient(&mut scores, &[target], &[1.0], 1.0);
            assert!(
                (value - expected).abs() < 1e-6 * expected,
                "{loss:?}: {value}"
            );
            assert!(scores.iter().all(|slope| slope.is_finite()));
        }
    }
}
