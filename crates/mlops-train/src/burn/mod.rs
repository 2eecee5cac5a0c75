//! Neural networks on burn. All that knows burn lives in this folder.
//!
//! burn 0.21 is generic over its backend, so [`device`] is the one place that names backends, and the
//! rest is written once for all of them. A network is a [`net::Net`]; the loop in [`fit`] is the same for each.

mod checkpoint;
mod data;
mod device;
mod fit;
mod loss;
mod mlp;
mod mlp_net;
mod net;
mod optimiser;
mod pool;
mod ready;
mod sequence;
mod training;

pub use checkpoint::Checkpoint;
pub use device::Device;
pub use fit::{Control, Progress};
pub use mlp::{Mlp, MlpBuilder, Texts};
pub use sequence::{FittedSequence, SequenceSet, SequenceTrainer, SequenceTrainerBuilder};
pub use training::{Precision, Schedule, Training};
