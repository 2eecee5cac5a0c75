//! Opening: what is made, what is refused, and what is left alone.

use std::{fs, thread};

use mlops_core::ErrorKind;
use mlops_registry::{Durability, Error, Registry};
use rusqlite::Connection;

use crate::fixture::{in_directory, open, promote, url, with_versions};

#[test]
fn a_registry_is_made_with_its_directories_and_found_again() {
    let directory = tempfile::tempdir().unwrap();
    let deep = directory.path().join("a").join("b");
    let registry = open(&deep).unwrap();
    let model = with_versions(&registry, 1);
    promote(&model, &registry, 1);
    assert!(deep.join("mlops.db").is_file() && deep.join("artifacts").is_dir());
    drop((registry, model));
    let again = open(&deep).unwrap();
    assert_eq!(again.resolve("churn@production").unwrap().version, 1);
    again.verify_audit().unwrap();
}

#[test]
fn bad_urls_and_places_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, b"").unwrap();
    let cases = [
        ("mlops.db".to_owned(), ErrorKind::Invalid),
        ("postgres://host/db".to_owned(), ErrorKind::Unsupported),
        (url(&file.join("below")), ErrorKind::Unavailable),
        // a directory is no file
        (
            format!("sqlite://{}", directory.path().display()),
            ErrorKind::Unavailable,
        ),
    ];
    for (url, kind) in cases {
        let error = Registry::open(url.as_str()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let path = url
            .trim_start_matches("sqlite://")
            .trim_end_matches("/mlops.db");
        assert!(
            error.to_string().contains(path),
            "{error} should name {path}"
        );
    }
}

#[test]
fn what_is_no_registry_is_refused_and_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mlops.db");
    fs::write(
        &path,
        b"definitely no database, but long enough to be looked at".repeat(20),
    )
    .unwrap();
    let before = fs::read(&path).unwrap();
    let error = open(directory.path()).unwrap_err();
    assert!(matches!(&error, Error::NotARegistry { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);

    fs::remove_file(&path).unwrap();
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE theirs (x)")
        .unwrap();
    let before = fs::read(&path).unwrap();
    let error = open(directory.path()).unwrap_err();
    assert!(matches!(&error, Error::NotARegistry { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(!directory.path().join("artifacts").exists());
}

#[test]
fn a_database_of_a_newer_build_is_refused() {
    let (directory, registry) = in_directory();
    drop(registry);
    let raw = Connection::open(directory.path().join("mlops.db")).unwrap();
    raw.execute("INSERT INTO schema_migration VALUES (99, 0)", [])
        .unwrap();
    let error = open(directory.path()).unwrap_err();
    assert!(
        matches!(error, Error::SchemaTooNew { found: 99, .. }),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn the_database_runs_with_a_write_ahead_log_and_strict_tables() {
    let (directory, _registry) = in_directory();
    let raw = Connection::open(directory.path().join("mlops.db")).unwrap();
    let mode: String = raw
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
    let lax: i64 = raw
        .query_row(
            "SELECT count(*) FROM pragma_table_list
             WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND NOT strict",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(lax, 0);
}

#[test]
fn many_threads_may_open_a_new_registry_at_once() {
    for _ in 0..5 {
        let directory = tempfile::tempdir().unwrap();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let registry = open(directory.path()).unwrap();
                    registry
                        .experiment("churn")
                        .unwrap()
                        .start_run("r")
                        .unwrap();
                    registry.model("churn").unwrap();
                });
            }
        });
        let registry = open(directory.path()).unwrap();
        assert_eq!(registry.experiments().unwrap()[1].runs, 8);
        assert_eq!(registry.audit(None).unwrap().len(), 1);
        registry.verify_audit().unwrap();
    }
}

#[test]
fn both_durabilities_read_the_same() {
    for durability in [Durability::Full, Durability::Normal] {
        let directory = tempfile::tempdir().unwrap();
        let registry = Registry::builder(url(directory.path()))
            .durability(durability)
            .open()
            .unwrap();
        let model = with_versions(&registry, 1);
        promote(&model, &registry, 1);
        let run = registry
            .experiment("churn")
            .unwrap()
            .start_run("r")
            .unwrap();
        run.log_metric("m", 1.0, 0).unwrap();
        assert_eq!(registry.run(run.id()).unwrap().metrics["m"], 1.0);
        registry.verify_audit().unwrap();
    }
}
