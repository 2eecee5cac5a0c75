//! Promotion: gates, champions, evidence.

use mlops_core::ErrorKind;
use mlops_registry::{Action, Error, Gate, Stage};

use crate::fixture::{evidence, gate, metrics, name, on_every_backend, promote, with_versions};

#[test]
fn the_old_champion_is_archived_and_the_alias_moves() {
    on_every_backend(|registry| {
        let model = with_versions(&registry, 2);
        let first = promote(&model, &registry, 1);
        assert_eq!((first.version, first.replaced), (1, None));
        assert_eq!(registry.resolve("churn@production").unwrap().version, 1);
        let second = promote(&model, &registry, 2);
        assert_eq!((second.version, second.replaced), (2, Some(1)));
        let champion = registry.resolve("churn@production").unwrap();
        assert_eq!((champion.version, champion.stage), (2, Stage::Production));
        assert_eq!(model.champion().unwrap(), Some(champion));
        assert_eq!(model.version(1).unwrap().stage, Stage::Archived);
        // and back again
        assert_eq!(promote(&model, &registry, 1).replaced, Some(2));
        registry.verify_audit().unwrap();
    });
}

#[test]
fn the_audit_trail_tells_the_whole_promotion_with_its_numbers() {
    on_every_backend(|registry| {
        let model = with_versions(&registry, 2);
        promote(&model, &registry, 1);
        let promotion = promote(&model, &registry, 2);
        let trail = registry.audit(Some(model.name())).unwrap();
        let tail: Vec<_> = trail[trail.len() - 3..]
            .iter()
            .map(|e| (e.action, e.version, e.from.as_deref(), e.to.as_deref()))
            .collect();
        assert_eq!(
            tail,
            [
                (
                    Action::StageChanged,
                    Some(1),
                    Some("Production"),
                    Some("Archived")
                ),
                (Action::Promoted, Some(2), Some("None"), Some("Production")),
                (Action::AliasSet, Some(2), Some("1"), Some("2")),
            ]
        );
        let entry = trail
            .iter()
            .find(|e| e.id == promotion.audit_entry)
            .unwrap();
        assert_eq!(entry.action, Action::Promoted);
        let grounds = entry.evidence.as_ref().unwrap();
        assert_eq!(grounds["evidence"]["candidate_metrics"]["pr_auc"], 0.8);
        assert_eq!(grounds["evidence"]["champion"], 1);
        assert_eq!(grounds["evidence"]["rows"], 1_000);
        assert_eq!(grounds["gate"]["rules"][0]["tolerance"], 0.005);
        assert_eq!(grounds["decision"]["passed"], true);
        assert!(entry.reason.contains("pr_auc"), "{}", entry.reason);
    });
}

#[test]
fn a_gates_no_changes_nothing_but_the_audit_trail() {
    on_every_backend(|registry| {
        let model = with_versions(&registry, 2);
        promote(&model, &registry, 1);
        let generation = registry.generation().unwrap();
        let cases = [(0.6949, "below"), (f64::NAN, "NaN"), (f64::INFINITY, "inf")];
        for (value, part) in cases {
            let mut evidence = evidence(Some(1));
            evidence.candidate_metrics = metrics(&[("pr_auc", value)]);
            let error = registry
                .promote(model.name(), 2, &gate(), &evidence)
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Denied);
            let message = error.to_string();
            for part in ["version 2", "churn", "pr_auc", part] {
                assert!(message.contains(part), "{message}");
            }
            assert!(matches!(error, Error::GateRefused { decision, .. } if !decision.passed));
            let last = registry.audit(None).unwrap().pop().unwrap();
            assert_eq!(
                (last.action, last.version),
                (Action::PromotionRefused, Some(2))
            );
        }
        let nan = registry
            .audit(None)
            .unwrap()
            .into_iter()
            .rev()
            .nth(1)
            .unwrap();
        assert_eq!(
            nan.evidence.unwrap()["evidence"]["candidate_metrics"]["pr_auc"],
            "NaN"
        );
        assert_eq!(registry.resolve("churn@production").unwrap().version, 1);
        assert_eq!(model.version(2).unwrap().stage, Stage::None);
        assert_eq!(registry.generation().unwrap(), generation);
        registry.verify_audit().unwrap();
    });
}

#[test]
fn a_candidate_exactly_at_the_tolerance_is_promoted() {
    on_every_backend(|registry| {
        let model = with_versions(&registry, 2);
        promote(&model, &registry, 1);
        let mut evidence = evidence(Some(1));
        evidence.champion_metrics = metrics(&[("pr_auc", 0.81), ("log_loss", 0.3)]);
        evidence.candidate_metrics = metrics(&[("pr_auc", 0.805), ("log_loss", 0.3)]);
        let gate = gate().and(Gate::no_higher_than_champion("log_loss", 0.0));
        let promotion = registry.promote(model.name(), 2, &gate, &evidence).unwrap();
        assert!(promotion.decision.checks.iter().all(|check| check.passed));
    });
}

#[test]
fn evidence_against_another_champion_is_stale() {
    on_every_backend(|registry| {
        let model = with_versions(&registry, 3);
        let stale = |compared, champion: &str| {
            let error = registry
                .promote(model.name(), 3, &gate(), &evidence(compared))
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict);
            let message = error.to_string();
            assert!(
                matches!(error, Error::StaleEvidence { version: 3, .. }),
                "{message}"
            );
            assert!(message.contains(champion), "{message}");
        };
        stale(Some(1), "no champion is in production");
        promote(&model, &registry, 1);
        stale(None, "version 1 is in production");
        promote(&model, &registry, 2);
        stale(Some(1), "version 2 is in production");
        let error = registry
            .promote(model.name(), 2, &gate(), &evidence(Some(2)))
            .unwrap_err();
        assert!(
            matches!(error, Error::AlreadyInProduction { version: 2, .. }),
            "{error}"
        );
        assert_eq!(error.kind(), ErrorKind::Conflict);
        registry.verify_audit().unwrap();
    });
}

#[test]
fn bad_input_is_refused_before_anything_is_written() {
    on_every_backend(|registry| {
        let model = with_versions(&registry, 1);
        let entries = registry.audit(None).unwrap().len();
        let kind = |model: &str, version, gate: &Gate, evidence| {
            registry
                .promote(&name(model), version, gate, &evidence)
                .unwrap_err()
                .kind()
        };
        let mut empty = evidence(None);
        empty.rows = 0;
        assert_eq!(kind("churn", 1, &gate(), empty), ErrorKind::Invalid);
        let senseless = Gate::no_worse_than_champion("pr_auc", -1.0);
        assert_eq!(
            kind("churn", 1, &senseless, evidence(None)),
            ErrorKind::Invalid
        );
        assert_eq!(
            kind("churn", 2, &gate(), evidence(None)),
            ErrorKind::NotFound
        );
        assert_eq!(
            kind("absent", 1, &gate(), evidence(None)),
            ErrorKind::NotFound
        );
        assert_eq!(registry.audit(None).unwrap().len(), entries);
        assert!(model.champion().unwrap().is_none());
    });
}

#[test]
fn two_models_have_two_champions() {
    on_every_backend(|registry| {
        let churn = with_versions(&registry, 1);
        let age = registry.model("age").unwrap();
        crate::fixture::register(&age, 7);
        promote(&churn, &registry, 1);
        promote(&age, &registry, 1);
        assert_eq!(
            registry.resolve("age@production").unwrap().model,
            name("age")
        );
        let of_age = registry.audit(Some(age.name())).unwrap();
        assert!(of_age.iter().all(|entry| entry.model == name("age")));
        registry.verify_audit().unwrap();
    });
}
