//! Metrics that training, drift and gates share: of two classes, of [numbers](regression) and of
//! [several classes](multiclass).
//!
//! Those of two classes take labels (`true` is positive) and scores, row by row. All agree with
//! scikit-learn to 1e-12, ties included. A score that is not finite is an error and never a silent 0.
//!
//! ```
//! use mlops_core::{Seed, metric};
//!
//! let labels = [false, false, true, true];
//! let scores = [0.1, 0.4, 0.35, 0.8];
//! assert_eq!(metric::roc_auc(&labels, &scores)?, 0.75);
//! let interval = metric::bootstrap(&labels, &scores, metric::roc_auc, 200, 0.95, Seed(7))?;
//! assert!(interval.lower <= 0.75 && 0.75 <= interval.upper);
//! # Ok::<(), mlops_core::Error>(())
//! ```

mod bootstrap;
mod calibration;
mod confusion;
mod curve;
mod input;
pub mod multiclass;
mod probability;
mod ranking;
pub mod regression;
pub mod weighted;

pub use bootstrap::{Interval, bootstrap, bootstrap_rows};
pub use calibration::{CalibrationBin, calibration_curve, calibration_error};
pub use confusion::{Confusion, accuracy};
pub use curve::{pr_curve, roc_curve};
pub use probability::{brier, log_loss};
pub use ranking::{pr_auc, precision_at_k, recall_at_k, roc_auc, top_k};
