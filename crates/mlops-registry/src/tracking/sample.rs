//! Histories thinned for a chart: whole if they are short, a bounded number of points if they are long.

use super::{Tracking, log::Reach};
use crate::{MetricPoint, Result, RunId, error::During, limits, metric, run_info::row_of};
use rusqlite::{CachedStatement, Row, Transaction, params};

const COLUMNS: &str = "SELECT step, time_us, is_nan, value FROM metric_point \
    WHERE run_id = ?1 AND key_id = ?2";
const READING: &str = "read a metric";

impl Tracking {
    /// A metric's history in at most so many points: all of them if it has no more, otherwise points spread
    /// evenly over its steps, or over its time where all have one step. The first and the last are among them.
    ///
    /// # Errors
    /// [`Error::UnknownRun`](crate::Error::UnknownRun), [`TrackingError::TooMany`](crate::TrackingError::TooMany)
    /// for the number, [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    ///
    /// # Complexity
    /// A look-up in an index for each point, however long the history.
    pub fn sampled_history(
        &self,
        run: &RunId,
        metric: &str,
        most: usize,
    ) -> Result<Vec<MetricPoint>> {
        super::experiment::check_count("points", most, limits::HISTORY_POINTS)?;
        self.registry.look(Reach::Run(run), |tx| {
            let row = row_of(tx, run)?;
            let Some(key) = metric::key_id(tx, metric)? else {
                return Ok(Vec::new());
            };
            let rows = i64::try_from(most + 1).unwrap_or(i64::MAX);
            let points = all(
                &mut tx
                    .prepare_cached(&format!(
                        "{COLUMNS} ORDER BY step, time_us, is_nan, value LIMIT ?3"
                    ))
                    .during(READING)?,
                (row, key, rows),
            )?;
            if points.len() <= most {
                return Ok(points);
            }
            let last = last(tx, row, key)?;
            spread(tx, (row, key), points[0], last, most)
        })
    }
}

fn point(row: &Row<'_>) -> rusqlite::Result<MetricPoint> {
    MetricPoint::read(row, 0)
}

fn all(statement: &mut CachedStatement<'_>, of: (i64, i64, i64)) -> Result<Vec<MetricPoint>> {
    statement
        .query_map(of, point)
        .during(READING)?
        .collect::<rusqlite::Result<_>>()
        .during(READING)
}

fn last(tx: &Transaction<'_>, row: i64, key: i64) -> Result<MetricPoint> {
    tx.prepare_cached(&format!(
        "{COLUMNS} ORDER BY step DESC, time_us DESC, is_nan DESC, value DESC LIMIT 1"
    ))
    .during(READING)?
    .query_row([row, key], point)
    .during(READING)
}

/// The first point at or behind each of so many places between the first and the last.
fn spread(
    tx: &Transaction<'_>,
    (row, key): (i64, i64),
    first: MetricPoint,
    last: MetricPoint,
    most: usize,
) -> Result<Vec<MetricPoint>> {
    let mut seek = tx
        .prepare_cached(&format!(
            "{COLUMNS} AND (step, time_us) >= (?3, ?4) ORDER BY step, time_us, is_nan, value LIMIT 1"
        ))
        .during(READING)?;
    let by_step = first.step < last.step;
    let place = |point: &MetricPoint| {
        if by_step {
            point.step
        } else {
            point.time.micros()
        }
    };
    let (from, to) = (i128::from(place(&first)), i128::from(place(&last)));
    let parts = most.saturating_sub(1).max(1) as i128;
    let mut points = vec![first];
    for part in 1..parts {
        let at = i64::try_from(from + (to - from) * part / parts).expect("it lies between two");
        if points.last().is_some_and(|point| place(point) >= at) {
            continue;
        }
        let (step, time) = if by_step {
            (at, i64::MIN)
        } else {
            (first.step, at)
        };
        points.push(
            seek.query_row(params![row, key, step, time], point)
                .during(READING)?,
        );
    }
    if points.last() != Some(&last) {
        points.push(last);
    }
    points.truncate(most.max(1));
    Ok(points)
}

#[cfg(test)]
mod tests {
    use mlops_core::EventTime;

    use super::*;
    use crate::{Batch, Error, Metric, NewExperiment, NewRun, Registry};

    fn check(points: &[(i64, i64)], most: usize) -> Result<Vec<MetricPoint>, Error> {
        let tracking = Registry::memory()?.tracking();
        let experiment = tracking.create_experiment(NewExperiment::new("e".parse()?))?;
        let run = tracking.create_run(NewRun::new(experiment.id))?.id;
        let points: Vec<_> = points
            .iter()
            .map(|(step, time)| MetricPoint {
                step: *step,
                time: EventTime::from_micros(*time),
                value: *step as f64 + *time as f64,
            })
            .collect();
        for chunk in points.chunks(500) {
            let metrics = chunk.iter().map(|point| Metric::new("loss", *point));
            tracking.log_batch(&run, Batch::of_metrics(metrics))?;
        }
        let found = tracking.sampled_history(&run, "loss", most)?;
        assert!(found.len() <= most);
        assert_eq!(found.first(), points.first());
        if most > 1 {
            assert_eq!(found.last(), points.last());
        }
        assert!(found.iter().all(|point| points.contains(point)));
        assert!(found.is_sorted_by(|a, b| (a.step, a.time) < (b.step, b.time)));
        Ok(found)
    }

    #[test]
    fn a_long_history_is_spread_over_its_steps_or_its_time() -> Result<(), Error> {
        let steps: Vec<_> = (0..3_000).map(|i| (i * 3, i)).collect();
        assert_eq!(check(&steps, 3_000)?.len(), 3_000);
        assert!(check(&steps, 100)?.len() > 95);
        let one_step: Vec<_> = (0..3_000).map(|i| (0, 1_000 * i)).collect();
        assert!(check(&one_step, 100)?.len() > 95);
        // all but one point at the first step
        let mut lopsided: Vec<_> = (0..3_000).map(|i| (0, i)).collect();
        lopsided.push((i64::MAX, 5));
        assert!(check(&lopsided, 100)?.len() >= 2);
        assert_eq!(check(&steps, 2)?.len(), 2);
        assert_eq!(check(&[(7, 7)], 10)?.len(), 1);
        Ok(())
    }
}
