//! The tables, and the migrations that make them.
//!
//! Every migration runs once, in order, inside one transaction, and is recorded with its number. A
//! migration that was ever released is frozen: a test holds its digest. A database with a higher
//! number than this build knows is refused.

mod v2;
mod v3;
mod v4;
mod v5;

use std::path::Path;

use mlops_core::{Digest, EventTime};
use rusqlite::{Transaction, params};

use crate::{Error, Result, backend, error::During};

/// "MLOP" in the header of the file: tells a registry from any other SQLite database.
const APPLICATION_ID: i32 = 0x4d4c_4f50;

/// Migration n is the entry n - 1.
const MIGRATIONS: &[&str] = &[V1, v2::SQL, v3::V3, v4::SQL, v5::SQL];

/// Times are microseconds since 1970 in UTC. NaN cannot be a REAL in SQLite, so it is a flag.
const V1: &str = "
CREATE TABLE experiment (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_us INTEGER NOT NULL,
    created_by TEXT NOT NULL
) STRICT;

CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    experiment_id INTEGER NOT NULL REFERENCES experiment (id),
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'finished', 'failed', 'killed')),
    started_us INTEGER NOT NULL,
    started_by TEXT NOT NULL,
    ended_us INTEGER
) STRICT;
CREATE INDEX run_of_experiment ON run (experiment_id, id);

CREATE TABLE param (
    run_id INTEGER NOT NULL REFERENCES run (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE tag (
    run_id INTEGER NOT NULL REFERENCES run (id),
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE metric (
    run_id INTEGER NOT NULL REFERENCES run (id),
    key TEXT NOT NULL,
    step INTEGER NOT NULL,
    time_us INTEGER NOT NULL,
    is_nan INTEGER NOT NULL CHECK (is_nan IN (0, 1)),
    value REAL NOT NULL,
    PRIMARY KEY (run_id, key, step, time_us, is_nan, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_artifact (
    run_id INTEGER NOT NULL REFERENCES run (id),
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (run_id, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE model (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    next_version INTEGER NOT NULL DEFAULT 1,
    created_us INTEGER NOT NULL,
    created_by TEXT NOT NULL
) STRICT;

CREATE TABLE model_version (
    model_id INTEGER NOT NULL REFERENCES model (id),
    version INTEGER NOT NULL CHECK (version > 0),
    stage TEXT NOT NULL CHECK (stage IN ('None', 'Staging', 'Production', 'Archived')),
    run_id INTEGER REFERENCES run (id),
    digest TEXT NOT NULL,
    signature TEXT NOT NULL,
    lineage TEXT NOT NULL,
    description TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (model_id, version)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX one_production ON model_version (model_id) WHERE stage = 'Production';

CREATE TABLE version_file (
    model_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (model_id, version, path),
    FOREIGN KEY (model_id, version) REFERENCES model_version (model_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE model_alias (
    model_id INTEGER NOT NULL,
    alias TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (model_id, alias),
    FOREIGN KEY (model_id, version) REFERENCES model_version (model_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    time_us INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    model TEXT NOT NULL,
    version INTEGER,
    alias TEXT,
    from_state TEXT,
    to_state TEXT,
    reason TEXT NOT NULL,
    evidence TEXT,
    previous TEXT NOT NULL,
    digest TEXT NOT NULL
) STRICT;
CREATE INDEX audit_of_model ON audit (model, id);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_is_not_cut BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

CREATE TABLE registry_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL,
    audit_entries INTEGER NOT NULL,
    audit_head TEXT NOT NULL
) STRICT;
";

/// The digest that the first audit entry names as its predecessor.
pub(crate) fn audit_root() -> Digest {
    Digest::of(b"mlops registry audit trail")
}

/// Says whether the tables are there, and refuses a database that is no registry of ours or is too new.
pub(crate) fn is_current(tx: &Transaction<'_>, path: &Path) -> Result<bool> {
    let reading = "read the schema version";
    let id: i32 = tx
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .during(reading)?;
    if id != APPLICATION_ID {
        let tables: i64 = tx
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .during(reading)?;
        if id != 0 || tables != 0 {
            return Err(Error::NotARegistry {
                path: path.to_owned(),
                reason: "it is another SQLite database",
            });
        }
        return Ok(false);
    }
    let found: u32 = tx
        .query_row("SELECT max(version) FROM schema_migration", [], |row| {
            row.get(0)
        })
        .during(reading)?;
    let known = latest();
    if found > known {
        return Err(Error::SchemaTooNew { found, known });
    }
    Ok(found == known)
}

/// Brings the tables up to date. Call it inside an immediate transaction with foreign keys off: a table
/// that is made anew is gone for a moment, and the references are checked at the end instead.
pub(crate) fn migrate(tx: &Transaction<'_>, path: &Path, now: EventTime) -> Result<()> {
    if is_current(tx, path)? {
        return Ok(());
    }
    let migrating = "migrate the database";
    tx.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migration (
            version INTEGER PRIMARY KEY,
            applied_us INTEGER NOT NULL
        ) STRICT;",
    )
    .during(migrating)?;
    let done: u32 = tx
        .query_row(
            "SELECT coalesce(max(version), 0) FROM schema_migration",
            [],
            |row| row.get(0),
        )
        .during(migrating)?;
    for (version, sql) in (1_u32..).zip(MIGRATIONS).skip(done as usize) {
        tx.execute_batch(sql).during(migrating)?;
        if version == 2 {
            backend::adopt(tx, now)?;
        }
        tx.execute(
            "INSERT INTO schema_migration (version, applied_us) VALUES (?1, ?2)",
            params![version, now.micros()],
        )
        .during(migrating)?;
    }
    tx.execute(
        "INSERT INTO registry_state (id, generation, audit_entries, audit_head)
         VALUES (1, 0, 0, ?1) ON CONFLICT DO NOTHING",
        [audit_root().to_string()],
    )
    .during(migrating)?;
    tx.pragma_update(None, "application_id", APPLICATION_ID)
        .during(migrating)?;
    let dangling: i64 = tx
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| {
            row.get(0)
        })
        .during(migrating)?;
    if dangling > 0 {
        return Err(Error::Stored {
            what: "database",
            reason: format!("{dangling} rows refer to rows that are gone"),
        });
    }
    Ok(())
}

fn latest() -> u32 {
    u32::try_from(MIGRATIONS.len()).expect("a handful")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn released_migrations_are_frozen() {
        let digests: Vec<_> = MIGRATIONS
            .iter()
            .map(|sql| Digest::of(sql.as_bytes()).short())
            .collect();
        assert_eq!(
            digests,
            [
                "b9498bc8257a",
                "1e7c90d74172",
                "6a3aaef980e1",
                "a9963071460d",
                "248aa49ba953"
            ]
        );
    }
}
