//! What can go wrong with the nouns, and the kinds of error that every crate shares.
//!
//! Each crate of the SDK has one error enum of its own and a `kind()` that maps every variant
//! to an [`ErrorKind`]. Retries, HTTP statuses and pipelines match on the kind and never on text.

use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

/// What a caller can do about an error, the same in every crate of the SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is wrong; the same call will fail again until it is changed.
    Invalid,
    /// The thing that was named does not exist.
    NotFound,
    /// The state does not allow it: it exists already, or somebody else was first.
    Conflict,
    /// The caller may not do this, or a gate said no.
    Denied,
    /// Stored bytes are not what was written.
    Corrupt,
    /// A file, a port, a disk or a database did not answer; a retry may help.
    Unavailable,
    /// Understood, and not offered.
    Unsupported,
    /// A bug of ours.
    Internal,
}

/// An error of the shared nouns: a value that does not parse, a column that is not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name breaks the naming rule.
    #[error("{kind} name `{name}` is not valid: {reason}")]
    InvalidName {
        /// Which sort of name, for instance `feature`.
        kind: &'static str,
        /// The name, cut to a readable length.
        name: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// A text is not a time with a zone.
    #[error("`{text}` is not a time: {reason}")]
    InvalidTime {
        /// The text as it was given.
        text: String,
        /// What is missing or wrong.
        reason: String,
    },
    /// A text or number is not a length of time, or is negative.
    #[error("`{text}` is not a length of time: {reason}")]
    InvalidSpan {
        /// The text as it was given.
        text: String,
        /// What is missing or wrong.
        reason: &'static str,
    },
    /// A text is not a digest.
    #[error("`{text}` is not a digest: 64 hexadecimal digits are expected")]
    InvalidDigest {
        /// The text as it was given.
        text: String,
    },
    /// A text is not a universally unique identifier.
    #[error(
        "`{text}` is not a UUID: 32 hexadecimal digits are expected, with four hyphens or none"
    )]
    InvalidUuid {
        /// The text as it was given, cut to a readable length.
        text: String,
    },
    /// A number is not a probability.
    #[error("{value} is not a probability: it must lie in 0..=1")]
    InvalidProbability {
        /// The number.
        value: f64,
    },
    /// A column is asked for that the table does not have.
    #[error("column `{column}` is not in the table; it has {available}")]
    UnknownColumn {
        /// The column that was asked for.
        column: String,
        /// The columns that are there.
        available: String,
    },
    /// A column has another type than its schema says.
    #[error("column `{column}` holds {found}, its schema asks for {expected}")]
    TypeMismatch {
        /// The column.
        column: String,
        /// The type that the schema states.
        expected: DataType,
        /// The type that was found.
        found: DataType,
    },
    /// A null stands where none is allowed.
    #[error("column `{column}` is null in row {row}")]
    UnexpectedNull {
        /// The column.
        column: String,
        /// The first such row, counted from 0.
        row: usize,
    },
    /// A cell cannot be taken without losing a part of it.
    #[error("column `{column}`, row {row}: {reason}")]
    Unrepresentable {
        /// The column.
        column: String,
        /// The row, counted from 0.
        row: usize,
        /// What would be lost; never the value itself.
        reason: &'static str,
    },
    /// A schema contradicts itself.
    #[error("schema is not valid: {reason}")]
    InvalidSchema {
        /// What contradicts what.
        reason: String,
    },
    /// A table has no rows where some are needed.
    #[error("table `{table}` has no rows")]
    EmptyTable {
        /// What the table is for.
        table: String,
    },
    /// Two things that belong together differ in length.
    #[error("{what}: {left} values meet {right}")]
    LengthMismatch {
        /// What was compared.
        what: &'static str,
        /// The length of the first.
        left: usize,
        /// The length of the second.
        right: usize,
    },
    /// A metric needs both classes, and only one is there.
    #[error("all {rows} labels are {class}; {metric} needs both classes")]
    SingleClass {
        /// The metric.
        metric: &'static str,
        /// The rows looked at.
        rows: usize,
        /// The one class, `true` for positive.
        class: bool,
    },
    /// A metric met a number that it is not defined for.
    #[error("{metric}: row {row} is {value}")]
    InvalidScore {
        /// The metric.
        metric: &'static str,
        /// The row, counted from 0.
        row: usize,
        /// The number found.
        value: f64,
    },
    /// A parameter is out of its range.
    #[error("`{parameter}` is {value}; {rule}")]
    InvalidParameter {
        /// The parameter.
        parameter: &'static str,
        /// Its value as text.
        value: String,
        /// What is allowed.
        rule: &'static str,
    },
    /// Stored bytes are not what was written.
    #[error("the {what} cannot be read back")]
    Corrupt {
        /// What the bytes should be.
        what: &'static str,
        /// Arrow's own error.
        source: arrow::error::ArrowError,
    },
    /// An Arrow kernel refused.
    #[error("arrow could not {action}")]
    Arrow {
        /// What was being done.
        action: &'static str,
        /// Arrow's own error.
        source: arrow::error::ArrowError,
    },
}

/// The result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownColumn { .. } => ErrorKind::NotFound,
            Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::Arrow { .. } => ErrorKind::Internal,
            _ => ErrorKind::Invalid,
        }
    }
}
