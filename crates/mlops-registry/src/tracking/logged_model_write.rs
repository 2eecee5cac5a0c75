//! The single writes of a logged model, and the rules for its name and params.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension, Transaction, params};

use super::check_count;
use crate::{
    Error, LoggedModelId, Result, TrackingError,
    error::{During, cut},
    key::{check_key, check_length},
    limits,
};

/// Checks the name of a logged model.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.contains(['/', ':', '.', '%', '"', '\'']) {
        "slashes, colons, dots, percent signs and quotes are not allowed"
    } else if name.chars().any(char::is_control) {
        "it holds a control character"
    } else {
        return check_length("the name of the logged model", name, limits::DATASET_NAME);
    };
    Err(Error::InvalidKey {
        kind: "logged model",
        key: cut(name),
        reason,
    })
}

/// Checks one tag.
pub(super) fn check_tag(tag: &str, value: &str) -> Result<()> {
    check_key("tag", tag)?;
    check_length(
        format!("tag `{tag}`"),
        value,
        limits::LOGGED_MODEL_TAG_VALUE,
    )
}

/// Checks keys and values of params.
pub(super) fn check_params(params: &BTreeMap<String, String>) -> Result<()> {
    check_count("params", params.len(), limits::CREATE_TAGS)?;
    params.iter().try_for_each(|(param, value)| {
        check_key("param", param)?;
        check_length(format!("param `{param}`"), value, limits::PARAM_VALUE)
    })
}

/// Writes params, each once.
pub(super) fn write_params(
    tx: &Transaction<'_>,
    row: i64,
    id: &LoggedModelId,
    params: &BTreeMap<String, String>,
) -> Result<()> {
    let writing = "write a param";
    for (param, value) in params {
        let same: Option<bool> = tx
            .prepare_cached(
                "SELECT value = ?3 FROM logged_model_param WHERE model_id = ?1 AND key = ?2",
            )
            .during(writing)?
            .query_row(params![row, param, value], |row| row.get(0))
            .optional()
            .during(writing)?;
        match same {
            Some(true) => {}
            Some(false) => {
                return Err(TrackingError::LoggedModelParam {
                    model: id.clone(),
                    param: param.clone(),
                }
                .into());
            }
            None => {
                tx.prepare_cached(
                    "INSERT INTO logged_model_param (model_id, key, value) VALUES (?1, ?2, ?3)",
                )
                .during(writing)?
                .execute(params![row, param, value])
                .during(writing)?;
            }
        }
    }
    Ok(())
}

/// Sets tags.
pub(super) fn write_tags(
    tx: &Transaction<'_>,
    row: i64,
    tags: &BTreeMap<String, String>,
) -> Result<()> {
    let writing = "write a tag";
    for (tag, value) in tags {
        tx.prepare_cached(
            "INSERT INTO logged_model_tag (model_id, key, value) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET value = excluded.value",
        )
        .during(writing)?
        .execute(params![row, tag, value])
        .during(writing)?;
    }
    Ok(())
}
