//! How a program says that it failed: the error and all that caused it, on one line.

use std::{error::Error, process::ExitCode};

/// Prints an error with its causes.
pub(crate) fn report(error: &dyn Error) -> ExitCode {
    eprint!("error: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprint!(": {cause}");
        source = cause.source();
    }
    eprintln!();
    ExitCode::FAILURE
}
