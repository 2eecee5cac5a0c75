//! Support vector machines on linfa.
//!
//! Every class gets a machine of its own against the others, and a sigmoid that makes probabilities of its
//! scores; of several classes they are scaled to sum to 1. The sigmoid is fitted on scores of rows that the
//! machine did not see: on its own rows it is far too sure.

mod machine;
mod trainer;

pub use trainer::{SupportVectors, SupportVectorsBuilder};
