//! How much goes on in an experiment: how many runs it has and when the last one started.

use mlops_core::EventTime;
use rusqlite::params;

use super::{Tracking, log::Reach};
use crate::{ExperimentId, Result, error::During};

/// The runs of an experiment in numbers; deleted ones are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Activity {
    /// How many there are.
    pub runs: u64,
    /// When the latest one started, if there is one.
    pub latest: Option<EventTime>,
}

impl Tracking {
    /// How many runs each of the experiments has, and when the latest one started.
    ///
    /// # Errors
    /// [`Error::Busy`](crate::Error::Busy) or [`Error::Database`](crate::Error::Database).
    ///
    /// # Complexity
    /// A scan of an index over the runs of these experiments.
    pub fn activity(&self, experiments: &[ExperimentId]) -> Result<Vec<Activity>> {
        let counting = "count runs";
        self.registry.look(Reach::Experiments, |tx| {
            let mut count = tx
                .prepare_cached(
                    "SELECT count(*), max(started_us) FROM run
                     WHERE experiment_id = ?1 AND deleted = 0",
                )
                .during(counting)?;
            experiments
                .iter()
                .map(|id| {
                    count
                        .query_row(params![id.row()], |row| {
                            let latest: Option<i64> = row.get(1)?;
                            Ok(Activity {
                                runs: row.get::<_, i64>(0)?.unsigned_abs(),
                                latest: latest.map(EventTime::from_micros),
                            })
                        })
                        .during(counting)
                })
                .collect()
        })
    }
}
