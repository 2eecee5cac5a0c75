//! Feed-forward networks: dense layers with an activation between them.

use serde::{Deserialize, Serialize};

use crate::{Error, Link, Result, limit};

/// What stands between two layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
}

/// A fully connected layer: `output = weights · input + bias`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    /// The number of outputs.
    pub rows: usize,
    /// The number of inputs.
    pub cols: usize,
    /// `[rows, cols]`, row-major.
    #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
    pub weights: Vec<f64>,
    /// `[rows]`.
    #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
    pub bias: Vec<f64>,
}

/// A network whose last layer has an output a number of the answer. The activation follows every layer but the last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mlp {
    /// The layers from input to output.
    #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
    pub layers: Vec<Dense>,
    /// What stands between the layers.
    pub activation: Activation,
    /// What turns the last layer's outputs into the answer.
    pub link: Link,
}

impl limit::Weigh for Dense {
    fn weigh(&self) -> usize {
        self.weights.len() + self.bias.len()
    }
}

/// A checked network, its weights laid out `[cols, rows]`, so that the sums of one layer advance side
/// by side while each keeps the order of its terms.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    layers: Vec<Layer>,
    /// The largest number of values between two layers.
    widest: usize,
    activation: Activation,
    link: Link,
}

#[derive(Debug, Clone)]
struct Layer {
    weights: Vec<f64>,
    bias: Vec<f64>,
}

impl Network {
    /// Checks shapes and numbers.
    pub(crate) fn new(mlp: &Mlp, width: usize) -> Result<Self> {
        limit::check("the number of layers", mlp.layers.len(), limit::LAYERS)?;
        let total = mlp.layers.iter().map(limit::Weigh::weigh).sum();
        limit::check("the number of weights", total, limit::WEIGHTS)?;
        if mlp.layers.is_empty() {
            return Err(Error::model("network", "it has no layer"));
        }
        let mut cols = width;
        let mut widest = width;
        for (at, layer) in mlp.layers.iter().enumerate() {
            layer
                .check(cols)
                .map_err(|reason| Error::model(format!("layer {at}"), reason))?;
            cols = layer.rows;
            widest = widest.max(cols);
        }
        Ok(Self {
            layers: mlp.layers.iter().map(Layer::new).collect(),
            widest,
            activation: mlp.activation,
            link: mlp.link,
        })
    }

    /// The answer for one encoded row; `layer` and `next` are memory to work in.
    pub(crate) fn score(
        &self,
        encoded: &[f64],
        layer: &mut Vec<f64>,
        next: &mut Vec<f64>,
        answer: &mut [f64],
    ) {
        layer.clear();
        next.clear();
        // the two change places, so both must hold the widest
        layer.reserve(self.widest);
        next.reserve(self.widest);
        layer.extend_from_slice(encoded);
        for (at, dense) in self.layers.iter().enumerate() {
            next.clear();
            next.extend_from_slice(&dense.bias);
            for (x, weights) in layer
                .iter()
                .zip(dense.weights.chunks_exact(dense.bias.len()))
            {
                for (sum, weight) in next.iter_mut().zip(weights) {
                    *sum += weight * x;
                }
            }
            if at + 1 < self.layers.len() {
                match self.activation {
                    // unlike `max`, this lets the NaN of an overflow through
                    Activation::Relu => {
                        next.iter_mut().filter(|x| **x < 0.0).for_each(|x| *x = 0.0);
                    }
                }
            }
            std::mem::swap(layer, next);
        }
        answer.copy_from_slice(layer);
        self.link.apply(answer);
    }

    /// The numbers of an answer.
    pub(crate) fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |last| last.bias.len())
    }
}

impl Layer {
    fn new(dense: &Dense) -> Self {
        let mut weights = Vec::with_capacity(dense.weights.len());
        for col in 0..dense.cols {
            weights.extend((0..dense.rows).map(|row| dense.weights[row * dense.cols + col]));
        }
        Self {
            weights,
            bias: dense.bias.clone(),
        }
    }
}

impl Dense {
    fn check(&self, cols: usize) -> Result<(), String> {
        if self.cols != cols {
            return Err(format!("it reads {} numbers, {cols} come in", self.cols));
        }
        if self.rows == 0 {
            return Err("it has no outputs".into());
        }
        if self.rows.checked_mul(self.cols) != Some(self.weights.len()) {
            return Err(format!(
                "{} weights do not fill {} by {}",
                self.weights.len(),
                self.rows,
                self.cols
            ));
        }
        if self.bias.len() != self.rows {
            return Err(format!(
                "{} biases meet {} outputs",
                self.bias.len(),
                self.rows
            ));
        }
        let mut numbers = self.weights.iter().chain(&self.bias);
        match numbers.find(|number| !number.is_finite()) {
            Some(number) => Err(format!("a weight is {number}")),
            None => Ok(()),
        }
    }
}
