//! The text form of feature values in the prediction log.
//!
//! Plain JSON loses what monitoring must keep: NaN is not null, and a time is not a text. Those two
//! are written as one-field objects, `{"f":"NaN"}` and `{"t":"2011-07-01T00:00:00Z"}`, and so is a map,
//! `{"m":{…}}`.

use mlops_core::{EventTime, Value};
use serde_json::{Value as Json, json};

/// Values in order, as one JSON array.
pub(super) fn encode<'a>(values: impl Iterator<Item = &'a Value>) -> String {
    Json::Array(values.map(to_json).collect()).to_string()
}

/// The values of [`encode`]; `None` if the text is anything else.
pub(super) fn decode(text: &str) -> Option<Vec<Value>> {
    let Ok(Json::Array(items)) = serde_json::from_str(text) else {
        return None;
    };
    items.into_iter().map(from_json).collect()
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(i) => Json::from(*i),
        Value::Float(f) if f.is_finite() => Json::from(*f),
        Value::Float(f) => json!({ "f": f.to_string() }),
        Value::Str(text) => Json::from(text.as_str()),
        Value::Time(time) => json!({ "t": time.to_string() }),
        Value::List(values) => values.iter().map(to_json).collect(),
        Value::Map(values) => {
            let values = values.iter();
            let values = values.map(|(name, value)| (name.clone(), to_json(value)));
            json!({ "m": values.collect::<Json>() })
        }
    }
}

fn from_json(json: Json) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(b),
        Json::Number(number) => match number.as_i64() {
            Some(i) => Value::Int(i),
            None => Value::Float(number.as_f64()?),
        },
        Json::String(text) => Value::Str(text),
        Json::Object(mut fields) => match (fields.get("f"), fields.get("t")) {
            (Some(Json::String(number)), None) => Value::Float(number.parse().ok()?),
            (None, Some(Json::String(time))) => Value::Time(EventTime::parse(time).ok()?),
            (None, None) => match fields.remove("m") {
                Some(Json::Object(values)) => {
                    let values = values.into_iter();
                    let values = values.map(|(name, value)| Some((name, from_json(value)?)));
                    Value::Map(values.collect::<Option<_>>()?)
                }
                _ => return None,
            },
            _ => return None,
        },
        Json::Array(items) => Value::List(items.into_iter().map(from_json).collect::<Option<_>>()?),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_map(Value::Float),
            any::<String>().prop_map(Value::Str),
            any::<i64>().prop_map(|m| Value::Time(EventTime::from_micros(m))),
            proptest::collection::vec(any::<i64>().prop_map(Value::Int), 0..3)
                .prop_map(Value::List),
            proptest::collection::btree_map(
                any::<String>(),
                any::<bool>().prop_map(Value::Bool),
                0..3
            )
            .prop_map(Value::Map),
        ]
    }

    proptest! {
        #[test]
        fn every_value_reads_back_as_it_was(values in proptest::collection::vec(value(), 0..6)) {
            let back = decode(&encode(values.iter())).unwrap();
            prop_assert_eq!(back.len(), values.len());
            for (was, is) in values.iter().zip(&back) {
                match (was, is) {
                    (Value::Float(a), Value::Float(b)) if a.is_nan() => prop_assert!(b.is_nan()),
                    (Value::Float(a), Value::Float(b)) => prop_assert_eq!(a.to_bits(), b.to_bits()),
                    _ => prop_assert_eq!(was, is),
                }
            }
        }
    }

    #[test]
    fn what_is_not_a_list_of_values_is_refused() {
        for bad in [
            "",
            "{}",
            "1",
            r#"[{"m":1}]"#,
            r#"[{"x":1}]"#,
            r#"[{"f":"x"}]"#,
            r#"[{"f":"1","t":"2"}]"#,
        ] {
            assert!(decode(bad).is_none(), "{bad}");
        }
    }
}
