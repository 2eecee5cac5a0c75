//! Databases that somebody made to harm: typed errors, nothing read outside the folder, nothing written.

use std::fs;

use mlops_core::{ErrorKind, Seed};
use mlops_registry::{Error, ImportError, MlflowImport, Registry};

use crate::mlflow::Mlflow;

fn fails(mlflow: &Mlflow) -> Error {
    let registry = Registry::memory().unwrap();
    mlflow.import().into_registry(&registry).unwrap_err()
}

#[test]
fn what_is_no_database_of_mlflow_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::memory().unwrap();
    let import = |name: &str| {
        let path = folder.path().join(name);
        MlflowImport::from_sqlite(path)
            .into_registry(&registry)
            .unwrap_err()
    };
    let error = import("nowhere.db");
    assert!(
        matches!(error, Error::Import(ImportError::Open { .. })),
        "{error}"
    );
    assert!(error.to_string().contains("nowhere.db"));
    for (name, content) in [
        ("empty.db", &b""[..]),
        ("text.db", b"run,metric\n1,2\n"),
        ("cut.db", b"SQLite format 3\0\x10\0"),
    ] {
        fs::write(folder.path().join(name), content).unwrap();
        let error = import(name);
        assert!(matches!(error, Error::Import(_)), "{name}: {error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    let ours = folder.path().join("mlops.db");
    Registry::open(format!("sqlite://{}", ours.display())).unwrap();
    let error = import("mlops.db");
    assert!(
        matches!(error, Error::Import(ImportError::NotMlflow { .. })),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_view_or_a_computed_column_in_the_place_of_a_table_is_refused() {
    let mlflow = Mlflow::new();
    mlflow.execute(
        "ALTER TABLE tags RENAME TO hidden;
         CREATE VIEW tags (key, value, run_uuid) AS
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, i, i FROM n;",
    );
    let error = fails(&mlflow);
    assert!(error.to_string().ends_with("`tags` is no table"), "{error}");

    let mlflow = Mlflow::new();
    mlflow.execute(
        "ALTER TABLE params ADD COLUMN more TEXT GENERATED ALWAYS AS (key || value) VIRTUAL",
    );
    let error = fails(&mlflow);
    assert!(
        error
            .to_string()
            .ends_with("table `params` has computed columns"),
        "{error}"
    );

    let mlflow = Mlflow::new();
    mlflow.execute("ALTER TABLE runs RENAME COLUMN status TO state");
    assert!(
        fails(&mlflow)
            .to_string()
            .ends_with("table `runs` has no column `status`")
    );
}

#[test]
fn a_value_of_another_type_is_named_by_table_and_column() {
    for (sql, table, column) in [
        ("UPDATE runs SET status = x'00ff'", "runs", "status"),
        ("UPDATE runs SET start_time = 'soon'", "runs", "start_time"),
        (
            "UPDATE params SET value = CAST(x'ff' AS TEXT)",
            "params",
            "value",
        ),
        (
            "UPDATE metrics SET value = 'high' WHERE key = 'tiny'",
            "metrics",
            "value",
        ),
        (
            "UPDATE logged_models SET status = 'READY'",
            "logged_models",
            "status",
        ),
        (
            "UPDATE model_versions SET source = x'00'",
            "model_versions",
            "source",
        ),
    ] {
        let mlflow = Mlflow::new();
        mlflow.execute(&format!("PRAGMA ignore_check_constraints = ON; {sql}"));
        let error = fails(&mlflow);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        let text = error.to_string();
        assert!(text.contains(table) && text.contains(column), "{text}");
    }
}

#[test]
fn what_a_client_could_not_have_sent_is_left_out_and_noted() {
    let mlflow = Mlflow::new();
    mlflow.execute(
        "PRAGMA ignore_check_constraints = ON;
         INSERT INTO params SELECT '../up', 'x', run_uuid FROM runs WHERE name = 'child';
         INSERT INTO params SELECT 'long', printf('%.*c', 7000, 'x'), run_uuid FROM runs WHERE name = 'child';
         INSERT INTO tags SELECT 'a' || char(10) || 'b', 'x', run_uuid FROM runs WHERE name = 'child';
         INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan)
            SELECT 'm', 1.0, -5, run_uuid, 0, 0 FROM runs WHERE name = 'child';
         INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan)
            SELECT 'm', 1.0, 9223372036854775807, run_uuid, 0, 0 FROM runs WHERE name = 'child';
         INSERT INTO runs (run_uuid, name, status, start_time, lifecycle_stage, experiment_id)
            VALUES ('../../etc/passwd', 'x', 'FINISHED', 0, 'active', 1);
         UPDATE runs SET start_time = 9223372036854775807, status = 'ODD' WHERE name = 'far';
         INSERT INTO experiments (experiment_id, name, lifecycle_stage, workspace) VALUES (-3, 'minus', 'active', 'default');
         INSERT INTO experiments (experiment_id, name, lifecycle_stage, workspace) VALUES (77, 'line' || char(10), 'active', 'default');
         INSERT INTO experiments (experiment_id, name, lifecycle_stage, workspace) VALUES (78, 'other', 'active', 'else');
         INSERT INTO registered_models (name, workspace) VALUES ('a%2Fb', 'default');
         INSERT INTO registered_models (name, workspace) VALUES ('huge', 'default');
         INSERT INTO model_versions (name, version, current_stage, source, workspace)
            VALUES ('huge', 2000000000, 'None', 'x', 'default');
         INSERT INTO registered_model_aliases (alias, version, name, workspace)
            VALUES ('v7', 1, 'churn model', 'default'), ('lost', 3, 'churn model', 'default');",
    );
    let registry = Registry::memory().unwrap();
    let report = mlflow.import().into_registry(&registry).unwrap();
    let notes: Vec<String> = report
        .notes
        .iter()
        .map(|note| format!("{}: {}", note.about, note.text))
        .collect();
    for expected in [
        "param key `../up` is not valid",
        "param `long` has 7000 characters, 6000 are allowed",
        "tag key `a\nb` is not valid",
        "2 points of metric `m` are left out",
        "run `../../etc/passwd`: left out",
        "its status is `ODD`, it is killed here",
        "its start is no time that can be kept",
        "experiment -3 `minus`: left out with its runs: its number is negative",
        "experiment 77 `line\n`: left out with its runs",
        "the other workspaces: 1 experiments of theirs are left out",
        "registered model `a%2Fb`: left out",
        "registered model `huge`: left out: it has a version 2000000000",
        "alias `v7` of version 1 is left out",
        "alias `lost` points at no version",
    ] {
        assert!(
            notes.iter().any(|note| note.contains(expected)),
            "{expected} is not in {notes:#?}"
        );
    }
    registry.verify_audit().unwrap();
}

#[cfg(unix)]
#[test]
fn an_artifact_location_leads_nowhere_but_below_the_folder() {
    let mlflow = Mlflow::new();
    let secret = mlflow.folder.path().join("secret");
    fs::create_dir(&secret).unwrap();
    fs::write(secret.join("key"), "secret").unwrap();
    let name = mlflow.artifacts();
    let runs = mlflow.answers["runs"].as_object().unwrap();
    let (child, _) = runs.iter().find(|(_, run)| run["name"] == "child").unwrap();
    for location in [
        secret.display().to_string(),
        format!("file://{}", secret.display()),
        format!("{}/1/../../secret", name.display()),
        "mlflow-artifacts:/../secret".to_owned(),
        "mlflow-artifacts://host/%2e%2e/secret".to_owned(),
        "mlflow-artifacts:/link".to_owned(),
        format!("{}/link", name.display()),
    ] {
        let link = name.join("link");
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(&secret, &link).unwrap();
        mlflow.execute(&format!(
            "UPDATE runs SET artifact_uri = '{location}' WHERE run_uuid = '{child}'"
        ));
        let registry = Registry::memory().unwrap();
        mlflow.import().into_registry(&registry).unwrap();
        let owner = mlops_registry::ArtifactOwner::Run(child.parse().unwrap());
        assert!(
            registry
                .tracking()
                .artifacts(&owner, None)
                .unwrap()
                .is_empty(),
            "{location}"
        );
    }
    // nor through a link inside a run's folder
    let inside = name.join("1").join(child).join("artifacts");
    fs::create_dir_all(&inside).unwrap();
    std::os::unix::fs::symlink(&secret, inside.join("folder")).unwrap();
    std::os::unix::fs::symlink(secret.join("key"), inside.join("file")).unwrap();
    let registry = Registry::memory().unwrap();
    let report = mlflow.import().into_registry(&registry).unwrap();
    let owner = mlops_registry::ArtifactOwner::Run(child.parse().unwrap());
    assert!(
        registry
            .tracking()
            .artifacts(&owner, None)
            .unwrap()
            .is_empty()
    );
    let links = report
        .notes
        .iter()
        .filter(|note| note.text.contains("it is a link"));
    assert_eq!(links.count(), 2);
}

#[test]
fn flipped_bytes_are_errors_or_notes_and_never_a_panic() {
    let mlflow = Mlflow::new();
    let sound = fs::read(mlflow.database()).unwrap();
    let mut rng = Seed(5).rng();
    for round in 0..150 {
        let mut bytes = sound.clone();
        for _ in 0..=(round % 20) {
            let at = rng.below(bytes.len());
            bytes[at] = u8::try_from(rng.below(256)).unwrap();
        }
        if round % 10 == 0 {
            bytes.truncate(rng.below(sound.len()));
        }
        fs::write(mlflow.database(), &bytes).unwrap();
        let registry = Registry::memory().unwrap();
        match mlflow.import().into_registry(&registry) {
            Ok(_) => {}
            Err(error) => assert!(
                matches!(error, Error::Import(_)),
                "round {round}: {error:?} is not about the source"
            ),
        }
        registry.verify_audit().unwrap();
    }
}
