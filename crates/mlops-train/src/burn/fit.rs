//! The training loop, the same on every device.

use burn::nn::loss::BinaryCrossEntropyLossConfig;
use burn::{
    module::AutodiffModule,
    optim::{AdamWConfig, GradientsParams, Optimizer},
    tensor::{
        Int, Tensor, TensorData,
        backend::{AutodiffBackend, Backend},
    },
};
use mlops_core::Seed;
use mlops_model::Dense;

use super::network::{Network, numbers, single};
use crate::{Error, Result};

/// Rows that go through the network at once where no gradient is needed.
const BLOCK: usize = 8192;

/// Everything that a fit needs, free of any backend.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// Widths of all layers, from the input to the one output.
    pub(super) widths: Vec<usize>,
    pub(super) epochs: usize,
    pub(super) batch: usize,
    pub(super) learning_rate: f64,
    pub(super) weight_decay: f64,
    /// Epochs without progress on `validation` after which to stop.
    pub(super) patience: Option<usize>,
    pub(super) seed: Seed,
    pub(super) fit: Rows,
    /// Empty if there is nothing to stop on.
    pub(super) validation: Rows,
}

/// Encoded rows and their labels.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    /// `[rows, width]`.
    pub(super) x: Vec<f32>,
    pub(super) y: Vec<bool>,
}

/// What a fit leaves.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The layers of the best epoch, or of the last where nothing was held out.
    pub(super) layers: Vec<Dense>,
    /// That epoch, counted from 1.
    pub(super) epoch: usize,
    pub(super) train_loss: Vec<f64>,
    pub(super) validation_loss: Vec<f64>,
}

/// Minimises the log-loss with AdamW.
///
/// # Reference
/// Loshchilov and Hutter 2019.
pub(super) fn train<B: AutodiffBackend>(job: &Job, device: &B::Device) -> Result<Outcome> {
    let width = job.widths[0];
    let mut network = Network::<B>::new(&job.widths, job.seed, device);
    let mut optimiser = AdamWConfig::new()
        .with_weight_decay(single(job.weight_decay))
        .init();
    let loss = BinaryCrossEntropyLossConfig::new()
        .with_logits(true)
        .init(device);
    let mut rng = job.seed.derive("batches").rng();
    let mut order: Vec<usize> = (0..job.fit.y.len()).collect();

    let mut best: Option<(f64, Outcome)> = None;
    let (mut train_loss, mut validation_loss) = (Vec::new(), Vec::new());
    for epoch in 1..=job.epochs {
        rng.shuffle(&mut order);
        let mut total = 0.0;
        for rows in order.chunks(job.batch) {
            let mut x = Vec::with_capacity(rows.len() * width);
            let mut y = Vec::with_capacity(rows.len());
            for row in rows {
                x.extend_from_slice(&job.fit.x[row * width..(row + 1) * width]);
                y.push(i32::from(job.fit.y[*row]));
            }
            let x = Tensor::<B, 2>::from_data(TensorData::new(x, [rows.len(), width]), device);
            let y = Tensor::<B, 1, Int>::from_data(TensorData::new(y, [rows.len()]), device);
            let value = loss.forward(network.forward(x).squeeze_dim::<1>(1), y);
            total += numbers(value.clone().into_data())[0] * rows.len() as f64;
            let gradients = GradientsParams::from_grads(value.backward(), &network);
            network = optimiser.step(job.learning_rate, network, gradients);
        }
        let mean = total / order.len() as f64;
        if !mean.is_finite() {
            return Err(Error::Diverged {
                trainer: super::classifier::NAME,
                epoch,
            });
        }
        train_loss.push(mean);

        let frozen = network.valid();
        let outcome = |layers| Outcome {
            layers,
            epoch,
            train_loss: Vec::new(),
            validation_loss: Vec::new(),
        };
        if job.validation.y.is_empty() {
            if epoch == job.epochs {
                best = Some((mean, outcome(frozen.export())));
            }
            continue;
        }
        let held = log_loss(&frozen, &job.validation, width, device);
        validation_loss.push(held);
        if best.as_ref().is_none_or(|(lowest, _)| held < *lowest) {
            best = Some((held, outcome(frozen.export())));
        }
        let stalled = best
            .as_ref()
            .map_or(0, |(_, outcome)| epoch - outcome.epoch);
        if job.patience.is_some_and(|patience| stalled >= patience) {
            break;
        }
    }
    let (_, outcome) = best.ok_or(Error::Diverged {
        trainer: super::classifier::NAME,
        epoch: 1,
    })?;
    Ok(Outcome {
        train_loss,
        validation_loss,
        ..outcome
    })
}

/// The mean log-loss of some rows, from log-odds, so that nothing has to be clipped.
fn log_loss<B: Backend>(
    network: &Network<B>,
    rows: &Rows,
    width: usize,
    device: &B::Device,
) -> f64 {
    let mut total = 0.0;
    for (x, y) in rows.x.chunks(BLOCK * width).zip(rows.y.chunks(BLOCK)) {
        let data = TensorData::new(x.to_vec(), [y.len(), width]);
        let scores = numbers(network.forward(Tensor::from_data(data, device)).into_data());
        for (score, label) in scores.iter().zip(y) {
            let margin = if *label { *score } else { -score };
            // ln(1 + exp(-margin)) without overflow
            total += (-margin).max(0.0) + (-margin.abs()).exp().ln_1p();
        }
    }
    total / rows.y.len() as f64
}

#[cfg(test)]
mod tests {
    use burn::backend::{Autodiff, Flex, flex::FlexDevice};
    use mlops_model::{
        Activation, Encoder, Estimator, Input, InputKind, Link, Mlp, Model, ModelSpec, Output,
        Preprocess, Scratch, Signature,
    };

    use super::*;

    #[test]
    fn the_exported_network_answers_as_burn_does() {
        let network = Network::<Autodiff<Flex>>::new(&[3, 8, 5, 1], Seed(3), &FlexDevice).valid();
        let inputs = ["a", "b", "c"].map(|name| Input::new(name, InputKind::Float));
        let output = Output::Probability {
            positive: "y".into(),
        };
        let signature = Signature::new(inputs, output).unwrap();
        let encoders = (0..3).map(Encoder::plain).collect();
        let preprocess = Preprocess::new(&signature, encoders).unwrap();
        let mlp = Mlp {
            layers: network.export(),
            activation: Activation::Relu,
            link: Link::Logit,
        };
        let model = ModelSpec::new(signature, preprocess, Estimator::Mlp(mlp)).unwrap();
        let mut rng = Seed(4).rng();
        let mut scratch = Scratch::new();
        for _ in 0..100 {
            let row: Vec<f32> = (0..3).map(|_| single(rng.normal())).collect();
            let data = TensorData::new(row.clone(), [1, 3]);
            let theirs = network.forward(Tensor::from_data(data, &FlexDevice));
            let theirs = Link::Logit.apply(numbers(theirs.into_data())[0]);
            let values: Vec<_> = row.iter().map(|x| f64::from(*x).into()).collect();
            let ours = model.predict_value(&values, &mut scratch).unwrap();
            assert!((ours - theirs).abs() < 1e-6, "{ours} is not {theirs}");
        }
    }

    #[test]
    fn the_loss_needs_no_clipping() {
        let network = Network::<Flex>::new(&[1, 1], Seed(1), &FlexDevice);
        let rows = Rows {
            x: vec![1e6, -1e6],
            y: vec![true, true],
        };
        let loss = log_loss(&network, &rows, 1, &FlexDevice);
        assert!(loss.is_finite() && loss > 1000.0, "{loss}");
    }
}
