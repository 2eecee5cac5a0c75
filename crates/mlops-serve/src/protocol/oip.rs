//! The Open Inference Protocol, version 2, over JSON.
//!
//! Inputs are named as in the model's signature, or are the entity key's columns alone, each a column
//! of one value a row. The output is a tensor `[rows]`, or `[rows, numbers]` where the model answers several, whose
//! names then stand in its parameters and in the metadata. Binary tensors are not offered; a client that merely prefers binary outputs
//! gets JSON ones.

use mlops_model::Output;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{
    Limits, Reply, json as wire, output_names,
    tensor::{Tensor, datatype_of, shape_of},
};
use crate::{Error, Result, endpoint::Session};

#[derive(Debug, Deserialize)]
struct InferRequest {
    #[serde(default)]
    id: Option<String>,
    inputs: Vec<Tensor>,
    #[serde(default)]
    outputs: Option<Vec<RequestedOutput>>,
}

#[derive(Debug, Deserialize)]
struct RequestedOutput {
    name: String,
}

#[derive(Debug, Serialize)]
struct InferReply<'a> {
    model_name: &'a str,
    model_version: String,
    id: String,
    parameters: ReplyParameters,
    outputs: [OutputTensor; 1],
}

#[derive(Debug, Serialize)]
struct ReplyParameters {
    /// Joined by commas, because a parameter is a text, a number or a boolean.
    prediction_ids: String,
}

#[derive(Debug, Serialize)]
struct OutputTensor {
    name: &'static str,
    datatype: &'static str,
    shape: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<OutputParameters>,
    data: Vec<f64>,
}

#[derive(Debug, Serialize)]
struct OutputParameters {
    /// A JSON list in a text, because a parameter is a text, a number or a boolean, and a name may hold a comma.
    names: String,
}

/// Answers an inference request.
pub(crate) fn infer(session: &Session<'_>, body: &[u8], limits: &Limits) -> Result<Reply> {
    let request: InferRequest = wire::parse(body, limits.max_json_depth())?;
    let output = output_name(session);
    for requested in request.outputs.iter().flatten() {
        if requested.name != output {
            return Err(Error::Malformed {
                reason: format!(
                    "the model has no output `{}`; it has `{output}`",
                    requested.name.chars().take(128).collect::<String>()
                ),
            });
        }
    }
    let mut rows = Vec::new();
    for (at, tensor) in request.inputs.iter().enumerate() {
        let kind = session
            .kind_of(&tensor.name)
            .ok_or_else(|| session.unknown(&tensor.name))?;
        let values = tensor.values(kind, limits)?;
        if at == 0 {
            rows = vec![session.empty_row(); values.len()];
        } else if values.len() != rows.len() {
            return Err(Error::Malformed {
                reason: format!(
                    "input `{}` has {} rows, input `{}` has {}",
                    request.inputs[0].name,
                    rows.len(),
                    tensor.name,
                    values.len()
                ),
            });
        }
        for (row, value) in rows.iter_mut().zip(values) {
            session.give(row, &tensor.name, value)?;
        }
    }
    if request.inputs.is_empty() {
        return Err(Error::Malformed {
            reason: "`inputs` is empty".into(),
        });
    }
    let answers = session.answer_all(rows)?;
    let ids: Vec<&str> = answers.iter().map(|answer| answer.id.as_str()).collect();
    let names = listed_names(session);
    let reply = InferReply {
        model_name: session.endpoint().model().as_str(),
        model_version: session.version().to_string(),
        parameters: ReplyParameters {
            prediction_ids: ids.join(","),
        },
        outputs: [OutputTensor {
            name: output,
            datatype: "FP64",
            shape: match &names {
                None => vec![answers.len()],
                Some(_) => vec![answers.len(), session.signature().output().width()],
            },
            parameters: names.map(|names| OutputParameters { names }),
            data: answers
                .iter()
                .flat_map(|answer| answer.values().iter().copied())
                .collect(),
        }],
        id: match request.id {
            Some(id) if !id.is_empty() => id,
            _ => session.endpoint().next_id(),
        },
    };
    Ok(Reply::json(&reply).by(session.version()))
}

/// What the model reads and answers.
pub(crate) fn metadata(session: &Session<'_>) -> Reply {
    let inputs: Vec<Json> = session
        .signature()
        .inputs()
        .iter()
        .map(
            |input| json!({"name": input.name, "datatype": datatype_of(input.kind), "shape": shape_of(input.kind)}),
        )
        .collect();
    let names = listed_names(session);
    let output_shape = match session.signature().output().width() {
        1 => json!([-1]),
        width => json!([-1, width]),
    };
    let mut metadata = json!({
        "name": session.endpoint().model(),
        "versions": [session.version().to_string()],
        "platform": format!("mlops-{}", session.family()),
        "inputs": inputs,
        "outputs": [{"name": output_name(session), "datatype": "FP64", "shape": output_shape}],
    });
    if let Some(names) = names {
        metadata["outputs"][0]["parameters"] = json!({ "names": names });
        metadata["properties"] = json!({ "output_names": names });
    }
    if !session.key_columns().is_empty() {
        let columns = session.key_columns().iter();
        let key: Vec<String> = columns
            .map(|column| format!("{}:{}", column.name, datatype_of(column.kind)))
            .collect();
        metadata["properties"]["entity_key"] = key.join(",").into();
    }
    Reply::json(&metadata).by(session.version())
}

/// Whether the model is ready; it is as soon as there is an endpoint.
pub(crate) fn ready(session: &Session<'_>) -> Reply {
    Reply::json(&json!({"name": session.endpoint().model(), "ready": true})).by(session.version())
}

/// What the server is.
pub(crate) fn server() -> Reply {
    Reply::json(&json!({
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": [],
    }))
}

fn output_name(session: &Session<'_>) -> &'static str {
    match session.signature().output() {
        Output::Probability { .. } => "probability",
        Output::Number => "prediction",
        Output::Numbers { .. } => "predictions",
        Output::Classes { .. } => "probabilities",
    }
}

/// The names of the numbers of an answer as a JSON list, where there are several.
fn listed_names(session: &Session<'_>) -> Option<String> {
    output_names(session.signature().output()).map(|names| json!(names).to_string())
}
