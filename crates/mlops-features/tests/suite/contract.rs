//! Contracts and their expectations on a table of five rows, where every answer is plain to see.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use mlops_core::{ErrorKind, EventTime, Table};

use mlops_features::{
    Contract, Csv, Expectation, ExpectationResult, OnFailure, Parse, RejectionKind, SourceSchema,
    TimeFormat, Validation,
};

const TEXT: &str = "\
id,at,price,country,flag
1,2011-07-01 12:00:00,2.5,UK,yes
2,2011-07-02 12:00:00,-3,FR,no
2,2011-07-02 12:00:00,-3,FR,no
,2011-06-30 12:00:00,0,,
5,2012-01-01 00:00:00,,Éire,yes
";

fn table() -> Table {
    let schema = SourceSchema::builder()
        .key("id", "id", Parse::Int)
        .nullable()
        .event_time("at", "at", TimeFormat::local("UTC").unwrap())
        .value("price", "price", Parse::Float)
        .value("country", "country", Parse::Str)
        .value("flag", "flag", Parse::Bool)
        .build()
        .unwrap();
    Csv::from_bytes("test", TEXT.as_bytes())
        .read(&schema)
        .unwrap()
        .table
}

fn time(text: &str) -> EventTime {
    EventTime::parse(text).unwrap()
}

fn result(expectation: Expectation) -> ExpectationResult {
    let contract = Contract::named("test").expect(expectation);
    contract.validate(&table()).unwrap().results.remove(0)
}

#[test]
fn each_rule_finds_exactly_the_rows_that_break_it() {
    let cases: Vec<(Expectation, u64, &[u32])> = vec![
        (Expectation::not_null("country"), 5, &[3]),
        (Expectation::not_null("at"), 5, &[]),
        (Expectation::between("price", 0.0, 2.5), 4, &[1, 2]),
        (Expectation::within("price", 0.0..2.5), 4, &[0, 1, 2]),
        (Expectation::within("price", ..), 4, &[]),
        (Expectation::within("id", 2.0..), 4, &[0]),
        (Expectation::in_set("country", ["UK", "FR"]), 4, &[4]),
        (Expectation::not_in_set("country", ["UK"]), 4, &[0]),
        (Expectation::in_set("id", [1, 2]), 4, &[4]),
        (Expectation::in_set("price", [0.0, 2.5]), 4, &[1, 2]),
        (Expectation::in_set("flag", [true]), 4, &[1, 2]),
        (Expectation::matches("country", "^[A-Z]{2}$"), 4, &[4]),
        (Expectation::matches("country", "r"), 4, &[0, 1, 2]),
        (Expectation::length_between("country", 2, 3), 4, &[4]),
        (Expectation::length_between("country", 0, 4), 4, &[]),
        (Expectation::unique(["id"]), 4, &[2]),
        (Expectation::unique(["id", "country"]), 4, &[2]),
        (Expectation::unique(["price", "id", "at"]), 5, &[2]),
        (Expectation::increasing("id"), 4, &[2]),
        (Expectation::non_decreasing("id"), 4, &[]),
        (Expectation::non_decreasing("at"), 5, &[3]),
        (
            Expectation::not_after("at", time("2011-12-31T23:59:59Z")),
            5,
            &[4],
        ),
        (
            Expectation::not_before("at", time("2011-07-01T00:00:00Z")),
            5,
            &[3],
        ),
        (
            Expectation::time_between(
                "at",
                time("2011-07-01T12:00:00Z"),
                time("2011-07-02T12:00:00Z"),
            ),
            5,
            &[3, 4],
        ),
    ];
    for (expectation, checked, bad) in cases {
        let words = expectation.words();
        let result = result(expectation);
        assert_eq!(result.checked, checked, "{words}");
        assert_eq!(result.bad_rows, bad, "{words}");
        assert_eq!(result.passed, bad.is_empty(), "{words}");
        assert_eq!(result.failed, bad.len() as u64, "{words}");
    }
}

#[test]
fn rules_on_the_table_tell_what_they_saw() {
    let cases = [
        (Expectation::row_count_between(1, 5), true, "5 rows"),
        (Expectation::row_count_between(6, 9), false, "5 rows"),
        (
            Expectation::newest_not_before("at", time("2012-01-01T00:00:00Z")),
            true,
            "2012-01-01T00:00:00Z",
        ),
        (
            Expectation::newest_not_before("at", time("2012-01-02T00:00:00Z")),
            false,
            "2012-01-01T00:00:00Z",
        ),
    ];
    for (expectation, passed, observed) in cases {
        let result = result(expectation);
        assert_eq!(
            (result.passed, result.observed.as_str()),
            (passed, observed)
        );
        assert!(result.bad_rows.is_empty());
    }
}

#[test]
fn mostly_allows_a_share_and_not_a_row_more() {
    // two of four prices are negative
    let price = || Expectation::between("price", 0.0, 2.5);
    assert!(result(price().mostly(0.5)).passed);
    assert!(!result(price().mostly(0.500_001)).passed);
    let half = result(price().mostly(0.5));
    assert_eq!((half.failed, half.failed_share), (2, 0.5));
    assert!(half.expectation.ends_with("in 50 % of rows"));
    assert!(result(Expectation::not_null("country").mostly(0.0)).passed);
}

#[test]
fn a_split_loses_no_row_and_gives_every_reason() {
    let contract = Contract::named("test")
        .expect(Expectation::between("price", 0.0, 2.5).mostly(0.1))
        .expect(Expectation::unique(["id", "at"]))
        .expect(Expectation::row_count_between(9, 9))
        .expect(Expectation::not_null("country").warn());
    let (good, rejected) = contract.split(&table()).unwrap();
    assert_eq!((good.rows() as u64, rejected.total()), (3, 2));
    let rows: Vec<String> = rejected.rows().iter().map(ToString::to_string).collect();
    assert_eq!(
        rows,
        [
            "row 2, column `price`, `-3.0`: not so: `price` lies in 0..=2.5, in 10 % of rows",
            "row 3, column `price`, `-3.0`: not so: `price` lies in 0..=2.5, in 10 % of rows; \
             `id` with `at` is unique",
        ]
    );
    assert_eq!(rejected.count_of("id, at", RejectionKind::Expectation), 1);
    assert_eq!(rejected.count_of("price", RejectionKind::Expectation), 2);
}

#[test]
fn warnings_do_not_break_a_contract() {
    let contract = Contract::named("test").expect(Expectation::not_null("country").warn());
    let validation = contract.validate(&table()).unwrap();
    assert!(validation.passed() && validation.require().is_ok());
    assert_eq!(validation.failures(OnFailure::Warn).count(), 1);
    assert!(validation.bad_rows().is_empty());
    let strict = Contract::named("test").expect(Expectation::not_null("country"));
    let error = strict.validate(&table()).unwrap().require().unwrap_err();
    assert_eq!(
        error.to_string(),
        "contract `test` is broken by 1 of 1 expectations, first: `country` is not null; \
         seen: 1 of 5 rows (20 %), 1 nulls"
    );
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn results_and_contracts_survive_json() {
    let contract = Contract::named("test")
        .expect(Expectation::in_set("country", ["UK"]).mostly(0.5).warn())
        .expect(Expectation::within("price", 0.0..))
        .expect(Expectation::not_after("at", time("2012-01-01T00:00:00Z")));
    let json = serde_json::to_string(&contract).unwrap();
    let back: Contract = serde_json::from_str(&json).unwrap();
    assert_eq!((back.digest(), &back), (contract.digest(), &contract));
    let validation = contract.validate(&table()).unwrap();
    let json = serde_json::to_string(&validation).unwrap();
    assert_eq!(
        serde_json::from_str::<Validation>(&json).unwrap(),
        validation
    );
    assert!(json.contains(r#""bad_rows":[1,2]"#), "{json}");
    let beyond = json.replace(r#""bad_rows":[1,2]"#, r#""bad_rows":[1,5]"#);
    let beyond: Validation = serde_json::from_str(&beyond).unwrap();
    let error = beyond.split(&table()).unwrap_err();
    assert!(error.to_string().contains("5 values meet 6"), "{error}");
}

#[test]
fn an_expectation_that_cannot_be_checked_is_named() {
    let cases = [
        (
            Expectation::not_null("nope"),
            "expects a column `nope`; the table has `id`, `at`",
        ),
        (
            Expectation::between("country", 0.0, 1.0),
            "column `country` holds Utf8",
        ),
        (
            Expectation::between("price", 1.0, 0.0),
            "the range is empty",
        ),
        (
            Expectation::within("price", f64::NAN..),
            "the range is empty",
        ),
        (
            Expectation::in_set("country", [1]),
            "column `country` holds Utf8",
        ),
        (Expectation::in_set("id", ["UK"]), "column `id` holds Int64"),
        (Expectation::in_set::<i64>("id", []), "the list is empty"),
        (Expectation::matches("country", "("), "unclosed group"),
        (Expectation::matches("id", "."), "asks for a text"),
        (
            Expectation::length_between("country", 2, 1),
            "the range is empty",
        ),
        (Expectation::unique::<&str>([]), "no column is named"),
        (
            Expectation::unique(["id", "nope"]),
            "expects a column `nope`",
        ),
        (
            Expectation::increasing("country"),
            "asks for a number or an instant",
        ),
        (
            Expectation::not_after("price", EventTime::MAX),
            "asks for an instant",
        ),
        (Expectation::row_count_between(2, 1), "the range is empty"),
        (Expectation::not_null("id").mostly(1.5), "`mostly` is 1.5"),
        (
            Expectation::not_null("id").mostly(f64::NAN),
            "`mostly` is NaN",
        ),
    ];
    for (expectation, text) in cases {
        let error = Contract::named("test")
            .expect(expectation)
            .validate(&table())
            .unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn an_empty_table_keeps_every_rule_on_rows() {
    let empty = table().filter(&[false; 5]).unwrap();
    let contract = Contract::named("test")
        .expect(Expectation::not_null("id"))
        .expect(Expectation::unique(["id"]))
        .expect(Expectation::between("price", 0.0, 1.0));
    let validation = contract.validate(&empty).unwrap();
    assert!(validation.passed());
    assert_eq!(validation.results[0].failed_share, 0.0);
    let fresh =
        Contract::named("test").expect(Expectation::newest_not_before("at", EventTime::MIN));
    assert!(!fresh.validate(&empty).unwrap().passed());
}
