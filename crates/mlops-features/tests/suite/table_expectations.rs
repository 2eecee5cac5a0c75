//! Expectations on a table as a whole, against figures that are plain to see or that numpy and scipy gave.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{ops::Bound, sync::Arc};

use mlops_core::{
    Column, ErrorKind, EventTime, Table, TableSchema, Value,
    arrow::array::{
        ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
    },
};
use mlops_features::{
    Comparison, Condition, Contract, DataType, Detail, Distance, Expectation, ExpectationResult,
    Kind, Nulls, OnFailure, SetRelation, Shares, Statistic, Validation, days,
};

fn made(columns: Vec<(&str, ArrayRef)>) -> Table {
    let schema = columns
        .iter()
        .map(|(name, a)| Column::value(*name, a.data_type().clone()));
    let schema = TableSchema::new(schema).unwrap();
    Table::new(schema, columns.into_iter().map(|(_, a)| a).collect()).unwrap()
}

fn time(text: &str) -> EventTime {
    EventTime::parse(text).unwrap()
}

/// Ten rows; the numbers are a sample of scipy's documentation.
fn table() -> Table {
    let price = [38.7, 41.5, 43.8, 44.5, 45.5, 46.0, 47.7, 58.0].map(Some);
    let price: Vec<Option<f64>> = price.into_iter().chain([None, None]).collect();
    let at = (0..10).map(|day| time("2011-07-01T00:00:00Z").micros() + day * 86_400_000_000);
    made(vec![
        ("id", Arc::new(Int64Array::from_iter_values(0..10))),
        ("price", Arc::new(Float64Array::from(price))),
        (
            "plan",
            Arc::new(StringArray::from(vec![
                "b", "a", "b", "c", "b", "a", "a", "b", "c", "b",
            ])),
        ),
        ("flag", Arc::new(BooleanArray::from(vec![true; 10]))),
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from_iter_values(at).with_timezone("UTC")),
        ),
    ])
}

fn other() -> Table {
    made(vec![("key", Arc::new(Int64Array::from_iter_values(0..10)))])
}

fn result(expectation: Expectation) -> ExpectationResult {
    let (table, other) = (table(), other());
    Contract::named("test")
        .expect(expectation)
        .inspect(&table)
        .table("other", &other)
        .as_of(time("2011-07-11T12:00:00Z"))
        .run()
        .unwrap()
        .results
        .remove(0)
}

/// Each expectation passes or fails as stated, and tells what it saw.
fn check(cases: impl IntoIterator<Item = (Expectation, bool, &'static str)>) {
    for (expectation, passed, observed) in cases {
        let words = expectation.words();
        let result = result(expectation);
        let seen = (result.passed, result.observed.as_str());
        assert_eq!(seen, (passed, observed), "{words}");
        assert_eq!((result.elements, result.bad_rows.len()), (0, 0), "{words}");
    }
}

#[test]
fn rules_on_rows_and_columns_of_a_table_pass_and_fail_where_they_should() {
    use Expectation as E;
    let no_plan = ["id", "price"];
    let all = ["id", "price", "plan", "flag", "at"];
    let turned = ["price", "id", "plan", "flag", "at"];
    let cases = [
        (E::row_count(10), true, "10 rows"),
        (E::row_count(9), false, "10 rows"),
        (
            E::row_count_between(5, 5).when(Condition::equal("plan", "b")),
            true,
            "5 rows",
        ),
        (
            E::row_count_equals_table("other"),
            true,
            "10 rows here, 10 there",
        ),
        (E::column_exists("plan"), true, "it is at position 2"),
        (
            E::column_exists("plans"),
            false,
            "the table has `id`, `price`, `plan`, `flag`, `at`",
        ),
        (E::column_at("plan", 2), true, "it is at position 2"),
        (E::column_at("plan", 1), false, "it is at position 2"),
        (E::columns_are(turned), true, "5 columns"),
        (
            E::columns_are(no_plan),
            false,
            "`at`, `flag`, `plan` not expected",
        ),
        (E::columns_in_order(all), true, "5 columns"),
        (
            E::columns_in_order(turned),
            false,
            "the order is `id`, `price`, `plan`, `flag`, `at`",
        ),
        (E::columns_include(no_plan), true, "5 columns"),
        (E::columns_include(["id", "nope"]), false, "`nope` missing"),
        (E::column_count_between(5, 5), true, "5 columns"),
        (E::column_count_between(1, 4), false, "5 columns"),
        (E::of_type("id", &DataType::Int64), true, "Int64"),
        (
            E::of_types("id", [&DataType::Utf8, &DataType::Int32]),
            false,
            "Int64",
        ),
        (
            E::of_type("at", &EventTime::data_type()),
            true,
            "Timestamp(µs, \"UTC\")",
        ),
        (E::of_kind("price", Kind::Number), true, "Float64"),
        (E::of_kind("price", Kind::Integer), false, "Float64"),
        (E::of_kind("plan", Kind::Text), true, "Utf8"),
        (E::fresh_within("at", days(2)), true, "2011-07-10T00:00:00Z"),
        (
            E::fresh_within("at", days(1)),
            false,
            "2011-07-10T00:00:00Z",
        ),
    ];
    check(cases);
}

#[test]
fn rules_on_the_values_of_a_column_pass_and_fail_where_they_should() {
    use Expectation as E;
    let cases = [
        (E::distinct_count_between("plan", 3, 3), true, "3"),
        (E::distinct_count_between("price", 9, 10), false, "8"),
        (E::distinct_share_between("price", 1.0, 1.0), true, "1"),
        (E::distinct_share_between("plan", 0.3, 0.3), true, "0.3"),
        (E::null_share_between("price", 0.2, 0.2), true, "0.2"),
        (E::null_share_between("price", 0.0, 0.1), false, "0.2"),
        (E::most_frequent_in("plan", ["b", "z"]), true, "\"b\" × 5"),
        (E::most_frequent_in("plan", ["a"]), false, "\"b\" × 5"),
        // a and c are equally frequent where b is not
        (
            E::most_frequent_in("plan", ["a"]).when(Condition::is_in("id", [1, 3])),
            false,
            "\"a\" × 1, \"c\" × 1",
        ),
        (
            E::distinct_values("plan", SetRelation::Equal, ["a", "b", "c"]),
            true,
            "3 of 3 appear",
        ),
        (
            E::distinct_values("plan", SetRelation::Equal, ["a", "b"]),
            false,
            "2 of 2 appear, and 1 others: \"c\"",
        ),
        (
            E::distinct_values("plan", SetRelation::Within, ["a", "b", "c", "d"]),
            true,
            "3 of 4 appear",
        ),
        (
            E::distinct_values("plan", SetRelation::Contain, ["a", "d"]),
            false,
            "1 of 2 appear, and 2 others: \"b\", \"c\"",
        ),
        (
            E::distinct_values("price", SetRelation::Contain, [38.7, 58.0]),
            true,
            "2 of 2 appear, and 6 others: 41.5, 43.8, 44.5, 45.5, 46",
        ),
        (
            E::distinct_values("flag", SetRelation::Equal, [true]),
            true,
            "1 of 1 appear",
        ),
    ];
    check(cases);
}

#[test]
fn figures_of_a_column_are_numpys() {
    use Statistic::{Deviation, Max, Mean, Median, Min, Quantile, Sum};
    // numpy 2: mean, median, quantile, std(ddof=1), sum of the eight prices
    let cases = [
        (Mean, 45.7125),
        (Median, 45.0),
        (Quantile(0.0), 38.7),
        (Quantile(0.9), 50.79),
        (Quantile(1.0), 58.0),
        (Deviation, 5.695_972_888_177_852),
        (Sum, 365.7),
        (Min, 38.7),
        (Max, 58.0),
    ];
    for (statistic, figure) in cases {
        let near = figure - 1e-9..=figure + 1e-9;
        let result = result(Expectation::statistic_within("price", statistic, near));
        let seen = result
            .observed_value
            .as_ref()
            .and_then(Value::as_f64)
            .unwrap();
        assert!(result.passed, "{statistic:?}: {seen}");
        let beyond = (Bound::Excluded(seen), Bound::Unbounded);
        let beyond = Expectation::statistic_within("price", statistic, beyond);
        assert!(!self::result(beyond).passed, "{statistic:?}");
    }
    let none = Expectation::mean_between("price", -1e9, 1e9).when(Condition::is_null("price"));
    assert_eq!(
        (result(none.clone()).passed, result(none).observed.as_str()),
        (false, "no value")
    );
    // whole numbers stay whole
    let sum = result(Expectation::sum_between("id", 45, 45));
    assert!(sum.passed, "{}", sum.observed);
}

#[test]
fn outliers_pairs_sums_and_keys_are_found_by_row() {
    use Comparison::{Less, NotEqual};
    let both = ["id", "key"];
    let cases: Vec<(Expectation, u64, &[u32])> = vec![
        (Expectation::z_score_within("price", 2.0), 8, &[7]),
        (Expectation::z_score_within("price", 3.0), 8, &[]),
        (
            Expectation::compare("id", Less, "price", Nulls::Break),
            10,
            &[8, 9],
        ),
        (
            Expectation::compare("plan", NotEqual, "plan", Nulls::Skip),
            10,
            &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        ),
        (
            Expectation::sums_to(["id", "price"], 45.8, 0.25),
            8,
            &[0, 1, 3, 4, 5, 6, 7],
        ),
        (
            Expectation::references("id", "other", "key").when(Condition::not_in("plan", ["c"])),
            8,
            &[],
        ),
        (Expectation::not_in_future("at"), 10, &[]),
    ];
    for (expectation, checked, bad) in cases {
        let words = expectation.words();
        let result = result(expectation);
        assert_eq!(
            (result.checked, &result.bad_rows[..]),
            (checked, bad),
            "{words}"
        );
    }
    // several columns refer together
    let keys = made(vec![
        ("key", Arc::new(Int64Array::from(vec![0, 1, 2]))),
        ("name", Arc::new(StringArray::from(vec!["b", "b", "b"]))),
    ]);
    let table = table();
    let contract = Contract::named("test").expect(Expectation::references_all(
        ["id", "plan"],
        "keys",
        ["key", "name"],
    ));
    let validation = contract.inspect(&table).table("keys", &keys).run().unwrap();
    assert_eq!(validation.results[0].bad_rows, [1, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(both.len(), contract.expectations()[0].columns().len());
}

#[test]
fn a_result_counts_shares_examples_and_frequent_values() {
    let expectation = Expectation::in_set("plan", ["a"]).when(Condition::is_not_null("price"));
    let result = result(expectation);
    assert_eq!((result.elements, result.checked, result.failed), (8, 8, 5));
    assert_eq!(result.observed, "2 unexpected values: \"b\" × 4, \"c\" × 1");
    let frequent: Vec<(&str, u64)> = result
        .frequent
        .iter()
        .map(|f| (f.value.as_str(), f.count))
        .collect();
    assert_eq!(frequent, [("\"b\"", 4), ("\"c\"", 1)]);
    assert_eq!(
        (result.examples[0].row, result.examples[0].value.as_str()),
        (0, "b")
    );

    let nulls = self::result(Expectation::between("price", 0, 50));
    assert_eq!(
        (nulls.elements, nulls.missing, nulls.missing_share),
        (10, 2, 0.2)
    );
    assert_eq!(
        (nulls.failed_share, nulls.failed_share_of_all),
        (0.125, 0.1)
    );
}

#[test]
fn detail_and_examples_are_as_asked() {
    let table = table();
    let contract = Contract::named("test")
        .expect(Expectation::between("id", 0, 2))
        .expect(Expectation::row_count(3).warn());
    let all = contract.inspect(&table).examples(2).run().unwrap();
    assert_eq!(
        (all.results[0].examples.len(), all.results[0].bad_rows.len()),
        (2, 7)
    );
    assert_eq!(all.at(Detail::Complete), all);
    let summary = all.at(Detail::Summary);
    assert_eq!(
        (
            summary.results[0].examples.len(),
            summary.results[0].bad_rows.len()
        ),
        (2, 0)
    );
    let basic = all.at(Detail::Basic);
    assert!(basic.results[0].examples.is_empty() && basic.results[0].failed == 7);
    let verdict = all.at(Detail::Verdict);
    assert!(verdict.results[0].observed.is_empty() && !verdict.passed());
    let statistics = all.statistics();
    assert_eq!(
        (
            statistics.evaluated,
            statistics.unsuccessful,
            statistics.warnings
        ),
        (2, 1, 1)
    );
    assert_eq!(all.failures(OnFailure::Warn).count(), 1);
}

#[test]
fn what_cannot_be_checked_is_told_and_the_rest_goes_on() {
    let table = table();
    let contract = Contract::named("test")
        .expect(Expectation::not_null("gone"))
        .expect(Expectation::fresh_within("at", days(1)))
        .expect(Expectation::references("id", "nowhere", "key"))
        .expect(Expectation::matches("plan", "(((a{999}){999}){999}){999}"))
        .expect(Expectation::column_exists("id").when(Condition::equal("id", 1)))
        .expect(Expectation::not_null("id").when(Condition::equal("id", "one")))
        .expect(Expectation::not_null("id"));
    assert_eq!(
        contract.validate(&table).unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let validation = contract.inspect(&table).keep_going().run().unwrap();
    let errors: Vec<&str> = validation
        .results
        .iter()
        .filter_map(|r| r.error.as_deref())
        .collect();
    for (error, part) in errors.iter().zip([
        "expects a column `gone`",
        "no instant was given",
        "no table `nowhere` was given",
        "exceeds size limit",
        "it takes no condition",
        "the kind of the value in its condition",
    ]) {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!((errors.len(), validation.statistics().successful), (6, 1));
    assert!(
        validation
            .require()
            .unwrap_err()
            .to_string()
            .contains("`gone`")
    );
    let back: Validation =
        serde_json::from_str(&serde_json::to_string(&validation).unwrap()).unwrap();
    assert_eq!(back, validation);
}

#[test]
fn distances_agree_with_great_expectations_and_scipy() {
    let golden = include_str!("../golden/great_expectations/distances.json");
    let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 6);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let column: ArrayRef = match &case["column"][0] {
            serde_json::Value::String(_) => Arc::new(StringArray::from_iter_values(
                case["column"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|v| v.as_str().unwrap()),
            )),
            _ => Arc::new(Float64Array::from_iter_values(
                case["column"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|v| v.as_f64().unwrap()),
            )),
        };
        let shares: Shares = serde_json::from_value(case["shares"].clone()).unwrap();
        let distance: Distance = serde_json::from_value(case["distance"].clone()).unwrap();
        let table = made(vec![("x", column)]);
        let expectation = Expectation::distribution("x", shares, distance, 1e9);
        let validation = Contract::named("test")
            .expect(expectation)
            .validate(&table)
            .unwrap();
        let seen = validation.results[0]
            .observed_value
            .as_ref()
            .and_then(Value::as_f64)
            .unwrap();
        let expected = case["value"].as_f64().unwrap();
        assert!(
            (seen - expected).abs() <= 1e-12 * expected.max(1.0),
            "{name}: {seen} {expected}"
        );
    }
}

#[test]
fn shares_of_a_column_are_at_no_distance_from_it() {
    let table = table();
    for column in ["id", "price", "plan", "flag"] {
        let shares = Shares::of(&table, column, 4).unwrap();
        let mut contract = Contract::named("test").expect(Expectation::distribution(
            column,
            shares.clone(),
            Distance::psi(),
            1e-12,
        ));
        if matches!(shares, Shares::Bins { .. }) {
            contract = contract.expect(Expectation::distribution(
                column,
                shares,
                Distance::Ks,
                1e-12,
            ));
        }
        assert!(contract.validate(&table).unwrap().passed(), "{column}");
    }
    let bad = [
        r#"{"bins":{"edges":[0,0],"weights":[1]}}"#,
        r#"{"bins":{"edges":[0],"weights":[]}}"#,
        r#"{"bins":{"edges":[0,1],"weights":[0.5]}}"#,
        r#"{"bins":{"edges":[0,1,2],"weights":[1]}}"#,
        r#"{"bins":{"edges":[0,1],"weights":[-1],"above":2}}"#,
        r#"{"categories":{"values":["a"],"weights":[]}}"#,
    ];
    for json in bad {
        let shares: Shares = serde_json::from_str(json).unwrap();
        let expectation = Expectation::distribution("price", shares, Distance::divergence(), 1.0);
        let error = Contract::named("test")
            .expect(expectation)
            .validate(&table)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{json}: {error}");
    }
}
