//! Gradient boosting on histograms: columns in, trees out, and no knowledge of where either is kept.
//!
//! ```text
//! Column ─▶ Bins ─▶ Grower ◀─ Gradients ◀─ Objective ◀─ scores
//!                     └──▶ Tree ─▶ Ensemble            ▲
//!                            └─────────────────────────┘
//! ```

mod accumulate;
mod bins;
mod boost;
mod category;
mod checkpoint;
mod cuts;
mod data;
mod forest;
mod gradients;
mod group;
mod grow;
mod histogram;
mod isolate;
mod math;
mod objective;
#[cfg(test)]
mod oracle;
mod partition;
mod pool;
mod purity;
mod sample;
mod settings;
mod split;
mod tree;

pub(crate) use bins::{Bins, Column, Feature, MISSING, Map};
pub(crate) use boost::Boost;
pub(crate) use checkpoint::{Checkpoint, Ensemble, Round};
pub(crate) use data::Data;
pub(crate) use forest::{Answers, ForestSettings, forest};
pub(crate) use isolate::isolating_trees;
pub(crate) use objective::Objective;
pub(crate) use pool::within;
pub use settings::Goss;
pub(crate) use settings::Settings;
pub(crate) use tree::{Kind, Test, Tree};
