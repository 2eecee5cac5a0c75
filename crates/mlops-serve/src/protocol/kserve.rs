//! KServe's first protocol: `:predict` with a list of instances.
//!
//! An instance is an object, which names inputs or the entity key, or a list of all inputs in the
//! signature's order. `inputs` stands for `instances`; as an object it holds one list a column. A prediction is
//! a number, or a list of them where the model answers several, whose names then stand beside.

use mlops_core::Value;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use super::{Limits, Reply, json as wire, output_names};
use crate::{
    Answer, Error, Result,
    endpoint::{PartialRow, Session},
};

#[derive(Debug, Deserialize)]
struct PredictRequest {
    #[serde(default)]
    instances: Option<Json>,
    #[serde(default)]
    inputs: Option<Json>,
}

#[derive(Debug, Serialize)]
struct PredictReply<'a> {
    predictions: Predictions<'a>,
    /// What the numbers of a row are called, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    output_names: Option<&'a [String]>,
    model_name: &'a str,
    model_version: String,
    prediction_ids: Vec<&'a str>,
}

/// A number a row, or a list of numbers a row.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Predictions<'a> {
    One(Vec<f64>),
    Several(Vec<&'a [f64]>),
}

/// Answers a prediction request.
pub(crate) fn predict(session: &Session<'_>, body: &[u8], limits: &Limits) -> Result<Reply> {
    let request: PredictRequest = wire::parse(body, limits.max_json_depth())?;
    let rows = match (request.instances, request.inputs) {
        (Some(Json::Array(instances)), None) | (None, Some(Json::Array(instances))) => {
            limits.check_rows(instances.len())?;
            let rows = instances.iter().enumerate();
            rows.map(|(at, instance)| read(session, instance).map_err(|e| e.in_row(at)))
                .collect::<Result<Vec<_>>>()?
        }
        (None, Some(Json::Object(columns))) => read_columns(session, &columns, limits)?,
        (Some(_), Some(_)) => return Err(malformed(r#"both "instances" and "inputs" are given"#)),
        _ => return Err(malformed(r#"Expected "instances" to be a list"#)),
    };
    let answers = session.answer_all(rows)?;
    let output_names = output_names(session.signature().output());
    let reply = PredictReply {
        predictions: match output_names {
            None => Predictions::One(answers.iter().map(|answer| answer.prediction).collect()),
            Some(_) => Predictions::Several(answers.iter().map(Answer::values).collect()),
        },
        output_names,
        model_name: session.endpoint().model().as_str(),
        model_version: session.version().to_string(),
        prediction_ids: answers.iter().map(|answer| answer.id.as_str()).collect(),
    };
    Ok(Reply::json(&reply).by(session.version()))
}

/// The server answers at all.
pub(crate) fn alive() -> Reply {
    Reply::json(&json!({"status": "alive"}))
}

fn read(session: &Session<'_>, instance: &Json) -> Result<PartialRow> {
    let mut row = session.empty_row();
    match instance {
        Json::Object(fields) => {
            for (name, field) in fields {
                session.give(&mut row, name, value(session, name, field)?)?;
            }
        }
        Json::Array(fields) => {
            let inputs = session.signature().inputs();
            if fields.len() != inputs.len() {
                return Err(malformed(&format!(
                    "the instance has {} values, the model takes {}",
                    fields.len(),
                    inputs.len()
                )));
            }
            for (input, field) in inputs.iter().zip(fields) {
                session.give(&mut row, &input.name, value(session, &input.name, field)?)?;
            }
        }
        _ => return Err(malformed("an instance is an object or a list")),
    }
    Ok(row)
}

fn read_columns(
    session: &Session<'_>,
    columns: &Map<String, Json>,
    limits: &Limits,
) -> Result<Vec<PartialRow>> {
    let mut rows: Vec<PartialRow> = Vec::new();
    for (at, (name, column)) in columns.iter().enumerate() {
        let Json::Array(fields) = column else {
            return Err(malformed(&format!(
                "column `{name}` of \"inputs\" is not a list"
            )));
        };
        limits.check_rows(fields.len())?;
        if at == 0 {
            rows = vec![session.empty_row(); fields.len()];
        } else if rows.len() != fields.len() {
            return Err(malformed("the columns of \"inputs\" differ in length"));
        }
        for (at, (row, field)) in rows.iter_mut().zip(fields).enumerate() {
            let value = value(session, name, field).map_err(|e| e.in_row(at))?;
            session.give(row, name, value)?;
        }
    }
    Ok(rows)
}

fn value(session: &Session<'_>, name: &str, field: &Json) -> Result<Value> {
    let kind = session.kind_of(name).ok_or_else(|| session.unknown(name))?;
    wire::value(field, kind).map_err(|reason| Error::BadInput {
        input: name.to_owned(),
        reason: reason.to_owned(),
    })
}

fn malformed(reason: &str) -> Error {
    Error::Malformed {
        reason: reason.to_owned(),
    }
}
