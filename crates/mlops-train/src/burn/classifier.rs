//! The network as a [`Trainer`].

use std::collections::BTreeMap;

use mlops_core::{Seed, TrainingSet};
use mlops_model::{Activation, Estimator, Link, Matrix, Mlp, ModelSpec};

use super::{
    Device,
    fit::{Job, Rows},
    network::single,
};
use crate::{
    Fitted, Result, Trainer,
    error::require,
    holdout::Holdout,
    prepare::{Numerics, Prepared, check_categories},
    record::{importance, params},
};

pub(super) const NAME: &str = "mlp";

/// Fits a feed-forward network with rectifiers, on numbers that are scaled and texts that are one-hot.
///
/// The latest rows decide when to stop, and the weights of the best epoch are kept.
///
/// # Reference
/// burn 0.21, AdamW. The exported model answers as burn's forward pass does, to 1e-6: burn computes in
/// single precision, the model in double.
#[derive(Debug, Clone, PartialEq)]
pub struct MlpClassifier {
    hidden: Vec<usize>,
    epochs: usize,
    batch: usize,
    learning_rate: f64,
    weight_decay: f64,
    max_categories: usize,
    early_stopping: Option<usize>,
    validation_fraction: f64,
    seed: Seed,
    device: Device,
}

/// Settings of [`MlpClassifier`].
#[derive(Debug, Clone)]
pub struct MlpClassifierBuilder(MlpClassifier);

impl MlpClassifier {
    /// Starts from the defaults: layers of 32 and 16, at most 50 epochs in batches of 256 at a rate of
    /// 0.003, stopped when the loss on the latest fifth of the rows has not fallen for 6 epochs.
    pub fn builder() -> MlpClassifierBuilder {
        MlpClassifierBuilder(Self {
            hidden: vec![32, 16],
            epochs: 50,
            batch: 256,
            learning_rate: 0.003,
            weight_decay: 1e-4,
            max_categories: 16,
            early_stopping: Some(6),
            validation_fraction: 0.2,
            seed: Seed(0),
            device: Device::Cpu,
        })
    }
}

impl MlpClassifierBuilder {
    /// The widths of the layers between input and output.
    #[must_use]
    pub fn hidden(mut self, widths: impl IntoIterator<Item = usize>) -> Self {
        self.0.hidden = widths.into_iter().collect();
        self
    }

    /// How often all rows are passed over at most.
    #[must_use]
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.0.epochs = epochs;
        self
    }

    /// How many rows make one step.
    #[must_use]
    pub fn batch(mut self, rows: usize) -> Self {
        self.0.batch = rows;
        self
    }

    /// The length of a step.
    #[must_use]
    pub fn learning_rate(mut self, rate: f64) -> Self {
        self.0.learning_rate = rate;
        self
    }

    /// The share of itself that a weight loses in a step of length 1.
    #[must_use]
    pub fn weight_decay(mut self, decay: f64) -> Self {
        self.0.weight_decay = decay;
        self
    }

    /// How many categories of a text get a column of their own.
    #[must_use]
    pub fn max_categories(mut self, categories: usize) -> Self {
        self.0.max_categories = categories;
        self
    }

    /// After how many epochs without progress to stop; `None` runs them all and keeps the last.
    #[must_use]
    pub fn early_stopping(mut self, epochs: Option<usize>) -> Self {
        self.0.early_stopping = epochs;
        self
    }

    /// The share of rows, the latest by event time, on which progress is measured.
    #[must_use]
    pub fn validation_fraction(mut self, share: f64) -> Self {
        self.0.validation_fraction = share;
        self
    }

    /// Where the weights and the order of the rows begin.
    #[must_use]
    pub fn seed(mut self, seed: Seed) -> Self {
        self.0.seed = seed;
        self
    }

    /// Where to train.
    #[must_use]
    pub fn device(mut self, device: Device) -> Self {
        self.0.device = device;
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for the first one out of its range.
    pub fn build(self) -> Result<MlpClassifier> {
        let t = self.0;
        let widths = format!("{:?}", t.hidden);
        let shape =
            (1..=8).contains(&t.hidden.len()) && t.hidden.iter().all(|w| (1..=1024).contains(w));
        let rule = "it must be 1 to 8 widths in 1..=1024";
        require(shape, NAME, "hidden", &widths, rule)?;
        let epochs = (1..=10_000).contains(&t.epochs);
        require(
            epochs,
            NAME,
            "epochs",
            &t.epochs,
            "it must lie in 1..=10000",
        )?;
        require(
            t.batch >= 1,
            NAME,
            "batch",
            &t.batch,
            "it must be at least 1",
        )?;
        let rate = t.learning_rate > 0.0 && t.learning_rate <= 1.0;
        let share = "it must lie above 0 and at most at 1";
        require(rate, NAME, "learning_rate", &t.learning_rate, share)?;
        let decay = (0.0..=1.0).contains(&t.weight_decay);
        require(
            decay,
            NAME,
            "weight_decay",
            &t.weight_decay,
            "it must lie in 0..=1",
        )?;
        check_categories(NAME, t.max_categories)?;
        let patience = t.early_stopping != Some(0);
        require(
            patience,
            NAME,
            "early_stopping",
            &0,
            "it must be at least 1, or none",
        )?;
        let fraction = t.validation_fraction;
        let inside = fraction > 0.0 && fraction < 1.0;
        let rule = "it must lie between 0 and 1";
        require(inside, NAME, "validation_fraction", &fraction, rule)?;
        Ok(t)
    }
}

impl Trainer for MlpClassifier {
    fn name(&self) -> &str {
        NAME
    }

    fn params(&self) -> BTreeMap<String, String> {
        let stopping = self
            .early_stopping
            .map_or("none".to_owned(), |epochs| epochs.to_string());
        let hidden: Vec<String> = self.hidden.iter().map(ToString::to_string).collect();
        params([
            ("hidden", hidden.join(",")),
            ("epochs", self.epochs.to_string()),
            ("batch", self.batch.to_string()),
            ("learning_rate", self.learning_rate.to_string()),
            ("weight_decay", self.weight_decay.to_string()),
            ("max_categories", self.max_categories.to_string()),
            ("early_stopping", stopping),
            ("validation_fraction", self.validation_fraction.to_string()),
            ("seed", self.seed.0.to_string()),
            ("device", self.device.to_string()),
        ])
    }

    fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        let prepared = Prepared::new(set, Numerics::Scaled, self.max_categories)?;
        let (matrix, labels) = (&prepared.matrix, &prepared.labels);
        let share = self.validation_fraction;
        let held = self
            .early_stopping
            .and_then(|_| Holdout::latest(&set.event_times(), labels, share));
        let (fit, validation) = if let Some(held) = &held {
            (
                rows(matrix, labels, &held.fit),
                rows(matrix, labels, &held.validation),
            )
        } else {
            let all: Vec<usize> = (0..labels.len()).collect();
            (rows(matrix, labels, &all), Rows::default())
        };
        let mut params = self.params();
        params.insert("validation_rows".into(), validation.y.len().to_string());
        let hidden = self.hidden.iter().copied();
        let widths = std::iter::once(matrix.width())
            .chain(hidden)
            .chain([1])
            .collect();
        let outcome = self.device.run(Job {
            widths,
            epochs: self.epochs,
            batch: self.batch,
            learning_rate: self.learning_rate,
            weight_decay: self.weight_decay,
            patience: self.early_stopping,
            seed: self.seed,
            fit,
            validation,
        })?;
        params.insert("best_epoch".into(), outcome.epoch.to_string());
        let mut history = BTreeMap::from([("train_log_loss".into(), outcome.train_loss)]);
        if held.is_some() {
            history.insert("validation_log_loss".into(), outcome.validation_loss);
        }
        let first = &outcome.layers[0];
        let sizes: Vec<f64> = (0..first.cols)
            .map(|col| {
                first
                    .weights
                    .iter()
                    .skip(col)
                    .step_by(first.cols)
                    .map(|w| w.abs())
                    .sum()
            })
            .collect();
        let importance = importance(prepared.preprocess.output_names(), &sizes);
        let mlp = Mlp {
            layers: outcome.layers,
            activation: Activation::Relu,
            link: Link::Logit,
        };
        let spec = ModelSpec::new(prepared.signature, prepared.preprocess, Estimator::Mlp(mlp))?;
        Ok(Fitted {
            spec,
            params,
            history,
            importance,
        })
    }
}

fn rows(matrix: &Matrix, labels: &[bool], at: &[usize]) -> Rows {
    Rows {
        x: at
            .iter()
            .flat_map(|row| matrix.row(*row))
            .map(|x| single(*x))
            .collect(),
        y: at.iter().map(|row| labels[*row]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::metric;
    use mlops_model::Model;

    use super::*;
    use crate::{Error, conformance::planted};

    fn small() -> MlpClassifierBuilder {
        MlpClassifier::builder()
            .hidden([12])
            .epochs(30)
            .batch(64)
            .learning_rate(0.02)
    }

    #[test]
    fn the_seed_decides_every_bit() {
        let set = planted(200, 1);
        let run = |seed| {
            let trainer = small().epochs(3).seed(Seed(seed)).build().unwrap();
            serde_json::to_string(&trainer.fit(&set).unwrap().spec).unwrap()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn the_best_epoch_is_kept() {
        let set = planted(600, 2);
        let fitted = small()
            .early_stopping(Some(4))
            .build()
            .unwrap()
            .fit(&set)
            .unwrap();
        let losses = &fitted.history["validation_log_loss"];
        let best: usize = fitted.params["best_epoch"].parse().unwrap();
        let lowest = losses.iter().copied().fold(f64::INFINITY, f64::min);
        assert_eq!(losses[best - 1], lowest);
        assert_eq!(fitted.params["validation_rows"], "120");

        // the exported model reaches the loss that the network was chosen for
        let late: Vec<bool> = (0..600).map(|row| row >= 480).collect();
        let late = set.filter(&late).unwrap();
        let scores = fitted.spec.predict_values(&late.features()).unwrap();
        let loss = metric::log_loss(&late.label_classes().unwrap(), &scores).unwrap();
        assert!((loss - lowest).abs() < 1e-5, "{loss} is not {lowest}");
    }

    #[test]
    fn a_loss_that_leaves_the_numbers_is_an_error_or_a_model_never_a_panic() {
        let wild = small()
            .learning_rate(1.0)
            .weight_decay(1.0)
            .epochs(20)
            .build()
            .unwrap();
        match wild.fit(&planted(200, 3)) {
            Ok(fitted) => assert!(
                fitted.history["train_log_loss"]
                    .iter()
                    .all(|l| l.is_finite())
            ),
            Err(error) => assert!(matches!(error, Error::Diverged { .. }), "{error}"),
        }
    }

    #[cfg(not(any(feature = "wgpu", feature = "cuda")))]
    #[test]
    fn a_device_that_was_not_built_in_is_named() {
        for device in [Device::Wgpu(0), Device::WgpuIntegrated(0), Device::Cuda(0)] {
            let trainer = small().device(device).build().unwrap();
            let error = trainer.fit(&planted(100, 4)).unwrap_err();
            assert!(matches!(error, Error::DeviceUnavailable { .. }), "{error}");
            assert!(
                error.to_string().contains("built without feature"),
                "{error}"
            );
        }
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let builder = MlpClassifier::builder;
        for (bad, parameter) in [
            (builder().hidden([]), "hidden"),
            (builder().hidden([0]), "hidden"),
            (builder().hidden([5000]), "hidden"),
            (builder().epochs(0), "epochs"),
            (builder().batch(0), "batch"),
            (builder().learning_rate(f64::NAN), "learning_rate"),
            (builder().weight_decay(-1.0), "weight_decay"),
            (builder().max_categories(0), "max_categories"),
            (builder().early_stopping(Some(0)), "early_stopping"),
            (builder().validation_fraction(0.0), "validation_fraction"),
        ] {
            let error = bad.build().unwrap_err().to_string();
            assert!(error.contains(&format!("`{parameter}` of mlp")), "{error}");
        }
    }
}
