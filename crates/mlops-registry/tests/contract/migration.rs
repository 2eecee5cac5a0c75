//! A registry of the first schema, as the crate wrote it then, is read for ever.
//!
//! `fixtures/registry_v1.sql` is the dump of a database that schema 1 made: two models whose names differ in case
//! alone, promotions, a refusal with NaN in its evidence, aliases, a signature. It is never changed.

use mlops_core::ErrorKind;
use mlops_registry::{Action, Error, Occupants, Registry, Stage, verify_export};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::fixture::{name, open, register};

const V1: &str = include_str!("../fixtures/registry_v1.sql");

fn old(tamper: &str) -> (TempDir, mlops_registry::Result<Registry>) {
    let directory = tempfile::tempdir().unwrap();
    let raw = Connection::open(directory.path().join("mlops.db")).unwrap();
    raw.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    raw.execute_batch(V1).unwrap();
    raw.execute_batch(tamper).unwrap();
    drop(raw);
    let registry = open(directory.path());
    (directory, registry)
}

#[test]
fn a_database_of_schema_1_is_brought_up_to_date_with_all_that_it_holds() {
    let (directory, registry) = old("");
    let registry = registry.unwrap();
    registry.verify_audit().unwrap();
    let version = registry.resolve("churn@production").unwrap();
    assert_eq!((version.version, version.stage), (2, Stage::Production));
    assert_eq!(
        version.digest.to_string(),
        "8ff4628b5d9a70954a4d9119d56f87bf90479e6e2fa94c13a9a33d4e746599f6"
    );
    assert!(version.signature.unwrap().inputs().is_empty());
    assert_eq!(version.lineage.code_revision.as_deref(), Some("abc"));
    assert_eq!(
        version.signatures.keys().collect::<Vec<_>>(),
        ["release.sig"]
    );
    let first = registry.resolve("churn/1").unwrap();
    assert_eq!(first.stage, Stage::Archived);
    let run = registry.run(first.run.as_ref().unwrap()).unwrap();
    assert_eq!(
        (run.params["trees"].as_str(), run.metrics["pr_auc"]),
        ("300", 0.8)
    );
    assert_eq!(
        registry.resolve("churn@canary").unwrap().stage,
        Stage::Staging
    );

    let trail = registry.audit(None).unwrap();
    let adopted = trail
        .iter()
        .filter(|entry| entry.action == Action::ModelAdopted);
    assert_eq!(adopted.count(), 2);
    let refused = trail
        .iter()
        .find(|e| e.action == Action::PromotionRefused)
        .unwrap();
    let evidence = refused.evidence.as_ref().unwrap();
    assert_eq!(evidence["evidence"]["candidate_metrics"]["pr_auc"], "NaN");
    // it goes on, with whole changes from here on
    let model = registry.model("churn").unwrap();
    registry
        .set_stage(model.name(), 1, Stage::Production, Occupants::Archive, "")
        .unwrap();
    assert_eq!(register(&model, 4).version, 4);
    // names that were twins stay, and no third comes
    assert_eq!(registry.models().unwrap(), [name("Churn"), name("churn")]);
    let third = registry.model("CHURN").unwrap_err();
    assert!(matches!(third, Error::ModelExists { .. }), "{third}");
    registry.verify_audit().unwrap();
    let again = open(directory.path()).unwrap();
    assert_eq!(
        again.audit(None).unwrap().len(),
        registry.audit(None).unwrap().len()
    );
    again.verify_audit().unwrap();
    let mut lines = Vec::new();
    let exported = again.export_audit(&mut lines).unwrap();
    assert_eq!(verify_export(&mut lines.as_slice(), &[]).unwrap(), exported);
}

#[test]
fn what_was_changed_past_the_trail_before_the_migration_is_found_after_it() {
    let free = "DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_cut;";
    for tamper in [
        "UPDATE model_version SET stage = 'None' WHERE version = 3 AND stage = 'Staging'",
        "UPDATE model_alias SET version = 1 WHERE alias = 'canary'",
        "UPDATE audit SET actor = 'mallory' WHERE id = 5",
        "UPDATE audit SET reason = reason || '.' WHERE id = 1",
        "DELETE FROM audit WHERE id = 8",
    ] {
        let (_directory, registry) = old(&format!("{free} {tamper}"));
        let error = registry.unwrap().verify_audit().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{tamper}: {error}");
    }
}
