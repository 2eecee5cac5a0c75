//! Artifacts that come in parts, artifacts that are pinned, and what was registered from logged models.

use std::collections::BTreeSet;

use mlops_core::{Digest, ErrorKind, Span};
use mlops_registry::{
    ArtifactOwner, Error, ExperimentId, NewLoggedModel, NewRun, NewVersion, Registry, Tracking,
    TrackingError,
};

use crate::fixture::{clock, in_directory, in_memory, name, on_every_backend, open};

fn run(tracking: &Tracking) -> ArtifactOwner {
    let run = tracking.create_run(NewRun::new(ExperimentId::DEFAULT));
    ArtifactOwner::Run(run.unwrap().id)
}

#[test]
fn parts_survive_a_restart_and_expire_with_their_upload() {
    let clock = clock();
    let (directory, registry) = in_directory();
    drop(registry);
    let open = || {
        let builder = Registry::builder(crate::fixture::url(directory.path()));
        builder.clock(clock.clone()).open().unwrap()
    };
    let tracking = open().tracking();
    let owner = run(&tracking);
    let start = |tracking: &Tracking, path: &str| {
        tracking
            .start_upload(&owner, path, 2, Span::hours(1))
            .unwrap()
    };
    let (first, second) = (start(&tracking, "a"), start(&tracking, "b"));
    assert_ne!(first.id, second.id);
    let one = tracking.put_part(first.id, 1, &b"one"[..]).unwrap();
    drop(tracking);

    let registry = open();
    let tracking = registry.tracking();
    assert_eq!(tracking.upload(first.id).unwrap(), first);
    assert!(registry.tracked_digests().unwrap().contains(&one));
    let two = tracking.put_part(first.id, 2, &b" and two"[..]).unwrap();
    let whole = tracking.complete_upload(first.id, &[(1, one), (2, two)], 100);
    assert_eq!(whole.unwrap(), Digest::of(b"one and two"));
    let kept = tracking.read_artifact(&owner, "a").unwrap();
    assert_eq!(kept.as_ref(), b"one and two");

    clock.advance(Span::hours(1));
    for id in [first.id, second.id] {
        let gone = tracking.put_part(id, 1, &b"late"[..]).unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound, "{gone}");
    }
    let kept: BTreeSet<_> = registry.tracked_digests().unwrap().into_iter().collect();
    assert_eq!(kept, BTreeSet::from([Digest::of(b"one and two")]));
}

#[test]
fn an_upload_is_bounded_and_belongs_to_somebody_who_is_there() {
    let registry = in_memory(clock());
    let tracking = registry.tracking();
    let owner = run(&tracking);
    let hour = Span::hours(1);
    for parts in [0, 10_001] {
        let refused = tracking.start_upload(&owner, "a", parts, hour).unwrap_err();
        assert!(matches!(refused, Error::TooMany { .. }), "{refused}");
    }
    assert!(tracking.start_upload(&owner, "../a", 1, hour).is_err());
    let nobody = ArtifactOwner::Run("0".repeat(32).parse().unwrap());
    assert!(tracking.start_upload(&nobody, "a", 1, hour).is_err());
    for _ in 0..1_000 {
        tracking.start_upload(&owner, "a", 1, hour).unwrap();
    }
    let refused = tracking.start_upload(&owner, "a", 1, hour).unwrap_err();
    assert!(matches!(refused, Error::TooMany { .. }), "{refused}");
}

#[test]
fn a_part_that_is_not_the_one_that_was_named_is_named() {
    let registry = in_memory(clock());
    let tracking = registry.tracking();
    let owner = run(&tracking);
    let upload = tracking
        .start_upload(&owner, "a", 2, Span::hours(1))
        .unwrap()
        .id;
    let digests = [1, 2].map(|part| {
        let content = [u8::try_from(part).unwrap(); 10];
        tracking.put_part(upload, part, &content[..]).unwrap()
    });
    let [one, two] = digests;
    let at_fault = |parts: &[(u32, Digest)], most| {
        let error = tracking.complete_upload(upload, parts, most).unwrap_err();
        let Error::Tracking(TrackingError::UploadPart { part, .. }) = error else {
            panic!("{error}")
        };
        part
    };
    assert_eq!(at_fault(&[], 100), 1);
    assert_eq!(at_fault(&[(1, one)], 100), 2);
    assert_eq!(at_fault(&[(2, two), (1, one)], 100), 1);
    assert_eq!(at_fault(&[(1, one), (2, one)], 100), 2);
    assert_eq!(at_fault(&[(1, one), (2, two), (3, two)], 100), 3);
    assert_eq!(at_fault(&[(1, one), (2, two)], 19), 2);
    assert!(
        tracking
            .complete_upload(upload, &[(1, one), (2, two)], 20)
            .is_ok()
    );
}

#[test]
fn what_is_pinned_stays_and_is_needed() {
    let (directory, registry) = in_directory();
    let tracking = registry.tracking();
    let owner = run(&tracking);
    let put = |path: &str, bytes: &[u8]| tracking.put_artifact(&owner, path, bytes).unwrap();
    put("model/a", b"a");
    put("model/deep/er/b", b"b");
    put("model2/c", b"c");
    let pinned = tracking.pin_artifacts(&owner, "model").unwrap();
    let everything = tracking.pin_artifacts(&owner, "").unwrap();
    let file = tracking.pin_artifacts(&owner, "model/a").unwrap();
    let nothing = tracking.pin_artifacts(&owner, "nothing").unwrap();
    let model = registry.model("churn").unwrap();
    let paths = |manifest| {
        let version = model.register_version(NewVersion::tree(manifest)).unwrap();
        let tree = registry.version_tree(&version).unwrap().unwrap();
        tree.files()
            .map(|file| file.path.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(paths(pinned), ["a", "deep/er/b"]);
    assert_eq!(
        paths(everything),
        ["model/a", "model/deep/er/b", "model2/c"]
    );
    assert_eq!(paths(file), ["a"]);
    assert_eq!(paths(nothing), [""; 0]);
    put("model/a", b"changed");
    assert_ne!(tracking.pin_artifacts(&owner, "model").unwrap(), pinned);
    let again = open(directory.path()).unwrap();
    let version = again.model("churn").unwrap().version(1).unwrap();
    let opened = again.open_version_file(&version, "a").unwrap().unwrap();
    assert_eq!(opened.size(), 1);
    assert!(again.open_version_file(&version, "deep").unwrap().is_none());
    assert!(
        again
            .garbage_roots(Span::hours(1))
            .unwrap()
            .contains(&pinned)
    );
}

#[test]
fn logged_models_know_their_versions_on_every_backend() {
    on_every_backend(|registry| {
        let tracking = registry.tracking();
        let ids = [0, 1].map(|_| {
            let new = NewLoggedModel::new(ExperimentId::DEFAULT);
            tracking.create_logged_model(new).unwrap().id
        });
        let both = [&ids[0], &ids[1]];
        assert!(registry.registrations(&both).unwrap().is_empty());
        let from = |model: &str| {
            let new = NewVersion::source("models:/x").logged_model(ids[0].as_str());
            let model = registry.model(model).unwrap();
            model.register_version(new).unwrap();
            model
        };
        let (churn, fraud) = (from("churn"), from("fraud"));
        from("churn");
        fraud.delete_version(1, "").unwrap();
        let found = registry.registrations(&both).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[&ids[0]], [(name("churn"), 1), (name("churn"), 2)]);
        churn.delete("").unwrap();
        assert!(registry.registrations(&both).unwrap().is_empty());
    });
}
