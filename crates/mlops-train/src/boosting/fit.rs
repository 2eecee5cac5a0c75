//! From a training set to a model: columns for the engine, the rows that decide when to stop, and all
//! rows again.

use std::{collections::BTreeMap, ops::ControlFlow};

use mlops_core::{Target, TrainingSet};
use mlops_model::{Combine, Encoder, Estimator, Link, ModelSpec, TreeEnsemble};

use super::{
    Boosting, BoostingCheckpoint, BoostingProgress, Monotone, progress::Chosen, trainer::NAME,
};
use crate::{
    Error, Fitted, Result, Trainer,
    error::require,
    export::{gains, tree},
    gbdt::{Bins, Boost, Data, Ensemble, Feature, Objective, Round, Settings, within},
    holdout::Holdout,
    prepare::{Numerics, Prepared},
    record::importance,
    rows::Rows,
};

/// What is told of each round.
pub(super) type Progress<'a> = &'a mut (dyn FnMut(&BoostingProgress<'_>) -> ControlFlow<()> + Send);

impl Boosting {
    pub(super) fn run(
        &self,
        set: &TrainingSet,
        from: Option<&BoostingCheckpoint>,
        progress: Progress<'_>,
    ) -> Result<Fitted> {
        let prepared = Prepared::any(set, Numerics::Native, self.max_categories)?;
        let settings = self.settings(&prepared)?;
        let names = prepared.preprocess.output_names();
        let mut rows = Rows::new(&prepared);
        let weights = rows.weights.as_deref();
        rows.weights = self.class_weights.rows(NAME, &prepared.labels, weights)?;
        settings.watched.check(NAME, &prepared.labels)?;
        let mut params = self.params();
        let held = settings.early_stopping.and_then(|_| {
            let held = Holdout::of(&set.event_times(), self.validation_fraction)?;
            let (early, late) = (rows.pick(&held.fit), rows.pick(&held.validation));
            // one class before the latest, or no weight on them: nothing to measure progress on
            let measurable = if settings.watched.ranks() {
                late.learnable()
            } else {
                late.counts()
            };
            (early.learnable() && measurable).then_some((early, late))
        });
        let validation_rows = held.as_ref().map_or(0, |(_, late)| late.labels.len());
        params.insert("validation_rows".into(), validation_rows.to_string());
        let fitted = within(settings.threads, NAME, || {
            self.stages(&settings, &rows, held.as_ref(), from, progress)
        });
        let (grown, features) = fitted??;
        if held.is_some() {
            let best = grown.trees.len() / grown.base.len();
            params.insert("best_trees".into(), best.to_string());
        }
        let history = history(&grown, &settings);
        let width = prepared.preprocess.width();
        let importance = importance(names, &gains(&grown.trees, &features, width));
        let trees = TreeEnsemble {
            trees: grown
                .trees
                .iter()
                .map(|grown| tree(grown, &features))
                .collect(),
            base: grown.base,
            combine: Combine::Sum,
            link: match settings.objective {
                Objective::Logistic => Link::Logit,
                Objective::Softmax { .. } => Link::Softmax,
                Objective::Poisson => Link::Exp,
                _ => Link::Identity,
            },
        };
        let spec = ModelSpec::new(
            prepared.signature,
            prepared.preprocess,
            Estimator::Trees(trees),
        )?;
        Ok(Fitted {
            spec,
            params,
            history,
            importance,
        })
    }

    /// Fits until the late rows say stop, and then all rows as long.
    fn stages(
        &self,
        settings: &Settings,
        rows: &Rows,
        held: Option<&(Rows, Rows)>,
        from: Option<&BoostingCheckpoint>,
        progress: Progress<'_>,
    ) -> Result<(Ensemble, Vec<Feature>)> {
        let Some((early, late)) = held else {
            return fit(settings, rows, None, None, from, progress);
        };
        let done = from.filter(|from| self.refit && from.chosen.is_some());
        if let Some(Chosen { best, .. }) = done.and_then(|from| from.chosen.as_ref()) {
            let holds = (1..=settings.rounds).contains(best);
            let rule = "early stopping must have chosen some of the rounds asked for";
            require(holds, NAME, "checkpoint", best, rule)?;
        }
        let chosen = if let Some(chosen) = done.and_then(|from| from.chosen.clone()) {
            chosen
        } else {
            let found = fit(settings, early, Some(late), None, from, progress)?;
            let best = found.0.trees.len() / found.0.base.len();
            if !self.refit || best == 0 {
                return Ok(found);
            }
            Chosen {
                best,
                rounds: found.0.rounds,
            }
        };
        let settings = Settings {
            rounds: chosen.best,
            early_stopping: None,
            ..settings.clone()
        };
        let (mut grown, features) = fit(&settings, rows, None, Some(&chosen), done, progress)?;
        grown.rounds = chosen.rounds;
        Ok((grown, features))
    }

    /// The settings for this set's label and columns.
    fn settings(&self, prepared: &Prepared<Target>) -> Result<Settings> {
        let task = prepared.labels.task();
        let objective = match (&prepared.labels, self.loss) {
            (Target::Number(_), loss) => loss.unwrap_or_default().objective(),
            (_, Some(_)) => {
                return Err(Error::UnsupportedTask {
                    trainer: "boosting with a loss of numbers",
                    task,
                });
            }
            (Target::Binary(_), None) => Objective::Logistic,
            (Target::Classes { names, .. }, None) => Objective::Softmax {
                classes: names.len(),
            },
        };
        let mut monotone = vec![0; prepared.preprocess.width()];
        for (feature, direction) in &self.monotone {
            let refuse = |rule| Error::InvalidParameter {
                owner: NAME,
                parameter: "monotone",
                value: feature.clone(),
                rule,
            };
            let inputs = prepared.signature.inputs();
            let Some(input) = inputs.iter().position(|input| input.name == *feature) else {
                return Err(refuse("it must be a feature of the set"));
            };
            let reads = |encoder: &Encoder| match encoder {
                Encoder::Numeric { input: at, .. } => *at == input,
                _ => false,
            };
            let encoders = prepared.preprocess.encoders();
            let text = encoders.iter().any(
                |encoder| matches!(encoder, Encoder::Ordinal { input: at, .. } if *at == input),
            );
            if text {
                return Err(refuse("it must be a number; categories have no order"));
            }
            // a feature that cannot tell rows apart has no encoder and is in order anyhow
            if let Some(column) = encoders.iter().position(reads) {
                monotone[column] = match direction {
                    Monotone::Rising => 1,
                    Monotone::Falling => -1,
                };
            }
        }
        Ok(Settings {
            objective,
            monotone,
            ..self.settings.clone()
        })
    }
}

/// Bins, boosts, and tells of each round.
fn fit(
    settings: &Settings,
    rows: &Rows,
    held: Option<&Rows>,
    chosen: Option<&Chosen>,
    from: Option<&BoostingCheckpoint>,
    progress: Progress<'_>,
) -> Result<(Ensemble, Vec<Feature>)> {
    let columns = rows.columns();
    let data = Data {
        columns: &columns,
        labels: &rows.labels,
        weights: rows.weights.as_deref(),
    };
    data.check(NAME, settings)?;
    let late = held.map(Rows::columns);
    let late = held.zip(late.as_ref()).map(|(held, columns)| Data {
        columns,
        labels: &held.labels,
        weights: held.weights.as_deref(),
    });
    let bins = Bins::new(&columns, settings.max_bins, settings.threads);
    let mut boost = Boost::new(settings, &bins, &data, late.as_ref());
    if let Some(from) = from {
        boost.resume(&from.fit)?;
    }
    let again = chosen.is_some();
    while boost.wants_more() {
        let Some(last) = boost.round() else { break };
        let rounds = boost.rounds().len();
        let told = BoostingProgress {
            rounds,
            again,
            last,
            chosen,
            fit: boost.checkpoint(),
        };
        if progress(&told).is_break() {
            return Err(Error::Cancelled {
                work: NAME,
                done: rounds,
            });
        }
    }
    let grown = boost.finish();
    Ok((grown, bins.features))
}

/// The losses by round, by the names that other trainers use where they measure the same.
fn history(grown: &Ensemble, settings: &Settings) -> BTreeMap<String, Vec<f64>> {
    let loss = match settings.objective {
        Objective::Logistic | Objective::Softmax { .. } => "log_loss",
        Objective::SquaredError => "squared_error",
        Objective::AbsoluteError => "absolute_error",
        Objective::Quantile { .. } => "pinball_loss",
        Objective::Huber { .. } => "huber_loss",
        Objective::Poisson => "poisson_loss",
    };
    let mut history = BTreeMap::new();
    let mut add = |name: String, of: &dyn Fn(&Round) -> Option<f64>| {
        let losses: Option<Vec<f64>> = grown.rounds.iter().map(of).collect();
        if let Some(losses) = losses.filter(|losses| !losses.is_empty()) {
            history.insert(name, losses);
        }
    };
    add(format!("train_{loss}"), &|round| round.train_loss);
    add(format!("validation_{loss}"), &|round| round.validation_loss);
    let watched = settings.watched.name();
    add(format!("validation_{watched}"), &|round| round.watched);
    history
}
