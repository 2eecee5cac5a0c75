//! The encoder of a transformer as burn computes it, and as the model holds it.

use burn::tensor::{Tensor, TensorData, activation, backend::Backend};
use mlops_model::{Block, Norm, SequenceNetwork, Transformer};

use super::lstm_net::longest;
use crate::burn::{
    data::Batch,
    net::{Dropout, Net, Plain, Shape, Start, linear, product, rescale},
    training::Precision,
};

/// What is added to a variance before it is divided by, as in the model.
const EPSILON: f64 = 1e-5;
/// What is added to the scores of steps that are not there; its exponential is 0.
const ABSENT: f32 = -1e9;
/// The matrices of a block.
const MATRICES: usize = 12;

/// Blocks of attention and a head; the one code of a row is its number of steps.
#[derive(Debug, Clone)]
pub(super) struct TransformerNet {
    /// The numbers of a step.
    pub(super) width: usize,
    pub(super) max_steps: usize,
    pub(super) layers: usize,
    pub(super) size: usize,
    pub(super) heads: usize,
    pub(super) outputs: usize,
    pub(super) precision: Precision,
}

impl TransformerNet {
    fn wide(&self) -> usize {
        4 * self.size
    }

    /// The weights as the model holds them.
    pub(super) fn export(&self, block: &[f32], unit: (f64, f64)) -> SequenceNetwork {
        let (size, wide) = (self.size, self.wide());
        let mut plain = Plain(block);
        let norm = |plain: &mut Plain<'_>| Norm {
            gain: plain.take(size),
            bias: plain.take(size),
        };
        let embed = plain.dense(self.width, size);
        let positions = plain.take(self.max_steps * size);
        let blocks = (0..self.layers).map(|_| Block {
            attention_norm: norm(&mut plain),
            attention: plain.dense(size, 3 * size),
            mix: plain.dense(size, size),
            dense_norm: norm(&mut plain),
            widen: plain.dense(size, wide),
            narrow: plain.dense(wide, size),
        });
        let blocks = blocks.collect();
        let last = norm(&mut plain);
        let mut head = plain.dense(size, self.outputs);
        rescale(&mut head, unit);
        SequenceNetwork::Transformer(Transformer {
            embed,
            positions,
            heads: self.heads,
            blocks,
            norm: last,
            head,
        })
    }

    /// `[rows · steps, 3 size]` in, `[rows · steps, size]` out.
    fn attend<B: Backend>(
        &self,
        triples: &Tensor<B, 2>,
        rows: usize,
        steps: usize,
        absent: Option<&Tensor<B, 4>>,
    ) -> Tensor<B, 2> {
        let part = self.size / self.heads;
        let cut = |at: usize| -> Tensor<B, 4> {
            let columns = at * self.size..(at + 1) * self.size;
            let cut = triples.clone().slice([0..rows * steps, columns]);
            cut.reshape([rows, steps, self.heads, part]).swap_dims(1, 2)
        };
        let scale = 1.0 / (part as f64).sqrt();
        let mut scores = product(cut(0), cut(1).swap_dims(2, 3), self.precision) * scale;
        if let Some(absent) = absent {
            scores = scores + absent.clone();
        }
        let seen = product(activation::softmax(scores, 3), cut(2), self.precision);
        seen.swap_dims(1, 2).reshape([rows * steps, self.size])
    }
}

impl Net for TransformerNet {
    fn shapes(&self) -> Vec<Shape> {
        let (size, wide) = (self.size, self.wide());
        let norm = || [Shape::gain(size), Shape::bias(size)];
        let dense = |rows, cols| [Shape::dense(rows, cols, false), Shape::bias(cols)];
        let mut shapes = dense(self.width, size).to_vec();
        shapes.push(Shape {
            rows: self.max_steps,
            cols: size,
            start: Start::Uniform(0.1),
            decays: false,
        });
        for _ in 0..self.layers {
            let block = [
                norm(),
                dense(size, 3 * size),
                dense(size, size),
                norm(),
                dense(size, wide),
                dense(wide, size),
            ];
            shapes.extend(block.concat());
        }
        shapes.extend(norm());
        shapes.extend(dense(size, self.outputs));
        shapes
    }

    fn forward<B: Backend>(
        &self,
        weights: &[Tensor<B, 2>],
        batch: &mut Batch,
        dropout: &mut Dropout,
        device: &B::Device,
    ) -> Tensor<B, 2> {
        let (rows, width, size) = (batch.rows, self.width, self.size);
        let precision = self.precision;
        let lengths = std::mem::take(&mut batch.codes[0]);
        let steps = longest(&lengths);
        let x = batch
            .numbers::<B>(device)
            .slice([0..rows, 0..steps * width]);
        let x = linear(
            x.reshape([rows * steps, width]),
            &weights[0],
            &weights[1],
            precision,
        );
        let places = weights[2].clone().slice([0..steps, 0..size]);
        let x: Tensor<B, 3> = x.reshape([rows, steps, size]) + places.reshape([1, steps, size]);
        let mut x: Tensor<B, 2> = x.reshape([rows * steps, size]);
        let (here, absent) = masks::<B>(&lengths, steps, device);
        let blocks = weights[3..3 + self.layers * MATRICES].chunks_exact(MATRICES);
        for block in blocks {
            let normed = norm(x.clone(), &block[0], &block[1]);
            let triples = linear(normed, &block[2], &block[3], precision);
            let seen = self.attend(&triples, rows, steps, absent.as_ref());
            x = x + dropout.apply(linear(seen, &block[4], &block[5], precision), device);
            let normed = norm(x.clone(), &block[6], &block[7]);
            let wide = activation::gelu(linear(normed, &block[8], &block[9], precision));
            x = x + dropout.apply(linear(wide, &block[10], &block[11], precision), device);
        }
        let rest = &weights[3 + self.layers * MATRICES..];
        let x: Tensor<B, 3> = norm(x, &rest[0], &rest[1]).reshape([rows, steps, size]);
        let mean: Tensor<B, 2> = (x * here).sum_dim(1).reshape([rows, size]);
        linear(mean, &rest[2], &rest[3], precision)
    }
}

/// Mean 0 and variance 1 within each row, then a gain and a bias a column.
fn norm<B: Backend>(x: Tensor<B, 2>, gain: &Tensor<B, 2>, bias: &Tensor<B, 2>) -> Tensor<B, 2> {
    let centred = x.clone() - x.mean_dim(1);
    let variance = (centred.clone() * centred.clone()).mean_dim(1);
    centred / (variance + EPSILON).sqrt() * gain.clone() + bias.clone()
}

/// The share of each step in its sequence's mean, `[rows, steps, 1]`, and what keeps absent steps out of
/// attention, `[rows, 1, 1, steps]`, where there are any.
fn masks<B: Backend>(
    lengths: &[i32],
    steps: usize,
    device: &B::Device,
) -> (Tensor<B, 3>, Option<Tensor<B, 4>>) {
    let rows = lengths.len();
    let mut here = Vec::with_capacity(rows * steps);
    let mut absent = Vec::with_capacity(rows * steps);
    for length in lengths {
        let length = usize::try_from(*length).unwrap_or(1);
        let share = 1.0 / length as f32;
        here.extend((0..steps).map(|step| if step < length { share } else { 0.0 }));
        absent.extend((0..steps).map(|step| if step < length { 0.0 } else { ABSENT }));
    }
    let any = absent.contains(&ABSENT);
    let here = Tensor::from_data(TensorData::new(here, [rows, steps, 1]), device);
    let absent =
        any.then(|| Tensor::from_data(TensorData::new(absent, [rows, 1, 1, steps]), device));
    (here, absent)
}
