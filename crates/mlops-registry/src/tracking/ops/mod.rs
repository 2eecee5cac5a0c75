//! Every write of tracking as data: what was decided beforehand, and one way to check and write it.
//!
//! In SQLite an op is applied in its transaction, and that is all. Where runs lie at a location, it is tried on the
//! index, kept in a log, and applied to every index that follows this log; see `log/`.
//!
//! Invariant: what an op does depends on what its own log and the log of experiments hold, and on nothing else: no
//! clock, no chance, no row of another log. Invariant: what ops of two logs do commutes, so that every index that
//! has applied the same entries holds the same, in whatever order the logs took turns. Therefore a table, or a
//! column of a shared one, belongs to one log:
//!
//! | log | what it writes |
//! | --- | --- |
//! | experiments | experiments with their tags; that runs and logged models are made, with what they are made of; whether runs are deleted; datasets and inputs of runs |
//! | a run | its name and tags after that, params, metrics, how it stands, heartbeats, outputs, artifacts; points that it measured on logged models |
//! | a logged model | its status, tags, params, artifacts, and that it is deleted |

mod artifact;
mod batch;
mod experiment;
mod logged_model;
mod new_run;
mod run;
mod run_handle;

use rusqlite::Transaction;
use serde::{Deserialize, Serialize};

pub(crate) use self::{
    artifact::{LinkArtifact, UnlinkArtifact},
    batch::{DeleteTag, LogBatch, LogInputs, LogOutputs},
    experiment::{ChangeExperiment, CreateExperiment, EnsureExperiment, ExperimentChange},
    logged_model::{ChangeModel, CreateModel, ModelChange},
    new_run::{CreateRun, StartRun},
    run::{Beat, EndAbandoned, EndRun, SetLifecycle, UpdateRun},
    run_handle::{LogByHandle, Logged},
};
use super::log::{LogName, Touch};
use crate::Result;

/// Whether an op asks for something or tells what was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is checked against everything that is known.
    Decide,
    /// Its log holds it: what another log says since does not count.
    Replay,
}

/// One write of tracking.
pub(crate) trait Op: Clone + Into<Write> + Send + Sync + 'static {
    /// What whoever asked is told.
    type Answer: Send + 'static;

    /// The log that it belongs to.
    fn log(&self) -> LogName;

    /// Checks and writes it.
    fn apply(&self, tx: &Transaction<'_>, mode: Mode) -> Result<Self::Answer>;

    /// What the log tells of it, with the identities that were given; `None` if nothing was written.
    fn settled(&self, _answer: &Self::Answer) -> Option<Write> {
        Some(self.clone().into())
    }
}

macro_rules! writes {
    ($($op:ident),+ $(,)?) => {
        /// Any op, as a log holds it.
        #[derive(Debug, Clone, Serialize, Deserialize)]
        pub(crate) enum Write {
            $(#[doc = concat!("See [`", stringify!($op), "`].")] $op($op),)+
        }

        $(impl From<$op> for Write {
            fn from(op: $op) -> Self {
                Self::$op(op)
            }
        })+

        impl Write {
            /// Writes what its log holds.
            pub(crate) fn replay(&self, tx: &Transaction<'_>) -> Result<()> {
                match self {
                    $(Self::$op(op) => op.apply(tx, Mode::Replay).map(drop),)+
                }
            }
        }
    };
}

writes!(
    CreateExperiment,
    ChangeExperiment,
    CreateRun,
    StartRun,
    SetLifecycle,
    LogInputs,
    CreateModel,
    Touch,
    UpdateRun,
    EndRun,
    EndAbandoned,
    Beat,
    LogBatch,
    LogByHandle,
    DeleteTag,
    LogOutputs,
    LinkArtifact,
    UnlinkArtifact,
    ChangeModel,
);
