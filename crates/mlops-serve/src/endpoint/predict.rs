//! From a row or a key to an answer, all of one request by one version.

use std::{cell::RefCell, sync::Arc};

use mlops_core::{
    EntityKey, EventTime, ModelName, PredictionRecord, Stopwatch, Value, VersionNumber,
};
use mlops_model::{InputKind, Output, Scratch, Signature};

use super::{Endpoint, KeyColumn, PartialRow, RequestFeatures, version::Serving};
use crate::{Delivery, Error, Result};

thread_local! {
    /// Buffers of the thread, so that a prediction allocates nothing once they have grown.
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default());
}

/// One answer of an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Unique; an outcome that comes true later names it.
    pub id: String,
    /// A probability, a number for a regression, or the position of the most probable class among the
    /// model's, the first of equals; of several numbers the first.
    pub prediction: f64,
    /// All numbers of the answer where there are several, in the signature's order: a probability a class, for
    /// instance. Empty where `prediction` says it all.
    pub outputs: Vec<f64>,
    /// The most probable class, if there are several.
    pub class: Option<String>,
    /// The version that computed the prediction.
    pub version: VersionNumber,
    /// The model.
    pub model: ModelName,
}

impl Answer {
    /// All numbers of the answer, one or more.
    pub fn values(&self) -> &[f64] {
        if self.outputs.is_empty() {
            std::slice::from_ref(&self.prediction)
        } else {
            &self.outputs
        }
    }
}

impl Endpoint {
    /// Predicts for an entity, with its features as of now.
    ///
    /// # Errors
    /// [`Error::NoFeatures`] without a lookup, [`Error::WrongKey`] or [`Error::Features`] if the key does
    /// not fit, [`Error::Model`] if the model refuses the features; with a durable log also its errors.
    pub fn predict(&self, key: &EntityKey) -> Result<Answer> {
        let session = self.session();
        if !session.has_lookup() {
            return Err(Error::NoFeatures {
                model: self.core.model.clone(),
            });
        }
        let columns = session.key_columns();
        if columns.len() != key.parts().len() {
            let names: Vec<String> = columns.iter().map(|c| format!("`{}`", c.name)).collect();
            return Err(Error::WrongKey {
                columns: names.join(", "),
                found: key.parts().len(),
            });
        }
        let mut row = session.empty_row();
        for (slot, part) in row.key.iter_mut().zip(key.parts()) {
            *slot = Some(part.to_value());
        }
        session.answer_one(row)
    }

    /// Predicts for a row of named values: every input, or an entity key and what
    /// [`RequestFeatures`] allows beside it.
    ///
    /// # Errors
    /// [`Error::UnknownInput`], [`Error::MissingInputs`], [`Error::BadInput`] or
    /// [`Error::OverrideRefused`] for the names, and those of [`Endpoint::predict`].
    pub fn predict_row<N: AsRef<str>>(
        &self,
        values: impl IntoIterator<Item = (N, Value)>,
    ) -> Result<Answer> {
        let session = self.session();
        let mut row = session.empty_row();
        for (name, value) in values {
            session.give(&mut row, name.as_ref(), value)?;
        }
        session.answer_one(row)
    }
}

/// One request's hold on the version that answers it.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    endpoint: &'a Endpoint,
    serving: Arc<Serving>,
}

impl<'a> Session<'a> {
    pub(super) fn new(endpoint: &'a Endpoint, serving: Arc<Serving>) -> Self {
        Self { endpoint, serving }
    }

    pub(crate) fn endpoint(&self) -> &'a Endpoint {
        self.endpoint
    }

    pub(super) fn serving(&self) -> &Serving {
        &self.serving
    }

    pub(crate) fn version(&self) -> VersionNumber {
        self.serving.number
    }

    pub(crate) fn family(&self) -> &str {
        self.serving.model.family()
    }

    pub(crate) fn signature(&self) -> &Signature {
        self.serving.signature()
    }

    pub(crate) fn has_lookup(&self) -> bool {
        self.endpoint.lookup.is_some()
    }

    pub(crate) fn key_columns(&self) -> &'a [KeyColumn] {
        let lookup = self.endpoint.lookup.as_deref();
        lookup.map_or(&[], |lookup| lookup.key_columns())
    }

    /// The kind of values that an input or key column holds; `None` for an unknown name.
    pub(crate) fn kind_of(&self, name: &str) -> Option<InputKind> {
        if let Some(at) = self.serving.column(name) {
            return Some(self.signature().inputs()[at].kind);
        }
        let mut columns = self.key_columns().iter();
        columns
            .find(|column| column.name == name)
            .map(|column| column.kind)
    }

    fn answer_one(&self, row: PartialRow) -> Result<Answer> {
        let now = self.endpoint.clock.now();
        let (answer, record) = self.compute(row, now)?;
        self.record(vec![record])?;
        Ok(answer)
    }

    /// The answers to several rows in order, or the first error with its row.
    pub(crate) fn answer_all(&self, rows: Vec<PartialRow>) -> Result<Vec<Answer>> {
        let now = self.endpoint.clock.now();
        let mut answers = Vec::with_capacity(rows.len());
        let mut records = Vec::with_capacity(rows.len());
        for (at, row) in rows.into_iter().enumerate() {
            let (answer, record) = self.compute(row, now).map_err(|e| e.in_row(at))?;
            answers.push(answer);
            records.push(record);
        }
        self.record(records)?;
        Ok(answers)
    }

    fn compute(
        &self,
        row: PartialRow,
        now: EventTime,
    ) -> Result<(Answer, Option<PredictionRecord>)> {
        let key = self.key_of(&row)?;
        let values = self.complete(row, key.as_ref(), now)?;
        let (prediction, outputs) = SCRATCH.with_borrow_mut(|scratch| {
            let numbers = self.serving.model.predict_row(&values, scratch)?;
            Ok::<_, Error>(condense(self.signature().output(), numbers))
        })?;
        let answer = Answer {
            id: self.endpoint.next_id(),
            class: class(self.signature().output(), &outputs),
            prediction,
            outputs,
            version: self.serving.number,
            model: self.endpoint.core.model.clone(),
        };
        let record = self.endpoint.log.as_ref().map(|_| PredictionRecord {
            id: answer.id.clone(),
            time: now,
            model: answer.model.clone(),
            version: answer.version,
            key,
            features: self
                .signature()
                .inputs()
                .iter()
                .map(|input| input.name.clone())
                .zip(values)
                .collect(),
            prediction,
            outputs: answer.outputs.clone(),
        });
        Ok((answer, record))
    }

    /// The row in the signature's order, with what is missing looked up.
    fn complete(
        &self,
        row: PartialRow,
        key: Option<&EntityKey>,
        now: EventTime,
    ) -> Result<Vec<Value>> {
        let mut row = row;
        if !row.is_full() {
            let (Some(lookup), Some(key)) = (&self.endpoint.lookup, key) else {
                return Err(self.missing(&row));
            };
            let watch = Stopwatch::start();
            let values = lookup.lookup(key, now)?;
            let metrics = &self.endpoint.core.metrics;
            metrics.looked_up(
                watch.elapsed(),
                values.iter().filter(|v| v.is_null()).count(),
            );
            for (name, value) in lookup.features().iter().zip(values) {
                let Some(at) = self.serving.column(name) else {
                    continue;
                };
                match &mut row.inputs[at] {
                    slot @ None => *slot = Some(value),
                    Some(_) if self.endpoint.request_features == RequestFeatures::Override => {}
                    Some(_) => {
                        return Err(Error::OverrideRefused {
                            input: name.clone(),
                        });
                    }
                }
            }
            if !row.is_full() {
                return Err(self.missing(&row));
            }
        }
        // the model holds them to its signature
        Ok(row.inputs.into_iter().flatten().collect())
    }

    fn record(&self, records: Vec<Option<PredictionRecord>>) -> Result<()> {
        let count = records.len() as u64;
        if let Some(log) = &self.endpoint.log
            && let Err(error) = log.record_all(records.into_iter().flatten().collect())
        {
            // an answer that was promised to be on disk is none before it is
            if log.delivery() == Delivery::Durable {
                return Err(error);
            }
            tracing::warn!(%error, "prediction log: records were lost");
        }
        self.serving.answers.inc_by(count);
        Ok(())
    }
}

/// An answer as the one number that is watched, and all numbers where there are several.
fn condense(output: &Output, numbers: &[f64]) -> (f64, Vec<f64>) {
    match (output, numbers) {
        (_, [number]) => (*number, Vec::new()),
        (Output::Classes { .. }, shares) => (top(shares) as f64, shares.to_vec()),
        (_, numbers) => (numbers[0], numbers.to_vec()),
    }
}

/// The name of the most probable class.
fn class(output: &Output, outputs: &[f64]) -> Option<String> {
    match output {
        Output::Classes { names } => names.get(top(outputs)).cloned(),
        _ => None,
    }
}

/// The position of the largest number, the first of equals.
fn top(shares: &[f64]) -> usize {
    let later = |top, at| {
        if shares[at] > shares[top] { at } else { top }
    };
    (1..shares.len()).fold(0, later)
}
