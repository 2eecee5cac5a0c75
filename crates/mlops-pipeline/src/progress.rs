//! What a listener hears while a pipeline runs.

use crate::{StepReport, Why};

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Progress {
    /// A step's code is about to run.
    Started {
        /// The step.
        step: String,
        /// Its place in the pipeline, counted from 1.
        position: usize,
        /// How many steps the pipeline has.
        of: usize,
        /// Why it runs.
        why: Why,
    },
    /// A running step says something.
    Message {
        /// The step.
        step: String,
        /// What it says.
        text: String,
    },
    /// A step is done, cached, failed or skipped.
    Finished(StepReport),
}
