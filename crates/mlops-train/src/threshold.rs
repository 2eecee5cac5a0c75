//! The choice of a threshold: from which score on to act, by cost or by what must be reached.

use mlops_core::metric::Confusion;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, error::require};

/// What a threshold is chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// The lowest cost.
    Cost(Costs),
    /// The highest F-beta; above 1, recall counts more than precision.
    FBeta(f64),
    /// The highest recall among the thresholds with at least this precision.
    Precision(f64),
    /// The highest precision among the thresholds with at least this recall.
    Recall(f64),
}

/// What each outcome of a row costs, in any one unit; a benefit is a cost below 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// A positive row that is acted on.
    pub true_positive: f64,
    /// A negative row that is acted on.
    pub false_positive: f64,
    /// A negative row that is left alone.
    pub true_negative: f64,
    /// A positive row that is missed.
    pub false_negative: f64,
}

/// A threshold and what comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ThresholdPoint {
    /// Rows with this score or a higher one are acted on.
    pub threshold: f64,
    /// What becomes of the rows.
    pub counts: Confusion,
    /// What the aim looks at: the cost a row, the F-beta, the recall or the precision; `None` where it is
    /// not defined or the condition is not met.
    pub value: Option<f64>,
}

/// A chosen threshold and the curve it was chosen from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThresholdChoice {
    /// The chosen point.
    pub chosen: ThresholdPoint,
    /// A point for each distinct score, by falling threshold; before them one that acts on no row.
    pub curve: Vec<ThresholdPoint>,
}

/// The threshold that serves the aim best; of equal ones the highest, which acts on the fewest rows.
///
/// Choose on out-of-fold or held-out scores, and judge the choice on others.
///
/// ```
/// use mlops_train::{Aim, Costs, choose_threshold};
///
/// // a letter costs 1, a customer who is kept brings 5
/// let costs = Costs { true_positive: -4.0, false_positive: 1.0, true_negative: 0.0, false_negative: 0.0 };
/// let labels = [true, false, true, false, false];
/// let found = choose_threshold(&labels, &[0.9, 0.7, 0.6, 0.3, 0.1], Aim::Cost(costs))?;
/// assert_eq!((found.chosen.threshold, found.chosen.value), (0.6, Some(-7.0 / 5.0)));
/// # Ok::<(), mlops_train::Error>(())
/// ```
///
/// # Errors
/// [`Error::InvalidParameter`] for a number of the aim out of its range, [`Error::Unreachable`] if no
/// threshold meets its condition, and those of [`Confusion::at`].
///
/// # Complexity
/// `O(n log n)`.
pub fn choose_threshold(labels: &[bool], scores: &[f64], aim: Aim) -> Result<ThresholdChoice> {
    aim.check()?;
    // refuses no rows, two lengths and scores that are not finite
    let nobody = Confusion::at(labels, scores, f64::INFINITY)?;
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let highest = scores[order[0]];
    let mut curve = vec![aim.point(highest.next_up(), nobody)];
    let mut counts = nobody;
    for (at, row) in order.iter().enumerate() {
        if labels[*row] {
            counts.true_positives += 1;
            counts.false_negatives -= 1;
        } else {
            counts.false_positives += 1;
            counts.true_negatives -= 1;
        }
        let next = order.get(at + 1).map(|next| scores[*next]);
        if next != Some(scores[*row]) {
            curve.push(aim.point(scores[*row], counts));
        }
    }
    let sign = if matches!(aim, Aim::Cost(_)) {
        -1.0
    } else {
        1.0
    };
    let mut best: Option<(f64, &ThresholdPoint)> = None;
    for point in &curve {
        let Some(value) = point.value.map(|value| sign * value) else {
            continue;
        };
        if best.is_none_or(|(most, _)| value > most) {
            best = Some((value, point));
        }
    }
    match best {
        Some((_, chosen)) => Ok(ThresholdChoice {
            chosen: *chosen,
            curve,
        }),
        None => Err(aim.unreachable(&curve)),
    }
}

impl Aim {
    fn check(self) -> Result<()> {
        let share = |name, value: f64| {
            let inside = value > 0.0 && value <= 1.0;
            let rule = "it must lie above 0 and at most at 1";
            require(inside, "threshold", name, &value, rule)
        };
        match self {
            Self::Cost(costs) => {
                for (name, value) in [
                    ("true_positive", costs.true_positive),
                    ("false_positive", costs.false_positive),
                    ("true_negative", costs.true_negative),
                    ("false_negative", costs.false_negative),
                ] {
                    // so that the sum over all rows is a number
                    let inside = value.abs() <= 1e100;
                    let rule = "it must lie in -1e100..=1e100";
                    require(inside, "threshold", name, &value, rule)?;
                }
                Ok(())
            }
            Self::FBeta(beta) => {
                let inside = beta > 0.0 && beta <= 1e6;
                let rule = "it must lie above 0 and at most at 1e6";
                require(inside, "threshold", "beta", &beta, rule)
            }
            Self::Precision(least) => share("precision", least),
            Self::Recall(least) => share("recall", least),
        }
    }

    fn point(self, threshold: f64, counts: Confusion) -> ThresholdPoint {
        let value = match self {
            Self::Cost(costs) => Some(costs.of(&counts)),
            Self::FBeta(beta) => counts.f_beta(beta),
            Self::Precision(least) => {
                let met = counts.precision().is_some_and(|share| share >= least);
                counts.recall().filter(|_| met)
            }
            Self::Recall(least) => {
                let met = counts.recall().is_some_and(|share| share >= least);
                counts.precision().filter(|_| met)
            }
        };
        ThresholdPoint {
            threshold,
            counts,
            value,
        }
    }

    fn unreachable(self, curve: &[ThresholdPoint]) -> Error {
        let (what, wanted, found): (_, _, fn(&Confusion) -> Option<f64>) = match self {
            Self::Cost(_) => ("cost", f64::NAN, |_| None),
            Self::FBeta(_) => ("F-beta", f64::NAN, |counts| counts.f1()),
            Self::Precision(least) => ("precision", least, Confusion::precision),
            Self::Recall(least) => ("recall", least, Confusion::recall),
        };
        let best = curve.iter().filter_map(|point| found(&point.counts));
        Error::Unreachable {
            what,
            wanted,
            best: best.fold(0.0, f64::max),
        }
    }
}

impl Costs {
    /// The mean cost a row.
    pub fn of(&self, counts: &Confusion) -> f64 {
        let rows = counts.true_positives
            + counts.false_positives
            + counts.true_negatives
            + counts.false_negatives;
        let total = self.true_positive * counts.true_positives as f64
            + self.false_positive * counts.false_positives as f64
            + self.true_negative * counts.true_negatives as f64
            + self.false_negative * counts.false_negatives as f64;
        total / rows as f64
    }

    /// The threshold that is best for probabilities that are true: acting pays from there on. `None` if
    /// acting never or always pays.
    ///
    /// # Reference
    /// Elkan 2001.
    pub fn threshold(&self) -> Option<f64> {
        let harm = self.false_positive - self.true_negative;
        let good = self.false_negative - self.true_positive;
        (harm > 0.0 && good > 0.0).then(|| harm / (harm + good))
    }
}

#[cfg(test)]
mod tests {
    use mlops_core::Seed;
    use proptest::prelude::*;

    use super::*;

    const LETTERS: Costs = Costs {
        true_positive: -4.0,
        false_positive: 1.0,
        true_negative: 0.0,
        false_negative: 0.0,
    };

    #[test]
    fn true_probabilities_are_cut_where_acting_begins_to_pay() {
        let mut rng = Seed(1).rng();
        let (labels, scores): (Vec<bool>, Vec<f64>) = (0..20_000)
            .map(|_| {
                let chance = rng.unit();
                (rng.unit() < chance, chance)
            })
            .unzip();
        let found = choose_threshold(&labels, &scores, Aim::Cost(LETTERS)).unwrap();
        assert_eq!(LETTERS.threshold(), Some(0.2));
        assert!(
            (found.chosen.threshold - 0.2).abs() < 0.05,
            "{:?}",
            found.chosen
        );
        let turned = Costs {
            false_positive: -1.0,
            ..LETTERS
        };
        assert_eq!(turned.threshold(), None);
    }

    #[test]
    fn a_condition_that_nobody_meets_is_refused_with_the_best_there_is() {
        let labels = [true, false, false];
        let scores = [0.5, 0.5, 0.1];
        let error = choose_threshold(&labels, &scores, Aim::Precision(0.9)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "no threshold reaches a precision of 0.9; the best is 0.5"
        );
        let found = choose_threshold(&labels, &scores, Aim::Precision(0.5)).unwrap();
        assert_eq!(
            (found.chosen.threshold, found.chosen.value),
            (0.5, Some(1.0))
        );
        let error = choose_threshold(&[false], &[0.5], Aim::Recall(0.5)).unwrap_err();
        assert!(matches!(error, Error::Unreachable { what: "recall", .. }));
    }

    #[test]
    fn acting_on_nobody_may_be_best() {
        let costs = Costs {
            false_positive: 100.0,
            ..LETTERS
        };
        let found = choose_threshold(&[false, true], &[0.9, 0.1], Aim::Cost(costs)).unwrap();
        assert!(found.chosen.threshold > 0.9 && found.chosen.threshold < 0.9001);
        assert_eq!(found.chosen.value, Some(0.0));
    }

    #[test]
    fn numbers_of_the_aim_are_checked() {
        let costs = Costs {
            true_negative: f64::INFINITY,
            ..LETTERS
        };
        for aim in [
            Aim::Cost(costs),
            Aim::FBeta(0.0),
            Aim::FBeta(f64::NAN),
            Aim::Precision(0.0),
            Aim::Recall(1.5),
        ] {
            let error = choose_threshold(&[true], &[0.5], aim);
            assert!(
                matches!(error, Err(Error::InvalidParameter { .. })),
                "{aim:?}"
            );
        }
        assert!(choose_threshold(&[], &[], Aim::Cost(LETTERS)).is_err());
        assert!(choose_threshold(&[true], &[f64::NAN], Aim::Cost(LETTERS)).is_err());
    }

    proptest! {
        #[test]
        fn the_curve_and_the_choice_equal_the_slow_oracle(
            rows in prop::collection::vec((any::<bool>(), 0u8..9), 1..40), pick in 0usize..4,
        ) {
            let (labels, scores): (Vec<bool>, Vec<f64>) =
                rows.into_iter().map(|(label, score)| (label, f64::from(score))).unzip();
            let aim = [Aim::Cost(LETTERS), Aim::FBeta(2.0), Aim::Precision(0.6), Aim::Recall(0.7)][pick];
            let Ok(found) = choose_threshold(&labels, &scores, aim) else {
                return Ok(());
            };
            let mut best = None;
            for point in &found.curve {
                prop_assert_eq!(point.counts, Confusion::at(&labels, &scores, point.threshold).unwrap());
                let better = |a: f64, b: f64| if matches!(aim, Aim::Cost(_)) { a < b } else { a > b };
                if point.value.is_some_and(|v| best.is_none_or(|b| better(v, b))) {
                    best = point.value;
                }
            }
            prop_assert_eq!(found.chosen.value, best);
            let mut distinct = scores.clone();
            distinct.sort_by(f64::total_cmp);
            distinct.dedup();
            prop_assert_eq!(found.curve.len(), distinct.len() + 1);
        }
    }
}
