//! JSON lines against `serde_json`, row by row.

use std::fmt::Write as _;

use mlops_core::Value;
use mlops_features::{JsonLines, Parse, RejectionKind, SourceSchema};
use proptest::{prelude::*, test_runner::FileFailurePersistence};
use serde_json::Value as Json;

use super::support::rows;

fn schema() -> SourceSchema {
    SourceSchema::builder()
        .value("int", "a.b", Parse::Int)
        .value("float", "c", Parse::Float)
        .value("text", "a.d.e", Parse::Str)
        .value("flag", "f", Parse::Bool)
        .build()
        .unwrap()
}

/// What a line means by `serde_json`; `None` where it is to be rejected.
fn oracle(line: &str) -> Option<Vec<Value>> {
    let json: Json = serde_json::from_str(line).ok()?;
    json.as_object()?;
    let a = object(&json, "a")?;
    let int = match a.get("b") {
        None | Some(Json::Null) => Value::Null,
        Some(Json::Number(n)) => match n.as_i64() {
            Some(n) => n.into(),
            // `17850.0` is a whole number, and `1e3` is not written as one
            None if n.is_f64() && !is_scientific(line, "b") => {
                let text = n.to_string();
                text.strip_suffix(".0")?.parse::<i64>().ok()?.into()
            }
            None => return None,
        },
        Some(Json::String(text)) if text.trim_ascii().is_empty() => Value::Null,
        Some(Json::String(text)) => match text.trim_ascii().split_once('.') {
            Some((whole, zeros)) if zeros.chars().all(|c| c == '0') => {
                whole.parse::<i64>().ok()?.into()
            }
            Some(_) => return None,
            None => text.trim_ascii().parse::<i64>().ok()?.into(),
        },
        Some(_) => return None,
    };
    let float = match json.get("c") {
        None | Some(Json::Null) => Value::Null,
        Some(Json::Number(n)) => n.as_f64()?.into(),
        Some(Json::String(text)) if text.trim_ascii().is_empty() => Value::Null,
        Some(Json::String(text)) => {
            let value: f64 = text.trim_ascii().parse().ok()?;
            value.is_finite().then_some(value)?.into()
        }
        Some(_) => return None,
    };
    let d = object(a, "d")?;
    let text = match d.get("e") {
        None | Some(Json::Null) => Value::Null,
        Some(Json::String(text)) if text.is_empty() => Value::Null,
        Some(Json::String(text)) => text.as_str().into(),
        Some(Json::Number(n)) if !n.is_f64() => n.to_string().into(),
        Some(_) => return None,
    };
    let flag = match json.get("f") {
        None | Some(Json::Null) => Value::Null,
        Some(Json::Bool(value)) => (*value).into(),
        Some(Json::Number(n)) => match n.to_string().as_str() {
            "0" => false.into(),
            "1" => true.into(),
            _ => return None,
        },
        Some(Json::String(text)) => match text.trim_ascii().to_ascii_lowercase().as_str() {
            "" => Value::Null,
            "true" | "t" | "yes" | "y" | "1" => true.into(),
            "false" | "f" | "no" | "n" | "0" => false.into(),
            _ => return None,
        },
        Some(_) => return None,
    };
    Some(vec![int, float, text, flag])
}

/// Whether a number is written with an exponent, which `serde_json` does not keep.
fn is_scientific(line: &str, key: &str) -> bool {
    let key = format!("\"{key}\":");
    let places = line.split(&key).skip(1);
    let mut numbers = places.map(|rest| rest.split([',', '}']).next().unwrap_or_default());
    numbers.any(|number| number.contains(['e', 'E']))
}

/// The object under a key, null where it is not there, and `None` where something else is.
fn object<'a>(json: &'a Json, key: &str) -> Option<&'a Json> {
    match json.get(key) {
        None => Some(&Json::Null),
        Some(value) => (value.is_object() || value.is_null()).then_some(value),
    }
}

fn leaf() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|i| i.to_string()),
        any::<u64>().prop_map(|i| i.to_string()),
        (-100_i64..100).prop_map(|i| format!("{i}.0")),
        (-1e6..1e6_f64).prop_map(|f| format!("{f:?}")),
        Just("\"\"".to_owned()),
        Just("\"true\"".to_owned()),
        Just("[1, {\"b\": 2}]".to_owned()),
        (-99_i64..99).prop_map(|i| format!("\" {i} \"")),
        "\\PC{0,6}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        "[\\x00-\\x7f]{0,4}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        Just(r#""\u00e9\ud83d\ude00\/\b""#.to_owned()),
    ]
}

fn member(key: &'static str) -> impl Strategy<Value = Option<String>> {
    prop::option::of(leaf().prop_map(move |value| format!("\"{key}\":{value}")))
}

fn members(parts: Vec<Option<String>>) -> String {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("{{{}}}", parts.join(" , "))
}

fn line() -> impl Strategy<Value = String> {
    let d = prop_oneof![
        4 => (member("e"), member("x")).prop_map(|(e, x)| members(vec![e, x])),
        1 => leaf(),
    ];
    let a = prop_oneof![
        6 => (member("b"), d, member("z")).prop_map(|(b, d, z)| {
            members(vec![b, Some(format!("\"d\":{d}")), z])
        }),
        1 => leaf(),
    ];
    (a, member("c"), member("f"), member("g"))
        .prop_map(|(a, c, f, g)| members(vec![g, Some(format!("\"\\u0061\":{a}")), c, f]))
}

/// Bytes of a line changed here and there.
fn damaged() -> impl Strategy<Value = String> {
    let change = (
        any::<prop::sample::Index>(),
        prop::sample::select(b"{}[]\",:\\ud 0-+.eE1tn".to_vec()),
    );
    (line(), prop::collection::vec(change, 1..4)).prop_map(|(line, changes)| {
        let mut bytes = line.into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            if bytes[at].is_ascii() {
                bytes[at] = byte;
            }
        }
        String::from_utf8(bytes).unwrap()
    })
}

/// Where `serde_json` differs by design: it keeps the last of two keys, and it turns numbers into floats before anybody
/// asks for them, so that one is out of range though nobody reads it, and another loses its digits or its sign.
fn is_comparable(line: &str) -> bool {
    let digits = line.split(|c: char| !c.is_ascii_digit());
    if line.contains("-0") || digits.map(str::len).max() > Some(19) {
        return false;
    }
    match serde_json::from_str::<Json>(line) {
        Err(error) => !error.to_string().contains("out of range"),
        // a key that stands twice leaves a shorter text behind
        Ok(json) => {
            let colons = |text: &str| text.matches("\":").count();
            colons(&json.to_string()) == colons(&line.replace(' ', ""))
        }
    }
}

fn check(lines: &[String]) -> Result<(), TestCaseError> {
    let mut text = String::new();
    for line in lines {
        writeln!(text, "{line}").unwrap();
    }
    let ingest = JsonLines::from_bytes("t", text.as_bytes())
        .read(&schema())
        .unwrap();
    let expected: Vec<Option<Vec<Value>>> = lines.iter().map(|line| oracle(line)).collect();
    let rejected: Vec<u64> = ingest.rejected.rows().iter().map(|row| row.row).collect();
    let missing: Vec<u64> = (1..)
        .zip(&expected)
        .filter_map(|(row, values)| values.is_none().then_some(row))
        .collect();
    prop_assert_eq!(rejected, missing, "{:?}", ingest.rejected);
    let taken: Vec<Vec<Value>> = expected.into_iter().flatten().collect();
    prop_assert_eq!(rows(&ingest.table), taken);
    for row in ingest.rejected.rows() {
        let line = &lines[usize::try_from(row.row).unwrap() - 1];
        let is_json = serde_json::from_str::<Json>(line).is_ok();
        // the first fault of a line counts, and a key may stand twice before the line breaks
        let broken = [RejectionKind::NotJson, RejectionKind::DuplicateKey];
        prop_assert!(is_json || broken.contains(&row.kind), "{row}");
    }
    Ok(())
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::with_cases(256)
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn lines_read_as_serde_json_reads_them(lines in prop::collection::vec(line(), 1..20)) {
        let lines: Vec<String> = lines.into_iter().filter(|line| is_comparable(line)).collect();
        check(&lines)?;
    }

    #[test]
    fn damaged_lines_are_refused_where_serde_json_refuses_them(lines in prop::collection::vec(damaged(), 1..20)) {
        let lines: Vec<String> = lines
            .into_iter()
            .filter(|line| is_comparable(line) && !line.trim().is_empty())
            .collect();
        check(&lines)?;
    }

    #[test]
    fn any_bytes_are_rows_or_rejected(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let ingest = JsonLines::from_bytes("t", bytes).read(&schema()).unwrap();
        prop_assert_eq!(ingest.table.rows() as u64 + ingest.rejected.total(), ingest.rows_read);
    }
}
