//! From a row of the log's tables back to a record, and what shows that it is damaged.

use mlops_core::{
    EntityKey, EventTime, ModelName, OutcomeRecord, PredictionRecord, Value, VersionNumber,
};

use super::{JoinedRecord, codec};

/// The columns of one row as SQLite gives them.
pub(super) struct RawRecord {
    time: i64,
    version: VersionNumber,
    entity: Option<String>,
    names: String,
    features: String,
    prediction: Option<f64>,
    outputs: Option<String>,
    outcome: Option<(i64, f64)>,
}

impl RawRecord {
    pub(super) fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let outcome_time: Option<i64> = row.get(8)?;
        Ok(Self {
            time: row.get(1)?,
            version: row.get(2)?,
            entity: row.get(3)?,
            names: row.get(4)?,
            features: row.get(5)?,
            prediction: row.get(6)?,
            outputs: row.get(7)?,
            outcome: match outcome_time {
                Some(time) => Some((time, row.get(9)?)),
                None => None,
            },
        })
    }

    /// The record, or `None` if it is damaged; `names` keeps the names of the row before.
    pub(super) fn read(
        self,
        id: &str,
        model: &ModelName,
        names: &mut (String, Vec<String>),
    ) -> Option<JoinedRecord> {
        if names.0 != self.names {
            *names = (self.names.clone(), serde_json::from_str(&self.names).ok()?);
        }
        let values = codec::decode(&self.features)?;
        if values.len() != names.1.len() {
            return None;
        }
        let key: Option<EntityKey> = match &self.entity {
            Some(text) => Some(serde_json::from_str(text).ok()?),
            None => None,
        };
        let outputs = match &self.outputs {
            Some(text) => numbers(&codec::decode(text)?)?,
            None => Vec::new(),
        };
        let record = PredictionRecord {
            id: id.to_owned(),
            time: EventTime::from_micros(self.time),
            model: model.clone(),
            version: self.version,
            key,
            features: names.1.iter().cloned().zip(values).collect(),
            // SQLite has no NaN and stores null in its place
            prediction: self.prediction.unwrap_or(f64::NAN),
            outputs,
        };
        let outcome = self.outcome.map(|(time, outcome)| OutcomeRecord {
            prediction_id: id.to_owned(),
            time: EventTime::from_micros(time),
            outcome,
        });
        Some((record, outcome))
    }
}

/// The numbers of an answer, if there is nothing else.
fn numbers(values: &[Value]) -> Option<Vec<f64>> {
    values.iter().map(Value::as_f64).collect()
}
