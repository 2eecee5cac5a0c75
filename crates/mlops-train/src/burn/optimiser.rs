//! The steps that weights take: AdamW in one pass over the block, after the gradient was clipped.

use super::net::{Shape, single};

/// The moments of all weights.
///
/// # Reference
/// `torch.optim.AdamW` with betas of 0.9 and 0.999 and an epsilon of 1e-8, but for biases, which do not decay.
/// Loshchilov and Hutter 2019.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AdamW {
    /// The steps taken.
    pub(super) steps: u64,
    pub(super) mean: Vec<f32>,
    pub(super) square: Vec<f32>,
}

impl AdamW {
    pub(super) fn new(weights: usize) -> Self {
        Self {
            steps: 0,
            mean: vec![0.0; weights],
            square: vec![0.0; weights],
        }
    }

    /// Moves all weights against their gradient.
    pub(super) fn step(
        &mut self,
        shapes: &[Shape],
        block: &mut [f32],
        gradient: &[f32],
        rate: f64,
        decay: f64,
    ) {
        const BETAS: (f64, f64) = (0.9, 0.999);
        self.steps += 1;
        let power = self.steps.min(1 << 30) as f64;
        let first = 1.0 - BETAS.0.powf(power);
        let second = 1.0 - BETAS.1.powf(power);
        let length = single(rate / first);
        let root = single(second.sqrt().recip());
        let (b1, b2) = (single(BETAS.0), single(BETAS.1));
        let (c1, c2) = (single(1.0 - BETAS.0), single(1.0 - BETAS.1));
        let mut from = 0;
        for shape in shapes {
            let keep = if shape.decays {
                single(1.0 - rate * decay)
            } else {
                1.0
            };
            let at = from..from + shape.len();
            from = at.end;
            let moments = self.mean[at.clone()]
                .iter_mut()
                .zip(&mut self.square[at.clone()]);
            let weights = block[at.clone()].iter_mut().zip(&gradient[at]);
            for ((weight, g), (mean, square)) in weights.zip(moments) {
                *mean = b1 * *mean + c1 * g;
                *square = b2 * *square + c2 * g * g;
                *weight = keep * *weight - length * *mean / (square.sqrt() * root + 1e-8);
            }
        }
    }
}

/// Shortens the gradient of all weights together to this length.
///
/// # Reference
/// `torch.nn.utils.clip_grad_norm_`.
pub(super) fn clip(gradient: &mut [f32], norm: f64) {
    let squares = gradient.iter().map(|g| f64::from(*g) * f64::from(*g));
    let length = squares.sum::<f64>().sqrt();
    if length > norm {
        let factor = single(norm / length);
        for g in gradient {
            *g *= factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_agree_with_torch() {
        // torch 2.15, float64: AdamW(lr=0.1, weight_decay=0.5), gradients [1, -2], then [0.5, 0.25]
        let shapes = [Shape::dense(1, 2, true)];
        let mut block = [1.0f32, -1.0];
        let mut adam = AdamW::new(2);
        adam.step(&shapes, &mut block, &[1.0, -2.0], 0.1, 0.5);
        adam.step(&shapes, &mut block, &[0.5, 0.25], 0.1, 0.5);
        for (ours, theirs) in block.iter().zip([0.714_282, -0.750_246_5]) {
            assert!((ours - theirs).abs() < 1e-6, "{block:?}");
        }
    }

    #[test]
    fn a_long_gradient_is_shortened_and_a_short_one_is_not() {
        let mut gradient = [3.0f32, 4.0];
        clip(&mut gradient, 10.0);
        assert_eq!(gradient, [3.0, 4.0]);
        clip(&mut gradient, 1.0);
        assert!((gradient[0] - 0.6).abs() < 1e-6 && (gradient[1] - 0.8).abs() < 1e-6);
    }
}
