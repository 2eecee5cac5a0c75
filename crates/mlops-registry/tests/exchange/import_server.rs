//! An import from a server holds what one from its database does, and nobody's answer does harm.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use mlops_core::{ErrorKind, EventTime, ManualClock, Rng, Seed};
use mlops_registry::{
    Error, ImportError, ImportReport, MlflowImport, MlflowRequest, Registry, Result,
};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::{mlflow::Mlflow, rest::Rest};

/// A registry in a file whose clock stands still.
fn registry(folder: &Path) -> Registry {
    let url = format!("sqlite://{}", folder.join("mlops.db").display());
    let clock = ManualClock::new(EventTime::from_seconds(1_800_000_000));
    Registry::builder(url)
        .clock(Arc::new(clock))
        .open()
        .unwrap()
}

/// Every row of every table as text, each metric by its key.
fn rows(folder: &Path) -> Vec<String> {
    let database = Connection::open(folder.join("mlops.db")).unwrap();
    let texts = |sql: &str| -> Vec<String> {
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    };
    let mut rows = Vec::new();
    for table in texts("SELECT name FROM sqlite_schema WHERE type = 'table'") {
        if table == "metric_key" {
            continue;
        }
        let columns = texts(&format!("SELECT name FROM pragma_table_info('{table}')"));
        let columns: Vec<String> = columns
            .iter()
            .map(|column| match column.as_str() {
                "key_id" => "(SELECT quote(key) FROM metric_key k WHERE k.id = key_id)".to_owned(),
                // a server does not tell it
                "deleted_us" if table == "run" => "(deleted_us IS NULL)".to_owned(),
                column => format!("quote(\"{column}\")"),
            })
            .collect();
        let sql = format!("SELECT {} FROM \"{table}\"", columns.join(" || ', ' || "));
        rows.extend(texts(&sql).into_iter().map(|row| format!("{table}: {row}")));
    }
    rows.sort();
    rows
}

/// MLflow's database without what a server does not tell.
fn told() -> Mlflow {
    let mlflow = Mlflow::new();
    mlflow.execute(
        "DELETE FROM logged_models WHERE lifecycle_stage = 'deleted';
         DELETE FROM model_versions WHERE version = 5;
         DELETE FROM model_version_tags WHERE version = 5;
         DELETE FROM webhooks;",
    );
    mlflow
}

fn import(rest: Rest, registry: &Registry) -> Result<ImportReport> {
    MlflowImport::from_server(Arc::new(rest)).into_registry(registry)
}

#[test]
fn an_import_from_a_server_holds_what_one_from_its_database_holds() {
    let mlflow = told();
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let from_file = mlflow
        .import()
        .into_registry(&registry(one.path()))
        .unwrap();
    let mut from_server = import(Rest::new(&mlflow), &registry(other.path())).unwrap();
    let unreached = from_server.notes.pop().unwrap();
    assert!(
        unreached
            .text
            .ends_with("where the server does not hand them out")
    );
    assert_eq!(from_server, from_file);
    assert!(from_server.artifacts.new > 4 && from_server.metric_points > 100);
    let (one, other) = (rows(one.path()), rows(other.path()));
    assert!(one.len() > 200, "{}", one.len());
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(one, other);
    }
    assert_eq!(one.len(), other.len());
}

#[test]
fn what_a_server_does_not_tell_leaves_gaps_and_no_harm() {
    let mlflow = Mlflow::new();
    let registry = Registry::memory().unwrap();
    import(Rest::new(&mlflow), &registry).unwrap();
    let model = registry.model("churn model").unwrap();
    let numbers: Vec<_> = model
        .versions()
        .unwrap()
        .iter()
        .map(|v| v.version)
        .collect();
    assert_eq!(numbers, [1, 2, 4]);
    registry.verify_audit().unwrap();
}

#[test]
fn an_import_that_was_cut_off_goes_on_and_downloads_nothing_twice() {
    let mlflow = told();
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let whole = mlflow
        .import()
        .into_registry(&registry(one.path()))
        .unwrap();
    let target = registry(other.path());
    let server = Arc::new(Rest::new(&mlflow));
    let (mut tries, mut told) = (0, 0);
    let last = loop {
        *server.strength.lock().unwrap() = 12 + tries;
        let import = MlflowImport::from_server(server.clone());
        match import.into_registry_with(&target, &mut |_| told += 1) {
            Ok(report) => break report,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}"),
        }
        tries += 7;
    };
    assert!(tries > 14 && told > 10, "{tries} {told}");
    assert_eq!(last.runs.found, whole.runs.found);
    let other = rows(other.path());
    // the policy of numbers aside, nothing depends on how often it took
    let same = |rows: Vec<String>| -> Vec<String> {
        let of = |row: &String| row.starts_with("run") || row.starts_with("logged_model");
        rows.into_iter().filter(of).collect()
    };
    assert_eq!(same(rows(one.path())), same(other));
    let before = server.downloads.lock().unwrap().len();
    *server.strength.lock().unwrap() = usize::MAX;
    let again = MlflowImport::from_server(server.clone());
    let again = again.into_registry(&target).unwrap();
    assert!(!again.is_news(), "{again:?}");
    assert_eq!(again.artifacts.found, whole.artifacts.found);
    assert_eq!(server.downloads.lock().unwrap().len(), before);
}

/// Imports from a server whose answers to one path are changed; returns the error.
fn fails(
    path: &'static str,
    change: impl Fn(&MlflowRequest, &mut Value) + Send + Sync + 'static,
) -> Error {
    let mlflow = Mlflow::new();
    let rest = Rest::changing(&mlflow, move |request, answer| {
        if request.path.ends_with(path) {
            change(request, answer);
        }
    });
    let error = import(rest, &Registry::memory().unwrap()).unwrap_err();
    assert!(matches!(error, Error::Import(_)), "{error}");
    error
}

#[test]
fn values_of_other_types_are_named() {
    type Change = fn(&mut Value);
    let cases: [(&str, Change, &str); 8] = [
        (
            "/experiments/search",
            |answer| *answer = json!([1]),
            "expected is an object",
        ),
        (
            "/experiments/search",
            |answer| answer["experiments"] = json!("all"),
            "field `experiments` of the server's answer about the experiments holds a text, expected is a list",
        ),
        (
            "/experiments/search",
            |answer| answer["experiments"][0]["experiment_id"] = json!("0x1"),
            "expected is a whole number",
        ),
        (
            "/runs/search",
            |answer| answer["runs"] = json!([7]),
            "expected is a list of objects",
        ),
        (
            "/runs/get",
            |answer| answer["run"]["data"]["params"] = json!([{}]),
            "field `key`",
        ),
        (
            "/metrics/get-history",
            |answer| answer["metrics"][0]["value"] = json!("many"),
            "holds a text, expected is a number",
        ),
        (
            "/logged-models/search",
            |answer| answer["models"] = json!([{ "info": { "model_id": {} } }]),
            "holds an object, expected is a text",
        ),
        (
            "/model-versions/search",
            |answer| answer["model_versions"] = json!([{ "name": "churn model", "version": 1.5 }]),
            "holds a number, expected is a whole number",
        ),
    ];
    for (path, change, expected) in cases {
        let error = fails(path, move |_, answer| change(answer));
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
}

#[test]
fn pages_that_go_in_circles_end() {
    for path in [
        "/experiments/search",
        "/runs/search",
        "/metrics/get-history",
        "/logged-models/search",
        "/registered-models/search",
        "/model-versions/search",
    ] {
        let error = fails(path, |request, answer| {
            answer["next_page_token"] = json!("0");
            assert!(request.body["max_results"].is_u64());
        });
        assert!(
            error
                .to_string()
                .ends_with("a page with nothing new names another one"),
            "{error}"
        );
    }
}

#[test]
fn a_list_without_end_ends() {
    let count = std::sync::atomic::AtomicU64::new(0);
    let error = fails("/model-versions/search", move |_, answer| {
        let versions: Vec<Value> = (0..10_000)
            .map(|_| {
                let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                json!({ "name": "churn model", "version": number })
            })
            .collect();
        *answer = json!({ "model_versions": versions, "next_page_token": "on" });
    });
    assert!(
        error.to_string().ends_with("it lists more than 100000"),
        "{error}"
    );
}

#[test]
fn an_answer_about_another_run_is_refused() {
    let error = fails("/runs/get", |_, answer| {
        answer["run"]["info"]["run_id"] = json!("0".repeat(32));
    });
    assert!(
        error.to_string().ends_with("it tells of another run"),
        "{error}"
    );
}

#[test]
fn no_name_leads_out_of_its_folder() {
    let mlflow = Mlflow::new();
    let rest = Rest::changing(&mlflow, |request, answer| {
        if request.path.ends_with("/artifacts") {
            let files = answer["files"].as_array_mut();
            if let Some(files) = files {
                for path in ["../../secret", "..", "/etc/passwd", "a/b", "", "%2e%2e"] {
                    files.push(json!({ "path": path, "file_size": 3 }));
                    files.push(json!({ "path": path, "is_dir": true }));
                }
            }
        } else if request.path.ends_with("/runs/get")
            && answer["run"]["info"]["run_name"] == "deleted"
        {
            answer["run"]["info"]["artifact_uri"] = json!("mlflow-artifacts:/../../etc");
        }
    });
    let registry = Registry::memory().unwrap();
    // the server itself asserts that nothing else is asked for
    let report = import(rest, &registry).unwrap();
    let said = |text: &str| {
        report
            .notes
            .iter()
            .filter(|note| note.text.contains(text))
            .count()
    };
    assert!(
        said("no artifact can have that name here") >= 12,
        "{report:?}"
    );
    assert_eq!(said("its artifacts are left out"), 1);
    assert!(report.artifacts.found > 2);
}

#[test]
fn folders_without_end_are_cut_short() {
    let mlflow = Mlflow::new();
    let rest = Rest::changing(&mlflow, |request, answer| {
        if request.path.ends_with("/artifacts") {
            *answer = json!({ "files": [{ "path": "deeper", "is_dir": true }] });
        }
    });
    let report = import(rest, &Registry::memory().unwrap()).unwrap();
    let deep = |note: &&mlops_registry::ImportNote| note.text.contains("too deep");
    assert!(report.notes.iter().filter(deep).count() > 3, "{report:?}");
}

#[test]
fn a_file_of_another_size_than_was_said_is_refused() {
    let mlflow = Mlflow::new();
    for content in [vec![], vec![7; 10_000_000]] {
        let mut rest = Rest::new(&mlflow);
        rest.content = Some(content);
        let registry = Registry::memory().unwrap();
        let error = import(rest, &registry).unwrap_err();
        assert!(
            matches!(error, Error::Import(ImportError::Server { .. })),
            "{error}"
        );
        assert!(error.to_string().contains("it was said to have"), "{error}");
    }
}

#[test]
fn a_refusal_is_told_with_what_was_asked() {
    let mlflow = Mlflow::new();
    let rest = Rest::new(&mlflow);
    *rest.strength.lock().unwrap() = 0;
    let error = import(rest, &Registry::memory().unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server does not tell the experiments"
    );
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

/// Puts something else in the place of some part of an answer.
fn garble(rng: &mut Rng, value: &mut Value) {
    match value {
        Value::Object(fields) if !fields.is_empty() && rng.below(8) > 0 => {
            let at = rng.below(fields.len());
            garble(rng, fields.values_mut().nth(at).unwrap());
        }
        Value::Array(values) if !values.is_empty() && rng.below(8) > 0 => {
            let at = rng.below(values.len());
            garble(rng, &mut values[at]);
        }
        other => {
            let choices = [
                json!(null),
                json!(true),
                json!(-1),
                json!(1e300),
                json!(i64::MAX),
                json!(""),
                json!(".."),
                json!("7"),
                json!("models:/x"),
                json!("\u{0}\n"),
                json!([]),
                json!({}),
            ];
            *other = choices[rng.below(choices.len())].clone();
        }
    }
}

#[test]
fn garbled_answers_are_noted_or_refused() {
    let mlflow = Mlflow::new();
    let (mut taken, mut refused) = (0, 0);
    for seed in 0..80 {
        let rng = Mutex::new(Seed(seed).rng());
        let rest = Rest::changing(&mlflow, move |_, answer| {
            let mut rng = rng.lock().unwrap();
            if rng.below(20) == 0 {
                garble(&mut rng, answer);
            }
        });
        let registry = Registry::memory().unwrap();
        match import(rest, &registry) {
            Ok(_) => taken += 1,
            Err(error) => {
                assert!(matches!(error, Error::Import(_)), "{seed}: {error}");
                refused += 1;
            }
        }
        registry.verify_audit().unwrap();
    }
    assert!(taken > 5 && refused > 5, "{taken} {refused}");
}
