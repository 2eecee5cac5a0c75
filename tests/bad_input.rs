//! Bad input to the churn example: an error that names the culprit, a failing exit code, nothing half written.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fmt::Write,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The example as `cargo test` built it, beside this test.
fn churn(arguments: &[&str]) -> Output {
    let test = std::env::current_exe().unwrap();
    let example = test
        .parent()
        .and_then(Path::parent)
        .unwrap()
        .join("examples/churn");
    assert!(
        example.exists(),
        "{} is built with the tests",
        example.display()
    );
    Command::new(example).args(arguments).output().unwrap()
}

const HEADER: &str =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

/// A year of orders in which every customer buys every week, so that nobody churns.
fn nobody_churns() -> String {
    let mut csv = HEADER.to_owned();
    for day in (0..365).step_by(7) {
        let (month, date) = (day / 31 + 1, day % 31 % 28 + 1);
        for customer in 1..=100 {
            writeln!(
                csv,
                "{},P1,thing,1,2022-{month:02}-{date:02} 10:00:00,2.50,{customer},Norway",
                500_000 + day * 100 + customer
            )
            .unwrap();
        }
    }
    csv
}

/// Runs the example on a file with the given content and checks that it fails, names each culprit and leaves nothing.
fn check(content: Option<&str>, extra: &[&str], culprits: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let data: PathBuf = folder.path().join("events.csv");
    let mut arguments = Vec::new();
    if let Some(content) = content {
        fs::write(&data, content).unwrap();
        arguments.extend(["--data", data.to_str().unwrap()]);
    }
    let out = folder.path().join("out");
    arguments.extend(["--out", out.to_str().unwrap()]);
    arguments.extend(extra);
    let output = churn(&arguments);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.starts_with("error: "), "{message}");
    for culprit in culprits {
        assert!(
            message.contains(culprit),
            "`{culprit}` is not named in: {message}"
        );
    }
    assert!(!message.contains("panicked"), "{message}");
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name != "events.csv")
        .collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

#[test]
fn a_missing_file_is_named() {
    check(None, &["--data", "no-such-file.csv"], &["no-such-file.csv"]);
}

#[test]
fn a_wrong_column_is_named_with_those_that_are_there() {
    let csv = nobody_churns().replace("CustomerID", "Client");
    check(Some(&csv), &[], &["`CustomerID`", "`Client`"]);
}

#[test]
fn a_file_of_unreadable_dates_has_no_rows_left() {
    let csv = nobody_churns().replace("2022-", "yesterday ");
    check(Some(&csv), &[], &["no row", "InvoiceDate"]);
}

#[test]
fn an_empty_table_is_refused() {
    check(Some(HEADER), &[], &["no row"]);
}

#[test]
fn a_single_class_is_refused() {
    check(Some(&nobody_churns()), &[], &["class"]);
}

#[test]
fn an_option_that_does_not_exist_is_named() {
    check(None, &["--negative-ttl", "-3d"], &["--negative-ttl"]);
    check(
        None,
        &["--customers", "0"],
        &["--customers", "100..=100000"],
    );
    check(None, &["--customers", "-3"], &["--customers", "-3"]);
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let port = address.port().to_string();
    check(
        None,
        &["--customers", "100", "--port", &port],
        &[&address.to_string()],
    );
}

#[test]
fn an_earlier_run_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mlops.db"), "an earlier run").unwrap();
    let output = churn(&["--out", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        fs::read_to_string(folder.path().join("mlops.db")).unwrap(),
        "an earlier run"
    );
}
