//! Folds that never tear a group apart.

use std::collections::BTreeMap;

use mlops_core::{EntityKey, Seed, TrainingSet};

use super::{Folds, Plan, Splitter, check_folds};
use crate::{Error, Result};

/// Splits groups over the folds so that sizes are near each other: the largest group first, each to the
/// fold with the fewest rows so far.
///
/// Rows of one customer know of each other; a model that has seen one of them is judged too well by the
/// others.
///
/// # Reference
/// As it stands the folds are those of `sklearn.model_selection.GroupKFold` where no two groups have the
/// same size; of equal ones the first to appear goes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupKFold {
    folds: u32,
    column: Option<String>,
    shuffle: Option<Seed>,
}

impl GroupKFold {
    /// Groups are the entities of the set's key.
    pub fn by_key(folds: u32) -> Self {
        Self {
            folds,
            column: None,
            shuffle: None,
        }
    }

    /// Groups are the values of a column of whole numbers, texts or booleans.
    pub fn by_column(folds: u32, column: impl Into<String>) -> Self {
        Self {
            folds,
            column: Some(column.into()),
            shuffle: None,
        }
    }

    /// The same with groups of equal size in random order.
    #[must_use]
    pub fn shuffled(mut self, seed: Seed) -> Self {
        self.shuffle = Some(seed);
        self
    }

    /// The folds of rows with these groups.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for fewer than two folds, [`Error::Unsplittable`] for fewer groups than
    /// folds.
    pub fn split<G: Ord>(&self, groups: &[G]) -> Result<Folds> {
        check_folds("group k-fold", self.folds, 2, groups.len())?;
        let folds = self.folds as usize;
        let mut numbers = BTreeMap::new();
        let groups: Vec<usize> = groups
            .iter()
            .map(|group| {
                let next = numbers.len();
                *numbers.entry(group).or_insert(next)
            })
            .collect();
        if numbers.len() < folds {
            return Err(Error::Unsplittable {
                splitter: "group k-fold",
                folds: self.folds,
                reason: format!("there are {} groups", numbers.len()),
            });
        }
        let mut rows = vec![0usize; numbers.len()];
        for group in &groups {
            rows[*group] += 1;
        }
        let mut order: Vec<usize> = (0..rows.len()).collect();
        if let Some(seed) = self.shuffle {
            seed.rng().shuffle(&mut order);
        }
        order.sort_by(|a, b| rows[*b].cmp(&rows[*a]));
        let mut weights = vec![0; folds];
        let mut fold_of = vec![0; rows.len()];
        for group in order {
            let fold = (0u32..)
                .zip(&weights)
                .min_by_key(|(_, weight)| **weight)
                .map_or(0, |(fold, _)| fold);
            weights[fold as usize] += rows[group];
            fold_of[group] = fold;
        }
        let of = groups.into_iter().map(|group| fold_of[group]).collect();
        Ok(Folds::new(vec![Plan::Partition { of, folds }]))
    }
}

impl Splitter for GroupKFold {
    fn name(&self) -> &'static str {
        "group k-fold"
    }

    /// # Errors
    /// Beside those of [`Splitter::folds`]: [`mlops_core::Error::UnknownColumn`],
    /// [`mlops_core::Error::TypeMismatch`], and [`mlops_core::Error::UnexpectedNull`] for a group that is
    /// not known.
    fn folds(&self, set: &TrainingSet) -> Result<Folds> {
        let table = set.table();
        let groups = match &self.column {
            None => table.keys()?,
            Some(name) => {
                let column = [table.column(name)?.clone()];
                let keys = (0..set.rows()).map(|row| EntityKey::from_arrays(&[name], &column, row));
                keys.collect::<Result<_, _>>()?
            }
        };
        if let Some(row) = groups.iter().position(Option::is_none) {
            let column = self.column.as_deref().unwrap_or("key");
            return Err(Error::Core(mlops_core::Error::UnexpectedNull {
                column: column.to_owned(),
                row,
            }));
        }
        self.split(&groups)
    }
}
