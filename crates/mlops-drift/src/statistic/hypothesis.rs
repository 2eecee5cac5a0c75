//! The outcome of a hypothesis test, and the upper tail of the chi-square law.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ChiSquared, ContinuousCDF};

/// A statistic and the chance of one at least as large when nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Test {
    /// The statistic.
    pub statistic: f64,
    /// The chance of a statistic at least as large without a change, in `0..=1`.
    pub p_value: f64,
}

/// The chance that a chi-square variable with `degrees` of freedom is above `x`; 1 without degrees.
pub(crate) fn chi_square_tail(x: f64, degrees: usize) -> f64 {
    if degrees == 0 || x <= 0.0 {
        return 1.0;
    }
    let law = ChiSquared::new(degrees as f64).expect("the degrees are at least 1");
    law.sf(x).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_agrees_with_scipy() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/golden/scipy/golden.json")).unwrap();
        for case in golden["chi2"].as_array().unwrap() {
            let (x, sf) = (case["x"].as_f64().unwrap(), case["sf"].as_f64().unwrap());
            let degrees = usize::try_from(case["df"].as_u64().unwrap()).unwrap();
            let ours = chi_square_tail(x, degrees);
            assert!(
                (ours - sf).abs() <= 1e-10 * sf.max(1e-30) + 1e-13 * f64::from(u8::from(sf > 0.5)),
                "{case}: {ours}"
            );
        }
        assert_eq!(chi_square_tail(f64::INFINITY, 3), 0.0);
        assert_eq!(chi_square_tail(5.0, 0), 1.0);
    }
}
