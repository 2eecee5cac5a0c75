//! Splits: which rows to fit on and which to judge by, fold by fold.
//!
//! A [`Splitter`] hands out [`Folds`], an iterator over row numbers; nothing is copied before
//! [`Fold::sets`]. Each splitter also splits what it looks at alone: a number of rows, labels, groups
//! or times.
//!
//! | splitter | keeps | use it where |
//! | --- | --- | --- |
//! | [`KFold`] | sizes | rows are independent |
//! | [`StratifiedKFold`] | shares of classes | a class is rare |
//! | [`GroupKFold`] | groups whole | an entity has several rows |
//! | [`TimeSeries`] | the past before the future | what is predicted comes later |
//! | [`PurgedKFold`] | the horizon of labels free | labels look ahead, and rows are few |

pub mod conformance;
mod group;
mod kfold;
mod purged;
mod series;
mod stratified;
mod time;

use std::{fmt::Debug, ops::Range};

use mlops_core::TrainingSet;

pub use group::GroupKFold;
pub use kfold::KFold;
pub use purged::PurgedKFold;
pub use series::TimeSeries;
pub use stratified::StratifiedKFold;
pub(crate) use time::latest_cut;
pub use time::{split_latest, split_with_gap};

use crate::{Error, Result};

/// The most folds and repeats that a splitter makes.
const MOST: u32 = 10_000;

/// A rule that splits a training set.
///
/// # Contract
/// [`splitting`](crate::splitting) checks it case by case.
///
/// - *Order.* The rows of each side ascend, and none is named twice.
/// - *Distance.* No row is on both sides of a fold, and neither side is empty.
/// - *Determinism.* The same settings and the same set give the same folds.
pub trait Splitter: Send + Sync + Debug {
    /// A short name, for instance `k-fold`.
    fn name(&self) -> &str;

    /// The folds of a set.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a setting out of its range, [`Error::Unsplittable`] naming the
    /// fold or class that would have no rows, and those of reading the columns that it looks at.
    fn folds(&self, set: &TrainingSet) -> Result<Folds>;
}

/// One way to split: row numbers to fit on and to judge by, both ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// The rows to fit on.
    pub train: Vec<u32>,
    /// The rows to judge by.
    pub test: Vec<u32>,
}

impl Fold {
    /// The rows themselves: what to fit on, and what to judge by.
    ///
    /// # Errors
    /// [`mlops_core::Error::InvalidParameter`] if the set has fewer rows than the one that was split.
    pub fn sets(&self, set: &TrainingSet) -> Result<(TrainingSet, TrainingSet)> {
        Ok((take(set, &self.train)?, take(set, &self.test)?))
    }
}

/// The rows at the given positions, with the set's lineage.
pub(crate) fn take(set: &TrainingSet, rows: &[u32]) -> Result<TrainingSet> {
    let table = set.table().take(rows)?;
    Ok(TrainingSet::new(table, set.lineage().clone())?)
}

/// Folds, made one at a time.
#[derive(Debug, Clone)]
pub struct Folds {
    plans: Vec<Plan>,
    plan: usize,
    at: usize,
}

#[derive(Debug, Clone)]
enum Plan {
    /// Each row's test fold; the other rows are fitted on.
    Partition { of: Vec<u32>, folds: usize },
    /// Rows in the order of time, and what of them each fold takes.
    Cuts { order: Vec<u32>, cuts: Vec<Cut> },
}

/// Positions in the order of time; those to fit on lie before and behind those to judge by.
#[derive(Debug, Clone)]
struct Cut {
    before: Range<usize>,
    test: Range<usize>,
    behind: Range<usize>,
}

impl Plan {
    fn len(&self) -> usize {
        match self {
            Self::Partition { folds, .. } => *folds,
            Self::Cuts { cuts, .. } => cuts.len(),
        }
    }

    fn fold(&self, at: usize) -> Fold {
        match self {
            Self::Partition { of, .. } => {
                let rows = (0u32..).zip(of);
                let (test, train): (Vec<_>, Vec<_>) =
                    rows.partition(|(_, fold)| **fold as usize == at);
                let names = |rows: Vec<(u32, &u32)>| rows.into_iter().map(|(row, _)| row).collect();
                Fold {
                    train: names(train),
                    test: names(test),
                }
            }
            Self::Cuts { order, cuts } => {
                let cut = &cuts[at];
                let mut train = order[cut.before.clone()].to_vec();
                train.extend_from_slice(&order[cut.behind.clone()]);
                let mut test = order[cut.test.clone()].to_vec();
                train.sort_unstable();
                test.sort_unstable();
                Fold { train, test }
            }
        }
    }
}

impl Folds {
    fn new(plans: Vec<Plan>) -> Self {
        Self {
            plans,
            plan: 0,
            at: 0,
        }
    }
}

impl Iterator for Folds {
    type Item = Fold;

    fn next(&mut self) -> Option<Fold> {
        let plan = self.plans.get(self.plan)?;
        let fold = plan.fold(self.at);
        self.at += 1;
        if self.at == plan.len() {
            (self.plan, self.at) = (self.plan + 1, 0);
        }
        Some(fold)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let ahead = self.plans.iter().skip(self.plan).map(Plan::len);
        let left = ahead.sum::<usize>() - self.at;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Folds {}

/// Refuses fewer than `least` folds, too many, and more than there are rows.
fn check_folds(splitter: &'static str, folds: u32, least: u32, rows: usize) -> Result<()> {
    crate::error::require(
        (least..=MOST).contains(&folds),
        splitter,
        "folds",
        &folds,
        if least == 1 {
            "it must lie in 1..=10000"
        } else {
            "it must lie in 2..=10000"
        },
    )?;
    if (folds as usize) <= rows {
        return Ok(());
    }
    Err(Error::Unsplittable {
        splitter,
        folds,
        reason: format!("there are {rows} rows"),
    })
}

/// The first position of each of `folds` runs over `rows`; the first `rows % folds` runs are longer by one.
fn runs(rows: usize, folds: u32) -> impl Iterator<Item = Range<usize>> {
    let folds = folds as usize;
    let start = move |fold: usize| fold * (rows / folds) + fold.min(rows % folds);
    (0..folds).map(move |fold| start(fold)..start(fold + 1))
}

#[cfg(test)]
mod tests;
