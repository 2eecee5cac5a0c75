//! The training loop, the same on every device and for every network.
//!
//! A step cuts its batch into parts of a fixed number of rows. Each part has a gradient of its own, worked out
//! by whichever thread is free, and the gradients are summed in the order of the parts: the number of threads
//! changes no bit.

use std::sync::Arc;

use burn::tensor::{
    Tensor, TensorData, Transaction,
    backend::{AutodiffBackend, Backend},
};
use mlops_core::{Digest, Seed};

use super::{
    checkpoint::{Best, Checkpoint, State},
    data::Rows,
    loss::Loss,
    net::{Dropout, Net, Shape, numbers, start, tensors},
    optimiser::{AdamW, clip},
    pool::Pool,
    training::Training,
};
use crate::{Error, Result, Watched};

/// Rows of a part of a step, on a CPU.
pub(super) const PART: usize = 512;
/// Rows that go through the network at once where no gradient is needed.
const BLOCK: usize = 512;

/// Everything that a fit needs, free of any backend.
#[derive(Debug)]
pub(super) struct Job<'a, N> {
    pub(super) trainer: &'static str,
    pub(super) net: N,
    pub(super) loss: Loss,
    pub(super) dropout: f64,
    pub(super) training: &'a Training,
    pub(super) fit: Rows,
    /// Empty if there is nothing to stop on.
    pub(super) held: Rows,
    /// What settings and rows this is.
    pub(super) fingerprint: Digest,
    pub(super) resume: Option<&'a Checkpoint>,
}

impl<'a> Job<'a, ()> {
    /// The job with its network.
    pub(super) fn with<N>(self, net: N) -> Job<'a, N> {
        Job {
            trainer: self.trainer,
            net,
            loss: self.loss,
            dropout: self.dropout,
            training: self.training,
            fit: self.fit,
            held: self.held,
            fingerprint: self.fingerprint,
            resume: self.resume,
        }
    }
}

/// What a fit leaves.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The weights of the best epoch, or of the last where nothing was held out.
    pub(super) block: Vec<f32>,
    /// That epoch, counted from 1.
    pub(super) epoch: usize,
    /// An epoch each: the loss while training, the loss held out, the watched number.
    pub(super) history: [Vec<f64>; 3],
}

/// How a fit stands after an epoch.
#[derive(Debug)]
pub struct Progress<'a> {
    /// The epoch that ended, counted from 1.
    pub epoch: usize,
    /// The epochs there are at most.
    pub epochs: usize,
    /// The mean loss of the epoch's batches.
    pub train_loss: f64,
    /// The watched number on the held-out rows, where there are any.
    pub validation: Option<f64>,
    /// The best epoch so far.
    pub best_epoch: usize,
    state: &'a State,
    fingerprint: Digest,
}

impl Progress<'_> {
    /// All that it takes to go on from here, to the same bits on a CPU.
    ///
    /// # Complexity
    /// 16 bytes a weight.
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint::write(self.state, self.fingerprint)
    }
}

/// What is to happen after an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// End here, with the best epoch so far.
    Stop,
    /// Give up: the fit answers [`Error::Cancelled`].
    Cancel,
}

/// Who looks on; see [`Progress`].
pub(super) type Watch<'a> = &'a mut (dyn FnMut(&Progress<'_>) -> Control + Send);

/// Minimises the loss with AdamW.
pub(super) fn train<N: Net, B: AutodiffBackend>(
    job: &Job<'_, N>,
    part: usize,
    device: &B::Device,
    watch: Watch<'_>,
) -> Result<Outcome> {
    let shapes = job.net.shapes();
    let state = if let Some(checkpoint) = job.resume {
        let weights = shapes.iter().map(Shape::len).sum();
        checkpoint.read(job.fingerprint, weights)?
    } else {
        let block = start(&shapes, job.training.seed);
        State {
            epoch: 0,
            optimiser: AdamW::new(block.len()),
            block,
            best: None,
            history: Default::default(),
        }
    };
    let parts = job.training.batch.min(job.fit.len()).div_ceil(part);
    let threads = job.training.threads.get().min(parts.max(1));
    let fit = Fit::<N, B> {
        job,
        shapes: &shapes,
        part,
        device,
    };
    std::thread::scope(|scope| fit.run(state, &Pool::new(scope, threads), watch))
}

struct Fit<'a, N, B: Backend> {
    job: &'a Job<'a, N>,
    shapes: &'a [Shape],
    part: usize,
    device: &'a B::Device,
}

/// The summed loss of a part and its gradient, or its scores.
type Part = (f64, Vec<f32>);

impl<'a, N: Net, B: AutodiffBackend> Fit<'a, N, B> {
    fn run(&self, mut state: State, pool: &Pool<'a, Part>, watch: Watch<'_>) -> Result<Outcome> {
        let job = self.job;
        let training = job.training;
        while state.epoch < training.epochs && !self.is_stalled(&state) {
            state.epoch += 1;
            let epoch = state.epoch;
            let mean = self.epoch(&mut state, pool);
            let sound = mean.is_finite() && state.block.iter().all(|weight| weight.is_finite());
            if !sound {
                return Err(Error::Diverged {
                    trainer: job.trainer,
                    epoch,
                });
            }
            state.history[0].push(mean);
            let validation = self.validate(&mut state, pool)?;
            let control = watch(&Progress {
                epoch,
                epochs: training.epochs,
                train_loss: mean,
                validation,
                best_epoch: state.best.as_ref().map_or(epoch, |best| best.epoch),
                state: &state,
                fingerprint: job.fingerprint,
            });
            match control {
                Control::Continue => {}
                Control::Stop => break,
                Control::Cancel => {
                    return Err(Error::Cancelled {
                        work: job.trainer,
                        done: epoch,
                    });
                }
            }
        }
        let (epoch, block) = match state.best {
            Some(best) => (best.epoch, best.block),
            None => (state.epoch, state.block),
        };
        Ok(Outcome {
            block,
            epoch,
            history: state.history,
        })
    }

    fn is_stalled(&self, state: &State) -> bool {
        let patience = self.job.training.early_stopping;
        let stalled = state.best.as_ref().map(|best| state.epoch - best.epoch);
        patience
            .zip(stalled)
            .is_some_and(|(patience, stalled)| stalled >= patience)
    }

    /// Passes over all rows; the mean loss of the steps.
    fn epoch(&self, state: &mut State, pool: &Pool<'a, Part>) -> f64 {
        let training = self.job.training;
        let of_epoch = |name: &str| {
            let Seed(base) = training.seed.derive(name);
            Seed(base.wrapping_add(state.epoch as u64))
        };
        let masks = of_epoch("masks").derive("epoch");
        let mut order: Vec<u32> = (0..self.job.fit.len())
            .map(|row| u32::try_from(row).expect("the trainer bounds the rows"))
            .collect();
        of_epoch("batches")
            .derive("epoch")
            .rng()
            .shuffle(&mut order);
        let order: Arc<[u32]> = order.into();
        let steps = order.len().div_ceil(training.batch);
        let mut total = 0.0;
        for step in 0..steps {
            let from = step * training.batch;
            let rows = training.batch.min(order.len() - from);
            let rate = training.rate(state.optimiser.steps, steps);
            let block: Arc<[f32]> = state.block.as_slice().into();
            let (order, part) = (order.clone(), self.part);
            let work = {
                let (job, shapes, device) = (self.job, self.shapes, self.device);
                move |at: usize| {
                    let first = from + at * part;
                    let rows_at = &order[first..(first + part).min(from + rows)];
                    let draws = Seed(masks.0.wrapping_add(first as u64));
                    let scale = 1.0 / rows as f64;
                    gradient::<N, B>(job, shapes, &block, rows_at, scale, draws, device)
                }
            };
            let mut parts = pool.map(rows.div_ceil(part), work).into_iter();
            let (mut loss, mut sum) = parts.next().expect("a step has a row");
            for (value, gradient) in parts {
                loss += value;
                sum.iter_mut().zip(&gradient).for_each(|(s, g)| *s += g);
            }
            total += loss;
            if let Some(norm) = training.clip_norm {
                clip(&mut sum, norm);
            }
            let decay = training.weight_decay;
            state
                .optimiser
                .step(self.shapes, &mut state.block, &sum, rate, decay);
        }
        total / order.len() as f64
    }

    /// The watched number on the rows held out; keeps the epoch if it is the best.
    fn validate(&self, state: &mut State, pool: &Pool<'a, Part>) -> Result<Option<f64>> {
        let (job, held) = (self.job, &self.job.held);
        if held.len() == 0 {
            return Ok(None);
        }
        let block: Arc<[f32]> = state.block.as_slice().into();
        let (shapes, device) = (self.shapes, self.device);
        let parts = pool.map(held.len().div_ceil(BLOCK), move |at| {
            let rows = at * BLOCK..((at + 1) * BLOCK).min(held.len());
            let mut batch = held.gather(rows);
            let weights = tensors::<B::InnerBackend>(shapes, &block, device);
            let none = &mut Dropout::none();
            let scores = job
                .net
                .forward::<B::InnerBackend>(&weights, &mut batch, none, device);
            (0.0, numbers(scores.into_data()))
        });
        let mut scores: Vec<f32> = parts.into_iter().flat_map(|(_, scores)| scores).collect();
        let watched = watched(job, &scores)?;
        let weight: f64 = held.weights.iter().map(|weight| f64::from(*weight)).sum();
        let loss = job
            .loss
            .gradient(&mut scores, &held.targets, &held.weights, 1.0);
        let loss = loss / weight;
        let value = watched.unwrap_or(loss);
        state.history[1].push(loss);
        state.history[2].extend(watched);
        let better = |best: &Best| job.training.watched.better(value, best.value);
        if job.training.early_stopping.is_some() && state.best.as_ref().is_none_or(better) {
            state.best = Some(Best {
                epoch: state.epoch,
                value,
                block: state.block.clone(),
            });
        }
        Ok(Some(value))
    }
}

/// The summed loss of some rows, and the gradient of its share in the step.
fn gradient<N: Net, B: AutodiffBackend>(
    job: &Job<'_, N>,
    shapes: &[Shape],
    block: &[f32],
    rows: &[u32],
    scale: f64,
    draws: Seed,
    device: &B::Device,
) -> Part {
    let weights = tensors::<B>(shapes, block, device);
    let weights: Vec<Tensor<B, 2>> = weights.into_iter().map(Tensor::require_grad).collect();
    let mut batch = job.fit.gather(rows.iter().map(|row| *row as usize));
    let mut dropout = Dropout::new(job.dropout, draws);
    let scores = job
        .net
        .forward::<B>(&weights, &mut batch, &mut dropout, device);
    let [count, outputs] = scores.dims();
    let mut slopes = numbers(scores.clone().inner().into_data());
    let loss = job
        .loss
        .gradient(&mut slopes, &batch.targets, &batch.weights, scale);
    // the gradient of this sum is what the loss has as its gradient
    let slopes = TensorData::new(slopes, [count, outputs]);
    let gradients = (scores * Tensor::from_data(slopes, device))
        .sum()
        .backward();
    let slopes: Vec<_> = weights.iter().map(|w| w.grad(&gradients)).collect();
    // a GPU is waited for once, not once a weight
    let read = slopes.iter().flatten().cloned();
    let read = read.fold(Transaction::default(), Transaction::register);
    let mut read = read.execute().into_iter();
    let mut flat = Vec::with_capacity(block.len());
    for (slope, shape) in slopes.iter().zip(shapes) {
        match slope.as_ref().and_then(|_| read.next()) {
            Some(gradient) => flat.extend(numbers(gradient)),
            None => flat.resize(flat.len() + shape.len(), 0.0),
        }
    }
    (loss, flat)
}

/// The watched number of the rows held out, as they count, unless it is the loss.
fn watched<N>(job: &Job<'_, N>, scores: &[f32]) -> Result<Option<f64>> {
    let held = &job.held;
    let weighted = |value: &dyn Fn(usize) -> f64| -> f64 {
        let weights = held.weights.iter().map(|weight| f64::from(*weight));
        let total: f64 = weights.clone().sum();
        weights
            .enumerate()
            .map(|(row, weight)| weight * value(row))
            .sum::<f64>()
            / total
    };
    let classes = || -> (Vec<bool>, Vec<f64>) {
        let labels = held.targets.iter().map(|target| *target > 0.5);
        (
            labels.collect(),
            scores.iter().map(|score| f64::from(*score)).collect(),
        )
    };
    let outputs = job.loss.outputs();
    let hit = |row: usize| {
        let class = match &scores[row * outputs..(row + 1) * outputs] {
            [score] => f32::from(u8::from(*score > 0.0)),
            scores => {
                let top =
                    (1..outputs).fold(0, |top, at| if scores[at] > scores[top] { at } else { top });
                top as f32
            }
        };
        f64::from(u8::from(class == held.targets[row]))
    };
    Ok(match job.training.watched {
        Watched::Loss => None,
        Watched::Accuracy => Some(weighted(&hit)),
        Watched::AbsoluteError => Some(weighted(&|row| {
            f64::from((scores[row] - held.targets[row]).abs())
        })),
        area => {
            let (labels, scores) = classes();
            let weights: Vec<f64> = held.weights.iter().map(|w| f64::from(*w)).collect();
            area.area(&labels, &scores, Some(&weights)).transpose()?
        }
    })
}

#[cfg(test)]
mod tests {
    use burn::backend::{Autodiff, Flex, flex::FlexDevice};
    use mlops_model::Activation;

    use super::*;
    use crate::burn::{mlp_net::MlpNet, training::Precision};

    fn net(precision: Precision) -> MlpNet {
        MlpNet {
            tables: Vec::new(),
            widths: vec![4, 16, 1],
            activation: Activation::Relu,
            precision,
        }
    }

    /// Rows of four numbers; the label is the sign of the first less the second.
    fn rows(count: usize) -> Rows {
        let mut rng = Seed(2).rng();
        #[expect(clippy::cast_possible_truncation, reason = "single precision is read")]
        let numbers: Vec<f32> = (0..4 * count).map(|_| rng.normal() as f32).collect();
        let label = |row: &[f32]| f32::from(u8::from(row[0] > row[1]));
        Rows {
            targets: numbers.chunks_exact(4).map(label).collect(),
            weights: vec![1.0; count],
            numbers,
            width: 4,
            ..Rows::default()
        }
    }

    fn job(training: &Training, precision: Precision) -> Job<'_, MlpNet> {
        Job {
            trainer: "mlp",
            net: net(precision),
            loss: Loss::Log,
            dropout: 0.0,
            training,
            fit: rows(600),
            held: rows(200),
            fingerprint: Digest::of(b"rows"),
            resume: None,
        }
    }

    // the CPU imitates bfloat16, so that what a GPU is asked for can be held to single precision here
    #[test]
    fn gradients_of_products_in_bfloat16_point_where_those_in_single_precision_do() {
        let training = Training::new();
        let shapes = net(Precision::Single).shapes();
        let block = start(&shapes, Seed(4));
        let all: Vec<u32> = (0..600).collect();
        let [single, mixed] = [Precision::Single, Precision::Mixed].map(|precision| {
            let job = job(&training, precision);
            let device = &FlexDevice;
            let scale = 1.0 / 600.0;
            gradient::<_, Autodiff<Flex>>(&job, &shapes, &block, &all, scale, Seed(1), device)
        });
        assert!(
            (single.0 - mixed.0).abs() < 0.01 * single.0,
            "{} {}",
            single.0,
            mixed.0
        );
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            let pairs = a.iter().zip(b);
            pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        let cosine =
            dot(&single.1, &mixed.1) / (dot(&single.1, &single.1) * dot(&mixed.1, &mixed.1)).sqrt();
        assert!(cosine > 0.9999 && single.1 != mixed.1, "{cosine}");
    }

    #[test]
    fn a_fit_with_products_in_bfloat16_learns_as_well() {
        let training = Training::new().epochs(15).batch(64).learning_rate(0.01);
        let [single, mixed] = [Precision::Single, Precision::Mixed].map(|precision| {
            let job = job(&training, precision);
            let go = &mut |_: &Progress<'_>| Control::Continue;
            let fitted = train::<_, Autodiff<Flex>>(&job, PART, &FlexDevice, go).unwrap();
            let losses = fitted.history[1].iter().copied();
            losses.fold(f64::INFINITY, f64::min)
        });
        assert!(
            single < 0.2 && (single - mixed).abs() < 0.01,
            "{single} {mixed}"
        );
    }
}
