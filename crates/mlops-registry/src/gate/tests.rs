//! Gates on their limits, on what is missing, and on what is no number.

use mlops_core::Digest;

use super::*;

fn metrics(values: &[(&str, f64)]) -> BTreeMap<String, f64> {
    values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect()
}

fn evidence(
    candidate: &[(&str, f64)],
    champion: Option<&[(&str, f64)]>,
    baseline: &[(&str, f64)],
) -> GateEvidence {
    GateEvidence {
        data: Digest::of(b"rows"),
        rows: 100,
        champion: champion.map(|_| 1),
        candidate_metrics: metrics(candidate),
        champion_metrics: champion.map(metrics).unwrap_or_default(),
        baseline_metrics: metrics(baseline),
    }
}

fn passes(gate: &Gate, candidate: f64, champion: f64) -> bool {
    let evidence = evidence(&[("m", candidate)], Some(&[("m", champion)]), &[]);
    gate.decide(&evidence).unwrap().passed
}

#[test]
fn a_candidate_exactly_on_the_limit_passes_and_one_below_it_does_not() {
    let higher = Gate::no_worse_than_champion("m", 0.005);
    let lower = Gate::no_higher_than_champion("m", 0.005);
    for thousandths in 5..=995_i32 {
        // decimal numbers, most of which have no exact binary form
        let champion = f64::from(thousandths) / 1000.0;
        let under = f64::from(thousandths - 5) / 1000.0;
        let over = f64::from(thousandths + 5) / 1000.0;
        assert!(
            passes(&higher, under, champion),
            "{under} against {champion}"
        );
        assert!(passes(&lower, over, champion), "{over} against {champion}");
        assert!(
            !passes(&higher, under - 1e-12, champion),
            "{under} against {champion}"
        );
        assert!(
            !passes(&lower, over + 1e-12, champion),
            "{over} against {champion}"
        );
    }
}

#[test]
fn without_a_tolerance_equal_passes_and_worse_does_not() {
    let gate = Gate::no_higher_than_champion("m", 0.0);
    assert!(passes(&gate, 0.31, 0.31) && passes(&gate, 0.30, 0.31));
    assert!(!passes(&gate, 0.310_000_1, 0.31));
    assert!(passes(&gate, 0.0, 0.0) && !passes(&gate, f64::MIN_POSITIVE, 0.0));
    assert!(passes(&gate, -2.0, -1.0) && !passes(&gate, -1.0, -2.0));
}

#[test]
fn what_is_no_finite_number_passes_no_rule() {
    let gates = [
        Gate::no_worse_than_champion("m", 1e9),
        Gate::no_higher_than_champion("m", 1e9),
        Gate::no_worse_than_baseline("m"),
        Gate::no_higher_than_baseline("m"),
        Gate::at_least("m", f64::MIN),
        Gate::at_most("m", f64::MAX),
    ];
    for gate in gates {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let with = evidence(&[("m", bad)], Some(&[("m", 0.5)]), &[("m", 0.5)]);
            let decision = gate.decide(&with).unwrap();
            assert!(!decision.passed, "{gate:?} let {bad} through");
            assert!(decision.to_string().contains("`m` is"), "{decision}");
            let without = evidence(&[("m", bad)], None, &[]);
            assert!(
                !gate.decide(&without).unwrap().passed,
                "{gate:?} let {bad} through"
            );
        }
    }
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(!passes(&Gate::no_worse_than_champion("m", 0.1), 0.9, bad));
        assert!(!passes(&Gate::no_higher_than_champion("m", 0.1), 0.9, bad));
    }
}

#[test]
fn a_metric_that_is_missing_passes_no_rule_and_is_named() {
    let gate = Gate::no_worse_than_champion("pr_auc", 0.005);
    let cases = [
        (
            evidence(&[], Some(&[("pr_auc", 0.5)]), &[]),
            "the candidate has no `pr_auc`",
        ),
        (
            evidence(&[("pr_auc", 0.5)], Some(&[]), &[]),
            "the champion has no `pr_auc`",
        ),
        (evidence(&[], None, &[]), "the candidate has no `pr_auc`"),
    ];
    for (evidence, reason) in cases {
        let decision = gate.decide(&evidence).unwrap();
        assert!(!decision.passed);
        assert_eq!(decision.to_string(), reason);
    }
}

#[test]
fn without_a_champion_the_baseline_counts_if_there_is_one() {
    let gate = Gate::no_worse_than_champion("m", 0.005);
    let decide = |evidence: &GateEvidence| gate.decide(evidence).unwrap();
    assert!(decide(&evidence(&[("m", 0.4)], None, &[("m", 0.4)])).passed);
    assert!(!decide(&evidence(&[("m", 0.3)], None, &[("m", 0.4)])).passed);
    let alone = decide(&evidence(&[("m", 0.3)], None, &[]));
    assert!(
        alone.passed && alone.to_string().contains("no champion"),
        "{alone}"
    );
    // numbers of a champion that the evidence does not name do not count
    let mut nameless = evidence(&[("m", 0.3)], Some(&[("m", 0.9)]), &[]);
    nameless.champion = None;
    assert!(decide(&nameless).passed);
}

#[test]
fn every_rule_has_to_be_met_and_the_broken_ones_are_told() {
    let gate = Gate::no_worse_than_champion("pr_auc", 0.005)
        .and(Gate::no_higher_than_champion("log_loss", 0.0))
        .and(Gate::at_least("rows", 10.0));
    let champion: &[_] = &[("pr_auc", 0.5), ("log_loss", 0.3)];
    let good = [("pr_auc", 0.6), ("log_loss", 0.29), ("rows", 10.0)];
    assert!(
        gate.decide(&evidence(&good, Some(champion), &[]))
            .unwrap()
            .passed
    );
    let bad = [("pr_auc", 0.6), ("log_loss", 0.31), ("rows", 10.0)];
    let decision = gate.decide(&evidence(&bad, Some(champion), &[])).unwrap();
    assert!(!decision.passed);
    assert_eq!(decision.checks.iter().filter(|c| c.passed).count(), 2);
    assert_eq!(
        decision.to_string(),
        "`log_loss` is 0.310000, above 0.300000 (the champion)"
    );
    assert!(
        Gate::open()
            .decide(&evidence(&[], None, &[]))
            .unwrap()
            .passed
    );
}

#[test]
fn a_gate_that_makes_no_sense_is_refused_by_metric() {
    for gate in [
        Gate::no_worse_than_champion("m", -0.1),
        Gate::no_worse_than_champion("m", f64::NAN),
        Gate::no_higher_than_champion("m", f64::INFINITY),
        Gate::at_least("m", f64::NAN),
    ] {
        let error = gate
            .decide(&evidence(&[("m", 1.0)], None, &[]))
            .unwrap_err();
        assert!(
            matches!(&error, Error::InvalidGate { metric, .. } if metric == "m"),
            "{error}"
        );
    }
}

#[test]
fn gates_and_evidence_survive_json() {
    let gate = Gate::no_worse_than_champion("m", 0.005).and(Gate::at_most("n", 1.0));
    let json = serde_json::to_string(&gate).unwrap();
    assert_eq!(serde_json::from_str::<Gate>(&json).unwrap(), gate);
    let nan = evidence(&[("m", f64::NAN)], Some(&[("m", 0.5)]), &[]);
    let json = serde_json::to_string(&nan).unwrap();
    let back: GateEvidence = serde_json::from_str(&json).unwrap();
    assert!(back.candidate_metrics["m"].is_nan());
    assert_eq!(back.champion_metrics, nan.champion_metrics);
}
