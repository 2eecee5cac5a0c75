//! Predictions joined with their outcomes by id.

use std::collections::BTreeMap;

use mlops_core::{
    EventTime, ModelName, OutcomeRecord, PredictionRecord, Probability, VersionNumber,
};

use super::{Performance, PerformanceQuery};
use crate::{Error, Result};

/// What became of a record that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It was new.
    New,
    /// The same record was there already.
    Known,
    /// It is another outcome for a prediction that had one, known at another time.
    Revision,
}

/// Predictions of one model and what came true for them, joined by id.
///
/// Both kinds of record may come in any order and more than once: the state depends on the set of
/// records alone. An outcome may be revised; the latest one known counts, and a question about an
/// earlier time sees the earlier one. Memory is proportional to the predictions held; see
/// [`OutcomeJoin::forget_before`].
#[derive(Debug, Clone, PartialEq)]
pub struct OutcomeJoin {
    model: ModelName,
    predictions: BTreeMap<String, Answer>,
    /// Each list is sorted by the time at which the outcome became known.
    outcomes: BTreeMap<String, Vec<(EventTime, bool)>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Answer {
    pub(super) time: EventTime,
    pub(super) version: VersionNumber,
    pub(super) prediction: Probability,
}

impl OutcomeJoin {
    /// Nothing yet, for the predictions of one model.
    pub fn new(model: ModelName) -> Self {
        Self {
            model,
            predictions: BTreeMap::new(),
            outcomes: BTreeMap::new(),
        }
    }

    /// Takes a prediction.
    ///
    /// # Errors
    /// [`Error::OtherModel`], [`Error::NotProbability`] for another number or an answer of several numbers, or
    /// [`Error::ConflictingRecord`] if the id is taken by a prediction with another time, version or answer.
    pub fn add_prediction(&mut self, record: &PredictionRecord) -> Result<Added> {
        if record.model != self.model {
            return Err(Error::OtherModel {
                id: record.id.clone(),
                expected: self.model.clone(),
                found: record.model.clone(),
            });
        }
        // the position of a class may be 0 or 1 and is no probability
        let prediction = Some(record.prediction)
            .filter(|_| record.outputs.is_empty())
            .and_then(|prediction| Probability::new(prediction).ok())
            .ok_or_else(|| Error::NotProbability {
                id: record.id.clone(),
                prediction: record.prediction,
            })?;
        let answer = Answer {
            time: record.time,
            version: record.version,
            prediction,
        };
        match self.predictions.get(&record.id) {
            Some(known) if *known == answer => Ok(Added::Known),
            Some(_) => Err(Error::ConflictingRecord {
                what: "prediction",
                id: record.id.clone(),
            }),
            None => {
                self.predictions.insert(record.id.clone(), answer);
                Ok(Added::New)
            }
        }
    }

    /// Takes an outcome, before or after its prediction.
    ///
    /// # Errors
    /// [`Error::NotBinary`], or [`Error::ConflictingRecord`] if another outcome became known at the same time.
    pub fn add_outcome(&mut self, record: &OutcomeRecord) -> Result<Added> {
        let id = &record.prediction_id;
        let outcome = match record.outcome {
            0.0 => false,
            1.0 => true,
            outcome => {
                return Err(Error::NotBinary {
                    id: id.clone(),
                    outcome,
                });
            }
        };
        let known = self.outcomes.entry(id.clone()).or_default();
        match known.binary_search_by_key(&record.time, |(time, _)| *time) {
            Ok(at) if known[at].1 == outcome => Ok(Added::Known),
            Ok(_) => Err(Error::ConflictingRecord {
                what: "outcome of prediction",
                id: id.clone(),
            }),
            Err(at) => {
                known.insert(at, (record.time, outcome));
                Ok(if known.len() == 1 {
                    Added::New
                } else {
                    Added::Revision
                })
            }
        }
    }

    /// The performance over a span of predictions.
    pub fn performance(&self, query: &PerformanceQuery) -> Performance {
        Performance::measure(self, query)
    }

    /// The predictions held.
    pub fn predictions(&self) -> usize {
        self.predictions.len()
    }

    /// The outcomes that wait for their prediction: late on our side, or foreign.
    pub fn unmatched_outcomes(&self) -> usize {
        self.outcomes
            .keys()
            .filter(|id| !self.predictions.contains_key(*id))
            .count()
    }

    /// Drops predictions made before `time` with their outcomes, and unmatched outcomes known before it.
    pub fn forget_before(&mut self, time: EventTime) {
        let predictions = &mut self.predictions;
        self.outcomes.retain(|id, known| match predictions.get(id) {
            Some(answer) => answer.time >= time,
            None => known.last().is_some_and(|(at, _)| *at >= time),
        });
        predictions.retain(|_, answer| answer.time >= time);
    }

    /// The predictions with the outcome known by a time, in the order of their ids.
    pub(super) fn joined(
        &self,
        known_by: Option<EventTime>,
    ) -> impl Iterator<Item = (&Answer, Option<bool>)> {
        self.predictions.iter().map(move |(id, answer)| {
            let known = self.outcomes.get(id).map_or(&[][..], Vec::as_slice);
            let in_time = |time: EventTime| known_by.is_none_or(|limit| time <= limit);
            let outcome = known.iter().rev().find(|(time, _)| in_time(*time));
            (answer, outcome.map(|(_, outcome)| *outcome))
        })
    }
}
