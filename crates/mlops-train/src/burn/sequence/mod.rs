//! Networks over sequences: their training set, and the trainer that fits either.

mod lstm_net;
mod set;
mod trainer;
mod transformer_net;

pub use set::SequenceSet;
pub use trainer::{FittedSequence, SequenceTrainer, SequenceTrainerBuilder};
