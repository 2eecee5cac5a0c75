//! Folds of equal size, as the rows stand or shuffled.

use mlops_core::{Seed, TrainingSet};

use super::{Folds, MOST, Plan, Splitter, check_folds, runs};
use crate::{Result, error::require};

/// Splits the rows into folds of equal size; each is judged by once a repeat.
///
/// ```
/// use mlops_train::KFold;
///
/// let folds: Vec<_> = KFold::new(2).split(5)?.collect();
/// assert_eq!((folds[0].test.as_slice(), folds[1].test.as_slice()), (&[0, 1, 2][..], &[3, 4][..]));
/// assert_eq!(folds[0].train, [3, 4]);
/// # Ok::<(), mlops_train::Error>(())
/// ```
///
/// # Reference
/// As it stands the folds are those of `sklearn.model_selection.KFold`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KFold {
    folds: u32,
    shuffle: Option<Seed>,
    repeats: u32,
}

impl KFold {
    /// Folds of neighbouring rows.
    pub fn new(folds: u32) -> Self {
        Self {
            folds,
            shuffle: None,
            repeats: 1,
        }
    }

    /// The same with rows drawn at random.
    #[must_use]
    pub fn shuffled(mut self, seed: Seed) -> Self {
        self.shuffle = Some(seed);
        self
    }

    /// The whole split so many times, each drawn anew; it must be shuffled for that.
    #[must_use]
    pub fn repeats(mut self, repeats: u32) -> Self {
        self.repeats = repeats;
        self
    }

    /// The folds of so many rows.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for fewer than two folds or repeats that
    /// would all be the same, [`Error::Unsplittable`](crate::Error::Unsplittable) for fewer rows than folds.
    pub fn split(&self, rows: usize) -> Result<Folds> {
        check_folds("k-fold", self.folds, 2, rows)?;
        let plan = |seed: Option<Seed>| {
            let mut of = vec![0; rows];
            for (fold, run) in (0..).zip(runs(rows, self.folds)) {
                of[run].fill(fold);
            }
            if let Some(seed) = seed {
                seed.rng().shuffle(&mut of);
            }
            Plan::Partition {
                of,
                folds: self.folds as usize,
            }
        };
        let seeds = seeds("k-fold", self.shuffle, self.repeats)?;
        Ok(Folds::new(seeds.into_iter().map(plan).collect()))
    }
}

impl Splitter for KFold {
    fn name(&self) -> &'static str {
        "k-fold"
    }

    fn folds(&self, set: &TrainingSet) -> Result<Folds> {
        self.split(set.rows())
    }
}

/// One seed a repeat.
pub(super) fn seeds(
    splitter: &'static str,
    shuffle: Option<Seed>,
    repeats: u32,
) -> Result<Vec<Option<Seed>>> {
    let most = if shuffle.is_some() { MOST } else { 1 };
    require(
        (1..=most).contains(&repeats),
        splitter,
        "repeats",
        &repeats,
        "it must lie in 1..=10000, and be 1 unless shuffled",
    )?;
    let derive = |repeat: u32| shuffle.map(|seed| seed.derive(&format!("repeat {repeat}")));
    Ok((0..repeats).map(derive).collect())
}
