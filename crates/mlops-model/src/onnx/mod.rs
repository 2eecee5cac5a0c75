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
//! Every family and encoder is written, but for whether a text is missing. Cells over lists are written out step by step,
//! and attention in its products; neither is read back.
//!
//! What a graph cannot do is check: what the signature refuses, a runtime answers somehow.
//!
//! # Operators that are read
//! Each where an exporter puts it; what stands elsewhere is refused by name.
//!
//! | of `ai.onnx.ml` | as |
//! | --- | --- |
//! | `Imputer`, `Scaler`, `OneHotEncoder`, `LabelEncoder` | encoders of columns |
//! | `LinearClassifier`, `LinearRegressor` | linear models of columns, or on top of the answers of several models |
//! | `TreeEnsemble`, `TreeEnsembleClassifier`, `TreeEnsembleRegressor` | trees |
//! | `SVMClassifier` of two classes, `SVMRegressor` | support vectors |
//! | `Normalizer` (`L1`), `ZipMap`, `ArrayFeatureExtractor` | shares, names of classes, and picking |
//!
//! | of ONNX | as |
//! | --- | --- |
//! | `Gemm`, `MatMul`; `Add`, `Sub`, `Mul`, `Div` with constants | layers, and arithmetic on columns or scores |
//! | `Relu`, `Tanh`, `Sigmoid`, `Gelu`; `Erf` within GELU | activations, of one kind a network |
//! | `BatchNormalization`, `Dropout` | what is left of them after training |
//! | `Sigmoid`, `Softmax`, `Exp`; `Exp`, `Add` and `Reciprocal` or `Div`; `ReduceLogSumExp`, `Sub` and `Exp` | links |
//! | `Add`, `Sub`, `Sum`, `Concat` of answers, `ReduceMean` over models; `ReduceSum` and `Div` | means, stacks, shares |
//! | `ArgMax`, `Equal` and `Where` of trees | votes (AdaBoost) |
//! | `Reshape` or `Unsqueeze`, `Sub`, `Pow` or `Mul`, `Div`, `ReduceSum`; `ReduceSumSquare` | densities of classes |
//! | `ReduceSumSquare`, `Gemm`, `Add` and `ArgMin` | k-means |
//! | `LSTM` that goes forward, with `Transpose`, `Squeeze`, `Gather` of the last step | cells over sequences |
//! | `Abs`, `Sign`, `Log`, `IsNaN`, `Where`, `Floor`, `Clip`, `Equal` | parts of encoders |
//! | `Cast`, `Constant`, `ConstantOfShape`, `Expand`, `Flatten`, `Gather`, `Identity`, `Not`, `Shape`, `Slice`, `Split` | arrangement |

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
mod sequence;
#[cfg(feature = "onnx-export")]
mod trees;

#[cfg(feature = "onnx-import")]
pub use import::OnnxImport;
