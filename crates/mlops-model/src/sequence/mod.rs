//! Models of sequences: vectors of numbers in order go in, one answer a sequence comes out.
//!
//! ```
//! use mlops_model::{Dense, Lstm, Link, Output, Scale, SequenceNetwork, SequenceSpec};
//!
//! // one number a step, one cell whose gates read the step and the cell's last answer
//! let gates = Dense { rows: 4, cols: 2, weights: vec![0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0], bias: vec![9.0; 4] };
//! let head = Dense { rows: 1, cols: 1, weights: vec![2.0], bias: vec![0.0] };
//! let network = SequenceNetwork::Lstm(Lstm { layers: vec![gates], head });
//! let scale = vec![Scale { center: 0.0, scale: 1.0 }];
//! let model = SequenceSpec::new(vec!["amount".into()], 10, scale, Output::Number, Link::Identity, network)?;
//! let answer = model.predict(&[1.0, 2.0, 3.0])?;
//! assert!(answer[0] > 1.0 && answer[0] < 2.0);
//! # Ok::<(), mlops_model::Error>(())
//! ```
//!
//! A [`SequenceSpec`] is data as a [`ModelSpec`](crate::ModelSpec) is, checked alike, and reads no columns. For a model of
//! columns whose values are lists, which a package holds and an endpoint serves, see [`SequenceSpec::to_model`]; its
//! estimator is a [`SequenceEstimator`].

mod lstm;
mod network;
mod sequences;
mod spec;
mod transformer;

pub use lstm::Lstm;
pub(crate) use network::{Memory, Sequential};
pub use network::{Scale, SequenceEstimator, SequenceNetwork};
pub use sequences::Sequences;
pub use spec::SequenceSpec;
#[cfg(feature = "onnx-export")]
pub(crate) use transformer::EPSILON;
pub use transformer::{Block, Norm, Transformer};
