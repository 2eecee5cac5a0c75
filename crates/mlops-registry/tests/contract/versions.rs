//! Models and versions: numbers, packages, lineage, stages, damaged artifacts.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use mlops_core::{Digest, ErrorKind, Lineage, Principal};
use mlops_registry::{Action, Error, Registry, RunId, RunStatus, Stage};

use crate::fixture::{
    in_directory, name, on_every_backend, package, promote, register, with_versions,
};

fn blob(directory: &Path, digest: &Digest) -> PathBuf {
    let digest = digest.to_string();
    let blobs = directory.join("artifacts").join("blobs");
    blobs.join(&digest[..2]).join(&digest[2..])
}

#[test]
fn a_version_keeps_its_package_lineage_and_run() {
    on_every_backend(|registry| {
        let registry = registry.acting_as(Principal::new("ada").unwrap());
        let run = registry
            .experiment("churn")
            .unwrap()
            .start_run("r")
            .unwrap();
        let run = run.finish(RunStatus::Finished).unwrap();
        let lineage = Lineage {
            data: BTreeMap::from([("purchases".into(), Digest::of(b"rows"))]),
            features: BTreeMap::from([("amount_sum_30d".into(), Digest::of(b"definition"))]),
            code_revision: Some("abc123".into()),
        };
        let model = registry.model("churn").unwrap();
        let package = package(1);
        let version = model
            .register(&package, Some(&run.id), &lineage, "first")
            .unwrap();
        assert_eq!(version, model.version(1).unwrap());
        assert_eq!(version, registry.resolve("churn/1").unwrap());
        assert_eq!((version.version, version.stage), (1, Stage::None));
        assert_eq!(version.run, Some(run.id));
        assert_eq!(
            (version.lineage, version.description.as_str()),
            (lineage, "first")
        );
        assert_eq!(version.actor.as_str(), "ada");
        assert_eq!(version.digest, package.digest());
        assert_eq!(version.signature.as_ref(), Some(package.signature()));
        let names: Vec<_> = version.files.keys().collect();
        assert_eq!(names, package.files().keys().collect::<Vec<_>>());
        let loaded = registry.load(model.name(), 1).unwrap();
        assert_eq!(loaded.files(), package.files());
    });
}

#[test]
fn numbers_count_up_and_are_never_given_twice() {
    let (directory, registry) = in_directory();
    let model = with_versions(&registry, 3);
    // the same package again is a new version, and equal files are kept once
    let blobs = registry.store().list().unwrap().len();
    assert_eq!(register(&model, 3).version, 4);
    assert_eq!(registry.store().list().unwrap().len(), blobs);
    let other = registry.model("age").unwrap();
    assert_eq!(register(&other, 1).version, 1);
    // even if somebody deletes the newest by hand
    let raw = rusqlite::Connection::open(directory.path().join("mlops.db")).unwrap();
    raw.execute_batch(
        "DELETE FROM version_file WHERE version = 4; DELETE FROM model_version WHERE version = 4",
    )
    .unwrap();
    // and whoever opens it afterwards
    let registry = crate::fixture::open(directory.path()).unwrap();
    let model = registry.model("churn").unwrap();
    assert_eq!(register(&model, 5).version, 5);
    let numbers: Vec<_> = model
        .versions()
        .unwrap()
        .iter()
        .map(|v| v.version)
        .collect();
    assert_eq!(numbers, [1, 2, 3, 5]);
    assert_eq!(registry.models().unwrap(), [name("age"), name("churn")]);
}

#[test]
fn what_does_not_exist_is_named() {
    let registry = Registry::memory().unwrap();
    let model = with_versions(&registry, 1);
    let run: RunId = "0123456789abcdef0123456789abcdef".parse().unwrap();
    let cases = [
        (registry.load(&name("absent"), 1).map(drop), "absent"),
        (registry.load(model.name(), 7).map(drop), "version 7"),
        (model.version(7).map(drop), "version 7"),
        (registry.resolve("churn/7").map(drop), "version 7"),
        (registry.resolve("absent/1").map(drop), "absent"),
        (registry.resolve("churn@nope").map(drop), "`nope`"),
        (
            registry.resolve("churn@production").map(drop),
            "`production`",
        ),
        (
            registry
                .transition(model.name(), 7, Stage::Staging, "")
                .map(drop),
            "version 7",
        ),
        (
            model
                .register(&package(2), Some(&run), &Lineage::default(), "")
                .map(drop),
            run.as_str(),
        ),
    ];
    for (result, part) in cases {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(
        registry.model("a/b").unwrap_err().kind(),
        ErrorKind::Invalid
    );
    assert_eq!(
        registry.resolve("churn").unwrap_err().kind(),
        ErrorKind::Invalid
    );
    // the failed registration used no number up
    assert_eq!(register(&model, 2).version, 2);
}

#[test]
fn a_flipped_byte_in_any_file_stops_the_load_and_the_promotion() {
    let (directory, registry) = in_directory();
    let model = with_versions(&registry, 2);
    promote(&model, &registry, 1);
    for (file, digest) in model.version(2).unwrap().files {
        let path = blob(directory.path(), &digest);
        let sound = fs::read(&path).unwrap();
        let mut damaged = sound.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        for bytes in [Some(damaged), None] {
            match &bytes {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let promoted = registry.promote(
                model.name(),
                2,
                &crate::fixture::gate(),
                &crate::fixture::evidence(Some(1)),
            );
            for error in [
                registry.load(model.name(), 2).unwrap_err(),
                promoted.unwrap_err(),
            ] {
                let named = matches!(
                    &error,
                    Error::Artifact { artifact, version: 2, model, .. }
                        if *artifact == file && model.as_str() == "churn"
                );
                assert!(named, "{error}");
                assert_eq!(error.kind(), ErrorKind::Corrupt);
            }
        }
        assert_eq!(model.champion().unwrap().unwrap().version, 1);
        fs::write(&path, sound).unwrap();
    }
    registry.load(model.name(), 2).unwrap();
}

#[test]
fn a_version_that_was_pointed_at_other_files_does_not_load() {
    let (directory, registry) = in_directory();
    let model = with_versions(&registry, 2);
    let raw = rusqlite::Connection::open(directory.path().join("mlops.db")).unwrap();
    // all files of version 1 under the name of version 2: each is sound, the package is another
    raw.execute_batch(
        "DELETE FROM version_file WHERE version = 2;
         INSERT INTO version_file (model_id, version, path, digest, size)
         SELECT model_id, 2, path, digest, size FROM version_file WHERE version = 1;",
    )
    .unwrap();
    // a state that is in memory is the one that was registered; whoever opens the file afterwards reads the other
    let registry = crate::fixture::open(directory.path()).unwrap();
    let error = registry.load(model.name(), 2).unwrap_err();
    assert!(
        matches!(error, Error::PackageMismatch { version: 2, .. }),
        "{error}"
    );
    // one file of another package among its own
    raw.execute_batch(
        "UPDATE version_file SET digest = (SELECT v.digest FROM version_file v
             WHERE v.version = 2 AND v.path = 'card.md')
         WHERE version = 1 AND path = 'MLmodel';",
    )
    .unwrap();
    let registry = crate::fixture::open(directory.path()).unwrap();
    let error = registry.load(model.name(), 1).unwrap_err();
    assert!(
        matches!(error, Error::Package { version: 1, .. }),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[test]
fn a_store_that_fails_leaves_no_version_behind() {
    let (directory, registry) = in_directory();
    let model = with_versions(&registry, 1);
    let blobs = directory.path().join("artifacts").join("blobs");
    let aside = directory.path().join("aside");
    fs::rename(&blobs, &aside).unwrap();
    fs::write(&blobs, b"in the way").unwrap();
    let error = model
        .register(&package(2), None, &Lineage::default(), "")
        .unwrap_err();
    assert!(matches!(error, Error::NotKept { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    fs::remove_file(&blobs).unwrap();
    fs::rename(&aside, &blobs).unwrap();
    assert_eq!(model.versions().unwrap().len(), 1);
    assert_eq!(register(&model, 2).version, 2);
    registry.verify_audit().unwrap();
}

#[test]
fn stages_go_only_the_legal_ways() {
    on_every_backend(|registry| {
        let model = with_versions(&registry, 1);
        let go = |to| {
            registry
                .transition(model.name(), 1, to, "test")
                .map(|v| v.stage)
        };
        let refused = |to| {
            let error = go(to).unwrap_err();
            assert!(
                matches!(&error, Error::IllegalTransition { version: 1, .. }),
                "{error}"
            );
            assert_eq!(error.kind(), ErrorKind::Conflict);
            assert!(error.to_string().contains("churn"), "{error}");
        };
        refused(Stage::None);
        refused(Stage::Production);
        assert_eq!(go(Stage::Staging).unwrap(), Stage::Staging);
        refused(Stage::Production);
        promote(&model, &registry, 1);
        refused(Stage::Staging);
        refused(Stage::Production);
        assert_eq!(go(Stage::Archived).unwrap(), Stage::Archived);
        // the alias goes with the stage
        assert!(registry.resolve("churn@production").is_err());
        assert!(model.champion().unwrap().is_none());
        refused(Stage::None);
        assert_eq!(go(Stage::Staging).unwrap(), Stage::Staging);
        assert_eq!(go(Stage::None).unwrap(), Stage::None);
        registry.verify_audit().unwrap();
    });
}

#[test]
fn signatures_lie_beside_the_package_and_in_the_audit_trail() {
    on_every_backend(|registry| {
        let model = with_versions(&registry, 2);
        let before = model.version(1).unwrap();
        let signed = model.add_signature(1, "release.sig", b"MEUC").unwrap();
        assert_eq!(signed, model.version(1).unwrap());
        assert_eq!(signed.files, before.files);
        assert_eq!(
            signed.signatures.keys().collect::<Vec<_>>(),
            ["release.sig"]
        );
        let files = registry.signatures(model.name(), 1).unwrap();
        assert_eq!(files["release.sig"], b"MEUC");
        assert!(registry.signatures(model.name(), 2).unwrap().is_empty());
        assert_eq!(
            registry.load(model.name(), 1).unwrap().digest(),
            before.digest
        );

        let entries = || registry.audit(Some(model.name())).unwrap().len();
        let entry = registry.audit(Some(model.name())).unwrap().pop().unwrap();
        assert_eq!(
            (entry.action, entry.version),
            (Action::VersionSigned, Some(1))
        );
        assert_eq!(entry.evidence.unwrap()["signature"], "release.sig");
        let told = entries();
        model.add_signature(1, "release.sig", b"MEUC").unwrap();
        assert_eq!(entries(), told, "the same signature again is no news");

        for (name, file) in [
            ("release.sig", &b"other"[..]),
            ("", b"MEUC"),
            ("../x", b"MEUC"),
            ("a/b", b"MEUC"),
            (".hidden", b"MEUC"),
            ("empty", b""),
            ("large", &vec![b'M'; (64 << 10) + 1]),
        ] {
            let error = model.add_signature(1, name, file).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        }
        let unknown = model.add_signature(7, "release.sig", b"MEUC").unwrap_err();
        assert_eq!(unknown.kind(), ErrorKind::NotFound);
        for more in 1..32 {
            model
                .add_signature(1, &format!("s{more}"), b"MEUC")
                .unwrap();
        }
        assert!(model.add_signature(1, "s32", b"MEUC").is_err());
        registry.verify_audit().unwrap();
    });
}
