//! An import holds what MLflow's own client reads from the same database.

use std::collections::BTreeMap;

use mlops_core::{ErrorKind, ModelName};
use mlops_registry::{
    ArtifactOwner, ImportReport, Lifecycle, MetricPoint, MlflowImport, Registry, RunId, RunRecord,
    Stage,
};
use rusqlite::Connection;
use serde_json::{Map, Value, json};

use crate::mlflow::{Mlflow, bytes, dump, registry};

fn texts(map: &BTreeMap<String, String>) -> Value {
    json!(map)
}

fn number(value: f64) -> Value {
    if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(value)
    }
}

fn millis(time: mlops_core::EventTime) -> Value {
    assert_eq!(time.micros() % 1_000, 0);
    json!(time.micros() / 1_000)
}

fn stage(lifecycle: Lifecycle) -> Value {
    json!(if lifecycle == Lifecycle::Active {
        "active"
    } else {
        "deleted"
    })
}

/// A run in the words of `import.py`.
fn told(registry: &Registry, run: &RunRecord) -> Value {
    let point = |point: &MetricPoint| json!([point.step, millis(point.time), number(point.value)]);
    let mut history = Map::new();
    for key in run.metrics.keys() {
        let page = registry
            .tracking()
            .history(&run.id, key, None, None)
            .unwrap();
        history.insert(key.clone(), page.points.iter().map(point).collect());
    }
    let metrics: Map<String, Value> = run
        .metrics
        .iter()
        .map(|(key, point)| (key.clone(), number(point.value)))
        .collect();
    let datasets: Vec<Value> = run
        .datasets
        .iter()
        .map(|input| {
            let mut dataset = serde_json::to_value(&input.dataset).unwrap();
            dataset
                .as_object_mut()
                .unwrap()
                .retain(|_, value| !value.is_null());
            dataset["tags"] = texts(&input.tags);
            dataset
        })
        .collect();
    json!({
        "experiment": run.experiment.to_string(),
        "name": run.name,
        "user": run.user,
        "status": run.status.as_str().to_uppercase(),
        "start": millis(run.started),
        "end": run.ended.map(millis),
        "stage": stage(run.lifecycle),
        "params": texts(&run.params),
        "tags": texts(&run.tags),
        "metrics": metrics,
        "history": history,
        "datasets": datasets,
        "model_inputs": run.model_inputs,
        "outputs": run.outputs.iter().map(|output| json!([output.model, output.step])).collect::<Vec<_>>(),
    })
}

/// Histories and datasets have no order over there.
fn sorted(mut run: Value) -> Value {
    let sort = |list: &mut Value| {
        list.as_array_mut().unwrap().sort_by_key(Value::to_string);
    };
    run["history"]
        .as_object_mut()
        .unwrap()
        .values_mut()
        .for_each(sort);
    sort(&mut run["datasets"]);
    run
}

fn notes(report: &ImportReport) -> Vec<String> {
    report
        .notes
        .iter()
        .map(|note| format!("{}: {}", note.about, note.text))
        .collect()
}

#[test]
fn an_import_holds_what_the_client_reads_there() {
    let mlflow = Mlflow::new();
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(folder.path());
    let report = mlflow.import().into_registry(&registry).unwrap();
    let tracking = registry.tracking();

    for (id, told) in mlflow.answers["experiments"].as_object().unwrap() {
        let found = tracking.experiment(id.parse().unwrap()).unwrap();
        assert_eq!(json!(found.name), told["name"]);
        assert_eq!(stage(found.lifecycle), told["stage"]);
        assert_eq!(texts(&found.tags), told["tags"]);
        if id != "0" {
            assert_eq!(millis(found.created), told["created"]);
            assert_eq!(millis(found.updated), told["updated"]);
        }
    }

    let runs = mlflow.answers["runs"].as_object().unwrap();
    assert_eq!(report.runs.found, runs.len() as u64);
    for (id, expected) in runs {
        let found = tracking.run(&id.parse().unwrap()).unwrap();
        assert_eq!(
            sorted(told(&registry, &found)),
            sorted(expected.clone()),
            "{id}"
        );
    }
    let parent = runs
        .iter()
        .find(|(_, run)| run["name"] == "first try")
        .unwrap()
        .0;
    assert_eq!(
        tracking.children(&parent.parse().unwrap()).unwrap().len(),
        1
    );

    for (id, told) in mlflow.answers["logged_models"].as_object().unwrap() {
        let found = tracking.logged_model(&id.parse().unwrap()).unwrap();
        let metrics: Vec<Value> = found
            .metrics
            .iter()
            .map(|metric| {
                let MetricPoint { step, time, value } = metric.point;
                json!([
                    metric.key,
                    step,
                    millis(time),
                    metric.run,
                    metric.dataset_name,
                    metric.dataset_digest,
                    number(value)
                ])
            })
            .collect();
        let found = json!({
            "experiment": found.experiment, "name": found.name, "type": found.model_type,
            "status": found.status.as_str().to_uppercase(), "run": found.source_run,
            "created": millis(found.created), "updated": millis(found.updated),
            "params": found.params, "tags": found.tags, "metrics": metrics,
        });
        let mut told = told.clone();
        for absent in ["type", "run"] {
            if told[absent] == "" {
                told[absent] = Value::Null;
            }
        }
        assert_eq!(found, told, "{id}");
    }
    for id in mlflow.answers["deleted_models"].as_array().unwrap() {
        let id = id.as_str().unwrap().parse().unwrap();
        assert_eq!(
            tracking.logged_model(&id).unwrap_err().kind(),
            ErrorKind::NotFound
        );
    }
}

#[test]
fn registered_models_keep_numbers_stages_aliases_and_tags() {
    let mlflow = Mlflow::new();
    let registry = Registry::memory().unwrap();
    let report = mlflow.import().into_registry(&registry).unwrap();
    for (name, told) in mlflow.answers["models"].as_object().unwrap() {
        let model = registry
            .existing_model(&ModelName::new(name.as_str()).unwrap())
            .unwrap();
        let info = model.info().unwrap();
        assert_eq!(json!(info.description), told["description"]);
        let created: i64 = Connection::open(mlflow.database())
            .unwrap()
            .query_row(
                "SELECT creation_time FROM registered_models WHERE name = ?1",
                [name],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(millis(info.created), created);
        assert_eq!(texts(&info.tags), told["tags"]);
        if name == "two serve" {
            continue;
        }
        let mut aliases = json!(model.aliases().unwrap());
        // the alias that follows the stage here
        aliases.as_object_mut().unwrap().remove("production");
        assert_eq!(aliases, told["aliases"]);
        let versions: Map<String, Value> = model
            .versions()
            .unwrap()
            .into_iter()
            .map(|version| {
                let told = json!({
                    "stage": version.stage, "source": version.source, "run": version.run,
                    "description": version.description, "tags": version.tags,
                    "status": version.status, "created": millis(version.created),
                });
                (version.version.to_string(), told)
            })
            .collect();
        assert_eq!(Value::Object(versions), told["versions"]);
    }
    registry.verify_audit().unwrap();

    // the numbers of deleted versions are not given again
    let model = registry.model("churn model").unwrap();
    let next = mlops_registry::NewVersion::source("runs:/x/model");
    assert_eq!(model.register_version(next).unwrap().version, 6);
    let first = model.version(1).unwrap();
    assert!(first.logged_model.is_some_and(|id| id.starts_with("m-")));

    // one version serves here
    let two = registry.model("two serve").unwrap();
    assert_eq!(two.champion().unwrap().unwrap().version, 2);
    assert_eq!(two.version(1).unwrap().stage, Stage::Archived);
    let notes = notes(&report);
    for expected in [
        "registered model `two serve`: version 1 is in Production there as well as 2: it is archived here",
        "registered model `two serve`: alias `production` stays at version 2; there it points at 1",
        "table `webhooks`: 1 rows have no place here: left out",
    ] {
        let said = notes.iter().any(|note| note == expected);
        // the alias is not here yet when the decision is taken
        assert!(
            said || expected.contains("alias"),
            "{expected} is not in {notes:#?}"
        );
    }
}

#[test]
fn artifacts_come_along_and_those_in_a_bucket_stay() {
    let mlflow = Mlflow::new();
    let registry = Registry::memory().unwrap();
    let report = mlflow.import().into_registry(&registry).unwrap();
    let files = mlflow.answers["artifacts"].as_object().unwrap();
    assert_eq!(
        (report.artifacts.found, report.artifacts.new),
        (files.len() as u64, files.len() as u64)
    );
    for (path, hex) in files {
        let parts: Vec<&str> = path.splitn(5, '/').collect();
        let (owner, rest) = match parts[..] {
            [_, "models", id, "artifacts", rest] => {
                (ArtifactOwner::Model(id.parse().unwrap()), rest.to_owned())
            }
            [_, id, "artifacts", ..] => (
                ArtifactOwner::Run(id.parse().unwrap()),
                parts[3..].join("/"),
            ),
            _ => panic!("{path}"),
        };
        let found = registry.tracking().read_artifact(&owner, &rest).unwrap();
        assert_eq!(found.as_ref(), bytes(hex.as_str().unwrap()));
    }
    let bucket = registry
        .tracking()
        .experiment_named(&"bucket".parse().unwrap())
        .unwrap();
    assert_eq!(bucket.artifact_location, "s3://bucket/models");
    let churn = registry
        .tracking()
        .experiment_named(&"churn / Q3 é".parse().unwrap())
        .unwrap();
    assert_eq!(
        churn.artifact_location,
        format!("mlflow-artifacts:/{}", churn.id)
    );
}

#[test]
fn artifacts_are_found_below_a_folder_that_was_moved() {
    let mlflow = Mlflow::new();
    let moved = mlflow.folder.path().join("moved");
    std::fs::rename(mlflow.artifacts(), &moved).unwrap();
    let registry = Registry::memory().unwrap();
    let import = MlflowImport::from_sqlite(mlflow.database()).artifacts(&moved);
    let report = import.into_registry(&registry).unwrap();
    assert_eq!(
        report.artifacts.new,
        mlflow.answers["artifacts"].as_object().unwrap().len() as u64
    );
    // without a folder nothing is read, and the report says so
    let registry = Registry::memory().unwrap();
    let report = MlflowImport::from_sqlite(mlflow.database())
        .into_registry(&registry)
        .unwrap();
    assert_eq!(report.artifacts.found, 0);
    assert!(
        notes(&report)
            .iter()
            .any(|note| note.contains("no folder of theirs was given"))
    );
}

#[test]
fn a_second_import_changes_nothing() {
    let mlflow = Mlflow::new();
    let folder = tempfile::tempdir().unwrap();
    let registry = registry(folder.path());
    let first = mlflow.import().into_registry(&registry).unwrap();
    assert!(first.is_news());
    let before = dump(folder.path());
    let second = mlflow.import().into_registry(&registry).unwrap();
    assert!(!second.is_news(), "{second:?}");
    assert_eq!(second.runs.found, first.runs.found);
    let after = dump(folder.path());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    assert_eq!(before.len(), after.len());
}

#[test]
fn a_later_import_adds_what_is_new_and_moves_nothing() {
    let mlflow = Mlflow::new();
    let registry = Registry::memory().unwrap();
    mlflow.import().into_registry(&registry).unwrap();
    let model = registry.model("churn model").unwrap();
    // governed here meanwhile
    registry
        .transition(model.name(), 2, Stage::Archived, "here")
        .unwrap();
    model.set_tag("owner", "grace").unwrap();
    let open = mlflow.answers["runs"].as_object().unwrap();
    let (open, _) = open
        .iter()
        .find(|(_, run)| run["name"] == "goes on")
        .unwrap();
    mlflow.execute(&format!(
        "UPDATE runs SET status = 'FINISHED', end_time = 1790000200500 WHERE run_uuid = '{open}';
         INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan)
            VALUES ('late', 0.5, 1790000200400, '{open}', 1, 0);
         UPDATE registered_model_tags SET value = 'zoe' WHERE key = 'owner';
         INSERT INTO model_versions (name, version, creation_time, current_stage, source, status, workspace)
            VALUES ('churn model', 7, 1790000000000, 'Staging', 'runs:/x/y', 'READY', 'default');"
    ));
    let report = mlflow.import().into_registry(&registry).unwrap();
    assert_eq!(
        (report.runs.new, report.models.new, report.versions.new),
        (0, 0, 1)
    );
    let open: RunId = open.parse().unwrap();
    let run = registry.tracking().run(&open).unwrap();
    assert_eq!(run.status.as_str(), "finished");
    assert_eq!(run.metrics["late"].value, 0.5);
    assert_eq!(model.version(2).unwrap().stage, Stage::Archived);
    assert_eq!(model.info().unwrap().tags["owner"], "grace");
    assert_eq!(model.version(7).unwrap().stage, Stage::Staging);
    assert_eq!(model.version(6).unwrap_err().kind(), ErrorKind::NotFound);
    registry.verify_audit().unwrap();
}

#[test]
fn a_model_of_the_same_name_and_other_versions_is_left_as_it_is() {
    let mlflow = Mlflow::new();
    let registry = Registry::memory().unwrap();
    let model = registry.model("churn model").unwrap();
    model
        .register_version(mlops_registry::NewVersion::source("runs:/ours/model"))
        .unwrap();
    let report = mlflow.import().into_registry(&registry).unwrap();
    assert_eq!(model.versions().unwrap().len(), 1);
    let expected = "registered model `churn model`: left as it is: version 1 is another one here";
    assert!(
        notes(&report).iter().any(|note| note == expected),
        "{:#?}",
        notes(&report)
    );
}

#[test]
fn an_experiment_whose_number_is_taken_gets_another() {
    let mlflow = Mlflow::new();
    let registry = Registry::memory().unwrap();
    registry.experiment("ours").unwrap();
    let report = mlflow.import().into_registry(&registry).unwrap();
    let ours = registry
        .tracking()
        .experiment_named(&"ours".parse().unwrap())
        .unwrap();
    assert_eq!(ours.id.to_string(), "1");
    let churn = registry
        .tracking()
        .experiment_named(&"churn / Q3 é".parse().unwrap())
        .unwrap();
    assert_ne!(churn.id, ours.id);
    let expected = format!(
        "experiment 1 `churn / Q3 é`: it is experiment {} here",
        churn.id
    );
    assert!(notes(&report).contains(&expected), "{:#?}", notes(&report));
}

#[test]
fn a_policy_asks_for_an_administrator_and_keeps_its_gates() {
    let mlflow = Mlflow::new();
    let registry = Registry::memory().unwrap();
    let policy = r#"{
        "format": 1,
        "roles": { "admin": ["root"], "lead": ["ada"] },
        "grants": [
            { "role": "admin", "models": ["*"], "may": ["read", "write", "promote", "administer"] },
            { "role": "lead", "models": ["*"], "may": ["read", "write", "promote", "approve"] }
        ],
        "transitions": [ { "models": ["*"], "to": "Production", "sign_offs": ["lead"] } ]
    }"#;
    let root = registry.acting_as(mlops_core::Principal::new("root").unwrap());
    root.set_policy(&mlops_registry::Policy::from_json(policy).unwrap(), "")
        .unwrap();
    let ada = registry.acting_as(mlops_core::Principal::new("ada").unwrap());
    let refused = mlflow.import().into_registry(&ada).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Denied, "{refused}");
    let report = mlflow.import().into_registry(&root).unwrap();
    let model = root.model("churn model").unwrap();
    assert_eq!(model.version(2).unwrap().stage, Stage::None);
    assert_eq!(model.version(4).unwrap().stage, Stage::Staging);
    let expected = "registered model `churn model`: version 2 is in Production there: the policy asks for a request here";
    assert!(
        notes(&report).iter().any(|note| note == expected),
        "{:#?}",
        notes(&report)
    );
}
