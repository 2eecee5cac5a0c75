//! Isotonic calibration: the ascending curve nearest to what came true.

use serde::{Deserialize, Serialize};

use super::check;
use crate::Result;

/// A point of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knot {
    /// The score.
    pub score: f64,
    /// The probability there.
    pub probability: f64,
}

/// A curve through knots that never descends: straight between them, level beyond the outermost.
///
/// ```
/// use mlops_train::Isotonic;
///
/// let fit = Isotonic::fit(&[false, true, false, true], &[0.1, 0.2, 0.3, 0.4])?;
/// assert_eq!([fit.apply(0.0), fit.apply(0.25), fit.apply(0.9)], [0.0, 0.5, 1.0]);
/// # Ok::<(), mlops_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Isotonic {
    /// The knots by growing score; at least one.
    pub knots: Vec<Knot>,
}

/// Neighbouring scores that share one level.
#[derive(Debug, Clone, Copy)]
struct Block {
    first: f64,
    last: f64,
    positives: u64,
    rows: u64,
}

impl Block {
    /// Whether the other block, behind this one, lies no higher.
    fn meets(&self, other: &Self) -> bool {
        let (ours, theirs) = (
            u128::from(self.positives) * u128::from(other.rows),
            u128::from(other.positives) * u128::from(self.rows),
        );
        ours >= theirs
    }

    fn level(&self) -> f64 {
        self.positives as f64 / self.rows as f64
    }
}

impl Isotonic {
    /// The ascending curve with the least squared error, by pooling neighbours that descend; rows are
    /// counted in whole numbers, so the levels are exact.
    ///
    /// # Errors
    /// As for [`Sigmoid::fit`](super::Sigmoid::fit).
    ///
    /// # Complexity
    /// `O(n log n)`.
    ///
    /// # Reference
    /// Agrees with `sklearn.isotonic.IsotonicRegression` (`out_of_bounds="clip"`), its thresholds included,
    /// to 1e-12. Zadrozny and Elkan 2002; Barlow et al. 1972.
    pub fn fit(labels: &[bool], scores: &[f64]) -> Result<Self> {
        check("isotonic calibration", labels, scores)?;
        let mut rows: Vec<(f64, bool)> = scores
            .iter()
            .map(|score| score + 0.0) // 0.0 and -0.0 are one score
            .zip(labels.iter().copied())
            .collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut blocks: Vec<Block> = Vec::new();
        for same in rows.chunk_by(|a, b| a.0 == b.0) {
            let mut block = Block {
                first: same[0].0,
                last: same[0].0,
                positives: same.iter().filter(|(_, label)| *label).count() as u64,
                rows: same.len() as u64,
            };
            while let Some(before) = blocks.pop_if(|before| before.meets(&block)) {
                block.first = before.first;
                block.positives += before.positives;
                block.rows += before.rows;
            }
            blocks.push(block);
        }
        let mut knots = Vec::with_capacity(2 * blocks.len());
        for block in blocks {
            let knot = |score| Knot {
                score,
                probability: block.level(),
            };
            knots.push(knot(block.first));
            if block.last > block.first {
                knots.push(knot(block.last));
            }
        }
        Ok(Self { knots })
    }

    /// The probability for a score.
    pub fn apply(&self, score: f64) -> f64 {
        let above = self.knots.partition_point(|knot| knot.score < score);
        let Some(after) = self.knots.get(above) else {
            return self.knots.last().map_or(f64::NAN, |knot| knot.probability);
        };
        if after.score == score || above == 0 {
            return after.probability;
        }
        let before = &self.knots[above - 1];
        let share = (score - before.score) / (after.score - before.score);
        before.probability + share * (after.probability - before.probability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_met_exactly_at_its_knot() {
        let labels = [false, true, true, false, true];
        let fit = Isotonic::fit(&labels, &[0.0, 0.5, -0.0, 0.7, 0.9]).unwrap();
        assert_eq!(fit.apply(0.0), 0.5);
        assert_eq!(fit.apply(0.9), 1.0);
        assert!(fit.knots.is_sorted_by(|a, b| a.score < b.score));
        let text = serde_json::to_string(&fit).unwrap();
        assert_eq!(serde_json::from_str::<Isotonic>(&text).unwrap(), fit);
    }

    #[test]
    fn a_ranking_against_the_labels_is_one_level() {
        let fit = Isotonic::fit(&[true, true, false, false], &[0.1, 0.2, 0.3, 0.4]).unwrap();
        assert_eq!(fit.knots.len(), 2);
        assert_eq!([fit.apply(-1.0), fit.apply(0.25), fit.apply(1.0)], [0.5; 3]);
    }
}
