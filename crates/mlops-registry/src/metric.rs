//! Metric histories: points with a step and a time, where NaN and the infinities are values.
//!
//! A point is what it is: the same point written again changes nothing, so a writer that does not
//! know whether it was heard may write again.

use std::collections::BTreeMap;

use mlops_core::EventTime;
use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};

use crate::{Result, error::During, number};

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

/// Writes a point, unless it is there.
pub(crate) fn insert(tx: &Transaction<'_>, run: i64, key: &str, point: MetricPoint) -> Result<()> {
    let nan = point.value.is_nan();
    let writing = "write a metric";
    tx.prepare_cached(
        "INSERT INTO metric (run_id, key, step, time_us, is_nan, value)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
    )
    .during(writing)?
    .execute(params![
        run,
        key,
        point.step,
        point.time.micros(),
        nan,
        if nan { 0.0 } else { point.value },
    ])
    .during(writing)?;
    Ok(())
}

/// All points of a metric by step, then time.
pub(crate) fn history(tx: &Transaction<'_>, run: i64, key: &str) -> Result<Vec<MetricPoint>> {
    let reading = "read a metric";
    tx.prepare_cached(
        "SELECT step, time_us, is_nan, value FROM metric WHERE run_id = ?1 AND key = ?2
         ORDER BY step, time_us, is_nan, value",
    )
    .during(reading)?
    .query_map(params![run, key], point)
    .during(reading)?
    .collect::<rusqlite::Result<_>>()
    .during(reading)
}

/// The last value of every metric: the greatest step, then time; NaN hides no value but its own moment's.
pub(crate) fn latest(tx: &Transaction<'_>, run: i64) -> Result<BTreeMap<String, f64>> {
    let reading = "read the metrics";
    // steps from key to key on the primary key, instead of reading every point
    let keys: Vec<String> = tx
        .prepare_cached(
            "WITH RECURSIVE keys (key) AS (
                SELECT min(key) FROM metric WHERE run_id = ?1
                UNION ALL
                SELECT (SELECT min(m.key) FROM metric m WHERE m.run_id = ?1 AND m.key > keys.key)
                FROM keys WHERE keys.key IS NOT NULL
             ) SELECT key FROM keys WHERE key IS NOT NULL",
        )
        .during(reading)?
        .query_map([run], |row| row.get(0))
        .during(reading)?
        .collect::<rusqlite::Result<_>>()
        .during(reading)?;
    let mut last = tx
        .prepare_cached(
            "SELECT step, time_us, is_nan, value FROM metric WHERE run_id = ?1 AND key = ?2
             ORDER BY step DESC, time_us DESC, is_nan DESC, value DESC LIMIT 1",
        )
        .during(reading)?;
    keys.into_iter()
        .map(|key| {
            let point = last.query_row(params![run, key], point).during(reading)?;
            Ok((key, point.value))
        })
        .collect()
}

fn point(row: &rusqlite::Row<'_>) -> rusqlite::Result<MetricPoint> {
    Ok(MetricPoint {
        step: row.get(0)?,
        time: EventTime::from_micros(row.get(1)?),
        value: if row.get(2)? { f64::NAN } else { row.get(3)? },
    })
}
