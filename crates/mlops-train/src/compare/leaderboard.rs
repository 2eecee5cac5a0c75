//! Candidates in order, each held against the best by a paired test.

use std::{collections::BTreeSet, fmt};

use mlops_core::{Seed, TrainingSet, metric::Interval};
use mlops_model::Model;
use serde::{Deserialize, Serialize};

use super::{
    Comparison, PairedTest, corrected_t_test, corrected_t_test_of, delong, mcnemar,
    paired_bootstrap,
};
use crate::{CrossValidation, Goal, Measure, Metric, Result, Truth, error::require, interval};

/// How to compare candidates.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeaderboardOptions {
    /// How many bootstrap resamples stand behind each interval.
    pub bootstrap: usize,
    /// The share of resamples that an interval covers.
    pub level: f64,
    /// Where the resampling begins.
    pub seed: Seed,
}

impl Default for LeaderboardOptions {
    /// 1000 resamples, level 0.95.
    fn default() -> Self {
        Self {
            bootstrap: 1000,
            level: 0.95,
            seed: Seed(0),
        }
    }
}

/// Candidates by a metric, the best first; its `Display` form is a table.
///
/// The best is the best of these rows: the more candidates, the more of its lead is luck. The adjusted
/// p-values account for the number of comparisons, not for the choice of whom to compare with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leaderboard {
    /// The metric.
    pub metric: String,
    /// Which end of it is the good one.
    pub goal: Goal,
    /// The candidates, the best first; equal ones by name.
    pub entries: Vec<Entry>,
}

/// One candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its metric.
    pub value: Interval,
    /// The best less this one; `None` for the best itself.
    pub behind: Option<Comparison>,
    /// The p-value of that, by Holm's method over all comparisons.
    pub adjusted_p: Option<f64>,
}

impl Leaderboard {
    /// Lets all models answer the same rows, which all count the same: the tests know no weights.
    ///
    /// The difference of two areas under ROC curves is tested by [`delong`], that of two accuracies by
    /// [`mcnemar`], any other by [`paired_bootstrap`].
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) without candidates, or with two of one
    /// name; a label that does not fit a model's output, the models' own, and those of the tests.
    pub fn on_rows(
        candidates: &[(&str, &dyn Model)],
        set: &TrainingSet,
        measure: Measure,
        options: &LeaderboardOptions,
    ) -> Result<Self> {
        let names: Vec<&str> = candidates.iter().map(|(name, _)| *name).collect();
        check_names(&names)?;
        let truth = Truth::of(set, candidates[0].1.signature().output())?;
        let batch = set.features();
        let mut answers = Vec::with_capacity(candidates.len());
        let mut values = Vec::with_capacity(candidates.len());
        for (name, model) in candidates {
            let found = model.predict(&batch)?.into_values();
            let LeaderboardOptions {
                bootstrap, level, ..
            } = *options;
            let seed = options.seed.derive(name);
            values.push(interval(&measure, &truth, &found, bootstrap, level, seed)?);
            answers.push(found);
        }
        Self::ranked(&names, &values, &measure, |best, other| {
            compare(measure, &truth, &answers[best], &answers[other], options)
        })
    }

    /// Compares cross-validations over the same folds by [`corrected_t_test`]; the intervals of the values
    /// are corrected in the same way.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) without candidates or with two of one name,
    /// [`Error::UnlikeFolds`](crate::Error::UnlikeFolds) if the folds are not the same or one lacks the metric,
    /// and those of [`corrected_t_test`].
    pub fn over_folds(
        candidates: &[&CrossValidation],
        metric: &dyn Metric,
        level: f64,
    ) -> Result<Self> {
        let names: Vec<&str> = candidates
            .iter()
            .map(|found| found.trainer.as_str())
            .collect();
        check_names(&names)?;
        let name = metric.name();
        let mut values = Vec::with_capacity(candidates.len());
        for found in candidates {
            corrected_t_test_of(&name, candidates[0], found, level)?;
            let rows = |count: fn(&crate::FoldResult) -> u64| found.folds.iter().map(count).sum();
            let (train, test) = (rows(|fold| fold.train_rows), rows(|fold| fold.test_rows));
            values.push(corrected_t_test(&found.values(&name), train, test, level)?.difference);
        }
        Self::ranked(&names, &values, metric, |best, other| {
            corrected_t_test_of(&name, candidates[best], candidates[other], level)
        })
    }

    fn ranked(
        names: &[&str],
        values: &[Interval],
        metric: &dyn Metric,
        compare: impl Fn(usize, usize) -> Result<Comparison>,
    ) -> Result<Self> {
        let goal = metric.goal();
        let mut order: Vec<usize> = (0..names.len()).collect();
        // 0.0 and -0.0 are one value
        let merit = |at: usize| goal.gain(values[at].value, 0.0) + 0.0;
        order.sort_by(|a, b| {
            let by_merit = merit(*b).total_cmp(&merit(*a));
            by_merit.then_with(|| names[*a].cmp(names[*b]))
        });
        let best = order[0];
        let mut entries = Vec::with_capacity(order.len());
        for at in order {
            let behind = if at == best {
                None
            } else {
                Some(compare(best, at)?)
            };
            entries.push(Entry {
                name: names[at].to_owned(),
                value: values[at],
                behind,
                adjusted_p: None,
            });
        }
        holm(&mut entries);
        Ok(Self {
            metric: metric.name(),
            goal,
            entries,
        })
    }

    /// The candidates that the test does not tell from the best at this level, the best included.
    pub fn level_with_best(&self, significance: f64) -> Vec<&str> {
        let entries = self.entries.iter();
        let level = entries.filter(|entry| entry.adjusted_p.is_none_or(|p| p > significance));
        level.map(|entry| entry.name.as_str()).collect()
    }
}

fn check_names(names: &[&str]) -> Result<()> {
    let rule = "there must be at least one candidate, and no two of one name";
    let mut seen = BTreeSet::new();
    let twice = names.iter().find(|name| !seen.insert(**name));
    let value = twice.copied().unwrap_or("empty");
    let holds = !names.is_empty() && twice.is_none();
    require(holds, "leaderboard", "candidates", &value, rule)
}

fn compare(
    measure: Measure,
    truth: &Truth,
    best: &[f64],
    other: &[f64],
    options: &LeaderboardOptions,
) -> Result<Comparison> {
    match (measure, truth) {
        (Measure::RocAuc, Truth::Binary(labels)) => delong(labels, best, other, options.level),
        (Measure::Accuracy, _) => {
            let (best, other) = (right(truth, best), right(truth, other));
            mcnemar(&best, &other, options.level)
        }
        _ => {
            let LeaderboardOptions {
                bootstrap,
                level,
                seed,
            } = *options;
            paired_bootstrap(&measure, truth, best, other, bootstrap, level, seed)
        }
    }
}

/// Whether each row is called rightly, as [`Measure::Accuracy`] counts it.
fn right(truth: &Truth, answers: &[f64]) -> Vec<bool> {
    match truth {
        Truth::Binary(labels) => {
            let rows = labels.iter().zip(answers);
            rows.map(|(label, score)| *label == (*score >= 0.5))
                .collect()
        }
        Truth::Classes { labels, classes } => {
            let rows = labels.iter().zip(answers.chunks_exact(*classes));
            // of equal answers the first is called
            let called = |row: &[f64]| {
                (1..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best })
            };
            rows.map(|(label, row)| *label == called(row)).collect()
        }
        Truth::Number(_) => Vec::new(),
    }
}

/// Holm's step-down method (Holm 1979).
pub(super) fn holm(entries: &mut [Entry]) {
    let p_value = |entry: &Entry| entry.behind.as_ref().map(|found| found.p_value);
    let mut order: Vec<(usize, f64)> = entries
        .iter()
        .enumerate()
        .filter_map(|(at, entry)| Some((at, p_value(entry)?)))
        .collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let tests = order.len();
    let mut most = 0.0f64;
    for (place, (at, p)) in order.into_iter().enumerate() {
        most = most.max(p * (tests - place) as f64).min(1.0);
        entries[at].adjusted_p = Some(most);
    }
}

impl fmt::Display for Leaderboard {
    /// A row a candidate.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = self.entries.iter().map(|entry| entry.name.chars().count());
        let width = widest.chain([9]).max().unwrap_or(9);
        let test = self.entries.iter().find_map(|entry| entry.behind.as_ref());
        let test = test.map_or("", |found| found.test.name());
        let cell = |i: &Interval| format!("{:.4} [{:.4}, {:.4}]", i.value, i.lower, i.upper);
        write!(
            f,
            "{:width$}  {:>26}  {:>28}  {test} p (Holm)",
            "candidate", self.metric, "best less this one"
        )?;
        for entry in &self.entries {
            write!(f, "\n{:width$}  {:>26}", entry.name, cell(&entry.value))?;
            if let (Some(found), Some(p)) = (&entry.behind, entry.adjusted_p) {
                write!(f, "  {:>28}  {p:.4}", cell(&found.difference))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for PairedTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
