//! Aliases and the generation that tells of their moves.

use mlops_core::ErrorKind;
use mlops_registry::Stage;

use crate::fixture::{
    alias, in_directory, on_every_backend, open, promote, register, with_versions,
};

#[test]
fn an_alias_points_where_it_was_last_pointed() {
    on_every_backend(|registry| {
        let model = with_versions(&registry, 2);
        let canary = alias("canary");
        model.set_alias(&canary, 1).unwrap();
        assert_eq!(registry.resolve("churn@canary").unwrap().version, 1);
        model.set_alias(&canary, 2).unwrap();
        assert_eq!(model.alias(&canary).unwrap().version, 2);
        assert_eq!(model.aliases().unwrap(), [(canary.clone(), 2)].into());
        model.delete_alias(&canary).unwrap();
        for result in [model.alias(&canary).map(drop), model.delete_alias(&canary)] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert!(error.to_string().contains("canary"), "{error}");
        }
        assert_eq!(
            model.set_alias(&canary, 9).unwrap_err().kind(),
            ErrorKind::NotFound
        );
        registry.verify_audit().unwrap();
    });
}

#[test]
fn reserved_aliases_are_denied() {
    on_every_backend(|registry| {
        let model = with_versions(&registry, 1);
        promote(&model, &registry, 1);
        for reserved in ["latest", "LATEST", "v1", "V2", "production"] {
            let reserved = alias(reserved);
            for result in [model.set_alias(&reserved, 1), model.delete_alias(&reserved)] {
                let error = result.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
                assert!(error.to_string().contains(reserved.as_str()), "{error}");
            }
        }
        assert_eq!(registry.resolve("churn@production").unwrap().version, 1);
    });
}

#[test]
fn the_generation_grows_with_every_change_that_a_server_must_see() {
    let (directory, registry) = in_directory();
    let elsewhere = open(directory.path()).unwrap();
    let model = registry.model("churn").unwrap();
    let mut last = elsewhere.generation().unwrap();
    let mut grows = |what: &str, expected: bool| {
        let now = elsewhere.generation().unwrap();
        assert_eq!(now > last, expected, "{what}");
        assert!(now >= last);
        last = now;
    };
    register(&model, 1);
    register(&model, 2);
    grows("registration", true);
    promote(&model, &registry, 1);
    grows("promotion", true);
    registry
        .experiment("churn")
        .unwrap()
        .start_run("r")
        .unwrap();
    grows("a run", false);
    model.set_alias(&alias("canary"), 2).unwrap();
    grows("an alias", true);
    model.delete_alias(&alias("canary")).unwrap();
    grows("a deleted alias", true);
    registry
        .transition(model.name(), 2, Stage::Staging, "")
        .unwrap();
    grows("a stage", true);
    registry.verify_audit().unwrap();
    grows("reading", false);
}
