//! From a candidate to a registered version, and from a version to the champion.

use std::{collections::BTreeMap, fmt::Write};

use mlops_core::{ErrorKind, EventTime, ModelName, Probability, TrainingSet, VersionNumber};
use mlops_drift::ReferenceProfile;
use mlops_model::{Model, ModelPackage};
use mlops_registry::{Gate, GateEvidence, ModelVersion, Promotion, Registry, RunStatus};
use mlops_train::{EvaluationOptions, assess, baseline};

use super::Candidate;
use crate::Result;

/// Records a run with everything that explains the candidate, and registers its package as the next version
/// of `model`. The reference profile of the training features, and of the predictions on the test rows, goes into the
/// package, so that monitoring needs nothing but the version.
///
/// # Errors
/// Those of the registry, of the profile and of the package.
pub fn publish(
    registry: &Registry,
    experiment: &str,
    model: &str,
    candidate: &Candidate,
    train: &TrainingSet,
    test: &TrainingSet,
    created: EventTime,
) -> Result<ModelVersion> {
    let run = registry
        .experiment(experiment)?
        .start_run(&candidate.name)?;
    run.log_params(&candidate.params)?;
    run.log_metrics(&candidate.evaluation.metrics(), 0)?;
    for (series, values) in &candidate.history {
        run.log_history(series, values)?;
    }
    run.set_tag("train_data", &train.digest().to_string())?;
    run.set_tag("test_data", &test.digest().to_string())?;
    let evaluation =
        serde_json::to_vec_pretty(&candidate.evaluation).expect("an evaluation is JSON");
    run.log_artifact("evaluation.json", &evaluation)?;

    let labels = train.label_values()?;
    let rate = labels.iter().sum::<f64>() / labels.len() as f64;
    let predictions = candidate.spec.predict_values(&test.features())?;
    let profile = ReferenceProfile::builder()
        .label_rate(Probability::new(rate)?)
        .build(&train.features(), Some(&predictions))?;
    let package = ModelPackage::builder(candidate.spec.clone())
        .created(created)
        .trainer(&candidate.name)
        .params(candidate.params.clone())
        .profile(profile.to_json())
        .card(card(model, candidate, train, test))
        .build()?;
    let run = run.finish(RunStatus::Finished)?;
    let description = format!("{} on {} rows", candidate.name, train.rows());
    Ok(registry
        .model(model)?
        .register(&package, Some(&run.id), train.lineage(), &description)?)
}

/// The model card in Markdown: what it is, how good it is, what it rests on.
fn card(model: &str, candidate: &Candidate, train: &TrainingSet, test: &TrainingSet) -> String {
    let e = &candidate.evaluation;
    let mut card = format!(
        "# {model}: {}\n\nTrained on {} rows up to {}, evaluated on {} later rows (base rate {:.3}).\n\n\
         | metric | value | 95 % interval |\n| --- | --- | --- |\n",
        candidate.name,
        train.rows(),
        train
            .event_times()
            .iter()
            .max()
            .map_or_else(String::new, |t| t.date()),
        test.rows(),
        e.base_rate,
    );
    for (name, metric) in [
        ("PR-AUC", e.pr_auc),
        ("ROC-AUC", e.roc_auc),
        ("log-loss", e.log_loss),
        ("Brier", e.brier),
    ] {
        let (value, lower, upper) = (metric.value, metric.lower, metric.upper);
        let _ = writeln!(card, "| {name} | {value:.4} | {lower:.4} to {upper:.4} |");
    }
    card.push_str("\n## Features by importance\n\n");
    for (feature, share) in candidate.importance.iter().take(20) {
        let _ = writeln!(card, "- `{feature}` {:.1} %", share * 100.0);
    }
    let _ = writeln!(
        card,
        "\nTraining data `{}`, test data `{}`.",
        train.digest(),
        test.digest()
    );
    card
}

/// Holds a version against the present champion on the same rows and promotes it if the gate says yes.
///
/// The champion is loaded and evaluated afresh on `test`, so that both numbers rest on the same data; the base rate of
/// `train` is the baseline. The evidence goes into the audit trail with the decision.
///
/// # Errors
/// [`mlops_registry::Error::GateRefused`] if the gate says no; those of the registry and of [`assess`].
pub fn promote_if_better(
    registry: &Registry,
    model: &ModelName,
    version: VersionNumber,
    gate: &Gate,
    train: &TrainingSet,
    test: &TrainingSet,
    options: &EvaluationOptions,
) -> Result<Promotion> {
    let metrics = |model: &dyn Model| -> Result<BTreeMap<String, f64>> {
        Ok(assess(model, test, options)?.metrics())
    };
    let champion = registry
        .model(model.as_str())?
        .champion()?
        .map(|c| c.version);
    let champion_metrics = match champion {
        Some(number) => metrics(registry.load(model, number)?.load()?.as_ref())?,
        None => BTreeMap::new(),
    };
    let evidence = GateEvidence {
        data: test.digest(),
        rows: test.rows() as u64,
        champion,
        candidate_metrics: metrics(registry.load(model, version)?.load()?.as_ref())?,
        champion_metrics,
        baseline_metrics: metrics(&baseline(train)?)?,
    };
    Ok(registry.promote(model, version, gate, &evidence)?)
}

/// Whether an error is a gate's refusal, which is an answer and not a failure.
pub fn is_refusal(error: &crate::Error) -> bool {
    matches!(error, crate::Error::Registry(_)) && error.kind() == ErrorKind::Denied
}
