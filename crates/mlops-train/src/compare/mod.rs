//! Comparisons of candidates on the same rows or folds: paired tests, and a leaderboard that says which
//! differences are more than chance.
//!
//! | test | compares | on |
//! | --- | --- | --- |
//! | [`paired_bootstrap`] | any metric | the same rows |
//! | [`delong`] | areas under ROC curves | the same rows |
//! | [`mcnemar`] | shares of right calls | the same rows |
//! | [`corrected_t_test`] | any metric | the same folds |

mod bootstrap;
mod delong;
mod leaderboard;
mod mcnemar;
mod t_test;

use mlops_core::metric::Interval;
use serde::{Deserialize, Serialize};

pub use bootstrap::paired_bootstrap;
pub use delong::delong;
pub use leaderboard::{Entry, Leaderboard, LeaderboardOptions};
pub use mcnemar::mcnemar;
pub use t_test::{corrected_t_test, corrected_t_test_of};

/// What a paired test found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The test.
    pub test: PairedTest,
    /// The first less the second, with the test's own interval.
    pub difference: Interval,
    /// How often chance alone makes a difference at least as large, either way.
    pub p_value: f64,
}

/// A test of two candidates that were asked the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PairedTest {
    /// Rows drawn anew, the same for both.
    PairedBootstrap,
    /// DeLong's test of two areas under ROC curves.
    DeLong,
    /// McNemar's exact test of right and wrong calls.
    McNemar,
    /// The resampled t-test with Nadeau and Bengio's correction.
    CorrectedT,
}

impl PairedTest {
    /// The test's name in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::PairedBootstrap => "paired bootstrap",
            Self::DeLong => "DeLong",
            Self::McNemar => "McNemar",
            Self::CorrectedT => "corrected t",
        }
    }
}

/// Refuses a level that is not between 0 and 1.
fn check_level(test: &'static str, level: f64) -> crate::Result<()> {
    let inside = level > 0.0 && level < 1.0;
    let rule = "it must lie between 0 and 1";
    crate::error::require(inside, test, "level", &level, rule)
}

#[cfg(all(test, feature = "linfa"))]
mod tests;
