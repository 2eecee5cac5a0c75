//! Rows of production, counted into the bins of a reference profile.
//!
//! A window keeps counts and no row. Two windows over the same profile add up to the window of all
//! their rows, in any order and to the last bit, so each endpoint, thread or day can count alone.

use arrow::array::{Float64Array, RecordBatch};
use mlops_core::{Digest, EventTime, PredictionRecord, Value};

use crate::{
    Error, ReferenceProfile, Result,
    profile::{Binner, Cells, ColumnKind, Counter, cells},
};

/// Counts of the rows between two judgements.
///
/// ```
/// use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
/// use mlops_drift::{ReferenceProfile, Window};
/// use std::sync::Arc;
///
/// let amounts: ArrayRef = Arc::new(Float64Array::from_iter_values((0..1_000).map(f64::from)));
/// let features = RecordBatch::try_from_iter([("amount", amounts)]).expect("one column");
/// let profile = ReferenceProfile::build(&features, None)?;
///
/// let mut window = Window::new(&profile);
/// window.push(&[("amount".to_owned(), 12.5.into())], None)?;
/// assert_eq!(window.rows(), 1);
/// # Ok::<(), mlops_drift::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Window {
    profile: Digest,
    columns: Vec<Watched>,
    prediction: Option<Watched>,
    rows: u64,
    span: Option<(EventTime, EventTime)>,
}

#[derive(Debug, Clone)]
struct Watched {
    name: String,
    kind: ColumnKind,
    binner: Binner,
    counter: Counter,
}

impl Window {
    /// A window without rows over the bins of a profile.
    pub fn new(profile: &ReferenceProfile) -> Self {
        let watch = |column: &crate::ColumnProfile| {
            let binner = Binner::new(column);
            Watched {
                name: column.name().to_owned(),
                kind: column.kind(),
                counter: Counter::new(&binner),
                binner,
            }
        };
        Self {
            profile: profile.digest(),
            columns: profile.columns().iter().map(watch).collect(),
            prediction: profile.prediction().map(watch),
            rows: 0,
            span: None,
        }
    }

    /// Counts one row, and the model's answer to it where there is one.
    ///
    /// A column that the row does not have counts as missing, which shows as drift in its own bin;
    /// columns that the profile does not have are passed over. On an error nothing is counted.
    ///
    /// # Errors
    /// [`Error::WrongValue`] if a value is of another sort than its column in the profile.
    pub fn push(&mut self, row: &[(String, Value)], prediction: Option<f64>) -> Result<()> {
        let places = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                // rows mostly come in the profile's order
                let same = row.get(at).filter(|(name, _)| *name == column.name);
                let found = same.or_else(|| row.iter().find(|(name, _)| *name == column.name));
                let value = found.map_or(&Value::Null, |(_, value)| value);
                column.binner.place(&column.name, value)
            })
            .collect::<Result<Vec<_>>>()?;
        for (column, place) in self.columns.iter_mut().zip(&places) {
            column.counter.add(&column.binner, place);
        }
        if let (Some(column), Some(prediction)) = (&mut self.prediction, prediction) {
            let place = column.binner.number(prediction);
            column.counter.add(&column.binner, &place);
        }
        self.rows += 1;
        Ok(())
    }

    /// Counts a logged prediction with its features, and widens the window's span to its time.
    ///
    /// # Errors
    /// As for [`Window::push`].
    pub fn push_record(&mut self, record: &PredictionRecord) -> Result<()> {
        self.push(&record.features, Some(record.prediction))?;
        self.widen(record.time, record.time);
        Ok(())
    }

    /// Counts a batch that has every column of the profile, and the predictions for its rows.
    ///
    /// # Errors
    /// [`Error::Core`] if a column is not in the batch or the predictions have another length,
    /// [`Error::WrongValue`] or [`Error::UnsupportedColumn`] if a column has another type. Then nothing is counted.
    pub fn push_batch(&mut self, batch: &RecordBatch, predictions: Option<&[f64]>) -> Result<()> {
        if let Some(predictions) = predictions
            && predictions.len() != batch.num_rows()
        {
            return Err(mlops_core::Error::LengthMismatch {
                what: "features and predictions",
                left: batch.num_rows(),
                right: predictions.len(),
            }
            .into());
        }
        let read = |column: &Watched| {
            let array = batch.column_by_name(&column.name).ok_or_else(|| {
                let schema = batch.schema();
                let names: Vec<String> = schema
                    .fields()
                    .iter()
                    .map(|f| format!("`{}`", f.name()))
                    .collect();
                mlops_core::Error::UnknownColumn {
                    column: column.name.clone(),
                    available: names.join(", "),
                }
            })?;
            cells(&column.name, array, column.kind)
        };
        let read = self.columns.iter().map(read).collect::<Result<Vec<_>>>()?;
        for (column, cells) in self.columns.iter_mut().zip(&read) {
            column.counter.add_all(&column.binner, cells);
        }
        if let (Some(column), Some(predictions)) = (&mut self.prediction, predictions) {
            let cells = Cells::Numbers(Float64Array::from(predictions.to_vec()));
            column.counter.add_all(&column.binner, &cells);
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// States the time that the counted rows come from; the span only ever widens.
    pub fn widen(&mut self, first: EventTime, last: EventTime) {
        self.span = Some(match self.span {
            Some((from, until)) => (from.min(first), until.max(last)),
            None => (first, last),
        });
    }

    /// Adds another window's counts.
    ///
    /// # Errors
    /// [`Error::ProfileMismatch`] if it counts into the bins of another profile.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.profile != other.profile {
            return Err(Error::ProfileMismatch { what: "window" });
        }
        let ours = self.columns.iter_mut().chain(&mut self.prediction);
        for (column, more) in ours.zip(other.columns.iter().chain(&other.prediction)) {
            column.counter.merge(&more.counter);
        }
        self.rows += other.rows;
        if let Some((first, last)) = other.span {
            self.widen(first, last);
        }
        Ok(())
    }

    /// The rows counted.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The first and the last time of the rows, where times were given.
    pub fn span(&self) -> Option<(EventTime, EventTime)> {
        self.span
    }

    /// The digest of the profile whose bins these are.
    pub fn profile(&self) -> Digest {
        self.profile
    }

    pub(crate) fn counters(&self) -> impl Iterator<Item = &Counter> {
        self.columns.iter().map(|column| &column.counter)
    }

    pub(crate) fn prediction(&self) -> Option<&Counter> {
        self.prediction.as_ref().map(|column| &column.counter)
    }
}

/// Two windows are equal if they hold the same counts over the same profile.
impl PartialEq for Window {
    fn eq(&self, other: &Self) -> bool {
        (self.profile, self.rows, self.span) == (other.profile, other.rows, other.span)
            && self.counters().eq(other.counters())
            && self.prediction() == other.prediction()
    }
}

impl Eq for Window {}
