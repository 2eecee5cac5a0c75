//! No text makes a reference to a version panic, and no JSON a gate or its evidence.
//!
//! The input is read as a reference, a run's identity and a stage; and, split at the first NUL, as a gate
//! and the evidence that it decides on.

use mlops_registry::{Gate, GateDecision, GateEvidence, Reference, RunId, Stage};

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        match text.parse::<Reference>() {
            Ok(reference) => {
                let printed = reference.to_string();
                assert!(printed.starts_with(reference.model().as_str()));
                assert!(printed.parse::<Reference>().is_ok_and(|again| again == reference));
            }
            Err(error) => assert!(error.to_string().len() < 2_000),
        }
        if let Ok(run) = text.parse::<RunId>() {
            assert_eq!(run.as_str(), text);
        }
        if let Ok(stage) = text.parse::<Stage>() {
            assert_eq!(stage.to_string().parse::<Stage>().ok(), Some(stage));
        }
    }
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let gate = serde_json::from_slice::<Gate>(part());
    let evidence = serde_json::from_slice::<GateEvidence>(part());
    if let Ok(gate) = &gate {
        let text = serde_json::to_string(gate).expect("a gate serialises");
        assert_eq!(
            serde_json::from_str::<Gate>(&text).ok().as_ref(),
            Some(gate)
        );
    }
    if let (Ok(gate), Ok(evidence)) = (gate, evidence)
        && let Ok(decision) = gate.decide(&evidence)
    {
        assert_eq!(
            decision.passed,
            decision.checks.iter().all(|check| check.passed)
        );
        let _ = decision.to_string();
        let text = serde_json::to_string(&decision).expect("a decision serialises");
        let back: GateDecision = serde_json::from_str(&text).expect("what is written is read");
        assert_eq!(back.passed, decision.passed);
    }
}
