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
    /// A feature has a type that no trainer reads.
    #[error("feature `{column}` holds {found}; numbers, booleans and texts can be trained on")]
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
    /// The caller asked for an end while a model was fitted.
    #[error("{trainer} was cancelled after {rounds} rounds")]
    Cancelled {
        /// The trainer.
        trainer: &'static str,
        /// The rounds that were done.
        rounds: usize,
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
            Self::UnsupportedTask { .. } => ErrorKind::Unsupported,
            Self::DeviceUnavailable { .. } => ErrorKind::Unavailable,
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
