//! The train and predict examples as a user runs them: what they write, what they say, and what of bad input.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fmt::Write,
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

/// Runs an example in a folder as `cargo test` built it, beside this test.
fn run(example: &str, folder: &Path, arguments: &[&str]) -> Output {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().and_then(Path::parent).unwrap();
    let example = built.join("examples").join(example);
    assert!(
        example.exists(),
        "{} is built with the tests",
        example.display()
    );
    let mut command = Command::new(example);
    let command = command.args(arguments).current_dir(folder);
    command.output().unwrap()
}

/// Rows whose label follows from their columns: a class of two, one of three, and a number.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (file, first, rows) in [("train.csv", 0, 400), ("test.csv", 400, 100)] {
        let mut text = "x,colour,empty,two,three,number\n".to_owned();
        for row in first..first + rows {
            let x = row * 37 % 101;
            let colour = ["red", "green", "?"][row % 3];
            let two = if x > 50 || colour == "red" {
                "yes"
            } else {
                "no"
            };
            let three = ["low", "middle", "high"][x / 34];
            let number = 2 * x + 10 * (row % 3);
            writeln!(text, "{x},{colour},,{two},{three},{number}").unwrap();
        }
        fs::write(folder.path().join(file), text).unwrap();
    }
    folder
}

const FILES: [&str; 6] = ["--train", "train.csv", "--test", "test.csv", "--null", "?"];

fn train(folder: &Path, target: &str, trainer: &str, out: &str, more: &[&str]) -> Value {
    let drop = match target {
        "two" => "three,number",
        "three" => "two,number",
        _ => "two,three",
    };
    let asked = [
        "--target",
        target,
        "--trainer",
        trainer,
        "--drop",
        drop,
        "--out",
        out,
        "--json",
    ];
    let arguments: Vec<&str> = FILES.iter().chain(&asked).chain(more).copied().collect();
    let output = run("train", folder, &arguments);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn two_classes_are_told_apart_and_predicted_in_the_input_s_order() {
    let folder = folder();
    let folder = folder.path();
    let params = [
        "--param",
        "trees=40",
        "--param",
        "leaves=8",
        "--param",
        "learning_rate=0.3",
    ];
    let found = train(folder, "two", "boosting", "model", &params);
    for metric in ["roc_auc", "pr_auc"] {
        assert!(found[metric].as_f64().unwrap() > 0.99, "{found}");
    }
    assert!(found["log_loss"].as_f64().unwrap() < 0.1, "{found}");
    assert!(found["brier"].as_f64().unwrap() < 0.05);
    assert!(found["fit_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(
        (&found["rows"], &found["features"]),
        (&400.into(), &3.into())
    );

    for out in ["answers.csv", "answers.parquet"] {
        let asked = [
            "--package",
            "model",
            "--input",
            "test.csv",
            "--out",
            out,
            "--null",
            "?",
        ];
        let output = run("predict", folder, &asked);
        assert!(output.status.success(), "{output:?}");
    }
    let answers = fs::read_to_string(folder.join("answers.csv")).unwrap();
    let mut lines = answers.lines();
    assert_eq!(lines.next(), Some("no,yes"));
    let rows = fs::read_to_string(folder.join("test.csv")).unwrap();
    let mut wrong = 0;
    for (answer, row) in lines.by_ref().zip(rows.lines().skip(1)) {
        let (no, yes) = answer.split_once(',').unwrap();
        let (no, yes): (f64, f64) = (no.parse().unwrap(), yes.parse().unwrap());
        assert!((no + yes - 1.0).abs() < 1e-12);
        wrong += u32::from((yes > 0.5) != row.contains(",yes,"));
    }
    assert!(wrong < 5 && lines.next().is_none(), "{wrong} of 100");
    assert!(fs::metadata(folder.join("answers.parquet")).unwrap().len() > 100);
}

#[test]
fn classes_and_numbers_are_learnt_by_what_the_label_holds() {
    let folder = folder();
    let folder = folder.path();
    let found = train(folder, "three", "forest", "classes", &[]);
    assert!(found["accuracy"].as_f64().unwrap() > 0.95, "{found}");
    let asked = [
        "--package",
        "classes",
        "--input",
        "test.csv",
        "--out",
        "classes.csv",
        "--null",
        "?",
    ];
    assert!(run("predict", folder, &asked).status.success());
    let answers = fs::read_to_string(folder.join("classes.csv")).unwrap();
    assert!(answers.starts_with("high,low,middle\n"), "{answers}");
    assert_eq!(answers.lines().count(), 101);

    let found = train(folder, "number", "linear", "line", &[]);
    assert!(found["rmse"].as_f64().unwrap() < 6.0, "{found}");
    assert!(found["mae"].as_f64().unwrap() < 6.0);
    let asked = [
        "--package",
        "line",
        "--input",
        "test.csv",
        "--out",
        "line.csv",
        "--null",
        "?",
    ];
    assert!(run("predict", folder, &asked).status.success());
    assert!(
        fs::read_to_string(folder.join("line.csv"))
            .unwrap()
            .starts_with("prediction\n")
    );
}

#[test]
fn the_same_seed_gives_the_same_package() {
    let folder = folder();
    let model = |out: &str| {
        let more = [
            "--seed",
            "7",
            "--param",
            "subsample=0.5",
            "--param",
            "trees=20",
        ];
        train(folder.path(), "two", "boosting", out, &more);
        fs::read(folder.path().join(out).join("model.json")).unwrap()
    };
    assert_eq!(model("one"), model("two"));
}

#[test]
fn bad_input_is_named_and_leaves_nothing() {
    let folder = folder();
    let folder = folder.path();
    fs::write(
        folder.join("bad.csv"),
        "x,colour,empty,two\n1,red,,yes\nmany,red,,no\n",
    )
    .unwrap();
    let refused = |example: &str, arguments: &[&str], expect: &str| {
        let output = run(example, folder, arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains(expect), "{arguments:?}: {said}");
        assert!(!folder.join("out").exists(), "{arguments:?}");
    };
    let with = |target: &'static str, trainer: &'static str, more: &'static [&'static str]| {
        let asked = ["--target", target, "--trainer", trainer, "--out", "out"];
        FILES
            .iter()
            .chain(&asked)
            .chain(more)
            .copied()
            .collect::<Vec<&str>>()
    };
    refused("train", &with("none", "tree", &[]), "no column `none`");
    refused("train", &with("two", "magic", &[]), "no trainer `magic`");
    refused(
        "train",
        &with("two", "boosting", &["--param", "tree=3"]),
        "no setting `tree`",
    );
    refused(
        "train",
        &with("two", "boosting", &["--param", "trees=x"]),
        "`x`",
    );
    refused(
        "train",
        &with("two", "boosting", &["--param", "trees=0"]),
        "`trees` of boosting",
    );
    refused(
        "train",
        &with("two", "boosting", &["--drop", "y"]),
        "no column `y`",
    );
    refused(
        "train",
        &with("two", "tree", &["--task", "regression"]),
        "`two` is a text",
    );
    refused("train", &with("empty", "tree", &[]), "has no `empty`");
    refused("train", &["--train", "train.csv"], "--test is missing");
    refused("train", &["--nothing"], "`--nothing` is no option");

    train(folder, "two", "tree", "model", &[]);
    let predict = |input: &'static str, out: &'static str| {
        ["--package", "model", "--input", input, "--out", out]
    };
    refused(
        "predict",
        &predict("bad.csv", "out"),
        "row 2, column `x`, `many`",
    );
    refused("predict", &predict("none.csv", "out"), "none.csv");
    refused(
        "predict",
        &predict("test.csv", "out"),
        "neither .csv nor .parquet",
    );
    fs::write(folder.join("model/model.json"), "{}").unwrap();
    refused("predict", &predict("test.csv", "out.csv"), "model.json");
    assert!(!folder.join("out.csv").exists());
}
