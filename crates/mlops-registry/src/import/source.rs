//! The database that is read: opened read-only, its tables checked, every value taken by its type.
//!
//! The bytes may be anybody's. Views in the place of tables, generated columns, values of other types and texts
//! that are no UTF-8 are refused; SQLite itself checks cells and lengths.

use std::path::Path;

use mlops_core::EventTime;
use rusqlite::{Connection, OpenFlags, Params, Row, Transaction, limits::Limit, types::ValueRef};

use super::ImportError;
use crate::{DatabaseError, Result};

/// The longest text that is read, in bytes: the profile of a dataset may have 16,777,215 characters.
const TEXT_LIMIT: i32 = 64 * 1024 * 1024;
/// The most tables that a database may have.
const TABLES_LIMIT: usize = 1_000;

/// The tables that are read, with the columns that are read of them.
const TABLES: [(&str, &[&str]); 18] = [
    (
        "experiments",
        &[
            "experiment_id",
            "name",
            "artifact_location",
            "lifecycle_stage",
            "creation_time",
            "last_update_time",
        ],
    ),
    ("experiment_tags", &["key", "value", "experiment_id"]),
    (
        "runs",
        &[
            "run_uuid",
            "name",
            "user_id",
            "status",
            "start_time",
            "end_time",
            "lifecycle_stage",
            "artifact_uri",
            "experiment_id",
            "deleted_time",
        ],
    ),
    (
        "metrics",
        &["key", "value", "timestamp", "run_uuid", "step", "is_nan"],
    ),
    ("params", &["key", "value", "run_uuid"]),
    ("tags", &["key", "value", "run_uuid"]),
    (
        "datasets",
        &[
            "dataset_uuid",
            "name",
            "digest",
            "dataset_source_type",
            "dataset_source",
            "dataset_schema",
            "dataset_profile",
        ],
    ),
    (
        "inputs",
        &[
            "input_uuid",
            "source_type",
            "source_id",
            "destination_type",
            "destination_id",
            "step",
        ],
    ),
    ("input_tags", &["input_uuid", "name", "value"]),
    (
        "logged_models",
        &[
            "model_id",
            "experiment_id",
            "name",
            "artifact_location",
            "creation_timestamp_ms",
            "last_updated_timestamp_ms",
            "status",
            "lifecycle_stage",
            "model_type",
            "source_run_id",
            "status_message",
        ],
    ),
    (
        "logged_model_metrics",
        &[
            "model_id",
            "metric_name",
            "metric_timestamp_ms",
            "metric_step",
            "metric_value",
            "run_id",
            "dataset_name",
            "dataset_digest",
        ],
    ),
    (
        "logged_model_params",
        &["model_id", "param_key", "param_value"],
    ),
    ("logged_model_tags", &["model_id", "tag_key", "tag_value"]),
    (
        "registered_models",
        &["name", "creation_time", "last_updated_time", "description"],
    ),
    ("registered_model_tags", &["key", "value", "name"]),
    ("registered_model_aliases", &["alias", "version", "name"]),
    (
        "model_versions",
        &[
            "name",
            "version",
            "creation_time",
            "last_updated_time",
            "description",
            "user_id",
            "current_stage",
            "source",
            "run_id",
            "status",
            "status_message",
            "run_link",
        ],
    ),
    ("model_version_tags", &["key", "value", "name", "version"]),
];

/// Tables whose content follows from others or is MLflow's own business.
const PASSED_OVER: [&str; 6] = [
    "alembic_version",
    "latest_metrics",
    "workspaces",
    "scheduler_leases",
    "job_locks",
    "webhook_events",
];

/// Opens the database; what it holds is checked by [`Source::begin`].
pub(super) fn open(path: &Path) -> Result<Connection> {
    let failed = |error| ImportError::Open {
        path: path.to_owned(),
        source: DatabaseError::new(error),
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection
        .busy_timeout(std::time::Duration::from_secs(5))
        .map_err(failed)?;
    for (pragma, value) in [
        ("trusted_schema", false),
        ("cell_size_check", true),
        ("query_only", true),
    ] {
        connection
            .pragma_update(None, pragma, value)
            .map_err(failed)?;
    }
    connection
        .set_limit(Limit::SQLITE_LIMIT_LENGTH, TEXT_LIMIT)
        .map_err(failed)?;
    Ok(connection)
}

/// One state of the database.
#[derive(Debug)]
pub(super) struct Source<'a> {
    tx: Transaction<'a>,
    /// Whether names are unique in a workspace only.
    workspaces: bool,
}

impl<'a> Source<'a> {
    /// Begins to read, and checks that the tables are there.
    pub(super) fn begin(connection: &'a mut Connection, path: &Path) -> Result<Self> {
        let failed = |error: rusqlite::Error| {
            let source = DatabaseError::new(error);
            if source.is_foreign() {
                let reason = "it is no SQLite database".to_owned();
                let path = path.to_owned();
                return ImportError::NotMlflow { path, reason };
            }
            ImportError::Open {
                path: path.to_owned(),
                source,
            }
        };
        let strange = |reason: String| ImportError::NotMlflow {
            path: path.to_owned(),
            reason,
        };
        let tx = connection.transaction().map_err(failed)?;
        let mut workspaces = false;
        for (table, columns) in TABLES {
            let kind: Option<(String, i64)> = optional(tx.query_row(
                "SELECT type, rootpage FROM sqlite_schema WHERE name = ?1",
                [table],
                |row| Ok((row.get(0)?, row.get(1)?)),
            ))
            .map_err(failed)?;
            match kind {
                Some((kind, root)) if kind == "table" && root > 0 => {}
                Some(_) => return Err(strange(format!("`{table}` is no table")).into()),
                None => return Err(strange(format!("it has no table `{table}`")).into()),
            }
            let found: Vec<(String, i64)> = tx
                .prepare("SELECT name, hidden FROM pragma_table_xinfo(?1)")
                .map_err(failed)?
                .query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))
                .map_err(failed)?
                .collect::<rusqlite::Result<_>>()
                .map_err(failed)?;
            if found.iter().any(|(_, hidden)| *hidden != 0) {
                return Err(strange(format!("table `{table}` has computed columns")).into());
            }
            for column in columns {
                if !found.iter().any(|(name, _)| name == column) {
                    return Err(strange(format!("table `{table}` has no column `{column}`")).into());
                }
            }
            workspaces |=
                table == "experiments" && found.iter().any(|(name, _)| name == "workspace");
        }
        Ok(Self { tx, workspaces })
    }

    /// Reads rows one by one; the statement is kept prepared.
    pub(super) fn each<P: Params>(
        &self,
        table: &'static str,
        sql: &str,
        params: P,
        mut each: impl FnMut(&Fields<'_, '_>) -> Result<()>,
    ) -> Result<()> {
        let failed = |error| ImportError::Read {
            table,
            source: DatabaseError::new(error),
        };
        let mut statement = self.tx.prepare_cached(sql).map_err(failed)?;
        let mut rows = statement.query(params).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            each(&Fields { table, row })?;
        }
        Ok(())
    }

    /// Reads pairs of texts by key; a value that is missing is empty.
    pub(super) fn pairs<P: Params>(
        &self,
        table: &'static str,
        sql: &str,
        params: P,
    ) -> Result<Vec<(String, String)>> {
        let mut pairs = Vec::new();
        self.each(table, sql, params, |row| {
            pairs.push((
                row.text(0, "key")?,
                row.maybe_text(1, "value")?.unwrap_or_default(),
            ));
            Ok(())
        })?;
        Ok(pairs)
    }

    /// A condition on the workspace, for tables that have one: other workspaces are left out.
    pub(super) fn in_default_workspace(&self) -> &'static str {
        if self.workspaces {
            "workspace = 'default'"
        } else {
            "TRUE"
        }
    }

    /// How many rows of a table lie in other workspaces.
    pub(super) fn elsewhere(&self, table: &'static str) -> Result<u64> {
        if !self.workspaces {
            return Ok(0);
        }
        let mut count = 0;
        let sql = format!("SELECT count(*) FROM {table} WHERE workspace <> 'default'");
        self.each(table, &sql, [], |row| {
            count = u64::try_from(row.int(0, "workspace")?).unwrap_or_default();
            Ok(())
        })?;
        Ok(count)
    }

    /// The tables that have rows and no place here, with the number of their rows.
    pub(super) fn foreign_tables(&self) -> Result<Vec<(String, u64)>> {
        let mut names = Vec::new();
        self.each(
            "sqlite_schema",
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name",
            [],
            |row| {
                names.push(row.text(0, "name")?);
                Ok(())
            },
        )?;
        let known = |name: &str| {
            TABLES.iter().any(|(table, _)| *table == name)
                || PASSED_OVER.contains(&name)
                || name.starts_with("sqlite_")
        };
        names.retain(|name| !known(name));
        names.truncate(TABLES_LIMIT);
        let mut tables = Vec::new();
        for name in names {
            let sql = format!("SELECT count(*) FROM \"{}\"", name.replace('"', "\"\""));
            self.each("sqlite_schema", &sql, [], |row| {
                let rows = u64::try_from(row.int(0, "count")?).unwrap_or_default();
                if rows > 0 {
                    tables.push((name.clone(), rows));
                }
                Ok(())
            })?;
        }
        Ok(tables)
    }
}

fn optional<T>(result: rusqlite::Result<T>) -> rusqlite::Result<Option<T>> {
    use rusqlite::OptionalExtension;
    result.optional()
}

/// The values of one row, each by its type.
#[derive(Debug)]
pub(super) struct Fields<'a, 's> {
    table: &'static str,
    row: &'a Row<'s>,
}

impl Fields<'_, '_> {
    fn value(&self, index: usize) -> ValueRef<'_> {
        self.row
            .get_ref(index)
            .expect("the statement has that column")
    }

    fn wrong(
        &self,
        column: &'static str,
        found: &ValueRef<'_>,
        expected: &'static str,
    ) -> ImportError {
        ImportError::Value {
            table: self.table,
            column,
            found: match found {
                ValueRef::Null => "nothing",
                ValueRef::Integer(_) => "a whole number",
                ValueRef::Real(_) => "a real number",
                ValueRef::Text(_) => "a text that is no UTF-8",
                ValueRef::Blob(_) => "bytes",
            },
            expected,
        }
    }

    pub(super) fn maybe_text(&self, index: usize, column: &'static str) -> Result<Option<String>> {
        let value = self.value(index);
        match value {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Some(text.to_owned())),
                Err(_) => Err(self.wrong(column, &value, "a text").into()),
            },
            _ => Err(self.wrong(column, &value, "a text").into()),
        }
    }

    pub(super) fn text(&self, index: usize, column: &'static str) -> Result<String> {
        match self.maybe_text(index, column)? {
            Some(text) => Ok(text),
            None => Err(self.wrong(column, &ValueRef::Null, "a text").into()),
        }
    }

    pub(super) fn maybe_int(&self, index: usize, column: &'static str) -> Result<Option<i64>> {
        match self.value(index) {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => Ok(Some(number)),
            value => Err(self.wrong(column, &value, "a whole number").into()),
        }
    }

    pub(super) fn int(&self, index: usize, column: &'static str) -> Result<i64> {
        match self.maybe_int(index, column)? {
            Some(number) => Ok(number),
            None => Err(self.wrong(column, &ValueRef::Null, "a whole number").into()),
        }
    }

    /// A value of a metric: MLflow keeps NaN as a missing number or under a flag, and an infinity as the
    /// greatest number that there is.
    pub(super) fn metric(&self, index: usize, column: &'static str) -> Result<f64> {
        let value = match self.value(index) {
            ValueRef::Null => f64::NAN,
            ValueRef::Real(value) => value,
            #[expect(
                clippy::cast_precision_loss,
                reason = "SQLite keeps a whole real number as an integer"
            )]
            ValueRef::Integer(number) => number as f64,
            value => return Err(self.wrong(column, &value, "a number").into()),
        };
        Ok(if value == f64::MAX {
            f64::INFINITY
        } else if value == f64::MIN {
            f64::NEG_INFINITY
        } else {
            value
        })
    }
}

/// A time of MLflow's in milliseconds, if it is one that can be kept.
pub(super) fn time(millis: i64) -> Option<EventTime> {
    let micros = millis.checked_mul(1_000).filter(|micros| *micros >= 0)?;
    Some(EventTime::from_micros(micros))
}
