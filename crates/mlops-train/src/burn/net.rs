//! What the training loop knows of a network: the shapes of its weights, and its answer.
//!
//! Weights live in one block on the host, where the optimiser, the checkpoints and the best epoch need
//! them, and are handed to the device for every step. Weights and masks are drawn from our own seed: burn's
//! generators belong to the process and the device, so two fits at once would disturb each other.

use burn::tensor::{FloatDType, Tensor, TensorData, backend::Backend, module};
use mlops_core::{Rng, Seed};
use mlops_model::Dense;

use super::{data::Batch, training::Precision};

/// A network as a function of its weights.
pub(super) trait Net: Send + Sync {
    /// The weights in the order of their block.
    fn shapes(&self) -> Vec<Shape>;

    /// The raw scores of some rows.
    ///
    /// # Shapes
    /// `[rows, outputs]`.
    fn forward<B: Backend>(
        &self,
        weights: &[Tensor<B, 2>],
        batch: &mut Batch,
        dropout: &mut Dropout,
        device: &B::Device,
    ) -> Tensor<B, 2>;
}

impl<N: Net> Net for &N {
    fn shapes(&self) -> Vec<Shape> {
        (**self).shapes()
    }

    fn forward<B: Backend>(
        &self,
        weights: &[Tensor<B, 2>],
        batch: &mut Batch,
        dropout: &mut Dropout,
        device: &B::Device,
    ) -> Tensor<B, 2> {
        (**self).forward(weights, batch, dropout, device)
    }
}

/// One matrix of weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) start: Start,
    /// Whether weight decay pulls at it; biases are left alone.
    pub(super) decays: bool,
}

/// How weights begin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Start {
    Zero,
    One,
    /// Uniform in `-bound..bound`.
    Uniform(f64),
    /// Normal with this deviation; the last row, which stands for what was not seen, is 0.
    Table(f64),
}

impl Shape {
    /// A matrix of a dense layer.
    ///
    /// # Reference
    /// The variance of He et al. 2015 before rectifiers, of Glorot and Bengio 2010 elsewhere.
    pub(super) fn dense(rows: usize, cols: usize, rectified: bool) -> Self {
        let fan = if rectified { rows } else { rows + cols };
        Self {
            rows,
            cols,
            start: Start::Uniform((6.0 / fan as f64).sqrt()),
            decays: true,
        }
    }

    /// A matrix of gates, each of which has so many outputs.
    pub(super) fn gates(rows: usize, cols: usize, outputs: usize) -> Self {
        Self {
            cols,
            ..Self::dense(rows, outputs, false)
        }
    }

    /// A row of gains, which begin at 1.
    pub(super) fn gain(cols: usize) -> Self {
        Self {
            start: Start::One,
            ..Self::bias(cols)
        }
    }

    /// A row of biases.
    pub(super) fn bias(cols: usize) -> Self {
        Self {
            rows: 1,
            cols,
            start: Start::Zero,
            decays: false,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows * self.cols
    }
}

/// The first weights of all matrices.
pub(super) fn start(shapes: &[Shape], seed: Seed) -> Vec<f32> {
    let mut rng = seed.derive("weights").rng();
    let mut block = Vec::new();
    for shape in shapes {
        block.extend((0..shape.len()).map(|at| match shape.start {
            Start::Zero => 0.0,
            Start::One => 1.0,
            Start::Uniform(bound) => single((2.0 * rng.unit() - 1.0) * bound),
            Start::Table(_) if at >= shape.len() - shape.cols => 0.0,
            Start::Table(deviation) => single(rng.normal() * deviation),
        }));
    }
    block
}

/// The block as one tensor a matrix.
pub(super) fn tensors<B: Backend>(
    shapes: &[Shape],
    block: &[f32],
    device: &B::Device,
) -> Vec<Tensor<B, 2>> {
    let mut rest = block;
    let tensors = shapes.iter().map(|shape| {
        let (head, tail) = rest.split_at(shape.len());
        rest = tail;
        Tensor::from_data(
            TensorData::new(head.to_vec(), [shape.rows, shape.cols]),
            device,
        )
    });
    tensors.collect()
}

/// A block as plain numbers, taken from its front.
#[derive(Debug)]
pub(super) struct Plain<'a>(pub(super) &'a [f32]);

impl Plain<'_> {
    /// The next numbers.
    pub(super) fn take(&mut self, count: usize) -> Vec<f64> {
        let (head, tail) = self.0.split_at(count);
        self.0 = tail;
        head.iter().map(|weight| f64::from(*weight)).collect()
    }

    /// The next matrix and its biases: burn holds `[inputs, outputs]`, the model `[outputs, inputs]`.
    pub(super) fn dense(&mut self, cols: usize, rows: usize) -> Dense {
        let laid = self.take(cols * rows);
        let turned = (0..rows).flat_map(|row| laid.iter().skip(row).step_by(rows));
        Dense {
            rows,
            cols,
            weights: turned.copied().collect(),
            bias: self.take(rows),
        }
    }
}

/// Multiplies the answers of a last layer, and adds to them.
pub(super) fn rescale(last: &mut Dense, (center, scale): (f64, f64)) {
    last.weights.iter_mut().for_each(|weight| *weight *= scale);
    last.bias
        .iter_mut()
        .for_each(|bias| *bias = *bias * scale + center);
}

/// Values that are set to 0 at random while a network learns, so that it leans on none of them.
///
/// # Reference
/// Srivastava et al. 2014; what stays is scaled up, as in `torch.nn.Dropout`.
#[derive(Debug)]
pub(super) struct Dropout(Option<(f64, Rng)>);

impl Dropout {
    /// Drops nothing.
    pub(super) fn none() -> Self {
        Self(None)
    }

    /// Drops this share of values.
    pub(super) fn new(rate: f64, seed: Seed) -> Self {
        Self((rate > 0.0).then(|| (rate, seed.rng())))
    }

    pub(super) fn apply<B: Backend>(
        &mut self,
        values: Tensor<B, 2>,
        device: &B::Device,
    ) -> Tensor<B, 2> {
        let Some((rate, rng)) = &mut self.0 else {
            return values;
        };
        let [rows, cols] = values.dims();
        let kept = single(1.0 / (1.0 - *rate));
        // four draws a number; a share is met to 2^-16
        let bound = *rate * 65536.0;
        let mut mask = Vec::with_capacity(rows * cols + 3);
        while mask.len() < rows * cols {
            let bits = rng.next_u64();
            for shift in [0, 16, 32, 48] {
                let draw = f64::from(((bits >> shift) & 0xffff) as u16);
                mask.push(if draw < bound { 0.0 } else { kept });
            }
        }
        mask.truncate(rows * cols);
        values * Tensor::from_data(TensorData::new(mask, [rows, cols]), device)
    }
}

/// Rows through a dense layer.
pub(super) fn linear<B: Backend>(
    rows: Tensor<B, 2>,
    weights: &Tensor<B, 2>,
    bias: &Tensor<B, 2>,
    precision: Precision,
) -> Tensor<B, 2> {
    if precision == Precision::Mixed {
        return product(rows, weights.clone(), precision) + bias.clone();
    }
    let [_, cols] = bias.dims();
    let bias = bias.clone().reshape([cols]);
    module::linear(rows, weights.clone(), Some(bias))
}

/// The product of two matrices, or of two lists of them, in single precision again. Its gradients are products too and
/// are computed in the same precision.
pub(super) fn product<B: Backend, const D: usize>(
    a: Tensor<B, D>,
    b: Tensor<B, D>,
    precision: Precision,
) -> Tensor<B, D> {
    match precision {
        Precision::Single => a.matmul(b),
        Precision::Mixed => {
            let short = FloatDType::BF16;
            a.cast(short).matmul(b.cast(short)).cast(FloatDType::F32)
        }
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

/// A tensor's numbers.
pub(super) fn numbers(data: TensorData) -> Vec<f32> {
    let singles = data.convert::<f32>().into_vec::<f32>();
    singles.expect("the data was converted just now")
}
