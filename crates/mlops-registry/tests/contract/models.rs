//! Models and versions beside their packages: names, tags, contents, deletion, comparison.

use std::collections::BTreeMap;

use mlops_core::{Digest, ErrorKind, Lineage, Principal};
use mlops_registry::{
    Action, Content, Error, NewVersion, Occupants, Registry, RunStatus, Stage, VersionStatus,
    verify_export,
};

use crate::fixture::{
    alias, in_directory, name, on_every_backend, package, promote, register, with_versions,
};

#[test]
fn a_model_is_made_once_and_its_twin_never() {
    on_every_backend(|registry| {
        let churn = name("Churn Modell Süd");
        let tags = BTreeMap::from([("team".to_owned(), "growth".to_owned())]);
        let model = registry.create_model(&churn, "who leaves", &tags).unwrap();
        let info = model.info().unwrap();
        assert_eq!(
            (&info.name, info.description.as_str()),
            (&churn, "who leaves")
        );
        assert_eq!((info.tags, info.versions), (tags, 0));
        for twin in ["Churn Modell Süd", "CHURN MODELL SÜD", "Ｃhurn Modell Süd"] {
            let error = registry
                .create_model(&name(twin), "", &BTreeMap::new())
                .unwrap_err();
            assert!(
                matches!(&error, Error::ModelExists { existing, .. } if *existing == churn),
                "{error}"
            );
            assert_eq!(error.kind(), ErrorKind::Conflict);
        }
        // a twin is not found under the other's name either
        let twin = registry
            .existing_model(&name("churn modell süd"))
            .unwrap_err();
        assert_eq!(twin.kind(), ErrorKind::NotFound);
        register(&model, 1);
        let found = registry.resolve("Churn Modell Süd/1").unwrap();
        assert_eq!(found.model, churn);
        assert_eq!(registry.models().unwrap(), [churn]);
        let own = registry.model(".Registry").unwrap_err();
        assert!(matches!(own, Error::ReservedName { .. }), "{own}");
        registry.verify_audit().unwrap();
    });
}

#[test]
fn descriptions_tags_and_statuses_change_and_say_so() {
    on_every_backend(|registry| {
        let model = with_versions(&registry, 1);
        model.set_description("better").unwrap();
        model.set_tag("a/b", "1").unwrap();
        model.set_tag("a/b", "2").unwrap();
        let told = registry.audit(None).unwrap().len();
        // the same again is no news
        model.set_description("better").unwrap();
        model.set_tag("a/b", "2").unwrap();
        model.delete_tag("absent").unwrap();
        assert_eq!(registry.audit(None).unwrap().len(), told);
        let info = model.info().unwrap();
        assert_eq!(
            (info.description.as_str(), info.tags["a/b"].as_str()),
            ("better", "2")
        );
        assert!(model.delete_tag("a/b").unwrap().tags.is_empty());

        let version = model.set_version_tag(1, "k", "v").unwrap();
        assert_eq!(version.tags["k"], "v");
        assert!(model.delete_version_tag(1, "k").unwrap().tags.is_empty());
        assert_eq!(model.describe_version(1, "d").unwrap().description, "d");
        let failed = model.set_status(1, VersionStatus::Failed).unwrap();
        assert_eq!(failed.status, VersionStatus::Failed);
        assert_eq!(model.version(1).unwrap(), failed);
        for (result, kind) in [
            (
                model.set_version_tag(7, "k", "v").map(drop),
                ErrorKind::NotFound,
            ),
            (
                model.set_version_tag(1, "../k", "v").map(drop),
                ErrorKind::Invalid,
            ),
            (model.set_tag("", "v").map(drop), ErrorKind::Invalid),
            (
                model.set_tag("k", &"v".repeat(100_001)).map(drop),
                ErrorKind::Invalid,
            ),
        ] {
            assert_eq!(result.unwrap_err().kind(), kind);
        }
        registry.verify_audit().unwrap();
    });
}

#[test]
fn a_version_may_be_a_tree_or_a_source_and_then_is_not_loaded() {
    on_every_backend(|registry| {
        let model = with_versions(&registry, 1);
        let manifest = registry.store().put(b"manifest").unwrap();
        let tree = NewVersion::tree(manifest)
            .from_source("mlflow-artifacts:/1/models/m-1/artifacts")
            .logged_model("m-1")
            .parent(name("churn"), 1)
            .status(VersionStatus::Pending)
            .tag("a", "b");
        let tree = model.register_version(&tree).unwrap();
        assert_eq!((tree.content, tree.digest), (Content::Tree, manifest));
        assert_eq!(tree.parent.as_ref().map(|parent| parent.version), Some(1));
        assert_eq!(
            (tree.signature.as_ref(), tree.logged_model.as_deref()),
            (None, Some("m-1"))
        );
        let run = "0123456789abcdef0123456789abcdef".parse().unwrap();
        let source = NewVersion::source("runs:/0123/model").run(run);
        let source = model.register_version(&source).unwrap();
        assert_eq!((source.version, source.content), (3, Content::Source));
        assert_eq!(source.source.as_deref(), Some("runs:/0123/model"));
        for version in [2, 3] {
            let error = registry.load(model.name(), version).unwrap_err();
            assert!(matches!(error, Error::NoPackage { .. }), "{error}");
            assert_eq!(error.kind(), ErrorKind::Unsupported);
        }
        for (bad, kind) in [
            (NewVersion::tree(Digest::of(b"absent")), ErrorKind::NotFound),
            (NewVersion::source(""), ErrorKind::Invalid),
            (NewVersion::source("a\nb"), ErrorKind::Invalid),
        ] {
            assert_eq!(model.register_version(&bad).unwrap_err().kind(), kind);
        }
        assert_eq!(model.versions().unwrap().len(), 3);
        registry.verify_audit().unwrap();
    });
}

#[test]
fn a_deleted_version_leaves_its_number_and_nothing_else() {
    on_every_backend(|registry| {
        let model = with_versions(&registry, 3);
        promote(&model, &registry, 1);
        model.set_alias(&alias("canary"), 3).unwrap();
        let used = model.delete_version(1, "").unwrap_err();
        assert!(matches!(used, Error::InUse { version: 1, .. }), "{used}");
        model.delete_version(3, "a mistake").unwrap();
        let gone = [
            model.version(3).map(drop),
            registry.resolve("churn/3").map(drop),
            registry.resolve("churn@canary").map(drop),
            model.delete_version(3, "").map(drop),
            registry.load(model.name(), 3).map(drop),
        ];
        for result in gone {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::NotFound);
        }
        assert_eq!(register(&model, 9).version, 4);
        assert_eq!(model.info().unwrap().versions, 3);
        registry.verify_audit().unwrap();
    });
}

#[test]
fn a_tombstone_in_the_tables_tells_nothing_of_what_was() {
    let (directory, registry) = in_directory();
    let model = registry.model("churn").unwrap();
    let source = NewVersion::source("s3://secret/place")
        .tag("k", "v")
        .description("d");
    model.register_version(&source).unwrap();
    model.delete_version(1, "").unwrap();
    let raw = rusqlite::Connection::open(directory.path().join("mlops.db")).unwrap();
    let (source, description, tags): (Option<String>, String, i64) = raw
        .query_row(
            "SELECT source, description, (SELECT count(*) FROM version_tag) FROM model_version
             WHERE version = 1 AND deleted_us IS NOT NULL",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert_eq!((source, description.as_str(), tags), (None, "", 0));
}

#[test]
fn a_deleted_model_is_gone_and_its_numbers_go_on_if_it_is_made_again() {
    on_every_backend(|registry| {
        let model = with_versions(&registry, 2);
        promote(&model, &registry, 1);
        assert!(matches!(model.delete("").unwrap_err(), Error::InUse { .. }));
        registry
            .transition(model.name(), 1, Stage::Archived, "")
            .unwrap();
        model.set_tag("k", "v").unwrap();
        model.delete("no longer needed").unwrap();
        assert!(registry.models().unwrap().is_empty());
        for result in [
            registry.existing_model(model.name()).map(drop),
            model.versions().map(drop),
            model.set_tag("a", "b").map(drop),
            model.delete("").map(drop),
            registry.resolve("churn/1").map(drop),
        ] {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::NotFound);
        }
        registry.verify_audit().unwrap();
        let again = registry.model("churn").unwrap();
        assert!(again.info().unwrap().tags.is_empty());
        assert_eq!(register(&again, 1).version, 3);
        registry.verify_audit().unwrap();
    });
}

#[test]
fn a_renamed_model_keeps_its_versions_and_its_trail() {
    on_every_backend(|registry| {
        let model = with_versions(&registry, 2);
        promote(&model, &registry, 1);
        let other = registry.model("other").unwrap();
        let taken = model.rename(&name("OTHER")).unwrap_err();
        assert!(matches!(taken, Error::ModelExists { .. }), "{taken}");
        let generation = registry.generation().unwrap();
        let renamed = model.rename(&name("attrition")).unwrap();
        assert!(registry.generation().unwrap() > generation);
        assert_eq!(registry.resolve("attrition@production").unwrap().version, 1);
        assert_eq!(
            registry.resolve("churn/1").unwrap_err().kind(),
            ErrorKind::NotFound
        );
        let actions: Vec<_> = registry
            .audit(Some(renamed.name()))
            .unwrap()
            .iter()
            .map(|entry| entry.action)
            .collect();
        assert_eq!(actions.first(), Some(&Action::ModelCreated));
        assert_eq!(actions.last(), Some(&Action::ModelRenamed));
        registry.verify_audit().unwrap();
        // the old name is free, and its trail is another's
        let new = registry.model("churn").unwrap();
        assert_eq!(register(&new, 1).version, 1);
        assert_eq!(registry.audit(Some(new.name())).unwrap().len(), 2);
        // a change of case is a change
        other.rename(&name("Other")).unwrap();
        assert_eq!(register(&renamed, 7).version, 3);
        assert_eq!(
            registry.models().unwrap(),
            [name("Other"), name("attrition"), name("churn")]
        );
        // a name that was deleted is not free, and there and back is as before
        new.delete("").unwrap();
        let taken = renamed.rename(&name("churn")).unwrap_err();
        assert!(matches!(taken, Error::ModelExists { .. }), "{taken}");
        let back = renamed.rename(&name("third")).unwrap();
        let back = back.rename(&name("attrition")).unwrap();
        assert_eq!(register(&back, 8).version, 4);
        assert_eq!(
            registry.audit(Some(back.name())).unwrap()[0].model,
            name("churn")
        );
        registry.verify_audit().unwrap();
        let mut trail = Vec::new();
        let told = registry.export_audit(&mut trail).unwrap();
        let anchor = registry.anchor().unwrap();
        let found = verify_export(&mut trail.as_slice(), std::slice::from_ref(&anchor)).unwrap();
        assert_eq!(found, told);
        register(&back, 9);
        registry.verify_anchor(&anchor).unwrap();
    });
}

#[test]
fn stages_by_mlflows_rule_go_any_way_and_one_version_is_in_production() {
    on_every_backend(|registry| {
        let model = with_versions(&registry, 3);
        let go =
            |version, to, occupants| registry.set_stage(model.name(), version, to, occupants, "");
        go(1, Stage::Production, Occupants::Stay).unwrap();
        assert_eq!(registry.resolve("churn@production").unwrap().version, 1);
        let error = go(2, Stage::Production, Occupants::Stay).unwrap_err();
        assert!(matches!(error, Error::IllegalTransition { .. }), "{error}");
        go(2, Stage::Production, Occupants::Archive).unwrap();
        assert_eq!(registry.resolve("churn@production").unwrap().version, 2);
        assert_eq!(model.version(1).unwrap().stage, Stage::Archived);
        go(2, Stage::Staging, Occupants::Stay).unwrap();
        assert!(registry.resolve("churn@production").is_err());
        go(3, Stage::Staging, Occupants::Stay).unwrap();
        go(1, Stage::Staging, Occupants::Archive).unwrap();
        assert_eq!(model.version(3).unwrap().stage, Stage::Archived);
        assert_eq!(model.info().unwrap().latest[&Stage::Archived], 3);
        let error = go(1, Stage::Archived, Occupants::Archive).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        registry.verify_audit().unwrap();
    });
}

#[test]
fn the_challenger_loses_its_name_when_it_wins() {
    on_every_backend(|registry| {
        let model = with_versions(&registry, 2);
        promote(&model, &registry, 1);
        model.set_alias(&alias("champion"), 1).unwrap();
        model.set_alias(&alias("challenger"), 2).unwrap();
        assert_eq!(model.challenger().unwrap().map(|v| v.version), Some(2));
        promote(&model, &registry, 2);
        let aliases = [(alias("champion"), 2), (alias("production"), 2)];
        assert_eq!(model.aliases().unwrap(), aliases.into());
        assert!(model.challenger().unwrap().is_none());
        registry.verify_audit().unwrap();
    });
}

#[test]
fn two_versions_side_by_side() {
    on_every_backend(|registry| {
        let model = registry.model("churn").unwrap();
        let experiment = registry.experiment("churn").unwrap();
        for (number, auc) in [(1, 0.7), (2, 0.75)] {
            let run = experiment.start_run("r").unwrap();
            run.log_param("trees", number * 100).unwrap();
            run.log_metric("auc", auc, 0).unwrap();
            if number == 2 {
                run.log_metric("loss", f64::NAN, 0).unwrap();
            }
            let run = run.finish(RunStatus::Finished).unwrap();
            let lineage = Lineage {
                data: BTreeMap::from([(
                    "rows".into(),
                    Digest::of(&[u8::try_from(number).unwrap()]),
                )]),
                ..Lineage::default()
            };
            model
                .register(
                    &package(u32::try_from(number).unwrap()),
                    Some(&run.id),
                    &lineage,
                    "",
                )
                .unwrap();
        }
        let comparison = model.compare(1, 2).unwrap();
        assert_eq!(comparison.params["trees"].left.as_deref(), Some("100"));
        assert!(!comparison.params["trees"].same);
        let auc = comparison.metrics["auc"];
        assert!((auc.difference.unwrap() - 0.05).abs() < 1e-12);
        assert_eq!(comparison.metrics["loss"].left, None);
        assert_eq!(comparison.metrics["loss"].difference, None);
        assert!(!comparison.data["rows"].same);
        assert!(comparison.signature["(output)"].same);
        assert!(
            !comparison.files["model.json"].same,
            "{:?}",
            comparison.files.keys()
        );
        let json = serde_json::to_value(&comparison).unwrap();
        assert_eq!(json["metrics"]["loss"]["right"], "NaN");
        assert_eq!(model.compare(1, 9).unwrap_err().kind(), ErrorKind::NotFound);
    });
}

#[test]
fn listings_go_over_all_models_and_versions() {
    on_every_backend(|registry| {
        with_versions(&registry, 2);
        register(&registry.model("age").unwrap(), 1);
        let infos: Vec<_> = registry
            .model_infos()
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let counts: Vec<_> = infos
            .iter()
            .map(|i| (i.name.as_str(), i.versions))
            .collect();
        assert_eq!(counts, [("age", 1), ("churn", 2)]);
        assert_eq!(
            registry.all_versions().unwrap().map(Result::unwrap).count(),
            3
        );
    });
}

#[test]
fn whoever_acts_is_written_down() {
    on_every_backend(|registry: Registry| {
        let model = with_versions(&registry, 1);
        let grace = registry.acting_as(Principal::new("grace").unwrap());
        grace.model("churn").unwrap().set_tag("k", "v").unwrap();
        let entry = registry.audit(Some(model.name())).unwrap().pop().unwrap();
        assert_eq!(
            (entry.action, entry.actor.as_str()),
            (Action::ModelTagged, "grace")
        );
        assert_eq!(entry.change.unwrap()["value"], "v");
    });
}
