//! One binary for all integration tests: they share `support` and link once.

#![expect(
    clippy::unwrap_used,
    reason = "a test says by panicking what it did not expect"
)]

mod allocations;
mod encoders;
mod families;
mod fixtures;
mod golden;
mod hostile_models;
mod inputs;
#[cfg(feature = "onnx-export")]
mod onnx;
#[cfg(feature = "onnx-export")]
mod onnx_corners;
#[cfg(feature = "onnx-import")]
mod onnx_import;
#[cfg(feature = "onnx-export")]
mod onnx_sequences;
mod packages;
mod parity;
mod sequence_models;
mod sequences;
#[cfg(feature = "sign")]
mod signing;
mod support;
