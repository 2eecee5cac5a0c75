//! No text makes a name, time, span, digest or record panic, and what is accepted survives its own text.
//!
//! The input is read as plain text, and as the JSON of everything that core stores.

use std::{fmt::Debug, fmt::Display, str::FromStr};

use mlops_core::{
    AliasName, Digest, EntityKey, EntityName, EventTime, Lineage, ModelName, OutcomeRecord,
    PredictionRecord, Principal, Probability, Signal, Span, Value, ViewName,
};
use mlops_features::{DataType, Entity};
use serde::{Serialize, de::DeserializeOwned};

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        for parsed in [
            plain::<EntityName>(text),
            plain::<ViewName>(text),
        ] {
            assert!(parsed.is_none_or(|name| name == text));
        }
        // these two are composed, so the text may change once
        plain::<ModelName>(text);
        plain::<AliasName>(text);
        if let Ok(name) = ModelName::new(text) {
            assert!(ModelName::new(name.as_str()).ok().as_ref() == Some(&name));
            assert!(!name.folded().is_empty());
        }
        plain::<EventTime>(text);
        plain::<Span>(text);
        plain::<Digest>(text);
        if let Ok(principal) = Principal::new(text) {
            assert_eq!(principal.as_str(), text);
        }
        if let Ok(time) = EventTime::parse(text) {
            assert!(time.date().len() >= 10);
            assert_eq!(time - Span::ZERO, time);
        }
        if let Ok(span) = Span::parse(text) {
            assert!(EventTime::MIN + span >= EventTime::MIN && span.as_days() >= 0.0);
        }
        if let Ok(entity) = Entity::new(text, [(text, DataType::Int64)]) {
            assert_eq!(entity.name().as_str(), text);
        }
    }
    json::<EntityKey>(data);
    json::<Value>(data);
    json::<Probability>(data);
    json::<Lineage>(data);
    json::<Signal>(data);
    json::<PredictionRecord>(data);
    json::<OutcomeRecord>(data);
}

/// The text that the parsed value prints, if there is one; it must be read back as the same value.
fn plain<T: FromStr<Err = mlops_core::Error> + Display + PartialEq + Debug>(
    text: &str,
) -> Option<String> {
    let value = match text.parse::<T>() {
        Ok(value) => value,
        Err(error) => {
            assert!(error.to_string().len() < 1_000);
            return None;
        }
    };
    let printed = value.to_string();
    assert_eq!(printed.parse::<T>().ok(), Some(value));
    Some(printed)
}

fn json<T: DeserializeOwned + Serialize + PartialEq + Debug>(data: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<T>(data) {
        let text = serde_json::to_string(&value).expect("what was read is written");
        let back: T = serde_json::from_str(&text).expect("what is written is read");
        assert_eq!(back, value);
    }
}
