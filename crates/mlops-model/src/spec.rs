//! A whole model as data: signature, preprocessing and estimator, checked against each other.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use mlops_core::Value;
use serde::{Deserialize, Serialize, Serializer};

use crate::{
    Blend, Calibrated, Curve, Encoder, Ensemble, Error, Estimator, Linear, Matrix, Member, Model,
    Output, Preprocess, Result, Scratch, SequenceEstimator, Signature, estimator::Scorer, limit,
};

/// A model that was checked: what it reads, how it encodes and what it computes.
///
/// Its JSON form is what a package holds; reading it checks it again, and it then predicts the same bits.
///
/// ```
/// use mlops_model::{Encoder, Estimator, Input, InputKind, Linear, Link, Model, ModelSpec, Output, Preprocess, Scratch, Signature};
/// use mlops_core::Value;
///
/// let signature = Signature::new([Input::new("x", InputKind::Float)], Output::Number)?;
/// let preprocess = Preprocess::new(&signature, vec![Encoder::plain(0)])?;
/// let line = Linear { weights: vec![2.0], bias: vec![1.0], link: Link::Identity };
/// let model = ModelSpec::new(signature, preprocess, Estimator::Linear(line))?;
/// assert_eq!(model.predict_value(&[Value::from(3.0)], &mut Scratch::new())?, 7.0);
/// # Ok::<(), mlops_model::Error>(())
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Wire")]
pub struct ModelSpec {
    preprocess: Preprocess,
    estimator: Estimator,
    scorer: Scorer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    signature: Signature,
    #[serde(deserialize_with = "limit::list::<{ limit::WIDTH }, _, _>")]
    encoders: Vec<Encoder>,
    estimator: Estimator,
}

#[derive(Serialize)]
struct WireRef<'a> {
    signature: &'a Signature,
    encoders: &'a [Encoder],
    estimator: &'a Estimator,
}

impl TryFrom<Wire> for ModelSpec {
    type Error = Error;
    fn try_from(wire: Wire) -> Result<Self> {
        let preprocess = Preprocess::new(&wire.signature, wire.encoders)?;
        Self::new(wire.signature, preprocess, wire.estimator)
    }
}

impl Serialize for ModelSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wire = WireRef {
            signature: self.preprocess.signature(),
            encoders: self.preprocess.encoders(),
            estimator: &self.estimator,
        };
        wire.serialize(serializer)
    }
}

impl ModelSpec {
    /// Checks the parts against each other.
    ///
    /// # Errors
    /// [`Error::InvalidModel`] naming the part at fault: preprocessing of another signature, a number that
    /// is not finite, widths that do not meet, a tree that is no tree, a value that may be missing where
    /// the family needs it, an output that is called a probability and need not be one;
    /// [`Error::TooLarge`] beyond the limits of [`limit`].
    #[expect(clippy::needless_pass_by_value, reason = "a model takes its parts")]
    pub fn new(signature: Signature, preprocess: Preprocess, estimator: Estimator) -> Result<Self> {
        if *preprocess.signature() != signature {
            return Err(Error::model(
                "preprocessing",
                "it was made for another signature",
            ));
        }
        let scorer = Scorer::new(&estimator, preprocess.width())?;
        let mut needed = vec![false; preprocess.width()];
        estimator.needs(0, preprocess.width(), &mut needed);
        check_sequences(&preprocess, &estimator)?;
        let mut start = 0;
        for encoder in preprocess.encoders() {
            let end = start + encoder.width();
            if preprocess.can_be_missing(encoder) && needed[start..end].contains(&true) {
                let input = &signature.inputs()[encoder.input()].name;
                return Err(Error::model(
                    format!("encoder of input `{input}`"),
                    "its value can be missing; only trees and embeddings read missing values",
                ));
            }
            start = end;
        }
        let (outputs, wanted) = (scorer.outputs(), signature.output().width());
        if outputs != wanted {
            return Err(Error::model(
                "output",
                format!("the estimator answers {outputs} numbers, the signature {wanted}"),
            ));
        }
        let link = match signature.output() {
            Output::Number | Output::Numbers { .. } => None,
            Output::Probability { .. } => Some("logit"),
            Output::Classes { .. } => Some("softmax"),
        };
        if let Some(link) = link
            && !Scorer::is_probability(&estimator)
        {
            let reason = "it is called a probability, and the estimator can leave 0..=1";
            return Err(Error::model(
                "output",
                format!("{reason}; use the {link} link"),
            ));
        }
        Ok(Self {
            preprocess,
            estimator,
            scorer,
        })
    }

    /// The weighted mean of whole models that read and answer the same. Members with the same encoders
    /// share their columns.
    ///
    /// # Errors
    /// [`Error::InvalidModel`] if there is no model, if a signature differs from the first, or if the
    /// weights do not fit; [`Error::TooLarge`] if all encoders together are.
    pub fn average(models: &[Self], weights: Vec<f64>) -> Result<Self> {
        let Some(first) = models.first() else {
            return Err(Error::model("ensemble", "it has no member"));
        };
        let signature = first.signature().clone();
        if let Some(at) = models.iter().position(|m| *m.signature() != signature) {
            let reason = format!("the signature of member {at} is not that of the first");
            return Err(Error::model("ensemble", reason));
        }
        Self::ensemble(signature, models, Blend::Average { weights })
    }

    /// Whole models under a linear one that reads their answers, model after model.
    ///
    /// # Errors
    /// [`Error::InvalidModel`] if a model reads other inputs than the signature, or if the stacker does not
    /// fit the answers or the signature's output; [`Error::TooLarge`] if all encoders together are.
    pub fn stack(signature: Signature, models: &[Self], stacker: Linear) -> Result<Self> {
        let inputs = signature.inputs();
        if let Some(at) = models.iter().position(|m| m.signature().inputs() != inputs) {
            let reason = format!("member {at} reads other inputs than the signature");
            return Err(Error::model("ensemble", reason));
        }
        Self::ensemble(signature, models, Blend::Stack(stacker))
    }

    /// The same model with its answers put through curves, one an output.
    ///
    /// # Errors
    /// [`Error::InvalidModel`] if the curves do not fit.
    pub fn calibrated(self, curves: Vec<Curve>) -> Result<Self> {
        let signature = self.signature().clone();
        let calibrated = Calibrated {
            estimator: Box::new(self.estimator),
            curves,
        };
        Self::new(
            signature,
            self.preprocess,
            Estimator::Calibrated(calibrated),
        )
    }

    /// All models' encoders side by side.
    fn ensemble(signature: Signature, models: &[Self], blend: Blend) -> Result<Self> {
        let mut encoders: Vec<Encoder> = Vec::new();
        let mut members: Vec<Member> = Vec::with_capacity(models.len());
        let mut width = 0;
        for (at, model) in models.iter().enumerate() {
            let own = model.preprocess.encoders();
            let same = models[..at]
                .iter()
                .position(|m| m.preprocess.encoders() == own);
            let first = if let Some(same) = same {
                members[same].first
            } else {
                encoders.extend_from_slice(own);
                width += model.preprocess.width();
                width - model.preprocess.width()
            };
            members.push(Member {
                first,
                width: model.preprocess.width(),
                estimator: model.estimator.clone(),
            });
        }
        let preprocess = Preprocess::new(&signature, encoders)?;
        let ensemble = Estimator::Ensemble(Ensemble { members, blend });
        Self::new(signature, preprocess, ensemble)
    }

    /// From inputs to encoded columns.
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// From encoded columns to the answer.
    pub fn estimator(&self) -> &Estimator {
        &self.estimator
    }
}

impl Model for ModelSpec {
    fn signature(&self) -> &Signature {
        self.preprocess.signature()
    }

    fn family(&self) -> &str {
        self.estimator.family()
    }

    fn predict(&self, batch: &RecordBatch) -> Result<Matrix> {
        let matrix = self.preprocess.encode(batch)?;
        let answers = self.scorer.score(&matrix);
        match answers.values().iter().position(|value| !value.is_finite()) {
            Some(at) => Err(not_finite(answers.values()[at]).in_row(at / self.scorer.outputs())),
            None => Ok(answers),
        }
    }

    fn predict_row<'s>(&self, row: &[Value], scratch: &'s mut Scratch) -> Result<&'s [f64]> {
        self.preprocess.encode_row(row, &mut scratch.encoded)?;
        scratch.answer.clear();
        scratch.answer.resize(self.scorer.outputs(), 0.0);
        self.scorer.score_one(
            &scratch.encoded,
            &mut scratch.work,
            scratch.answer.as_mut_slice(),
        );
        match scratch.answer.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(not_finite(*value)),
            None => Ok(&scratch.answer),
        }
    }
}

fn not_finite(value: f64) -> Error {
    Error::PredictionNotFinite { row: None, value }
}

/// Checks that each network over sequences reads the columns of one encoder of them.
fn check_sequences(preprocess: &Preprocess, estimator: &Estimator) -> Result<()> {
    let sequences = estimator.sequences(0);
    if sequences.is_empty() {
        return Ok(());
    }
    let mut encoders = BTreeMap::new();
    let mut start = 0;
    for encoder in preprocess.encoders() {
        if let Encoder::Sequence { inputs, steps, .. } = encoder {
            encoders.insert(start, (inputs.len(), *steps));
        }
        start += encoder.width();
    }
    let stray = |(first, sequence): &&(usize, &SequenceEstimator)| {
        encoders.get(first) != Some(&(sequence.features, sequence.steps))
    };
    match sequences.iter().find(stray) {
        Some((first, sequence)) => Err(Error::model(
            "sequence",
            format!(
                "no encoder makes {} steps of {} numbers from column {first} on",
                sequence.steps, sequence.features
            ),
        )),
        None => Ok(()),
    }
}
