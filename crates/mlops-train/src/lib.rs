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
//! - [`Splitter`], [`CrossValidation`], [`Nested`]: folds, what they say, and the answers out of fold.
//! - [`Metric`], [`Measure`], [`Truth`]: any metric of two classes, several classes or numbers, in one form.
//! - [`Sigmoid`], [`Isotonic`], [`ThresholdChoice`]: scores into probabilities, probabilities into decisions.
//! - [`TreeShap`], [`PermutationImportance`], [`Dependence`], [`Segments`]: why, and for whom.
//! - [`Leaderboard`], [`Comparison`]: candidates, and whether their differences are more than chance.
//! - [`baseline`]: the model that knows nothing but the base rate.
//!
//! | trainer | library | numbers | missing numbers | texts |
//! | --- | --- | --- | --- | --- |
//! | `LogisticRegression` | our own, linfa-logistic for several classes | scaled, skewed ones in logarithms | the mean | as `Encoding` says |
//! | `LinearRegression`, `ElasticNet` | linfa-linear, linfa-elasticnet | the same | the mean | the same |
//! | `NaiveBayes` | our own sums | scaled, or counts | the mean | the same |
//! | `SupportVectors` | linfa-svm | scaled | the mean | the same |
//! | `DecisionTree` | our own | as they are | the better side of each split | sets of categories |
//! | `Boosting` | our own | as they are | the better side of each split | sets of categories |
//! | `RandomForest` | our own | as they are | the better side of each split | sets of categories |
//! | `Forust` | forust-ml | as they are | the better side of each split | one-hot |
//! | `Mlp` | burn | scaled, skewed ones in logarithms | the mean | embedded, or one-hot |
//! | `SequenceTrainer` | burn | lists of them, scaled | the mean | refused |
//!
//! # Recipes
//!
//! - Split in time: [`split_latest`]; [`split_with_gap`] where labels look ahead.
//! - Fold by fold: [`cross_validate`] with a [`TimeSeries`], [`GroupKFold`], [`StratifiedKFold`] or
//!   [`PurgedKFold`]; [`nested_cross_validate`] to choose among candidates honestly.
//! - Any output: [`assess`]; by segment: [`segments`]; explained: [`TreeShap::explain`].
//! - Calibrate: [`Isotonic::fit`] on [`OutOfFold`] answers, [`choose_threshold`] by [`Costs`].
//! - Compare: [`Leaderboard::on_rows`] or [`Leaderboard::over_folds`].
//! - Record a run: log [`Fitted::params`], [`Fitted::history`] and [`Evaluation::metrics`].
//! - Keep the model: hand [`Fitted::spec`] to [`ModelPackage::builder`](mlops_model::ModelPackage::builder).
//! - Learn a quantile, a count, a median: [`BoostingBuilder::loss`]; keep the answer in order with a
//!   feature: [`BoostingBuilder::monotone`].
//! - Watch, end or go on with a long fit: [`Boosting::fit_with`], [`Boosting::resume`].
//! - Blend trainers: `Averaging`, `Stacking`.
//! - Find groups without a label: `KMeans`, `GaussianMixture`, `Dbscan`; rows unlike the others:
//!   [`IsolationForest`]; none of them is a [`Trainer`].
//! - Watch, cancel and resume a network: `Mlp::fit_with`, `SequenceTrainer::fit_with` and their `NetworkCheckpoint`, with feature `burn`.
//! - Learn from the newest events: features that are lists of numbers, then `SequenceTrainer::lstm` or `transformer`.
//! - Learn from earlier rows: `SequenceSet::from_history`, then `SequenceTrainer::fit_sequences`.
//! - Learn from rows that stay where they are: [`Federated`]; ask for the labels that teach most: [`ActiveLearning`].
//! - Bring a trainer of your own: implement [`Trainer`], call [`conformance::check`] in a test.
//!
//! # What this crate does not do
//!
//! It does not rank. It searches no settings, spreads over no machines and reads no files.
//!
//! # Features
//!
//! | feature | what it adds | cost |
//! | --- | --- | --- |
//! | `linfa` (default) | linear models, naive Bayes, support vectors, clusters, blends | a minute and a half of build |
//! | `forust` | `Forust`, to hold `Boosting` against | a minute of build |
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
//! Friedman 2001, Chen and Guestrin 2016, Ke et al. 2017 (boosting) · Breiman 2001 (forests) · Breiman et
//! al. 1984 (trees) · Liu, Ting and Zhou 2008 (isolation forests) · Provost and Domingos 2003 (leaf probabilities) · Platt 1999 (sigmoids of scores) ·
//! Micci-Barreca 2001 (means of the label) · Wolpert 1992 (stacking) · Loshchilov and Hutter 2019 (AdamW) ·
//! Srivastava et al. 2014 (dropout) · Hochreiter and Schmidhuber 1997 (LSTM) · Vaswani et al. 2017
//! (attention) · Efron and Tibshirani 1993 (bootstrap).
//!
//! [`TrainingSet`]: mlops_core::TrainingSet

pub mod conformance;

mod active;
mod baseline;
#[cfg(feature = "linfa")]
mod blend;
mod boosting;
#[cfg(feature = "burn")]
mod burn;
mod calibrate;
mod class_weights;
#[cfg(feature = "linfa")]
mod cluster;
mod compare;
#[cfg(feature = "linfa")]
mod encoding;
mod error;
mod evaluate;
mod explain;
mod export;
mod federated;
mod forest;
#[cfg(feature = "forust")]
mod forust;
mod gbdt;
#[cfg(all(test, feature = "linfa"))]
#[expect(
    clippy::unwrap_used,
    reason = "a test says by panicking what it did not expect"
)]
mod golden;
mod holdout;
#[cfg(all(test, feature = "linfa"))]
#[expect(
    clippy::unwrap_used,
    reason = "a test says by panicking what it did not expect"
)]
mod linfa_parity;
#[cfg(feature = "linfa")]
mod logistic;
mod measure;
#[cfg(feature = "linfa")]
mod naive_bayes;
mod prepare;
mod reads;
mod record;
#[cfg(feature = "linfa")]
mod regression;
mod rows;
mod split;
#[cfg(feature = "linfa")]
mod svm;
mod threshold;
mod trainer;
mod tree;
mod truth;
mod validate;
mod watched;

#[cfg(feature = "burn")]
pub use crate::burn::{
    Checkpoint as NetworkCheckpoint, Control as NetworkControl, Device, FittedSequence, Mlp,
    MlpBuilder, Precision, Progress as NetworkProgress, Schedule, SequenceSet, SequenceTrainer,
    SequenceTrainerBuilder, Texts, Training,
};
pub use active::{ActiveLearning, LearningPoint, Sampling};
pub use baseline::baseline;
#[cfg(feature = "linfa")]
pub use blend::{Averaging, Stacking};
pub use boosting::{
    Boosting, BoostingBuilder, BoostingCheckpoint, BoostingProgress, Goss, Loss, Monotone,
};
pub use calibrate::{Isotonic, Knot, Reliability, Sigmoid, reliability};
pub use class_weights::ClassWeights;
#[cfg(feature = "linfa")]
pub use cluster::{
    Dbscan, DbscanBuilder, GaussianMixture, GaussianMixtureBuilder, KMeans, KMeansBuilder,
};
pub use compare::{
    Comparison, Entry, Leaderboard, LeaderboardOptions, PairedTest, corrected_t_test,
    corrected_t_test_of, delong, mcnemar, paired_bootstrap,
};
#[cfg(feature = "linfa")]
pub use encoding::{Encoding, TargetEncoding};
pub use error::{Error, Result};
pub use evaluate::{
    Assessment, ClassReport, ClassesEvaluation, Curves, Evaluation, EvaluationOptions, NumberBin,
    NumbersEvaluation, assess, evaluate,
};
pub use explain::{
    Dependence, Explanation, Grid, IndividualCurves, InputImportance, PermutationImportance,
    Segment, SegmentOptions, Segments, TreeShap, individual_curves, partial_dependence,
    permutation_importance, segments,
};
pub use federated::{Federated, FederatedBuilder, FederatedFit, Round};
pub use forest::{IsolationForest, IsolationForestBuilder, RandomForest, RandomForestBuilder};
#[cfg(feature = "forust")]
pub use forust::{Forust, ForustBuilder};
#[cfg(feature = "linfa")]
pub use logistic::{LogisticRegression, LogisticRegressionBuilder};
pub use measure::{Goal, Measure, Metric, interval, weighted_interval};
#[cfg(feature = "linfa")]
pub use naive_bayes::{NaiveBayes, NaiveBayesBuilder};
#[cfg(feature = "linfa")]
pub use regression::{ElasticNet, ElasticNetBuilder, LinearRegression, LinearRegressionBuilder};
pub use split::{
    Fold, Folds, GroupKFold, KFold, PurgedKFold, Splitter, StratifiedKFold, TimeSeries,
    conformance as splitting, split_latest, split_with_gap,
};
#[cfg(feature = "linfa")]
pub use svm::{SupportVectors, SupportVectorsBuilder};
pub use threshold::{Aim, Costs, ThresholdChoice, ThresholdPoint, choose_threshold};
pub use trainer::{Fitted, Trainer};
pub use tree::{DecisionTree, DecisionTreeBuilder};
pub use truth::Truth;
pub use validate::{
    CrossValidation, FoldResult, Nested, NestedFold, OutOfFold, Progress, Watch, cross_validate,
    cross_validate_watched, nested_cross_validate,
};
pub use watched::Watched;
