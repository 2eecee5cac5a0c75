//! The population stability index and its law when nothing has changed.
//!
//! The industry reads 0.1 as "look" and 0.2 as "act" on ten bins. These lines know nothing of the
//! sample size: between 1,000 reference rows and 200 current ones a PSI of 0.1 is noise one time
//! in twenty. [`psi_test`] says how likely a value is without drift; the policy asks for both.

use super::{Test, cells::Cells, hypothesis::chi_square_tail};
use crate::Result;

/// The population stability index of two histograms, `Σ (p − q) ln(p / q)`.
///
/// Never negative, the same with both sides exchanged, zero for equal shares, and the sum of
/// [`kl`](super::kl()) in both directions.
///
/// # Errors
/// [`Error::InvalidCount`](crate::Error::InvalidCount), [`Error::Empty`](crate::Error::Empty), or a
/// length mismatch.
///
/// # Units
/// Nats. The input is counts of rows, not shares: an empty cell is set to half a row.
///
/// # Reference
/// Lin 1991 (J-divergence); agrees with the written-out formula in numpy to 1e-12.
#[doc(alias = "PSI")]
#[doc(alias = "population stability index")]
pub fn psi(expected: &[f64], actual: &[f64]) -> Result<f64> {
    Ok(index(&Cells::new(expected, actual)?))
}

/// The index with the chance of one at least as large without drift.
///
/// # Errors
/// As for [`psi`].
///
/// # Reference
/// Without drift PSI is distributed as `(1/N + 1/M) χ²(B − 1)` for `N` and `M` rows in `B` cells
/// (Yurdakul 2018; arXiv 2307.11878). The law counts the sampling error of both sides. It is good
/// where a cell expects five rows or more; below that it calls too much, which is why
/// [`ColumnDrift::p_value`](crate::ColumnDrift::p_value) asks the chi-square test as well.
pub fn psi_test(expected: &[f64], actual: &[f64]) -> Result<Test> {
    let cells = Cells::new(expected, actual)?;
    let (n, m) = cells.rows;
    let statistic = index(&cells);
    let scaled = statistic / (1.0 / n + 1.0 / m);
    Ok(Test {
        statistic,
        p_value: chi_square_tail(scaled, cells.counts.len().saturating_sub(1)),
    })
}

/// The mean of the index when nothing has changed: `(1/N + 1/M)(B − 1)`.
///
/// # Errors
/// As for [`psi`].
pub fn psi_expected_without_drift(expected: &[f64], actual: &[f64]) -> Result<f64> {
    let cells = Cells::new(expected, actual)?;
    let (n, m) = cells.rows;
    Ok((1.0 / n + 1.0 / m) * cells.counts.len().saturating_sub(1) as f64)
}

fn index(cells: &Cells) -> f64 {
    // each term is a product of two numbers of the same sign
    cells.smoothed().map(|(p, q)| (p - q) * (p / q).ln()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_cell_counts_as_half_a_row() {
        let by_hand = |p: f64, q: f64| (p - q) * (p / q).ln();
        let expect = by_hand(10.0 / 10.5, 0.5) + by_hand(0.5 / 10.5, 0.5);
        assert!((psi(&[10.0, 0.0], &[5.0, 5.0]).unwrap() - expect).abs() < 1e-15);
        assert_eq!(psi(&[10.0, 0.0], &[500.0, 0.0]).unwrap(), 0.0);
    }

    #[test]
    fn significance_knows_the_sample_size() {
        let shifted = |n: f64| psi_test(&[n, n, n], &[n, 1.4 * n, n]).unwrap();
        assert_eq!(
            psi_test(&[7.0], &[3.0]).unwrap(),
            Test {
                statistic: 0.0,
                p_value: 1.0
            }
        );
        assert!(shifted(20.0).p_value > 0.3);
        assert!(shifted(2000.0).p_value < 1e-9);
        let noise = psi_expected_without_drift(&[500.0, 500.0], &[100.0, 100.0]).unwrap();
        assert!((noise - 0.006).abs() < 1e-15);
    }
}
