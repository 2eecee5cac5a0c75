//! Gradient boosting: small trees, each on what the ones before it got wrong.

mod builder;
mod fit;
mod progress;
mod trainer;

pub use crate::gbdt::Goss;
pub use builder::{BoostingBuilder, Loss, Monotone};
pub use progress::{BoostingCheckpoint, BoostingProgress};
pub use trainer::Boosting;
