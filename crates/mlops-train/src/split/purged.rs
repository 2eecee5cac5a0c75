//! Folds in time that are fitted on both sides of the test, with the rows that know too much left out.

use mlops_core::{EventTime, Span, TrainingSet};

use super::{Cut, Folds, Plan, Splitter, check_folds, runs, series::by_time};
use crate::{Error, Result};

/// Runs of neighbouring rows in time as tests; fits on earlier and on later rows whose labels do not
/// overlap with those of the test.
///
/// A label made at `t` with horizon `h` knows `t..t + h`. A row before the test is left out unless
/// `t + h` is at or before the test's first time, a row behind it unless `t` is at or behind the
/// test's last time plus `h` and the embargo. Rows of the test's first and last instant are left out.
///
/// Every row is judged by once, which [`TimeSeries`](super::TimeSeries) cannot offer; but it also fits on
/// the future, so use it to compare, not to say how good the model will be.
///
/// # Reference
/// López de Prado 2018, chapter 7 (purging and embargo).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PurgedKFold {
    folds: u32,
    horizon: Span,
    embargo: Span,
}

impl PurgedKFold {
    /// So many runs, for labels that look `horizon` ahead.
    pub fn new(folds: u32, horizon: Span) -> Self {
        Self {
            folds,
            horizon,
            embargo: Span::ZERO,
        }
    }

    /// Leaves out that much more behind each test, for features that look back.
    #[must_use]
    pub fn embargo(mut self, embargo: Span) -> Self {
        self.embargo = embargo;
        self
    }

    /// The folds of rows with these times, in any order.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for fewer than two folds, [`Error::Unsplittable`] naming the fold that
    /// would have nothing to fit on.
    pub fn split(&self, times: &[EventTime]) -> Result<Folds> {
        check_folds("purged k-fold", self.folds, 2, times.len())?;
        let order = by_time(times);
        let time = |at: usize| times[order[at] as usize];
        let cuts = runs(times.len(), self.folds)
            .enumerate()
            .map(|(fold, test)| {
                let (first, last) = (time(test.start), time(test.end - 1));
                let from = last + self.horizon + self.embargo;
                let end = order[..test.start].partition_point(|row| {
                    let time = times[*row as usize];
                    time < first && time + self.horizon <= first
                });
                let behind = order[test.end..].partition_point(|row| {
                    let time = times[*row as usize];
                    time <= last || time < from
                });
                let cut = Cut {
                    before: 0..end,
                    behind: test.end + behind..times.len(),
                    test,
                };
                if cut.before.is_empty() && cut.behind.is_empty() {
                    return Err(Error::Unsplittable {
                        splitter: "purged k-fold",
                        folds: self.folds,
                        reason: format!(
                            "fold {fold} has no rows to fit on outside {first} to {from}"
                        ),
                    });
                }
                Ok(cut)
            });
        let cuts = cuts.collect::<Result<_>>()?;
        Ok(Folds::new(vec![Plan::Cuts { order, cuts }]))
    }
}

impl Splitter for PurgedKFold {
    fn name(&self) -> &'static str {
        "purged k-fold"
    }

    fn folds(&self, set: &TrainingSet) -> Result<Folds> {
        self.split(&set.event_times())
    }
}
