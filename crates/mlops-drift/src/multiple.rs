//! Correction of p-values for having looked at many columns.
//!
//! Fifty columns tested at 0.05 call two or three of them in every window without any drift. An
//! adjusted p-value can be held against the rate that was meant for the whole family.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How p-values of one family are adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Correction {
    /// [`holm`]: bounds the chance of *any* false call, however the columns depend on each other.
    #[default]
    Holm,
    /// [`benjamini_hochberg`]: bounds the expected share of false ones among the calls; finds more.
    BenjaminiHochberg,
}

impl Correction {
    /// The adjusted p-values, in the order given.
    ///
    /// # Errors
    /// [`Error::InvalidPValue`] for a number outside `0..=1`.
    pub fn adjust(self, p_values: &[f64]) -> Result<Vec<f64>> {
        match self {
            Self::Holm => holm(p_values),
            Self::BenjaminiHochberg => benjamini_hochberg(p_values),
        }
    }
}

/// Holm's step-down adjustment: controls the family-wise error rate under any dependence.
///
/// # Errors
/// [`Error::InvalidPValue`] for a number outside `0..=1`.
///
/// # Reference
/// Holm 1979; `statsmodels.stats.multitest.multipletests(method="holm")` to 1e-14.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>> {
    let order = ascending(p_values)?;
    let mut adjusted = vec![0.0; p_values.len()];
    let mut floor = 0.0f64;
    for (rank, at) in order.iter().enumerate() {
        floor = floor.max(p_values[*at] * (p_values.len() - rank) as f64);
        adjusted[*at] = floor.min(1.0);
    }
    Ok(adjusted)
}

/// The step-up adjustment of Benjamini and Hochberg: controls the false discovery rate of
/// independent or positively dependent tests.
///
/// # Errors
/// [`Error::InvalidPValue`] for a number outside `0..=1`.
///
/// # Reference
/// Benjamini and Hochberg 1995; `multipletests(method="fdr_bh")` to 1e-14.
#[doc(alias = "FDR")]
pub fn benjamini_hochberg(p_values: &[f64]) -> Result<Vec<f64>> {
    let order = ascending(p_values)?;
    let mut adjusted = vec![0.0; p_values.len()];
    let mut ceiling = 1.0f64;
    for (rank, at) in order.iter().enumerate().rev() {
        ceiling = ceiling.min(p_values[*at] * p_values.len() as f64 / (rank + 1) as f64);
        adjusted[*at] = ceiling;
    }
    Ok(adjusted)
}

fn ascending(p_values: &[f64]) -> Result<Vec<usize>> {
    if let Some(position) = p_values.iter().position(|p| !(0.0..=1.0).contains(p)) {
        return Err(Error::InvalidPValue {
            position,
            value: p_values[position],
        });
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_p_value_is_refused() {
        for bad in [-0.1, 1.1, f64::NAN] {
            assert!(matches!(
                holm(&[0.5, bad]),
                Err(Error::InvalidPValue { position: 1, .. })
            ));
            assert!(benjamini_hochberg(&[bad]).is_err());
        }
        assert_eq!(holm(&[]).unwrap(), Vec::<f64>::new());
        assert_eq!(Correction::default().adjust(&[0.03]).unwrap(), [0.03]);
    }
}
