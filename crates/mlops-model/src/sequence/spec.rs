//! A whole model of sequences as data, checked.

use serde::{Deserialize, Serialize};

use super::{Lstm, Sequences, Transformer, lstm::Cells, sequences::check, transformer::Encoder};
use crate::{Error, Input, InputKind, Link, Matrix, Output, Result, Signature, limit};

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

/// A model of sequences that was checked.
///
/// # Contract
/// One sequence and many give the same bits. An answer has [`Output::width`] numbers and all are finite;
/// probabilities lie in 0..=1.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Wire")]
pub struct SequenceSpec {
    wire: Wire,
    scorer: Scorer,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(deserialize_with = "limit::list::<{ limit::INPUTS }, _, _>")]
    features: Vec<String>,
    max_steps: usize,
    #[serde(deserialize_with = "limit::list::<{ limit::INPUTS }, _, _>")]
    scales: Vec<Scale>,
    output: Output,
    link: Link,
    network: SequenceNetwork,
}

#[derive(Debug, Clone)]
enum Scorer {
    Lstm(Cells),
    Transformer(Encoder),
}

impl TryFrom<Wire> for SequenceSpec {
    type Error = Error;
    fn try_from(wire: Wire) -> Result<Self> {
        let width = wire.features.len();
        Sequences::new(width)?;
        let inputs = wire.features.iter();
        let inputs = inputs.map(|name| Input::new(name.clone(), InputKind::Float).nullable());
        // checks the names and the output as for any model
        Signature::new(inputs, wire.output.clone())?;
        limit::check("the number of steps", wire.max_steps, limit::SEQUENCE_STEPS)?;
        if wire.max_steps == 0 {
            return Err(Error::model("sequence", "it may have no step"));
        }
        if wire.scales.len() != width {
            let reason = format!("{} of them meet {width} features", wire.scales.len());
            return Err(Error::model("scales", reason));
        }
        for (scale, name) in wire.scales.iter().zip(&wire.features) {
            let sound = scale.center.is_finite() && scale.scale.is_finite() && scale.scale > 0.0;
            if !sound {
                let reason = format!("({}, {}) is none", scale.center, scale.scale);
                return Err(Error::model(format!("scale of `{name}`"), reason));
            }
        }
        let (weights, scorer) = match &wire.network {
            SequenceNetwork::Lstm(net) => (net.weights(), Scorer::Lstm(Cells::new(net, width)?)),
            SequenceNetwork::Transformer(net) => {
                let encoder = Encoder::new(net, width, wire.max_steps)?;
                (net.weights(), Scorer::Transformer(encoder))
            }
        };
        limit::check("the number of weights", weights, limit::WEIGHTS)?;
        let outputs = match &scorer {
            Scorer::Lstm(net) => net.outputs(),
            Scorer::Transformer(net) => net.outputs(),
        };
        let wanted = wire.output.width();
        if outputs != wanted {
            let reason = format!("the network answers {outputs} numbers, the output {wanted}");
            return Err(Error::model("output", reason));
        }
        let fits = match wire.output {
            Output::Number | Output::Numbers { .. } => wire.link != Link::Softmax,
            Output::Probability { .. } => wire.link == Link::Logit,
            Output::Classes { .. } => wire.link == Link::Softmax,
        };
        if !fits {
            let reason = "probabilities need the logit link for two classes, softmax for several";
            return Err(Error::model("link", reason));
        }
        Ok(Self { wire, scorer })
    }
}

impl Serialize for SequenceSpec {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.wire.serialize(serializer)
    }
}

impl SequenceSpec {
    /// Checks the parts against each other.
    ///
    /// # Errors
    /// [`Error::InvalidModel`] naming the part at fault, [`Error::TooLarge`] beyond the limits of [`limit`].
    pub fn new(
        features: Vec<String>,
        max_steps: usize,
        scales: Vec<Scale>,
        output: Output,
        link: Link,
        network: SequenceNetwork,
    ) -> Result<Self> {
        Self::try_from(Wire {
            features,
            max_steps,
            scales,
            output,
            link,
            network,
        })
    }

    /// The names of a step's numbers, in order.
    pub fn features(&self) -> &[String] {
        &self.wire.features
    }

    /// The most steps that are read.
    pub fn max_steps(&self) -> usize {
        self.wire.max_steps
    }

    /// What is answered.
    pub fn output(&self) -> &Output {
        &self.wire.output
    }

    /// The network as data.
    pub fn network(&self) -> &SequenceNetwork {
        &self.wire.network
    }

    /// The answer for one sequence, `[steps, features]`.
    ///
    /// # Shapes
    /// `[outputs]`.
    ///
    /// # Errors
    /// [`Error::InvalidSequence`] without a step, with part of one, with too many or with an infinite number,
    /// [`Error::PredictionNotFinite`].
    pub fn predict(&self, steps: &[f64]) -> Result<Vec<f64>> {
        check(steps, self.wire.scales.len(), self.wire.max_steps, 0)?;
        let answer = self.answer(steps);
        match answer.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(Error::PredictionNotFinite {
                row: None,
                value: *value,
            }),
            None => Ok(answer),
        }
    }

    /// The answers for all sequences.
    ///
    /// # Shapes
    /// `[sequences, outputs]`.
    ///
    /// # Errors
    /// Those of [`SequenceSpec::predict`], each naming its sequence.
    pub fn predict_all(&self, sequences: &Sequences) -> Result<Matrix> {
        let outputs = self.wire.output.width();
        let mut answers = Vec::with_capacity(sequences.len() * outputs);
        for (at, steps) in sequences.iter().enumerate() {
            if sequences.width() != self.wire.scales.len() {
                let reason = format!(
                    "its steps have {} numbers, the model reads {}",
                    sequences.width(),
                    self.wire.scales.len()
                );
                return Err(Error::InvalidSequence {
                    sequence: at,
                    reason,
                });
            }
            check(steps, self.wire.scales.len(), self.wire.max_steps, at)?;
            let answer = self.answer(steps);
            if let Some(value) = answer.iter().find(|value| !value.is_finite()) {
                return Err(Error::PredictionNotFinite {
                    row: Some(at),
                    value: *value,
                });
            }
            answers.extend(answer);
        }
        Ok(Matrix::new(answers, sequences.len(), outputs))
    }

    fn answer(&self, steps: &[f64]) -> Vec<f64> {
        let width = self.wire.scales.len();
        let scaled = steps.iter().zip(self.wire.scales.iter().cycle());
        let scaled: Vec<f64> = scaled
            .map(|(x, by)| {
                if x.is_nan() {
                    0.0
                } else {
                    (x - by.center) / by.scale
                }
            })
            .collect();
        let mut answer = match &self.scorer {
            Scorer::Lstm(net) => net.score(scaled, width),
            Scorer::Transformer(net) => net.score(&scaled, width),
        };
        self.wire.link.apply(&mut answer);
        answer
    }
}
