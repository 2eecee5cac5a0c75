//! Two checked histograms over the same cells.

use crate::{Error, Result};

/// Counts of both sides without the cells that are empty in both.
pub(crate) struct Cells {
    pub(crate) counts: Vec<(f64, f64)>,
    /// Rows on the expected and on the actual side.
    pub(crate) rows: (f64, f64),
}

impl Cells {
    pub(crate) fn new(expected: &[f64], actual: &[f64]) -> Result<Self> {
        if expected.len() != actual.len() {
            return Err(mlops_core::Error::LengthMismatch {
                what: "expected and actual cells",
                left: expected.len(),
                right: actual.len(),
            }
            .into());
        }
        let rows = (
            total("expected", "expected histogram", expected)?,
            total("actual", "actual histogram", actual)?,
        );
        let pairs = expected.iter().copied().zip(actual.iter().copied());
        Ok(Self {
            counts: pairs.filter(|(e, a)| *e > 0.0 || *a > 0.0).collect(),
            rows,
        })
    }

    /// The shares of both sides, cell by cell.
    pub(crate) fn shares(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let (n, m) = self.rows;
        self.counts.iter().map(move |(e, a)| (e / n, a / m))
    }

    /// The shares when an empty cell holds half a row; each side sums to one and none is zero.
    pub(crate) fn smoothed(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let fill = |count: f64| if count > 0.0 { count } else { 0.5 };
        let n: f64 = self.counts.iter().map(|(e, _)| fill(*e)).sum();
        let m: f64 = self.counts.iter().map(|(_, a)| fill(*a)).sum();
        self.counts
            .iter()
            .map(move |(e, a)| (fill(*e) / n, fill(*a) / m))
    }
}

fn total(side: &'static str, what: &'static str, counts: &[f64]) -> Result<f64> {
    let bad = |count: &f64| !count.is_finite() || *count < 0.0;
    if let Some(cell) = counts.iter().position(bad) {
        return Err(Error::InvalidCount {
            side,
            cell,
            value: counts[cell],
        });
    }
    let rows: f64 = counts.iter().sum();
    if rows > 0.0 && rows.is_finite() {
        Ok(rows)
    } else {
        Err(Error::Empty { what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_histogram_is_named() {
        let text = |e: &[f64], a: &[f64]| Cells::new(e, a).err().unwrap().to_string();
        assert_eq!(
            text(&[1.0], &[1.0, 2.0]),
            "expected and actual cells: 1 values meet 2"
        );
        assert_eq!(text(&[0.0], &[1.0]), "the expected histogram is empty");
        assert_eq!(
            text(&[1.0], &[]).len(),
            "expected and actual cells: 1 values meet 0".len()
        );
        assert_eq!(text(&[], &[]), "the expected histogram is empty");
        for bad in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(text(&[1.0, 2.0], &[1.0, bad]).starts_with("cell 1 of the actual counts"));
        }
    }
}
