//! Histories of metrics in pages.

use mlops_core::EventTime;
use rusqlite::{Row, params};

use super::{Tracking, log::Reach};
use crate::{
    MetricPoint, Result, RunId, TrackingError,
    error::During,
    limits, metric,
    run_info::row_of,
    search::token::{PageToken, Value},
};

/// A page of a metric's history.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HistoryPage {
    /// The points by step, then time, then value; NaN last at its own moment.
    pub points: Vec<MetricPoint>,
    /// What to ask for next, if there is more.
    pub next: Option<String>,
}

impl Tracking {
    /// A page of a metric's history; no points if the run has no such metric. Pages stay in place
    /// while points are added.
    ///
    /// # Errors
    /// [`Error::UnknownRun`](crate::Error::UnknownRun), [`TrackingError::TooMany`] for the limit,
    /// [`TrackingError::InvalidPageToken`], [`Error::Busy`](crate::Error::Busy) or
    /// [`Error::Database`](crate::Error::Database).
    pub fn history(
        &self,
        run: &RunId,
        metric: &str,
        limit: Option<usize>,
        page_token: Option<&str>,
    ) -> Result<HistoryPage> {
        let limit = limit.unwrap_or(limits::HISTORY_POINTS);
        super::experiment::check_count("points", limit, limits::HISTORY_POINTS)?;
        let scope = PageToken::scope(&["history", run.as_str(), metric]);
        let after = page_token
            .map(|token| PageToken::read(token, scope).and_then(|token| place(&token)))
            .transpose()?;
        let reading = "read a metric";
        let mut points: Vec<MetricPoint> = self.registry.look(Reach::Run(run), |tx| {
            let row = row_of(tx, run)?;
            let Some(key) = metric::key_id(tx, metric)? else {
                return Ok(Vec::new());
            };
            let point = |row: &Row<'_>| MetricPoint::read(row, 0);
            let rows = i64::try_from(limit + 1).unwrap_or(i64::MAX);
            match after {
                None => tx
                    .prepare_cached(
                        "SELECT step, time_us, is_nan, value FROM metric_point
                         WHERE run_id = ?1 AND key_id = ?2
                         ORDER BY step, time_us, is_nan, value LIMIT ?3",
                    )
                    .during(reading)?
                    .query_map(params![row, key, rows], point)
                    .during(reading)?
                    .collect::<rusqlite::Result<_>>()
                    .during(reading),
                Some(after) => {
                    let (nan, value) = metric::columns(after.value);
                    tx.prepare_cached(
                        "SELECT step, time_us, is_nan, value FROM metric_point
                         WHERE run_id = ?1 AND key_id = ?2
                            AND (step, time_us, is_nan, value) > (?4, ?5, ?6, ?7)
                         ORDER BY step, time_us, is_nan, value LIMIT ?3",
                    )
                    .during(reading)?
                    .query_map(
                        params![row, key, rows, after.step, after.time.micros(), nan, value],
                        point,
                    )
                    .during(reading)?
                    .collect::<rusqlite::Result<_>>()
                    .during(reading)
                }
            }
        })?;
        let more = points.len() > limit;
        points.truncate(limit);
        let next = points.last().filter(|_| more).map(|last| {
            PageToken::new(
                scope,
                vec![
                    Value::Integer(last.step),
                    Value::Integer(last.time.micros()),
                    Value::Real(last.value),
                ],
            )
            .write()
        });
        Ok(HistoryPage { points, next })
    }
}

fn place(token: &PageToken) -> Result<MetricPoint> {
    match token.values() {
        [
            Value::Integer(step),
            Value::Integer(time),
            Value::Real(value),
        ] => Ok(MetricPoint {
            step: *step,
            time: EventTime::from_micros(*time),
            value: *value,
        }),
        _ => Err(TrackingError::InvalidPageToken {
            reason: "it names no point",
        }
        .into()),
    }
}
