//! The families of estimators: what they hold as data, and how they compute.
//!
//! The public types are plain descriptions, written by trainers and read from packages. A
//! [`ModelSpec`](crate::ModelSpec) checks them once and turns them into a [`Scorer`], whose layout is
//! made for reading.

mod activation;
mod bayes;
mod calibrated;
mod centroids;
mod embedding;
mod ensemble;
mod forest;
mod linear;
pub(crate) mod mlp;
mod svm;
mod tree;

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, SeqAccess, Visitor, value::SeqAccessDeserializer},
};

pub use activation::Activation;
pub use bayes::{Bayes, Likelihood};
pub use calibrated::{Calibrated, Curve};
pub use centroids::{Centroids, Nearest};
pub use embedding::Embedding;
pub use ensemble::{Blend, Ensemble, Member};
pub use linear::Linear;
pub use mlp::{Dense, Mlp};
pub use svm::{Kernel, Svm};
pub use tree::{Combine, Node, Rule, Tree, TreeEnsemble};

use crate::{Error, Matrix, Result, SequenceEstimator, limit, model::Work, sequence::Sequential};
use bayes::Densities;
use calibrated::Corrected;
use ensemble::Council;
use forest::Forest;
use mlp::Network;

/// What turns encoded columns into one or more numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Estimator {
    /// A weighted sum.
    Linear(Linear),
    /// Decision trees.
    Trees(TreeEnsemble),
    /// A feed-forward network.
    Mlp(Mlp),
    /// A density a class.
    Bayes(Bayes),
    /// Support vectors.
    Svm(Svm),
    /// The nearest of some points.
    Centroids(Centroids),
    /// Several estimators as one.
    Ensemble(Ensemble),
    /// An estimator behind a curve.
    Calibrated(Calibrated),
    /// A network over sequences.
    Sequence(SequenceEstimator),
}

impl Estimator {
    /// The family's name, which is the variant's in lower case.
    pub fn family(&self) -> &'static str {
        match self {
            Self::Linear(_) => "linear",
            Self::Trees(_) => "trees",
            Self::Mlp(_) => "mlp",
            Self::Bayes(_) => "bayes",
            Self::Svm(_) => "svm",
            Self::Centroids(_) => "centroids",
            Self::Ensemble(_) => "ensemble",
            Self::Calibrated(_) => "calibrated",
            Self::Sequence(_) => "sequence",
        }
    }

    /// What turns its raw scores into the answer.
    pub fn link(&self) -> Link {
        match self {
            Self::Linear(linear)
            | Self::Ensemble(Ensemble {
                blend: Blend::Stack(linear),
                ..
            }) => linear.link,
            Self::Trees(trees) => trees.link,
            Self::Mlp(mlp) => mlp.link,
            Self::Bayes(bayes) => bayes.link,
            Self::Svm(svm) => svm.link,
            Self::Sequence(sequence) => sequence.link,
            Self::Centroids(_) | Self::Ensemble(_) | Self::Calibrated(_) => Link::Identity,
        }
    }

    /// Marks the columns, `width` of them from `first` on, that may not be missing.
    pub(crate) fn needs(&self, first: usize, width: usize, needed: &mut [bool]) {
        match self {
            Self::Trees(_) => {}
            Self::Ensemble(ensemble) => {
                for member in &ensemble.members {
                    let start = first + member.first;
                    member.estimator.needs(start, member.width, needed);
                }
            }
            Self::Calibrated(calibrated) => calibrated.estimator.needs(first, width, needed),
            // a table of an embedding has a row for what is missing
            Self::Mlp(mlp) => {
                for (column, needed) in needed[first..first + width].iter_mut().enumerate() {
                    *needed |= mlp.embeddings.iter().all(|table| table.column != column);
                }
            }
            Self::Linear(_)
            | Self::Bayes(_)
            | Self::Svm(_)
            | Self::Centroids(_)
            | Self::Sequence(_) => {
                needed[first..first + width].fill(true);
            }
        }
    }

    /// The networks over sequences in it, each with the first of its columns.
    pub(crate) fn sequences(&self, first: usize) -> Vec<(usize, &SequenceEstimator)> {
        match self {
            Self::Sequence(sequence) => vec![(first, sequence)],
            Self::Calibrated(calibrated) => calibrated.estimator.sequences(first),
            Self::Ensemble(ensemble) => {
                let members = ensemble.members.iter();
                members
                    .flat_map(|member| member.estimator.sequences(first + member.first))
                    .collect()
            }
            _ => Vec::new(),
        }
    }
}

/// What turns the estimator's raw scores into the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Link {
    /// The score itself.
    Identity,
    /// The score is a log-odds, the answer `1 / (1 + exp(-score))`.
    Logit,
    /// The scores are unnormalised log-probabilities, the answers `exp(score) / Σ exp(score)`.
    Softmax,
    /// The score is a logarithm, the answer `exp(score)` (counts).
    Exp,
    /// The score is the length of a path over the length that is usual, the answer `2^-score`: how much of an
    /// anomaly the row is (isolation forest).
    Isolation,
}

impl Link {
    /// The answers for raw scores, in their place. [`Link::Softmax`] looks at all of them together.
    pub fn apply(self, scores: &mut [f64]) {
        match self {
            Self::Identity => {}
            Self::Logit => scores
                .iter_mut()
                .for_each(|x| *x = 1.0 / (1.0 + (-*x).exp())),
            Self::Softmax => {
                // the largest becomes 0, so that no exponential overflows
                let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                for x in scores.iter_mut() {
                    *x = (*x - largest).exp();
                }
                let sum: f64 = scores.iter().sum();
                for x in scores {
                    *x /= sum;
                }
            }
            Self::Exp => scores.iter_mut().for_each(|x| *x = x.exp()),
            Self::Isolation => scores.iter_mut().for_each(|x| *x = (-*x).exp2()),
        }
    }
}

/// An estimator that was checked, in the layout it computes in.
#[derive(Debug, Clone)]
pub(crate) enum Scorer {
    Linear(Linear),
    Trees(Forest),
    Mlp(Network),
    Bayes(Densities),
    Svm(Svm),
    Centroids(Centroids),
    Ensemble(Council),
    Calibrated(Corrected),
    Sequence(Sequential),
}

impl Scorer {
    /// Checks the estimator against the number of encoded columns.
    pub(crate) fn new(estimator: &Estimator, width: usize) -> Result<Self> {
        Self::nested(estimator, width, 0)
    }

    /// [`Scorer::new`] of an estimator that stands within `depth` others.
    fn nested(estimator: &Estimator, width: usize, depth: usize) -> Result<Self> {
        limit::check("the depth of estimators", depth, limit::ESTIMATOR_DEPTH)?;
        let scorer = match estimator {
            Estimator::Linear(linear) => {
                linear.check(width)?;
                Self::Linear(linear.clone())
            }
            Estimator::Trees(trees) => Self::Trees(Forest::new(trees, width)?),
            Estimator::Mlp(mlp) => Self::Mlp(Network::new(mlp, width)?),
            Estimator::Bayes(bayes) => Self::Bayes(Densities::new(bayes, width)?),
            Estimator::Svm(svm) => {
                svm.check(width)?;
                Self::Svm(svm.clone())
            }
            Estimator::Centroids(centroids) => {
                centroids.check(width)?;
                Self::Centroids(centroids.clone())
            }
            Estimator::Ensemble(ensemble) => Self::Ensemble(Council::new(ensemble, width, depth)?),
            Estimator::Calibrated(calibrated) => {
                Self::Calibrated(Corrected::new(calibrated, width, depth)?)
            }
            Estimator::Sequence(sequence) => Self::Sequence(Sequential::new(sequence, width)?),
        };
        limit::check("the number of outputs", scorer.outputs(), limit::OUTPUTS)?;
        if estimator.link() == Link::Softmax && scorer.outputs() < 2 {
            let reason = "the softmax of one output is always 1; use the logit link";
            return Err(Error::model("link", reason));
        }
        Ok(scorer)
    }

    /// The numbers of an answer.
    pub(crate) fn outputs(&self) -> usize {
        match self {
            Self::Linear(linear) => linear.bias.len(),
            Self::Trees(forest) => forest.outputs(),
            Self::Mlp(network) => network.outputs(),
            Self::Bayes(densities) => densities.outputs(),
            Self::Svm(svm) => svm.bias.len(),
            Self::Centroids(_) => 1,
            Self::Ensemble(council) => council.outputs(),
            Self::Calibrated(corrected) => corrected.outputs(),
            Self::Sequence(sequential) => sequential.outputs(),
        }
    }

    /// Whether every number of the answer lies in 0..=1 whatever the row.
    pub(crate) fn is_probability(estimator: &Estimator) -> bool {
        match estimator {
            Estimator::Linear(linear) => linear.is_probability(),
            Estimator::Trees(trees) => trees.is_probability(),
            Estimator::Mlp(mlp) => matches!(mlp.link, Link::Logit | Link::Softmax),
            Estimator::Svm(svm) => matches!(svm.link, Link::Logit | Link::Softmax),
            Estimator::Sequence(sequence) => matches!(sequence.link, Link::Logit | Link::Softmax),
            Estimator::Bayes(_) | Estimator::Calibrated(_) => true,
            Estimator::Centroids(_) => false,
            Estimator::Ensemble(ensemble) => ensemble.is_probability(),
        }
    }

    /// The answer for one encoded row; `work` is memory to work in.
    pub(crate) fn score_one(&self, row: &[f64], work: &mut Work, answer: &mut [f64]) {
        match self {
            Self::Linear(linear) => linear.score(row, answer),
            Self::Trees(forest) => forest.score(row, &mut work.spread, answer),
            Self::Mlp(network) => {
                network.score(row, &mut work.layer, &mut work.next_layer, answer);
            }
            Self::Bayes(densities) => densities.score(row, answer),
            Self::Svm(svm) => svm.score(row, answer),
            Self::Centroids(centroids) => centroids.score(row, answer),
            Self::Ensemble(council) => council.score(row, work, answer),
            Self::Calibrated(corrected) => corrected.score(row, work, answer),
            Self::Sequence(sequential) => {
                sequential.score(row, &mut work.sequence, &mut work.layer, answer);
            }
        }
    }

    /// The answers for all rows, each bit for bit that of [`Scorer::score_one`].
    ///
    /// # Shapes
    /// `[rows, outputs]`.
    pub(crate) fn score(&self, matrix: &Matrix) -> Matrix {
        let outputs = self.outputs();
        let mut answers = vec![0.0; matrix.rows() * outputs];
        match self {
            Self::Trees(forest) => forest.score_all(matrix, &mut answers),
            Self::Ensemble(council) => council.score_all(matrix, &mut answers),
            Self::Calibrated(corrected) => corrected.score_all(matrix, &mut answers),
            Self::Linear(_)
            | Self::Mlp(_)
            | Self::Bayes(_)
            | Self::Svm(_)
            | Self::Centroids(_)
            | Self::Sequence(_) => {
                let mut work = Work::default();
                for (row, answer) in answers.chunks_exact_mut(outputs).enumerate() {
                    self.score_one(matrix.row(row), &mut work, answer);
                }
            }
        }
        Matrix::new(answers, matrix.rows(), outputs)
    }
}

/// Reads a list of numbers, or one number as a list of one, as models of one output are written.
pub(crate) fn one_or_list<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<f64>, D::Error> {
    struct OneOrList;

    impl<'de> Visitor<'de> for OneOrList {
        type Value = Vec<f64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number or a list of numbers")
        }

        fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
            Ok(vec![value])
        }

        fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
            Ok(vec![value as f64])
        }

        fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
            Ok(vec![value as f64])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
            limit::list::<{ limit::OUTPUTS }, _, _>(SeqAccessDeserializer::new(seq))
        }
    }

    deserializer.deserialize_any(OneOrList)
}

/// Writes what [`one_or_list`] reads.
pub(crate) fn one_if_one<S: Serializer>(
    values: &Vec<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match values.as_slice() {
        [one] => one.serialize(serializer),
        list => list.serialize(serializer),
    }
}
