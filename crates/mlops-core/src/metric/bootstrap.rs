//! How far a metric would move if other rows had been drawn: the percentile bootstrap.
//!
//! The rows are sorted by score once. A resample is drawn as counts a row and written out in
//! that order, so the sort inside a ranking metric meets sorted input and is linear.

use serde::{Deserialize, Serialize};

use super::input::{check, descending};
use crate::{Error, Result, Seed};

/// A metric with the range that its level says it falls in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The metric on the rows themselves.
    pub value: f64,
    /// The lower end.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
    /// The share of resamples between the ends, for instance 0.95.
    pub level: f64,
}

/// A metric with its percentile bootstrap interval; the same seed gives the same interval.
///
/// Resamples for which the metric is not defined, for instance because all their labels are
/// the same, are left out.
///
/// # Errors
/// The metric's own error on the rows, or the last one if no resample has a value;
/// [`Error::InvalidParameter`] if `resamples` is 0 or `level` is not between 0 and 1.
///
/// # Complexity
/// `resamples` times `O(n)` and the metric on sorted rows.
///
/// # Reference
/// Efron and Tibshirani 1993, chapter 13; quantiles as in `numpy.quantile` (method `linear`).
pub fn bootstrap(
    labels: &[bool],
    scores: &[f64],
    metric: impl Fn(&[bool], &[f64]) -> Result<f64>,
    resamples: usize,
    level: f64,
    seed: Seed,
) -> Result<Interval> {
    check_settings(resamples, level)?;
    check("bootstrap", labels, scores)?;
    let value = metric(labels, scores)?;

    let order = descending(scores);
    let rows = order.len();
    let (mut drawn_labels, mut drawn_scores) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    resample(value, rows, resamples, level, seed, |counts| {
        drawn_labels.clear();
        drawn_scores.clear();
        for (row, count) in order.iter().zip(counts) {
            for _ in 0..*count {
                drawn_labels.push(labels[*row]);
                drawn_scores.push(scores[*row]);
            }
        }
        metric(&drawn_labels, &drawn_scores)
    })
}

/// As [`bootstrap`], for any statistic of row numbers; it is asked once for all rows in order, then for
/// each resample, with rows drawn several times standing side by side in ascending order.
///
/// # Errors
/// The statistic's own error on all rows, or the last one if no resample has a value;
/// [`Error::EmptyTable`] without rows, and [`Error::InvalidParameter`] as for [`bootstrap`].
///
/// # Complexity
/// `resamples` times `O(rows)` and the statistic.
pub fn bootstrap_rows<E: From<Error>>(
    rows: usize,
    mut statistic: impl FnMut(&[usize]) -> Result<f64, E>,
    resamples: usize,
    level: f64,
    seed: Seed,
) -> Result<Interval, E> {
    check_settings(resamples, level)?;
    if rows == 0 {
        return Err(E::from(Error::EmptyTable {
            table: "bootstrap".to_owned(),
        }));
    }
    let mut drawn: Vec<usize> = (0..rows).collect();
    let value = statistic(&drawn)?;
    resample(value, rows, resamples, level, seed, |counts| {
        drawn.clear();
        for (row, count) in counts.iter().enumerate() {
            drawn.extend((0..*count).map(|_| row));
        }
        statistic(&drawn)
    })
}

fn check_settings(resamples: usize, level: f64) -> Result<()> {
    if resamples == 0 {
        return Err(Error::InvalidParameter {
            parameter: "resamples",
            value: resamples.to_string(),
            rule: "it must be at least 1",
        });
    }
    if !(level > 0.0 && level < 1.0) {
        return Err(Error::InvalidParameter {
            parameter: "level",
            value: level.to_string(),
            rule: "it must lie between 0 and 1",
        });
    }
    Ok(())
}

/// Draws how often each row is taken, asks for the value of each draw, and cuts off the tails.
fn resample<E>(
    value: f64,
    rows: usize,
    resamples: usize,
    level: f64,
    seed: Seed,
    mut statistic: impl FnMut(&[u32]) -> Result<f64, E>,
) -> Result<Interval, E> {
    let mut rng = seed.rng();
    let mut counts = vec![0u32; rows];
    let mut values = Vec::with_capacity(resamples);
    let mut failure = None;
    for _ in 0..resamples {
        counts.fill(0);
        for _ in 0..rows {
            counts[rng.below(rows)] += 1;
        }
        match statistic(&counts) {
            Ok(value) => values.push(value),
            Err(error) => failure = Some(error),
        }
    }
    if values.is_empty()
        && let Some(error) = failure
    {
        return Err(error);
    }
    values.sort_by(f64::total_cmp);
    let tail = (1.0 - level) / 2.0;
    Ok(Interval {
        value,
        lower: quantile(&values, tail),
        upper: quantile(&values, 1.0 - tail),
        level,
    })
}

/// The quantile of sorted values, linear between neighbours.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the last position"
    )]
    let below = at.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (at - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{brier, pr_auc, roc_auc};

    fn sample(rows: usize, seed: u64) -> (Vec<bool>, Vec<f64>) {
        let mut rng = Seed(seed).rng();
        (0..rows)
            .map(|_| {
                let score = rng.unit();
                (rng.unit() < score, score)
            })
            .unzip()
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let (labels, scores) = sample(200, 1);
        let run = |seed| bootstrap(&labels, &scores, pr_auc, 100, 0.9, Seed(seed)).unwrap();
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
        let interval = run(3);
        assert!(interval.lower < interval.value && interval.value < interval.upper);
    }

    #[test]
    fn the_truth_lies_inside_about_as_often_as_promised() {
        // the score is the probability itself, so that the areas have known values
        let truth = 5.0 / 6.0;
        let inside = (0..200)
            .filter(|seed| {
                let (labels, scores) = sample(150, *seed);
                let i = bootstrap(&labels, &scores, roc_auc, 150, 0.9, Seed(*seed)).unwrap();
                i.lower <= truth && truth <= i.upper
            })
            .count();
        assert!((165..=195).contains(&inside), "{inside} of 200");
    }

    #[test]
    fn resamples_of_one_class_are_left_out() {
        let interval = bootstrap(
            &[true, false, false],
            &[0.9, 0.2, 0.1],
            roc_auc,
            50,
            0.9,
            Seed(1),
        )
        .unwrap();
        assert_eq!((interval.lower, interval.upper), (1.0, 1.0));
    }

    #[test]
    fn settings_and_rows_are_checked() {
        let run = |labels: &[bool], scores: &[f64], n, level| {
            bootstrap(labels, scores, brier, n, level, Seed(1))
        };
        assert!(run(&[true], &[0.5], 0, 0.9).is_err());
        for level in [0.0, 1.0, f64::NAN] {
            assert!(run(&[true], &[0.5], 10, level).is_err());
        }
        assert!(matches!(
            run(&[], &[], 10, 0.9),
            Err(Error::EmptyTable { .. })
        ));
        assert!(matches!(
            run(&[true], &[2.0], 10, 0.9),
            Err(Error::InvalidScore { .. })
        ));
    }

    #[test]
    fn rows_are_drawn_as_for_two_classes() {
        // counts of rows are the same draws; the scores descend, so that both orders are one
        let labels = [true, true, false, true, false];
        let scores = [0.9, 0.7, 0.5, 0.3, 0.1];
        let pairs = bootstrap(&labels, &scores, brier, 100, 0.9, Seed(5)).unwrap();
        let pick = |rows: &[usize]| {
            let labels: Vec<bool> = rows.iter().map(|row| labels[*row]).collect();
            let scores: Vec<f64> = rows.iter().map(|row| scores[*row]).collect();
            brier(&labels, &scores)
        };
        assert_eq!(bootstrap_rows(5, pick, 100, 0.9, Seed(5)).unwrap(), pairs);
        let zero = |_: &[usize]| Ok::<_, Error>(0.0);
        assert!(bootstrap_rows(0, zero, 100, 0.9, Seed(5)).is_err());
        assert!(bootstrap_rows(1, zero, 0, 0.9, Seed(5)).is_err());
    }

    #[test]
    fn quantiles_lie_between_their_neighbours() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 0.25), 1.5);
        assert_eq!(quantile(&[1.0], 0.9), 1.0);
    }
}
