//! The point_in_time example as a user runs it: what it writes, what it says, and what it says of bad input.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// Runs the example in a folder as `cargo test` built it, beside this test.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().and_then(Path::parent).unwrap();
    let example = built.join("examples/point_in_time");
    assert!(
        example.exists(),
        "{} is built with the tests",
        example.display()
    );
    let mut command = Command::new(example);
    command
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let spine = "driver,event_timestamp,label\n2,2024-01-10,1\n1,2024-01-10,0\n,2024-01-10,0\n3,2024-06-01,1\n";
    let trips = "driver,at,loaded,trips\n1,2024-01-09,2024-01-09,14\n1,2024-01-09,2024-01-11,15\n2,2024-01-11,2024-01-11,3\n3,2024-01-01,2024-01-01,8\n";
    fs::write(folder.path().join("labels.csv"), spine).unwrap();
    fs::write(folder.path().join("trips.csv"), trips).unwrap();
    folder
}

const VIEW: &str = "trips=trips.csv:key=driver;time=at;created=loaded";

#[test]
fn the_output_is_the_spine_with_features_and_the_summary_counts_them() {
    let folder = folder();
    let join = [
        "--spine",
        "labels.csv",
        "--view",
        VIEW,
        "--ttl",
        "90d",
        "--out",
    ];
    let check = |extra: &[&str], trips: &str| {
        let arguments: Vec<&str> = join
            .iter()
            .chain(&["set.csv"])
            .chain(extra)
            .copied()
            .collect();
        let output = run(folder.path(), &arguments);
        assert!(output.status.success(), "{output:?}");
        let expect = format!(
            "driver,event_timestamp,label,trips__trips\n2,2024-01-10,1,\n1,2024-01-10,0,{trips}\n,2024-01-10,0,\n3,2024-06-01,1,\n"
        );
        assert_eq!(
            fs::read_to_string(folder.path().join("set.csv")).unwrap(),
            expect
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let said = check(&[], "15");
    assert!(said.contains("rows     4\n"), "{said}");
    assert!(said.contains("matched 1, null 2, expired 1"), "{said}");
    assert!(said.contains("seconds  "), "{said}");
    check(&["--as-known-at"], "14");
    let json = check(&["--json", "--threads", "1"], "15");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["views"][0]["expired"], 1);

    let parquet: Vec<&str> = join.iter().chain(&["set.parquet"]).copied().collect();
    assert!(run(folder.path(), &parquet).status.success());
    let help = run(folder.path(), &["--help"]);
    assert!(help.status.success() && help.stdout.starts_with(b"Joins features"));
}

#[test]
fn bad_input_fails_with_its_name_and_leaves_nothing() {
    let folder = folder();
    let check = |arguments: &[&str], words: &[&str]| {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        for word in words {
            assert!(said.contains(word), "`{said}` does not say `{word}`");
        }
        assert!(!said.contains("panicked"), "{said}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    };
    let with = |spine: &str, view: &str, out: &str, words: &[&str]| {
        check(
            &["--quiet", "--spine", spine, "--view", view, "--out", out],
            words,
        );
    };
    with("none.csv", VIEW, "o.csv", &["none.csv", "does not exist"]);
    with(
        "labels.csv",
        "trips=none.parquet",
        "o.csv",
        &["none.parquet"],
    );
    with("labels.csv", "trips", "o.csv", &["NAME=FILE"]);
    with("labels.csv", "a b=trips.csv", "o.csv", &["a b"]);
    with(
        "labels.csv",
        "t=trips.csv:key=driver;when=at",
        "o.csv",
        &["`when`", "time"],
    );
    with(
        "labels.csv",
        "t=trips.csv:key=rider;time=at",
        "o.csv",
        &["`rider`"],
    );
    with(
        "labels.csv",
        "t=trips.csv:key=driver",
        "o.csv",
        &["`event_timestamp`", "trips.csv"],
    );
    with("labels.csv", VIEW, "o.txt", &["o.txt", ".parquet"]);
    with("labels.csv", VIEW, "missing/o.csv", &["missing/o.csv"]);
    with("labels.csv", VIEW, "trips.csv", &["input of the join"]);
    check(
        &["--spine", "labels.csv", "--out", "o.csv"],
        &["--view is missing"],
    );
    check(&["--ttl", "soon"], &["--ttl", "soon"]);
    check(&["--threads", "0"], &["--threads is `0`"]);
    check(&["--nope"], &["`--nope` is no option"]);
}
