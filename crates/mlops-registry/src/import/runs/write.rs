//! A run in our tables: what is there already stays.

use std::collections::BTreeMap;

use mlops_core::EventTime;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{NAME_TAG, Run};
use crate::{
    MetricPoint, Result, RunStatus,
    error::{During, cut},
    import::{
        artifacts::{Table, link},
        driver::Import,
        source::time,
    },
    key::check_key,
    metric,
    tracking::{write_input, write_tag},
};

/// How many points are in memory.
const POINTS: usize = 10_000;

/// Writes runs in one transaction.
pub(super) fn write_all(import: &mut Import<'_>, experiment: i64, runs: &[Run]) -> Result<()> {
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
                    let number = if let Some(number) = keys.get(&key) {
                        *number
                    } else {
                        let number = metric::intern(tx, &key)?;
                        keys.insert(key, number);
                        number
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
