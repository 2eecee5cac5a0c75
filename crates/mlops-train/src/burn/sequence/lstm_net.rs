//! Long short-term memory as burn computes it, and as the model holds it.

use burn::tensor::{Tensor, TensorData, activation, backend::Backend};
use mlops_model::{Lstm, SequenceNetwork};

use crate::burn::{
    data::Batch,
    net::{Dropout, Net, Plain, Shape, linear, rescale},
    training::Precision,
};

/// Layers of cells and a head; the one code of a row is its number of steps.
#[derive(Debug, Clone)]
pub(super) struct LstmNet {
    /// The numbers of a step.
    pub(super) width: usize,
    pub(super) layers: usize,
    pub(super) cells: usize,
    pub(super) outputs: usize,
    pub(super) precision: Precision,
}

impl LstmNet {
    fn inputs(&self, layer: usize) -> usize {
        if layer == 0 { self.width } else { self.cells }
    }

    /// The weights as the model holds them.
    pub(super) fn export(&self, block: &[f32], unit: (f64, f64)) -> SequenceNetwork {
        let mut plain = Plain(block);
        let layers = (0..self.layers)
            .map(|layer| plain.dense(self.inputs(layer) + self.cells, 4 * self.cells));
        let layers = layers.collect();
        let mut head = plain.dense(self.cells, self.outputs);
        rescale(&mut head, unit);
        SequenceNetwork::Lstm(Lstm { layers, head })
    }
}

impl Net for LstmNet {
    fn shapes(&self) -> Vec<Shape> {
        let layers = (0..self.layers).flat_map(|layer| {
            let reads = self.inputs(layer) + self.cells;
            [
                // a gate has as many outputs as there are cells
                Shape::gates(reads, 4 * self.cells, self.cells),
                Shape::bias(4 * self.cells),
            ]
        });
        let head = [
            Shape::dense(self.cells, self.outputs, false),
            Shape::bias(self.outputs),
        ];
        layers.chain(head).collect()
    }

    fn forward<B: Backend>(
        &self,
        weights: &[Tensor<B, 2>],
        batch: &mut Batch,
        dropout: &mut Dropout,
        device: &B::Device,
    ) -> Tensor<B, 2> {
        let rows = batch.rows;
        let lengths = std::mem::take(&mut batch.codes[0]);
        let steps = longest(&lengths);
        let numbers = batch.numbers::<B>(device);
        let width = self.width;
        let mut inputs: Vec<Tensor<B, 2>> = (0..steps)
            .map(|step| {
                numbers
                    .clone()
                    .slice([0..rows, step * width..(step + 1) * width])
            })
            .collect();
        for layer in weights[..2 * self.layers].chunks_exact(2) {
            let zeros = || Tensor::<B, 2>::zeros([rows, self.cells], device);
            let (mut last, mut memory) = (zeros(), zeros());
            for (step, input) in inputs.iter_mut().enumerate() {
                let reads = Tensor::cat(vec![input.clone(), last.clone()], 1);
                let gates = linear(reads, &layer[0], &layer[1], self.precision);
                let gate = |at: usize| {
                    let cells = at * self.cells..(at + 1) * self.cells;
                    gates.clone().slice([0..rows, cells])
                };
                let kept = activation::sigmoid(gate(1)) * memory.clone();
                let new = activation::sigmoid(gate(0)) * activation::tanh(gate(2));
                let now = kept + new;
                let answer = activation::sigmoid(gate(3)) * activation::tanh(now.clone());
                // a sequence that has ended keeps what it had
                if let Some((going, ended)) = masks::<B>(&lengths, step, device) {
                    memory = now * going.clone() + memory * ended.clone();
                    last = answer * going + last * ended;
                } else {
                    (memory, last) = (now, answer);
                }
                *input = last.clone();
            }
            for x in &mut inputs {
                *x = dropout.apply(x.clone(), device);
            }
        }
        let head = &weights[2 * self.layers..];
        let last = inputs.pop().expect("a batch has a step");
        linear(last, &head[0], &head[1], self.precision)
    }
}

/// The most steps of a batch.
pub(super) fn longest(lengths: &[i32]) -> usize {
    let most = lengths.iter().copied().max().unwrap_or(1);
    usize::try_from(most).unwrap_or(1)
}

/// 1 for the rows that have this step, and 1 for those that do not; `None` if all have it.
fn masks<B: Backend>(
    lengths: &[i32],
    step: usize,
    device: &B::Device,
) -> Option<(Tensor<B, 2>, Tensor<B, 2>)> {
    let has = |length: &i32| usize::try_from(*length).is_ok_and(|length| step < length);
    if lengths.iter().all(has) {
        return None;
    }
    let tensor = |value: fn(bool) -> bool| {
        let mask: Vec<f32> = lengths
            .iter()
            .map(|l| f32::from(u8::from(value(has(l)))))
            .collect();
        Tensor::from_data(TensorData::new(mask, [lengths.len(), 1]), device)
    };
    Some((tensor(|has| has), tensor(|has| !has)))
}
