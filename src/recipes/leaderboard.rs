//! Several trainers on the same rows, judged on the same later rows.

use std::collections::BTreeMap;

use mlops_core::TrainingSet;
use mlops_model::ModelSpec;
use mlops_train::{Evaluation, EvaluationOptions, Trainer, baseline, evaluate};
use serde::{Deserialize, Serialize};

use crate::Result;

/// A fitted model with its record and its evaluation; the serde form is what a pipeline caches.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Candidate {
    /// The trainer's name.
    pub name: String,
    /// The model.
    pub spec: ModelSpec,
    /// The trainer's settings and what the fit chose.
    pub params: BTreeMap<String, String>,
    /// Series over rounds or epochs.
    pub history: BTreeMap<String, Vec<f64>>,
    /// Shares of importance, the largest first.
    pub importance: Vec<(String, f64)>,
    /// The metrics on the later rows.
    pub evaluation: Evaluation,
}

impl Candidate {
    /// Fits on `train` and evaluates on `test`.
    ///
    /// # Errors
    /// Those of the trainer and of [`evaluate`].
    pub fn fit(
        trainer: &dyn Trainer,
        train: &TrainingSet,
        test: &TrainingSet,
        options: &EvaluationOptions,
    ) -> Result<Self> {
        let fitted = trainer.fit(train)?;
        let evaluation = evaluate(&fitted.spec, test, options)?;
        Ok(Self {
            name: trainer.name().to_owned(),
            spec: fitted.spec,
            params: fitted.params,
            history: fitted.history,
            importance: fitted.importance,
            evaluation,
        })
    }

    /// The model that answers the base rate of `train` whatever it is asked: the bar to clear.
    ///
    /// # Errors
    /// Those of [`baseline`] and [`evaluate`].
    pub fn base_rate(
        train: &TrainingSet,
        test: &TrainingSet,
        options: &EvaluationOptions,
    ) -> Result<Self> {
        let spec = baseline(train)?;
        let evaluation = evaluate(&spec, test, options)?;
        Ok(Self {
            name: "base-rate".to_owned(),
            spec,
            params: BTreeMap::new(),
            history: BTreeMap::new(),
            importance: Vec::new(),
            evaluation,
        })
    }
}

/// Puts the best first: the higher PR-AUC, then the lower log-loss, then the name.
pub fn rank(candidates: &mut [Candidate]) {
    candidates.sort_by(|a, b| {
        let (x, y) = (&a.evaluation, &b.evaluation);
        y.pr_auc
            .value
            .total_cmp(&x.pr_auc.value)
            .then(x.log_loss.value.total_cmp(&y.log_loss.value))
            .then(a.name.cmp(&b.name))
    });
}

/// Fits and evaluates every trainer, and the base rate beside them; the best first.
///
/// # Errors
/// The first error of a trainer or an evaluation.
pub fn leaderboard(
    trainers: &[&dyn Trainer],
    train: &TrainingSet,
    test: &TrainingSet,
    options: &EvaluationOptions,
) -> Result<Vec<Candidate>> {
    let mut candidates = vec![Candidate::base_rate(train, test, options)?];
    for trainer in trainers {
        candidates.push(Candidate::fit(*trainer, train, test, options)?);
    }
    rank(&mut candidates);
    Ok(candidates)
}
