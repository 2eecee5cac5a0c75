//! How a network is trained, whatever its shape: steps, stops, weights of classes, device.

use std::{collections::BTreeMap, fmt, num::NonZeroUsize};

use mlops_core::Seed;

use super::Device;
use crate::{ClassWeights, Result, Watched, error::require, record::params};

/// Settings of the training loop, shared by all networks.
///
/// ```
/// use mlops_core::Seed;
/// use mlops_train::{Schedule, Training};
///
/// let training = Training::new().epochs(20).batch(1024).schedule(Schedule::Cosine).seed(Seed(7));
/// # let _ = training;
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Training {
    pub(super) epochs: usize,
    pub(super) batch: usize,
    pub(super) learning_rate: f64,
    pub(super) schedule: Schedule,
    pub(super) warm_up: usize,
    pub(super) weight_decay: f64,
    pub(super) clip_norm: Option<f64>,
    pub(super) early_stopping: Option<usize>,
    pub(super) watched: Watched,
    pub(super) validation_fraction: f64,
    pub(super) class_weights: ClassWeights,
    pub(super) seed: Seed,
    pub(super) device: Device,
    pub(super) threads: NonZeroUsize,
    pub(super) precision: Precision,
}

/// What the products of matrices are computed in, where nearly all time goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Precision {
    /// In single precision, as all else is.
    #[default]
    Single,
    /// In bfloat16, which has the range of single precision and so needs no scaling of the loss. Weights, sums,
    /// norms, losses, gradients between layers and the optimiser stay in single precision. For a GPU that has it; a
    /// CPU only imitates it and is refused.
    ///
    /// # Reference
    /// `torch.autocast(dtype=torch.bfloat16)`. Micikevicius et al. 2018.
    Mixed,
}

/// How the length of a step changes from the first step to the last.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Schedule {
    /// Not at all.
    #[default]
    Constant,
    /// Down to 0 along half a wave (Loshchilov and Hutter 2017, without restarts), as `CosineAnnealingLR` of torch.
    Cosine,
    /// Times `factor` after every so many epochs, as `StepLR` of torch.
    Step {
        /// The epochs of one length.
        every: usize,
        /// What it is multiplied by, above 0 and at most 1.
        factor: f64,
    },
}

impl Default for Training {
    fn default() -> Self {
        Self::new()
    }
}

impl Training {
    /// At most 50 epochs in batches of 256 at a rate of 0.003, stopped when the loss on the latest fifth of the
    /// rows has not fallen for 6 epochs.
    pub fn new() -> Self {
        Self {
            epochs: 50,
            batch: 256,
            learning_rate: 0.003,
            schedule: Schedule::Constant,
            warm_up: 0,
            weight_decay: 1e-4,
            clip_norm: None,
            early_stopping: Some(6),
            watched: Watched::Loss,
            validation_fraction: 0.2,
            class_weights: ClassWeights::Equal,
            seed: Seed(0),
            device: Device::Cpu,
            threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            precision: Precision::Single,
        }
    }

    /// How often all rows are passed over at most.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// How many rows make one step.
    pub fn batch(mut self, rows: usize) -> Self {
        self.batch = rows;
        self
    }

    /// The length of a step, before the schedule.
    pub fn learning_rate(mut self, rate: f64) -> Self {
        self.learning_rate = rate;
        self
    }

    /// How the length changes.
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// Over how many steps the length grows from near 0; 0 for none.
    pub fn warm_up(mut self, steps: usize) -> Self {
        self.warm_up = steps;
        self
    }

    /// The share of itself that a weight loses in a step of length 1.
    pub fn weight_decay(mut self, decay: f64) -> Self {
        self.weight_decay = decay;
        self
    }

    /// The length that the gradient of all weights together is shortened to.
    pub fn clip_norm(mut self, norm: Option<f64>) -> Self {
        self.clip_norm = norm;
        self
    }

    /// After how many epochs without progress to stop; `None` runs them all and keeps the last.
    pub fn early_stopping(mut self, epochs: Option<usize>) -> Self {
        self.early_stopping = epochs;
        self
    }

    /// What progress is measured by.
    pub fn watched(mut self, watched: Watched) -> Self {
        self.watched = watched;
        self
    }

    /// The share of rows, the latest by event time, on which progress is measured.
    pub fn validation_fraction(mut self, share: f64) -> Self {
        self.validation_fraction = share;
        self
    }

    /// How much the rows of a class count.
    pub fn class_weights(mut self, weights: ClassWeights) -> Self {
        self.class_weights = weights;
        self
    }

    /// Where the weights and the order of the rows begin.
    pub fn seed(mut self, seed: Seed) -> Self {
        self.seed = seed;
        self
    }

    /// Where to train.
    pub fn device(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// How many threads of the CPU work, by default all. The model is the same with any number.
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// What the products of matrices are computed in.
    pub fn precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// Refuses the first setting out of its range.
    pub(super) fn check(&self, owner: &'static str) -> Result<()> {
        let range =
            |holds, name, value: &dyn fmt::Display, rule| require(holds, owner, name, value, rule);
        let unit = "it must lie above 0 and at most at 1";
        let epochs = (1..=10_000).contains(&self.epochs);
        range(epochs, "epochs", &self.epochs, "it must lie in 1..=10000")?;
        let batch = (1..=1 << 24).contains(&self.batch);
        range(batch, "batch", &self.batch, "it must lie in 1..=16777216")?;
        let rate = self.learning_rate > 0.0 && self.learning_rate <= 1.0;
        range(rate, "learning_rate", &self.learning_rate, unit)?;
        if let Schedule::Step { every, factor } = self.schedule {
            range(
                every > 0,
                "schedule",
                &every,
                "it must step after 1 epoch at least",
            )?;
            range(factor > 0.0 && factor <= 1.0, "schedule", &factor, unit)?;
        }
        let decay = (0.0..=1.0).contains(&self.weight_decay);
        range(
            decay,
            "weight_decay",
            &self.weight_decay,
            "it must lie in 0..=1",
        )?;
        if let Some(norm) = self.clip_norm {
            let finite = norm > 0.0 && norm.is_finite();
            range(
                finite,
                "clip_norm",
                &norm,
                "it must lie above 0, or be none",
            )?;
        }
        let patience = self.early_stopping != Some(0);
        range(
            patience,
            "early_stopping",
            &0,
            "it must be at least 1, or none",
        )?;
        let fraction = self.validation_fraction;
        let inside = fraction > 0.0 && fraction < 1.0;
        range(
            inside,
            "validation_fraction",
            &fraction,
            "it must lie between 0 and 1",
        )?;
        let mixed = self.precision == Precision::Mixed && self.device == Device::Cpu;
        let rule = "the products of a CPU are in single precision";
        range(!mixed, "precision", &"mixed", rule)?;
        self.class_weights.check(owner)
    }

    /// The settings as text, for a run's record; the precision where it is not single, as records of before have none.
    pub(super) fn params(&self) -> BTreeMap<String, String> {
        let mut all = params(self.pairs());
        if self.precision == Precision::Mixed {
            all.insert("precision".to_owned(), "mixed".to_owned());
        }
        all
    }

    fn pairs(&self) -> [(&'static str, String); 13] {
        let schedule = match self.schedule {
            Schedule::Constant => "constant".to_owned(),
            Schedule::Cosine => "cosine".to_owned(),
            Schedule::Step { every, factor } => format!("{factor} every {every}"),
        };
        let none = || "none".to_owned();
        [
            ("epochs", self.epochs.to_string()),
            ("batch", self.batch.to_string()),
            ("learning_rate", self.learning_rate.to_string()),
            ("schedule", schedule),
            ("warm_up", self.warm_up.to_string()),
            ("weight_decay", self.weight_decay.to_string()),
            (
                "clip_norm",
                self.clip_norm.map_or_else(none, |n| n.to_string()),
            ),
            (
                "early_stopping",
                self.early_stopping.map_or_else(none, |n| n.to_string()),
            ),
            ("watched", self.watched.name().to_owned()),
            ("validation_fraction", self.validation_fraction.to_string()),
            ("class_weights", self.class_weights.text()),
            ("seed", self.seed.0.to_string()),
            ("device", self.device.to_string()),
        ]
    }

    /// The length of a step, counted from 0, of so many in an epoch.
    pub(super) fn rate(&self, step: u64, steps: usize) -> f64 {
        let grown = if self.warm_up == 0 {
            1.0
        } else {
            ((step + 1) as f64 / self.warm_up as f64).min(1.0)
        };
        let factor = match self.schedule {
            Schedule::Constant => 1.0,
            Schedule::Cosine => {
                let all = (steps * self.epochs) as f64;
                0.5 * (1.0 + (std::f64::consts::PI * step as f64 / all).cos())
            }
            Schedule::Step { every, factor } => {
                let epoch = step / steps as u64;
                factor.powf((epoch / every as u64) as f64)
            }
        };
        self.learning_rate * grown * factor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_follow_their_rules() {
        let training = |schedule| {
            Training::new()
                .learning_rate(0.1)
                .epochs(4)
                .schedule(schedule)
        };
        let rates = |training: Training, steps: &[u64]| -> Vec<f64> {
            steps.iter().map(|step| training.rate(*step, 10)).collect()
        };
        assert_eq!(rates(training(Schedule::Constant), &[0, 39]), [0.1, 0.1]);
        let warm = training(Schedule::Constant).warm_up(5);
        assert_eq!(rates(warm, &[0, 4, 39]), [0.1 * 0.2, 0.1, 0.1]);
        let cosine = rates(training(Schedule::Cosine), &[0, 20, 39]);
        assert!((cosine[0] - 0.1).abs() < 1e-15 && (cosine[1] - 0.05).abs() < 1e-15);
        assert!(cosine[2] < 0.0002);
        let schedule = Schedule::Step {
            every: 2,
            factor: 0.5,
        };
        let step = rates(training(schedule), &[0, 19, 20, 39]);
        assert_eq!(step, [0.1, 0.1, 0.05, 0.05]);
    }
}
