//! The feed-forward network as burn computes it, and as the model holds it.

use burn::tensor::{Tensor, activation, backend::Backend};
use mlops_model::{Activation, Dense, Embedding};

use super::{
    data::Batch,
    net::{Dropout, Net, Plain, Shape, Start, linear, rescale},
    training::Precision,
};

/// The deviation that vectors of categories begin with; numbers have 1.
const SPREAD: f64 = 0.1;

/// Embedded codes, dense layers with an activation between them.
#[derive(Debug, Clone)]
pub(super) struct MlpNet {
    /// `[rows, cols]` of each table.
    pub(super) tables: Vec<(usize, usize)>,
    /// From the numbers and vectors of a row to its scores.
    pub(super) widths: Vec<usize>,
    pub(super) activation: Activation,
    pub(super) precision: Precision,
}

impl Net for MlpNet {
    fn shapes(&self) -> Vec<Shape> {
        let tables = self.tables.iter().map(|(rows, cols)| Shape {
            rows: *rows,
            cols: *cols,
            start: Start::Table(SPREAD),
            decays: true,
        });
        let rectified = matches!(self.activation, Activation::Relu | Activation::Gelu);
        let layers = self.widths.windows(2).flat_map(|pair| {
            [
                Shape::dense(pair[0], pair[1], rectified),
                Shape::bias(pair[1]),
            ]
        });
        tables.chain(layers).collect()
    }

    fn forward<B: Backend>(
        &self,
        weights: &[Tensor<B, 2>],
        batch: &mut Batch,
        dropout: &mut Dropout,
        device: &B::Device,
    ) -> Tensor<B, 2> {
        let (tables, layers) = weights.split_at(self.tables.len());
        let mut parts = Vec::with_capacity(1 + tables.len());
        if batch.width > 0 {
            parts.push(batch.numbers(device));
        }
        for (at, table) in tables.iter().enumerate() {
            parts.push(table.clone().select(0, batch.codes::<B>(at, device)));
        }
        let mut x = if parts.len() == 1 {
            parts.swap_remove(0)
        } else {
            Tensor::cat(parts, 1)
        };
        for (at, layer) in layers.chunks_exact(2).enumerate() {
            if at > 0 {
                x = dropout.apply(activate(x, self.activation), device);
            }
            x = linear(x, &layer[0], &layer[1], self.precision);
        }
        x
    }
}

/// The activation as burn computes it.
pub(super) fn activate<B: Backend>(x: Tensor<B, 2>, activation: Activation) -> Tensor<B, 2> {
    match activation {
        Activation::Relu => activation::relu(x),
        Activation::Tanh => activation::tanh(x),
        Activation::Gelu => activation::gelu(x),
        Activation::Logistic => activation::sigmoid(x),
        other => unreachable!("the trainer refuses {other:?}"),
    }
}

impl MlpNet {
    /// The weights as the model holds them: tables for these encoded columns, and layers as
    /// `[outputs, inputs]`, whose answers have this center and scale.
    pub(super) fn export(
        &self,
        block: &[f32],
        columns: &[usize],
        unit: (f64, f64),
    ) -> (Vec<Embedding>, Vec<Dense>) {
        let mut plain = Plain(block);
        let tables = self.tables.iter().zip(columns);
        let tables = tables.map(|((rows, cols), column)| Embedding {
            column: *column,
            rows: *rows,
            cols: *cols,
            weights: plain.take(rows * cols),
        });
        let tables = tables.collect();
        let layers = self.widths.windows(2);
        let mut layers: Vec<Dense> = layers.map(|pair| plain.dense(pair[0], pair[1])).collect();
        layers
            .iter_mut()
            .next_back()
            .into_iter()
            .for_each(|last| rescale(last, unit));
        (tables, layers)
    }
}
