//! Logged models with params, tags, files, and the points that were measured on them.

use mlops_core::EventTime;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    artifacts::{Kept, Table, link},
    driver::Import,
    experiments::Experiment,
    source::{Fields, time},
};
use crate::{
    LoggedModelId, LoggedModelStatus, Result, RunId,
    error::{During, cut},
    key::{check_key, check_length},
    limits, metric,
    tracking::check_model_name,
};

/// A logged model of the source, with all but its metrics.
#[derive(Debug)]
struct Model {
    id: LoggedModelId,
    name: String,
    kind: Option<String>,
    status: LoggedModelStatus,
    source_run: Option<RunId>,
    created: EventTime,
    updated: EventTime,
    deleted: bool,
    params: Vec<(String, String)>,
    tags: Vec<(String, String)>,
    files: Vec<Kept>,
}

/// Takes the logged models of one experiment over, in the order in which they were made.
pub(super) fn take(import: &mut Import<'_>, experiment: &Experiment) -> Result<()> {
    if let Some(remote) = import.remote {
        remote.logged_models(&import.source, experiment.theirs)?;
    }
    let mut ids = Vec::new();
    import.source.each(
        "logged_models",
        "SELECT model_id FROM logged_models WHERE experiment_id = ?1
         ORDER BY creation_timestamp_ms, model_id",
        [experiment.theirs],
        |row| {
            ids.push(row.text(0, "model_id")?);
            Ok(())
        },
    )?;
    for id in &ids {
        let about = format!("logged model `{}`", cut(id));
        match id.parse() {
            Ok(uid) => take_one(import, experiment, id, &uid, &about)?,
            Err(error) => import.report.note(about, format!("left out: {error}")),
        }
        import.tell();
    }
    Ok(())
}

fn take_one(
    import: &mut Import<'_>,
    experiment: &Experiment,
    id: &str,
    uid: &LoggedModelId,
    about: &str,
) -> Result<()> {
    let mut found = None;
    let mut location = String::new();
    let mut notes = Vec::new();
    import.source.each(
        "logged_models",
        "SELECT name, artifact_location, creation_timestamp_ms, last_updated_timestamp_ms, status,
            lifecycle_stage, model_type, source_run_id, status_message
         FROM logged_models WHERE model_id = ?1",
        [id],
        |row| {
            location = row.text(1, "artifact_location")?;
            found = Some(info(row, uid, &mut notes)?);
            Ok(())
        },
    )?;
    let Some(mut model) = found else {
        return Ok(());
    };
    if let Err(error) = check_model_name(&model.name) {
        import.report.note(about, format!("left out: {error}"));
        return Ok(());
    }
    model.params = import.source.pairs(
        "logged_model_params",
        "SELECT param_key, param_value FROM logged_model_params WHERE model_id = ?1 ORDER BY param_key",
        [id],
    )?;
    model.tags = import.source.pairs(
        "logged_model_tags",
        "SELECT tag_key, tag_value FROM logged_model_tags WHERE model_id = ?1 ORDER BY tag_key",
        [id],
    )?;
    let mut keep = |kind, key: &str, value: &str, limit| {
        let checked = check_key(kind, key)
            .and_then(|()| check_length(format!("{kind} `{key}`"), value, limit));
        checked
            .map_err(|error| notes.push(format!("left out: {error}")))
            .is_ok()
    };
    model
        .params
        .retain(|(key, value)| keep("param", key, value, limits::PARAM_VALUE));
    model
        .tags
        .retain(|(key, value)| keep("tag", key, value, limits::LOGGED_MODEL_TAG_VALUE));
    for note in notes {
        import.report.note(about, note);
    }
    if experiment.location.is_none() {
        let usual = format!("{}/models/{id}/artifacts", experiment.theirs);
        model.files = import.keep((Table::Models, id), about, &location, &usual)?;
    }
    write(import, experiment.ours, &model, about)
}

/// Reads what one row tells of a logged model.
fn info(row: &Fields<'_, '_>, uid: &LoggedModelId, notes: &mut Vec<String>) -> Result<Model> {
    let created = time(row.int(2, "creation_timestamp_ms")?);
    let updated = time(row.int(3, "last_updated_timestamp_ms")?);
    if created.is_none() || updated.is_none() {
        notes.push("a time of it cannot be kept: left out".to_owned());
    }
    let created = created.unwrap_or(EventTime::from_micros(0));
    let status = match row.int(4, "status")? {
        1 => LoggedModelStatus::Pending,
        2 => LoggedModelStatus::Ready,
        3 => LoggedModelStatus::Failed,
        other => {
            notes.push(format!("its status is {other}, it is pending here"));
            LoggedModelStatus::Pending
        }
    };
    let message = row.maybe_text(8, "status_message")?;
    if let Some(message) = message.filter(|text| !text.is_empty()) {
        let message = cut(&message);
        notes.push(format!(
            "what is said about its status is left out: {message}"
        ));
    }
    let source_run = row.maybe_text(7, "source_run_id")?;
    let source_run = source_run
        .filter(|run| !run.is_empty())
        .map(|run| run.parse());
    let source_run = source_run.transpose();
    let source_run =
        source_run.map_err(|error: crate::Error| notes.push(format!("left out: {error}")));
    Ok(Model {
        id: uid.clone(),
        name: row.text(0, "name")?,
        kind: row.maybe_text(6, "model_type")?,
        status,
        source_run: source_run.unwrap_or_default(),
        created,
        updated: updated.unwrap_or(created),
        deleted: row.maybe_text(5, "lifecycle_stage")?.as_deref() == Some("deleted"),
        params: Vec::new(),
        tags: Vec::new(),
        files: Vec::new(),
    })
}

fn write(import: &mut Import<'_>, experiment: i64, model: &Model, about: &str) -> Result<()> {
    let Import {
        registry,
        source,
        report,
        ..
    } = import;
    registry.database().write(|tx| {
        let (row, new) = insert(tx, registry.actor().as_str(), experiment, model)?;
        report.logged_models.add(new);
        let writing = "import a logged model";
        for (sql, pairs) in [
            (
                "INSERT INTO logged_model_param (model_id, key, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO NOTHING",
                &model.params,
            ),
            (
                "INSERT INTO logged_model_tag (model_id, key, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO NOTHING",
                &model.tags,
            ),
        ] {
            for (key, value) in pairs {
                tx.prepare_cached(sql)
                    .during(writing)?
                    .execute(params![row, key, value])
                    .during(writing)?;
            }
        }
        report.artifacts.found += model.files.len() as u64;
        report.artifacts.new += link(tx, Table::Models, row, &model.files)?;
        let mut left_out = 0_u64;
        source.each(
            "logged_model_metrics",
            // NaN lies there as 0, but in the history of the run it is told by its flag
            "SELECT metric_name, metric_timestamp_ms, metric_step,
                CASE WHEN metric_value = 0 AND EXISTS (
                    SELECT 1 FROM metrics WHERE run_uuid = run_id AND key = metric_name
                        AND timestamp = metric_timestamp_ms AND step = metric_step AND is_nan = 1)
                    THEN NULL ELSE metric_value END,
                run_id, coalesce(dataset_name, ''), coalesce(dataset_digest, '')
             FROM logged_model_metrics WHERE model_id = ?1",
            [model.id.as_str()],
            |fields| {
                report.metric_points += 1;
                let key = fields.text(0, "metric_name")?;
                let run: Option<i64> = tx
                    .prepare_cached("SELECT id FROM run WHERE uid = ?1")
                    .during(writing)?
                    .query_row([fields.text(4, "run_id")?], |row| row.get(0))
                    .optional()
                    .during(writing)?;
                let time = time(fields.int(1, "metric_timestamp_ms")?);
                let (Some(run), Some(time), Ok(())) = (run, time, check_key("metric", &key)) else {
                    left_out += 1;
                    return Ok(());
                };
                let (nan, value) = metric::columns(fields.metric(3, "metric_value")?);
                tx.prepare_cached(
                    "INSERT INTO logged_model_metric (model_id, key_id, time_us, step, run_id, is_nan,
                        value, dataset_name, dataset_digest)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
                )
                .during(writing)?
                .execute(params![
                    row,
                    metric::intern(tx, &key)?,
                    time.micros(),
                    fields.int(2, "metric_step")?,
                    run,
                    nan,
                    value,
                    fields.text(5, "dataset_name")?,
                    fields.text(6, "dataset_digest")?,
                ])
                .during(writing)?;
                Ok(())
            },
        )?;
        if left_out > 0 {
            let text = format!("{left_out} points of its metrics are left out: no run, key or time that can be kept");
            report.note(about, text);
        }
        Ok(())
    })
}

fn insert(
    tx: &Transaction<'_>,
    actor: &str,
    experiment: i64,
    model: &Model,
) -> Result<(i64, bool)> {
    let writing = "import a logged model";
    let known: Option<i64> = tx
        .prepare_cached("SELECT id FROM logged_model WHERE uid = ?1")
        .during(writing)?
        .query_row([model.id.as_str()], |row| row.get(0))
        .optional()
        .during(writing)?;
    if let Some(row) = known {
        return Ok((row, false));
    }
    tx.prepare_cached(
        "INSERT INTO logged_model (uid, experiment_id, name, model_type, status, source_run,
            created_us, created_by, updated_us, deleted_us)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )
    .during(writing)?
    .execute(params![
        model.id.as_str(),
        experiment,
        model.name,
        model.kind,
        model.status.as_str(),
        model.source_run.as_ref().map(RunId::as_str),
        model.created.micros(),
        actor,
        model.updated.micros(),
        model.deleted.then_some(model.updated.micros()),
    ])
    .during(writing)?;
    Ok((tx.last_insert_rowid(), true))
}
