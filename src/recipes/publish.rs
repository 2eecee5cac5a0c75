//! From a candidate to a registered version, and from a version to the champion.

use std::collections::BTreeMap;

use mlops_core::{ErrorKind, EventTime, ModelName, Probability, TrainingSet, VersionNumber};
use mlops_drift::ReferenceProfile;
use mlops_model::{Model, ModelPackage, Output};
use mlops_registry::{Gate, GateEvidence, ModelVersion, Promotion, Registry, RunStatus};
use mlops_train::{EvaluationOptions, assess, baseline};

use super::{Candidate, ModelCard};
use crate::Result;

/// Records a run with everything that explains the candidate, and registers its package as the next version
/// of `model`, whatever its output. The reference profile of the training features, and of the predictions on the test
/// rows, goes into the package, so that monitoring needs nothing but the version; so does a [`ModelCard`].
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

    let profile = profile(candidate, train, test)?;
    let (trainer, spec) = (&candidate.name, &candidate.spec);
    let card = ModelCard::of(
        model,
        trainer,
        spec,
        train,
        test,
        candidate.evaluation.clone(),
    )
    .params(candidate.params.clone())
    .importance(candidate.importance.clone());
    let package = ModelPackage::builder(candidate.spec.clone())
        .created(created)
        .trainer(&candidate.name)
        .params(candidate.params.clone())
        .profile(profile.to_json())
        .card(card.markdown())
        .build()?;
    let run = run.finish(RunStatus::Finished)?;
    let description = format!("{} on {} rows", candidate.name, train.rows());
    Ok(registry
        .model(model)?
        .register(&package, Some(&run.id), train.lineage(), &description)?)
}

/// The distribution of the training features and of the predictions on the test rows; of several classes, that of the
/// position of the most probable one, as an endpoint logs it. Lists have no distribution and are left out.
fn profile(
    candidate: &Candidate,
    train: &TrainingSet,
    test: &TrainingSet,
) -> Result<ReferenceProfile> {
    let answers = candidate.spec.predict(&test.features())?;
    let predictions: Vec<f64> = match candidate.spec.signature().output() {
        Output::Classes { .. } => (0..answers.rows())
            .map(|row| position(answers.row(row)) as f64)
            .collect(),
        // of several numbers the first
        Output::Probability { .. } | Output::Number | Output::Numbers { .. } => {
            (0..answers.rows()).map(|row| answers.row(row)[0]).collect()
        }
    };
    let mut profile = ReferenceProfile::builder();
    if let Output::Probability { .. } = candidate.spec.signature().output() {
        let labels = train.label_values()?;
        let rate = labels.iter().sum::<f64>() / labels.len() as f64;
        profile = profile.label_rate(Probability::new(rate)?);
    }
    let features = train.features();
    for field in features.schema().fields() {
        if field.data_type().is_nested() {
            profile = profile.exclude(field.name());
        }
    }
    Ok(profile.build(&features, Some(&predictions))?)
}

/// The position of the largest number, the first of equals.
fn position(shares: &[f64]) -> usize {
    let later = |top, at| {
        if shares[at] > shares[top] { at } else { top }
    };
    (1..shares.len()).fold(0, later)
}

/// Signs the package of a version and lays the signature beside it as `name`, for instance `release.sig`: the step
/// after [`publish`] where endpoints ask for signatures.
///
/// What is signed is what the registry holds now, if it is what was registered.
///
/// # Errors
/// Those of the registry if the version is not there, an artifact is damaged or another signature has the name;
/// [`mlops_model::Error::Corrupt`] if the package is not the registered one.
#[cfg(feature = "sign")]
pub fn sign(
    registry: &Registry,
    version: &ModelVersion,
    name: &str,
    key: &mlops_model::SigningKey,
) -> Result<ModelVersion> {
    let package = registry.load(&version.model, version.version)?;
    if package.digest() != version.digest {
        return Err(mlops_model::Error::Corrupt {
            file: "manifest.json".to_owned(),
            reason: "its digest is not the registered one".to_owned(),
        }
        .into());
    }
    let signature = package.sign(key).to_base64();
    let model = registry.model(version.model.as_str())?;
    Ok(model.add_signature(version.version, name, signature.as_bytes())?)
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
