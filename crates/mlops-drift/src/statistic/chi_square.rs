//! The chi-square test that two histograms come from one law.

use super::{Test, cells::Cells, hypothesis::chi_square_tail};
use crate::Result;

/// Pearson's test of homogeneity on the two histograms as a table of two rows.
///
/// Both sides carry sampling error, so the reference is not taken for the truth: treating it so
/// inflates the statistic by `1 + M/N` and calls drift in most windows.
///
/// # Errors
/// As for [`psi`](super::psi()).
///
/// # Reference
/// Pearson 1900; `scipy.stats.chi2_contingency(correction=False)` to 1e-10.
#[doc(alias = "chi2")]
pub fn chi_square(expected: &[f64], actual: &[f64]) -> Result<Test> {
    let cells = Cells::new(expected, actual)?;
    let (n, m) = cells.rows;
    let statistic = cells
        .counts
        .iter()
        .map(|(e, a)| {
            // the two cells of a column miss their expectation by the same amount
            let pooled = (e + a) / (n + m);
            let miss = e - n * pooled;
            miss * miss / pooled * (1.0 / n + 1.0 / m)
        })
        .sum();
    Ok(Test {
        statistic,
        p_value: chi_square_tail(statistic, cells.counts.len().saturating_sub(1)),
    })
}
