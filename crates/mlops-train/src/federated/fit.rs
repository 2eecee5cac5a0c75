//! The rounds.

use std::collections::{BTreeMap, BTreeSet};

use mlops_core::{Rng, Target, TrainingSet};
use mlops_model::{Input, Matrix, Model, ModelSpec, Output, Preprocess, Signature};

use super::{
    Federated, FederatedBuilder, FederatedFit, Round,
    network::{Head, Pass, Shape},
    statistics::{Moments, preprocess},
};
use crate::{Error, Measure, Metric, Result, Truth, reads};

/// The rows of a partition, as they never leave it.
struct Partition {
    matrix: Matrix,
    labels: Vec<f64>,
    /// How much each row counts.
    weights: Vec<f64>,
    /// Their sum.
    total: f64,
}

impl Federated {
    /// Fits a common model to partitions that have the same features. `apart` is a set that no partition
    /// has; each round's model is judged on it.
    ///
    /// Labels may differ from partition to partition: the classes are those of all together, and a
    /// partition may lack some.
    ///
    /// # Errors
    /// [`Error::NoPartition`], [`Error::PartitionSchema`] for one with other features,
    /// [`Error::UnsupportedTask`] for labels of several kinds, [`Error::SingleClass`] if all partitions
    /// together have one class, [`Error::Diverged`], and those of an evaluation on `apart`.
    ///
    /// # Complexity
    /// O(rounds · local epochs · rows · weights) time. The memory is that of the encoded rows.
    pub fn fit(
        &self,
        partitions: &[TrainingSet],
        apart: Option<&TrainingSet>,
    ) -> Result<FederatedFit> {
        let settings = &self.settings;
        let (output, labels) = labels(partitions)?;
        let signature = common_signature(partitions, output)?;
        let preprocess = preprocess(partitions, &signature, settings.max_categories)?;
        let head = match signature.output() {
            Output::Probability { .. } => Head::Logit,
            Output::Classes { .. } => Head::Softmax,
            Output::Number | Output::Numbers { .. } => Head::Identity,
        };
        let (center, scale) = match head {
            Head::Identity => spread(&labels),
            Head::Logit | Head::Softmax => (0.0, 1.0),
        };
        let parts = partitions.iter().zip(labels).map(|(set, labels)| {
            let weights = set.weights().unwrap_or_else(|| vec![1.0; set.rows()]);
            Ok(Partition {
                matrix: preprocess.encode(&set.features())?,
                labels: labels
                    .iter()
                    .map(|label| (label - center) / scale)
                    .collect(),
                total: weights.iter().sum(),
                weights,
            })
        });
        let parts: Vec<Partition> = parts.collect::<Result<_>>()?;
        let outputs = signature.output().width();
        let shape = Shape::new(preprocess.width(), &settings.hidden, outputs, head);
        let model = |weights: &[f64]| assemble(&preprocess, &shape, weights, center, scale);

        let mut common = shape.start(&mut settings.seed.derive("weights").rng());
        let mut draw = settings.seed.derive("partitions").rng();
        let mut rounds = Vec::with_capacity(settings.rounds);
        for number in 0..settings.rounds {
            let taking = drawn(parts.len(), settings.participation, &mut draw);
            let total: f64 = taking.iter().map(|at| parts[*at].total).sum();
            let mut mean = vec![0.0; common.len()];
            let mut loss = 0.0;
            for at in &taking {
                let part = &parts[*at];
                let seed = settings
                    .seed
                    .derive(&format!("round {number}, partition {at}"));
                let share = part.total / total;
                loss += share * part.loss(&shape, &common);
                let local = part.improve(&shape, &common, settings, &mut seed.rng());
                for (mean, weight) in mean.iter_mut().zip(local) {
                    *mean += share * weight;
                }
            }
            if mean.iter().any(|weight| !weight.is_finite()) {
                return Err(Error::Diverged {
                    trainer: super::NAME,
                    epoch: number + 1,
                });
            }
            common = mean;
            let mut round = Round {
                rows: taking.iter().map(|at| parts[*at].labels.len()).sum(),
                partitions: taking,
                loss,
                metrics: BTreeMap::new(),
            };
            if let Some(apart) = apart {
                let spec = model(&common)?;
                let truth = Truth::of(apart, spec.signature().output())?;
                let answers = spec.predict(&apart.features())?;
                for measure in Measure::all_for(&truth) {
                    let value = measure.value(&truth, answers.values())?;
                    round.metrics.insert(measure.name(), value);
                }
            }
            rounds.push(round);
        }
        Ok(FederatedFit {
            spec: model(&common)?,
            rounds,
        })
    }
}

impl Partition {
    fn loss(&self, shape: &Shape, weights: &[f64]) -> f64 {
        let mut pass = Pass::default();
        let rows = self.labels.iter().zip(&self.weights).enumerate();
        let losses = rows.map(|(row, (label, weight))| {
            weight * shape.loss(weights, self.matrix.row(row), *label, &mut pass)
        });
        losses.sum::<f64>() / self.total
    }

    /// The weights after the partition's own passes over its rows.
    fn improve(
        &self,
        shape: &Shape,
        common: &[f64],
        settings: &FederatedBuilder,
        rng: &mut Rng,
    ) -> Vec<f64> {
        let mut weights = common.to_vec();
        let mut gradient = vec![0.0; weights.len()];
        let mut pass = Pass::default();
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        let mean = self.total / self.labels.len() as f64;
        for _ in 0..settings.local_epochs {
            rng.shuffle(&mut order);
            for batch in order.chunks(settings.batch_rows) {
                gradient.fill(0.0);
                for row in batch {
                    let row = (self.matrix.row(*row), self.labels[*row], self.weights[*row]);
                    shape.step(&weights, row, &mut pass, &mut gradient);
                }
                let step = settings.learning_rate / (batch.len() as f64 * mean);
                let (decay, pull) = (
                    settings.learning_rate * settings.l2,
                    settings.learning_rate * settings.proximal,
                );
                for ((weight, slope), common) in weights.iter_mut().zip(&gradient).zip(common) {
                    *weight -= step * slope + decay * *weight + pull * (*weight - common);
                }
            }
        }
        weights
    }
}

/// What is learnt, and the labels of each partition as numbers or as positions of classes.
fn labels(partitions: &[TrainingSet]) -> Result<(Output, Vec<Vec<f64>>)> {
    let first = partitions.first().ok_or(Error::NoPartition)?;
    let targets: Vec<Target> = partitions.iter().map(TrainingSet::target).collect();
    let named = targets
        .iter()
        .filter(|t| matches!(t, Target::Classes { .. }));
    match named.count() {
        0 => {}
        all if all == targets.len() => return classes(targets),
        _ => {
            return Err(Error::UnsupportedTask {
                trainer: super::NAME,
                task: "named classes in some partitions and numbers in others",
            });
        }
    }
    let values = partitions.iter().map(TrainingSet::label_values);
    let values: Vec<Vec<f64>> = values.collect::<mlops_core::Result<_>>()?;
    if targets.iter().any(|t| matches!(t, Target::Number(_))) {
        return Ok((Output::Number, values));
    }
    let all = || values.iter().flatten();
    let class = all().next().copied().unwrap_or_default();
    if all().all(|value| *value == class) {
        return Err(Error::SingleClass {
            rows: all().count(),
            class: (class == 1.0).to_string(),
        });
    }
    let positive = first.label_name().to_owned();
    Ok((Output::Probability { positive }, values))
}

fn classes(targets: Vec<Target>) -> Result<(Output, Vec<Vec<f64>>)> {
    let mut all = BTreeSet::new();
    let parts: Vec<(Vec<String>, Vec<u32>)> = targets
        .into_iter()
        .filter_map(|target| match target {
            Target::Classes { names, codes } => Some((names, codes)),
            Target::Binary(_) | Target::Number(_) => None,
        })
        .collect();
    all.extend(parts.iter().flat_map(|(names, _)| names.iter().cloned()));
    let names: Vec<String> = all.into_iter().collect();
    if let [only] = names.as_slice() {
        return Err(Error::SingleClass {
            rows: parts.iter().map(|(_, codes)| codes.len()).sum(),
            class: only.clone(),
        });
    }
    let labels = parts.iter().map(|(own, codes)| {
        let place = |code: &u32| names.binary_search(&own[*code as usize]);
        let place = |code: &u32| place(code).expect("all names are among all names") as f64;
        codes.iter().map(place).collect()
    });
    let labels = labels.collect();
    Ok((Output::Classes { names }, labels))
}

/// The first set's inputs, nullable where they are in any set.
fn common_signature(partitions: &[TrainingSet], output: Output) -> Result<Signature> {
    let signatures: Vec<Signature> = partitions
        .iter()
        .map(reads::signature)
        .collect::<Result<_>>()?;
    let inputs = signatures[0].inputs().iter().map(|input| {
        let nullable = signatures.iter().any(|other| {
            let at = other.index_of(&input.name);
            at.is_some_and(|at| other.inputs()[at].nullable)
        });
        Input {
            nullable,
            ..input.clone()
        }
    });
    Ok(Signature::new(inputs, output)?)
}

/// The mean and the deviation of all labels, from each partition's own.
fn spread(labels: &[Vec<f64>]) -> (f64, f64) {
    let parts = labels.iter().map(|part| Moments::of(part.iter().copied()));
    let all = parts.fold(Moments::default(), Moments::plus);
    let scale = all.deviation();
    (all.mean, if scale > 0.0 { scale } else { 1.0 })
}

/// The partitions of a round, ascending.
fn drawn(count: usize, share: f64, rng: &mut Rng) -> Vec<usize> {
    let mut all: Vec<usize> = (0..count).collect();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count is a count"
    )]
    let taken = ((share * count as f64).round() as usize).clamp(1, count);
    rng.shuffle(&mut all);
    all.truncate(taken);
    all.sort_unstable();
    all
}

fn assemble(
    preprocess: &Preprocess,
    shape: &Shape,
    weights: &[f64],
    center: f64,
    scale: f64,
) -> Result<ModelSpec> {
    let signature = preprocess.signature().clone();
    let estimator = shape.estimator(weights, center, scale);
    Ok(ModelSpec::new(signature, preprocess.clone(), estimator)?)
}
