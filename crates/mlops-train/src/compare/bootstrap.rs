//! The paired bootstrap: both candidates are judged on the same drawn rows.

use mlops_core::{Seed, metric};

use super::{Comparison, PairedTest};
use crate::{
    Metric, Result, Truth,
    measure::{check_shape, take_rows},
};

/// The difference of a metric between two candidates on the same rows, with its percentile interval.
///
/// The p-value is twice the share of resamples on the rarer side of 0, counted as `(k + 1) / (n + 1)`, so it
/// is never 0. Resamples for which the metric is not defined are left out.
///
/// # Shapes
/// `first` and `second` `[rows, truth.width()]`, row-major.
///
/// # Errors
/// The metric's own, a length that does not fit, and settings out of their range.
///
/// # Complexity
/// `resamples` times `O(rows)` and the metric, twice.
///
/// # Reference
/// Efron and Tibshirani 1993, chapters 13 and 16.
pub fn paired_bootstrap(
    metric: &dyn Metric,
    truth: &Truth,
    first: &[f64],
    second: &[f64],
    resamples: usize,
    level: f64,
    seed: Seed,
) -> Result<Comparison> {
    check_shape(truth, first)?;
    check_shape(truth, second)?;
    let width = truth.width();
    let (mut at_most, mut at_least, mut drawn) = (0u64, 0u64, 0u64);
    let mut whole = true;
    let difference = metric::bootstrap_rows(
        truth.rows(),
        |rows| {
            let truth = truth.take(rows);
            let value = |answers| metric.value(&truth, &take_rows(answers, width, rows));
            let difference = value(first)? - value(second)?;
            // the first call is for the rows themselves
            if !std::mem::take(&mut whole) {
                drawn += 1;
                at_most += u64::from(difference <= 0.0);
                at_least += u64::from(difference >= 0.0);
            }
            Ok::<_, crate::Error>(difference)
        },
        resamples,
        level,
        seed,
    )?;
    let rarer = at_most.min(at_least) + 1;
    Ok(Comparison {
        test: PairedTest::PairedBootstrap,
        difference,
        p_value: (2.0 * rarer as f64 / (drawn + 1) as f64).min(1.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Measure;

    fn sample(seed: u64) -> (Truth, Vec<f64>, Vec<f64>) {
        let mut rng = Seed(seed).rng();
        let truth: Vec<f64> = (0..150).map(|_| rng.normal()).collect();
        let near: Vec<f64> = truth.iter().map(|y| y + 0.5 * rng.normal()).collect();
        let far: Vec<f64> = truth.iter().map(|y| y + 0.7 * rng.normal()).collect();
        (Truth::Number(truth), near, far)
    }

    #[test]
    fn a_real_difference_is_seen_and_none_is_not() {
        let (truth, near, far) = sample(1);
        let run =
            |a, b| paired_bootstrap(&Measure::Rmse, &truth, a, b, 500, 0.95, Seed(1)).unwrap();
        let found = run(&near, &far);
        assert!(
            found.difference.upper < 0.0 && found.p_value < 0.02,
            "{found:?}"
        );
        let turned = run(&far, &near);
        assert!((turned.difference.lower + found.difference.upper).abs() < 1e-12);
        assert_eq!(turned.p_value, found.p_value);
        let same = run(&near, &near);
        assert_eq!((same.difference.value, same.p_value), (0.0, 1.0));
    }

    #[test]
    fn chance_alone_is_called_a_difference_as_often_as_promised() {
        let wrong = (0..200)
            .filter(|seed| {
                let mut rng = Seed(1000 + seed).rng();
                let truth: Vec<f64> = (0..60).map(|_| rng.normal()).collect();
                let guess = |rng: &mut mlops_core::Rng| -> Vec<f64> {
                    truth.iter().map(|y| y + rng.normal()).collect()
                };
                let (a, b) = (guess(&mut rng), guess(&mut rng));
                let truth = Truth::Number(truth.clone());
                paired_bootstrap(&Measure::Mae, &truth, &a, &b, 200, 0.9, Seed(*seed))
                    .unwrap()
                    .p_value
                    < 0.1
            })
            .count();
        assert!((8..=36).contains(&wrong), "{wrong} of 200 at 0.1");
    }
}
