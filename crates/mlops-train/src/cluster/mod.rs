//! Rows that belong together, found without a label: k-means, Gaussian mixtures and DBSCAN on linfa.
//!
//! None of them is a [`Trainer`](crate::Trainer), as none learns the label; they read a training set's
//! features by the same rules and hand back the same [`Fitted`](crate::Fitted). Models answer the number of
//! a row's cluster, how far the nearest one lies, or the probability of each.

mod dbscan;
mod k_means;
mod mixture;
mod rows;

pub use dbscan::{Dbscan, DbscanBuilder};
pub use k_means::{KMeans, KMeansBuilder};
pub use mixture::{GaussianMixture, GaussianMixtureBuilder};
