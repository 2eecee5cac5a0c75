//! Trainers that fit a [`TrainingSet`] and hand back a model that needs no trainer.
//!
//! ```
//! use mlops_core::TrainingSet;
//! use mlops_train::{Boosting, EvaluationOptions, LogisticRegression, Trainer, baseline, conformance, evaluate, split_latest};
//!
//! // made up here; in earnest it comes from a feature store
//! let set: TrainingSet = conformance::planted(2000, 7);
//! let (train, test) = split_latest(&set, 0.3)?;
//!
//! let options = EvaluationOptions { bootstrap: 100, ..EvaluationOptions::default() };
//! let guess = evaluate(&baseline(&train)?, &test, &options)?;
//! let line = evaluate(&LogisticRegression::builder().build()?.fit(&train)?.spec, &test, &options)?;
//! let trees = evaluate(&Boosting::builder().trees(100).build()?.fit(&train)?.spec, &test, &options)?;
//!
//! assert!([guess, line, trees].map(|found| found.pr_auc.value).is_sorted());
//! assert_eq!((train.rows(), test.rows()), (1400, 600));
//! # Ok::<(), mlops_train::Error>(())
//! ```
//!
//! # The types and how they relate
//!
//! ```text
//! TrainingSet ─▶ Trainer::fit ─▶ Fitted { spec: ModelSpec, params, history, importance }
//!      │                              │
//!      └── split_latest ─▶ test ─▶ evaluate ─▶ Evaluation ─▶ metrics() for a run, curves for a report
//! ```
//!
//! - [`Trainer`]: the contract; [`conformance`] holds an implementation to it.
//! - [`Fitted`]: the model as a [`ModelSpec`](mlops_model::ModelSpec), and what is worth recording.
//! - [`Evaluation`]: metrics with bootstrap intervals, and the curves behind them.
//! - [`baseline`]: the model that knows nothing but the base rate.
//!
//! | trainer | library | numbers | missing numbers | texts |
//! | --- | --- | --- | --- | --- |
//! | `LogisticRegression` | linfa-logistic | scaled, skewed ones in logarithms | the mean | one-hot |
//! | `DecisionTree` | linfa-trees | as they are | the mean | one-hot |
//! | `Boosting` | forust-ml | as they are | the better side of each split | one-hot |
//! | `Mlp` | burn | scaled, skewed ones in logarithms | the mean | embedded, or one-hot |
//! | `SequenceTrainer` | burn | scaled | the mean | refused |
//!
//! # Recipes
//!
//! - Split in time: [`split_latest`]; [`split_with_gap`] where labels look ahead.
//! - Record a run: log [`Fitted::params`], [`Fitted::history`] and [`Evaluation::metrics`].
//! - Keep the model: hand [`Fitted::spec`] to [`ModelPackage::builder`](mlops_model::ModelPackage::builder).
//! - Watch, cancel and resume a network: `Mlp::fit_with` and its `Checkpoint`, with feature `burn`.
//! - Learn from what went before: `SequenceSet::from_history`, then `SequenceTrainer::lstm` or `transformer`.
//! - Bring a trainer of your own: implement [`Trainer`], call [`conformance::check`] in a test.
//!
//! # What this crate does not do
//!
//! It classifies rows into two classes: no regression, no more classes, no ranking. It searches no
//! settings, spreads over no machines and reads no files. It does not weigh classes; scores stay
//! probabilities.
//!
//! # Features
//!
//! | feature | what it adds | cost |
//! | --- | --- | --- |
//! | `linfa` (default) | `LogisticRegression`, `DecisionTree` | a minute of build |
//! | `boosting` (default) | `Boosting` | a minute of build |
//! | `burn` | `Mlp` and `SequenceTrainer` on the CPU | four minutes of build |
//! | `wgpu` | their training on Vulkan, Metal or DX12 | two more; needs a GPU to run |
//! | `cuda` | their training on CUDA | two more; needs a driver to run |
//!
//! # Errors
//!
//! [`Error`] names the trainer and setting, or the column, at fault.
//!
//! # Papers
//!
//! Chen and Guestrin 2016 (boosting) · Breiman et al. 1984 (trees) · Provost and Domingos 2003 (leaf
//! probabilities) · Loshchilov and Hutter 2019 (AdamW) · Srivastava et al. 2014 (dropout) · Hochreiter and
//! Schmidhuber 1997 (LSTM) · Vaswani et al. 2017 (attention) · Efron and Tibshirani 1993 (bootstrap).
//!
//! [`TrainingSet`]: mlops_core::TrainingSet

pub mod conformance;

mod baseline;
#[cfg(feature = "boosting")]
mod boosting;
#[cfg(feature = "burn")]
mod burn;
mod error;
mod evaluate;
#[cfg(feature = "boosting")]
mod holdout;
#[cfg(feature = "linfa")]
mod logistic;
#[cfg(any(feature = "linfa", feature = "boosting", feature = "burn"))]
mod prepare;
mod reads;
#[cfg(any(feature = "linfa", feature = "boosting", feature = "burn"))]
mod record;
mod split;
mod trainer;
#[cfg(feature = "linfa")]
mod tree;

#[cfg(feature = "burn")]
pub use crate::burn::{
    Checkpoint, ClassWeights, Control, Device, FittedSequence, Mlp, MlpBuilder, Progress, Schedule,
    SequenceSet, SequenceTrainer, SequenceTrainerBuilder, Texts, Training, Watched,
};
pub use baseline::baseline;
#[cfg(feature = "boosting")]
pub use boosting::{Boosting, BoostingBuilder};
pub use error::{Error, Result};
pub use evaluate::{Curves, Evaluation, EvaluationOptions, evaluate};
#[cfg(feature = "linfa")]
pub use logistic::{LogisticRegression, LogisticRegressionBuilder};
pub use split::{split_latest, split_with_gap};
pub use trainer::{Fitted, Trainer};
#[cfg(feature = "linfa")]
pub use tree::{DecisionTree, DecisionTreeBuilder};
