//! What an online read answers: values with the reason where one is missing.

use std::collections::BTreeMap;

use mlops_core::{EventTime, FeatureName, Span, Value};
use serde::Serialize;

use crate::FeatureService;

/// Why a feature has the value that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// There is a value.
    Present,
    /// There are events, and the value is null: the newest row has none, or the window holds none.
    Null,
    /// No event of this key is visible at that instant. Counts are 0, all else is null.
    NotFound,
    /// The newest event is older than the view's TTL.
    Expired,
    /// The online store does not reach back to what the value needs: events that it may rest on were dropped
    /// because they lie before the key's horizon, or were never written. The value is null, never a wrong one.
    NotRetained,
}

/// The features of one key at one instant, in the order of the service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OnlineRow {
    /// The values, the same that a point-in-time join gives for this key and instant.
    pub values: Vec<(FeatureName, Value)>,
    /// Why each value is as it is.
    pub statuses: Vec<Status>,
    /// The time of the newest event that each value rests on, where there is one.
    pub event_times: Vec<Option<EventTime>>,
}

impl OnlineRow {
    /// The value of a feature.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let found = self.values.iter().find(|(known, _)| known.as_str() == name);
        found.map(|(_, value)| value)
    }

    /// The values by name: the form that a model's signature and JSON take.
    pub fn into_map(self) -> BTreeMap<String, Value> {
        let values = self.values.into_iter();
        values.map(|(name, value)| (name.into(), value)).collect()
    }
}

/// The features of several keys at one instant, in the order of the keys; names are the service's own.
#[derive(Debug, Clone)]
pub struct OnlineBatch {
    service: FeatureService,
    at: EventTime,
    rows: usize,
    values: Vec<Value>,
    statuses: Vec<Status>,
    event_times: Vec<Option<EventTime>>,
}

impl OnlineBatch {
    pub(crate) fn new(service: &FeatureService, rows: usize, at: EventTime) -> Self {
        let cells = rows * service.features().len();
        Self {
            service: service.clone(),
            at,
            rows,
            values: vec![Value::Null; cells],
            statuses: vec![Status::NotFound; cells],
            event_times: vec![None; cells],
        }
    }

    #[inline]
    pub(crate) fn put(&mut self, row: usize, feature: usize, cell: Cell) {
        let at = row * self.service.features().len() + feature;
        self.values[at] = self.service.features()[feature].shown(cell.value);
        self.statuses[at] = cell.status;
        self.event_times[at] = cell.time.map(EventTime::from_micros);
    }

    /// Repeats what was answered for an equal key.
    pub(crate) fn copy(&mut self, from: usize, to: usize) {
        let width = self.service.features().len();
        for feature in 0..width {
            let (from, to) = (from * width + feature, to * width + feature);
            self.values[to] = self.values[from].clone();
            self.statuses[to] = self.statuses[from];
            self.event_times[to] = self.event_times[from];
        }
    }

    /// The service that was asked.
    pub fn service(&self) -> &FeatureService {
        &self.service
    }

    /// The instant of the question.
    pub fn at(&self) -> EventTime {
        self.at
    }

    /// How many keys were asked for.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether no key was asked for.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The answer for the key at a position.
    ///
    /// # Panics
    /// If there are not that many keys.
    pub fn row(&self, row: usize) -> OnlineRowRef<'_> {
        let width = self.service.features().len();
        let cells = row * width..(row + 1) * width;
        OnlineRowRef {
            service: &self.service,
            at: self.at,
            values: &self.values[cells.clone()],
            statuses: &self.statuses[cells.clone()],
            event_times: &self.event_times[cells],
        }
    }

    /// The answers in the order of the keys.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = OnlineRowRef<'_>> {
        (0..self.rows).map(|row| self.row(row))
    }

    pub(crate) fn into_row(self) -> OnlineRow {
        let names = self.service.features().iter().map(|f| f.name().clone());
        OnlineRow {
            values: names.zip(self.values).collect(),
            statuses: self.statuses,
            event_times: self.event_times,
        }
    }
}

/// The features of one key of an [`OnlineBatch`], borrowed.
#[derive(Debug, Clone, Copy)]
pub struct OnlineRowRef<'a> {
    service: &'a FeatureService,
    at: EventTime,
    /// The values, in the order of the service.
    pub values: &'a [Value],
    /// Why each value is as it is.
    pub statuses: &'a [Status],
    /// The time of the newest event that each value rests on, where there is one.
    pub event_times: &'a [Option<EventTime>],
}

impl<'a> OnlineRowRef<'a> {
    fn position(&self, name: &str) -> Option<usize> {
        let mut features = self.service.features().iter();
        features.position(|feature| feature.name().as_str() == name)
    }

    /// The value of a feature.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.position(name).map(|at| &self.values[at])
    }

    /// Why a feature has its value.
    pub fn status(&self, name: &str) -> Option<Status> {
        self.position(name).map(|at| self.statuses[at])
    }

    /// How old the newest event is that a value rests on, at the instant of the question.
    pub fn age(&self, name: &str) -> Option<Span> {
        self.at.since(self.event_times[self.position(name)?]?)
    }

    /// The row on its own.
    pub fn to_row(&self) -> OnlineRow {
        let names = self.service.features().iter().map(|f| f.name().clone());
        OnlineRow {
            values: names.zip(self.values.iter().cloned()).collect(),
            statuses: self.statuses.to_vec(),
            event_times: self.event_times.to_vec(),
        }
    }
}

/// One value on its way into a batch.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) value: Value,
    pub(crate) status: Status,
    pub(crate) time: Option<i64>,
}
