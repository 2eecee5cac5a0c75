//! The machine-learning loop inside a Rust service.
//!
//! This crate re-exports the SDK under short names and wires it in [`recipes`]; it has no logic of its own.
//!
//! ```text
//! events ─▶ Table ─▶ features ─▶ TrainingSet ─▶ model ─▶ version ─▶ endpoint ─▶ prediction
//!   ▲                                                                              │
//!   └──────────── run ◀── signal ◀── drift ◀── window of predictions and outcomes ◀┘
//! ```
#![doc = include_str!("../docs/tour.md")]

pub use mlops_core as core;
pub use mlops_drift as drift;
pub use mlops_features as features;
pub use mlops_model as model;
pub use mlops_pipeline as pipeline;
pub use mlops_registry as registry;
pub use mlops_report as report;
#[cfg(feature = "serve")]
pub use mlops_serve as serve;
pub use mlops_store as store;
#[cfg(feature = "train")]
pub use mlops_train as train;

mod error;
pub mod prelude;
pub mod recipes;

pub use error::{Error, Result};
pub use mlops_core::ErrorKind;

/// The README's code compiles.
#[cfg(all(doctest, feature = "train", feature = "serve"))]
#[doc = include_str!("../README.md")]
struct Readme;
