//! Random forests: many deep trees, each from rows and columns drawn by chance, that vote.

mod trainer;

pub use trainer::{RandomForest, RandomForestBuilder};
