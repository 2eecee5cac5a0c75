//! A network as one list of numbers, so that models can be averaged, and its plain gradient descent.

use mlops_core::Rng;
use mlops_model::{Activation, Dense, Estimator, Linear, Link, Mlp};

/// What the network answers, and so which loss it is fitted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// The probability of the positive class, by log-loss.
    Logit,
    /// The probabilities of the classes, by log-loss.
    Softmax,
    /// A number, by half the squared error.
    Identity,
}

impl Head {
    fn link(self) -> Link {
        match self {
            Self::Logit => Link::Logit,
            Self::Softmax => Link::Softmax,
            Self::Identity => Link::Identity,
        }
    }
}

/// The widths from the encoded columns to the answer. Rectifiers stand between the layers.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    widths: Vec<usize>,
    head: Head,
}

/// Memory for one pass.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// What comes out of each layer, the row itself first.
    layers: Vec<Vec<f64>>,
    /// The derivative of the loss by a layer's output, and by that of the one below.
    error: Vec<f64>,
    below: Vec<f64>,
}

impl Shape {
    pub(super) fn new(columns: usize, hidden: &[usize], outputs: usize, head: Head) -> Self {
        let mut widths = vec![columns];
        widths.extend(hidden);
        widths.push(outputs);
        Self { widths, head }
    }

    /// The layers as `(inputs, outputs, where the weights begin)`; the biases follow the weights.
    fn layers(&self) -> impl DoubleEndedIterator<Item = (usize, usize, usize)> + '_ {
        let mut start = 0;
        let layers: Vec<_> = self
            .widths
            .windows(2)
            .map(|pair| {
                let at = start;
                start += pair[1] * (pair[0] + 1);
                (pair[0], pair[1], at)
            })
            .collect();
        layers.into_iter()
    }

    /// First weights: zeros for a linear model, else He's.
    pub(super) fn start(&self, rng: &mut Rng) -> Vec<f64> {
        let linear = self.widths.len() == 2;
        let mut numbers = Vec::new();
        for (cols, rows, _) in self.layers() {
            let deviation = if linear {
                0.0
            } else {
                (2.0 / cols.max(1) as f64).sqrt()
            };
            numbers.extend((0..rows * cols).map(|_| deviation * rng.normal()));
            numbers.extend(std::iter::repeat_n(0.0, rows));
        }
        numbers
    }

    /// The derivative of a row's loss by every weight, `times` that, is added to `gradient`.
    pub(super) fn step(
        &self,
        weights: &[f64],
        (row, label, times): (&[f64], f64, f64),
        pass: &mut Pass,
        gradient: &mut [f64],
    ) {
        self.loss(weights, row, label, pass);
        for error in &mut pass.error {
            *error *= times;
        }
        self.descend(weights, pass, gradient);
    }

    /// The loss of a row.
    pub(super) fn loss(&self, weights: &[f64], row: &[f64], label: f64, pass: &mut Pass) -> f64 {
        let depth = self.widths.len() - 1;
        pass.layers.resize(depth + 1, Vec::new());
        pass.layers[0].clear();
        pass.layers[0].extend_from_slice(row);
        for (at, (cols, rows, start)) in self.layers().enumerate() {
            let (before, after) = pass.layers.split_at_mut(at + 1);
            let (input, output) = (&before[at], &mut after[0]);
            output.clear();
            for unit in 0..rows {
                let line = &weights[start + unit * cols..start + (unit + 1) * cols];
                let sum = line.iter().zip(input).map(|(w, x)| w * x).sum::<f64>();
                let sum = sum + weights[start + rows * cols + unit];
                output.push(if at + 1 < depth { sum.max(0.0) } else { sum });
            }
        }
        let answer = &mut pass.layers[depth];
        let score = answer[0];
        self.head.link().apply(answer);
        pass.error.clear();
        pass.error.extend_from_slice(answer);
        match self.head {
            Head::Identity => {
                pass.error[0] -= label;
                0.5 * pass.error[0] * pass.error[0]
            }
            Head::Logit => {
                pass.error[0] -= label;
                // ln(1 + e^-s) for a positive row, without overflow
                let s = if label > 0.5 { score } else { -score };
                (-s.abs()).exp().ln_1p() + (-s).max(0.0)
            }
            Head::Softmax => {
                let class = (0..answer.len()).find(|class| *class as f64 == label);
                let class = class.expect("labels are positions of classes");
                pass.error[class] -= 1.0;
                -answer[class].max(f64::MIN_POSITIVE).ln()
            }
        }
    }

    /// Carries the error from the answer back to the row.
    fn descend(&self, weights: &[f64], pass: &mut Pass, gradient: &mut [f64]) {
        for (at, (cols, rows, start)) in self
            .layers()
            .enumerate()
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
        {
            let input = &pass.layers[at];
            pass.below.clear();
            pass.below.resize(cols, 0.0);
            for unit in 0..rows {
                let error = pass.error[unit];
                if error == 0.0 {
                    continue;
                }
                let line = start + unit * cols..start + (unit + 1) * cols;
                for (g, x) in gradient[line.clone()].iter_mut().zip(input) {
                    *g += error * x;
                }
                gradient[start + rows * cols + unit] += error;
                for (below, w) in pass.below.iter_mut().zip(&weights[line]) {
                    *below += error * w;
                }
            }
            // what a rectifier held back has no part in the error
            for (below, x) in pass.below.iter_mut().zip(input) {
                if at > 0 && *x <= 0.0 {
                    *below = 0.0;
                }
            }
            std::mem::swap(&mut pass.error, &mut pass.below);
        }
    }

    /// The network as a model's estimator. A number's answer is moved back by `scale` and `center`.
    pub(super) fn estimator(&self, weights: &[f64], center: f64, scale: f64) -> Estimator {
        let link = self.head.link();
        let (scale, center) = match self.head {
            Head::Identity => (scale, center),
            Head::Logit | Head::Softmax => (1.0, 0.0),
        };
        let last = self.widths.len() - 2;
        let layers = self.layers().enumerate().map(|(at, (cols, rows, start))| {
            let (factor, shift) = if at == last {
                (scale, center)
            } else {
                (1.0, 0.0)
            };
            let weight = weights[start..start + rows * cols].iter();
            let bias = weights[start + rows * cols..start + rows * (cols + 1)].iter();
            Dense {
                rows,
                cols,
                weights: weight.map(|w| w * factor).collect(),
                bias: bias.map(|b| b * factor + shift).collect(),
            }
        });
        let mut layers: Vec<Dense> = layers.collect();
        if layers.len() > 1 {
            return Estimator::Mlp(Mlp {
                embeddings: Vec::new(),
                layers,
                activation: Activation::Relu,
                link,
            });
        }
        let only = layers.remove(0);
        Estimator::Linear(Linear {
            weights: only.weights,
            bias: only.bias,
            link,
        })
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::Seed;

    use super::*;

    #[test]
    fn the_gradient_is_that_of_differences() {
        for (head, outputs, label) in [
            (Head::Logit, 1, 1.0),
            (Head::Softmax, 3, 2.0),
            (Head::Identity, 1, -0.7),
        ] {
            for hidden in [&[][..], &[5], &[4, 3]] {
                let mut rng = Seed(3).rng();
                let shape = Shape::new(4, hidden, outputs, head);
                let weights: Vec<f64> = shape.start(&mut rng);
                let weights: Vec<f64> = weights.iter().map(|w| w + 0.3 * rng.normal()).collect();
                let row: Vec<f64> = (0..4).map(|_| rng.normal()).collect();
                let mut gradient = vec![0.0; weights.len()];
                let mut pass = Pass::default();
                shape.step(&weights, (&row, label, 1.0), &mut pass, &mut gradient);
                for at in 0..weights.len() {
                    let mut loss = |by: f64| {
                        let mut moved = weights.clone();
                        moved[at] += by;
                        shape.loss(&moved, &row, label, &mut pass)
                    };
                    let slope = (loss(1e-6) - loss(-1e-6)) / 2e-6;
                    assert!(
                        (slope - gradient[at]).abs() < 1e-6,
                        "{head:?} {hidden:?} {at}"
                    );
                }
            }
        }
    }
}
