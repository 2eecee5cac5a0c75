//! Batches, tags, inputs and outputs of a run.

use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{Mode, Op, Write};
use crate::{
    Batch, DatasetInput, LoggedModelId, ModelOutput, Result, RunId, TrackingError,
    error::{During, cut},
    tracking::{dataset::write_input, log::LogName, run::active_row, run::writable_row},
};

/// Writes a batch to a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LogBatch {
    pub(crate) run: RunId,
    pub(crate) batch: Batch,
    /// The writer and the number of the batch, if it is to be written once.
    pub(crate) number: Option<(String, i64)>,
}

impl Op for LogBatch {
    /// Whether it was written now.
    type Answer = bool;

    fn log(&self) -> LogName {
        LogName::Run(self.run.clone())
    }

    fn apply(&self, tx: &Transaction<'_>, mode: Mode) -> Result<bool> {
        let row = writable_row(tx, &self.run, mode)?;
        let Some((writer, sequence)) = &self.number else {
            self.batch.write(tx, row, &self.run, mode)?;
            return Ok(true);
        };
        let numbering = "number a batch";
        let last: Option<i64> = tx
            .prepare_cached("SELECT sequence FROM batch_writer WHERE run_id = ?1 AND writer = ?2")
            .during(numbering)?
            .query_row(params![row, writer], |row| row.get(0))
            .optional()
            .during(numbering)?;
        if last.is_some_and(|last| *sequence <= last) {
            return Ok(false);
        }
        self.batch.write(tx, row, &self.run, mode)?;
        tx.prepare_cached(
            "INSERT INTO batch_writer (run_id, writer, sequence) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET sequence = excluded.sequence",
        )
        .during(numbering)?
        .execute(params![row, writer, sequence])
        .during(numbering)?;
        Ok(true)
    }

    fn settled(&self, written: &bool) -> Option<Write> {
        written.then(|| self.clone().into())
    }
}

/// Takes a tag of a run away.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DeleteTag {
    pub(crate) run: RunId,
    pub(crate) tag: String,
}

impl Op for DeleteTag {
    type Answer = ();

    fn log(&self) -> LogName {
        LogName::Run(self.run.clone())
    }

    fn apply(&self, tx: &Transaction<'_>, mode: Mode) -> Result<()> {
        let row = writable_row(tx, &self.run, mode)?;
        let gone = tx
            .execute(
                "DELETE FROM tag WHERE run_id = ?1 AND key = ?2",
                params![row, self.tag],
            )
            .during("delete a tag")?;
        if gone == 0 {
            return Err(TrackingError::UnknownTag {
                owner: format!("run `{}`", self.run),
                tag: cut(&self.tag),
            }
            .into());
        }
        Ok(())
    }
}

/// Notes what a run reads. The datasets are those of its experiment, and the first of a name and a digest stays:
/// therefore the log of experiments tells of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LogInputs {
    pub(crate) run: RunId,
    pub(crate) datasets: Vec<DatasetInput>,
    pub(crate) models: Vec<LoggedModelId>,
}

impl Op for LogInputs {
    type Answer = ();

    fn log(&self) -> LogName {
        LogName::Experiments
    }

    fn apply(&self, tx: &Transaction<'_>, _mode: Mode) -> Result<()> {
        let row = active_row(tx, &self.run)?;
        for input in &self.datasets {
            write_input(tx, row, input)?;
        }
        let writing = "write the inputs of a run";
        for model in &self.models {
            tx.prepare_cached(
                "INSERT INTO run_model_input (run_id, model) VALUES (?1, ?2)
                 ON CONFLICT DO NOTHING",
            )
            .during(writing)?
            .execute(params![row, model.as_str()])
            .during(writing)?;
        }
        Ok(())
    }
}

/// Notes which logged models a run made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LogOutputs {
    pub(crate) run: RunId,
    pub(crate) outputs: Vec<ModelOutput>,
}

impl Op for LogOutputs {
    type Answer = ();

    fn log(&self) -> LogName {
        LogName::Run(self.run.clone())
    }

    fn apply(&self, tx: &Transaction<'_>, mode: Mode) -> Result<()> {
        let row = writable_row(tx, &self.run, mode)?;
        let writing = "write the outputs of a run";
        for output in &self.outputs {
            tx.prepare_cached(
                "INSERT INTO run_output (run_id, model, step) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO NOTHING",
            )
            .during(writing)?
            .execute(params![row, output.model.as_str(), output.step])
            .during(writing)?;
        }
        Ok(())
    }
}
