//! The parts of answers that several routes share: keys with values, numbers, times.

use std::collections::BTreeMap;

use mlops_core::EventTime;
use mlops_registry::MetricPoint;
use serde::{Serialize, Serializer};

use crate::tracking::{
    failure::{Failure, Outcome},
    params::Params,
};

/// A param or a tag.
#[derive(Debug, Serialize)]
pub(super) struct KeyValue<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a str,
}

/// Params or tags as a list, by key.
pub(super) fn pairs(map: &BTreeMap<String, String>) -> Vec<KeyValue<'_>> {
    map.iter()
        .map(|(key, value)| KeyValue { key, value })
        .collect()
}

/// A list of keys with values from a request. Of the same key the last one holds.
pub(super) fn read_pairs(params: &Params, param: &str) -> Outcome<BTreeMap<String, String>> {
    params.objects(param)?.iter().map(read_pair).collect()
}

/// A key with its value, which may be empty.
pub(super) fn read_pair(pair: &Params) -> Outcome<(String, String)> {
    let key = pair.text("key")?.to_owned();
    let value = pair.opt_text("value")?.unwrap_or_default();
    Ok((key, value.to_owned()))
}

/// A point of a metric.
#[derive(Debug, Serialize)]
pub(super) struct MetricView<'a> {
    pub(super) key: &'a str,
    #[serde(serialize_with = "number")]
    pub(super) value: f64,
    pub(super) timestamp: i64,
    pub(super) step: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dataset_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dataset_digest: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) run_id: Option<&'a str>,
}

impl<'a> MetricView<'a> {
    pub(super) fn new(key: &'a str, point: MetricPoint) -> Self {
        Self {
            key,
            value: point.value,
            timestamp: millis(point.time),
            step: point.step,
            model_id: None,
            dataset_name: None,
            dataset_digest: None,
            run_id: None,
        }
    }
}

/// NaN and the infinities are texts, which JSON numbers cannot be.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it so")]
pub(super) fn number<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.is_finite() {
        serializer.serialize_f64(*value)
    } else if value.is_nan() {
        serializer.serialize_str("NaN")
    } else if *value > 0.0 {
        serializer.serialize_str("Infinity")
    } else {
        serializer.serialize_str("-Infinity")
    }
}

/// A time in milliseconds since 1970.
pub(super) fn millis(time: EventTime) -> i64 {
    time.micros().div_euclid(1000)
}

/// The time that a parameter gives in milliseconds since 1970, if it gives one.
pub(super) fn opt_time(params: &Params, param: &str) -> Outcome<Option<EventTime>> {
    params
        .opt_integer(param)?
        .map(|millis| time(param, millis))
        .transpose()
}

/// The time of so many milliseconds since 1970.
pub(super) fn time(param: &str, millis: i64) -> Outcome<EventTime> {
    Some(millis)
        .filter(|millis| *millis >= 0)
        .and_then(|millis| millis.checked_mul(1000))
        .map(EventTime::from_micros)
        // a time past the year 9999 would be another one
        .filter(|time| time.micros() / 1000 == millis)
        .ok_or_else(|| {
            Failure::value(
                param,
                &millis.into(),
                "it must be a time between 1970 and 9999 in milliseconds",
            )
        })
}

/// A text cut to so many characters, as the peer's server does with long values.
pub(super) fn cut(mut text: String, characters: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(characters) {
        text.truncate(end);
    }
    text
}
