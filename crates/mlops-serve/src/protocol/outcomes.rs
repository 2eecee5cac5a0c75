//! Outcomes that come true later, sent back by prediction id.
//!
//! `{"outcomes": [{"prediction_id": "…", "outcome": 1, "time": "2011-07-01T00:00:00Z"}]}`; the outcome
//! is a number or a boolean, for a model of several classes the position of one, and without a time it became
//! known now.

use mlops_core::{Clock, EventTime, OutcomeRecord};
use serde::Deserialize;
use serde_json::Value as Json;

use super::{Limits, Reply, json as wire};
use crate::{Error, PredictionLog, Result};

#[derive(Debug, Deserialize)]
struct OutcomesRequest {
    outcomes: Vec<Outcome>,
    /// Tells apart models that keep different logs.
    #[serde(default)]
    model: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Outcome {
    prediction_id: String,
    #[serde(rename = "outcome")]
    value: Json,
    #[serde(default)]
    time: Option<EventTime>,
}

/// Stores the outcomes, all or none, in the log that `log_of` finds for the model they name.
pub(crate) fn record<'a>(
    log_of: impl FnOnce(Option<&str>) -> Result<&'a PredictionLog>,
    clock: &dyn Clock,
    body: &[u8],
    limits: &Limits,
) -> Result<Reply> {
    let request: OutcomesRequest = wire::parse(body, limits.max_json_depth())?;
    limits.check_rows(request.outcomes.len())?;
    let now = clock.now();
    let outcomes = request
        .outcomes
        .into_iter()
        .enumerate()
        .map(|(row, outcome)| {
            let number = match &outcome.value {
                Json::Bool(truth) => f64::from(u8::from(*truth)),
                other => other
                    .as_f64()
                    .ok_or_else(|| bad("a number or a boolean is expected").in_row(row))?,
            };
            Ok(OutcomeRecord {
                prediction_id: outcome.prediction_id,
                time: outcome.time.unwrap_or(now),
                outcome: number,
            })
        });
    let outcomes = outcomes.collect::<Result<Vec<_>>>()?;
    let receipt = log_of(request.model.as_deref())?.record_outcomes(outcomes)?;
    Ok(Reply::json(&receipt))
}

fn bad(reason: &str) -> Error {
    Error::BadInput {
        input: "outcome".into(),
        reason: reason.into(),
    }
}
