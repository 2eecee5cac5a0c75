//! The database that MLflow 3.17.2 made, and what its client said of it; see `golden/mlflow/import.py`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mlops_registry::{MlflowImport, Registry};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

/// An MLflow database with its artifacts in a folder of its own.
pub(crate) struct Mlflow {
    pub(crate) folder: TempDir,
    pub(crate) answers: Value,
}

impl Mlflow {
    pub(crate) fn new() -> Self {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/mlflow");
        let read = |name| fs::read_to_string(golden.join(name)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("artifacts");
        let sql = read("import.sql").replace("/mlflow-root", root.to_str().unwrap());
        let database = Connection::open(folder.path().join("mlflow.db")).unwrap();
        database.pragma_update(None, "foreign_keys", false).unwrap();
        database.execute_batch(&sql).unwrap();
        let answers: Value = serde_json::from_str(&read("import.json")).unwrap();
        for (path, hex) in answers["artifacts"].as_object().unwrap() {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes(hex.as_str().unwrap())).unwrap();
        }
        Self { folder, answers }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("mlflow.db")
    }

    pub(crate) fn artifacts(&self) -> PathBuf {
        self.folder.path().join("artifacts")
    }

    /// Runs statements on the database.
    pub(crate) fn execute(&self, sql: &str) {
        let database = Connection::open(self.database()).unwrap();
        database.pragma_update(None, "foreign_keys", false).unwrap();
        database.execute_batch(sql).unwrap();
    }

    pub(crate) fn import(&self) -> MlflowImport {
        MlflowImport::from_sqlite(self.database()).artifacts(self.artifacts())
    }
}

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digits).collect()
}

/// A registry in a file, which a test can look at by SQL.
pub(crate) fn registry(folder: &Path) -> Registry {
    let url = format!("sqlite://{}", folder.join("mlops.db").display());
    Registry::open(url).unwrap()
}

/// Every row of every table but the heads of pages, as text.
pub(crate) fn dump(folder: &Path) -> Vec<String> {
    let database = Connection::open(folder.join("mlops.db")).unwrap();
    let tables: Vec<String> = database
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap();
    let mut rows = Vec::new();
    for table in tables {
        let mut statement = database
            .prepare(&format!("SELECT * FROM \"{table}\""))
            .unwrap();
        let columns = statement.column_count();
        let mut found = statement.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let values = (0..columns).map(|at| format!("{:?}", row.get_ref(at).unwrap()));
            rows.push(format!("{table}: {}", values.collect::<Vec<_>>().join(" ")));
        }
    }
    rows
}
