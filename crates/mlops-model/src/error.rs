//! What can go wrong between a row and a prediction, and between bytes and a model.
//!
//! Errors about values name the column, and the row where there is more than one. Errors about
//! packages name the file. [`Error::in_row`] adds the row when a caller checks rows one by one.

use std::path::PathBuf;

use mlops_core::ErrorKind;

use crate::InputKind;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A shared noun did not parse.
    #[error(transparent)]
    Core(#[from] mlops_core::Error),
    /// The signature names an input that was not given.
    #[error("column `{column}`{} is missing; the model reads {expected}", place(*row))]
    MissingColumn {
        /// The input that is missing.
        column: String,
        /// The row, counted from 0, where rows come one by one.
        row: Option<usize>,
        /// All inputs of the signature.
        expected: String,
    },
    /// A column was given that the signature does not name.
    #[error("column `{column}`{} is not an input; the model reads {expected}", place(*row))]
    UnknownColumn {
        /// The column that is not known.
        column: String,
        /// The row, counted from 0, where rows come one by one.
        row: Option<usize>,
        /// All inputs of the signature.
        expected: String,
    },
    /// A column was given twice.
    #[error("column `{column}`{} is given twice", place(*row))]
    DuplicateColumn {
        /// The column.
        column: String,
        /// The row, counted from 0, where rows come one by one.
        row: Option<usize>,
    },
    /// A value has another type than its input.
    #[error("column `{column}`{} holds {found}, the model reads {expected}", place(*row))]
    WrongType {
        /// The column.
        column: String,
        /// The row, counted from 0, where it is known.
        row: Option<usize>,
        /// What the signature states.
        expected: InputKind,
        /// What was found.
        found: String,
    },
    /// A null or NaN stands in an input that is not nullable.
    #[error("column `{column}`{} is null, and the input is not nullable", place(*row))]
    NullInput {
        /// The column.
        column: String,
        /// The row, counted from 0, where it is known.
        row: Option<usize>,
    },
    /// A number is infinite.
    #[error("column `{column}`{} is {value}, which is not a finite number", place(*row))]
    NotFinite {
        /// The column.
        column: String,
        /// The row, counted from 0, where it is known.
        row: Option<usize>,
        /// The number.
        value: f64,
    },
    /// A whole number has no exact real number.
    #[error("column `{column}`{} is {value}; beyond 2^53 it would be rounded", place(*row))]
    Inexact {
        /// The column.
        column: String,
        /// The row, counted from 0, where it is known.
        row: Option<usize>,
        /// The number.
        value: i64,
    },
    /// A list is no list that its input reads.
    #[error("the list of column `{column}`{}: {reason}", place(*row))]
    InvalidList {
        /// The column.
        column: String,
        /// The row, counted from 0, where it is known.
        row: Option<usize>,
        /// What is wrong with the list; its numbers are counted from 0.
        reason: String,
    },
    /// A row has another number of values than the signature has inputs.
    #[error("the row{} has {found} values, the model reads {expected}", place(*row))]
    WrongWidth {
        /// The row, counted from 0, where it is known.
        row: Option<usize>,
        /// The number of inputs.
        expected: usize,
        /// The number of values.
        found: usize,
    },
    /// The model's answer overflowed.
    #[error("the prediction{} is {value}, which is not a finite number", place(*row))]
    PredictionNotFinite {
        /// The row, counted from 0, where it is known.
        row: Option<usize>,
        /// What the model computed.
        value: f64,
    },
    /// One number was asked of a model that answers several.
    #[error("the model answers {outputs} numbers, one was asked for")]
    SeveralOutputs {
        /// The numbers of an answer.
        outputs: usize,
    },
    /// A signature contradicts itself.
    #[error("signature is not valid: {reason}")]
    InvalidSignature {
        /// What contradicts what.
        reason: String,
    },
    /// A part of a model contradicts itself or another part.
    #[error("{part} is not valid: {reason}")]
    InvalidModel {
        /// The part, for instance `tree 3`.
        part: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something is larger than this crate is willing to hold.
    #[error("{what} is {found}, at most {limit} are allowed")]
    TooLarge {
        /// What is too large, with its unit.
        what: String,
        /// Its size.
        found: u64,
        /// The limit, one of [`crate::limit`].
        limit: u64,
    },
    /// A model has no form in ONNX.
    #[error("{part} has no form in ONNX: {reason}")]
    NotInOnnx {
        /// The part, for instance an encoder.
        part: String,
        /// What ONNX lacks.
        reason: &'static str,
    },
    /// A file is no ONNX model.
    #[error("the file is not an ONNX model: {reason}")]
    MalformedOnnx {
        /// What does not fit.
        reason: String,
    },
    /// An ONNX model computes what no family of this crate does.
    #[error("node `{node}` ({operator}) has no form here: {reason}")]
    UnsupportedOnnx {
        /// The node's name, or that of its first result, or an output of the graph.
        node: String,
        /// The operator.
        operator: String,
        /// What is missing.
        reason: String,
    },
    /// A model package was written by a later version of this crate.
    #[error("the package has schema version {found}, this crate reads up to {newest}")]
    UnsupportedVersion {
        /// The version that the manifest states.
        found: u32,
        /// The newest version that is read.
        newest: u32,
    },
    /// A file name inside a package is not plain.
    #[error("`{name}` cannot name a file of a package: {reason}")]
    InvalidFileName {
        /// The name, cut to a readable length.
        name: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// A file that the manifest or the format asks for is not there.
    #[error("file `{file}` is missing from the package")]
    MissingFile {
        /// The file.
        file: String,
    },
    /// A file is there that the manifest does not list.
    #[error("file `{file}` is not in the manifest")]
    UnexpectedFile {
        /// The file.
        file: String,
    },
    /// A file is not what was written.
    #[error("file `{file}` is corrupt: {reason}")]
    Corrupt {
        /// The file.
        file: String,
        /// What does not fit.
        reason: String,
    },
    /// A file's text is not the JSON that the format asks for.
    #[error("file `{file}` is not valid JSON of its format")]
    Json {
        /// The file.
        file: String,
        /// The parser's own error.
        source: serde_json::Error,
    },
    /// The directory of a package exists already.
    #[error("`{}` exists already", path.display())]
    AlreadyExists {
        /// The directory.
        path: PathBuf,
    },
    /// There is no package at the path.
    #[error("there is no model package at `{}`", path.display())]
    NotFound {
        /// The directory.
        path: PathBuf,
    },
    /// A key's file is not one.
    #[error("the key cannot be read: {reason}")]
    MalformedKey {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The password does not open the key, or the file was altered.
    #[error("the password does not open the key")]
    WrongPassword,
    /// The operating system gave no random numbers.
    #[error("the operating system gives no random numbers")]
    Random,
    /// A signature's file is not one.
    #[error("the signature cannot be read: {reason}")]
    MalformedSignature {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A signature is of a kind that is not verified here.
    #[error("the signature is {found}, which is not supported; sign with a key")]
    UnsupportedSignature {
        /// What was found.
        found: &'static str,
    },
    /// A signature does not fit a key and the bytes.
    #[error("the signature does not fit: {reason}")]
    SignatureMismatch {
        /// What does not fit.
        reason: &'static str,
    },
    /// A trust policy contradicts itself.
    #[error("the trust policy is not valid: {reason}")]
    InvalidPolicy {
        /// What contradicts what.
        reason: String,
    },
    /// Too few trusted keys have signed.
    #[error(
        "{needed} trusted keys must have signed, {} of {given} signatures are good{}{}",
        found.len(), listed(" by", found), listed(", out of their time", outside_validity)
    )]
    Untrusted {
        /// How many keys the policy asks for.
        needed: usize,
        /// The trusted keys that did sign.
        found: Vec<String>,
        /// The trusted keys that signed and are not valid at the instant that was given.
        outside_validity: Vec<String>,
        /// How many signatures were given.
        given: usize,
    },
    /// The file system refused.
    #[error("could not {action} `{}`", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The file system's own error.
        source: std::io::Error,
    },
    /// A sequence cannot be read.
    #[error("sequence {sequence}: {reason}")]
    InvalidSequence {
        /// The sequence, counted from 0.
        sequence: usize,
        /// What is wrong with it.
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
            Self::MissingFile { .. }
            | Self::UnexpectedFile { .. }
            | Self::Corrupt { .. }
            | Self::Json { .. }
            | Self::MalformedOnnx { .. }
            | Self::MalformedSignature { .. } => ErrorKind::Corrupt,
            Self::UnsupportedVersion { .. }
            | Self::UnsupportedSignature { .. }
            | Self::SeveralOutputs { .. }
            | Self::UnsupportedOnnx { .. }
            | Self::NotInOnnx { .. } => ErrorKind::Unsupported,
            Self::WrongPassword | Self::SignatureMismatch { .. } | Self::Untrusted { .. } => {
                ErrorKind::Denied
            }
            Self::AlreadyExists { .. } => ErrorKind::Conflict,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Io { .. } | Self::Random => ErrorKind::Unavailable,
            _ => ErrorKind::Invalid,
        }
    }

    /// The column at fault, if the error is about one.
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::MissingColumn { column, .. }
            | Self::UnknownColumn { column, .. }
            | Self::DuplicateColumn { column, .. }
            | Self::WrongType { column, .. }
            | Self::NullInput { column, .. }
            | Self::NotFinite { column, .. }
            | Self::Inexact { column, .. } => Some(column),
            _ => None,
        }
    }

    /// The same error with the row it happened in, counted from 0; errors about no row stay as they are.
    #[must_use]
    pub fn in_row(mut self, at: usize) -> Self {
        match &mut self {
            Self::MissingColumn { row, .. }
            | Self::UnknownColumn { row, .. }
            | Self::DuplicateColumn { row, .. }
            | Self::WrongType { row, .. }
            | Self::NullInput { row, .. }
            | Self::NotFinite { row, .. }
            | Self::Inexact { row, .. }
            | Self::InvalidList { row, .. }
            | Self::WrongWidth { row, .. }
            | Self::PredictionNotFinite { row, .. } => *row = Some(at),
            _ => {}
        }
        self
    }

    pub(crate) fn model(part: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::InvalidModel {
            part: part.into(),
            reason: reason.into(),
        }
    }

    pub(crate) fn corrupt(file: &str, reason: impl Into<String>) -> Self {
        Self::Corrupt {
            file: file.to_owned(),
            reason: reason.into(),
        }
    }
}

fn place(row: Option<usize>) -> String {
    row.map_or_else(String::new, |row| format!(" in row {row}"))
}

fn listed(what: &str, names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    format!("{what}: `{}`", names.join("`, `"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_is_named_once_it_is_known() {
        let error = Error::NullInput {
            column: "age".into(),
            row: None,
        };
        assert_eq!(
            error.to_string(),
            "column `age` is null, and the input is not nullable"
        );
        let error = error.in_row(3);
        assert_eq!(error.column(), Some("age"));
        assert_eq!(
            error.to_string(),
            "column `age` in row 3 is null, and the input is not nullable"
        );
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
}
