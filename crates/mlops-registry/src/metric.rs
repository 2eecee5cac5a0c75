//! Metric histories: points with a step and a time, where NaN and the infinities are values.
//!
//! A point is what it is: the same point written again changes nothing, so a writer that does not
//! know whether it was heard may write again. The latest point of each metric lies beside the
//! histories, so that runs are listed, filtered and ordered without reading one.

use std::{cmp::Ordering, collections::BTreeMap};

use mlops_core::EventTime;
use rusqlite::{OptionalExtension, Row, Transaction, params, params_from_iter};
use serde::{Deserialize, Serialize};

use crate::{Result, error::During, number};

/// How many rows one prepared statement inserts.
const ROWS: usize = 50;

/// One point of a metric's history.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MetricPoint {
    /// The step of the training, counted by the caller.
    pub step: i64,
    /// When it was measured.
    pub time: EventTime,
    /// The value; NaN and the infinities come back as they were written.
    #[serde(with = "number::plain")]
    pub value: f64,
}

impl MetricPoint {
    /// The order of a history: by step, then time, then value, NaN last at its own moment.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        let value = |point: &Self| (point.value.is_nan(), Value(point.value));
        (self.step, self.time, value(self)).cmp(&(other.step, other.time, value(other)))
    }

    pub(crate) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<Self> {
        Ok(Self {
            step: row.get(first)?,
            time: EventTime::from_micros(row.get(first + 1)?),
            value: if row.get(first + 2)? {
                f64::NAN
            } else {
                row.get(first + 3)?
            },
        })
    }
}

/// A value as the database orders it: -0 is 0, and all NaN are one.
#[derive(PartialEq)]
struct Value(f64);

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.partial_cmp(&other.0).unwrap_or(Ordering::Equal)
    }
}

/// The number of a metric's key, if any run ever had it.
pub(crate) fn key_id(tx: &Transaction<'_>, key: &str) -> Result<Option<i64>> {
    let looking = "look up a metric";
    tx.prepare_cached("SELECT id FROM metric_key WHERE key = ?1")
        .during(looking)?
        .query_row([key], |row| row.get(0))
        .optional()
        .during(looking)
}

/// The number of a metric's key, given if it has none.
pub(crate) fn intern(tx: &Transaction<'_>, key: &str) -> Result<i64> {
    if let Some(id) = key_id(tx, key)? {
        return Ok(id);
    }
    let naming = "name a metric";
    tx.prepare_cached("INSERT INTO metric_key (key) VALUES (?1)")
        .during(naming)?
        .execute([key])
        .during(naming)?;
    Ok(tx.last_insert_rowid())
}

/// Writes points of several metrics, but those that are there.
pub(crate) fn insert_keyed(
    tx: &Transaction<'_>,
    run: i64,
    mut points: Vec<(i64, MetricPoint)>,
) -> Result<()> {
    let writing = "write a metric";
    // in the order of the table, so that a batch touches each page once
    points.sort_by(|(key, point), (other_key, other)| {
        key.cmp(other_key).then_with(|| point.order(other))
    });
    let mut chunks = points.chunks_exact(ROWS);
    if points.len() >= ROWS {
        let mut many = tx.prepare_cached(&rows_statement()).during(writing)?;
        for chunk in chunks.by_ref() {
            let values = chunk.iter().flat_map(|(key, point)| {
                let (nan, value) = columns(point.value);
                [
                    run.into(),
                    (*key).into(),
                    point.step.into(),
                    point.time.micros().into(),
                    i64::from(nan).into(),
                    rusqlite::types::Value::Real(value),
                ]
            });
            many.execute(params_from_iter(values)).during(writing)?;
        }
    }
    let mut one = tx
        .prepare_cached(
            "INSERT INTO metric_point (run_id, key_id, step, time_us, is_nan, value)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        )
        .during(writing)?;
    for (key, point) in chunks.remainder() {
        let (nan, value) = columns(point.value);
        one.execute(params![
            run,
            key,
            point.step,
            point.time.micros(),
            nan,
            value
        ])
        .during(writing)?;
    }
    let mut latest = tx
        .prepare_cached(
            "INSERT INTO metric_latest (run_id, key_id, step, time_us, is_nan, value)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET
                step = excluded.step, time_us = excluded.time_us,
                is_nan = excluded.is_nan, value = excluded.value
             WHERE (excluded.step, excluded.time_us, excluded.is_nan, excluded.value)
                > (step, time_us, is_nan, value)",
        )
        .during(writing)?;
    // sorted, so that the last of each key is its greatest
    for same in points.chunk_by(|(key, _), (other, _)| key == other) {
        let [.., (key, point)] = same else { continue };
        let (nan, value) = columns(point.value);
        latest
            .execute(params![
                run,
                key,
                point.step,
                point.time.micros(),
                nan,
                value
            ])
            .during(writing)?;
    }
    Ok(())
}

/// NaN cannot be a REAL in SQLite, so it is a flag.
pub(crate) fn columns(value: f64) -> (bool, f64) {
    let nan = value.is_nan();
    (nan, if nan { 0.0 } else { value })
}

fn rows_statement() -> String {
    let mut sql = String::from(
        "INSERT INTO metric_point (run_id, key_id, step, time_us, is_nan, value) VALUES ",
    );
    for row in 0..ROWS {
        sql.push_str(if row == 0 {
            "(?,?,?,?,?,?)"
        } else {
            ",(?,?,?,?,?,?)"
        });
    }
    sql.push_str(" ON CONFLICT DO NOTHING");
    sql
}

/// All points of a metric by step, then time.
pub(crate) fn history(tx: &Transaction<'_>, run: i64, key: &str) -> Result<Vec<MetricPoint>> {
    let Some(key) = key_id(tx, key)? else {
        return Ok(Vec::new());
    };
    let reading = "read a metric";
    tx.prepare_cached(
        "SELECT step, time_us, is_nan, value FROM metric_point WHERE run_id = ?1 AND key_id = ?2
         ORDER BY step, time_us, is_nan, value",
    )
    .during(reading)?
    .query_map(params![run, key], |row| MetricPoint::read(row, 0))
    .during(reading)?
    .collect::<rusqlite::Result<_>>()
    .during(reading)
}

/// The last point of every metric: the greatest step, then time; NaN hides no value but its own moment's.
pub(crate) fn latest(tx: &Transaction<'_>, run: i64) -> Result<BTreeMap<String, MetricPoint>> {
    let reading = "read the metrics";
    tx.prepare_cached(
        "SELECT key, step, time_us, is_nan, value
         FROM metric_latest JOIN metric_key ON metric_key.id = key_id WHERE run_id = ?1",
    )
    .during(reading)?
    .query_map([run], |row| Ok((row.get(0)?, MetricPoint::read(row, 1)?)))
    .during(reading)?
    .collect::<rusqlite::Result<_>>()
    .during(reading)
}
