//! The single writes of a run: a param, a tag.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::{
    Error, Result, RunId,
    error::{During, cut},
};

/// Writes a param once: the same value again is no news, another value is a conflict.
pub(crate) fn write_param(
    tx: &Transaction<'_>,
    row: i64,
    run: &RunId,
    param: &str,
    value: &str,
) -> Result<()> {
    if check_param(tx, row, run, param, value)? {
        return Ok(());
    }
    let writing = "write a param";
    tx.prepare_cached("INSERT INTO param (run_id, key, value) VALUES (?1, ?2, ?3)")
        .during(writing)?
        .execute(params![row, param, value])
        .during(writing)?;
    Ok(())
}

/// Says whether the param has that value already, and refuses another one.
pub(super) fn check_param(
    tx: &Transaction<'_>,
    row: i64,
    run: &RunId,
    param: &str,
    value: &str,
) -> Result<bool> {
    let looking = "look up a param";
    let found: Option<String> = tx
        .prepare_cached("SELECT value FROM param WHERE run_id = ?1 AND key = ?2")
        .during(looking)?
        .query_row(params![row, param], |row| row.get(0))
        .optional()
        .during(looking)?;
    match found {
        None => Ok(false),
        Some(found) if found == value => Ok(true),
        Some(found) => Err(Error::ParamConflict {
            run: run.clone(),
            param: param.to_owned(),
            stored: cut(&found),
            given: cut(value),
        }),
    }
}

/// Sets a tag, over an earlier value if there is one.
pub(crate) fn write_tag(tx: &Transaction<'_>, row: i64, tag: &str, value: &str) -> Result<()> {
    let writing = "write a tag";
    tx.prepare_cached(
        "INSERT INTO tag (run_id, key, value) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET value = excluded.value",
    )
    .during(writing)?
    .execute(params![row, tag, value])
    .during(writing)?;
    Ok(())
}
