//! Walking forward in time: each fold is judged by rows later than all it was fitted on.

use mlops_core::{EventTime, Span, TrainingSet};

use super::{Cut, Folds, Plan, Splitter, check_folds};
use crate::{Error, Result, error::require};

/// The rows behind a moving cut in time as test, rows before it to fit on.
///
/// Rows of the test's first instant are never fitted on. Give the length of the label's horizon as the
/// [gap](TimeSeries::gap), so that no label that is fitted on reaches into the test.
///
/// ```
/// use mlops_core::EventTime;
/// use mlops_train::TimeSeries;
///
/// let days: Vec<EventTime> = (0..6).map(|day| EventTime::from_seconds(day * 86_400)).collect();
/// let folds: Vec<_> = TimeSeries::expanding(2).split(&days)?.collect();
/// assert_eq!((folds[0].train.as_slice(), folds[0].test.as_slice()), (&[0, 1][..], &[2, 3][..]));
/// assert_eq!(folds[1].train, [0, 1, 2, 3]);
/// # Ok::<(), mlops_train::Error>(())
/// ```
///
/// # Reference
/// Where all times differ and no span is given, the folds are those of
/// `sklearn.model_selection.TimeSeriesSplit` with `test_size`, `max_train_size` and `gap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSeries {
    folds: u32,
    test_rows: Option<usize>,
    train_rows: Option<usize>,
    gap_rows: usize,
    window: Option<Span>,
    gap: Span,
}

impl TimeSeries {
    /// Fits on all rows before the cut.
    pub fn expanding(folds: u32) -> Self {
        Self {
            folds,
            test_rows: None,
            train_rows: None,
            gap_rows: 0,
            window: None,
            gap: Span::ZERO,
        }
    }

    /// Fits on the rows at most `window` before the last one that may be fitted on.
    pub fn sliding(folds: u32, window: Span) -> Self {
        Self {
            window: Some(window),
            ..Self::expanding(folds)
        }
    }

    /// So many rows a test; otherwise the rows over `folds + 1`, rounded down.
    #[must_use]
    pub fn test_rows(mut self, rows: usize) -> Self {
        self.test_rows = Some(rows);
        self
    }

    /// At most so many rows to fit on, the latest ones.
    #[must_use]
    pub fn train_rows(mut self, rows: usize) -> Self {
        self.train_rows = Some(rows);
        self
    }

    /// So many rows before each test are left out.
    #[must_use]
    pub fn gap_rows(mut self, rows: usize) -> Self {
        self.gap_rows = rows;
        self
    }

    /// Rows less than `gap` before a test are left out.
    #[must_use]
    pub fn gap(mut self, gap: Span) -> Self {
        self.gap = gap;
        self
    }

    /// The folds of rows with these times, in any order.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for no folds or no rows a test, [`Error::Unsplittable`] naming the fold
    /// that would have nothing to fit on.
    pub fn split(&self, times: &[EventTime]) -> Result<Folds> {
        let rows = times.len();
        check_folds("time series", self.folds, 1, rows)?;
        for (name, value) in [
            ("test_rows", self.test_rows),
            ("train_rows", self.train_rows),
        ] {
            require(
                value != Some(0),
                "time series",
                name,
                &0,
                "it must be at least 1",
            )?;
        }
        let folds = self.folds as usize;
        let test_rows = self.test_rows.unwrap_or(rows / (folds + 1));
        let refuse = |reason: String| Error::Unsplittable {
            splitter: "time series",
            folds: self.folds,
            reason,
        };
        let tests = folds.checked_mul(test_rows).filter(|tests| *tests < rows);
        let Some(tests) = tests.filter(|tests| *tests > 0) else {
            return Err(refuse(format!(
                "{test_rows} rows a test leave none to fit on of {rows}"
            )));
        };
        let order = by_time(times);
        let time = |at: usize| times[order[at] as usize];
        let cuts = (0..folds).map(|fold| {
            let start = rows - tests + fold * test_rows;
            let first = time(start);
            let end = start.saturating_sub(self.gap_rows);
            let late = |row: &u32| {
                let time = times[*row as usize];
                time < first && time <= first - self.gap
            };
            let end = order[..end].partition_point(late);
            let mut begin = self.train_rows.map_or(0, |most| end.saturating_sub(most));
            if let (Some(window), true) = (self.window, end > 0) {
                let oldest = time(end - 1) - window;
                begin =
                    begin.max(order[..end].partition_point(|row| times[*row as usize] < oldest));
            }
            if begin == end {
                return Err(refuse(format!(
                    "fold {fold} has no rows to fit on before {first}"
                )));
            }
            Ok(Cut {
                before: begin..end,
                test: start..start + test_rows,
                behind: 0..0,
            })
        });
        let cuts = cuts.collect::<Result<_>>()?;
        Ok(Folds::new(vec![Plan::Cuts { order, cuts }]))
    }
}

impl Splitter for TimeSeries {
    fn name(&self) -> &'static str {
        "time series"
    }

    fn folds(&self, set: &TrainingSet) -> Result<Folds> {
        self.split(&set.event_times())
    }
}

/// Row numbers from the earliest to the latest; rows of one instant keep their order.
pub(super) fn by_time(times: &[EventTime]) -> Vec<u32> {
    let mut order: Vec<u32> = (0u32..).take(times.len()).collect();
    order.sort_by_key(|row| times[*row as usize]);
    order
}
