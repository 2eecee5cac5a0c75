//! No values in a database of MLflow bring an import down, and what is imported once is not imported twice.
//!
//! The input is cells: a byte for the table, one for the column, one for the type, one for the length and as many
//! bytes of value. They replace those of the database that the tests read; the first byte says whether one row is changed or all.

use std::{path::Path, sync::LazyLock};

use mlops_registry::{MlflowImport, Registry};
use rusqlite::{Connection, params_from_iter, types::Value};

/// The database that MLflow 3.17.2 made for the tests of the import.
const GOLDEN: &str =
    include_str!("../../mlops-registry/tests/golden/mlflow/import.sql");

/// The file of that database, and the columns of the tables that have rows.
struct Template {
    bytes: Vec<u8>,
    columns: Vec<(String, Vec<String>)>,
}

static TEMPLATE: LazyLock<Template> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mlflow.db");
    let database = Connection::open(&path).expect("a database");
    database
        .execute_batch(&format!("PRAGMA page_size = 512; PRAGMA foreign_keys = OFF; {GOLDEN}"))
        .expect("sound SQL");
    let names = |sql: &str| -> Vec<String> {
        let mut statement = database.prepare(sql).expect("sound SQL");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        rows.collect::<rusqlite::Result<_>>().expect("names")
    };
    let tables = names("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
    let columns = tables
        .into_iter()
        .filter(|table| !names(&format!("SELECT '' FROM \"{table}\"")).is_empty())
        .map(|table| {
            let sql = format!("SELECT name FROM pragma_table_info('{table}')");
            let columns = names(&sql);
            (table, columns)
        })
        .collect();
    drop(database);
    Template {
        bytes: std::fs::read(&path).expect("the file"),
        columns,
    }
});

struct Cell<'a> {
    table: u8,
    column: u8,
    value: Value,
    rest: &'a [u8],
}

fn cell(data: &[u8]) -> Option<Cell<'_>> {
    let ([table, column, kind, length], rest) = data.split_first_chunk::<4>()?;
    let (value, rest) = rest.split_at(usize::from(*length).min(rest.len()));
    let mut number = [0; 8];
    number[..value.len().min(8)].copy_from_slice(&value[..value.len().min(8)]);
    let value = match kind % 5 {
        0 => Value::Null,
        1 => Value::Integer(i64::from_le_bytes(number)),
        2 => Value::Real(f64::from_le_bytes(number)),
        3 => Value::Text(String::from_utf8_lossy(value).into_owned()),
        _ => Value::Blob(value.to_vec()),
    };
    Some(Cell {
        table: *table,
        column: *column,
        value,
        rest,
    })
}

fn change(database: &Connection, mut data: &[u8], all: bool) {
    let columns = &TEMPLATE.columns;
    for _ in 0..16 {
        let Some(next) = cell(data) else { return };
        data = next.rest;
        let (table, columns) = &columns[usize::from(next.table) % columns.len()];
        let column = &columns[usize::from(next.column) % columns.len()];
        let some = if all { "" } else { " WHERE rowid = (SELECT max(rowid) FROM {table})" };
        let some = some.replace("{table}", table);
        let sql = format!("UPDATE \"{table}\" SET \"{column}\" = ?1{some}");
        // a key that is there twice is the database's no
        let _ = database.execute(&sql, params_from_iter([next.value]));
    }
}

fn import(path: &Path, registry: &Registry) -> Option<mlops_registry::ImportReport> {
    match MlflowImport::from_sqlite(path).into_registry(registry) {
        Ok(report) => Some(report),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Some((all, cells)) = data.split_first() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mlflow.db");
    std::fs::write(&path, &TEMPLATE.bytes).expect("a file");
    let database = Connection::open(&path).expect("a database");
    for pragma in ["synchronous", "foreign_keys"] {
        database.pragma_update(None, pragma, false).expect("a pragma");
    }
    change(&database, cells, all % 2 == 1);
    drop(database);
    let registry = Registry::memory().expect("a registry in memory");
    if import(&path, &registry).is_none() {
        return;
    }
    registry.verify_audit().expect("an import keeps the trail");
    let again = import(&path, &registry).expect("what was imported once is imported again");
    assert_eq!(again.runs.new, 0, "a run was imported twice");
}
