//! Trees that are grown whole: many deep ones, each from rows and columns drawn by chance, that vote; and
//! those that tell rows apart by how soon chance isolates them.

mod isolation;
mod plan;
mod trainer;

pub use isolation::{IsolationForest, IsolationForestBuilder};
pub(crate) use plan::{Columns, Plan, Planted};
pub use trainer::{RandomForest, RandomForestBuilder};
