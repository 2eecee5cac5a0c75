//! Reading what a request asks: the query of a GET, the JSON object of the others, the names in the path.
//!
//! The rules are MLflow's: unknown fields are ignored, whole numbers may come as texts, infinity and NaN
//! come as texts, a query names a list by naming its field several times, and null is no value.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::failure::{Code, Failure, Outcome};

/// How much of a wrong value an error repeats.
const SHOWN: usize = 200;

/// The parameters of one request, or the fields of one object in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Params<'a>(Cow<'a, Map<String, Value>>);

/// A wrong value as an error shows it.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl<'a> Params<'a> {
    /// The parameters of a JSON body; an empty one has none.
    pub(super) fn of_body(body: &[u8]) -> Outcome<Self> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self(Cow::Owned(fields))),
            Ok(_) => Err(Failure::new(
                Code::BadRequest,
                "The body of the request must be a JSON object",
            )),
            Err(error) => Err(Failure::new(
                Code::BadRequest,
                format!("The body of the request is not valid JSON: {error}"),
            )),
        }
    }

    /// The parameters of a query: what is named once is a text, what is named more often a list.
    pub(super) fn of_query(pairs: Vec<(String, String)>) -> Self {
        let mut fields = Map::new();
        for (name, value) in pairs {
            let value = Value::String(value);
            match fields.get_mut(&name) {
                None => {
                    fields.insert(name, value);
                }
                Some(Value::Array(values)) => values.push(value),
                Some(first) => {
                    let values = vec![first.take(), value];
                    *first = Value::Array(values);
                }
            }
        }
        Self(Cow::Owned(fields))
    }

    /// A name in the path stands over a field of the same name.
    pub(super) fn set(&mut self, name: &str, value: String) {
        self.0
            .to_mut()
            .insert(name.to_owned(), Value::String(value));
    }

    /// The fields of one object in a list.
    fn of_value(param: impl FnOnce() -> String, value: &'a Value) -> Outcome<Self> {
        match value {
            Value::Object(fields) => Ok(Self(Cow::Borrowed(fields))),
            value => Err(Failure::value(&param(), value, "it must be an object")),
        }
    }

    fn get(&self, param: &str) -> Option<&Value> {
        self.0.get(param).filter(|value| !value.is_null())
    }

    /// Whether there is a value at all.
    pub(super) fn has(&self, param: &str) -> bool {
        self.get(param).is_some()
    }

    /// A text, or none.
    pub(super) fn opt_text(&self, param: &str) -> Outcome<Option<&str>> {
        match self.get(param) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(value) => Err(Failure::value(param, value, "it must be a text")),
        }
    }

    /// A text that must be there and not be empty.
    pub(super) fn text(&self, param: &str) -> Outcome<&str> {
        self.opt_text(param)?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| Failure::missing(param))
    }

    /// A text, or a whole number as text: ids and versions come either way.
    pub(super) fn id(&self, param: &str) -> Outcome<String> {
        match self.get(param) {
            Some(Value::Number(number)) if number.is_i64() => Ok(number.to_string()),
            _ => self.text(param).map(str::to_owned),
        }
    }

    /// A whole number, or none; it may be written as a text or with a zero fraction.
    pub(super) fn opt_integer(&self, param: &str) -> Outcome<Option<i64>> {
        self.get(param)
            .map(|value| {
                integer(value)
                    .ok_or_else(|| Failure::value(param, value, "it must be a whole number"))
            })
            .transpose()
    }

    /// A whole number that must be there.
    pub(super) fn integer(&self, param: &str) -> Outcome<i64> {
        self.opt_integer(param)?
            .ok_or_else(|| Failure::missing(param))
    }

    /// A number that must be there: NaN and the infinities are texts.
    pub(super) fn number(&self, param: &str) -> Outcome<f64> {
        let value = self.get(param).ok_or_else(|| Failure::missing(param))?;
        number(value).ok_or_else(|| Failure::value(param, value, "it must be a number"))
    }

    /// Yes, no, or nothing.
    pub(super) fn opt_flag(&self, param: &str) -> Outcome<Option<bool>> {
        match self.get(param) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(value) => Err(Failure::value(param, value, "it must be true or false")),
        }
    }

    /// One of some names, by its place among them; it may be given by its number, which counts from 1.
    pub(super) fn opt_name(&self, param: &str, names: &[&str]) -> Outcome<Option<usize>> {
        let Some(value) = self.get(param).filter(|value| *value != "") else {
            return Ok(None);
        };
        let by_name = names.iter().position(|name| value == name);
        let by_number = || {
            let at = usize::try_from(integer(value)?).ok()?.checked_sub(1)?;
            (at < names.len()).then_some(at)
        };
        let found = by_name.or_else(by_number);
        found.map(Some).ok_or_else(|| {
            let reason = format!("it must be one of {}", names.join(", "));
            Failure::value(param, value, reason)
        })
    }

    /// A list of texts; one text counts as a list of one, and no value as an empty list.
    pub(super) fn texts(&self, param: &str) -> Outcome<Vec<String>> {
        let text = |value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            value => Err(Failure::value(param, value, "it must be a list of texts")),
        };
        match self.get(param) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => values.iter().map(text).collect(),
            Some(value) => Ok(vec![text(value)?]),
        }
    }

    /// A list of objects; no value is an empty list.
    pub(super) fn objects(&self, param: &str) -> Outcome<Vec<Params<'_>>> {
        match self.get(param) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => values
                .iter()
                .enumerate()
                .map(|(at, value)| Params::of_value(|| format!("{param}[{at}]"), value))
                .collect(),
            Some(value) => Err(Failure::value(param, value, "it must be a list of objects")),
        }
    }

    /// One object that must be there.
    pub(super) fn object(&self, param: &str) -> Outcome<Params<'_>> {
        let value = self.get(param).ok_or_else(|| Failure::missing(param))?;
        Params::of_value(|| param.to_owned(), value)
    }

    /// One object, or none.
    #[cfg(feature = "webhooks")]
    pub(super) fn opt_object(&self, param: &str) -> Outcome<Option<Params<'_>>> {
        self.get(param)
            .map(|value| Params::of_value(|| param.to_owned(), value))
            .transpose()
    }

    /// A whole number between bounds, or what counts when there is none.
    pub(super) fn bounded(&self, param: &str, default: i64, most: i64) -> Outcome<usize> {
        let value = self.opt_integer(param)?.unwrap_or(default);
        usize::try_from(value)
            .ok()
            .filter(|_| (1..=most).contains(&value))
            .ok_or_else(|| {
                Failure::value(
                    param,
                    &value.into(),
                    format!("it must be between 1 and {most}"),
                )
            })
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The whole number that a real one is, where it is one of the 2^53 that are exact.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole and within bounds")]
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        // the store of the peer takes it so, and its client may send it
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::String(text) => match text.trim() {
            "NaN" | "nan" => Some(f64::NAN),
            "Infinity" | "inf" => Some(f64::INFINITY),
            "-Infinity" | "-inf" => Some(f64::NEG_INFINITY),
            text => text.parse().ok().filter(|number: &f64| number.is_finite()),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn params(value: &Value) -> Params<'static> {
        Params::of_body(value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn whole_numbers_may_be_texts() {
        let cases = [
            (json!(7), Some(7)),
            (json!("7"), Some(7)),
            (json!(7.0), Some(7)),
            (json!("-7"), Some(-7)),
            (json!(i64::MAX), Some(i64::MAX)),
            (json!(7.5), None),
            (json!(1e300), None),
            (json!("x"), None),
            (json!([7]), None),
            (json!(true), None),
        ];
        for (value, expect) in cases {
            let found = params(&json!({ "step": value })).opt_integer("step");
            assert_eq!(found.clone().ok().flatten(), expect, "{value}: {found:?}");
        }
    }

    #[test]
    fn names_may_be_given_by_their_numbers() {
        let names = ["ACTIVE_ONLY", "DELETED_ONLY", "ALL"];
        let read = |value: Value| params(&json!({ "view": value })).opt_name("view", &names);
        for value in [json!("ALL"), json!(3), json!("3")] {
            assert_eq!(read(value), Ok(Some(2)));
        }
        for value in [json!(""), Value::Null] {
            assert_eq!(read(value), Ok(None));
        }
        for value in [json!("all"), json!(0), json!(4), json!(1.5), json!(true)] {
            assert!(read(value.clone()).is_err(), "{value}");
        }
    }

    #[test]
    fn numbers_that_json_lacks_are_texts() {
        let read = |value: Value| params(&json!({ "value": value })).number("value");
        assert_eq!(read(json!("Infinity")), Ok(f64::INFINITY));
        assert_eq!(read(json!("-Infinity")), Ok(f64::NEG_INFINITY));
        assert!(read(json!("NaN")).unwrap().is_nan());
        assert_eq!(read(json!("0.5")), Ok(0.5));
        assert_eq!(read(json!(true)), Ok(1.0));
        assert!(read(json!("1e999")).is_err());
        assert_eq!(
            read(Value::Null).unwrap_err(),
            Failure::missing("value"),
            "null is no value"
        );
    }

    #[test]
    fn a_query_names_a_list_by_naming_its_field_again() {
        let pairs = [
            ("order_by", "a"),
            ("filter", "f"),
            ("order_by", "b"),
            ("order_by", "c"),
        ];
        let query = Params::of_query(pairs.map(|(k, v)| (k.into(), v.into())).into());
        assert_eq!(query.texts("order_by").unwrap(), ["a", "b", "c"]);
        assert_eq!(query.texts("filter").unwrap(), ["f"]);
        assert_eq!(query.text("filter"), Ok("f"));
        assert!(query.text("order_by").is_err());
    }

    #[test]
    fn errors_name_the_parameter_as_callers_match_on_it() {
        let message = |outcome: Outcome<&str>| outcome.unwrap_err().message;
        let fields = params(&json!({"run_id": 7, "key": ""}));
        assert!(
            message(fields.text("key")).starts_with("Missing value for required parameter 'key'")
        );
        assert!(
            message(fields.text("run_id"))
                .starts_with("Invalid value 7 for parameter 'run_id' supplied")
        );
        for body in ["{not json", "[]", "7", "{\"a\":1}x"] {
            let error = Params::of_body(body.as_bytes()).unwrap_err();
            assert_eq!(error.code.status(), 400, "{body}");
        }
        assert_eq!(Params::of_body(b" \n"), Ok(Params::default()));
    }

    #[test]
    fn a_long_wrong_value_is_cut() {
        let long = json!("ä".repeat(10_000));
        assert!(Failure::value("x", &long, "no").message.len() < 1000);
    }
}
