//! What makes a network more than one sum: the functions between its layers.

use std::f64::consts::FRAC_1_SQRT_2;

use serde::{Deserialize, Serialize};

/// What stands between two layers.
///
/// # Reference
/// `torch.nn.ReLU`, `Tanh`, `Sigmoid` and `GELU(approximate="none")`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `tanh(x)`.
    Tanh,
    /// `1 / (1 + exp(-x))`.
    Logistic,
    /// `x Φ(x)`, where `Φ` is the distribution function of the standard normal law (Hendrycks and Gimpel 2016).
    Gelu,
}

impl Activation {
    /// The values, in their place. A NaN stays one.
    pub fn apply(self, values: &mut [f64]) {
        match self {
            // unlike `max`, this lets the NaN of an overflow through
            Self::Relu => values
                .iter_mut()
                .filter(|x| **x < 0.0)
                .for_each(|x| *x = 0.0),
            Self::Tanh => values.iter_mut().for_each(|x| *x = x.tanh()),
            Self::Logistic => values
                .iter_mut()
                .for_each(|x| *x = 1.0 / (1.0 + (-*x).exp())),
            Self::Gelu => values
                .iter_mut()
                .for_each(|x| *x = 0.5 * *x * (1.0 + libm::erf(*x * FRAC_1_SQRT_2))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activations_agree_with_torch() {
        // torch 2.15, float64: relu, tanh, sigmoid, gelu of -1.5, 0.25, 3
        for (activation, expected) in [
            (Activation::Relu, [0.0, 0.25, 3.0]),
            (
                Activation::Tanh,
                [
                    -0.905_148_253_644_866_4,
                    0.244_918_662_403_709_13,
                    0.995_054_753_686_730_5,
                ],
            ),
            (
                Activation::Logistic,
                [
                    0.182_425_523_806_356_35,
                    0.562_176_500_885_798_1,
                    0.952_574_126_822_433_4,
                ],
            ),
            (
                Activation::Gelu,
                [
                    -0.100_210_801_903_287_04,
                    0.149_676_581_420_730_93,
                    2.995_950_305_905_11,
                ],
            ),
        ] {
            let mut values = [-1.5, 0.25, 3.0];
            activation.apply(&mut values);
            for (ours, theirs) in values.iter().zip(expected) {
                assert!(
                    (ours - theirs).abs() < 1e-15,
                    "{activation:?}: {ours} is not {theirs}"
                );
            }
            let mut nan = [f64::NAN];
            activation.apply(&mut nan);
            assert!(nan[0].is_nan());
        }
    }
}
