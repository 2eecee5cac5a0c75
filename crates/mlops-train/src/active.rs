//! Which rows to ask a person about: those that the model is least sure of.
//!
//! ```
//! use mlops_core::Seed;
//! use mlops_train::{ActiveLearning, Sampling, LogisticRegression, Measure, conformance};
//!
//! let (pool, test) = (conformance::planted(1000, 1), conformance::planted(500, 2));
//! let trainer = LogisticRegression::builder().build()?;
//! let run = ActiveLearning { first: 40, batch: 20, rounds: 5, seed: Seed(7) };
//! let curve = run.simulate(&trainer, &pool, &test, Sampling::Margin, &Measure::LogLoss)?;
//! assert_eq!(curve.last().map(|point| point.labelled), Some(140));
//! # Ok::<(), mlops_train::Error>(())
//! ```
//!
//! # Reference
//! Settles 2009, section 3.1 (uncertainty sampling); Lewis and Gale 1994.

use mlops_core::{Seed, TrainingSet};
use mlops_model::{Matrix, Model};
use serde::{Deserialize, Serialize};

use crate::{Error, Metric, Result, Trainer, Truth, error::require};

const NAME: &str = "active learning";

/// How the next rows are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// By chance: what the others are to be compared with.
    Random,
    /// The least probable best class first.
    LeastConfident,
    /// The smallest distance between the two most probable classes first.
    Margin,
    /// The largest entropy of the classes first.
    Entropy,
}

impl Sampling {
    /// How unsure the answers are, larger the less sure; of a probability alone, of two classes. All rows
    /// are equally unsure under [`Sampling::Random`].
    ///
    /// # Shapes
    /// `answers` `[rows, 1]` or `[rows, classes]`; the result `[rows]`.
    ///
    /// # Units
    /// [`Sampling::Entropy`] in nats, the others in shares.
    ///
    /// # Reference
    /// As modAL's `classifier_uncertainty`, `classifier_margin` (as 1 minus it) and `classifier_entropy`.
    pub fn uncertainty(self, answers: &Matrix) -> Vec<f64> {
        let rows = 0..answers.rows();
        rows.map(|row| match answers.row(row) {
            [positive] => self.of(&[1.0 - positive, *positive]),
            classes => self.of(classes),
        })
        .collect()
    }

    fn of(self, classes: &[f64]) -> f64 {
        let (first, second) = classes.iter().fold((0.0, 0.0), |(first, second), p| {
            if *p > first {
                (*p, first)
            } else {
                (first, f64::max(second, *p))
            }
        });
        match self {
            Self::Random => 0.0,
            Self::LeastConfident => 1.0 - first,
            Self::Margin => 1.0 - (first - second),
            Self::Entropy => {
                let terms = classes.iter().filter(|p| **p > 0.0);
                -terms.map(|p| p * p.ln()).sum::<f64>()
            }
        }
    }

    /// The rows of a batch of answers to ask about, the least sure first; chance decides between equals.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if `count` is above the rows there are.
    ///
    /// # Complexity
    /// O(rows · (classes + log rows)).
    pub fn pick(self, answers: &Matrix, count: usize, seed: Seed) -> Result<Vec<usize>> {
        let rule = "it must be at most the number of rows";
        require(count <= answers.rows(), NAME, "count", &count, rule)?;
        let unsure = self.uncertainty(answers);
        let mut rows: Vec<usize> = (0..answers.rows()).collect();
        seed.rng().shuffle(&mut rows);
        rows.sort_by(|a, b| unsure[*b].total_cmp(&unsure[*a]));
        rows.truncate(count);
        Ok(rows)
    }
}

/// A simulation of asking for labels in rounds, over a set whose labels are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActiveLearning {
    /// The rows that are labelled to begin with, drawn by chance; more are drawn until every class is there.
    pub first: usize,
    /// The rows that are asked about in a round.
    pub batch: usize,
    /// How often is asked.
    pub rounds: usize,
    /// Where all that is drawn begins.
    pub seed: Seed,
}

/// The metric after a number of labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LearningPoint {
    /// The rows with a label.
    pub labelled: usize,
    /// The metric on the test set.
    pub value: f64,
}

impl ActiveLearning {
    /// What the metric on `test` would be after each round if the labels of `pool` were asked for as
    /// `sampling` says; the first point is before any question. Runs with the same seed begin with the
    /// same rows, whatever the sampling.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if the pool is too small, [`Error::UnsupportedTask`] for numbers,
    /// [`Error::SingleClass`], and those of the trainer and of the metric.
    pub fn simulate(
        &self,
        trainer: &dyn Trainer,
        pool: &TrainingSet,
        test: &TrainingSet,
        sampling: Sampling,
        metric: &dyn Metric,
    ) -> Result<Vec<LearningPoint>> {
        let asked = self.batch.saturating_mul(self.rounds);
        let needed = self.first.saturating_add(asked);
        require(
            self.first >= 2,
            NAME,
            "first",
            &self.first,
            "it must be at least 2",
        )?;
        let rule = "first + batch * rounds must be at most the rows of the pool";
        require(needed <= pool.rows(), NAME, "rounds", &self.rounds, rule)?;

        let mut labelled = self.first_rows(pool)?;
        let mut curve = Vec::with_capacity(self.rounds + 1);
        for round in 0..=self.rounds {
            let spec = trainer.fit(&pool.filter(&labelled)?)?.spec;
            let truth = Truth::of(test, spec.signature().output())?;
            let answers = spec.predict(&test.features())?;
            curve.push(LearningPoint {
                labelled: labelled.iter().filter(|known| **known).count(),
                value: metric.value(&truth, answers.values())?,
            });
            let open: Vec<usize> = (0..pool.rows()).filter(|row| !labelled[*row]).collect();
            let count = self.batch.min(open.len());
            if round == self.rounds || count == 0 {
                break;
            }
            let unknown: Vec<bool> = labelled.iter().map(|known| !known).collect();
            let answers = spec.predict(&pool.filter(&unknown)?.features())?;
            let seed = self.seed.derive(&format!("round {round}"));
            for at in sampling.pick(&answers, count, seed)? {
                labelled[open[at]] = true;
            }
        }
        Ok(curve)
    }

    /// Rows by chance, and on until every class is among them.
    fn first_rows(&self, pool: &TrainingSet) -> Result<Vec<bool>> {
        let target = pool.target();
        let Some((names, codes)) = target.classes() else {
            return Err(Error::UnsupportedTask {
                trainer: NAME,
                task: target.task(),
            });
        };
        let mut order: Vec<usize> = (0..codes.len()).collect();
        self.seed.derive("first").rng().shuffle(&mut order);
        let (mut labelled, mut seen) = (vec![false; codes.len()], vec![false; names.len()]);
        for (taken, row) in order.into_iter().enumerate() {
            if taken >= self.first && !seen.contains(&false) {
                break;
            }
            labelled[row] = true;
            seen[codes[row]] = true;
        }
        Ok(labelled)
    }
}

#[cfg(all(test, feature = "linfa"))]
mod tests {
    use super::*;
    use crate::{LogisticRegression, Measure, conformance};

    #[test]
    fn unsure_answers_come_first() {
        let answers = |rows: &[&[f64]]| -> Matrix {
            Matrix::from_values(rows.concat(), rows[0].len()).unwrap()
        };
        let two = answers(&[&[0.9], &[0.55], &[0.1], &[0.4]]);
        for sampling in [
            Sampling::LeastConfident,
            Sampling::Margin,
            Sampling::Entropy,
        ] {
            assert_eq!(
                sampling.pick(&two, 2, Seed(1)).unwrap(),
                [1, 3],
                "{sampling:?}"
            );
        }
        let three = answers(&[&[0.5, 0.49, 0.01], &[0.4, 0.3, 0.3], &[0.8, 0.1, 0.1]]);
        let first = |sampling: Sampling| sampling.pick(&three, 1, Seed(1)).unwrap()[0];
        assert_eq!(first(Sampling::Margin), 0);
        assert_eq!(first(Sampling::LeastConfident), 1);
        assert_eq!(first(Sampling::Entropy), 1);
        let entropy = Sampling::Entropy.uncertainty(&three)[1];
        assert!((entropy - 1.088_899_975_345_224).abs() < 1e-12, "{entropy}");
        assert!(Sampling::Margin.pick(&three, 4, Seed(1)).is_err());
    }

    /// Two classes that a line parts, but for a few rows near it.
    fn parted(rows: usize, seed: u64) -> TrainingSet {
        let mut rng = Seed(seed).rng();
        let columns: Vec<Vec<f64>> = (0..8)
            .map(|_| (0..rows).map(|_| rng.normal()).collect())
            .collect();
        let labels: Vec<bool> = (0..rows)
            .map(|row| columns[0][row] - 0.7 * columns[1][row] + 0.05 * rng.normal() > 0.0)
            .collect();
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let columns = names.into_iter().zip(columns);
        let columns = columns.map(|(name, values)| (name, values.into_iter().map(Some).collect()));
        conformance::table(columns.collect(), &labels)
    }

    #[test]
    fn unsure_rows_teach_more_than_chance() {
        let (pool, test) = (parted(2000, 1), parted(2000, 2));
        let trainer = LogisticRegression::builder().build().unwrap();
        let last = |sampling| {
            let values = (0..4).map(|seed| {
                let run = ActiveLearning {
                    first: 20,
                    batch: 10,
                    rounds: 5,
                    seed: Seed(seed),
                };
                let curve = run.simulate(&trainer, &pool, &test, sampling, &Measure::Accuracy);
                curve.unwrap().last().unwrap().value
            });
            values.sum::<f64>() / 4.0
        };
        let chance = last(Sampling::Random);
        for sampling in [
            Sampling::LeastConfident,
            Sampling::Margin,
            Sampling::Entropy,
        ] {
            let unsure = last(sampling);
            assert!(
                unsure > chance + 0.02,
                "{sampling:?}: {unsure} against {chance}"
            );
        }
    }

    #[test]
    fn all_samplings_begin_alike_and_never_ask_twice() {
        let (pool, test) = (conformance::planted(200, 3), conformance::planted(200, 4));
        let trainer = LogisticRegression::builder().build().unwrap();
        let run = ActiveLearning {
            first: 50,
            batch: 50,
            rounds: 3,
            seed: Seed(1),
        };
        let simulate = |sampling| {
            run.simulate(&trainer, &pool, &test, sampling, &Measure::LogLoss)
                .unwrap()
        };
        let (a, b) = (simulate(Sampling::Random), simulate(Sampling::Entropy));
        assert_eq!(a[0], b[0]);
        // in the end all rows are labelled, so how they were asked for is all the same
        assert_eq!(a.last(), b.last());
        assert_eq!(a.last().unwrap().labelled, 200);
        let more = ActiveLearning { rounds: 4, ..run };
        let error = more.simulate(&trainer, &pool, &test, Sampling::Random, &Measure::LogLoss);
        assert!(error.unwrap_err().to_string().contains("`rounds`"));
    }
}
