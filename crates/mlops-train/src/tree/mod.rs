//! One decision tree: a few questions that a person can read.
//!
//! linfa finds every question; the tree around them, and the probabilities in its leaves, are made here.

mod grow;
mod question;
mod trainer;

pub use trainer::{DecisionTree, DecisionTreeBuilder};
