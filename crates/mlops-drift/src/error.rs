//! What can go wrong between a profile and a signal, named by column, row, id or setting.

use arrow::datatypes::DataType;
use mlops_core::{ErrorKind, ModelName};

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An error of the shared nouns: an unknown column, lengths that differ, a setting out of range.
    #[error(transparent)]
    Core(#[from] mlops_core::Error),
    /// A histogram holds something that is no count.
    #[error("cell {cell} of the {side} counts is {value}; counts are finite and not negative")]
    InvalidCount {
        /// `expected` or `actual`.
        side: &'static str,
        /// The cell, counted from 0.
        cell: usize,
        /// What was found.
        value: f64,
    },
    /// A sample or histogram has nothing in it.
    #[error("the {what} is empty")]
    Empty {
        /// Which sample, histogram or batch.
        what: &'static str,
    },
    /// A sample holds NaN.
    #[error("value {position} of the {sample} sample is not a number")]
    NotANumber {
        /// Which sample.
        sample: &'static str,
        /// The position, counted from 0.
        position: usize,
    },
    /// A p-value lies outside `0..=1`.
    #[error("p-value {position} is {value}; it must lie in 0..=1")]
    InvalidPValue {
        /// The position, counted from 0.
        position: usize,
        /// What was found.
        value: f64,
    },
    /// A column has a type that has no distribution here.
    #[error(
        "column `{column}` holds {found}; numbers, booleans and texts have a profile, exclude the rest"
    )]
    UnsupportedColumn {
        /// The column.
        column: String,
        /// Its type.
        found: DataType,
    },
    /// A row or batch holds another sort of value than the profile knows.
    #[error("column `{column}` holds {found}, its profile is {expected}")]
    WrongValue {
        /// The column.
        column: String,
        /// The sort that the profile has.
        expected: &'static str,
        /// The sort that was found.
        found: String,
    },
    /// Two columns have the same name.
    #[error("two columns are named `{column}`")]
    DuplicateColumn {
        /// The name.
        column: String,
    },
    /// The text of a profile is not one.
    #[error("the reference profile is not valid: {reason}")]
    InvalidProfile {
        /// What contradicts what, with the column.
        reason: String,
    },
    /// The text of a profile is larger than any profile can be.
    #[error("the reference profile has {bytes} bytes; {limit} are allowed")]
    ProfileTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A profile was written by a later release.
    #[error("the reference profile has schema {found}; this release reads up to {supported}")]
    UnsupportedSchema {
        /// The version found.
        found: u64,
        /// The latest version that can be read.
        supported: u64,
    },
    /// Two things rest on different profiles.
    #[error("the {what} rests on another reference profile")]
    ProfileMismatch {
        /// What does not belong.
        what: &'static str,
    },
    /// One id came with two contents.
    #[error("{what} `{id}` came twice with different contents")]
    ConflictingRecord {
        /// `prediction`, or `outcome of prediction`.
        what: &'static str,
        /// The id.
        id: String,
    },
    /// A record belongs to another model.
    #[error("prediction `{id}` is by model `{found}`; outcomes are joined for `{expected}`")]
    OtherModel {
        /// The prediction's id.
        id: String,
        /// The model that is watched.
        expected: ModelName,
        /// The model of the record.
        found: ModelName,
    },
    /// A prediction is no probability.
    #[error("prediction `{id}` is {prediction}; performance is for probabilities")]
    NotProbability {
        /// The prediction's id.
        id: String,
        /// What was predicted.
        prediction: f64,
    },
    /// An outcome is neither 0 nor 1.
    #[error("the outcome of prediction `{id}` is {outcome}; performance is for outcomes 0 and 1")]
    NotBinary {
        /// The prediction's id.
        id: String,
        /// The outcome.
        outcome: f64,
    },
}

/// The result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Core(error) => error.kind(),
            Self::InvalidProfile { .. } | Self::ProfileTooLarge { .. } => ErrorKind::Corrupt,
            Self::UnsupportedSchema { .. } | Self::UnsupportedColumn { .. } => {
                ErrorKind::Unsupported
            }
            Self::ConflictingRecord { .. } => ErrorKind::Conflict,
            _ => ErrorKind::Invalid,
        }
    }
}
