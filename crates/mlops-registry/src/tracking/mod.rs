//! Tracking as MLflow's clients know it: experiments and runs by identity, with lifecycles, datasets,
//! outputs, logged models, artifacts and search, on the same tables as [`Run`](crate::Run) writes.
//!
//! [`Run`](crate::Run) is for the process that trains: it refuses to write to a run that has ended.
//! [`Tracking`] is for whoever serves, imports or looks: it keeps MLflow's rules, where a run that has
//! ended still takes tags and metrics, and one that was deleted takes nothing.

mod activity;
mod artifact;
mod batch;
mod dataset;
mod error;
mod experiment;
mod heartbeat;
mod history;
pub mod limits;
pub(crate) mod log;
mod logged_model;
mod logged_model_read;
mod logged_model_write;
mod logger;
mod multipart;
mod name;
pub(crate) mod ops;
mod record;
mod run;
mod run_write;
mod sample;

pub use activity::Activity;
pub use artifact::{ArtifactEntry, ArtifactOwner};
pub use batch::{Batch, DatasetName, Metric};
pub use dataset::{Dataset, DatasetInput, ModelOutput};
pub use error::TrackingError;
pub use experiment::{ExperimentRecord, NewExperiment};
pub use history::HistoryPage;
pub use logged_model::{LoggedModel, LoggedModelStatus, ModelMetric, NewLoggedModel};
pub use logger::{Flushed, Logger, LoggerOptions, WhenFull};
pub use multipart::Upload;
pub use name::{ExperimentId, ExperimentName, Lifecycle, LoggedModelId, View};
pub use record::RunRecord;
pub use run::{NewRun, RunUpdate};

pub(crate) use batch::check_tag;
pub(crate) use dataset::write_input;
pub(crate) use experiment::{check_count, check_location, location_of, read as read_experiment};
pub(crate) use log::{Reach, RunLogs};
pub(crate) use logged_model_read::read_all as read_logged_models;
pub(crate) use logged_model_write::check_name as check_model_name;
pub(crate) use record::read_all as read_runs;
pub(crate) use run::check_time;
pub(crate) use run_write::write_tag;

use std::collections::BTreeMap;

use rusqlite::Transaction;

use crate::{Registry, Result, error::During};

/// The tracking side of a registry, as a server or an importer needs it. Clones share one registry.
#[derive(Debug, Clone)]
pub struct Tracking {
    registry: Registry,
}

impl Registry {
    /// Tracking by identity, with MLflow's rules.
    pub fn tracking(&self) -> Tracking {
        Tracking {
            registry: self.clone(),
        }
    }
}

impl Tracking {
    /// The registry that it belongs to.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }
}

/// Reads keys and values of one row's params or tags.
pub(crate) fn texts(tx: &Transaction<'_>, sql: &str, row: i64) -> Result<BTreeMap<String, String>> {
    let reading = "read params and tags";
    tx.prepare_cached(sql)
        .during(reading)?
        .query_map([row], |row| Ok((row.get(0)?, row.get(1)?)))
        .during(reading)?
        .collect::<rusqlite::Result<_>>()
        .during(reading)
}
