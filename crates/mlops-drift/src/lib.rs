//! Tells whether production still looks like training: bins, distances, late outcomes, and a policy that does not cry wolf.
//!
//! ```
//! use std::sync::Arc;
//! use mlops_core::arrow::array::{ArrayRef, Float64Array, RecordBatch};
//! use mlops_core::{EventTime, ModelName, Seed, Severity};
//! use mlops_drift::{Context, DriftReport, Policy, ReferenceProfile, Window};
//!
//! let rows = |shift: f64, seed| {
//!     let mut rng = Seed(seed).rng();
//!     let amounts: ArrayRef = Arc::new(Float64Array::from_iter_values((0..2_000).map(|_| shift + rng.normal())));
//!     RecordBatch::try_from_iter([("amount", amounts)]).expect("one column")
//! };
//! let profile = ReferenceProfile::build(&rows(0.0, 1), None)?; // stored with the model
//! let mut window = Window::new(&profile);
//! window.push_batch(&rows(0.8, 2), None)?;
//! let report = DriftReport::compare(&profile, &window)?;
//! let context = Context::new(ModelName::new("churn")?, 3, EventTime::from_seconds(0));
//! let judgement = Policy::default().judge(&report, None, &context)?;
//! assert_eq!(judgement.signals[0].severity, Severity::Alert);
//! # Ok::<(), mlops_drift::Error>(())
//! ```
//!
//! # The types and how they relate
//!
//! ```text
//! training rows ─▶ ReferenceProfile ──────────┐
//!                       │ bins                ▼
//! production rows ─▶ Window ──(merge)──▶ DriftReport ─┐
//!                                                     ├─▶ Policy::judge ─▶ Judgement ─▶ Signal
//! predictions ┐                                       │                    Verdict each column
//! outcomes ───┴▶ OutcomeJoin ──────────▶ Performance ─┘
//! ```
//!
//! - [`ReferenceProfile`]: counts in bins fixed at training time; a few kilobytes of JSON, no raw rows.
//! - [`Window`]: the same bins counted over production rows; windows add up in any order.
//! - [`DriftReport`]: PSI, KL, JS, KS and others for each column and the predictions.
//! - [`OutcomeJoin`] and [`Performance`]: PR-AUC, ROC-AUC, log-loss and Brier once it is known what came true.
//! - [`Policy`]: significance *and* effect *and* enough rows; a [`Verdict`] with its reason for every column.
//!
//! # Recipes
//!
//! Store the profile with the model and open it later:
//!
//! ```
//! # use std::sync::Arc;
//! # use mlops_core::arrow::array::{ArrayRef, RecordBatch, StringArray};
//! # use mlops_drift::ReferenceProfile;
//! # let countries: ArrayRef = Arc::new(StringArray::from(vec!["UK"; 300]));
//! # let features = RecordBatch::try_from_iter([("country", countries)]).expect("one column");
//! let held_out_predictions = vec![0.25; features.num_rows()];
//! let bytes = ReferenceProfile::builder()
//!     .bins(10)
//!     .build(&features, Some(&held_out_predictions))?
//!     .to_json();
//! assert_eq!(ReferenceProfile::from_json(&bytes)?.rows(), 300);
//! # Ok::<(), mlops_drift::Error>(())
//! ```
//!
//! Allow a column that has seasons to move, leave another out, share the rate over a year of months
//! and ask for two months in a row:
//!
//! ```
//! use mlops_drift::{Limits, Metric, PerformanceLimit, Policy};
//!
//! let policy = Policy::builder()
//!     .column_limits("amount_sum_30d", Limits { warn: 0.25, drift: 0.5 })
//!     .exclude("tenure_days")
//!     .windows(12)
//!     .consecutive(2)
//!     .performance(PerformanceLimit::new(Metric::PrAuc, 0.62).tolerance(0.05))
//!     .build()?;
//! assert_eq!(policy.window_rate(), 0.05 / 12.0);
//! # Ok::<(), mlops_drift::Error>(())
//! ```
//!
//! # How often it is wrong
//!
//! A policy promises [`Policy::window_rate`]: the chance that a window without drift gets any call at
//! all, over all columns and the predictions. The promise rests on rows being independent. Rows of one
//! customer in many windows, or a reference of one season, are not noise but real differences, and the
//! limits on PSI are there for them.
//!
//! Measured on simulated columns without drift, per column at 0.05 (at 0.001): 1,000 rows against 200 in
//! ten bins 0.045 (0.0005), in twenty bins 0.039 (0.0003); 1,000 against 1,000 0.049 (0.001); 100,000
//! against 1,000 0.049. The law of PSI alone would have given 0.088 (0.0035) in twenty bins. One case is
//! above its rate: sixty categories with a long tail and 1,000 rows on either side, 0.068 (0.0015),
//! because the listed categories are those that happened to be frequent; the PSI limit covers it.
//!
//! # What this crate does not do
//!
//! It keeps no raw rows, opens no file and draws nothing. It sees each column by itself and not how
//! columns move together. It does not guess performance before outcomes arrive. It measures binary
//! classifiers only. Inside the outermost bins it cannot see how far a value went.
//!
//! # Features
//!
//! None.
//!
//! # Errors
//!
//! [`Error`] names the column, cell, record or setting at fault.
//!
//! # Papers
//!
//! Lin 1991 (JS and J-divergence) · Yurdakul 2018 (the law of PSI) · Hodges 1958, Simard and L'Ecuyer
//! 2011, Pelz and Good 1976, Durbin 1973 (Kolmogorov-Smirnov) · Holm 1979 · Benjamini and Hochberg 1995.

mod error;
pub mod multiple;
mod performance;
mod policy;
mod profile;
mod report;
pub mod statistic;
mod window;

pub use error::{Error, Result};
pub use performance::{Added, Metric, OutcomeJoin, Performance, PerformanceQuery};
pub use policy::{
    Context, Judgement, Limits, Outcome, PerformanceLimit, Policy, PolicyBuilder, Streak, Verdict,
};
pub use profile::{
    CategoricalProfile, ColumnKind, ColumnProfile, Distribution, NumericProfile, ProfileBuilder,
    ReferenceProfile,
};
pub use report::{Bin, ColumnDrift, DriftReport, MeanShift, Shares};
pub use window::Window;
