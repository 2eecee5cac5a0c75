//! A run as the source tells it, without what a client could not have logged.

use std::collections::BTreeMap;

use mlops_core::EventTime;

use super::{NAME_TAG, Run};
use crate::{
    Dataset, DatasetInput, ModelOutput, Result, RunId, RunStatus,
    error::cut,
    import::{
        driver::Import,
        source::{Fields, time},
    },
    key::{check_key, check_length, check_run_name},
    limits,
};

/// Reads a run; `None` with a note if it has no place here.
pub(super) fn read(import: &mut Import<'_>, id: &str, about: &str) -> Result<Option<Run>> {
    let uid: RunId = match id.parse() {
        Ok(uid) => uid,
        Err(error) => {
            import.report.note(about, format!("left out: {error}"));
            return Ok(None);
        }
    };
    let mut run = None;
    let mut notes = Vec::new();
    import.source.each(
        "runs",
        "SELECT name, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri, deleted_time
         FROM runs WHERE run_uuid = ?1",
        [id],
        |row| {
            run = Some(info(row, uid.clone(), &mut notes)?);
            Ok(())
        },
    )?;
    let Some(mut run) = run else {
        return Ok(None);
    };
    run.params = import.source.pairs(
        "params",
        "SELECT key, value FROM params WHERE run_uuid = ?1 ORDER BY key",
        [id],
    )?;
    run.tags = import.source.pairs(
        "tags",
        "SELECT key, value FROM tags WHERE run_uuid = ?1 ORDER BY key",
        [id],
    )?;
    run.datasets = datasets(import, id)?;
    import.source.each(
        "inputs",
        "SELECT source_type, destination_type, destination_id, step FROM inputs
         WHERE source_id = ?1 AND source_type IN ('RUN_INPUT', 'RUN_OUTPUT') ORDER BY destination_id",
        [id],
        |row| {
            let model: String = row.text(2, "destination_id")?;
            match model.parse() {
                Err(error) => notes.push(format!("left out: {error}")),
                Ok(model) if row.text(0, "source_type")? == "RUN_INPUT" => run.model_inputs.push(model),
                Ok(model) => {
                    let step = row.int(3, "step")?;
                    run.outputs.push(ModelOutput { model, step });
                }
            }
            Ok(())
        },
    )?;
    keep_the_valid(&mut run, &mut notes);
    for note in notes {
        import.report.note(about, note);
    }
    Ok(Some(run))
}

fn info(row: &Fields<'_, '_>, id: RunId, notes: &mut Vec<String>) -> Result<Run> {
    let mut at = |millis: Option<i64>, what: &str| {
        let time = millis.map(time);
        if time == Some(None) {
            notes.push(format!("{what} is no time that can be kept: left out"));
        }
        time.flatten()
    };
    let started = at(row.maybe_int(3, "start_time")?, "its start");
    let ended = at(row.maybe_int(4, "end_time")?, "its end");
    let gone = at(row.maybe_int(7, "deleted_time")?, "its deletion");
    let started = started.unwrap_or(EventTime::from_micros(0));
    let deleted = row.maybe_text(5, "lifecycle_stage")?.as_deref() == Some("deleted");
    let status = row.maybe_text(2, "status")?.unwrap_or_default();
    let status = RunStatus::read(&status.to_ascii_lowercase()).unwrap_or_else(|_| {
        let status = cut(&status);
        notes.push(format!("its status is `{status}`, it is killed here"));
        RunStatus::Killed
    });
    let user = row.maybe_text(1, "user_id")?.unwrap_or_default();
    Ok(Run {
        id,
        name: row.maybe_text(0, "name")?,
        user: match check_length("the user", &user, limits::USER) {
            Ok(()) => user,
            Err(error) => {
                notes.push(format!("left out: {error}"));
                String::new()
            }
        },
        status,
        started,
        ended,
        deleted: deleted.then(|| gone.or(ended).unwrap_or(started)),
        location: row.maybe_text(6, "artifact_uri")?.unwrap_or_default(),
        params: Vec::new(),
        tags: Vec::new(),
        datasets: Vec::new(),
        model_inputs: Vec::new(),
        outputs: Vec::new(),
        files: Vec::new(),
    })
}

fn datasets(import: &Import<'_>, id: &str) -> Result<Vec<DatasetInput>> {
    let mut inputs = Vec::new();
    import.source.each(
        "datasets",
        "SELECT input_uuid, name, digest, dataset_source_type, dataset_source, dataset_schema, dataset_profile
         FROM inputs JOIN datasets ON dataset_uuid = source_id
         WHERE destination_id = ?1 AND source_type = 'DATASET' AND destination_type = 'RUN'
         ORDER BY name, digest",
        [id],
        |row| {
            let dataset = Dataset {
                name: row.text(1, "name")?,
                digest: row.text(2, "digest")?,
                source_type: row.text(3, "dataset_source_type")?,
                source: row.text(4, "dataset_source")?,
                schema: row.maybe_text(5, "dataset_schema")?,
                profile: row.maybe_text(6, "dataset_profile")?,
            };
            inputs.push((row.text(0, "input_uuid")?, dataset));
            Ok(())
        },
    )?;
    inputs
        .into_iter()
        .map(|(input, dataset)| {
            let sql = "SELECT name, value FROM input_tags WHERE input_uuid = ?1";
            let tags: BTreeMap<_, _> = import
                .source
                .pairs("input_tags", sql, [input])?
                .into_iter()
                .collect();
            Ok(DatasetInput { dataset, tags })
        })
        .collect()
}

/// Takes out what a client could not have logged here.
fn keep_the_valid(run: &mut Run, notes: &mut Vec<String>) {
    let mut keep = |checked: Result<()>| match checked {
        Ok(()) => true,
        Err(error) => {
            notes.push(format!("left out: {error}"));
            false
        }
    };
    run.params.retain(|(key, value)| {
        keep(
            check_key("param", key)
                .and_then(|()| check_length(format!("param `{key}`"), value, limits::PARAM_VALUE)),
        )
    });
    run.datasets.retain(|input| keep(input.check()));
    // the tag is the name as clients see it; the column is for those who look at the table
    let tag = run.tags.iter().position(|(key, _)| key == NAME_TAG);
    let tag = tag.map(|at| run.tags.remove(at).1);
    let name = run.name.take().filter(|name| !name.is_empty());
    run.name = name.or(tag).filter(|name| keep(check_run_name(name)));
    run.tags.retain(|(key, value)| {
        keep(
            check_key("tag", key)
                .and_then(|()| check_length(format!("tag `{key}`"), value, limits::TAG_VALUE)),
        )
    });
}
