//! What can go wrong with a pipeline, its cache and its steps.
//!
//! Mistakes in the definition are found by `build()` before anything runs and name the steps. What
//! a step's own code returns is carried as a [`StepError`], with the kind that its author gave it.

use std::{error::Error as StdError, fmt, io, path::PathBuf};

use mlops_core::ErrorKind;

/// An error of a pipeline, its cache or one of its steps.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name or another noun is not valid.
    #[error(transparent)]
    Core(#[from] mlops_core::Error),
    /// The artifact store failed.
    #[error(transparent)]
    Store(#[from] mlops_store::Error),
    /// A pipeline has no steps.
    #[error("pipeline `{pipeline}` has no steps")]
    NoSteps {
        /// The pipeline.
        pipeline: String,
    },
    /// Two steps have one name.
    #[error("pipeline `{pipeline}` has two steps named `{step}`")]
    DuplicateStep {
        /// The pipeline.
        pipeline: String,
        /// The name.
        step: String,
    },
    /// A step names an input, output or parameter twice, or gives it no name.
    #[error("step `{step}`: {what} `{name}` is {fault}")]
    InvalidDefinition {
        /// The step.
        step: String,
        /// `input`, `output` or `parameter`.
        what: &'static str,
        /// Its name.
        name: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A step reads from a step that is not there.
    #[error("step `{step}` reads `{input}` from step `{upstream}`, which is not in the pipeline")]
    UnknownStep {
        /// The step.
        step: String,
        /// Its input.
        input: String,
        /// The step that is not there.
        upstream: String,
    },
    /// A step reads an output that the other step does not declare.
    #[error(
        "step `{step}` reads `{input}` from output `{output}` of step `{upstream}`, which gives {available}"
    )]
    UnknownOutput {
        /// The step.
        step: String,
        /// Its input.
        input: String,
        /// The step that it reads from.
        upstream: String,
        /// The output that is not declared.
        output: String,
        /// The outputs that are.
        available: String,
    },
    /// Steps wait for each other.
    #[error("pipeline `{pipeline}` goes in a circle: {}", .steps.join(" → "))]
    Cycle {
        /// The pipeline.
        pipeline: String,
        /// The steps of the circle; the last one is the first again.
        steps: Vec<String>,
    },
    /// A step's code asks for an input that the step does not have.
    #[error("step `{step}` has no input `{input}`; it has {available}")]
    UnknownInput {
        /// The step.
        step: String,
        /// What was asked for.
        input: String,
        /// The inputs that are there.
        available: String,
    },
    /// A step's code asks for a parameter that is not there or is of another type.
    #[error("step `{step}`: parameter `{parameter}` is {found}, {expected} is expected")]
    Parameter {
        /// The step.
        step: String,
        /// The parameter.
        parameter: String,
        /// What is there.
        found: String,
        /// What was asked for.
        expected: &'static str,
    },
    /// A step returned other outputs than it declares.
    #[error("step `{step}` declares the outputs {declared} and returned {returned}")]
    WrongOutputs {
        /// The step.
        step: String,
        /// The names that were declared.
        declared: String,
        /// The names that came.
        returned: String,
    },
    /// Bytes are not the JSON that was asked for.
    #[error("`{name}` cannot be {action} JSON")]
    Json {
        /// The input or output.
        name: String,
        /// `read as` or `written as`.
        action: &'static str,
        /// The parser's own error.
        source: serde_json::Error,
    },
    /// A step's code panicked.
    #[error("step `{step}` panicked: {message}")]
    Panicked {
        /// The step.
        step: String,
        /// The panic's message.
        message: String,
    },
    /// A step's code returned an error.
    #[error("step `{step}` failed")]
    StepFailed {
        /// The step.
        step: String,
        /// The kind that the step's author gave it.
        kind: ErrorKind,
        /// What the step returned.
        source: StepFailure,
    },
    /// A report holds no such output.
    #[error("the run has no output `{output}` of step `{step}`")]
    NoOutput {
        /// The step.
        step: String,
        /// The output.
        output: String,
    },
    /// A file or directory of the cache did not do what was asked.
    #[error("could not {action} `{path}`")]
    Io {
        /// What was being done.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's own error.
        source: io::Error,
    },
}

/// The result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Core(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::StepFailed { kind, .. } => *kind,
            Self::NoOutput { .. } => ErrorKind::NotFound,
            Self::Io { .. } => ErrorKind::Unavailable,
            Self::Panicked { .. } => ErrorKind::Internal,
            _ => ErrorKind::Invalid,
        }
    }
}

/// What the code of a step returns when it fails: any error, with a kind.
///
/// `?` turns every error into one. The kind is that of the error if it comes from this crate, the
/// store or the core, and [`ErrorKind::Internal`] otherwise; [`StepError::with_kind`] states another.
#[derive(Debug)]
pub struct StepError {
    kind: ErrorKind,
    source: Box<dyn StdError + Send + Sync>,
}

impl StepError {
    /// An error that is a text alone.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            source: message.into().into(),
        }
    }

    /// Any error, with the kind that it has for a caller.
    pub fn with_kind(kind: ErrorKind, error: impl StdError + Send + Sync + 'static) -> Self {
        Self {
            kind,
            source: Box::new(error),
        }
    }

    pub(crate) fn of_step(self, step: &str) -> Error {
        Error::StepFailed {
            step: step.to_owned(),
            kind: self.kind,
            source: StepFailure(self.source),
        }
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for StepError {
    fn from(error: E) -> Self {
        let any: &dyn StdError = &error;
        let kind = None
            .or_else(|| any.downcast_ref().map(Error::kind))
            .or_else(|| any.downcast_ref().map(mlops_store::Error::kind))
            .or_else(|| any.downcast_ref().map(mlops_core::Error::kind))
            .unwrap_or(ErrorKind::Internal);
        Self::with_kind(kind, error)
    }
}

/// The error of a step's own code, as the source of [`Error::StepFailed`].
#[derive(Debug)]
pub struct StepFailure(Box<dyn StdError + Send + Sync>);

impl fmt::Display for StepFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for StepFailure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

/// The error and all its sources in one line.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// Names in backticks, or `none`.
pub(crate) fn names<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<String> = names.into_iter().map(|n| format!("`{n}`")).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_error_keeps_the_kind_that_is_known() {
        let not_found = Error::NoOutput {
            step: "a".into(),
            output: "b".into(),
        };
        assert_eq!(StepError::from(not_found).kind, ErrorKind::NotFound);
        assert_eq!(
            StepError::from(io::Error::other("x")).kind,
            ErrorKind::Internal
        );
        let error = StepError::new(ErrorKind::Denied, "the gate said no").of_step("promote");
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert_eq!(chain(&error), "step `promote` failed: the gate said no");
    }
}
