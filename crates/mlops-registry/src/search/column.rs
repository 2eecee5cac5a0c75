//! Values of runs: one of one run by its key, or those of many runs by one scan of an index.

use rusqlite::{OptionalExtension, Row, Transaction, params, types::ValueRef};

use super::{
    clause::{Entity, Found},
    rows::Rows,
    token::Value,
};
use crate::{Result, error::During, metric};

/// Up to how many rows are looked up one by one; more are read by a scan of the whole index.
/// The tests go both ways with a handful.
pub(super) const FEW: usize = if cfg!(test) { 3 } else { 2_000 };

/// The expression of an attribute of a run in SQL. Times are in microseconds here.
pub(super) fn attribute(key: &str) -> &'static str {
    match key {
        "run_id" => "uid",
        "run_name" => "name",
        "status" => "upper(status)",
        "user_id" => "user",
        "start_time" => "started_us",
        "end_time" => "ended_us",
        // the grammar knows no other
        _ => {
            "(SELECT rtrim(coalesce(e.artifact_location, 'mlflow-artifacts:/' || e.id), '/')
                || '/' || run.uid || '/artifacts' FROM experiment e WHERE e.id = run.experiment_id)"
        }
    }
}

/// The value of one run.
pub(super) fn value_of(tx: &Transaction<'_>, entity: Entity, key: &str, row: i64) -> Result<Value> {
    let reading = "read a value of a run";
    let found = match entity {
        Entity::Attribute => {
            let sql = format!("SELECT {} FROM run WHERE id = ?1", attribute(key));
            tx.prepare_cached(&sql)
                .during(reading)?
                .query_row([row], |row| value(row, 0))
                .optional()
                .during(reading)?
        }
        Entity::Metric => match metric::key_id(tx, key)? {
            None => None,
            Some(key) => tx
                .prepare_cached(
                    "SELECT CASE is_nan WHEN 1 THEN NULL ELSE value END
                     FROM metric_latest WHERE run_id = ?1 AND key_id = ?2",
                )
                .during(reading)?
                .query_row(params![row, key], number)
                .optional()
                .during(reading)?,
        },
        Entity::Param | Entity::Tag => {
            let sql = if entity == Entity::Param {
                "SELECT value FROM param WHERE run_id = ?1 AND key = ?2"
            } else {
                "SELECT value FROM tag WHERE run_id = ?1 AND key = ?2"
            };
            tx.prepare_cached(sql)
                .during(reading)?
                .query_row(params![row, key], |row| value(row, 0))
                .optional()
                .during(reading)?
        }
        // a run has many; clauses look at each, and nothing is ordered by them
        Entity::Dataset => None,
    };
    Ok(found.unwrap_or(Value::Missing))
}

/// The values of many runs, each with its row; in no order.
pub(super) fn values_of(
    tx: &Transaction<'_>,
    entity: Entity,
    key: &str,
    rows: &[i64],
) -> Result<Vec<(Value, i64)>> {
    if rows.len() <= FEW {
        return rows
            .iter()
            .map(|row| Ok((value_of(tx, entity, key, *row)?, *row)))
            .collect();
    }
    let reading = "read a value of every run";
    let wanted: Rows = rows.iter().copied().collect();
    let mut missing = wanted.clone();
    let mut values = Vec::with_capacity(rows.len());
    let mut keep = |row: &Row<'_>, value: fn(&Row<'_>) -> rusqlite::Result<Value>| {
        let id: i64 = row.get(1)?;
        if wanted.contains(id) {
            values.push((value(row)?, id));
        }
        Ok(())
    };
    match entity {
        Entity::Attribute => {
            let sql = format!("SELECT {}, id FROM run", attribute(key));
            each(tx, &sql, params![], |row| keep(row, |row| value(row, 0)))
        }
        Entity::Metric => match metric::key_id(tx, key)? {
            None => Ok(()),
            Some(key) => each(
                tx,
                "SELECT CASE is_nan WHEN 1 THEN NULL ELSE value END, run_id
                 FROM metric_latest INDEXED BY metric_by_value WHERE key_id = ?1",
                params![key],
                |row| keep(row, number),
            ),
        },
        Entity::Param => each(
            tx,
            "SELECT value, run_id FROM param INDEXED BY param_by_value WHERE key = ?1",
            params![key],
            |row| keep(row, |row| value(row, 0)),
        ),
        Entity::Tag => each(
            tx,
            "SELECT value, run_id FROM tag INDEXED BY tag_by_value WHERE key = ?1",
            params![key],
            |row| keep(row, |row| value(row, 0)),
        ),
        Entity::Dataset => Ok(()),
    }
    .during(reading)?;
    let found: Rows = values.iter().map(|(_, row)| *row).collect();
    missing = missing.and_not(&found);
    values.extend(missing.iter().map(|row| (Value::Missing, row)));
    Ok(values)
}

/// Runs a statement and hands over every row.
pub(super) fn each(
    tx: &Transaction<'_>,
    sql: &str,
    params: impl rusqlite::Params,
    mut work: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        work(row)?;
    }
    Ok(())
}

/// A metric, where NULL is NaN.
fn number(row: &Row<'_>) -> rusqlite::Result<Value> {
    Ok(Value::Real(
        row.get::<_, Option<f64>>(0)?.unwrap_or(f64::NAN),
    ))
}

fn value(row: &Row<'_>, at: usize) -> rusqlite::Result<Value> {
    Ok(match row.get_ref(at)? {
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(_) => Value::Text(row.get(at)?),
        ValueRef::Null | ValueRef::Blob(_) => Value::Missing,
    })
}

/// A value as clauses see it; the times of runs are milliseconds there.
pub(super) fn found(value: &Value) -> Option<Found<'_>> {
    match value {
        Value::Missing => None,
        Value::Integer(micros) => Some(Found::Number(micros.div_euclid(1_000) as f64)),
        Value::Real(number) => Some(Found::Number(*number)),
        Value::Text(text) => Some(Found::Text(text)),
    }
}
