//! The rows that decide when to stop: the latest ones, as what is predicted comes later still.

use mlops_core::EventTime;

use crate::split::latest_cut;

/// Row numbers to fit on and, behind them in time, row numbers to decide when to stop.
#[derive(Debug, PartialEq)]
pub(crate) struct Holdout {
    pub(crate) fit: Vec<usize>,
    pub(crate) validation: Vec<usize>,
}

impl Holdout {
    /// The latest rows as validation; `None` if there is one instant only, or one class before it.
    #[cfg(any(test, feature = "forust"))]
    pub(crate) fn latest(times: &[EventTime], labels: &[bool], share: f64) -> Option<Self> {
        let held = Self::of(times, share)?;
        let fit = &held.fit;
        let both = [true, false]
            .iter()
            .all(|class| fit.iter().any(|row| labels[*row] == *class));
        both.then_some(held)
    }

    /// The latest rows as validation, whatever the labels; `None` if there is one instant only.
    pub(crate) fn of(times: &[EventTime], share: f64) -> Option<Self> {
        let cut = latest_cut(times, share)?;
        let (fit, validation) = (0..times.len()).partition(|row| times[*row] < cut);
        Some(Self { fit, validation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(seconds: &[i64]) -> Vec<EventTime> {
        seconds
            .iter()
            .map(|s| EventTime::from_seconds(*s))
            .collect()
    }

    #[test]
    fn rows_of_one_instant_stay_together() {
        let labels = [true, false, true, false, true, false];
        let held = Holdout::latest(&times(&[1, 1, 3, 3, 3, 2]), &labels, 0.2).unwrap();
        assert_eq!((held.fit, held.validation), (vec![0, 1, 5], vec![2, 3, 4]));
        assert_eq!(Holdout::latest(&times(&[7; 6]), &labels, 0.2), None);
        let one_class = [true, true, true, false, true, true];
        assert_eq!(
            Holdout::latest(&times(&[1, 1, 3, 3, 3, 2]), &one_class, 0.2),
            None
        );
    }
}
