//! Processes that are killed, or race each other, in the middle of requests, sign-offs and changes of models, on
//! SQLite and on commit logs in a directory.

use std::{fs, path::Path};

use mlops_core::{Principal, Seed};
use mlops_registry::{Evidence, NewVersion, Policy, Registry, RequestState, Stage};
use mlops_store::Location;

use crate::{
    crash::{Worker, after, assert_sound, kill, say},
    fixture::{evidence, name, open, promote, rounds, url, with_versions},
};

const POLICY: &str = r#"{
    "format": 1,
    "roles": { "all": ["ci", "root", "mlops"], "lead": ["ada"], "compliance": ["grace"] },
    "grants": [
        { "role": "all", "models": ["*"], "may": ["read", "write", "delete", "promote", "administer"] },
        { "role": "lead", "models": ["*"], "may": ["read", "approve"] },
        { "role": "compliance", "models": ["*"], "may": ["read", "approve"] }
    ],
    "transitions": [ { "models": ["*"], "to": "Production", "sign_offs": ["lead", "compliance"] } ]
}"#;

/// A registry whose models lie in commit logs in the directory.
pub(crate) fn in_logs(directory: &Path) -> Registry {
    let location = Location::file(directory.join("models"));
    let builder = Registry::builder(url(directory)).models_at(location);
    builder.open().unwrap()
}

fn as_who(registry: &Registry, who: &str) -> Registry {
    registry.acting_as(Principal::new(who).unwrap())
}

/// Requests, sign-offs and completions, for version 1 and version 2 in turns.
pub(crate) fn govern_for_ever(registry: &Registry) {
    let (churn, ci) = (name("churn"), as_who(registry, "ci"));
    loop {
        let champion = registry
            .model("churn")
            .unwrap()
            .champion()
            .unwrap()
            .unwrap()
            .version;
        let version = 3 - champion;
        say(&format!("try {version}"));
        let evidence = Evidence::from(evidence(Some(champion)));
        let asked = ci
            .request(&churn, version, Stage::Production, Some(&evidence), "")
            .unwrap();
        for who in ["ada", "grace"] {
            as_who(registry, who)
                .approve(&churn, asked.number, "")
                .unwrap();
            say(&format!("signed {} {who}", asked.number));
        }
        ci.complete(&churn, asked.number).unwrap();
        say(&format!("ack {version}"));
    }
}

/// Versions that come and go, with tags and aliases.
pub(crate) fn change_for_ever(registry: &Registry) {
    let model = registry.model("churn").unwrap();
    let canary = crate::fixture::alias("canary");
    for round in 0_u64.. {
        let new = NewVersion::source("runs:/x/model").tag("round", round.to_string());
        let version = model.register_version(&new).unwrap().version;
        say(&format!("made {version}"));
        model
            .set_version_tag(version, "k", &round.to_string())
            .unwrap();
        model.set_alias(&canary, version).unwrap();
        say(&format!("tagged {version} {round}"));
        if round % 2 == 1 {
            model.delete_version(version, "").unwrap();
            say(&format!("gone {version}"));
        }
    }
}

pub(crate) type Opener = fn(&Path) -> Registry;
pub(crate) const BACKENDS: [(&str, Opener); 2] =
    [("", |path| open(path).unwrap()), (" logs", in_logs)];

#[test]
fn a_kill_in_the_middle_of_a_sign_off_loses_none_that_was_acknowledged() {
    for (suffix, open) in BACKENDS {
        let directory = tempfile::tempdir().unwrap();
        let registry = open(directory.path());
        let model = with_versions(&registry, 2);
        promote(&model, &registry, 1);
        let policy = Policy::from_json(POLICY).unwrap();
        registry.set_policy(&policy, "").unwrap();
        drop((registry, model));
        let mut rng = Seed(11).rng();
        let mut acknowledged = 0;
        for round in 0..rounds(12) {
            let work = format!("govern{suffix}");
            let lines = kill(directory.path(), &work, round, "try", 150, &mut rng);
            let registry = open(directory.path());
            registry.verify_audit().unwrap();
            assert_sound(&directory.path().join("mlops.db"));
            let churn = name("churn");
            let champion = registry.resolve("churn@production").unwrap();
            assert_eq!(champion.stage, Stage::Production);
            let requests = registry.requests(&churn).unwrap();
            for signed in after(&lines, "signed ") {
                acknowledged += 1;
                let (number, who) = signed.split_once(' ').unwrap();
                let request = &requests[number.parse::<usize>().unwrap() - 1];
                assert!(
                    request
                        .approvals
                        .iter()
                        .any(|a| a.principal.as_str() == who)
                );
            }
            let completed = after(&lines, "ack ").count();
            // each acknowledged completion is one, and one more may have been under way
            let tried = after(&lines, "try ").count();
            assert!(tried - completed <= 1, "{lines:?}");
            let done = requests
                .iter()
                .filter(|r| r.state == RequestState::Completed)
                .count();
            let promoted = registry.audit(Some(&churn)).unwrap();
            let promoted = promoted
                .iter()
                .filter(|e| e.action.as_str() == "promoted")
                .count();
            assert_eq!(promoted, done + 1);
        }
        println!("{acknowledged} acknowledged on{suffix}");
        assert!(acknowledged > 0, "nothing was acknowledged on{suffix}");
    }
}

#[test]
fn a_kill_in_the_middle_of_any_change_loses_none_that_was_acknowledged() {
    for (suffix, open) in BACKENDS {
        let directory = tempfile::tempdir().unwrap();
        drop(open(directory.path()));
        let mut rng = Seed(12).rng();
        let mut acknowledged = 0;
        for round in 0..rounds(12) {
            let work = format!("change{suffix}");
            let lines = kill(directory.path(), &work, round, "made", 120, &mut rng);
            let registry = open(directory.path());
            registry.verify_audit().unwrap();
            assert_sound(&directory.path().join("mlops.db"));
            let model = registry.model("churn").unwrap();
            let gone: Vec<&str> = after(&lines, "gone ").collect();
            for version in &gone {
                assert!(model.version(version.parse().unwrap()).is_err());
            }
            for tagged in after(&lines, "tagged ") {
                acknowledged += 1;
                let (version, round) = tagged.split_once(' ').unwrap();
                match model.version(version.parse().unwrap()) {
                    Ok(found) => assert_eq!(found.tags["k"], round),
                    // its deletion may have been under way
                    Err(_) => assert_eq!(round.parse::<u64>().unwrap() % 2, 1),
                }
            }
        }
        println!("{acknowledged} acknowledged on{suffix}");
        assert!(acknowledged > 0, "nothing was acknowledged on{suffix}");
    }
}

#[test]
fn of_two_processes_that_promote_at_once_on_a_commit_log_one_wins_and_the_other_is_told_why() {
    let directory = tempfile::tempdir().unwrap();
    let registry = in_logs(directory.path());
    let model = with_versions(&registry, 3);
    promote(&model, &registry, 1);
    let start = directory.path().join("start");
    for _ in 0..6 {
        let racers = [2, 3].map(|version| {
            let mut racer = Worker::start(directory.path(), format!("race logs {version}"));
            racer.wait_for("ready");
            (version, racer)
        });
        fs::write(&start, b"").unwrap();
        let answers = racers.map(|(version, racer)| (version, racer.end()));
        fs::remove_file(&start).unwrap();
        registry.verify_audit().unwrap();
        let champion = registry.resolve("churn@production").unwrap().version;
        for (version, answer) in answers {
            let expected = if version == champion {
                "won".to_owned()
            } else {
                format!(
                    "lost Conflict version {version} of model `churn` was compared with version 1, \
                     but version {champion} is in production now"
                )
            };
            assert!(answer.contains(&expected), "{answer:?}");
        }
        promote(&model, &registry, 1);
    }
}
