//! JSON as clients send it: bounded in depth, and with NaN and Infinity where Python writes them.
//!
//! Python's encoder writes the bare tokens `NaN`, `Infinity` and `-Infinity`, which are not JSON. A
//! body that does not parse is tried once more with those tokens quoted behind a mark, which [`number`]
//! reads and [`text`] refuses. Who spells the mark out gets a number too, and nothing else by it.

use mlops_core::Value;
use mlops_model::InputKind;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::{Error, Result};

/// Stands before a quoted token.
const MARK: &str = "\u{1}mlops:";

/// Parses a body whose brackets are nested at most `depth` deep.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8], depth: usize) -> Result<T> {
    if nesting(body) > depth {
        return Err(Error::Malformed {
            reason: format!("brackets are nested more than {depth} deep"),
        });
    }
    serde_json::from_slice(body).or_else(|first| {
        let quoted = quote_tokens(body).ok_or_else(|| malformed(&first))?;
        serde_json::from_slice(&quoted).map_err(|second| malformed(&second))
    })
}

fn malformed(error: &serde_json::Error) -> Error {
    Error::Malformed {
        reason: error.to_string().chars().take(300).collect(),
    }
}

/// The deepest nesting of brackets outside of texts.
fn nesting(body: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    let mut bytes = body.iter();
    let mut in_text = false;
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if in_text => {
                bytes.next();
            }
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The body with bare tokens quoted and marked; `None` if there are none.
fn quote_tokens(body: &[u8]) -> Option<Vec<u8>> {
    const TOKENS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
    let mut out = Vec::with_capacity(body.len() + 64);
    let (mut at, mut in_text, mut found) = (0, false, false);
    while at < body.len() {
        let rest = &body[at..];
        let token = TOKENS
            .iter()
            .find(|token| !in_text && rest.starts_with(token));
        if let Some(token) = token {
            out.extend_from_slice(b"\"\\u0001mlops:");
            out.extend_from_slice(token);
            out.push(b'"');
            found = true;
            at += token.len();
            continue;
        }
        let step = if in_text && rest[0] == b'\\' { 2 } else { 1 };
        if rest[0] == b'"' {
            in_text = !in_text;
        }
        out.extend_from_slice(&rest[..step.min(rest.len())]);
        at += step;
    }
    found.then_some(out)
}

/// A real number: a JSON number or one of the marked tokens.
pub(crate) fn number(json: &Json) -> Option<f64> {
    match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => match text.strip_prefix(MARK)? {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// A whole number of 64 bits; `1.0` is one, `1.5` is not.
pub(crate) fn integer(json: &Json) -> Result<i64, &'static str> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let Json::Number(number) = json else {
        return Err("a whole number is expected");
    };
    if let Some(value) = number.as_i64() {
        return Ok(value);
    }
    match number.as_f64() {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a whole number within 2^53"
        )]
        Some(value) if value.fract() == 0.0 && value.abs() <= EXACT => Ok(value as i64),
        Some(value) if value.fract() == 0.0 => {
            Err("the whole number does not fit in 64 signed bits")
        }
        _ => Err("a whole number is expected"),
    }
}

/// A whole number for a real input. Beyond 2^53 it stays whole, and the model refuses it as inexact.
pub(crate) fn real(whole: i64) -> Value {
    if whole.unsigned_abs() <= 1 << 53 {
        Value::Float(whole as f64)
    } else {
        Value::Int(whole)
    }
}

/// A truth value; 0 and 1 stand for one.
pub(crate) fn boolean(json: &Json) -> Result<bool, &'static str> {
    match (json, json.as_i64()) {
        (Json::Bool(value), _) => Ok(*value),
        (_, Some(0)) => Ok(false),
        (_, Some(1)) => Ok(true),
        _ => Err("true, false, 0 or 1 is expected"),
    }
}

/// A text that is no marked token.
pub(crate) fn text(json: &Json) -> Result<&str, &'static str> {
    match json {
        Json::String(text) if !text.starts_with(MARK) => Ok(text),
        _ => Err("a text is expected"),
    }
}

/// The value of a plain JSON field for an input of some kind. Null stays null.
pub(crate) fn value(json: &Json, kind: InputKind) -> Result<Value, &'static str> {
    if json.is_null() {
        return Ok(Value::Null);
    }
    Ok(match kind {
        InputKind::Float => match json.as_i64() {
            Some(whole) => real(whole),
            None => Value::Float(number(json).ok_or("a number is expected")?),
        },
        InputKind::Int => Value::Int(integer(json)?),
        InputKind::Bool => Value::Bool(boolean(json)?),
        InputKind::Str => Value::Str(text(json)?.to_owned()),
        InputKind::Floats { longest } => list(json, InputKind::Float, longest)?,
        InputKind::Ints { longest } => list(json, InputKind::Int, longest)?,
    })
}

/// The values of a list, given their kind and the most of them.
fn list(json: &Json, kind: InputKind, longest: usize) -> Result<Value, &'static str> {
    let items = json.as_array().ok_or("a list of numbers is expected")?;
    // the model refuses a longer one by its length, which one number more shows
    let items = items.iter().take(longest.saturating_add(1));
    let values = items.map(|item| value(item, kind));
    values.collect::<Result<_, _>>().map(Value::List)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn bare_tokens_are_numbers_and_quoted_ones_are_texts() {
        let body = br#"{"a": [NaN, -Infinity, Infinity, "NaN", "say \"NaN\"", 1]}"#;
        let json: Json = parse(body, 100).unwrap();
        let items = json["a"].as_array().unwrap();
        assert!(number(&items[0]).unwrap().is_nan());
        assert_eq!(number(&items[1]), Some(f64::NEG_INFINITY));
        assert_eq!(number(&items[2]), Some(f64::INFINITY));
        assert_eq!(text(&items[3]), Ok("NaN"));
        assert_eq!(text(&items[4]), Ok("say \"NaN\""));
        assert!(text(&items[0]).is_err());
        for bad in ["NaN", "[NaN", r#"{"a": NaN NaN}"#, "[1NaN]", "[NaNs]"] {
            let parsed = parse::<Vec<Json>>(bad.as_bytes(), 100);
            assert!(parsed.is_err(), "{bad}");
        }
    }

    #[test]
    fn a_deep_body_is_refused_before_it_is_parsed() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse::<Json>(deep(100).as_bytes(), 100).is_ok());
        let error = parse::<Json>(deep(250_000).as_bytes(), 100).unwrap_err();
        assert!(error.to_string().contains("nested more than 100 deep"));
        let text = format!("\"{}\"", "[".repeat(200));
        assert!(parse::<Json>(text.as_bytes(), 100).is_ok());
    }

    #[test]
    fn whole_numbers_are_exact_or_refused() {
        assert_eq!(
            integer(&json!(9_007_199_254_740_993_i64)),
            Ok(9_007_199_254_740_993)
        );
        assert_eq!(integer(&json!(3.0)), Ok(3));
        for bad in [
            "18446744073709551615",
            "1e30",
            "1.5",
            "\"1\"",
            "true",
            "null",
        ] {
            let json: Json = serde_json::from_str(bad).unwrap();
            assert!(integer(&json).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_the_parser_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse::<Json>(&body, 100);
        }

        #[test]
        fn a_text_is_never_taken_for_a_token(text in "(NaN|-?Infinity|[\\x00-\\x7f]){0,8}") {
            let body = format!("[{}, NaN]", json!(text));
            let items: Vec<Json> = parse(body.as_bytes(), 100).unwrap();
            prop_assert_eq!(super::text(&items[0]), Ok(text.as_str()));
            prop_assert!(number(&items[0]).is_none());
            prop_assert!(number(&items[1]).unwrap().is_nan());
        }
    }
}
