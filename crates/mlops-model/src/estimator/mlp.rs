//! Feed-forward networks: embedded categories, dense layers, an activation between them.

use serde::{Deserialize, Serialize};

use super::{Activation, Embedding, embedding::Embedded};
use crate::{Error, Link, Result, limit};

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
    /// The tables that turn columns of category numbers into vectors, by ascending column. The first layer reads
    /// the columns without a table, in their order, and behind them the vectors, in the order of the tables.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>"
    )]
    pub embeddings: Vec<Embedding>,
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
    embedded: Embedded,
    layers: Vec<Layer>,
    /// The largest number of values between two layers.
    widest: usize,
    activation: Activation,
    link: Link,
}

/// A checked dense layer, laid out `[cols, rows]`.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    weights: Vec<f64>,
    bias: Vec<f64>,
}

impl Network {
    /// Checks shapes and numbers.
    pub(crate) fn new(mlp: &Mlp, width: usize) -> Result<Self> {
        limit::check("the number of layers", mlp.layers.len(), limit::LAYERS)?;
        let tables = mlp.embeddings.iter().map(limit::Weigh::weigh);
        let total = mlp
            .layers
            .iter()
            .map(limit::Weigh::weigh)
            .chain(tables)
            .sum();
        limit::check("the number of weights", total, limit::WEIGHTS)?;
        if mlp.layers.is_empty() {
            return Err(Error::model("network", "it has no layer"));
        }
        let embedded = Embedded::new(&mlp.embeddings, width)?;
        let mut cols = embedded.width();
        let mut widest = cols;
        for (at, layer) in mlp.layers.iter().enumerate() {
            layer
                .check(cols)
                .map_err(|reason| Error::model(format!("layer {at}"), reason))?;
            cols = layer.rows;
            widest = widest.max(cols);
        }
        Ok(Self {
            embedded,
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
        self.embedded.widen(encoded, layer);
        for (at, dense) in self.layers.iter().enumerate() {
            next.clear();
            dense.sums(layer, next);
            if at + 1 < self.layers.len() {
                self.activation.apply(next);
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
    /// Appends an output a row of the layer.
    pub(crate) fn sums(&self, inputs: &[f64], into: &mut Vec<f64>) {
        let from = into.len();
        into.extend_from_slice(&self.bias);
        let sums = &mut into[from..];
        for (x, weights) in inputs
            .iter()
            .zip(self.weights.chunks_exact(self.bias.len()))
        {
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += weight * x;
            }
        }
    }

    /// The outputs.
    pub(crate) fn rows(&self) -> usize {
        self.bias.len()
    }

    /// Lays a checked layer out.
    pub(crate) fn new(dense: &Dense) -> Self {
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
    /// Checks the shape against what comes in, and the numbers.
    pub(crate) fn check(&self, cols: usize) -> Result<(), String> {
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
