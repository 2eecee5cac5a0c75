//! Tables like those of an MLflow database, in a private file that is gone with its connection.

use rusqlite::{Connection, Params};

use crate::{
    DatabaseError, Result,
    import::{
        ImportError,
        source::{Source, TABLES},
    },
};

/// What makes a row of a table one of its kind.
const KEYS: [(&str, &str); 18] = [
    ("experiments", "experiment_id"),
    ("experiment_tags", "experiment_id, key"),
    ("runs", "run_uuid"),
    ("metrics", "run_uuid, key, timestamp, step, value, is_nan"),
    ("params", "run_uuid, key"),
    ("tags", "run_uuid, key"),
    ("datasets", "dataset_uuid"),
    ("inputs", "input_uuid"),
    ("input_tags", "input_uuid, name"),
    ("logged_models", "model_id"),
    (
        "logged_model_metrics",
        "model_id, metric_name, metric_timestamp_ms, metric_step, run_id",
    ),
    ("logged_model_params", "model_id, param_key"),
    ("logged_model_tags", "model_id, tag_key"),
    ("registered_models", "name"),
    ("registered_model_tags", "name, key"),
    ("registered_model_aliases", "name, alias"),
    ("model_versions", "name, version"),
    ("model_version_tags", "name, version, key"),
];

/// Where the answers of a server are put.
pub(super) type Stage<'s, 'a> = &'s Source<'a>;

/// Makes the tables.
pub(in crate::import) fn open() -> Result<Connection> {
    let made = || {
        // without a name, SQLite keeps a file of its own that it removes
        let connection = Connection::open("")?;
        connection.pragma_update(None, "journal_mode", "OFF")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        for (table, columns) in TABLES {
            connection.execute_batch(&format!("CREATE TABLE {table} ({})", columns.join(", ")))?;
        }
        for (table, key) in KEYS {
            connection.execute_batch(&format!(
                "CREATE UNIQUE INDEX {table}_key ON {table} ({key})"
            ))?;
        }
        connection.execute_batch(
            "CREATE INDEX runs_of ON runs (experiment_id);
             CREATE INDEX models_of ON logged_models (experiment_id);
             CREATE INDEX inputs_from ON inputs (source_id);
             CREATE INDEX inputs_to ON inputs (destination_id);",
        )?;
        Ok(connection)
    };
    made().map_err(|error: rusqlite::Error| {
        ImportError::Stage {
            source: DatabaseError::new(error),
        }
        .into()
    })
}

/// Writes a row, unless one of its key is there. Says whether it is new.
pub(super) fn put(stage: Stage<'_, '_>, table: &str, row: impl Params) -> Result<bool> {
    let columns = TABLES
        .iter()
        .find(|(known, _)| *known == table)
        .map_or(0, |(_, columns)| columns.len());
    let places = vec!["?"; columns].join(", ");
    let sql = format!("INSERT OR IGNORE INTO {table} VALUES ({places})");
    stage.change(&sql, row).map(|rows| rows > 0)
}
