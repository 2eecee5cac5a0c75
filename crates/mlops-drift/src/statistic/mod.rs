//! Distances and tests between two histograms or two samples.
//!
//! Histograms are slices of row counts over the same cells, `expected` from the reference and
//! `actual` from the window. Every function here is exact arithmetic on its input; what a
//! histogram of fixed bins cannot know about the rows inside a bin is stated where it matters
//! ([`ks_binned`] gives bounds).
//!
//! Cells that are empty on both sides say nothing and are left out. Where a formula divides by a
//! share ([`psi`], [`kl`]), a cell that is empty on one side is counted there as half a row and
//! both sides are scaled back to one. The other distances need no such rule.

mod cells;
mod chi_square;
mod hellinger;
mod hypothesis;
mod js;
mod kl;
mod kolmogorov;
mod ks;
mod ks_exact;
mod psi;
mod tvd;

pub use chi_square::chi_square;
pub use hellinger::hellinger;
pub use hypothesis::Test;
pub use js::{js_distance, js_divergence};
pub use kl::kl;
pub use ks::{KsBound, ks_binned, ks_p_value, ks_two_sample};
pub use psi::{psi, psi_expected_without_drift, psi_test};
pub use tvd::tvd;
