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
//! | `Boosting` | our own | as they are | the better side of each split | sets of categories |
//! | `RandomForest` | our own | as they are | the better side of each split | sets of categories |
//! | `Forust` | forust-ml | as they are | the better side of each split | one-hot |
//! | `MlpClassifier` | burn | scaled, skewed ones in logarithms | the mean | one-hot |
//!
//! # Recipes
//!
//! - Split in time: [`split_latest`]; [`split_with_gap`] where labels look ahead.
//! - Record a run: log [`Fitted::params`], [`Fitted::history`] and [`Evaluation::metrics`].
//! - Keep the model: hand [`Fitted::spec`] to [`ModelPackage::builder`](mlops_model::ModelPackage::builder).
//! - Learn a quantile, a count, a median: [`BoostingBuilder::loss`]; keep the answer in order with a
//!   feature: [`BoostingBuilder::monotone`].
//! - Watch, end or go on with a long fit: [`Boosting::fit_with`], [`Boosting::resume`].
//! - Bring a trainer of your own: implement [`Trainer`], call [`conformance::check`] in a test.
//!
//! # What this crate does not do
//!
//! Labels of two classes are learnt by all trainers; several classes, numbers and weights of rows by
//! `Boosting` and `RandomForest`. It does not rank, searches no settings, spreads over no machines and
//! reads no files. It does not weigh classes; scores stay probabilities.
//!
//! # Features
//!
//! | feature | what it adds | cost |
//! | --- | --- | --- |
//! | `linfa` (default) | `LogisticRegression`, `DecisionTree` | a minute of build |
//! | `forust` | `Forust`, to hold `Boosting` against | a minute of build |
//! | `burn` | `MlpClassifier` on the CPU | four minutes of build |
//! | `wgpu` | its training on Vulkan, Metal or DX12 | two more; needs a GPU to run |
//! | `cuda` | its training on CUDA | two more; needs a driver to run |
//!
//! # Errors
//!
//! [`Error`] names the trainer and setting, or the column, at fault.
//!
//! # Papers
//!
//! Friedman 2001, Chen and Guestrin 2016, Ke et al. 2017 (boosting) · Breiman 2001 (forests) · Breiman et
//! al. 1984 (trees) · Provost and Domingos 2003 (leaf probabilities) · Loshchilov and Hutter 2019 (AdamW) ·
//! Efron and Tibshirani 1993 (bootstrap).
//!
//! [`TrainingSet`]: mlops_core::TrainingSet

pub mod conformance;

mod baseline;
mod boosting;
#[cfg(feature = "burn")]
mod burn;
mod error;
mod evaluate;
mod export;
mod forest;
#[cfg(feature = "forust")]
mod forust;
mod gbdt;
mod holdout;
#[cfg(feature = "linfa")]
mod logistic;
mod prepare;
mod reads;
mod record;
mod rows;
mod split;
mod trainer;
#[cfg(feature = "linfa")]
mod tree;

#[cfg(feature = "burn")]
pub use crate::burn::{Device, MlpClassifier, MlpClassifierBuilder};
pub use baseline::baseline;
pub use boosting::{
    Boosting, BoostingBuilder, BoostingCheckpoint, BoostingProgress, Goss, Loss, Monotone,
};
pub use error::{Error, Result};
pub use evaluate::{Curves, Evaluation, EvaluationOptions, evaluate};
pub use forest::{RandomForest, RandomForestBuilder};
#[cfg(feature = "forust")]
pub use forust::{Forust, ForustBuilder};
#[cfg(feature = "linfa")]
pub use logistic::{LogisticRegression, LogisticRegressionBuilder};
pub use split::{split_latest, split_with_gap};
pub use trainer::{Fitted, Trainer};
#[cfg(feature = "linfa")]
pub use tree::{DecisionTree, DecisionTreeBuilder};
