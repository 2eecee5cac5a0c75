//! What can go wrong between a training set and a model.
//!
//! Errors name the trainer and the setting, or the column, at fault. A label that is neither 0 nor 1
//! and a row that the signature refuses come from [`mlops_core`] and [`mlops_model`] as they are.

use arrow::datatypes::DataType;
use mlops_core::ErrorKind;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A shared noun or metric refused.
    #[error(transparent)]
    Core(#[from] mlops_core::Error),
    /// The model refused its input, or its parts do not fit together.
    #[error(transparent)]
    Model(#[from] mlops_model::Error),
    /// A setting is out of its range.
    #[error("`{parameter}` of {owner} is {value}; {rule}")]
    InvalidParameter {
        /// The trainer or function.
        owner: &'static str,
        /// The setting.
        parameter: &'static str,
        /// Its value as text.
        value: String,
        /// What is allowed.
        rule: &'static str,
    },
    /// A feature has a type that the trainer does not read.
    #[error(
        "feature `{column}` holds {found}; most trainers read numbers, booleans and texts, those of sequences \
         lists of numbers"
    )]
    UnsupportedColumn {
        /// The feature.
        column: String,
        /// Its type.
        found: DataType,
    },
    /// All labels are the same, so there is nothing to tell apart.
    #[error("all {rows} labels are `{class}`; a classifier needs two classes")]
    SingleClass {
        /// The rows looked at.
        rows: usize,
        /// The one class; of two classes, `true` is the positive one.
        class: String,
    },
    /// The label asks for something that the trainer does not learn.
    #[error("{trainer} does not learn {task}")]
    UnsupportedTask {
        /// The trainer.
        trainer: &'static str,
        /// What the label asks for.
        task: &'static str,
    },
    /// There is no partition to learn from.
    #[error("there is no partition to learn from")]
    NoPartition,
    /// A partition has other features than the first one.
    #[error("partition {partition} does not have the features of partition 0")]
    PartitionSchema {
        /// The partition, counted from 0.
        partition: usize,
        /// What differs.
        source: Box<mlops_model::Error>,
    },
    /// The set's rows have weights that the trainer cannot heed.
    #[error("{trainer} does not know of weights, and the set has a column of them")]
    UnsupportedWeights {
        /// The trainer.
        trainer: &'static str,
    },
    /// A trainer of counts was given something else.
    #[error("column `{column}` in row {row} is {value}, and {trainer} reads counts")]
    NotACount {
        /// The trainer.
        trainer: &'static str,
        /// The encoded column.
        column: String,
        /// The row, counted from 0.
        row: usize,
        /// The number.
        value: f64,
    },
    /// There are more or fewer rows than the trainer can fit on.
    #[error("{trainer} needs {needed} rows, the set has {rows}")]
    WrongRowCount {
        /// The trainer.
        trainer: &'static str,
        /// The rows of the set.
        rows: usize,
        /// How many are needed, in words.
        needed: String,
    },
    /// Every feature is constant or wholly null.
    #[error("none of the {features} features takes two values, so nothing can be learnt")]
    NoUsableFeature {
        /// How many features there are.
        features: usize,
    },
    /// A split in time leaves no rows on one side.
    #[error("a split of {rows} rows leaves none {side}")]
    EmptySplit {
        /// The rows before the split.
        rows: usize,
        /// The side without rows.
        side: &'static str,
    },
    /// The rows do not make that many folds.
    #[error("{splitter} cannot make {folds} folds: {reason}")]
    Unsplittable {
        /// The splitter.
        splitter: &'static str,
        /// The folds asked for.
        folds: u32,
        /// What there is too little of, and in which fold or class.
        reason: String,
    },
    /// No threshold meets the condition.
    #[error("no threshold reaches a {what} of {wanted}; the best is {best}")]
    Unreachable {
        /// What was to be reached.
        what: &'static str,
        /// What was asked for.
        wanted: f64,
        /// What the best threshold reaches.
        best: f64,
    },
    /// A metric was asked of labels that it is not made for.
    #[error("metric `{metric}` is not defined for {labels}")]
    UnsupportedMetric {
        /// The metric.
        metric: String,
        /// What the labels are.
        labels: &'static str,
    },
    /// Two cross-validations cannot be compared fold by fold.
    #[error("the folds of `{first}` and `{second}` cannot be compared: {reason}")]
    UnlikeFolds {
        /// The first trainer.
        first: String,
        /// The second trainer.
        second: String,
        /// What differs.
        reason: String,
    },
    /// A label names a class that the model does not know.
    #[error("label `{class}` in row {row} is none of the model's classes")]
    UnknownClass {
        /// The row, counted from 0.
        row: usize,
        /// The label.
        class: String,
    },
    /// A fold of a cross-validation failed.
    #[error("fold {fold} failed")]
    Fold {
        /// The fold, counted from 0.
        fold: usize,
        /// What failed in it.
        source: Box<Error>,
    },
    /// Whoever watched the work asked for its end.
    #[error("{work} was cancelled after {done} steps")]
    Cancelled {
        /// The trainer, or what else was being done.
        work: &'static str,
        /// The rounds, epochs or folds that were finished.
        done: usize,
    },
    /// The function is made for another kind of answer or estimator.
    #[error("{function} takes {expected}; the model {found}")]
    UnsupportedModel {
        /// The function.
        function: &'static str,
        /// What it takes.
        expected: &'static str,
        /// What it met.
        found: String,
    },
    /// The optimiser stopped short of the optimum.
    #[error(
        "{trainer} did not converge in {iterations} iterations: the mean gradient is still {gradient:e}; \
         raise `max_iterations` or `l2`"
    )]
    NotConverged {
        /// The trainer.
        trainer: &'static str,
        /// The iterations allowed.
        iterations: u64,
        /// The largest component of the mean gradient.
        gradient: f64,
    },
    /// The loss left the real numbers.
    #[error("{trainer} diverged in epoch {epoch}; lower `learning_rate`")]
    Diverged {
        /// The trainer.
        trainer: &'static str,
        /// The epoch, counted from 1.
        epoch: usize,
    },
    /// A fit cannot go on from these bytes.
    #[error("the checkpoint cannot be used: {reason}")]
    InvalidCheckpoint {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A device was asked for that is not there.
    #[error("device `{device}` cannot be used: {reason}")]
    DeviceUnavailable {
        /// The device.
        device: String,
        /// What is missing.
        reason: String,
    },
    /// The library behind a trainer refused.
    #[error("{engine} refused: {reason}")]
    Engine {
        /// The library.
        engine: &'static str,
        /// Its own words.
        reason: String,
    },
}

/// The result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Core(error) => error.kind(),
            Self::Model(error) => error.kind(),
            Self::Cancelled { .. } => ErrorKind::Conflict,
            Self::DeviceUnavailable { .. } => ErrorKind::Unavailable,
            Self::Fold { source, .. } => source.kind(),
            Self::UnsupportedTask { .. }
            | Self::UnsupportedWeights { .. }
            | Self::UnsupportedMetric { .. }
            | Self::UnsupportedModel { .. } => ErrorKind::Unsupported,
            Self::Engine { .. } => ErrorKind::Internal,
            _ => ErrorKind::Invalid,
        }
    }
}

/// Refuses a setting unless `holds`.
pub(crate) fn require(
    holds: bool,
    owner: &'static str,
    parameter: &'static str,
    value: &dyn std::fmt::Display,
    rule: &'static str,
) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::InvalidParameter {
        owner,
        parameter,
        value: value.to_string(),
        rule,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_named_with_its_owner_and_rule() {
        let error = require(false, "boosting", "trees", &0, "it must be at least 1").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`trees` of boosting is 0; it must be at least 1"
        );
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let error = Error::from(mlops_core::Error::EmptyTable { table: "t".into() });
        assert_eq!(error.to_string(), "table `t` has no rows");
    }
}
