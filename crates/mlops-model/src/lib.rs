//! Models as data: what a trainer exports and a server predicts with, in plain Rust.
//!
//! ```
//! use mlops_core::{EventTime, Value};
//! use mlops_model::*;
//!
//! let signature = Signature::new(
//!     [Input::new("orders_90d", InputKind::Int), Input::new("country", InputKind::Str).nullable()],
//!     Output::Probability { positive: "churned".into() },
//! )?;
//! let preprocess = Preprocess::new(&signature, vec![
//!     Encoder::Numeric { input: 0, impute: None, log1p: false, center: 5.0, scale: 2.5 },
//!     Encoder::OneHot { input: 1, categories: vec!["DE".into(), "UK".into()] },
//! ])?;
//! let logistic = Linear { weights: vec![-1.0, 0.5, 0.0], bias: vec![1.5], link: Link::Logit };
//! let spec = ModelSpec::new(signature, preprocess, Estimator::Linear(logistic))?;
//!
//! let package = ModelPackage::builder(spec).created(EventTime::from_seconds(0)).build()?;
//! let model = ModelPackage::from_files(package.files().clone())?.load()?;
//! let row = model.signature().row([("country", Value::from("DE")), ("orders_90d", Value::from(10))])?;
//! assert_eq!(model.predict_value(&row, &mut Scratch::new())?, 0.5);
//! # Ok::<(), Error>(())
//! ```
//!
//! # The types and how they relate
//!
//! ```text
//! Value, RecordBatch ─▶ Signature ─▶ Preprocess ─▶ Estimator ─▶ [f64]
//!                       names, kinds  encoders      linear, trees, mlp, …
//!                       └───────────── ModelSpec : Model ──────────┘
//!                                          │ build, verify
//!                                     ModelPackage ◀──▶ directory, files by name
//! ```
//!
//! - [`Signature`]: the border; everything that enters is checked here and errors name the column.
//! - [`Preprocess`]: encoders whose numbers a trainer fitted; the same object encodes for training.
//! - [`Estimator`]: [`Linear`], [`TreeEnsemble`], [`Mlp`], [`Bayes`], [`Svm`], [`Centroids`] or
//!   [`SequenceEstimator`], or others wrapped: an [`Ensemble`], or one behind a [`Calibrated`] curve; all plain data.
//! - [`ModelSpec`]: the three together, checked; implements [`Model`].
//! - [`ModelPackage`]: the model and what travels with it, in files that vouch for each other.
//!
//! # Recipes
//!
//! - Predict from a request: [`Signature::row`], then [`Model::predict_row`] (or
//!   [`Model::predict_value`] where there is one output) with a [`Scratch`] a thread.
//! - Predict a table: [`Model::predict`] on a [`RecordBatch`](arrow::array::RecordBatch).
//! - Answer a constant: a [`Linear`] without weights over a [`Preprocess`] without encoders.
//! - Blend models: [`ModelSpec::average`], [`ModelSpec::stack`], [`ModelSpec::calibrated`].
//! - Keep and move: [`ModelPackage::write_dir`], [`ModelPackage::read_dir`], [`ModelPackage::from_files`].
//! - Hand a model to other runtimes and to Python (feature `onnx-export`): `ModelPackageBuilder::onnx`.
//! - Take a model over from Python (feature `onnx-import`): `ModelSpec::from_onnx`.
//! - Load only what trusted keys have signed (feature `sign`): `ModelPackage::sign`, `TrustPolicy`,
//!   `ModelPackage::verify`; signatures and keys are cosign's.
//! - Answer for sequences: [`SequenceSpec`], an LSTM or a transformer's encoder; as a model whose columns hold lists,
//!   which is packaged and served as any other, by [`SequenceSpec::to_model`].
//!
//! # How values are read
//!
//! A batch and a row give the same bits. NaN is a missing value; infinity is refused. A missing value is
//! imputed where the encoder says so, goes the way that the split states in a tree, and is all zeros in a
//! one-hot. A category that was not seen in training is all zeros too, has a row of its own in an embedding,
//! and is the prior where categories stand for means of the label. Whole numbers beyond 2^53 are refused
//! rather than rounded. Lists have a length that the signature bounds; one that is null, empty or too long is
//! refused, and a number that is missing in one lies at the centre of its scale.
//!
//! # What this crate does not do
//!
//! It trains nothing, fetches no features, opens no socket and keeps no versions. Every file it reads is
//! JSON of a fixed shape, or an ONNX file whose graph is turned into a model of ours; nothing in a package is ever executed.
//!
//! # Features
//!
//! | feature | brings | costs |
//! | --- | --- | --- |
//! | `onnx-export` | `ModelSpec::to_onnx`, packages that MLflow loads | prost |
//! | `onnx-import` | `ModelSpec::from_onnx`, for the files of scikit-learn, LightGBM, XGBoost and PyTorch | prost |
//! | `sign` | signing and verifying of packages | p256 and cosign's key files, plain Rust |
//!
//! # Errors
//!
//! [`Error`] names the column and row, the part of the model, or the file of the package; limits are in
//! [`limit`].

mod cell;
mod error;
mod estimator;
mod input;
pub mod limit;
mod matrix;
mod model;
#[cfg(any(feature = "onnx-export", feature = "onnx-import"))]
mod onnx;
mod package;
mod preprocess;
mod sequence;
#[cfg(feature = "sign")]
mod sign;
mod signature;
mod spec;

pub use error::{Error, Result};
pub use estimator::{
    Activation, Bayes, Blend, Calibrated, Centroids, Combine, Curve, Dense, Embedding, Ensemble,
    Estimator, Kernel, Likelihood, Linear, Link, Member, Mlp, Nearest, Node, Rule, Svm, Tree,
    TreeEnsemble,
};
pub use input::{Input, InputKind};
pub use matrix::Matrix;
pub use model::{Model, Scratch};
#[cfg(feature = "onnx-import")]
pub use onnx::OnnxImport;
pub use package::{ModelPackage, ModelPackageBuilder, SCHEMA_VERSION};
pub use preprocess::{BucketForm, DatePart, Encoder, Factor, Preprocess, Step, TimeUnit};
pub use sequence::{
    Block, Lstm, Norm, Scale, SequenceEstimator, SequenceNetwork, SequenceSpec, Sequences,
    Transformer,
};
#[cfg(feature = "sign")]
pub use sign::{BlobSignature, PublicKey, SigningKey, TrustPolicy, TrustedKey, Verified};
pub use signature::{Output, Signature};
pub use spec::ModelSpec;
