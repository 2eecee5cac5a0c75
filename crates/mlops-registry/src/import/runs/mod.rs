//! Runs: everything but their metrics is read and written together, and the metrics in pages.

mod read;
mod write;

use mlops_core::EventTime;

use super::{
    artifacts::{Kept, Table},
    driver::Import,
    experiments::Experiment,
    server::Remote,
};
use crate::{DatasetInput, LoggedModelId, ModelOutput, Result, RunId, RunStatus, error::cut};

/// How many runs one transaction writes.
const RUNS: usize = 50;
/// The tag that names a run.
const NAME_TAG: &str = "mlflow.runName";

/// A run of the source, with all but its metrics.
#[derive(Debug)]
struct Run {
    id: RunId,
    name: Option<String>,
    user: String,
    status: RunStatus,
    started: EventTime,
    ended: Option<EventTime>,
    /// When it was deleted, if it was.
    deleted: Option<EventTime>,
    location: String,
    params: Vec<(String, String)>,
    tags: Vec<(String, String)>,
    datasets: Vec<DatasetInput>,
    model_inputs: Vec<LoggedModelId>,
    outputs: Vec<ModelOutput>,
    files: Vec<Kept>,
}

/// Takes the runs of one experiment over, in the order in which they started.
pub(super) fn take(import: &mut Import<'_>, experiment: &Experiment) -> Result<()> {
    if let Some(remote) = import.remote {
        remote.runs(&import.source, experiment.theirs)?;
    }
    let mut ids = Vec::new();
    import.source.each(
        "runs",
        "SELECT run_uuid FROM runs WHERE experiment_id = ?1 ORDER BY start_time, run_uuid",
        [experiment.theirs],
        |row| {
            ids.push(row.text(0, "run_uuid")?);
            Ok(())
        },
    )?;
    for ids in ids.chunks(RUNS) {
        let mut runs = Vec::with_capacity(ids.len());
        for id in ids {
            let about = format!("run `{}`", cut(id));
            if let Some(remote) = import.remote {
                remote.fill_run(&import.source, experiment.theirs, id)?;
            }
            if let Some(mut run) = read::read(import, id, &about)? {
                if experiment.location.is_none() {
                    let usual = format!("{}/{id}/artifacts", experiment.theirs);
                    run.files = import.keep((Table::Runs, id), &about, &run.location, &usual)?;
                }
                runs.push(run);
            }
        }
        write::write_all(import, experiment.ours, &runs)?;
        if import.remote.is_some() {
            Remote::forget_runs(&import.source, ids)?;
        }
        import.tell();
    }
    Ok(())
}
