//! One decision tree: a few questions that a person can read.

mod trainer;

pub use trainer::{DecisionTree, DecisionTreeBuilder};
