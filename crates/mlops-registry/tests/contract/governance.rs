//! Policies, requests and sign-offs, on every backend.

use std::{collections::BTreeMap, sync::Arc};

use mlops_core::{
    Access, Action as Deed, Authorizer, Decision, Digest, ErrorKind, EventTime, ManualClock,
    ModelName, Principal,
};
use mlops_registry::{
    Action, DriftEvidence, Error, Evidence, Gate, GovernanceError, Interval, NewVersion, Occupants,
    Policy, RegisteredModel, Registry, RequestState, Stage, TransitionRequest,
};

use crate::fixture::{
    alias, evidence, gate, in_directory, in_memory, name, on_objects, open, package, register,
    with_versions,
};

fn policy(transitions: &str) -> Policy {
    Policy::from_json(&format!(
        r#"{{
        "format": 1,
        "roles": {{
            "trainer": ["ci", "cy"], "lead": ["ada", "both"], "compliance": ["grace", "both", "ci"],
            "admin": ["root"]
        }},
        "grants": [
            {{ "role": "trainer", "models": ["churn*"], "may": ["read", "write", "promote"] }},
            {{ "role": "lead", "models": ["*"], "may": ["read", "approve"] }},
            {{ "role": "compliance", "models": ["*"], "may": ["read", "approve"] }},
            {{ "role": "admin", "models": ["*"], "experiments": ["*"],
               "may": ["read", "write", "delete", "promote", "administer"] }}
        ],
        "transitions": [{transitions}],
        "protected_aliases": [ {{ "models": ["*"], "aliases": ["champion"], "roles": ["admin"] }} ]
    }}"#
    ))
    .unwrap()
}

const TWO: &str = r#"{ "models": ["*"], "to": "Production", "sign_offs": ["lead", "compliance"],
    "requires": { "gate": { "rules": [ { "metric": "pr_auc", "better": "higher", "against": "champion",
        "tolerance": 0.005 } ] }, "card": true }, "expires_after_seconds": 3600 }"#;

fn as_who(registry: &Registry, who: &str) -> Registry {
    registry.acting_as(Principal::new(who).unwrap())
}

/// A model with versions by `ci`, under a policy.
fn governed(registry: &Registry, versions: u32, transitions: &str) -> RegisteredModel {
    let model = with_versions(&as_who(registry, "ci"), versions);
    as_who(registry, "root")
        .set_policy(&policy(transitions), "from now on")
        .unwrap();
    model
}

fn on_every_backend(case: impl Fn(Registry, Arc<ManualClock>)) {
    let clock = || Arc::new(ManualClock::new(EventTime::from_seconds(1_000)));
    let (one, two) = (clock(), clock());
    case(in_memory(one.clone()), one);
    case(on_objects(two.clone()), two);
    let (directory, _registry) = in_directory();
    let three = clock();
    let builder = Registry::builder(crate::fixture::url(directory.path())).clock(three.clone());
    case(builder.open().unwrap(), three);
}

fn request(registry: &Registry, version: u32) -> TransitionRequest {
    let champion = registry.model("churn").unwrap().champion().unwrap();
    let evidence = Evidence::from(evidence(champion.map(|version| version.version)));
    registry
        .request(
            &name("churn"),
            version,
            Stage::Production,
            Some(&evidence),
            "better",
        )
        .unwrap()
}

#[test]
fn with_a_policy_what_is_not_granted_is_denied() {
    on_every_backend(|registry, _| {
        let model = governed(&registry, 1, "");
        let nobody = as_who(&registry, "nobody");
        let ci = as_who(&registry, "ci");
        let churn = name("churn");
        let denied: [(&str, mlops_registry::Result<()>); 12] = [
            ("read", nobody.resolve("churn/1").map(drop)),
            ("model", nobody.model("churn").map(drop)),
            ("load", nobody.load(&churn, 1).map(drop)),
            ("audit", nobody.audit(Some(&churn)).map(drop)),
            (
                "audit of all",
                as_who(&registry, "cy").audit(None).map(drop),
            ),
            ("verify", nobody.verify_audit()),
            ("make", as_who(&registry, "cy").model("age").map(drop)),
            ("delete", ci.model("churn").unwrap().delete_version(1, "")),
            ("policy", ci.set_policy(&policy(TWO), "")),
            (
                "stage",
                as_who(&registry, "ada")
                    .transition(&churn, 1, Stage::Staging, "")
                    .map(drop),
            ),
            (
                "champion",
                ci.model("churn").unwrap().set_alias(&alias("champion"), 1),
            ),
            (
                "tag",
                as_who(&registry, "ada")
                    .model("churn")
                    .unwrap()
                    .set_tag("k", "v")
                    .map(drop),
            ),
        ];
        for (what, result) in denied {
            let error = result.expect_err(what);
            assert!(
                matches!(error, Error::Governance(GovernanceError::Forbidden { .. })),
                "{what}: {error}"
            );
            assert_eq!(error.kind(), ErrorKind::Denied);
        }
        assert!(nobody.models().unwrap().is_empty());
        assert_eq!(ci.models().unwrap(), std::slice::from_ref(&churn));
        ci.model("churn")
            .unwrap()
            .set_alias(&alias("canary"), 1)
            .unwrap();
        let root = as_who(&registry, "root");
        root.model("churn")
            .unwrap()
            .set_alias(&alias("champion"), 1)
            .unwrap();
        let error = ci
            .model("churn")
            .unwrap()
            .delete_alias(&alias("champion"))
            .unwrap_err();
        assert!(error.to_string().contains("protected"), "{error}");
        root.model("churn").unwrap().delete_version(1, "").unwrap();
        root.verify_audit().unwrap();
        drop(model);
    });
}

#[test]
fn a_promotion_happens_only_with_both_sign_offs_and_with_its_evidence() {
    on_every_backend(|registry, _| {
        governed(&registry, 1, TWO);
        let (ci, cy) = (as_who(&registry, "ci"), as_who(&registry, "cy"));
        let churn = name("churn");
        // not by the ways round it
        let direct = ci.promote(&churn, 1, &gate(), &evidence(None)).unwrap_err();
        assert!(
            matches!(
                direct,
                Error::Governance(GovernanceError::PolicyUnmet { .. })
            ),
            "{direct}"
        );
        let by_hand = ci.set_stage(&churn, 1, Stage::Production, Occupants::Archive, "");
        assert!(matches!(
            by_hand.unwrap_err(),
            Error::Governance(GovernanceError::PolicyUnmet { .. })
        ));

        let asked = request(&cy, 1);
        assert_eq!((asked.number, asked.state), (1, RequestState::Open));
        let early = cy.complete(&churn, 1).unwrap_err();
        assert!(
            early.to_string().contains("`lead`, `compliance`")
                || early.to_string().contains("lead"),
            "{early}"
        );
        let refused = |who: &str, why: &str| {
            let error = as_who(&registry, who).approve(&churn, 1, "").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
            assert!(error.to_string().contains(why), "{error}");
        };
        // the author has a role that signs, and signs nothing of their own
        refused("ci", "registered the version");
        refused("root", "may not sign off");
        as_who(&registry, "ada").approve(&churn, 1, "fine").unwrap();
        refused("ada", "signed already");
        let half = cy.complete(&churn, 1).unwrap_err();
        assert!(half.to_string().contains("`compliance`"), "{half}");
        assert!(
            registry
                .acting_as(Principal::new("cy").unwrap())
                .resolve("churn@production")
                .is_err()
        );
        as_who(&registry, "grace")
            .approve(&churn, 1, "fine too")
            .unwrap();
        let champion = cy.complete(&churn, 1).unwrap();
        assert_eq!((champion.version, champion.stage), (1, Stage::Production));
        assert_eq!(cy.resolve("churn@production").unwrap().version, 1);

        let trail = cy.audit(Some(&churn)).unwrap();
        let promoted = trail
            .iter()
            .find(|entry| entry.action == Action::Promoted)
            .unwrap();
        let grounds = promoted.evidence.as_ref().unwrap();
        assert_eq!(grounds["approvals"][0]["principal"], "ada");
        assert_eq!(grounds["approvals"][1]["principal"], "grace");
        assert_eq!(grounds["evidence"]["candidate_metrics"]["pr_auc"], 0.8);
        let actions: Vec<_> = trail
            .iter()
            .rev()
            .take(3)
            .map(|entry| entry.action)
            .collect();
        assert_eq!(
            actions,
            [Action::AliasSet, Action::Promoted, Action::RequestCompleted]
        );
        let done = cy.complete(&churn, 1).unwrap_err();
        assert!(matches!(
            done,
            Error::Governance(GovernanceError::RequestClosed {
                state: RequestState::Completed,
                ..
            })
        ));
        as_who(&registry, "root").verify_audit().unwrap();
    });
}

#[test]
fn one_person_with_two_roles_is_not_two_people() {
    on_every_backend(|registry, _| {
        governed(&registry, 1, TWO);
        let cy = as_who(&registry, "cy");
        request(&cy, 1);
        let churn = name("churn");
        as_who(&registry, "both").approve(&churn, 1, "").unwrap();
        assert!(cy.complete(&churn, 1).is_err());
        as_who(&registry, "ada").approve(&churn, 1, "").unwrap();
        cy.complete(&churn, 1).unwrap();
    });
}

#[test]
fn who_asked_does_not_sign() {
    on_every_backend(|registry, _| {
        let root = as_who(&registry, "root");
        with_versions(&root, 1);
        root.set_policy(&policy(TWO), "").unwrap();
        // ci may promote, and is in compliance
        request(&as_who(&registry, "ci"), 1);
        let error = as_who(&registry, "ci")
            .approve(&name("churn"), 1, "")
            .unwrap_err();
        assert!(error.to_string().contains("asked for it"), "{error}");
    });
}

#[test]
fn what_changed_in_between_voids_the_sign_offs() {
    // what happens after both signed, and what the request is told
    type Meanwhile = fn(&Registry, &ModelName);
    let cases: [(Meanwhile, &str); 4] = [
        (
            |registry, churn| {
                let root = as_who(registry, "root");
                root.transition(churn, 2, Stage::Staging, "").unwrap();
            },
            "in Staging now",
        ),
        (
            |registry, _| {
                let root = as_who(registry, "root");
                root.set_policy(&policy(&TWO.replace("3600", "7200")), "")
                    .unwrap();
            },
            "policy",
        ),
        (
            |registry, churn| {
                let cy = as_who(registry, "cy");
                let asked = request(&cy, 3).number;
                for who in ["ada", "grace"] {
                    as_who(registry, who).approve(churn, asked, "").unwrap();
                }
                cy.complete(churn, asked).unwrap();
            },
            "champion",
        ),
        (
            |registry, churn| {
                as_who(registry, "root")
                    .model(churn.as_str())
                    .unwrap()
                    .delete_version(2, "")
                    .unwrap();
            },
            "deleted",
        ),
    ];
    for (meanwhile, told) in cases {
        on_every_backend(|registry, _| {
            governed(&registry, 3, TWO);
            let (cy, churn) = (as_who(&registry, "cy"), name("churn"));
            request(&cy, 2);
            for who in ["ada", "grace"] {
                as_who(&registry, who).approve(&churn, 1, "").unwrap();
            }
            meanwhile(&registry, &churn);
            // even the look before the decision may find that it is gone
            let error = cy.withdraw(&churn, 1, "").unwrap_err();
            assert!(
                matches!(
                    &error,
                    Error::Governance(GovernanceError::RequestVoid { .. })
                ),
                "{error}"
            );
            assert_eq!(error.kind(), ErrorKind::Conflict);
            assert!(error.to_string().contains(told), "{error}");
            let closed = cy.requests(&churn).unwrap().remove(0);
            assert_eq!(closed.state, RequestState::Void);
            let error = cy.complete(&churn, 1).unwrap_err();
            assert!(error.kind() == ErrorKind::Conflict || error.kind() == ErrorKind::NotFound);
            as_who(&registry, "root").verify_audit().unwrap();
        });
    }
}

#[test]
fn a_request_expires_by_the_clock() {
    on_every_backend(|registry, clock| {
        governed(&registry, 2, TWO);
        let (cy, churn) = (as_who(&registry, "cy"), name("churn"));
        request(&cy, 1);
        request(&cy, 2);
        clock.set(EventTime::from_seconds(1_000 + 3_599));
        as_who(&registry, "ada").approve(&churn, 1, "").unwrap();
        clock.set(EventTime::from_seconds(1_000 + 3_600));
        let error = as_who(&registry, "grace")
            .approve(&churn, 1, "")
            .unwrap_err();
        assert!(matches!(
            error,
            Error::Governance(GovernanceError::RequestClosed {
                state: RequestState::Expired,
                ..
            })
        ));
        assert_eq!(cy.expire_requests(&churn).unwrap(), [2]);
        let states: Vec<_> = cy
            .requests(&churn)
            .unwrap()
            .iter()
            .map(|r| r.state)
            .collect();
        assert_eq!(states, [RequestState::Expired; 2]);
        as_who(&registry, "root").verify_audit().unwrap();
    });
}

#[test]
fn a_request_is_refused_or_taken_back_once() {
    on_every_backend(|registry, _| {
        governed(&registry, 2, TWO);
        let (cy, churn) = (as_who(&registry, "cy"), name("churn"));
        request(&cy, 1);
        request(&cy, 2);
        let other = as_who(&registry, "ci").withdraw(&churn, 1, "").unwrap_err();
        assert!(
            matches!(other, Error::Governance(GovernanceError::Forbidden { .. })),
            "{other}"
        );
        let rejected = as_who(&registry, "grace")
            .reject(&churn, 1, "no card")
            .unwrap();
        assert_eq!(rejected.state, RequestState::Rejected);
        assert_eq!(
            cy.withdraw(&churn, 2, "a mistake").unwrap().state,
            RequestState::Withdrawn
        );
        for number in [1, 2] {
            let error = as_who(&registry, "ada")
                .approve(&churn, number, "")
                .unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::Governance(GovernanceError::RequestClosed { .. })
                ),
                "{error}"
            );
        }
        assert_eq!(
            cy.complete(&churn, 9).unwrap_err().kind(),
            ErrorKind::NotFound
        );
        as_who(&registry, "root").verify_audit().unwrap();
    });
}

#[test]
fn the_policys_gate_counts_whatever_gate_the_caller_brings() {
    let transitions = TWO.replace(r#""sign_offs": ["lead", "compliance"],"#, "");
    on_every_backend(|registry, _| {
        governed(&registry, 2, &transitions);
        let (ci, churn) = (as_who(&registry, "ci"), name("churn"));
        ci.promote(&churn, 1, &Gate::open(), &evidence(None))
            .unwrap();
        let mut worse = evidence(Some(1));
        worse.candidate_metrics.insert("pr_auc".into(), 0.1);
        let error = ci.promote(&churn, 2, &Gate::open(), &worse).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Governance(GovernanceError::PolicyUnmet { .. })
            ),
            "{error}"
        );
        assert!(
            error.to_string().contains("`pr_auc` is 0.100000, below"),
            "{error}"
        );
        ci.promote(&churn, 2, &Gate::open(), &evidence(Some(1)))
            .unwrap();
    });
}

#[test]
fn a_version_without_a_card_or_package_does_not_pass_for_one() {
    let transitions = TWO.replace(r#""sign_offs": ["lead", "compliance"],"#, "");
    on_every_backend(|registry, _| {
        let model = governed(&registry, 0, &transitions);
        let ci = as_who(&registry, "ci");
        let foreign = NewVersion::source("runs:/x/model");
        model.register_version(&foreign).unwrap();
        let error = ci
            .promote(model.name(), 1, &Gate::open(), &evidence(None))
            .unwrap_err();
        assert!(error.to_string().contains("no card"), "{error}");
    });
}

#[test]
fn drift_counts_between_the_profiles_of_candidate_and_champion_only() {
    let transitions =
        r#"{ "models": ["*"], "to": "Production", "requires": { "max_drift": { "psi": 0.2 } } }"#;
    on_every_backend(|registry, _| {
        let ci = as_who(&registry, "ci");
        let model = ci.model("churn").unwrap();
        for profile in ["one", "two"] {
            let package = mlops_model::ModelPackage::builder(package(1).spec().clone())
                .profile(profile)
                .created(EventTime::from_seconds(0))
                .build()
                .unwrap();
            model
                .register(&package, None, &mlops_core::Lineage::default(), "")
                .unwrap();
        }
        as_who(&registry, "root")
            .set_policy(&policy(transitions), "")
            .unwrap();
        ci.promote(model.name(), 1, &gate(), &evidence(None))
            .unwrap();
        let profile = |version| model.version(version).unwrap().files["reference_profile.json"];
        let with = |candidate, champion, psi| {
            let drift = DriftEvidence {
                candidate,
                champion,
                measures: BTreeMap::from([("psi".to_owned(), psi)]),
            };
            let evidence = Evidence::from(evidence(Some(1))).drift(drift);
            ci.promote_on(model.name(), 2, &gate(), &evidence).map(drop)
        };
        let none = ci
            .promote(model.name(), 2, &gate(), &evidence(Some(1)))
            .unwrap_err();
        assert!(none.to_string().contains("not measured"), "{none}");
        for (candidate, champion, psi, told) in [
            (profile(1), profile(1), 0.1, "other reference profiles"),
            (
                Digest::of(b"x"),
                profile(1),
                0.1,
                "other reference profiles",
            ),
            (profile(2), profile(1), 0.21, "above 0.2"),
            (profile(2), profile(1), f64::NAN, "above 0.2"),
        ] {
            let error = with(candidate, champion, psi).unwrap_err();
            assert!(error.to_string().contains(told), "{error}");
        }
        with(profile(2), profile(1), 0.2).unwrap();
    });
}

#[test]
fn an_interval_gate_wants_the_worse_end() {
    on_every_backend(|registry, _| {
        let model = with_versions(&registry, 2);
        registry
            .promote(model.name(), 1, &gate(), &evidence(None))
            .unwrap();
        let surely = Gate::surely_no_worse_than_champion("pr_auc", 0.01);
        let bare = registry
            .promote(model.name(), 2, &surely, &evidence(Some(1)))
            .unwrap_err();
        assert!(bare.to_string().contains("no interval"), "{bare}");
        let with = |lower, upper| {
            let interval = Interval {
                lower,
                upper,
                level: 0.95,
            };
            let evidence = Evidence::from(evidence(Some(1))).difference("pr_auc", interval);
            registry.promote_on(model.name(), 2, &surely, &evidence)
        };
        // 0.8 - 0.7 is the difference
        for (lower, upper) in [(-0.02, 0.2), (0.2, 0.3), (0.2, 0.05), (f64::NAN, 0.2)] {
            let error = with(lower, upper).unwrap_err();
            assert!(matches!(error, Error::GateRefused { .. }), "{error}");
        }
        with(-0.01, 0.2).unwrap();
        registry.verify_audit().unwrap();
    });
}

#[test]
fn a_policy_survives_its_text_and_is_asked_by_others() {
    let policy = policy(TWO);
    assert_eq!(Policy::from_json(&policy.to_json()).unwrap(), policy);
    let ask = |who: &str, deed, kind, name| {
        let access = Access {
            kind,
            name,
            column: None,
            personal: false,
        };
        policy.decide(&Principal::new(who).unwrap(), deed, &access)
    };
    assert_eq!(
        ask("ci", Deed::Write, "registered_model", "churn-2"),
        Decision::Allow
    );
    assert_eq!(
        ask("ci", Deed::Write, "registered_model", "age"),
        Decision::Deny
    );
    assert_eq!(
        ask("root", Deed::Write, "experiment", "any"),
        Decision::Allow
    );
    assert_eq!(ask("ci", Deed::Read, "experiment", "any"), Decision::Deny);
    assert_eq!(
        ask("root", Deed::Read, "feature_view", "any"),
        Decision::Deny
    );
}

#[test]
fn a_policy_that_makes_no_sense_is_refused_with_the_reason() {
    let good = policy(TWO).to_json();
    for (from, to, told) in [
        ("\"format\":1", "\"format\":2", "format is 2"),
        (
            "\"transitions\":",
            "\"surprise\":1,\"transitions\":",
            "surprise",
        ),
        (
            "\"lead\",\"compliance\"],\"requires",
            "\"lead\",\"nobody\"],\"requires",
            "`nobody` is not defined",
        ),
        ("\"administer\"", "\"read\"", "nobody may administer"),
        (
            "\"sign_offs\":[\"lead\",\"compliance\"]",
            "\"sign_offs\":[\"admin\",\"admin\"]",
            "too few people",
        ),
        (
            "\"tolerance\":0.005",
            "\"tolerance\":-1.0",
            "tolerance is negative",
        ),
        (
            "\"card\":true",
            "\"card\":true,\"signature\":{\"trusted\":1}",
            "0 keys are trusted",
        ),
        (
            "\"card\":true",
            "\"card\":true,\"max_drift\":{\"psi\":-1.0}",
            "limit of drift",
        ),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good, "{from}");
        let error = Policy::from_json(&bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[test]
fn everybody_who_opens_the_file_is_under_the_policy() {
    let (directory, registry) = in_directory();
    governed(&registry, 1, "");
    let other = open(directory.path()).unwrap();
    assert_eq!(
        other.resolve("churn/1").unwrap_err().kind(),
        ErrorKind::Denied
    );
    let ci = as_who(&other, "ci");
    assert_eq!(register(&ci.model("churn").unwrap(), 2).version, 2);
    as_who(&registry, "root").verify_audit().unwrap();
}

#[cfg(feature = "sign")]
#[test]
fn a_trusted_signature_is_one_by_a_key_of_the_policy_over_this_very_package() {
    use mlops_model::SigningKey;

    let (key, other) = (
        SigningKey::generate().unwrap(),
        SigningKey::generate().unwrap(),
    );
    let rule =
        r#"{ "models": ["*"], "to": "Production", "requires": { "signature": { "trusted": 1 } } }"#;
    let mut json: serde_json::Value = serde_json::from_str(&policy("").to_json()).unwrap();
    json["transitions"] = serde_json::from_str(&format!("[{rule}]")).unwrap();
    json["trusted_keys"]["release"] = key.public_key().to_pem().into();
    let policy = Policy::from_json(&json.to_string()).unwrap();
    on_every_backend(|registry, _| {
        let ci = as_who(&registry, "ci");
        let model = with_versions(&ci, 2);
        as_who(&registry, "root").set_policy(&policy, "").unwrap();
        let promote = || {
            ci.promote(model.name(), 1, &gate(), &evidence(None))
                .map(drop)
        };
        let refused = |told: &str| {
            let error = promote().unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::Governance(GovernanceError::PolicyUnmet { .. })
                ),
                "{error}"
            );
            assert!(error.to_string().contains(told), "{error}");
        };
        refused("0 trusted keys");
        model.add_signature(1, "noise", b"not a signature").unwrap();
        let sign = |key: &SigningKey, number| package(number).sign(key).to_base64();
        // by another key, and over another package
        model
            .add_signature(1, "stranger.sig", sign(&other, 1).as_bytes())
            .unwrap();
        model
            .add_signature(1, "other.sig", sign(&key, 2).as_bytes())
            .unwrap();
        refused("0 trusted keys");
        model
            .add_signature(1, "release.sig", sign(&key, 1).as_bytes())
            .unwrap();
        promote().unwrap();
        let trail = ci.audit(Some(model.name())).unwrap();
        let promoted = trail
            .iter()
            .find(|entry| entry.action == Action::Promoted)
            .unwrap();
        let findings = &promoted.evidence.as_ref().unwrap()["verdict"]["findings"];
        assert!(findings[0]["reason"].as_str().unwrap().contains("release"));
    });
}
