//! Rows in the layout that batches are gathered from: one block of numbers, one of codes.

use burn::tensor::{Int, Tensor, TensorData, backend::Backend};

/// What a network learns from.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    /// `[rows, width]`.
    pub(super) numbers: Vec<f32>,
    pub(super) width: usize,
    /// `[rows, columns]`: the rows of embedding tables, or lengths of sequences.
    pub(super) codes: Vec<i32>,
    pub(super) columns: usize,
    /// `[rows]`: 0 or 1, the position of a class, or a scaled number.
    pub(super) targets: Vec<f32>,
    /// `[rows]`, with mean 1.
    pub(super) weights: Vec<f32>,
}

/// Some of the rows, as one step reads them.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) rows: usize,
    /// `[rows, width]`.
    pub(super) numbers: Vec<f32>,
    pub(super) width: usize,
    /// `[columns][rows]`.
    pub(super) codes: Vec<Vec<i32>>,
    pub(super) targets: Vec<f32>,
    pub(super) weights: Vec<f32>,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.targets.len()
    }

    /// The rows at these positions, in their order.
    pub(super) fn gather(&self, at: impl ExactSizeIterator<Item = usize> + Clone) -> Batch {
        let rows = at.len();
        let mut numbers = Vec::with_capacity(rows * self.width);
        for row in at.clone() {
            numbers.extend_from_slice(&self.numbers[row * self.width..(row + 1) * self.width]);
        }
        let column = |column: usize| {
            let codes = at.clone();
            codes.map(move |row| self.codes[row * self.columns + column])
        };
        Batch {
            rows,
            numbers,
            width: self.width,
            codes: (0..self.columns).map(|at| column(at).collect()).collect(),
            targets: at.clone().map(|row| self.targets[row]).collect(),
            weights: at.map(|row| self.weights[row]).collect(),
        }
    }
}

impl Batch {
    /// `[rows, width]`; the numbers are moved out.
    pub(super) fn numbers<B: Backend>(&mut self, device: &B::Device) -> Tensor<B, 2> {
        let numbers = std::mem::take(&mut self.numbers);
        Tensor::from_data(TensorData::new(numbers, [self.rows, self.width]), device)
    }

    /// One column of codes, `[rows]`; moved out.
    pub(super) fn codes<B: Backend>(
        &mut self,
        column: usize,
        device: &B::Device,
    ) -> Tensor<B, 1, Int> {
        let codes = std::mem::take(&mut self.codes[column]);
        Tensor::from_data(TensorData::new(codes, [self.rows]), device)
    }
}
