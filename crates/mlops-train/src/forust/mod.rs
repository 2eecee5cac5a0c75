//! Boosting by the library forust, to hold our own against.
//!
//! Numbers go in as they are, and a missing one takes the side of each split that lowers the loss
//! most. The latest rows decide when to stop; then all rows are fitted with that many trees.

mod engine;
mod trainer;

pub use trainer::{Forust, ForustBuilder};
