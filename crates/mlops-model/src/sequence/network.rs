//! The networks as data, and as one of the estimators of a model of columns.

use serde::{Deserialize, Serialize};

use super::{Lstm, Transformer, lstm::Cells, transformer::Encoder};
use crate::{Error, Link, Result, limit};

/// What reads the scaled steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum SequenceNetwork {
    /// Long short-term memory.
    Lstm(Lstm),
    /// Attention.
    Transformer(Transformer),
}

/// How a feature becomes a number that a network reads: `(x - center) / scale`; what is missing becomes 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// What is subtracted, often the mean.
    pub center: f64,
    /// What is divided by, often the standard deviation; above 0.
    pub scale: f64,
}

impl limit::Weigh for Scale {
    fn weigh(&self) -> usize {
        1
    }
}

impl Scale {
    /// The scaled number.
    pub(crate) fn apply(self, x: f64) -> f64 {
        if x.is_nan() {
            0.0
        } else {
            (x - self.center) / self.scale
        }
    }
}

/// A network over the columns that one [`Encoder::Sequence`](crate::Encoder::Sequence) makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SequenceEstimator {
    /// The numbers of a step.
    pub features: usize,
    /// The most steps.
    pub steps: usize,
    /// What reads the steps.
    pub network: SequenceNetwork,
    /// What turns the network's scores into the answer.
    pub link: Link,
}

impl SequenceEstimator {
    /// The columns it reads: the number of steps, and the steps.
    pub(crate) fn width(&self) -> usize {
        self.features.saturating_mul(self.steps).saturating_add(1)
    }
}

/// Memory that a network works in.
pub(crate) type Memory = [Vec<f64>; 7];

/// A checked network in the layout it computes in.
#[derive(Debug, Clone)]
pub(crate) enum Reader {
    Lstm(Cells),
    Transformer(Encoder),
}

impl Reader {
    /// Checks shapes, numbers and size against the numbers of a step and the most steps.
    pub(crate) fn new(network: &SequenceNetwork, features: usize, steps: usize) -> Result<Self> {
        limit::check("the number of steps", steps, limit::SEQUENCE_STEPS)?;
        if steps == 0 {
            return Err(Error::model("sequence", "it may have no step"));
        }
        let (weights, reader) = match network {
            SequenceNetwork::Lstm(net) => {
                (net.weights(), Self::Lstm(Cells::new(net, features, steps)?))
            }
            SequenceNetwork::Transformer(net) => {
                let encoder = Encoder::new(net, features, steps)?;
                (net.weights(), Self::Transformer(encoder))
            }
        };
        limit::check("the number of weights", weights, limit::WEIGHTS)?;
        Ok(reader)
    }

    /// The scores of a sequence.
    pub(crate) fn outputs(&self) -> usize {
        match self {
            Self::Lstm(net) => net.outputs(),
            Self::Transformer(net) => net.outputs(),
        }
    }

    /// Replaces `scores` by those of scaled steps, one step at least.
    ///
    /// # Shapes
    /// `[steps, features]` in, `[outputs]` out.
    pub(crate) fn score(
        &self,
        steps: &[f64],
        features: usize,
        memory: &mut Memory,
        scores: &mut Vec<f64>,
    ) {
        scores.clear();
        match self {
            Self::Lstm(net) => net.score(steps, features, memory, scores),
            Self::Transformer(net) => net.score(steps, features, memory, scores),
        }
    }
}

/// A checked [`SequenceEstimator`].
#[derive(Debug, Clone)]
pub(crate) struct Sequential {
    reader: Reader,
    features: usize,
    steps: usize,
    link: Link,
}

impl Sequential {
    /// Checks it against the number of columns.
    pub(crate) fn new(estimator: &SequenceEstimator, width: usize) -> Result<Self> {
        if estimator.features == 0 {
            return Err(Error::model("sequence", "its steps have no features"));
        }
        if estimator.width() != width {
            let reason = format!("it reads {} columns, {width} come in", estimator.width());
            return Err(Error::model("sequence", reason));
        }
        let reader = Reader::new(&estimator.network, estimator.features, estimator.steps)?;
        Ok(Self {
            reader,
            features: estimator.features,
            steps: estimator.steps,
            link: estimator.link,
        })
    }

    pub(crate) fn outputs(&self) -> usize {
        self.reader.outputs()
    }

    /// The answer for one encoded row: the number of steps, then the steps.
    pub(crate) fn score(
        &self,
        row: &[f64],
        memory: &mut Memory,
        scores: &mut Vec<f64>,
        answer: &mut [f64],
    ) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the encoder writes a count of steps, and the model was checked to have it there"
        )]
        let steps = (row[0] as usize).clamp(1, self.steps);
        let steps = &row[1..=steps * self.features];
        self.reader.score(steps, self.features, memory, scores);
        answer.copy_from_slice(scores);
        self.link.apply(answer);
    }
}
