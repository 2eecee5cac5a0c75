//! Models as ONNX, for the runtimes and tools that read nothing else, and from ONNX (`import`).
//!
//! The graph that is written is the whole model: encoders, estimator and link, in double precision throughout, with one
//! named input for each of the signature's. It asks for operator set 21, and 5 of `ai.onnx.ml`, which is
//! the first with trees in double precision and splits by category (ONNX 1.16, ONNX Runtime 1.21).
//!
//! ```text
//! inputs ──encode──▶ [rows, width] ──score──▶ [rows, outputs] ──link──▶ outputs
//! ```
//!
//! What a graph cannot do is check: what the signature refuses, a runtime answers somehow.

#[cfg(feature = "onnx-export")]
mod blend;
#[cfg(feature = "onnx-export")]
mod columns;
#[cfg(feature = "onnx-export")]
mod dates;
#[cfg(feature = "onnx-export")]
mod density;
#[cfg(feature = "onnx-export")]
mod encode;
#[cfg(feature = "onnx-export")]
mod export;
#[cfg(feature = "onnx-export")]
mod graph;
#[cfg(feature = "onnx-import")]
mod import;
#[cfg(feature = "onnx-export")]
mod moved;
#[cfg(feature = "onnx-export")]
mod network;
#[cfg(feature = "onnx-export")]
mod numbers;
#[cfg(feature = "onnx-export")]
mod points;
mod proto;
#[cfg(feature = "onnx-export")]
mod score;
#[cfg(feature = "onnx-export")]
mod trees;

#[cfg(feature = "onnx-import")]
pub use import::OnnxImport;
