//! What a run did and why, and what the next one would do.
//!
//! Every step has a [`Why`]: the parameter that changed, the input that differs, the artifact that
//! is gone. A runner that cannot say why it reran a step is not believed when it skips one.

use std::{collections::BTreeMap, fmt};

use mlops_core::Digest;
use serde::{Deserialize, Serialize};

use crate::{Change, Error, Result};

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its code ran and its outputs were kept.
    Ran,
    /// Its outputs were there already.
    Cached,
    /// Its code, its inputs or the cache failed.
    Failed,
    /// It was not looked at, because another step failed.
    Skipped,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ran => "ran",
            Self::Cached => "cached",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        })
    }
}

/// Why a step ran, did not run, or would run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
#[non_exhaustive]
pub enum Why {
    /// It never ran with this cache.
    FirstRun,
    /// It is as it was when it last ran.
    Unchanged,
    /// It is not as it was when it last ran. A step that is cached all the same went back to
    /// something that ran earlier.
    Changed {
        /// What is different.
        changes: Vec<Change>,
    },
    /// It ran before, and its result cannot be used: the cache entry or an artifact is gone or damaged.
    Lost {
        /// What is gone or damaged.
        what: String,
    },
    /// It could not be looked up; the step's error says why.
    Unknown,
    /// It runs every time.
    AlwaysRuns,
    /// A step that it reads from failed.
    UpstreamFailed {
        /// The step that failed.
        step: String,
    },
    /// The run stopped when a step failed that it does not read from.
    Stopped {
        /// The step that failed.
        step: String,
    },
    /// In a plan: it depends on what these steps give.
    Awaits {
        /// The steps that it reads from and that do not have their result yet.
        steps: Vec<String>,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstRun => f.write_str("first run"),
            Self::Unchanged => f.write_str("unchanged"),
            Self::Changed { changes } => {
                let changes: Vec<String> = changes.iter().map(Change::to_string).collect();
                write!(f, "changed: {}", changes.join(", "))
            }
            Self::Lost { what } => write!(f, "lost: {what}"),
            Self::Unknown => f.write_str("it could not be looked up"),
            Self::AlwaysRuns => f.write_str("runs every time"),
            Self::UpstreamFailed { step } => write!(f, "it reads from `{step}`, which failed"),
            Self::Stopped { step } => write!(f, "the run stopped when `{step}` failed"),
            Self::Awaits { steps } => write!(f, "depends on what {} will give", quoted(steps)),
        }
    }
}

fn quoted(names: &[String]) -> String {
    crate::error::names(names)
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// The step.
    pub name: String,
    /// What became of it.
    pub status: Status,
    /// How long it took, with reading and keeping its results, in seconds.
    pub seconds: f64,
    /// The digest of everything that its result depends on; `None` if it was skipped.
    pub fingerprint: Option<Digest>,
    /// Why it ran or did not.
    pub why: Why,
    /// Its outputs by name, if it ran or was cached.
    pub outputs: BTreeMap<String, Digest>,
    /// The error and its sources in one line, if it failed.
    pub error: Option<String>,
}

/// What became of every step of a pipeline, in the order of the pipeline.
#[derive(Debug, Serialize, Deserialize)]
pub struct RunReport {
    /// The pipeline.
    pub pipeline: String,
    /// The steps.
    pub steps: Vec<StepReport>,
    /// How long the run took, in seconds.
    pub seconds: f64,
    #[serde(skip)]
    pub(crate) failure: Option<Error>,
}

impl RunReport {
    /// Whether every step ran or was cached.
    pub fn succeeded(&self) -> bool {
        self.steps
            .iter()
            .all(|s| matches!(s.status, Status::Ran | Status::Cached))
    }

    /// The error of the first step that failed. A report that was stored and read again has the
    /// text alone, in [`StepReport::error`].
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    /// The report, or the error of the first step that failed.
    ///
    /// # Errors
    /// The error of the step: [`Error::StepFailed`] for one that its code returned.
    pub fn into_result(mut self) -> Result<Self> {
        match self.failure.take() {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    /// What became of a step.
    pub fn step(&self, name: &str) -> Option<&StepReport> {
        self.steps.iter().find(|s| s.name == name)
    }

    /// The digest of an output.
    ///
    /// # Errors
    /// [`Error::NoOutput`] if the step did not give it in this run.
    pub fn output(&self, step: &str, output: &str) -> Result<Digest> {
        let found = self.step(step).and_then(|s| s.outputs.get(output));
        found.copied().ok_or_else(|| Error::NoOutput {
            step: step.to_owned(),
            output: output.to_owned(),
        })
    }

    /// How many steps have a status.
    pub fn count(&self, status: Status) -> usize {
        self.steps.iter().filter(|s| s.status == status).count()
    }
}

impl fmt::Display for RunReport {
    /// A line a step: name, status, seconds, reason.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.steps.iter().map(|s| s.name.len()).max().unwrap_or(0);
        for step in &self.steps {
            write!(
                f,
                "{:width$}  {:7}  {:8.3} s  {}",
                step.name, step.status, step.seconds, step.why
            )?;
            match &step.error {
                Some(error) => writeln!(f, "; {error}")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

/// What a run would do with a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Planned {
    /// It would run.
    Run,
    /// Its result is there.
    Cached,
    /// It runs if the outputs of the steps before it come out new.
    Depends,
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Run => "run",
            Self::Cached => "cached",
            Self::Depends => "depends",
        })
    }
}

/// What a run would do with one step, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// The step.
    pub name: String,
    /// What would become of it.
    pub action: Planned,
    /// Why.
    pub why: Why,
}

/// What a run would do, if nothing changes before it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The pipeline.
    pub pipeline: String,
    /// The steps in the order of the pipeline.
    pub steps: Vec<PlannedStep>,
}

impl Plan {
    /// Whether no step would run.
    pub fn is_up_to_date(&self) -> bool {
        self.steps.iter().all(|s| s.action == Planned::Cached)
    }
}

impl fmt::Display for Plan {
    /// A line a step: name, action, reason.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.steps.iter().map(|s| s.name.len()).max().unwrap_or(0);
        for step in &self.steps {
            writeln!(f, "{:width$}  {:7}  {}", step.name, step.action, step.why)?;
        }
        Ok(())
    }
}
