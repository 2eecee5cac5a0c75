//! The feed-forward network as a [`Trainer`].

use std::collections::BTreeMap;

use mlops_core::{Digest, TrainingSet};
use mlops_model::{Activation, Encoder, Estimator, ModelSpec, limit};

use super::{
    Checkpoint, Control, Progress, Training,
    fit::{Job, Watch},
    mlp_net::MlpNet,
    net::{Net, Shape},
    ready::Goal,
};
use crate::{
    Fitted, Result, Trainer,
    error::require,
    prepare::{Numerics, Prepared, target},
    record::{importance, params},
};

const NAME: &str = "mlp";

/// Fits a feed-forward network for two classes, several, or a number; numbers are scaled, texts become vectors
/// that are learnt along.
///
/// The latest rows decide when to stop, and the weights of the best epoch are kept.
///
/// # Reference
/// burn 0.21, AdamW. The exported model answers as burn's forward pass does, to 1e-6: burn computes in
/// single precision, the model in double. On two data sets of the UCI repository its area under the curve is
/// within 0.003 of `sklearn.neural_network.MLPClassifier`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mlp {
    hidden: Vec<usize>,
    activation: Activation,
    dropout: f64,
    texts: Texts,
    max_categories: usize,
    training: Training,
}

/// What a text becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Texts {
    /// A column a category; what was not seen and what is missing is 0 in all.
    OneHot,
    /// A vector a category, and one for what is missing, rare or was not seen. Its length grows with the number of
    /// categories, `1.6 n^0.56`, and is at most this.
    Embedded(usize),
}

/// Settings of [`Mlp`].
#[derive(Debug, Clone)]
pub struct MlpBuilder(Mlp);

impl Mlp {
    /// Starts from the defaults: layers of 32 and 16 with rectifiers, no dropout, vectors of at most 16 numbers for
    /// the 1000 most frequent categories of a text, and [`Training::new`].
    pub fn builder() -> MlpBuilder {
        MlpBuilder(Self {
            hidden: vec![32, 16],
            activation: Activation::Relu,
            dropout: 0.0,
            texts: Texts::Embedded(16),
            max_categories: 1000,
            training: Training::new(),
        })
    }

    /// [`Trainer::fit`], with somebody to look on after each epoch, from where an earlier fit was left.
    ///
    /// ```
    /// use mlops_train::{Mlp, NetworkCheckpoint, NetworkControl as Control, Trainer, Training, conformance::planted};
    ///
    /// let set = planted(300, 1);
    /// let trainer = Mlp::builder().training(Training::new().epochs(4)).build()?;
    /// let mut kept: Option<NetworkCheckpoint> = None;
    /// let crashed = trainer.fit_with(&set, None, &mut |progress| {
    ///     kept = Some(progress.checkpoint());
    ///     if progress.epoch == 2 { Control::Cancel } else { Control::Continue }
    /// });
    /// assert!(crashed.is_err());
    /// let resumed = trainer.fit_with(&set, kept.as_ref(), &mut |_| Control::Continue)?;
    /// assert_eq!(resumed.history, trainer.fit(&set)?.history);
    /// # Ok::<(), mlops_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Trainer::fit`]; [`Error::Cancelled`](crate::Error::Cancelled) if the watcher gives up,
    /// [`Error::InvalidCheckpoint`](crate::Error::InvalidCheckpoint) for a checkpoint of other settings or rows.
    pub fn fit_with(
        &self,
        set: &TrainingSet,
        resume: Option<&Checkpoint>,
        watch: &mut (dyn FnMut(&Progress<'_>) -> Control + Send),
    ) -> Result<Fitted> {
        self.run(set, resume, watch)
    }

    fn run(
        &self,
        set: &TrainingSet,
        resume: Option<&Checkpoint>,
        watch: Watch<'_>,
    ) -> Result<Fitted> {
        let labels = target(set)?;
        let embedded = |encoder| match (encoder, self.texts) {
            (Encoder::OneHot { input, categories }, Texts::Embedded(_)) => {
                Encoder::Ordinal { input, categories }
            }
            (encoder, _) => encoder,
        };
        let prepared =
            Prepared::with_encoders(set, labels, Numerics::Scaled, self.max_categories, embedded)?;
        let weights = prepared.weights.as_deref();
        let times = set.event_times();
        let goal = Goal::new(NAME, &self.training, &prepared.labels, weights, &times)?;
        let codes = Self::codes(prepared.preprocess.encoders());
        let (fit, held) = goal.rows(&prepared.matrix, &codes);
        let tables: Vec<(usize, usize)> = codes
            .iter()
            .map(|(_, categories)| (categories + 1, self.vector(*categories)))
            .collect();
        let first = fit.width + tables.iter().map(|(_, cols)| cols).sum::<usize>();
        let hidden = self.hidden.iter().copied();
        let net = MlpNet {
            tables,
            widths: std::iter::once(first)
                .chain(hidden)
                .chain([goal.loss.outputs()])
                .collect(),
            activation: self.activation,
            precision: self.training.precision,
        };
        let size: usize = net.shapes().iter().map(Shape::len).sum();
        let rule = "the network may have 2000000 weights";
        require(size <= limit::WEIGHTS, NAME, "hidden", &size, rule)?;
        let rows = u32::try_from(set.rows()).is_ok();
        require(rows, NAME, "rows", &set.rows(), "it must lie below 2^32")?;

        let mut params = self.params();
        let fingerprint = Digest::of_json(&(NAME, &params, set.digest()));
        params.insert("validation_rows".into(), goal.held().to_string());
        params.insert("weights".into(), size.to_string());
        let job = Job {
            trainer: NAME,
            net: &net,
            loss: goal.loss,
            dropout: self.dropout,
            training: &self.training,
            fit,
            held,
            fingerprint,
            resume,
        };
        let outcome = self.training.device.run(&job, watch)?;
        params.insert("best_epoch".into(), outcome.epoch.to_string());
        let columns: Vec<usize> = codes.iter().map(|(column, _)| *column).collect();
        let unit = (goal.center, goal.scale);
        let (embeddings, layers) = net.export(&outcome.block, &columns, unit);
        let estimator = mlops_model::Mlp {
            embeddings,
            layers,
            activation: self.activation,
            link: goal.loss.link(),
        };
        let sizes = first_weights(&estimator, prepared.preprocess.width());
        let importance = importance(prepared.preprocess.output_names(), &sizes);
        let history = goal.history(self.training.watched, outcome.history);
        let estimator = Estimator::Mlp(estimator);
        let spec = ModelSpec::new(prepared.signature, prepared.preprocess, estimator)?;
        Ok(Fitted {
            spec,
            params,
            history,
            importance,
        })
    }

    /// The encoded columns that hold categories, with how many there are.
    fn codes(encoders: &[Encoder]) -> Vec<(usize, usize)> {
        let mut column = 0;
        let mut codes = Vec::new();
        for encoder in encoders {
            if let Encoder::Ordinal { categories, .. } = encoder {
                codes.push((column, categories.len()));
            }
            column += encoder.width();
        }
        codes
    }

    /// The length of a vector.
    ///
    /// # Reference
    /// The rule of fastai, `emb_sz_rule`, with a limit of our own.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most a few hundred"
    )]
    fn vector(&self, categories: usize) -> usize {
        let most = match self.texts {
            Texts::OneHot => 1,
            Texts::Embedded(most) => most,
        };
        let rule = (1.6 * (categories as f64).powf(0.56)).round() as usize;
        rule.clamp(1, most)
    }
}

/// How much each encoded column moves the first layer: the sizes of its weights, for a category times how far its
/// vectors lie apart.
fn first_weights(mlp: &mlops_model::Mlp, width: usize) -> Vec<f64> {
    let first = &mlp.layers[0];
    let size = |input: usize| -> f64 {
        let column = first.weights.iter().skip(input).step_by(first.cols);
        column.map(|weight| weight.abs()).sum()
    };
    let table = |column| mlp.embeddings.iter().find(|table| table.column == column);
    let plain: Vec<usize> = (0..width).filter(|at| table(*at).is_none()).collect();
    let mut sizes = vec![0.0; width];
    for (input, column) in plain.iter().enumerate() {
        sizes[*column] = size(input);
    }
    let mut input = plain.len();
    for table in &mlp.embeddings {
        for col in 0..table.cols {
            let values = || table.weights.iter().skip(col).step_by(table.cols);
            let mean = values().sum::<f64>() / table.rows as f64;
            let square = values().map(|x| (x - mean).powi(2)).sum::<f64>() / table.rows as f64;
            sizes[table.column] += square.sqrt() * size(input);
            input += 1;
        }
    }
    sizes
}

impl MlpBuilder {
    /// The widths of the layers between input and output.
    #[must_use]
    pub fn hidden(mut self, widths: impl IntoIterator<Item = usize>) -> Self {
        self.0.hidden = widths.into_iter().collect();
        self
    }

    /// What stands between two layers.
    #[must_use]
    pub fn activation(mut self, activation: Activation) -> Self {
        self.0.activation = activation;
        self
    }

    /// The share of a hidden layer's values that a step leaves out.
    #[must_use]
    pub fn dropout(mut self, share: f64) -> Self {
        self.0.dropout = share;
        self
    }

    /// What a text becomes.
    #[must_use]
    pub fn texts(mut self, texts: Texts) -> Self {
        self.0.texts = texts;
        self
    }

    /// How many categories of a text are told apart, the most frequent ones.
    #[must_use]
    pub fn max_categories(mut self, categories: usize) -> Self {
        self.0.max_categories = categories;
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
    pub fn build(self) -> Result<Mlp> {
        let t = self.0;
        let widths = format!("{:?}", t.hidden);
        let shape =
            (1..=8).contains(&t.hidden.len()) && t.hidden.iter().all(|w| (1..=1024).contains(w));
        let rule = "it must be 1 to 8 widths in 1..=1024";
        require(shape, NAME, "hidden", &widths, rule)?;
        let known = matches!(
            t.activation,
            Activation::Relu | Activation::Tanh | Activation::Logistic | Activation::Gelu
        );
        let activation = format!("{:?}", t.activation);
        require(
            known,
            NAME,
            "activation",
            &activation,
            "it is not trained here",
        )?;
        let share = (0.0..1.0).contains(&t.dropout);
        require(share, NAME, "dropout", &t.dropout, "it must lie in 0..1")?;
        if let Texts::Embedded(most) = t.texts {
            let length = (1..=256).contains(&most);
            require(
                length,
                NAME,
                "texts",
                &most,
                "a vector has 1 to 256 numbers",
            )?;
        }
        let categories = (1..=10_000).contains(&t.max_categories);
        let rule = "it must lie in 1..=10000";
        require(categories, NAME, "max_categories", &t.max_categories, rule)?;
        t.training.check(NAME)?;
        Ok(t)
    }
}

impl Trainer for Mlp {
    fn name(&self) -> &str {
        NAME
    }

    fn params(&self) -> BTreeMap<String, String> {
        let hidden: Vec<String> = self.hidden.iter().map(ToString::to_string).collect();
        let texts = match self.texts {
            Texts::OneHot => "one-hot".to_owned(),
            Texts::Embedded(most) => format!("embedded, at most {most}"),
        };
        let mut all = self.training.params();
        all.extend(params([
            ("hidden", hidden.join(",")),
            (
                "activation",
                format!("{:?}", self.activation).to_lowercase(),
            ),
            ("dropout", self.dropout.to_string()),
            ("texts", texts),
            ("max_categories", self.max_categories.to_string()),
        ]));
        all
    }

    fn fit(&self, set: &TrainingSet) -> Result<Fitted> {
        self.run(set, None, &mut |_| Control::Continue)
    }
}

#[cfg(test)]
mod tests;
