//! Several estimators as one: their answers averaged, or read by a linear model on top.

use serde::{Deserialize, Serialize};

use crate::{Error, Estimator, Linear, Matrix, Result, estimator::Scorer, limit, model::Work};

/// Estimators that each read a range of the encoded columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ensemble {
    /// The members, at least one.
    #[serde(deserialize_with = "limit::list::<{ limit::MEMBERS }, _, _>")]
    pub members: Vec<Member>,
    /// How their answers become one.
    pub blend: Blend,
}

/// An estimator over `width` encoded columns from `first` on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// The first column that it reads.
    pub first: usize,
    /// The number of columns that it reads.
    pub width: usize,
    /// What it computes.
    pub estimator: Estimator,
}

/// How the members' answers become one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Blend {
    /// The weighted mean; all members answer as many numbers.
    Average {
        /// `[members]`: at least 0, not all of them 0.
        #[serde(deserialize_with = "limit::list::<{ limit::MEMBERS }, _, _>")]
        weights: Vec<f64>,
    },
    /// A linear model over the numbers of all answers, member after member.
    Stack(Linear),
}

impl limit::Weigh for Member {
    fn weigh(&self) -> usize {
        1
    }
}

impl Ensemble {
    /// Whether every number of the answer lies in 0..=1 whatever the row.
    pub(crate) fn is_probability(&self) -> bool {
        match &self.blend {
            Blend::Average { .. } => self
                .members
                .iter()
                .all(|member| Scorer::is_probability(&member.estimator)),
            Blend::Stack(linear) => linear.is_probability(),
        }
    }
}

/// A checked ensemble.
#[derive(Debug, Clone)]
pub(crate) struct Council {
    /// The first column, the width and the scorer of each member.
    members: Vec<(usize, usize, Scorer)>,
    /// The numbers of all members' answers.
    answers: usize,
    outputs: usize,
    blend: Blend,
}

impl Council {
    pub(crate) fn new(ensemble: &Ensemble, width: usize, depth: usize) -> Result<Self> {
        limit::check(
            "the number of members",
            ensemble.members.len(),
            limit::MEMBERS,
        )?;
        let invalid = |reason: String| Err(Error::model("ensemble", reason));
        let mut members = Vec::with_capacity(ensemble.members.len());
        for (at, member) in ensemble.members.iter().enumerate() {
            let end = member.first.checked_add(member.width);
            if end.is_none_or(|end| end > width) {
                return invalid(format!(
                    "member {at} reads {} columns from {} on, there are {width}",
                    member.width, member.first
                ));
            }
            let scorer = Scorer::nested(&member.estimator, member.width, depth + 1)?;
            members.push((member.first, member.width, scorer));
        }
        let outputs: Vec<usize> = members
            .iter()
            .map(|(_, _, scorer)| scorer.outputs())
            .collect();
        let answers = outputs.iter().sum();
        let Some(first) = outputs.first() else {
            return invalid("it has no member".into());
        };
        let outputs = match &ensemble.blend {
            Blend::Average { weights } => {
                if weights.len() != members.len() {
                    let (weights, members) = (weights.len(), members.len());
                    return invalid(format!("{weights} weights meet {members} members"));
                }
                if let Some(at) = outputs.iter().position(|outputs| outputs != first) {
                    return invalid(format!(
                        "member {at} answers {} numbers, the first {first}",
                        outputs[at]
                    ));
                }
                if let Some(weight) = weights.iter().find(|w| !w.is_finite() || **w < 0.0) {
                    return invalid(format!("a weight is {weight}"));
                }
                let total: f64 = weights.iter().sum();
                if total <= 0.0 || !total.is_finite() {
                    return invalid(format!("the weights sum to {total}"));
                }
                *first
            }
            Blend::Stack(linear) => {
                linear.check(answers)?;
                linear.bias.len()
            }
        };
        Ok(Self {
            members,
            answers,
            outputs,
            blend: ensemble.blend.clone(),
        })
    }

    /// The numbers of an answer.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    pub(crate) fn score(&self, row: &[f64], work: &mut Work, answer: &mut [f64]) {
        let mut answers = work.spare.pop().unwrap_or_default();
        answers.clear();
        answers.resize(self.answers, 0.0);
        let mut start = 0;
        for (first, width, scorer) in &self.members {
            let end = start + scorer.outputs();
            scorer.score_one(&row[*first..first + width], work, &mut answers[start..end]);
            start = end;
        }
        self.blend(&answers, answer);
        work.spare.push(answers);
    }

    /// The answers for all rows, each member at its own pace.
    pub(crate) fn score_all(&self, matrix: &Matrix, answers: &mut [f64]) {
        let rows = matrix.rows();
        let mut all = vec![0.0; rows * self.answers];
        let mut start = 0;
        for (first, width, scorer) in &self.members {
            let outputs = scorer.outputs();
            let own = if *width == matrix.width() {
                scorer.score(matrix)
            } else {
                let columns = (0..rows).flat_map(|row| &matrix.row(row)[*first..first + width]);
                scorer.score(&Matrix::new(columns.copied().collect(), rows, *width))
            };
            for (row, own) in own.values().chunks_exact(outputs).enumerate() {
                let at = row * self.answers + start;
                all[at..at + outputs].copy_from_slice(own);
            }
            start += outputs;
        }
        let rows = all.chunks_exact(self.answers);
        for (all, answer) in rows.zip(answers.chunks_exact_mut(self.outputs)) {
            self.blend(all, answer);
        }
    }

    fn blend(&self, answers: &[f64], answer: &mut [f64]) {
        match &self.blend {
            Blend::Average { weights } => {
                answer.fill(0.0);
                let mut total = 0.0;
                for (weight, own) in weights.iter().zip(answers.chunks_exact(self.outputs)) {
                    // both sums round alike, so a mean of probabilities never leaves 0..=1
                    total += weight;
                    for (sum, x) in answer.iter_mut().zip(own) {
                        *sum += weight * x;
                    }
                }
                for sum in answer {
                    *sum /= total;
                }
            }
            Blend::Stack(linear) => linear.score(answers, answer),
        }
    }
}
