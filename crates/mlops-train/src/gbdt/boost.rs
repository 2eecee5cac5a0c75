//! Boosting over bins, round by round: gradients of the loss, a tree for each output, new scores.

use mlops_core::Seed;
use rayon::prelude::*;

use super::{
    bins::Bins,
    checkpoint::{Checkpoint, Ensemble, Round, digest},
    data::Data,
    gradients::Derived,
    grow::{Gradients, Grower, Grown},
    math::quantile,
    objective::softmax,
    pool::each,
    sample::{Drawn, features, goss, rows},
    settings::Settings,
    split::Limits,
    tree::{Kind, Tree},
};
use crate::{Error, Result, Watched};

/// Rows that tell when to stop.
#[derive(Debug)]
struct Held<'a> {
    columns: Vec<Vec<u8>>,
    labels: &'a [f64],
    weights: Option<&'a [f64]>,
    scores: Vec<Vec<f64>>,
}

/// A fit that goes on round by round.
#[derive(Debug)]
pub(crate) struct Boost<'a> {
    settings: &'a Settings,
    limits: Limits,
    bins: &'a Bins,
    labels: &'a [f64],
    weights: Option<&'a [f64]>,
    held: Option<Held<'a>>,
    grower: Grower<'a>,
    derived: Derived,
    scores: Vec<Vec<f64>>,
    state: Checkpoint,
}

impl<'a> Boost<'a> {
    /// Starts from the best constant; `data` and `held` were checked, `bins` are those of `data`.
    pub(crate) fn new(
        settings: &'a Settings,
        bins: &'a Bins,
        data: &Data<'a>,
        held: Option<&Data<'a>>,
    ) -> Self {
        let base = settings.objective.base(data.labels, data.weights);
        let scores =
            |rows: usize| -> Vec<Vec<f64>> { base.iter().map(|b| vec![*b; rows]).collect() };
        let late = held.map(|held| Held {
            columns: bins
                .features
                .iter()
                .map(|f| f.encode(&held.columns[f.column]))
                .collect(),
            labels: held.labels,
            weights: held.weights,
            scores: scores(held.labels.len()),
        });
        let direction = |column: usize| settings.monotone.get(column).copied().unwrap_or(0);
        let limits = Limits {
            leaves: settings.leaves,
            max_depth: settings.max_depth,
            min_rows: settings.min_rows_leaf,
            min_hessian: settings.min_hessian_leaf,
            l1: settings.l1,
            l2: settings.l2,
            min_gain: settings.min_gain,
            category: settings.category.clone(),
            monotone: bins.features.iter().map(|f| direction(f.column)).collect(),
        };
        Self {
            settings,
            limits,
            bins,
            labels: data.labels,
            weights: data.weights,
            grower: Grower::new(bins, settings.threads),
            derived: Derived::new(bins.rows),
            scores: scores(bins.rows),
            state: Checkpoint {
                settings: Settings {
                    threads: 1,
                    ..settings.clone()
                },
                data: digest(
                    bins,
                    data,
                    late.as_ref().map(|late| &late.columns[..]).zip(held),
                ),
                trees: Vec::new(),
                rounds: Vec::new(),
                base,
            },
            held: late,
        }
    }

    /// Goes on from a checkpoint of the same settings and rows.
    pub(crate) fn resume(&mut self, from: &Checkpoint) -> Result<()> {
        let refuse = |rule| Error::InvalidParameter {
            owner: "boosting",
            parameter: "checkpoint",
            value: format!("one of {} rounds", from.rounds.len()),
            rule,
        };
        let settings = |of: &Checkpoint| Settings {
            rounds: 1,
            ..of.settings.clone()
        };
        if settings(from) != settings(&self.state) {
            return Err(refuse("it must come from a fit with the same settings"));
        }
        if from.data != self.state.data || from.base != self.state.base {
            return Err(refuse("it must come from a fit of the same rows"));
        }
        let outputs = from.base.len();
        let sound = from.trees.len() == from.rounds.len() * outputs
            && from
                .trees
                .iter()
                .all(|tree| tree.is_sound(&self.bins.features));
        if !sound {
            return Err(refuse("its trees must be whole"));
        }
        for (at, tree) in from.trees.iter().enumerate() {
            let output = at % outputs;
            for row in 0..self.bins.rows {
                self.scores[output][row] +=
                    tree.answer(&self.bins.features, &self.bins.columns, row);
            }
            self.add_held(tree, output);
        }
        let settings = self.state.settings.clone();
        self.state = Checkpoint {
            settings,
            ..from.clone()
        };
        Ok(())
    }

    /// The fit so far, to go on from later.
    pub(crate) fn checkpoint(&self) -> &Checkpoint {
        &self.state
    }

    /// The rounds so far.
    pub(crate) fn rounds(&self) -> &[Round] {
        &self.state.rounds
    }

    /// Whether another round is wanted.
    pub(crate) fn wants_more(&self) -> bool {
        let done = self.state.rounds.len();
        let stopped = self
            .settings
            .early_stopping
            .is_some_and(|patience| self.held.is_some() && done >= self.best() + patience);
        done < self.settings.rounds && !stopped
    }

    /// The number of rounds that did best on the held rows, or all without such rows.
    pub(crate) fn best(&self) -> usize {
        let watched = self.settings.watched;
        let (mut best, mut found) = (self.state.rounds.len(), None);
        for (at, round) in self.state.rounds.iter().enumerate() {
            let value = match watched {
                Watched::Loss => round.validation_loss,
                _ => round.watched,
            };
            if let Some(value) = value
                && found.is_none_or(|found| watched.better(value, found))
            {
                (best, found) = (at + 1, Some(value));
            }
        }
        best
    }

    /// Grows a tree for each output. Without a split to be found there is nothing more to learn, and
    /// the answer is `None`.
    pub(crate) fn round(&mut self) -> Option<Round> {
        let number = self.state.rounds.len();
        let outputs = self.scores.len();
        let objective = self.settings.objective;
        let seed = Seed(self.settings.seed).derive(&format!("round {number}"));
        let probabilities = (outputs > 1).then(|| self.probabilities());
        let warm = number as f64 >= 1.0 / self.settings.learning_rate;
        let drawn = match self.settings.goss {
            Some(shares) if warm => {
                let mut sizes = vec![0.0; self.bins.rows];
                for output in 0..outputs {
                    self.derive(output, probabilities.as_deref());
                    self.derived.add_sizes(&mut sizes);
                }
                Some(goss(shares, &sizes, seed.derive("rows")))
            }
            _ => rows(self.settings.subsample, self.bins.rows, seed.derive("rows")),
        };
        let (mut grown_any, mut trees) = (false, Vec::with_capacity(outputs));
        for output in 0..outputs {
            self.derive(output, probabilities.as_deref());
            if let Some(drawn) = &drawn {
                self.derived.multiply(drawn);
            }
            let seed = seed.derive(&format!("features {output}"));
            let tree = self.grow(output, drawn.as_ref(), seed);
            grown_any |= tree.nodes.len() > 1;
            trees.push(tree);
        }
        let by_chance = drawn.is_some() || self.settings.feature_fraction < 1.0;
        if !grown_any && !by_chance {
            return None;
        }
        for (output, tree) in trees.iter().enumerate() {
            self.add_held(tree, output);
        }
        self.state.trees.extend(trees);
        let loss = |scores: &[Vec<f64>], labels, weights| objective.loss(scores, labels, weights);
        let train_loss = self
            .settings
            .train_loss
            .then(|| loss(&self.scores, self.labels, self.weights));
        let held = self.held.as_ref();
        let validation_loss = held.map(|held| loss(&held.scores, held.labels, held.weights));
        let watched = held.and_then(|held| {
            let Settings {
                watched, objective, ..
            } = *self.settings;
            objective.watched(watched, &held.scores, held.labels, held.weights)
        });
        let round = Round {
            train_loss,
            validation_loss,
            watched,
        };
        self.state.rounds.push(round);
        Some(round)
    }

    /// The gradients of one output at the present scores.
    fn derive(&mut self, output: usize, probabilities: Option<&[Vec<f64>]>) {
        let scores = &probabilities.unwrap_or(&self.scores)[output];
        let Settings {
            objective, threads, ..
        } = *self.settings;
        self.derived.derive(
            objective,
            output,
            scores,
            self.labels,
            self.weights,
            threads,
        );
    }

    /// Grows a tree from the gradients, sets and shrinks its leaves, and moves the scores.
    fn grow(&mut self, output: usize, drawn: Option<&Drawn>, seed: Seed) -> Tree {
        let scale = self.derived.pack(self.settings.threads);
        let fraction = self.settings.feature_fraction;
        let enabled = features(fraction, self.bins.features.len(), seed);
        let from = Gradients {
            pairs: self.derived.pairs(),
            scale: &scale,
            sample: drawn.map(|drawn| &drawn.rows[..]),
            enabled: &enabled,
        };
        let Grown { mut tree, leaves } = self.grower.grow(&from, &self.limits);
        if tree.nodes.len() == 1 {
            tree.nodes[0].kind = Kind::Leaf { value: 0.0 };
            return tree;
        }
        let values = each(self.settings.threads, leaves.len(), |at| {
            let (node, rows) = &leaves[at];
            let rows = &self.grower.rows()[rows.clone()];
            let own = match tree.nodes[*node].kind {
                Kind::Leaf { value } => value,
                Kind::Split { .. } => unreachable!("a leaf stays one"),
            };
            let value = self.renewed(output, rows).unwrap_or(own);
            value * self.settings.learning_rate
        });
        let scores = &mut self.scores[output];
        for ((node, rows), value) in leaves.into_iter().zip(values) {
            tree.nodes[node].kind = Kind::Leaf { value };
            for row in &self.grower.rows()[rows] {
                scores[*row as usize] += value;
            }
        }
        if let Some(drawn) = drawn {
            for row in drawn.others(self.bins.rows) {
                scores[row] += tree.answer(&self.bins.features, &self.bins.columns, row);
            }
        }
        tree
    }

    /// The quantile of what the scores of some rows still lack, where the loss asks for it.
    fn renewed(&self, output: usize, rows: &[u32]) -> Option<f64> {
        let level = self.settings.objective.renewal()?;
        let lacking = rows.iter().map(|row| {
            let row = *row as usize;
            let weight = self.weights.map_or(1.0, |weights| weights[row]);
            (self.labels[row] - self.scores[output][row], weight)
        });
        let mut lacking: Vec<(f64, f64)> = lacking.collect();
        Some(quantile(&mut lacking, level, self.weights.is_some()))
    }

    fn add_held(&mut self, tree: &Tree, output: usize) {
        if let Some(held) = &mut self.held {
            for (row, score) in held.scores[output].iter_mut().enumerate() {
                *score += tree.answer(&self.bins.features, &held.columns, row);
            }
        }
    }

    /// The probabilities of the classes by output.
    fn probabilities(&self) -> Vec<Vec<f64>> {
        const CHUNK: usize = 4096;
        let mut found = vec![vec![0.0; self.bins.rows]; self.scores.len()];
        let mut chunks: Vec<Vec<&mut [f64]>> = Vec::new();
        for output in &mut found {
            for (at, chunk) in output.chunks_mut(CHUNK).enumerate() {
                if chunks.len() == at {
                    chunks.push(Vec::new());
                }
                chunks[at].push(chunk);
            }
        }
        let work = |(at, chunk): (usize, &mut Vec<&mut [f64]>)| {
            softmax(&self.scores, at * CHUNK, chunk);
        };
        if self.settings.threads == 1 {
            chunks.iter_mut().enumerate().for_each(work);
        } else {
            chunks.par_iter_mut().enumerate().for_each(work);
        }
        found
    }

    /// The trees up to the best round.
    pub(crate) fn finish(self) -> Ensemble {
        let best = self.best();
        let Checkpoint {
            base,
            mut trees,
            rounds,
            ..
        } = self.state;
        trees.truncate(best * base.len());
        Ensemble {
            base,
            trees,
            rounds,
        }
    }
}
