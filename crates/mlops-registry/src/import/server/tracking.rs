//! Experiments, runs with their histories, and logged models, as a server answers them.

use rusqlite::params;
use serde_json::json;

use super::{
    Listing, Remote,
    answer::Answer,
    stage::{Stage, put},
};
use crate::{MlflowVerb, Result, import::ImportError};

/// The most experiments of a server.
const EXPERIMENTS: usize = 1_000_000;
/// The most runs of an experiment.
const RUNS: usize = 10_000_000;
/// The most points of one metric of a run.
const POINTS: usize = 100_000_000;
/// The most logged models of an experiment.
const MODELS: usize = 10_000_000;

impl Remote<'_> {
    /// Stages all experiments, deleted ones too.
    pub(in crate::import) fn experiments(self, stage: Stage<'_, '_>) -> Result<()> {
        let listing = Listing {
            verb: MlflowVerb::Post,
            path: "/experiments/search",
            what: "the experiments",
            entries: "experiments",
            body: json!({ "view_type": "ALL", "order_by": ["experiment_id ASC"] }),
            page: 500,
            limit: EXPERIMENTS,
        };
        self.list(listing, |found| {
            let id = found.int("experiment_id")?;
            for (key, value) in found.pairs("tags")? {
                put(stage, "experiment_tags", (key, value, id))?;
            }
            put(
                stage,
                "experiments",
                params![
                    id,
                    found.text("name")?,
                    found.maybe_text("artifact_location")?,
                    found.maybe_text("lifecycle_stage")?,
                    found.maybe_int("creation_time")?,
                    found.maybe_int("last_update_time")?,
                ],
            )
        })
    }

    /// Stages which runs an experiment has, deleted ones too; [`fill_run`](Self::fill_run) does the rest.
    pub(in crate::import) fn runs(self, stage: Stage<'_, '_>, experiment: i64) -> Result<()> {
        let what = format!("the runs of experiment {experiment}");
        let listing = Listing {
            verb: MlflowVerb::Post,
            path: "/runs/search",
            what: &what,
            entries: "runs",
            body: json!({
                "experiment_ids": [experiment.to_string()],
                "run_view_type": "ALL",
                "order_by": ["attributes.start_time ASC"],
            }),
            page: 100,
            limit: RUNS,
        };
        self.list(listing, |found| {
            let info = found.object("info")?;
            let (id, started) = (info.text("run_id")?, info.maybe_int("start_time")?);
            stage
                .change(
                    "INSERT OR IGNORE INTO runs (run_uuid, start_time, experiment_id) VALUES (?1, ?2, ?3)",
                    params![id, started, experiment],
                )
                .map(|rows| rows > 0)
        })
    }

    /// Stages all that a run has; one that is gone meanwhile is staged no longer.
    pub(in crate::import) fn fill_run(
        self,
        stage: Stage<'_, '_>,
        experiment: i64,
        id: &str,
    ) -> Result<()> {
        let what = format!("run `{}`", crate::error::cut(id));
        let body = json!({ "run_id": id });
        let answer = match self.try_ask(MlflowVerb::Get, "/runs/get", body) {
            Ok(answer) => answer,
            Err(refusal) if refusal.status == Some(404) => {
                return stage
                    .change("DELETE FROM runs WHERE run_uuid = ?1", [id])
                    .map(drop);
            }
            Err(source) => return Err(ImportError::Refused { what, source }.into()),
        };
        let run = Answer::new(&what, &answer)?.object("run")?;
        let info = run.object("info")?;
        if info.text("run_id")? != id || info.int("experiment_id")? != experiment {
            let reason = "it tells of another run".to_owned();
            return Err(ImportError::Server { what, reason }.into());
        }
        stage.change("DELETE FROM runs WHERE run_uuid = ?1", [id])?;
        put(
            stage,
            "runs",
            params![
                id,
                info.maybe_text("run_name")?,
                info.maybe_text("user_id")?,
                info.maybe_text("status")?,
                info.maybe_int("start_time")?,
                info.maybe_int("end_time")?.filter(|end| *end != 0),
                info.maybe_text("lifecycle_stage")?,
                info.maybe_text("artifact_uri")?,
                experiment,
                None::<i64>,
            ],
        )?;
        let data = run.object("data")?;
        for (key, value) in data.pairs("params")? {
            put(stage, "params", (key, value, id))?;
        }
        for (key, value) in data.pairs("tags")? {
            put(stage, "tags", (key, value, id))?;
        }
        for (number, input) in run
            .object("inputs")?
            .list("dataset_inputs")?
            .iter()
            .enumerate()
        {
            dataset(stage, id, number, input)?;
        }
        for input in run.object("inputs")?.list("model_inputs")? {
            link(stage, "RUN_INPUT", id, input.text("model_id")?, 0)?;
        }
        for output in run.object("outputs")?.list("model_outputs")? {
            let step = output.maybe_int("step")?.unwrap_or_default();
            link(stage, "RUN_OUTPUT", id, output.text("model_id")?, step)?;
        }
        for metric in data.list("metrics")? {
            self.history(stage, id, metric.text("key")?)?;
        }
        Ok(())
    }

    fn history(self, stage: Stage<'_, '_>, run: &str, key: &str) -> Result<()> {
        let what = format!(
            "metric `{}` of run `{}`",
            crate::error::cut(key),
            crate::error::cut(run)
        );
        let listing = Listing {
            verb: MlflowVerb::Get,
            path: "/metrics/get-history",
            what: &what,
            entries: "metrics",
            body: json!({ "run_id": run, "metric_key": key }),
            page: 10_000,
            limit: POINTS,
        };
        self.list(listing, |point| {
            let value = point.number("value")?;
            let nan = value.is_nan();
            put(
                stage,
                "metrics",
                params![
                    key,
                    if nan { 0.0 } else { value },
                    point.int("timestamp")?,
                    run,
                    point.maybe_int("step")?.unwrap_or_default(),
                    nan,
                ],
            )
        })
    }

    /// Forgets what was staged of runs that are written, but for the NaNs: a logged model's point is told by them.
    pub(in crate::import) fn forget_runs(stage: Stage<'_, '_>, ids: &[String]) -> Result<()> {
        for id in ids {
            stage.change(
                "DELETE FROM metrics WHERE run_uuid = ?1 AND is_nan = 0",
                [id],
            )?;
            stage.change("DELETE FROM params WHERE run_uuid = ?1", [id])?;
            stage.change("DELETE FROM tags WHERE run_uuid = ?1", [id])?;
            stage.change(
                "DELETE FROM datasets WHERE dataset_uuid IN
                    (SELECT source_id FROM inputs WHERE destination_id = ?1)",
                [id],
            )?;
        }
        Ok(())
    }

    /// Stages the logged models of an experiment. Deleted ones are not told.
    pub(in crate::import) fn logged_models(
        self,
        stage: Stage<'_, '_>,
        experiment: i64,
    ) -> Result<()> {
        let what = format!("the logged models of experiment {experiment}");
        let listing = Listing {
            verb: MlflowVerb::Post,
            path: "/logged-models/search",
            what: &what,
            entries: "models",
            body: json!({ "experiment_ids": [experiment.to_string()] }),
            page: 50,
            limit: MODELS,
        };
        self.list(listing, |found| logged_model(stage, experiment, found))
    }
}

fn dataset(stage: Stage<'_, '_>, run: &str, number: usize, input: &Answer<'_>) -> Result<()> {
    let uuid = format!("{run}/{number}");
    let dataset = input.object("dataset")?;
    put(
        stage,
        "datasets",
        params![
            uuid,
            dataset.text("name")?,
            dataset.text("digest")?,
            dataset.maybe_text("source_type")?.unwrap_or_default(),
            dataset.maybe_text("source")?.unwrap_or_default(),
            dataset.maybe_text("schema")?,
            dataset.maybe_text("profile")?,
        ],
    )?;
    put(
        stage,
        "inputs",
        params![uuid, "DATASET", uuid, "RUN", run, 0],
    )?;
    for (key, value) in input.pairs("tags")? {
        put(stage, "input_tags", (&uuid, key, value))?;
    }
    Ok(())
}

fn link(stage: Stage<'_, '_>, kind: &'static str, run: &str, model: &str, step: i64) -> Result<()> {
    let uuid = format!("{run}/{kind}/{model}/{step}");
    let row = params![uuid, kind, run, "MODEL", model, step];
    put(stage, "inputs", row).map(drop)
}

fn logged_model(stage: Stage<'_, '_>, experiment: i64, found: &Answer<'_>) -> Result<bool> {
    let (info, data) = (found.object("info")?, found.object("data")?);
    let id = info.text("model_id")?;
    // the numbers of its column in a database; an unknown one is noted where it is read
    let status = match info.maybe_text("status")? {
        Some("LOGGED_MODEL_PENDING") => 1,
        Some("LOGGED_MODEL_READY") => 2,
        Some("LOGGED_MODEL_UPLOAD_FAILED") => 3,
        _ => 0,
    };
    let new = put(
        stage,
        "logged_models",
        params![
            id,
            experiment,
            info.text("name")?,
            info.maybe_text("artifact_uri")?.unwrap_or_default(),
            info.int("creation_timestamp_ms")?,
            info.int("last_updated_timestamp_ms")?,
            status,
            "active",
            info.maybe_text("model_type")?,
            info.maybe_text("source_run_id")?,
            info.maybe_text("status_message")?,
        ],
    )?;
    for (key, value) in data.pairs("params")? {
        put(stage, "logged_model_params", (id, key, value))?;
    }
    for (key, value) in info.pairs("tags")? {
        put(stage, "logged_model_tags", (id, key, value))?;
    }
    for point in data.list("metrics")? {
        let value = point.number("value")?;
        put(
            stage,
            "logged_model_metrics",
            params![
                id,
                point.text("key")?,
                point.int("timestamp")?,
                point.maybe_int("step")?.unwrap_or_default(),
                value,
                point.maybe_text("run_id")?.unwrap_or_default(),
                point.maybe_text("dataset_name")?,
                point.maybe_text("dataset_digest")?,
            ],
        )?;
    }
    Ok(new)
}
