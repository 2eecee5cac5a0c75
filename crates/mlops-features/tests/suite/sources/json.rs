//! JSON lines: values, paths, and every way in which a line can be wrong.

use std::fmt::Write as _;

use mlops_core::{ErrorKind, EventTime, Value, arrow::datatypes::TimeUnit};
use mlops_features::{Csv, Error, JsonLines, Parse, RejectionKind, SourceSchema, TimeFormat};

use super::support::{gzip, rows, why};

fn schema() -> SourceSchema {
    SourceSchema::builder()
        .key("id", "user.id", Parse::Int)
        .value("price", "price", Parse::Float)
        .value("name", "user.name", Parse::Trimmed)
        .value("flag", "flag", Parse::Bool)
        .time_value("at", "at", TimeFormat::rfc3339())
        .build()
        .unwrap()
}

#[test]
fn values_are_found_by_their_paths_and_numbers_stay_exact() {
    let text = concat!(
        "\u{feff}",
        r#"{"user": {"id": 9007199254740993, "name": "  Ann "}, "price": 0.1, "flag": true, "at": "2011-07-01T12:00:00Z"}"#,
        "\r\n\n   \r\n",
        r#"{"other": [1, {"user.id": 3}], "user.id": -9223372036854775808, "price": 1e2, "flag": "no"}"#,
        "\n",
        r#" {"user": {"id": "17850.0", "name": "\u00e9\ud83d\ude00\n"}, "price": null, "flag": 1} "#,
    );
    let ingest = JsonLines::from_bytes("t", text.as_bytes())
        .read(&schema())
        .unwrap();
    assert_eq!(why(&ingest), Vec::<String>::new());
    let at = Value::Time(EventTime::parse("2011-07-01T12:00:00Z").unwrap());
    let expected: [Vec<Value>; 3] = [
        vec![
            9_007_199_254_740_993.into(),
            0.1.into(),
            "Ann".into(),
            true.into(),
            at,
        ],
        vec![
            i64::MIN.into(),
            100.0.into(),
            Value::Null,
            false.into(),
            Value::Null,
        ],
        vec![
            17_850.into(),
            Value::Null,
            "é😀".into(),
            true.into(),
            Value::Null,
        ],
    ];
    assert_eq!(rows(&ingest.table), expected);
}

/// Lines and the ends of the reasons.
const BAD_LINES: [(&str, &str); 20] = [
    (
        r#"{"user": {"id": 9223372036854775808}}"#,
        "column `user.id`, `9223372036854775808`: it does not fit 64 bits",
    ),
    (
        r#"{"user": {"id": 1e3}}"#,
        "column `user.id`, `1e3`: it is not written as a whole number",
    ),
    (
        r#"{"user": {"id": 2.5}}"#,
        "column `user.id`, `2.5`: it is not a whole number",
    ),
    (
        r#"{"user": {"id": true}}"#,
        "column `user.id`, `true`: it is a boolean, which cannot become a whole number",
    ),
    (
        r#"{"user": {"id": [1]}}"#,
        "column `user.id`, `[1]`: it is an array, which cannot become a whole number",
    ),
    (
        r#"{"user": {"id": {"a": 1}}}"#,
        "column `user.id`, `{\"a\": 1}`: it is an object, which cannot become a whole number",
    ),
    (
        r#"{"user": 7}"#,
        "column `user.id`, `7`: an object is expected there, which would have the key",
    ),
    (
        r#"{"user": null}"#,
        "column `user.id`: a value is required and none is there",
    ),
    (
        r"{}",
        "column `user.id`: a value is required and none is there",
    ),
    (
        r#"{"user": {"id": 1, "id": 1}}"#,
        "column `user.id`, `{\"user\": {\"id\": 1, \"id\": 1}}`: its key stands there twice",
    ),
    (
        r#"{"user": {"id": 1}, "user.id": 1}"#,
        "column `user.id`, `{\"user\": {\"id\": 1}, \"user.id\": 1}`: its key stands there twice",
    ),
    (
        r#"{"user": {"id": 1}, "user": {}}"#,
        "column `user.id`, `{\"user\": {\"id\": 1}, \"user\": {}}`: its key stands there twice",
    ),
    (
        r#"{"user.id": 1, "price": 1e999}"#,
        "column `price`, `1e999`: it is not finite, or too large for a 64-bit float",
    ),
    (
        r#"{"user.id": 1, "price": NaN}"#,
        "`{\"user.id\": 1, \"price\": NaN}`: it is not JSON: a value is expected at byte 25",
    ),
    (
        r#"{"user.id": 1, "user": {"name": 2.5}}"#,
        "column `user.name`, `2.5`: it is a number with a fraction or an exponent, which cannot become a text",
    ),
    (
        r#"{"user.id": 1, "at": 5}"#,
        "column `at`, `5`: a number, and no unit is stated",
    ),
    (
        r#"[{"user.id": 1}]"#,
        "`[{\"user.id\": 1}]`: it is not JSON: an object is expected at byte 1",
    ),
    (
        r#"{"user.id": 1} x"#,
        "`{\"user.id\": 1} x`: it is not JSON: the line is expected to end at byte 16",
    ),
    (
        r#"{"user.id": 01}"#,
        "`{\"user.id\": 01}`: it is not JSON: a number without a leading zero is expected at byte 14",
    ),
    (
        r#"{"user.id": 1, "x": "\ud800"}"#,
        "`{\"user.id\": 1, \"x\": \"\\ud800\"}`: it is not JSON: the other half of a character is expected at byte 28",
    ),
];

#[test]
fn a_line_that_is_wrong_is_rejected_with_the_reason_and_the_rest_is_read() {
    let long = format!(r#"{{"user.id": 1, "x": "{}"}}"#, "x".repeat(300));
    let deep = format!(
        r#"{{"user.id": 1, "x": {}{}}}"#,
        "[".repeat(127),
        "]".repeat(127)
    );
    let more = [
        (long.as_str(), "the line is longer than 280 bytes"),
        (
            deep.as_str(),
            "it is not JSON: fewer levels are expected at byte 148",
        ),
    ];
    for (line, expected) in BAD_LINES.into_iter().chain(more) {
        let text = format!("{{\"user.id\": 5}}\n{line}\n{{\"user.id\": 6}}\n");
        let json = JsonLines::from_bytes("t", text.as_bytes()).line_limit(280);
        let ingest = json.read(&schema()).unwrap();
        assert_eq!((ingest.rows_read, ingest.table.rows()), (3, 2), "{line}");
        let [why] = &why(&ingest)[..] else {
            panic!("{line}")
        };
        assert!(
            why.starts_with("row 2, ") && why.ends_with(expected),
            "{why}"
        );
    }
    let invalid = b"{\"user.id\": 5, \"x\": \"\xff\"}";
    let ingest = JsonLines::from_bytes("t", &invalid[..])
        .read(&schema())
        .unwrap();
    assert_eq!(ingest.rejected.counts()[0].kind, RejectionKind::NotUtf8);
}

#[test]
fn a_number_is_a_time_where_a_unit_is_stated_and_a_text_where_it_is_whole() {
    let schema = SourceSchema::builder()
        .event_time("at", "t", TimeFormat::epoch(TimeUnit::Millisecond))
        .value("code", "code", Parse::Str)
        .build()
        .unwrap();
    let text = "{\"t\": 1309521600000, \"code\": 85123}\n{\"t\": 1.5, \"code\": \"\"}";
    let ingest = JsonLines::from_bytes("t", text.as_bytes())
        .read(&schema)
        .unwrap();
    let at = Value::Time(EventTime::parse("2011-07-01T12:00:00Z").unwrap());
    assert_eq!(rows(&ingest.table), [vec![at, "85123".into()]]);
    assert_eq!(
        why(&ingest),
        ["row 2, column `t`, `1.5`: it is not a whole number"]
    );
}

#[test]
fn a_gzipped_file_reads_as_the_plain_one_and_a_cut_one_is_an_error() {
    let mut text = String::new();
    for i in 0..5_000 {
        writeln!(text, "{{\"user\": {{\"id\": {i}}}, \"price\": {i}.5}}").unwrap();
    }
    let plain = JsonLines::from_bytes("t", text.as_bytes())
        .read(&schema())
        .unwrap();
    let zipped = gzip(text.as_bytes());
    let unzipped = JsonLines::from_bytes("t", &zipped[..])
        .read(&schema())
        .unwrap();
    assert_eq!(plain.table.digest(), unzipped.table.digest());
    let cut = JsonLines::from_bytes("cut", &zipped[..zipped.len() - 20]);
    let error = cut.read(&schema()).unwrap_err();
    assert!(matches!(error, Error::BrokenGzip { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let missing = JsonLines::open("no/such/file.jsonl").unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

#[test]
fn texts_read_as_those_of_a_csv_file() {
    let values = ["", " ", "7", " 7 ", "7.0", "x", "NaN", "1,5", "true", "é"];
    for parse in [
        Parse::Int,
        Parse::Float,
        Parse::Bool,
        Parse::Str,
        Parse::Trimmed,
    ] {
        let schema = SourceSchema::builder()
            .value("v", "v", parse)
            .build()
            .unwrap();
        let mut csv = "v,w\n".to_owned();
        let mut json = String::new();
        for value in values {
            writeln!(csv, "\"{value}\",1").unwrap();
            writeln!(json, "{{\"v\": \"{value}\", \"w\": 1}}").unwrap();
        }
        let csv = Csv::from_bytes("t", csv.as_bytes())
            .null_token("x")
            .read(&schema)
            .unwrap();
        let json = JsonLines::from_bytes("t", json.as_bytes()).null_token("x");
        let json = json.read(&schema).unwrap();
        assert_eq!(json.table.digest(), csv.table.digest(), "{parse:?}");
        assert_eq!(json.rejected, csv.rejected, "{parse:?}");
    }
}
