//! A whole model as data: signature, preprocessing and estimator, checked against each other.

use arrow::array::RecordBatch;
use mlops_core::Value;
use serde::{Deserialize, Serialize, Serializer};

use crate::{
    Encoder, Error, Estimator, Matrix, Model, Output, Preprocess, Result, Scratch, Signature,
    estimator::Scorer, limit,
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
        let mut column = 0;
        for encoder in preprocess.encoders() {
            if preprocess.can_be_missing(encoder) && !estimator.reads_missing(column) {
                let input = &signature.inputs()[encoder.input()].name;
                return Err(Error::model(
                    format!("encoder of input `{input}`"),
                    "its value can be missing; only trees and embeddings read missing values",
                ));
            }
            column += encoder.width();
        }
        let (outputs, wanted) = (scorer.outputs(), signature.output().width());
        if outputs != wanted {
            return Err(Error::model(
                "output",
                format!("the estimator answers {outputs} numbers, the signature {wanted}"),
            ));
        }
        let link = match signature.output() {
            Output::Number => None,
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
        self.scorer.score_row(scratch);
        match scratch.answer.iter().find(|value| !value.is_finite()) {
            Some(value) => Err(not_finite(*value)),
            None => Ok(&scratch.answer),
        }
    }
}

fn not_finite(value: f64) -> Error {
    Error::PredictionNotFinite { row: None, value }
}
