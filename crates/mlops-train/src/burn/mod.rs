//! A small neural network on burn. All that knows burn lives in this folder.
//!
//! burn 0.21 is generic over its backend, so [`device`] is the one place that names backends, and the
//! rest is written once for all of them.

mod classifier;
mod device;
mod fit;
mod network;

pub use classifier::{MlpClassifier, MlpClassifierBuilder};
pub use device::Device;
