//! Retraining as a pipeline: features for each cut-off, a training set, the trainers, their evaluation.
//!
//! ```text
//! features.2023-01-01 ─┐            ┌─▶ train.logistic ─┐
//! features.2023-02-01 ─┼─▶ split ───┼─▶ train.tree     ─┼─▶ rank
//! features.2023-05-01 ─┘            └─▶ train.boosting ─┘
//! ```
//!
//! The features of a cut-off rest on the events before it and on the labels after it, and both are named by
//! digest. When a month passes, the earlier cut-offs are what they were and come from the cache.

use std::sync::Arc;

use mlops_core::{Digest, DigestBuilder, EventTime, Lineage, Span, Table, TrainingSet};
use mlops_features::{FeatureService, FeatureStore};
use mlops_pipeline::{Input, Outputs, Pipeline, RunReport, Runner, Step, StepError, StepInputs};
use mlops_train::{EvaluationOptions, Trainer, split_with_gap};

use super::{Candidate, rank};
use crate::Result;

/// One instant at which the features of many entities are taken and their labels are known.
#[derive(Debug, Clone)]
pub struct Cutoff {
    /// The instant.
    pub time: EventTime,
    /// Keys, `time` and the label, one row an entity.
    pub spine: Table,
    /// The digest of the events that the features are computed from, those before `time`.
    pub history: Digest,
}

/// What a retraining run needs.
#[derive(Debug)]
pub struct Retraining {
    /// Holds the events.
    pub store: FeatureStore,
    /// The model's features.
    pub service: FeatureService,
    /// Labelled instants in order of time; the last one becomes the test set.
    pub cutoffs: Vec<Cutoff>,
    /// The length that a label looks ahead; cut-offs closer than this to the test set are left out.
    pub horizon: Span,
    /// The trainers to compare.
    pub trainers: Vec<Arc<dyn Trainer>>,
    /// How the candidates are evaluated.
    pub evaluation: EvaluationOptions,
    /// The revision of the code, for the lineage, where it is known.
    pub code_revision: Option<String>,
}

/// What a retraining run found.
#[derive(Debug)]
pub struct Retrained {
    /// All candidates and the base rate, the best first.
    pub candidates: Vec<Candidate>,
    /// The rows that they were fitted on.
    pub train: TrainingSet,
    /// The later rows that they were evaluated on.
    pub test: TrainingSet,
    /// Which steps ran, which came from the cache, and why.
    pub report: RunReport,
}

/// Changed whenever the code of a step below changes what it computes.
const CODE: &str = "2";

impl Retraining {
    /// Runs what changed and reads the rest from the cache.
    ///
    /// # Errors
    /// The first error of a step, named with the step; a cut-off list that leaves no training rows.
    pub fn run(&self, runner: &Runner) -> Result<Retrained> {
        let report = runner.run(&self.pipeline()?).into_result()?;
        let set = |output: &str| -> Result<TrainingSet> {
            let table = Table::from_ipc(&runner.read(&report, "split", output)?)?;
            Ok(TrainingSet::new(table, self.lineage()?)?)
        };
        let candidates = serde_json::from_slice(&runner.read(&report, "rank", "candidates")?)
            .expect("the step wrote candidates, and the cache checks its bytes");
        Ok(Retrained {
            candidates,
            train: set("train")?,
            test: set("test")?,
            report,
        })
    }

    fn lineage(&self) -> Result<Lineage> {
        let mut lineage = self.store.lineage(&self.service)?;
        lineage.code_revision.clone_from(&self.code_revision);
        Ok(lineage)
    }

    fn pipeline(&self) -> Result<Pipeline<'_>> {
        let mut pipeline = Pipeline::builder("retrain");
        let mut split = Step::new("split")
            .code(CODE)
            .param("gap", self.horizon.to_string())
            .output("train")
            .output("test");
        for cutoff in &self.cutoffs {
            let name = format!("features.{}", cutoff.time.date());
            split = split.input(name.clone(), Input::of(&name, "rows"));
            pipeline = pipeline.step(self.features(name, cutoff));
        }
        pipeline = pipeline.step(split.run(|inputs, _| self.split(inputs)));
        let mut rank_step = Step::new("rank").code(CODE).output("candidates");
        for trainer in &self.trainers {
            let name = format!("train.{}", trainer.name());
            rank_step = rank_step.input(name.clone(), Input::of(&name, "candidate"));
            pipeline = pipeline.step(self.train(name, trainer));
        }
        let base = Step::new("train.base-rate")
            .code(CODE)
            .param("evaluation", self.evaluation_id())
            .input("train", Input::of("split", "train"))
            .input("test", Input::of("split", "test"))
            .output("candidate")
            .run(|inputs, _| {
                let (train, test) = (read(inputs, "train")?, read(inputs, "test")?);
                let candidate =
                    Candidate::base_rate(&train, &test, &self.evaluation).map_err(failed)?;
                Ok(Outputs::new().with_json("candidate", &candidate)?)
            });
        rank_step = rank_step.input("train.base-rate", Input::of("train.base-rate", "candidate"));
        let names: Vec<String> = self
            .trainers
            .iter()
            .map(|t| format!("train.{}", t.name()))
            .chain(["train.base-rate".to_owned()])
            .collect();
        let rank_step = rank_step.run(move |inputs, _| {
            let mut candidates: Vec<Candidate> = names
                .iter()
                .map(|name| inputs.json(name))
                .collect::<Result<_, _>>()?;
            rank(&mut candidates);
            Ok(Outputs::new().with_json("candidates", &candidates)?)
        });
        Ok(pipeline.step(base).step(rank_step).build()?)
    }

    /// The features and labels of one cut-off.
    fn features<'a>(&'a self, name: String, cutoff: &'a Cutoff) -> Step<'a> {
        Step::new(name)
            .code(CODE)
            .input("events", cutoff.history)
            .input("spine", cutoff.spine.digest())
            .input("features", self.service.digest())
            .output("rows")
            .run(|_, _| {
                let set = self.store.training_set(&self.service, &cutoff.spine);
                let set = set.map_err(failed)?;
                Ok(Outputs::new().with("rows", set.table().to_ipc()))
            })
    }

    /// All cut-offs together, parted at the last one with the label's horizon as the gap.
    fn split(&self, inputs: &StepInputs) -> Result<Outputs, StepError> {
        let tables: Vec<Table> = self
            .cutoffs
            .iter()
            .map(|cutoff| {
                let bytes = inputs.bytes(&format!("features.{}", cutoff.time.date()))?;
                Ok(Table::from_ipc(&bytes)?)
            })
            .collect::<Result<_, StepError>>()?;
        let all = Table::concat(&tables)?;
        let all = TrainingSet::new(all, Lineage::default())?;
        let last = all
            .event_times()
            .into_iter()
            .max()
            .unwrap_or(EventTime::MIN);
        let (train, test) = split_with_gap(&all, last, self.horizon).map_err(failed)?;
        Ok(Outputs::new()
            .with("train", train.table().to_ipc())
            .with("test", test.table().to_ipc()))
    }

    /// One trainer's candidate, fitted on the training rows and evaluated on the test rows.
    fn train<'a>(&'a self, name: String, trainer: &'a Arc<dyn Trainer>) -> Step<'a> {
        let mut step = Step::new(name)
            .code(CODE)
            .param("evaluation", self.evaluation_id())
            .input("train", Input::of("split", "train"))
            .input("test", Input::of("split", "test"))
            .output("candidate");
        for (param, value) in trainer.params() {
            step = step.param(param, value);
        }
        step.run(move |inputs, _| {
            let (train, test) = (read(inputs, "train")?, read(inputs, "test")?);
            let candidate = Candidate::fit(trainer.as_ref(), &train, &test, &self.evaluation);
            Ok(Outputs::new().with_json("candidate", &candidate.map_err(failed)?)?)
        })
    }

    fn evaluation_id(&self) -> String {
        let mut id = DigestBuilder::new();
        id.part("options", format!("{:?}", self.evaluation).as_bytes());
        id.finish().short()
    }
}

fn read(inputs: &StepInputs, name: &str) -> Result<TrainingSet, StepError> {
    let table = Table::from_ipc(&inputs.bytes(name)?)?;
    Ok(TrainingSet::new(table, Lineage::default())?)
}

/// Keeps the kind of an error on its way through the runner.
fn failed(error: impl Into<crate::Error>) -> StepError {
    let error = error.into();
    StepError::with_kind(error.kind(), error)
}
