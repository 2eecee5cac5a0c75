//! Several trainers on the same rows, judged on the same later rows.

use std::{cmp::Ordering, collections::BTreeMap};

use mlops_core::TrainingSet;
use mlops_model::ModelSpec;
use mlops_train::{Assessment, Evaluation, EvaluationOptions, Trainer, assess, baseline};
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
    /// The metrics on the later rows, as the model's output asks for.
    pub evaluation: Assessment,
}

impl Candidate {
    /// Fits on `train` and evaluates on `test`.
    ///
    /// # Errors
    /// Those of the trainer and of [`assess`].
    pub fn fit(
        trainer: &dyn Trainer,
        train: &TrainingSet,
        test: &TrainingSet,
        options: &EvaluationOptions,
    ) -> Result<Self> {
        let fitted = trainer.fit(train)?;
        let evaluation = assess(&fitted.spec, test, options)?;
        Ok(Self {
            name: trainer.name().to_owned(),
            spec: fitted.spec,
            params: fitted.params,
            history: fitted.history,
            importance: fitted.importance,
            evaluation,
        })
    }

    /// The model that answers the base rate of `train`, its shares of classes or its mean whatever it is asked: the
    /// bar to clear.
    ///
    /// # Errors
    /// Those of [`baseline`] and [`assess`].
    pub fn base_rate(
        train: &TrainingSet,
        test: &TrainingSet,
        options: &EvaluationOptions,
    ) -> Result<Self> {
        let spec = baseline(train)?;
        let evaluation = assess(&spec, test, options)?;
        Ok(Self {
            name: "base-rate".to_owned(),
            spec,
            params: BTreeMap::new(),
            history: BTreeMap::new(),
            importance: Vec::new(),
            evaluation,
        })
    }

    /// The evaluation of a model of two classes; `None` for other models.
    pub fn binary(&self) -> Option<&Evaluation> {
        match &self.evaluation {
            Assessment::Binary(found) => Some(found),
            Assessment::Numbers(_) | Assessment::Classes(_) => None,
        }
    }
}

/// Puts the best first: of two classes the higher PR-AUC, then the lower log-loss; of several the lower log-loss, then
/// the higher macro F1; of numbers the lower root of the mean squared error, then the lower absolute error; then the
/// name. Candidates of different outputs are not compared and stand by their output.
pub fn rank(candidates: &mut [Candidate]) {
    candidates
        .sort_by(|a, b| worth(&a.evaluation, &b.evaluation).then_with(|| a.name.cmp(&b.name)));
}

/// Less if the first is better.
fn worth(a: &Assessment, b: &Assessment) -> Ordering {
    match (a, b) {
        (Assessment::Binary(a), Assessment::Binary(b)) => {
            let least = a.log_loss.value.total_cmp(&b.log_loss.value);
            b.pr_auc.value.total_cmp(&a.pr_auc.value).then(least)
        }
        (Assessment::Numbers(a), Assessment::Numbers(b)) => {
            let absolute = a.mae.value.total_cmp(&b.mae.value);
            a.rmse.value.total_cmp(&b.rmse.value).then(absolute)
        }
        (Assessment::Classes(a), Assessment::Classes(b)) => {
            let f1 = b.macro_f1.value.total_cmp(&a.macro_f1.value);
            a.log_loss.value.total_cmp(&b.log_loss.value).then(f1)
        }
        _ => kind(a).cmp(&kind(b)),
    }
}

fn kind(assessment: &Assessment) -> u8 {
    match assessment {
        Assessment::Binary(_) => 0,
        Assessment::Classes(_) => 1,
        Assessment::Numbers(_) => 2,
    }
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
