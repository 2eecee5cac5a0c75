//! Replay: what was served against what the history says, on a user's own log.
//!
//! The log has a row for each answer: the key, the instant of the question, and the values by feature name.
//! Each row is joined with the history as of its instant, and compared value by value, to the bit. A
//! difference means that online and offline disagreed: rows that arrived after they were asked for, a store
//! that was behind, or another definition.

use arrow::{array::ArrayRef, datatypes::DataType};
use mlops_core::{Column, EventTime, Role, Table, TableSchema, Value};
use serde::Serialize;

use crate::{Error, Feature, FeatureService, FeatureStore, Result, service::quoted};

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReplayReport {
    /// The service.
    pub service: String,
    /// The rows that were compared.
    pub rows: u64,
    /// The rows of which every value agrees.
    pub equal_rows: u64,
    /// The first and the last instant that was asked for.
    pub span: Option<(EventTime, EventTime)>,
    /// Each feature that is in the log, in the order of the service.
    pub features: Vec<FeatureReplay>,
    /// The features of the service that the log has no column for.
    pub absent: Vec<String>,
}

/// How one feature fared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeatureReplay {
    /// The feature.
    pub feature: String,
    /// The values that agree.
    pub equal: u64,
    /// The values that are there on both sides and differ.
    pub mismatched: u64,
    /// The values that were served as null and are none in the history.
    pub missing: u64,
    /// The values that were served and are null in the history.
    pub extra: u64,
    /// The mean of the absolute differences of numbers that differ, if there are any that are finite.
    pub mean_difference: Option<f64>,
    /// The greatest absolute difference of numbers, if there is one that is finite.
    pub greatest_difference: Option<f64>,
    /// The mean of `2 |a - b| / (|a| + |b|)` over all pairs of finite numbers, 0 where both are 0.
    ///
    /// # Reference
    /// SMAPE, as Chronon's consistency metrics have it, in 0..=2.
    pub smape: Option<f64>,
    /// The row that is furthest off: by difference for numbers, else the first that disagrees.
    pub worst: Option<Disagreement>,
}

/// One value that was served and one that should have been.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Disagreement {
    /// The row of the log, counted from 0.
    pub row: u64,
    /// The key, as text.
    pub key: String,
    /// The instant of the question.
    pub at: EventTime,
    /// What was served.
    pub served: Value,
    /// What the history says.
    pub history: Value,
}

impl ReplayReport {
    /// Whether every value that was served is what the history says.
    pub fn agrees(&self) -> bool {
        self.rows == self.equal_rows
    }

    /// The report as JSON.
    ///
    /// # Panics
    /// Never: a report has only names, numbers and values.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a report serialises")
    }
}

impl FeatureStore {
    /// Compares a log of served rows with the history as of each row's instant.
    ///
    /// The log has the key columns of the service, an event time that is the instant of the question, and a
    /// column for each feature that was served, under its name, and the request columns of the service, if it
    /// has any; other columns are left alone. Read it with [`JsonLines`](crate::JsonLines),
    /// [`ParquetFile`](crate::ParquetFile) or any other source.
    ///
    /// ```
    /// use mlops_features::*;
    /// # use std::sync::Arc;
    /// # use mlops_core::{Column, TableSchema, arrow::array::{ArrayRef, Float64Array, Int64Array, TimestampMicrosecondArray}};
    ///
    /// #[derive(Entity)]
    /// struct User { user: i64 }
    ///
    /// #[derive(FeatureView)]
    /// #[view(entity = User, time = at)]
    /// struct Spend { user: i64, at: EventTime, amount: f64 }
    ///
    /// let store = FeatureStore::new();
    /// store.register(Spend::view())?;
    /// store.push_rows(&[Spend { user: 1, at: EventTime::from_seconds(5), amount: 2.0 }])?;
    /// let service = FeatureService::named("spend")?.feature(Spend::amount().latest()).build()?;
    ///
    /// # let times = TimestampMicrosecondArray::from(vec![6_000_000, 4_000_000]).with_timezone("UTC");
    /// # let schema = TableSchema::new([Column::key("user", DataType::Int64), Column::event_time("asked"),
    /// #     Column::value("amount_latest", DataType::Float64)])?;
    /// # let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![1, 1])), Arc::new(times),
    /// #     Arc::new(Float64Array::from(vec![Some(2.0), Some(7.0)]))];
    /// // user, asked, amount_latest: (1, 00:00:06, 2.0) and (1, 00:00:04, 7.0)
    /// let served = Table::new(schema, columns)?;
    /// let report = store.replay(&service, &served)?;
    /// assert_eq!((report.rows, report.equal_rows, report.features[0].extra), (2, 1, 1));
    /// # Ok::<(), mlops_features::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::ServingLog`] if a feature's column has another type or the log has none of the features, and
    /// those of [`join`](Self::join).
    pub fn replay(&self, service: &FeatureService, served: &Table) -> Result<ReplayReport> {
        let spine = spine(service, served)?;
        let truth = self.join(service, &spine)?;
        let times = spine.event_times()?;
        let keys = spine.keys()?;
        let mut equal = vec![true; spine.rows()];
        let (mut features, mut absent) = (Vec::new(), Vec::new());
        for feature in service.features() {
            let name = feature.name().as_str();
            let Ok(column) = served.column(name) else {
                absent.push(name.to_owned());
                continue;
            };
            let Ok(history) = truth.column(name) else {
                continue; // hidden: the service never answers with it
            };
            let mut tally = Tally::new(name);
            for row in 0..spine.rows() {
                let pair = (value(feature, column, row)?, value(feature, history, row)?);
                if let Some(distance) = tally.add(&pair) {
                    equal[row] = false;
                    tally.offer(distance, || Disagreement {
                        row: row as u64,
                        key: keys[row]
                            .as_ref()
                            .map_or_else(String::new, ToString::to_string),
                        at: times[row],
                        served: pair.0.clone(),
                        history: pair.1.clone(),
                    });
                }
            }
            features.push(tally.finish());
        }
        if features.is_empty() {
            return Err(Error::ServingLog {
                service: service.name().to_string(),
                reason: format!(
                    "it has no column of a feature; there is {}",
                    quoted(served.schema().columns().iter().map(Column::name))
                ),
            });
        }
        Ok(ReplayReport {
            service: service.name().to_string(),
            rows: spine.rows() as u64,
            equal_rows: equal.iter().filter(|equal| **equal).count() as u64,
            span: times.iter().min().copied().zip(times.iter().max().copied()),
            features,
            absent,
        })
    }
}

/// The keys and instants of a log, and nothing that could collide with a feature.
fn spine(service: &FeatureService, served: &Table) -> Result<Table> {
    let schema = served.schema();
    for feature in service.features() {
        let name = feature.name().as_str();
        let Ok(column) = served.column(name) else {
            continue;
        };
        if *column.data_type() != feature.data_type() {
            return Err(Error::ServingLog {
                service: service.name().to_string(),
                reason: format!(
                    "column `{name}` is {}, the feature is {}",
                    column.data_type(),
                    feature.data_type()
                ),
            });
        }
    }
    let asked = |name: &str| {
        service
            .requests()
            .iter()
            .any(|(request, _)| request == name)
    };
    let wanted = |column: &&Column| {
        column.role() == Role::EventTime
            || asked(column.name())
            || service.keys().iter().any(|(key, _)| key == column.name())
    };
    let columns: Vec<Column> = schema.columns().iter().filter(wanted).cloned().collect();
    let keyed = columns.into_iter().map(|column| match column.role() {
        Role::EventTime => column,
        _ if asked(column.name()) => column,
        _ => Column::key(column.name(), column.data_type().clone()).nullable(column.is_nullable()),
    });
    Ok(Table::from_batch(TableSchema::new(keyed)?, served.batch())?)
}

fn value(feature: &Feature, column: &ArrayRef, row: usize) -> Result<Value> {
    debug_assert_ne!(
        *column.data_type(),
        DataType::Null,
        "`spine` checked the types"
    );
    Ok(Value::from_array(feature.name().as_str(), column, row)?)
}

struct Tally {
    report: FeatureReplay,
    pairs: u64,
    smape: f64,
    apart: u64,
    difference: f64,
    worst: Option<f64>,
}

impl Tally {
    fn new(feature: &str) -> Self {
        Self {
            report: FeatureReplay {
                feature: feature.to_owned(),
                equal: 0,
                mismatched: 0,
                missing: 0,
                extra: 0,
                mean_difference: None,
                greatest_difference: None,
                smape: None,
                worst: None,
            },
            pairs: 0,
            smape: 0.0,
            apart: 0,
            difference: 0.0,
            worst: None,
        }
    }

    /// Counts a pair; how far apart it is if it disagrees.
    fn add(&mut self, (served, history): &(Value, Value)) -> Option<f64> {
        let numbers = number(served).zip(number(history));
        if let Some((a, b)) = numbers {
            self.pairs += 1;
            let size = a.abs() + b.abs();
            if size > 0.0 {
                self.smape += 2.0 * ((a - b).abs() / size);
            }
        }
        let equal = match (served, history) {
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            (a, b) => a == b,
        };
        if equal {
            self.report.equal += 1;
            return None;
        }
        match (served.is_null(), history.is_null()) {
            (true, _) => self.report.missing += 1,
            (_, true) => self.report.extra += 1,
            _ => self.report.mismatched += 1,
        }
        let Some((a, b)) = numbers else {
            // nothing to measure: further off than any number
            return Some(f64::INFINITY);
        };
        let distance = (a - b).abs();
        if distance.is_finite() {
            self.apart += 1;
            self.difference += distance;
            let greatest = self.report.greatest_difference.get_or_insert(distance);
            *greatest = greatest.max(distance);
        }
        Some(distance)
    }

    fn offer(&mut self, distance: f64, make: impl FnOnce() -> Disagreement) {
        if self.worst.is_none_or(|worst| distance > worst) {
            self.worst = Some(distance);
            self.report.worst = Some(make());
        }
    }

    fn finish(mut self) -> FeatureReplay {
        if self.apart > 0 {
            self.report.mean_difference = Some(self.difference / self.apart as f64);
        }
        if self.pairs > 0 {
            self.report.smape = Some(self.smape / self.pairs as f64);
        }
        self.report
    }
}

/// A finite number; instants and truth values are none.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) if value.is_finite() => Some(*value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(pairs: &[(Value, Value)]) -> FeatureReplay {
        let mut tally = Tally::new("f");
        for (row, pair) in pairs.iter().enumerate() {
            if let Some(distance) = tally.add(pair) {
                tally.offer(distance, || Disagreement {
                    row: row as u64,
                    key: String::new(),
                    at: EventTime::from_seconds(0),
                    served: pair.0.clone(),
                    history: pair.1.clone(),
                });
            }
        }
        tally.finish()
    }

    #[test]
    fn differences_are_counted_by_kind_and_measured() {
        let report = tally(&[
            (Value::Float(1.0), Value::Float(1.0)),
            (Value::Float(0.0), Value::Float(-0.0)),
            (Value::Float(3.0), Value::Float(1.0)),
            (Value::Null, Value::Float(1.0)),
            (Value::Float(1.0), Value::Null),
            (Value::Null, Value::Null),
            (Value::Float(f64::NAN), Value::Float(f64::NAN)),
        ]);
        assert_eq!((report.equal, report.mismatched), (3, 2));
        assert_eq!((report.missing, report.extra), (1, 1));
        assert_eq!(report.greatest_difference, Some(2.0));
        assert_eq!(report.mean_difference, Some(1.0));
        assert_eq!(report.smape, Some(1.0 / 3.0));
        assert_eq!(report.worst.map(|worst| worst.row), Some(3));
    }

    #[test]
    fn numbers_are_worse_the_further_apart_they_are() {
        let pair = |a: i64, b: i64| (Value::Int(a), Value::Int(b));
        let report = tally(&[pair(1, 2), pair(5, 50), pair(7, 9)]);
        let worst = report.worst.unwrap();
        assert_eq!(
            (worst.row, worst.served, worst.history),
            (1, 5.into(), 50.into())
        );
    }
}
