//! The database that is read: opened read-only, its tables checked, every value taken by its type.
//!
//! The bytes may be anybody's. Views in the place of tables, generated columns, values of other types and texts
//! that are no UTF-8 are refused; SQLite itself checks cells and lengths.

mod fields;
mod tables;

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Params, Transaction, limits::Limit};

use super::ImportError;
use crate::{DatabaseError, Result};

pub(super) use fields::{Fields, time};
use tables::PASSED_OVER;
pub(super) use tables::TABLES;

/// The longest text that is read, in bytes: the profile of a dataset may have 16,777,215 characters.
const TEXT_LIMIT: i32 = 64 * 1024 * 1024;
/// The most tables that a database may have.
const TABLES_LIMIT: usize = 1_000;

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
            let kind: Option<(String, i64)> = tx
                .query_row(
                    "SELECT type, rootpage FROM sqlite_schema WHERE name = ?1",
                    [table],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()
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

    /// Changes what is staged; says how many rows. A database that is read refuses it.
    pub(super) fn change<P: Params>(&self, sql: &str, params: P) -> Result<usize> {
        let changed = self
            .tx
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(params));
        changed.map_err(|error| {
            ImportError::Stage {
                source: DatabaseError::new(error),
            }
            .into()
        })
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
