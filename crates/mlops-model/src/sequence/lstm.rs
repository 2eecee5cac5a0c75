//! Long short-term memory.

use serde::{Deserialize, Serialize};

use super::Memory;
use crate::{
    Dense, Error, Result,
    estimator::mlp::Layer,
    limit::{self, Weigh as _},
};

/// Layers of cells, and a dense layer that reads the last step's answer of the last of them.
///
/// # Reference
/// `torch.nn.LSTM` with its two biases summed. Hochreiter and Schmidhuber 1997.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lstm {
    /// The gates of each layer's cells: input, forget, cell, output, so four rows a cell. They read the step, then the
    /// layer's own answer to the step before.
    #[serde(deserialize_with = "limit::list::<{ limit::WEIGHTS }, _, _>")]
    pub layers: Vec<Dense>,
    /// From the last answer to the scores.
    pub head: Dense,
}

/// A checked network in the layout it computes in.
#[derive(Debug, Clone)]
pub(crate) struct Cells {
    layers: Vec<Layer>,
    head: Layer,
    /// The most numbers between two layers.
    most: usize,
}

impl Lstm {
    pub(super) fn weights(&self) -> usize {
        self.layers.iter().map(Dense::weigh).sum::<usize>() + self.head.weigh()
    }
}

impl Cells {
    /// Checks shapes and numbers against the length of a step and of the longest sequence.
    pub(super) fn new(lstm: &Lstm, width: usize, steps: usize) -> Result<Self> {
        limit::check("the number of layers", lstm.layers.len(), limit::LAYERS)?;
        if lstm.layers.is_empty() {
            return Err(Error::model("lstm", "it has no layer"));
        }
        let mut inputs = width;
        let mut widest = width;
        for (at, layer) in lstm.layers.iter().enumerate() {
            let part = || format!("layer {at}");
            let hidden = layer.rows / 4;
            if !layer.rows.is_multiple_of(4) {
                let reason = format!("{} rows are no four gates", layer.rows);
                return Err(Error::model(part(), reason));
            }
            layer
                .check(inputs.saturating_add(hidden))
                .map_err(|reason| Error::model(part(), reason))?;
            inputs = hidden;
            widest = widest.max(hidden);
        }
        let head = lstm.head.check(inputs);
        head.map_err(|reason| Error::model("head", reason))?;
        Ok(Self {
            layers: lstm.layers.iter().map(Layer::new).collect(),
            head: Layer::new(&lstm.head),
            most: widest * steps,
        })
    }

    pub(super) fn outputs(&self) -> usize {
        self.head.rows()
    }

    /// Appends the scores of scaled steps.
    ///
    /// # Shapes
    /// `[steps, width]` in, `[outputs]` out.
    pub(super) fn score(
        &self,
        steps: &[f64],
        mut width: usize,
        memory: &mut Memory,
        scores: &mut Vec<f64>,
    ) {
        let [inputs, answers, reads, gates, cells, last, _] = memory;
        inputs.clear();
        answers.clear();
        // the two change places, so both must hold the most
        inputs.reserve(self.most);
        answers.reserve(self.most);
        inputs.extend_from_slice(steps);
        for layer in &self.layers {
            let hidden = layer.rows() / 4;
            for state in [&mut *cells, &mut *last] {
                state.clear();
                state.resize(hidden, 0.0);
            }
            answers.clear();
            for step in inputs.chunks_exact(width) {
                reads.clear();
                reads.extend_from_slice(step);
                reads.extend_from_slice(last);
                gates.clear();
                layer.sums(reads, gates);
                for at in 0..hidden {
                    let [input, forget, cell, output] =
                        [0, 1, 2, 3].map(|gate| gates[gate * hidden + at]);
                    cells[at] = sigmoid(forget) * cells[at] + sigmoid(input) * cell.tanh();
                    last[at] = sigmoid(output) * cells[at].tanh();
                }
                answers.extend_from_slice(last);
            }
            std::mem::swap(inputs, answers);
            width = hidden;
        }
        self.head.sums(&inputs[inputs.len() - width..], scores);
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}
