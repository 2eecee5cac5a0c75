//! Folds that all have the same shares of the classes.

use std::collections::BTreeMap;

use mlops_core::{Seed, Target, TrainingSet};

use super::{Folds, Plan, Splitter, check_folds, kfold::seeds};
use crate::{Error, Result};

/// Splits the rows of each class evenly over the folds.
///
/// ```
/// use mlops_train::StratifiedKFold;
///
/// let labels = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0];
/// let folds: Vec<_> = StratifiedKFold::new(2).split(&labels)?.collect();
/// assert_eq!(folds[0].test, [0, 1, 4]);
/// # Ok::<(), mlops_train::Error>(())
/// ```
///
/// # Reference
/// As it stands the folds are those of `sklearn.model_selection.StratifiedKFold`, which warns where this
/// one refuses: a class with fewer rows than folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StratifiedKFold {
    folds: u32,
    shuffle: Option<Seed>,
    repeats: u32,
}

impl StratifiedKFold {
    /// Folds of rows that are neighbours within their class.
    pub fn new(folds: u32) -> Self {
        Self {
            folds,
            shuffle: None,
            repeats: 1,
        }
    }

    /// The same with rows drawn at random within their class.
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

    /// The folds of rows with these labels; equal numbers are one class.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for fewer than two folds or repeats that would all be the same,
    /// [`Error::Unsplittable`] naming the class that has fewer rows than there are folds.
    pub fn split(&self, labels: &[f64]) -> Result<Folds> {
        let mut numbers = BTreeMap::new();
        let classes: Vec<usize> = labels
            .iter()
            .map(|label| {
                let next = numbers.len();
                // 0.0 and -0.0 are one class
                *numbers.entry((label + 0.0).to_bits()).or_insert(next)
            })
            .collect();
        self.split_classes(&classes, &|class| {
            let label = numbers.iter().find(|(_, number)| **number == class);
            label.map_or_else(String::new, |(label, _)| f64::from_bits(*label).to_string())
        })
    }

    /// The folds of rows of numbered classes; `name` is for the message.
    fn split_classes(&self, classes: &[usize], name: &dyn Fn(usize) -> String) -> Result<Folds> {
        check_folds("stratified k-fold", self.folds, 2, classes.len())?;
        let folds = self.folds as usize;
        let mut numbers = BTreeMap::new();
        // classes are numbered anew as they first appear
        let classes_of_rows: Vec<usize> = classes
            .iter()
            .map(|class| {
                let next = numbers.len();
                *numbers.entry(*class).or_insert(next)
            })
            .collect();
        let mut rows = vec![0; numbers.len()];
        for class in &classes_of_rows {
            rows[*class] += 1;
        }
        if let Some((class, at)) = numbers.iter().find(|(_, at)| rows[**at] < folds) {
            return Err(Error::Unsplittable {
                splitter: "stratified k-fold",
                folds: self.folds,
                reason: format!("class `{}` has {} rows", name(*class), rows[*at]),
            });
        }
        let shares = shares(&rows, folds);
        let plan = |seed: Option<Seed>| {
            let mut rng = seed.map(Seed::rng);
            let places: Vec<Vec<u32>> = shares
                .iter()
                .map(|share| {
                    let runs = (0u32..).zip(share);
                    let mut places: Vec<u32> =
                        runs.flat_map(|(fold, rows)| vec![fold; *rows]).collect();
                    if let Some(rng) = &mut rng {
                        rng.shuffle(&mut places);
                    }
                    places
                })
                .collect();
            let mut seen = vec![0; places.len()];
            let of = classes_of_rows.iter().map(|class| {
                seen[*class] += 1;
                places[*class][seen[*class] - 1]
            });
            Plan::Partition {
                of: of.collect(),
                folds,
            }
        };
        let seeds = seeds("stratified k-fold", self.shuffle, self.repeats)?;
        Ok(Folds::new(seeds.into_iter().map(plan).collect()))
    }
}

/// How many rows of each class each fold takes: row `i` of the rows sorted by class belongs to fold
/// `i % folds`, so that sizes differ by one at most.
fn shares(rows: &[usize], folds: usize) -> Vec<Vec<usize>> {
    let mut start = 0;
    rows.iter()
        .map(|rows| {
            let end = start + rows;
            let up_to = |limit: usize, fold: usize| (limit + folds - 1 - fold) / folds;
            let share = (0..folds).map(|fold| up_to(end, fold) - up_to(start, fold));
            let share = share.collect();
            start = end;
            share
        })
        .collect()
}

impl Splitter for StratifiedKFold {
    fn name(&self) -> &'static str {
        "stratified k-fold"
    }

    fn folds(&self, set: &TrainingSet) -> Result<Folds> {
        match set.target() {
            Target::Number(values) => self.split(&values),
            Target::Binary(labels) => {
                let name = |class: usize| (class == 1).to_string();
                let labels: Vec<usize> = labels.into_iter().map(usize::from).collect();
                self.split_classes(&labels, &name)
            }
            Target::Classes { names, codes } => {
                let codes: Vec<usize> = codes.into_iter().map(|code| code as usize).collect();
                self.split_classes(&codes, &|class| names[class].clone())
            }
        }
    }
}
