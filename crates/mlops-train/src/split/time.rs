//! Splits in time: what is evaluated on comes after what was trained on, never mixed.
//!
//! Rows of one instant are never torn apart. A label that looks ahead ("no purchase in the next 90
//! days") is known only later, so the rows just before a cut have seen the future of the rows
//! behind it; [`split_with_gap`] leaves them out.

use mlops_core::{EventTime, Span, TrainingSet};

use crate::{Error, Result, error::require};

/// The rows at least `gap` before `at`, and the rows from `at` on; what lies between is left out.
///
/// Give the length of the label's horizon as the gap.
///
/// # Errors
/// [`Error::EmptySplit`] if either side has no rows.
///
/// # Reference
/// The purge of López de Prado 2018, chapter 7.
pub fn split_with_gap(
    set: &TrainingSet,
    at: EventTime,
    gap: Span,
) -> Result<(TrainingSet, TrainingSet)> {
    let times = set.event_times();
    let until = at - gap;
    let before = times
        .iter()
        .map(|t| *t < at && *t <= until)
        .collect::<Vec<_>>();
    let after = times.iter().map(|t| *t >= at).collect::<Vec<_>>();
    for (side, kept) in [("before it", &before), ("from it on", &after)] {
        if !kept.contains(&true) {
            return Err(Error::EmptySplit {
                rows: set.rows(),
                side,
            });
        }
    }
    Ok((set.filter(&before)?, set.filter(&after)?))
}

/// The earlier rows and the latest ones, about `share` of all.
///
/// # Errors
/// [`Error::InvalidParameter`] if `share` is not between 0 and 1, [`Error::EmptySplit`] if all rows
/// have one instant.
pub fn split_latest(set: &TrainingSet, share: f64) -> Result<(TrainingSet, TrainingSet)> {
    let inside = share > 0.0 && share < 1.0;
    require(
        inside,
        "split",
        "share",
        &share,
        "it must lie between 0 and 1",
    )?;
    let times = set.event_times();
    let cut = latest_cut(&times, share).ok_or(Error::EmptySplit {
        rows: set.rows(),
        side: "before it",
    })?;
    split_with_gap(set, cut, Span::ZERO)
}

/// The instant from which on the share of rows is nearest to `share`; `None` if there is one instant only.
pub(crate) fn latest_cut(times: &[EventTime], share: f64) -> Option<EventTime> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let wanted = (1.0 - share) * sorted.len() as f64;
    (1..sorted.len())
        .filter(|at| sorted[*at] > sorted[at - 1])
        .min_by(|a, b| {
            (*a as f64 - wanted)
                .abs()
                .total_cmp(&(*b as f64 - wanted).abs())
        })
        .map(|at| sorted[at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::planted;

    fn times(seconds: &[i64]) -> Vec<EventTime> {
        seconds
            .iter()
            .map(|s| EventTime::from_seconds(*s))
            .collect()
    }

    #[test]
    fn the_nearest_cut_is_taken() {
        let all: Vec<i64> = (0..100).collect();
        assert_eq!(
            latest_cut(&times(&all), 0.2),
            Some(EventTime::from_seconds(80))
        );
    }

    #[test]
    fn a_gap_keeps_labels_of_the_future_out() {
        let set = planted(100, 1);
        let at = set.event_times()[60];
        let (before, after) = split_with_gap(&set, at, Span::ZERO).unwrap();
        assert_eq!((before.rows(), after.rows()), (60, 40));
        let (gapped, after) = split_with_gap(&set, at, Span::days(10)).unwrap();
        assert_eq!((gapped.rows(), after.rows()), (51, 40));
        assert!(
            gapped
                .event_times()
                .iter()
                .all(|t| *t + Span::days(10) <= at)
        );
        assert!(matches!(
            split_with_gap(&set, at, Span::days(1000)),
            Err(Error::EmptySplit { .. })
        ));
    }

    #[test]
    fn shares_are_checked() {
        let set = planted(50, 1);
        let (early, late) = split_latest(&set, 0.2).unwrap();
        assert_eq!((early.rows(), late.rows()), (40, 10));
        for bad in [0.0, 1.0, -1.0, f64::NAN] {
            assert!(matches!(
                split_latest(&set, bad),
                Err(Error::InvalidParameter {
                    parameter: "share",
                    ..
                })
            ));
        }
    }
}
