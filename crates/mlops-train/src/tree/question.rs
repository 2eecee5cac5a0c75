//! The best question about some rows, as linfa finds it.
//!
//! linfa's tree predicts classes, and prunes two leaves that predict the same one. With rare
//! positives nearly all leaves do, and the tree would shrink to its root. So it is asked for one
//! split at a time, on weights that make both classes equally heavy among the rows at hand: then
//! the two sides of a useful split never predict the same class.
//!
//! It sees ranks in place of values: its sort misplaces NaN, and it takes values closer than
//! 1e-5 for the same.

use linfa::{Dataset, traits::Fit};
use linfa_trees::{DecisionTree as Engine, SplitQuality};
use ndarray::{Array1, Array2};

use crate::{Error, Result};

/// Columns of numbers as dense ranks, with the values behind them.
#[derive(Debug)]
pub(super) struct Ranks {
    /// `[column][row]`.
    ranks: Vec<Vec<u32>>,
    /// `[column][rank]`, rising.
    values: Vec<Vec<f64>>,
}

/// A split: rows whose value is at most the threshold go left.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Question {
    pub(super) column: usize,
    pub(super) threshold: f64,
    pub(super) left: Vec<usize>,
    pub(super) right: Vec<usize>,
    /// The fall of the Gini impurity on equally heavy classes, 0 to 0.5.
    pub(super) gain: f64,
}

impl Ranks {
    /// Ranks every column of a row-major matrix without NaN.
    pub(super) fn new(values: &[f64], width: usize) -> Self {
        let column = |at: usize| values.iter().skip(at).step_by(width).copied();
        let (mut ranks, mut distinct) = (Vec::new(), Vec::new());
        for at in 0..width {
            let mut sorted: Vec<f64> = column(at).collect();
            sorted.sort_unstable_by(f64::total_cmp);
            sorted.dedup();
            let rank = |value: f64| {
                let below = sorted.partition_point(|other| *other < value);
                u32::try_from(below).expect("a table has fewer than 2^32 rows")
            };
            ranks.push(column(at).map(rank).collect());
            distinct.push(sorted);
        }
        Self {
            ranks,
            values: distinct,
        }
    }

    /// The best split of `rows` that leaves at least `min_leaf` rows on each side, if there is one.
    pub(super) fn ask(
        &self,
        rows: &[usize],
        labels: &[bool],
        min_leaf: usize,
    ) -> Result<Option<Question>> {
        let positives = rows.iter().filter(|row| labels[**row]).count();
        if positives == 0 || positives == rows.len() || rows.len() < 2 * min_leaf {
            return Ok(None);
        }
        let rare = 2 * positives <= rows.len();
        let few = positives.min(rows.len() - positives);
        let (heavy, light) = weights(few, rows.len() - few);
        let weigh = |row: &usize| if labels[*row] == rare { heavy } else { light };
        let weights: Array1<f32> = rows.iter().map(weigh).collect();
        let classes: Array1<bool> = rows.iter().map(|row| labels[*row]).collect();
        let records = Array2::from_shape_fn((rows.len(), self.ranks.len()), |(at, column)| {
            f64::from(self.ranks[column][rows[at]])
        });
        let dataset = Dataset::new(records, classes).with_weights(weights);

        // linfa bounds the weight of a side, here a number of rows is meant: begin with the weight
        // that such a side has at least, and go up until the rows are enough
        let mut bound = min_leaf as f32 * light;
        let enough = min_leaf as f32 * heavy;
        loop {
            let Some(question) = self.split(&dataset, rows, bound)? else {
                return Ok(None);
            };
            if question.left.len().min(question.right.len()) >= min_leaf {
                return Ok(Some(question));
            }
            if bound >= enough {
                return Ok(None);
            }
            bound *= 2.0;
        }
    }

    fn split(
        &self,
        dataset: &Dataset<f64, bool, ndarray::Ix1>,
        rows: &[usize],
        min_weight: f32,
    ) -> Result<Option<Question>> {
        let stump = Engine::params()
            .split_quality(SplitQuality::Gini)
            .max_depth(Some(1))
            .min_weight_leaf(min_weight)
            .fit(dataset)
            .map_err(|error| Error::Engine {
                engine: "linfa-trees",
                reason: error.to_string(),
            })?;
        let root = stump.root_node();
        if root.is_leaf() {
            return Ok(None);
        }
        let (column, middle, gain) = root.split();
        let rank = |row: &usize| self.ranks[column][*row];
        let (left, right): (Vec<usize>, Vec<usize>) = rows
            .iter()
            .copied()
            .partition(|row| f64::from(rank(row)) <= middle);
        let (Some(below), Some(above)) =
            (left.iter().map(rank).max(), right.iter().map(rank).min())
        else {
            return Ok(None);
        };
        let values = &self.values[column];
        let (below, above) = (values[below as usize], values[above as usize]);
        Ok(Some(Question {
            column,
            threshold: between(below, above),
            left,
            right,
            gain,
        }))
    }
}

/// The weights of a row of the smaller and of the larger class, such that the classes weigh about the
/// same.
///
/// Both are whole and their sums stay below 2^24, so linfa's sums in single precision are exact. One is
/// odd and the other a power of two, so that hardly any set of rows is split evenly between the classes:
/// which of them linfa predicts for such a set is up to the order of a hash map.
fn weights(few: usize, many: usize) -> (f32, f32) {
    const EXACT: usize = 1 << 23;
    let mut light = 1024;
    while light > 1 && light * many > EXACT {
        light /= 2;
    }
    let heavy = ((2 * light * many).div_ceil(few) / 2) | 1;
    (heavy as f32, light as f32)
}

/// A number that is at least `below` and less than `above`, half-way where there is room.
fn between(below: f64, above: f64) -> f64 {
    let middle = below / 2.0 + above / 2.0;
    if middle >= below && middle < above {
        middle
    } else {
        below
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The best split by trying all of them.
    fn slow(values: &[f64], labels: &[bool], min_leaf: usize) -> f64 {
        let total = |class: bool| labels.iter().filter(|l| **l == class).count() as f64;
        let gini = |p: f64, n: f64| {
            if p + n == 0.0 {
                0.0
            } else {
                2.0 * p * n / (p + n)
            }
        };
        let mut best = 0.0f64;
        for threshold in values {
            let left: Vec<usize> = (0..values.len())
                .filter(|i| values[*i] <= *threshold)
                .collect();
            if left.len() < min_leaf || values.len() - left.len() < min_leaf {
                continue;
            }
            let share = |class: bool| {
                left.iter().filter(|i| labels[**i] == class).count() as f64 / total(class)
            };
            let (p, n) = (share(true), share(false));
            let gain = 0.5 - f64::midpoint(gini(p, n), gini(1.0 - p, 1.0 - n));
            best = best.max(gain);
        }
        best
    }

    #[test]
    fn a_rare_class_is_still_split_on() {
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        let labels: Vec<bool> = (0..1000).map(|i| i >= 900 && i % 10 == 0).collect();
        let rows: Vec<usize> = (0..1000).collect();
        let question = Ranks::new(&values, 1)
            .ask(&rows, &labels, 5)
            .unwrap()
            .unwrap();
        assert_eq!((question.column, question.threshold), (0, 899.5));
        assert_eq!((question.left.len(), question.right.len()), (900, 100));
    }

    #[test]
    fn values_that_nearly_touch_are_told_apart() {
        let values = [1e-9, 2e-9, 3e-9, 4e-9];
        let labels = [false, false, true, true];
        let question = Ranks::new(&values, 1)
            .ask(&[0, 1, 2, 3], &labels, 1)
            .unwrap()
            .unwrap();
        assert_eq!(question.left, [0, 1]);
        assert_eq!(between(1.0, 1.0f64.next_up()), 1.0);
        assert_eq!(between(-f64::MAX, f64::MAX), 0.0);
    }

    #[test]
    fn rows_of_one_class_raise_no_question() {
        let ranks = Ranks::new(&[1.0, 2.0, 3.0], 1);
        assert_eq!(ranks.ask(&[0, 1], &[true, true, false], 1).unwrap(), None);
        assert_eq!(
            ranks.ask(&[0, 1, 2], &[true, true, false], 2).unwrap(),
            None
        );
    }

    #[test]
    fn weights_balance_the_classes_and_add_up_exactly() {
        for (few, many) in [
            (1, 1),
            (3, 7),
            (10, 90_000),
            (40_000, 60_000),
            (1, 3_000_000),
        ] {
            let (heavy, light) = weights(few, many);
            let (few, many) = (few as f32 * heavy, many as f32 * light);
            assert!((few / many - 1.0).abs() < 0.02, "{few} against {many}");
            assert!(few + many < (1 << 24) as f32 && heavy % 2.0 == 1.0);
        }
    }

    proptest! {
        #[test]
        fn the_split_is_as_good_as_the_best_of_all(
            rows in prop::collection::vec((0u8..10, any::<bool>()), 4..40),
            min_leaf in 1usize..4,
        ) {
            let (values, labels): (Vec<f64>, Vec<bool>) =
                rows.into_iter().map(|(v, l)| (f64::from(v), l)).unzip();
            let all: Vec<usize> = (0..values.len()).collect();
            let found = Ranks::new(&values, 1).ask(&all, &labels, min_leaf).unwrap();
            if let Some(question) = &found {
                prop_assert!(question.left.len() >= min_leaf && question.right.len() >= min_leaf);
                for row in &all {
                    prop_assert_eq!(values[*row] <= question.threshold, question.left.contains(row));
                }
            }
            // with one row a side linfa's bound is exact, so the optimum is known
            if min_leaf == 1 && labels.contains(&true) && labels.contains(&false) {
                let best = slow(&values, &labels, 1);
                // below that, linfa may call a split useless
                if best > 2e-3 {
                    let gain = found.map_or(0.0, |question| question.gain);
                    prop_assert!((gain - best).abs() < 2e-3, "{gain} is not {best}");
                }
            }
        }
    }
}
