//! The model card: what a model is, what it rests on, how good it is and for whom, and why it answers so.

mod html;
mod markdown;

use std::collections::BTreeMap;

use mlops_core::{Digest, EventTime, Lineage, TrainingSet, metric::Interval};
use mlops_model::{Model, ModelSpec};
use mlops_train::{
    Assessment, Dependence, EvaluationOptions, PermutationImportance, Segments, assess,
};
use serde::{Deserialize, Serialize};

use crate::Result;

/// What is known about a model, to be handed over with it; as JSON, Markdown, or one HTML file.
///
/// ```
/// use mlops::{recipes::ModelCard, train::{DecisionTree, Trainer, conformance, split_latest}};
///
/// let (train, test) = split_latest(&conformance::planted(600, 7), 0.3)?;
/// let fitted = DecisionTree::builder().build()?.fit(&train)?;
/// let card = ModelCard::new("churn", "decision-tree", &fitted.spec, &train, &test, &Default::default())?
///     .purpose("Ranks customers by the chance that they stay away for 90 days.")
///     .limit("Not for customers with fewer than two orders.");
/// assert!(card.markdown().starts_with("# churn"));
/// assert!(card.html().starts_with("<!doctype html>"));
/// # Ok::<(), mlops::Error>(())
/// ```
///
/// # Reference
/// Mitchell et al. 2019, "Model cards for model reporting".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// The model's name.
    pub model: String,
    /// The trainer's name.
    pub trainer: String,
    /// The family of the estimator, for instance `trees`.
    pub family: String,
    /// What the model is for.
    pub purpose: Option<String>,
    /// What it is not for, and what is known to be weak.
    pub limits: Vec<String>,
    /// The trainer's settings.
    pub params: BTreeMap<String, String>,
    /// The names of the inputs.
    pub inputs: Vec<String>,
    /// What it was fitted on.
    pub train: CardData,
    /// What it was judged by.
    pub test: CardData,
    /// Where the rows and definitions came from.
    pub lineage: Lineage,
    /// The metrics on the test rows.
    pub assessment: Assessment,
    /// Shares of importance as the trainer saw them, the largest first.
    pub importance: Vec<(String, f64)>,
    /// What a metric loses without each input.
    pub permutation: Option<PermutationImportance>,
    /// The metrics by the values of columns.
    pub segments: Vec<Segments>,
    /// How the answer moves with inputs.
    pub dependence: Vec<Dependence>,
}

/// The rows behind a part of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardData {
    /// How many rows.
    pub rows: u64,
    /// The earliest.
    pub first: EventTime,
    /// The latest.
    pub last: EventTime,
    /// The digest of the rows.
    pub digest: Digest,
}

impl CardData {
    fn of(set: &TrainingSet) -> Self {
        let times = set.event_times();
        let zero = EventTime::from_seconds(0);
        Self {
            rows: set.rows() as u64,
            first: times.iter().copied().min().unwrap_or(zero),
            last: times.iter().copied().max().unwrap_or(zero),
            digest: set.digest(),
        }
    }
}

impl ModelCard {
    /// Judges the model by the test rows and notes what it rests on.
    ///
    /// # Errors
    /// Those of [`assess`].
    pub fn new(
        model: impl Into<String>,
        trainer: impl Into<String>,
        spec: &ModelSpec,
        train: &TrainingSet,
        test: &TrainingSet,
        options: &EvaluationOptions,
    ) -> Result<Self> {
        let assessment = assess(spec, test, options)?;
        Ok(Self::of(model, trainer, spec, train, test, assessment))
    }

    /// A card of a model that was judged before.
    pub(super) fn of(
        model: impl Into<String>,
        trainer: impl Into<String>,
        spec: &ModelSpec,
        train: &TrainingSet,
        test: &TrainingSet,
        assessment: Assessment,
    ) -> Self {
        let inputs = spec.signature().inputs().iter();
        Self {
            model: model.into(),
            trainer: trainer.into(),
            family: spec.family().to_owned(),
            purpose: None,
            limits: Vec::new(),
            params: BTreeMap::new(),
            inputs: inputs.map(|input| input.name.clone()).collect(),
            train: CardData::of(train),
            test: CardData::of(test),
            lineage: train.lineage().clone(),
            assessment,
            importance: Vec::new(),
            permutation: None,
            segments: Vec::new(),
            dependence: Vec::new(),
        }
    }

    /// What the model is for.
    #[must_use]
    pub fn purpose(mut self, text: impl Into<String>) -> Self {
        self.purpose = Some(text.into());
        self
    }

    /// One thing that the model is not for, or known to be weak at.
    #[must_use]
    pub fn limit(mut self, text: impl Into<String>) -> Self {
        self.limits.push(text.into());
        self
    }

    /// The trainer's settings, as [`Fitted::params`](mlops_train::Fitted::params) has them.
    #[must_use]
    pub fn params(mut self, params: BTreeMap<String, String>) -> Self {
        self.params = params;
        self
    }

    /// Shares of importance, as [`Fitted::importance`](mlops_train::Fitted::importance) or
    /// [`Explanation::importance`](mlops_train::Explanation::importance) has them.
    #[must_use]
    pub fn importance(mut self, importance: Vec<(String, f64)>) -> Self {
        self.importance = importance;
        self
    }

    /// What a metric loses without each input.
    #[must_use]
    pub fn permutation(mut self, found: PermutationImportance) -> Self {
        self.permutation = Some(found);
        self
    }

    /// The metrics by the values of one more column.
    #[must_use]
    pub fn segments(mut self, found: Segments) -> Self {
        self.segments.push(found);
        self
    }

    /// How the answer moves with one more input.
    #[must_use]
    pub fn dependence(mut self, found: Dependence) -> Self {
        self.dependence.push(found);
        self
    }

    fn headline(&self) -> Vec<(&'static str, Interval)> {
        headline(&self.assessment)
    }

    /// The sentence below the headline metrics.
    fn remark(&self) -> String {
        match &self.assessment {
            Assessment::Binary(e) => format!(
                "{} of {} test rows are positive; a model that knows nothing has a PR-AUC of {:.3}. The \
                 expected calibration error is {:.3}. Among the {} rows at the top of the list, {:.1} % are \
                 positive, which are {:.1} % of all positives.",
                e.positives,
                e.rows,
                e.base_rate,
                e.calibration_error,
                e.top_rows,
                100.0 * e.precision_at_k,
                100.0 * e.recall_at_k,
            ),
            Assessment::Numbers(e) => format!(
                "The mean of the {} labels is {}; the answers are off by {} in the mean.",
                e.rows,
                mlops_report::format::number(e.mean_label),
                mlops_report::format::number(e.bias),
            ),
            Assessment::Classes(e) => format!("{} classes on {} rows.", e.classes.len(), e.rows),
        }
    }

    /// The level of the intervals, in percent.
    fn level(&self) -> f64 {
        let headline = self.headline();
        let level = headline.first().map_or(0.0, |(_, interval)| interval.level);
        (level * 1e4).round() / 1e2
    }
}

/// The headline metrics by name, with their intervals.
pub(super) fn headline(assessment: &Assessment) -> Vec<(&'static str, Interval)> {
    match assessment {
        Assessment::Binary(e) => vec![
            ("PR-AUC", e.pr_auc),
            ("ROC-AUC", e.roc_auc),
            ("Log-loss", e.log_loss),
            ("Brier score", e.brier),
        ],
        Assessment::Numbers(e) => vec![
            ("RMSE", e.rmse),
            ("Mean absolute error", e.mae),
            ("Median absolute error", e.median_absolute_error),
            ("R²", e.r2),
            ("sMAPE", e.smape),
        ],
        Assessment::Classes(e) => {
            let mut all = vec![
                ("Log-loss", e.log_loss),
                ("Accuracy", e.accuracy),
                ("Macro F1", e.macro_f1),
                ("Weighted F1", e.weighted_f1),
            ];
            all.extend(
                e.roc_auc
                    .map(|area| ("ROC-AUC, one against the rest", area)),
            );
            all
        }
    }
}
