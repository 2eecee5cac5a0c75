//! The audit trail under other hands: every change is found, and the first bad entry is named.

use mlops_core::{Digest, ErrorKind, Principal};
use mlops_registry::{Action, Error, Registry};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::fixture::{alias, clock, in_directory, promote, register, url, with_versions};

/// A registry with some history: model, two versions, promotion, alias, promotion.
fn history() -> (TempDir, Registry, Connection) {
    let (directory, registry) = in_directory();
    let model = with_versions(&registry, 2);
    promote(&model, &registry, 1);
    model.set_alias(&alias("canary"), 2).unwrap();
    promote(&model, &registry, 2);
    registry.verify_audit().unwrap();
    let raw = Connection::open(directory.path().join("mlops.db")).unwrap();
    (directory, registry, raw)
}

fn unlock(raw: &Connection) {
    raw.execute_batch("DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_cut")
        .unwrap();
}

fn entries(registry: &Registry) -> u32 {
    u32::try_from(registry.audit(None).unwrap().len()).unwrap()
}

fn first_bad(registry: &Registry) -> u64 {
    let error = registry.verify_audit().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    match error {
        Error::AuditBroken { entry, .. } => entry,
        error => panic!("{error}"),
    }
}

#[test]
fn entries_are_numbered_chained_and_say_who() {
    let directory = tempfile::tempdir().unwrap();
    let registry = Registry::builder(url(directory.path()))
        .clock(clock())
        .actor(Principal::new("ada").unwrap())
        .open()
        .unwrap();
    let model = with_versions(&registry, 1);
    let grace = registry.acting_as(Principal::new("grace").unwrap());
    promote(&model, &grace, 1);
    let trail = registry.audit(None).unwrap();
    let actions: Vec<_> = trail.iter().map(|e| (e.action, e.actor.as_str())).collect();
    assert_eq!(
        actions,
        [
            (Action::ModelCreated, "ada"),
            (Action::VersionRegistered, "ada"),
            (Action::Promoted, "grace"),
            (Action::AliasSet, "grace"),
        ]
    );
    for (i, entry) in (1..).zip(&trail) {
        assert_eq!(entry.id, i);
    }
    for pair in trail.windows(2) {
        assert_eq!(pair[1].previous, pair[0].digest);
    }
    registry.verify_audit().unwrap();
}

#[test]
fn the_table_itself_refuses_a_change() {
    let (_directory, _registry, raw) = history();
    for sql in ["UPDATE audit SET reason = 'x'", "DELETE FROM audit"] {
        assert!(
            raw.execute(sql, [])
                .unwrap_err()
                .to_string()
                .contains("append-only")
        );
    }
}

#[test]
fn a_change_to_any_column_of_any_entry_is_found_there() {
    let (_directory, registry, raw) = history();
    unlock(&raw);
    let digest = Digest::of(b"forged").to_string();
    let entries = entries(&registry);
    let columns = [
        ("time_us", "time_us + 1".to_owned()),
        ("actor", "'mallory'".to_owned()),
        ("action", "'alias_deleted'".to_owned()),
        ("model", "'other'".to_owned()),
        ("version", "coalesce(version, 0) + 1".to_owned()),
        ("alias", "coalesce(alias, '') || 'x'".to_owned()),
        ("from_state", "coalesce(from_state, '') || 'x'".to_owned()),
        ("to_state", "coalesce(to_state, '') || 'x'".to_owned()),
        ("reason", "reason || '.'".to_owned()),
        ("evidence", "'{}'".to_owned()),
        ("format", "3 - format".to_owned()),
        ("change", "change || ' '".to_owned()),
        ("change", "NULL".to_owned()),
        ("previous", format!("'{digest}'")),
        ("digest", format!("'{digest}'")),
    ];
    for id in 1..=entries {
        for (column, forged) in &columns {
            raw.execute_batch("CREATE TEMP TABLE kept AS SELECT * FROM audit")
                .unwrap();
            raw.execute(
                &format!("UPDATE audit SET {column} = {forged} WHERE id = ?1"),
                [id],
            )
            .unwrap();
            assert_eq!(first_bad(&registry), u64::from(id), "{column}");
            raw.execute_batch(
                "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept; DROP TABLE kept",
            )
            .unwrap();
        }
    }
    registry.verify_audit().unwrap();
}

#[test]
fn a_missing_entry_is_found_first_middle_and_last() {
    let entries = entries(&history().1);
    for id in [1, 4, entries] {
        let (_directory, registry, raw) = history();
        unlock(&raw);
        raw.execute("DELETE FROM audit WHERE id = ?1", [id])
            .unwrap();
        assert_eq!(first_bad(&registry), u64::from(id));
    }
    let (_directory, registry, raw) = history();
    unlock(&raw);
    raw.execute("DELETE FROM audit", []).unwrap();
    assert_eq!(first_bad(&registry), 1);
}

#[test]
fn an_entry_that_was_slipped_in_is_found() {
    let (_directory, registry, raw) = history();
    let last = entries(&registry);
    raw.execute(
        "INSERT INTO audit SELECT id + 1, time_us, actor, action, model, version, alias, from_state,
             to_state, reason, evidence, digest, digest, format, change FROM audit WHERE id = ?1",
        [last],
    )
    .unwrap();
    assert_eq!(first_bad(&registry), u64::from(last) + 1);
}

#[test]
fn a_state_that_was_changed_past_the_trail_is_found() {
    let cases = [
        (
            "UPDATE model_version SET stage = 'Staging' WHERE version = 1",
            "version 1",
        ),
        (
            "UPDATE model_alias SET version = 1 WHERE alias = 'canary'",
            "canary",
        ),
        ("DELETE FROM model_alias WHERE alias = 'canary'", "canary"),
        (
            "UPDATE model_version SET digest = (SELECT digest FROM model_version WHERE version = 1)
             WHERE version = 2",
            "the package of version 2",
        ),
    ];
    for (sql, part) in cases {
        let (_directory, registry, raw) = history();
        raw.execute(sql, []).unwrap();
        let error = registry.verify_audit().unwrap_err();
        assert!(matches!(&error, Error::AuditDisagrees { .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert!(error.to_string().contains(part), "{error}");
        assert!(error.to_string().contains("churn"), "{error}");
    }
}

#[test]
fn two_champions_cannot_even_be_written() {
    let (_directory, _registry, raw) = history();
    let error = raw
        .execute("UPDATE model_version SET stage = 'Production'", [])
        .unwrap_err();
    assert!(error.to_string().contains("UNIQUE"), "{error}");
}

#[test]
fn the_trail_goes_on_after_the_registry_is_opened_again() {
    let (directory, registry) = in_directory();
    with_versions(&registry, 1);
    drop(registry);
    let registry = crate::fixture::open(directory.path()).unwrap();
    register(&registry.model("churn").unwrap(), 2);
    registry.verify_audit().unwrap();
    assert_eq!(registry.audit(None).unwrap().len(), 3);
}
