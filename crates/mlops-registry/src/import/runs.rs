//! Runs: everything but their metrics is read and written together, and the metrics in pages.

use std::collections::BTreeMap;

use mlops_core::EventTime;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    artifacts::{Kept, Table, link},
    driver::Import,
    experiments::Experiment,
    source::{Fields, time},
};
use crate::{
    Dataset, DatasetInput, LoggedModelId, MetricPoint, ModelOutput, Result, RunId, RunStatus,
    error::{During, cut},
    key::{check_key, check_length, check_run_name},
    limits, metric,
    tracking::{write_input, write_tag},
};

/// How many runs one transaction writes.
const RUNS: usize = 50;
/// How many points are in memory.
const POINTS: usize = 10_000;
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
            if let Some(mut run) = read(import, id, &about)? {
                if experiment.location.is_none() {
                    let usual = format!("{}/{id}/artifacts", experiment.theirs);
                    run.files = import.roots.keep(
                        import.registry,
                        &about,
                        &run.location,
                        &usual,
                        &mut import.report,
                    )?;
                }
                runs.push(run);
            }
        }
        write_all(import, experiment.ours, &runs)?;
    }
    Ok(())
}

/// Reads a run; `None` with a note if it has no place here.
fn read(import: &mut Import<'_>, id: &str, about: &str) -> Result<Option<Run>> {
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
    let status = match RunStatus::read(&status.to_ascii_lowercase()) {
        Ok(status) => status,
        Err(_) => {
            notes.push(format!(
                "its status is `{}`, it is killed here",
                cut(&status)
            ));
            RunStatus::Killed
        }
    };
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

fn write_all(import: &mut Import<'_>, experiment: i64, runs: &[Run]) -> Result<()> {
    let Import {
        registry,
        source,
        report,
        ..
    } = import;
    registry.database().write(|tx| {
        for run in runs {
            let (row, new) = write(tx, registry.actor().as_str(), experiment, run)?;
            let about = format!("run `{}`", run.id);
            let Some(row) = row else {
                report.runs.add(false);
                report.note(about, "another experiment has it here: left as it is");
                continue;
            };
            report.runs.add(new);
            for (param, value) in &run.params {
                if !write_param(tx, row, param, value)? {
                    report.note(
                        &about,
                        format!("param `{param}` has another value here, which stays"),
                    );
                }
            }
            report.artifacts.found += run.files.len() as u64;
            report.artifacts.new += link(tx, Table::Runs, row, &run.files)?;
            let mut page = Vec::with_capacity(POINTS.min(1_024));
            let mut keys = BTreeMap::new();
            let mut left_out = BTreeMap::new();
            source.each(
                "metrics",
                "SELECT key, value, timestamp, step, is_nan FROM metrics WHERE run_uuid = ?1",
                [run.id.as_str()],
                |fields| {
                    let key = fields.text(0, "key")?;
                    let nan = fields.maybe_int(4, "is_nan")?.unwrap_or_default() != 0;
                    let value = if nan {
                        f64::NAN
                    } else {
                        fields.metric(1, "value")?
                    };
                    let step = fields.int(3, "step")?;
                    report.metric_points += 1;
                    let time = time(fields.int(2, "timestamp")?);
                    let (Some(time), Ok(())) = (time, check_key("metric", &key)) else {
                        *left_out.entry(key).or_insert(0_u64) += 1;
                        return Ok(());
                    };
                    let number = match keys.get(&key) {
                        Some(number) => *number,
                        None => {
                            let number = metric::intern(tx, &key)?;
                            keys.insert(key, number);
                            number
                        }
                    };
                    page.push((number, MetricPoint { step, time, value }));
                    if page.len() == POINTS {
                        metric::insert_keyed(tx, row, std::mem::take(&mut page))?;
                    }
                    Ok(())
                },
            )?;
            metric::insert_keyed(tx, row, page)?;
            for (key, points) in left_out {
                let text = format!(
                    "{points} points of metric `{}` are left out: neither key nor time of a metric",
                    cut(&key)
                );
                report.note(&about, text);
            }
        }
        Ok(())
    })
}

/// Writes a run but for its params and metrics. No row if another experiment has it.
fn write(
    tx: &Transaction<'_>,
    actor: &str,
    experiment: i64,
    run: &Run,
) -> Result<(Option<i64>, bool)> {
    let writing = "import a run";
    let known: Option<(i64, i64, String)> = tx
        .prepare_cached("SELECT id, experiment_id, status FROM run WHERE uid = ?1")
        .during(writing)?
        .query_row([run.id.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()
        .during(writing)?;
    let new = known.is_none();
    let row = match known {
        Some((_, other, _)) if other != experiment => return Ok((None, false)),
        Some((row, _, status)) => {
            if RunStatus::read(&status)?.is_open() && !run.status.is_open() {
                tx.prepare_cached("UPDATE run SET status = ?2, ended_us = ?3 WHERE id = ?1")
                    .during(writing)?
                    .execute(params![
                        row,
                        run.status.as_str(),
                        run.ended.map(EventTime::micros)
                    ])
                    .during(writing)?;
            }
            row
        }
        None => {
            let row = insert(tx, actor, experiment, run)?;
            let made_up = || format!("run-{}", &run.id.as_str()[..8]);
            write_tag(tx, row, NAME_TAG, &run.name.clone().unwrap_or_else(made_up))?;
            row
        }
    };
    for (tag, value) in &run.tags {
        let there: bool = tx
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM tag WHERE run_id = ?1 AND key = ?2)")
            .during(writing)?
            .query_row(params![row, tag], |row| row.get(0))
            .during(writing)?;
        if !there {
            write_tag(tx, row, tag, value)?;
        }
    }
    for input in &run.datasets {
        write_input(tx, row, input)?;
    }
    for model in &run.model_inputs {
        tx.prepare_cached(
            "INSERT INTO run_model_input (run_id, model) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )
        .during(writing)?
        .execute(params![row, model.as_str()])
        .during(writing)?;
    }
    for output in &run.outputs {
        tx.prepare_cached(
            "INSERT INTO run_output (run_id, model, step) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )
        .during(writing)?
        .execute(params![row, output.model.as_str(), output.step])
        .during(writing)?;
    }
    Ok((Some(row), new))
}

fn insert(tx: &Transaction<'_>, actor: &str, experiment: i64, run: &Run) -> Result<i64> {
    let writing = "import a run";
    tx.prepare_cached(
        "INSERT INTO run (uid, experiment_id, name, status, started_us, started_by, ended_us, user, deleted_us)
         VALUES (?1, ?2, '', ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .during(writing)?
    .execute(params![
        run.id.as_str(),
        experiment,
        run.status.as_str(),
        run.started.micros(),
        actor,
        run.ended.map(EventTime::micros),
        run.user,
        run.deleted.map(EventTime::micros),
    ])
    .during(writing)?;
    Ok(tx.last_insert_rowid())
}

/// Writes a param; says whether it holds that value now.
fn write_param(tx: &Transaction<'_>, row: i64, param: &str, value: &str) -> Result<bool> {
    let writing = "write a param";
    tx.prepare_cached(
        "INSERT INTO param (run_id, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )
    .during(writing)?
    .execute(params![row, param, value])
    .during(writing)?;
    tx.prepare_cached("SELECT value = ?3 FROM param WHERE run_id = ?1 AND key = ?2")
        .during(writing)?
        .query_row(params![row, param, value], |row| row.get(0))
        .during(writing)
}
