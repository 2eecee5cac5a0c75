//! The network as burn computes it, and as the model holds it.
//!
//! Weights are drawn from our own seed: burn's generators belong to the process and the device, so
//! two fits at once would disturb each other.

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Tensor, TensorData, activation::relu, backend::Backend},
};
use mlops_core::Seed;
use mlops_model::Dense;

/// Dense layers with a rectifier between them, and one output.
#[derive(Module, Debug)]
pub(super) struct Network<B: Backend> {
    layers: Vec<Linear<B>>,
}

impl<B: Backend> Network<B> {
    /// A network of the given widths, from the input to the one output.
    ///
    /// # Reference
    /// Weights are uniform with the variance of He et al. 2015; biases are 0.
    pub(super) fn new(widths: &[usize], seed: Seed, device: &B::Device) -> Self {
        let mut rng = seed.derive("weights").rng();
        let layers = widths.windows(2).map(|pair| {
            let (inputs, outputs) = (pair[0], pair[1]);
            let bound = (6.0 / inputs as f64).sqrt();
            let weights: Vec<f32> = (0..inputs * outputs)
                .map(|_| single((2.0 * rng.unit() - 1.0) * bound))
                .collect();
            let weight = TensorData::new(weights, [inputs, outputs]);
            let bias = TensorData::new(vec![0.0f32; outputs], [outputs]);
            Linear {
                weight: Param::from_data(weight, device),
                bias: Some(Param::from_data(bias, device)),
            }
        });
        Self {
            layers: layers.collect(),
        }
    }

    /// The log-odds of each row.
    ///
    /// # Shapes
    /// `[rows, width]` in, `[rows, 1]` out.
    pub(super) fn forward(&self, rows: Tensor<B, 2>) -> Tensor<B, 2> {
        let mut x = rows;
        for (at, layer) in self.layers.iter().enumerate() {
            x = layer.forward(if at == 0 { x } else { relu(x) });
        }
        x
    }

    /// The layers as plain numbers: burn holds `[inputs, outputs]`, the model `[outputs, inputs]`.
    pub(super) fn export(&self) -> Vec<Dense> {
        let layers = self.layers.iter().map(|layer| {
            let [cols, rows] = layer.weight.val().dims();
            let weights = numbers(layer.weight.val().transpose().into_data());
            let bias = layer
                .bias
                .as_ref()
                .map_or_else(Vec::new, |bias| numbers(bias.val().into_data()));
            Dense {
                rows,
                cols,
                weights,
                bias,
            }
        });
        layers.collect()
    }
}

/// The nearest number of single precision.
#[expect(
    clippy::cast_possible_truncation,
    reason = "burn computes in single precision"
)]
pub(super) fn single(value: f64) -> f32 {
    value as f32
}

/// A tensor's numbers, exactly.
pub(super) fn numbers(data: TensorData) -> Vec<f64> {
    let singles = data.convert::<f32>().into_vec::<f32>();
    let singles = singles.expect("the data was converted just now");
    singles.into_iter().map(f64::from).collect()
}
