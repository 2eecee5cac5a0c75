//! A whole model of sequences as data, checked.

use serde::{Deserialize, Serialize};

use super::{
    Scale, SequenceEstimator, SequenceNetwork, Sequences,
    network::{Memory, Reader},
    sequences::check,
};
use crate::{
    Encoder, Error, Estimator, Input, InputKind, Link, Matrix, ModelSpec, Output, Preprocess,
    Result, Signature, limit,
};

/// A model of sequences that was checked.
///
/// # Contract
/// One sequence and many give the same bits. An answer has [`Output::width`] numbers and all are finite;
/// probabilities lie in 0..=1.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Wire")]
pub struct SequenceSpec {
    wire: Wire,
    reader: Reader,
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

impl TryFrom<Wire> for SequenceSpec {
    type Error = Error;
    fn try_from(wire: Wire) -> Result<Self> {
        let width = wire.features.len();
        Sequences::new(width)?;
        let inputs = wire.features.iter();
        let inputs = inputs.map(|name| Input::new(name.clone(), InputKind::Float).nullable());
        // checks the names and the output as for any model
        Signature::new(inputs, wire.output.clone())?;
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
        let reader = Reader::new(&wire.network, width, wire.max_steps)?;
        let outputs = reader.outputs();
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
        Ok(Self { wire, reader })
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
        let answer = self.answer(steps, &mut Memory::default());
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
        let mut memory = Memory::default();
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
            let answer = self.answer(steps, &mut memory);
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

    /// The same model of columns: each feature a list that is read by its name, of at most `longest` numbers, of
    /// which the last [`SequenceSpec::max_steps`] count. It is packaged, served and wrapped as any other model is,
    /// and answers the same bits.
    ///
    /// # Errors
    /// [`Error::InvalidModel`] if `longest` is less than [`SequenceSpec::max_steps`], [`Error::TooLarge`] beyond
    /// [`limit::SEQUENCE_STEPS`], and if all steps together have more than [`limit::WIDTH`] numbers.
    pub fn to_model(&self, longest: usize) -> Result<ModelSpec> {
        let features = self.wire.features.iter();
        let inputs = features.map(|name| Input {
            name: name.clone(),
            kind: InputKind::Floats { longest },
            nullable: true,
        });
        let signature = Signature::new(inputs, self.wire.output.clone())?;
        let sequence = Encoder::Sequence {
            inputs: (0..self.wire.features.len()).collect(),
            steps: self.wire.max_steps,
            scales: self.wire.scales.clone(),
        };
        let preprocess = Preprocess::new(&signature, vec![sequence])?;
        let estimator = SequenceEstimator {
            features: self.wire.features.len(),
            steps: self.wire.max_steps,
            network: self.wire.network.clone(),
            link: self.wire.link,
        };
        ModelSpec::new(signature, preprocess, Estimator::Sequence(estimator))
    }

    fn answer(&self, steps: &[f64], memory: &mut Memory) -> Vec<f64> {
        let width = self.wire.scales.len();
        let scaled = steps.iter().zip(self.wire.scales.iter().cycle());
        let scaled: Vec<f64> = scaled.map(|(x, by)| by.apply(*x)).collect();
        let mut answer = Vec::with_capacity(self.reader.outputs());
        self.reader.score(&scaled, width, memory, &mut answer);
        self.wire.link.apply(&mut answer);
        answer
    }
}
