//! The trainer of either network over sequences.

use std::collections::BTreeMap;

use mlops_core::{Digest, TrainingSet};
use mlops_model::{Scale, SequenceNetwork, SequenceSpec, limit};

use super::{SequenceSet, lstm_net::LstmNet, transformer_net::TransformerNet};
use crate::{
    Fitted, Result, Trainer,
    burn::{
        Checkpoint, Control, Progress, Training,
        fit::{Job, Outcome, Watch},
        net::{Net, Shape, single},
        ready::Goal,
    },
    error::require,
    record::{importance, params},
};

const NAME: &str = "sequence";

/// Fits an LSTM or the encoder of a transformer to sequences.
///
/// As a [`Trainer`] it reads features that are lists of numbers, and its model reads them too. Of any sequences, and of
/// rows and what went before them, it fits by [`SequenceTrainer::fit_sequences`].
///
/// Features are scaled to mean 0 and deviation 1, and what is missing lies at the mean. The latest sequences decide
/// when to stop, as for [`Mlp`](crate::Mlp).
///
/// ```
/// use mlops_train::{SequenceSet, SequenceTrainer, Training, conformance::planted};
/// use mlops_core::TrainingSet;
///
/// # fn numeric(set: TrainingSet) -> Result<TrainingSet, mlops_core::Error> {
/// #     use mlops_core::{Table, TableSchema};
/// #     let columns: Vec<_> = set.table().schema().columns().iter().filter(|c| c.name() != "country").cloned().collect();
/// #     let arrays = columns.iter().map(|c| set.table().column(c.name()).cloned()).collect::<Result<_, _>>()?;
/// #     TrainingSet::new(Table::new(TableSchema::new(columns)?, arrays)?, set.lineage().clone())
/// # }
/// let rows: TrainingSet = numeric(planted(200, 1))?;
/// let set = SequenceSet::from_history(&rows, 8)?;
/// let trainer = SequenceTrainer::lstm(8).training(Training::new().epochs(2)).build()?;
/// let fitted = trainer.fit_sequences(&set)?;
/// assert_eq!(fitted.spec.predict_all(set.sequences())?.rows(), 200);
/// let model = fitted.spec.to_model(8)?; // of columns of lists, for a package
/// # Ok::<(), mlops_train::Error>(())
/// ```
///
/// # Reference
/// `torch.nn.LSTM`, and `torch.nn.TransformerEncoder` with `norm_first=True`. The exported model answers as burn's
/// forward pass does, to 1e-6.
#[derive(Debug, Clone, PartialEq)]
pub struct SequenceTrainer {
    kind: Kind,
    layers: usize,
    dropout: f64,
    max_steps: usize,
    training: Training,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lstm { cells: usize },
    Transformer { size: usize, heads: usize },
}

/// Settings of [`SequenceTrainer`].
#[derive(Debug, Clone)]
pub struct SequenceTrainerBuilder(SequenceTrainer);

/// A fitted model of sequences and what is worth recording about the fit; as [`Fitted`](crate::Fitted).
#[derive(Debug, Clone)]
pub struct FittedSequence {
    /// The model.
    pub spec: SequenceSpec,
    /// The trainer's settings, and what the fit chose, for instance `best_epoch`.
    pub params: BTreeMap<String, String>,
    /// Series by name, one number an epoch, for instance `validation_log_loss`.
    pub history: BTreeMap<String, Vec<f64>>,
}

impl SequenceTrainer {
    /// One layer of so many cells that remember, without dropout, over the latest 64 steps.
    pub fn lstm(cells: usize) -> SequenceTrainerBuilder {
        Self::of(Kind::Lstm { cells })
    }

    /// One block of attention on vectors of `size` numbers in `heads` parts, without dropout, over the latest 64 steps.
    pub fn transformer(size: usize, heads: usize) -> SequenceTrainerBuilder {
        Self::of(Kind::Transformer { size, heads })
    }

    fn of(kind: Kind) -> SequenceTrainerBuilder {
        SequenceTrainerBuilder(Self {
            kind,
            layers: 1,
            dropout: 0.0,
            max_steps: 64,
            training: Training::new(),
        })
    }

    /// Fits on all sequences; of a longer one its latest `max_steps` steps.
    ///
    /// # Errors
    /// Those of [`Trainer::fit`] on labels and settings.
    pub fn fit_sequences(&self, set: &SequenceSet) -> Result<FittedSequence> {
        self.fit_sequences_with(set, None, &mut |_| Control::Continue)
    }

    /// [`Trainer::fit`], watched and resumed as [`Mlp::fit_with`](crate::Mlp::fit_with) is.
    ///
    /// # Errors
    /// As there.
    pub fn fit_with(
        &self,
        set: &TrainingSet,
        resume: Option<&Checkpoint>,
        watch: &mut (dyn FnMut(&Progress<'_>) -> Control + Send),
    ) -> Result<Fitted> {
        let set = SequenceSet::from_lists(set)?;
        let fitted = self.fit_sequences_with(&set, resume, watch)?;
        // a longer list than any of the set is no surprise as long as the setting foresaw it
        let width = set.sequences.width();
        let steps = set.sequences.iter().map(|steps| steps.len() / width);
        let longest = steps.max().unwrap_or(1).max(self.max_steps);
        let sizes = first_weights(fitted.spec.network(), width);
        Ok(Fitted {
            spec: fitted.spec.to_model(longest)?,
            params: fitted.params,
            history: fitted.history,
            importance: importance(set.features, &sizes),
        })
    }

    /// [`SequenceTrainer::fit_sequences`], watched and resumed as [`Mlp::fit_with`](crate::Mlp::fit_with) is.
    ///
    /// # Errors
    /// As there.
    pub fn fit_sequences_with(
        &self,
        set: &SequenceSet,
        resume: Option<&Checkpoint>,
        watch: &mut (dyn FnMut(&Progress<'_>) -> Control + Send),
    ) -> Result<FittedSequence> {
        crate::prepare::check_target(&set.labels)?;
        let rows = u32::try_from(set.len()).is_ok();
        require(rows, NAME, "rows", &set.len(), "it must lie below 2^32")?;
        let weights = set.weights.as_deref();
        let goal = Goal::new(NAME, &self.training, &set.labels, weights, &set.times)?;
        let steps = set
            .sequences
            .iter()
            .map(|steps| steps.len() / set.sequences.width());
        let max_steps = steps.max().unwrap_or(1).min(self.max_steps);
        let scales = scales(set, goal.fit());
        let (numbers, lengths) = padded(set, &scales, max_steps);
        let width = set.sequences.width();
        let (fit, held) = goal.split((&numbers, max_steps * width), (&lengths, 1));
        let mut params = self.params();
        let fingerprint = Digest::of_json(&(NAME, &params, set.digest()));
        params.insert("validation_rows".into(), goal.held().to_string());
        let outputs = goal.loss.outputs();
        let job = Job {
            trainer: NAME,
            net: (),
            loss: goal.loss,
            dropout: self.dropout,
            training: &self.training,
            fit,
            held,
            fingerprint,
            resume,
        };
        let unit = (goal.center, goal.scale);
        let (network, outcome) = match self.kind {
            Kind::Lstm { cells } => {
                let net = LstmNet {
                    width,
                    layers: self.layers,
                    cells,
                    outputs,
                };
                let outcome = self.run(&net, job, watch)?;
                (net.export(&outcome.block, unit), outcome)
            }
            Kind::Transformer { size, heads } => {
                let net = TransformerNet {
                    width,
                    max_steps,
                    layers: self.layers,
                    size,
                    heads,
                    outputs,
                };
                let outcome = self.run(&net, job, watch)?;
                (net.export(&outcome.block, unit), outcome)
            }
        };
        params.insert("best_epoch".into(), outcome.epoch.to_string());
        let history = goal.history(self.training.watched, outcome.history);
        let features = set.features.clone();
        let link = goal.loss.link();
        let spec = SequenceSpec::new(features, max_steps, scales, set.output(), link, network)?;
        Ok(FittedSequence {
            spec,
            params,
            history,
        })
    }

    fn run<N: Net>(&self, net: &N, job: Job<'_, ()>, watch: Watch<'_>) -> Result<Outcome> {
        let size: usize = net.shapes().iter().map(Shape::len).sum();
        let rule = "the network may have 2000000 weights";
        require(size <= limit::WEIGHTS, NAME, "weights", &size, rule)?;
        self.training.device.run(&job.with(net), watch)
    }
}

impl Trainer for SequenceTrainer {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Lstm { .. } => "lstm",
            Kind::Transformer { .. } => "transformer",
        }
    }

    fn params(&self) -> BTreeMap<String, String> {
        let kind = match self.kind {
            Kind::Lstm { cells } => format!("lstm of {cells}"),
            Kind::Transformer { size, heads } => format!("transformer of {size} in {heads} heads"),
        };
        let mut all = params(self.training.params());
        all.extend(params([
            ("network", kind),
            ("layers", self.layers.to_string()),
            ("dropout", self.dropout.to_string()),
            ("max_steps", self.max_steps.to_string()),
        ]));
        all
    }

    fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        self.fit_with(set, None, &mut |_| Control::Continue)
    }
}

/// How much each feature moves what first reads a step: the sizes of its weights.
fn first_weights(network: &SequenceNetwork, features: usize) -> Vec<f64> {
    let first = match network {
        SequenceNetwork::Lstm(net) => net.layers.first(),
        SequenceNetwork::Transformer(net) => Some(&net.embed),
        _ => None,
    };
    let size = |feature: usize| -> f64 {
        let rows = first.into_iter().flat_map(|first| {
            let column = first.weights.iter().skip(feature);
            column.step_by(first.cols)
        });
        rows.map(|weight| weight.abs()).sum()
    };
    (0..features).map(size).collect()
}

/// The mean and deviation of each feature over the steps of some sequences.
fn scales(set: &SequenceSet, rows: &[usize]) -> Vec<Scale> {
    let width = set.sequences.width();
    let feature = |feature: usize| {
        let values = || {
            let steps = rows
                .iter()
                .flat_map(|row| set.sequences.get(*row).chunks_exact(width));
            steps.map(move |step| step[feature]).filter(|x| !x.is_nan())
        };
        let share = 1.0 / values().count().max(1) as f64;
        // dividing first keeps sums of huge values finite
        let center: f64 = values().map(|x| x * share).sum();
        let largest = values().map(|x| (x - center).abs()).fold(0.0, f64::max);
        let mut scale = 1.0;
        if largest > 0.0 && largest.is_finite() {
            let squares: f64 = values()
                .map(|x| ((x - center) / largest).powi(2) * share)
                .sum();
            scale = squares.sqrt() * largest;
        }
        Scale { center, scale }
    };
    (0..width).map(feature).collect()
}

/// The latest steps of all sequences, scaled and filled up with 0, `[sequences, max_steps · width]`, and their numbers.
fn padded(set: &SequenceSet, scales: &[Scale], max_steps: usize) -> (Vec<f32>, Vec<i32>) {
    let (width, full) = (scales.len(), max_steps * scales.len());
    let mut numbers = Vec::with_capacity(set.len() * full);
    let mut lengths = Vec::with_capacity(set.len());
    for steps in set.sequences.iter() {
        let steps = &steps[steps.len().saturating_sub(full)..];
        let scaled = steps.iter().zip(scales.iter().cycle());
        numbers.extend(scaled.map(|(x, by)| {
            if x.is_nan() {
                0.0
            } else {
                single((x - by.center) / by.scale)
            }
        }));
        numbers.resize(numbers.len() + full - steps.len(), 0.0);
        lengths.push(i32::try_from(steps.len() / width).expect("at most 1024 steps"));
    }
    (numbers, lengths)
}

impl SequenceTrainerBuilder {
    /// The layers of cells, or the blocks of attention.
    #[must_use]
    pub fn layers(mut self, layers: usize) -> Self {
        self.0.layers = layers;
        self
    }

    /// The share of a layer's values that a step of training leaves out.
    #[must_use]
    pub fn dropout(mut self, share: f64) -> Self {
        self.0.dropout = share;
        self
    }

    /// The steps that are looked at, the latest ones.
    #[must_use]
    pub fn max_steps(mut self, steps: usize) -> Self {
        self.0.max_steps = steps;
        self
    }

    /// How it is trained.
    #[must_use]
    pub fn training(mut self, training: Training) -> Self {
        self.0.training = training;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for the first one out of its range.
    pub fn build(self) -> Result<SequenceTrainer> {
        let t = self.0;
        match t.kind {
            Kind::Lstm { cells } => {
                let inside = (1..=1024).contains(&cells);
                require(inside, NAME, "cells", &cells, "it must lie in 1..=1024")?;
            }
            Kind::Transformer { size, heads } => {
                let inside = (1..=1024).contains(&size);
                require(inside, NAME, "size", &size, "it must lie in 1..=1024")?;
                let shared = heads > 0 && size.is_multiple_of(heads);
                require(shared, NAME, "heads", &heads, "it must divide the size")?;
            }
        }
        let layers = (1..=8).contains(&t.layers);
        require(layers, NAME, "layers", &t.layers, "it must lie in 1..=8")?;
        let share = (0.0..1.0).contains(&t.dropout);
        require(share, NAME, "dropout", &t.dropout, "it must lie in 0..1")?;
        let steps = (1..=limit::SEQUENCE_STEPS).contains(&t.max_steps);
        require(
            steps,
            NAME,
            "max_steps",
            &t.max_steps,
            "it must lie in 1..=1024",
        )?;
        t.training.check(NAME)?;
        Ok(t)
    }
}

#[cfg(test)]
mod tests;
