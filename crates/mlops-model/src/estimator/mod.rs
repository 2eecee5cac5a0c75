//! The families of estimators: what they hold as data, and how they compute.
//!
//! The public types are plain descriptions, written by trainers and read from packages. A
//! [`ModelSpec`](crate::ModelSpec) checks them once and turns them into a [`Scorer`], whose layout is
//! made for reading.

mod activation;
mod embedding;
mod forest;
mod linear;
pub(crate) mod mlp;
mod tree;

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, SeqAccess, Visitor, value::SeqAccessDeserializer},
};

pub use activation::Activation;
pub use embedding::Embedding;
pub use linear::Linear;
pub use mlp::{Dense, Mlp};
pub use tree::{Combine, Node, Rule, Tree, TreeEnsemble};

use crate::{
    Error, Matrix, Result, Scratch, estimator::forest::Forest, estimator::mlp::Network, limit,
};

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
}

impl Estimator {
    /// The family's name: `linear`, `trees` or `mlp`.
    pub fn family(&self) -> &'static str {
        match self {
            Self::Linear(_) => "linear",
            Self::Trees(_) => "trees",
            Self::Mlp(_) => "mlp",
        }
    }

    /// Whether the encoded column may be missing: trees send it a way of its own, embeddings have a row for it.
    pub(crate) fn reads_missing(&self, column: usize) -> bool {
        match self {
            Self::Linear(_) => false,
            Self::Trees(_) => true,
            Self::Mlp(mlp) => mlp.embeddings.iter().any(|table| table.column == column),
        }
    }

    /// What turns its raw scores into the answer.
    pub fn link(&self) -> Link {
        match self {
            Self::Linear(linear) => linear.link,
            Self::Trees(trees) => trees.link,
            Self::Mlp(mlp) => mlp.link,
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
        }
    }
}

/// An estimator that was checked, in the layout it computes in.
#[derive(Debug, Clone)]
pub(crate) enum Scorer {
    Linear(Linear),
    Trees(Forest),
    Mlp(Network),
}

impl Scorer {
    /// Checks the estimator against the number of encoded columns.
    pub(crate) fn new(estimator: &Estimator, width: usize) -> Result<Self> {
        let scorer = match estimator {
            Estimator::Linear(linear) => {
                linear.check(width)?;
                Self::Linear(linear.clone())
            }
            Estimator::Trees(trees) => Self::Trees(Forest::new(trees, width)?),
            Estimator::Mlp(mlp) => Self::Mlp(Network::new(mlp, width)?),
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
        }
    }

    /// Whether every number of the answer lies in 0..=1 whatever the row.
    pub(crate) fn is_probability(estimator: &Estimator) -> bool {
        match estimator {
            Estimator::Linear(linear) => linear.is_probability(),
            Estimator::Trees(trees) => trees.is_probability(),
            Estimator::Mlp(mlp) => matches!(mlp.link, Link::Logit | Link::Softmax),
        }
    }

    /// The answer for the row in `scratch.encoded`, into `scratch.answer`.
    pub(crate) fn score_row(&self, scratch: &mut Scratch) {
        scratch.answer.clear();
        scratch.answer.resize(self.outputs(), 0.0);
        let answer = scratch.answer.as_mut_slice();
        match self {
            Self::Linear(linear) => linear.score(&scratch.encoded, answer),
            Self::Trees(forest) => forest.score(&scratch.encoded, &mut scratch.layer, answer),
            Self::Mlp(network) => network.score(
                &scratch.encoded,
                &mut scratch.layer,
                &mut scratch.next_layer,
                answer,
            ),
        }
    }

    /// The answers for all rows, each bit for bit that of [`Scorer::score_row`].
    ///
    /// # Shapes
    /// `[rows, outputs]`.
    pub(crate) fn score(&self, matrix: &Matrix) -> Matrix {
        let outputs = self.outputs();
        let mut answers = vec![0.0; matrix.rows() * outputs];
        let rows = answers.chunks_exact_mut(outputs).enumerate();
        match self {
            Self::Linear(linear) => {
                rows.for_each(|(r, answer)| linear.score(matrix.row(r), answer));
            }
            Self::Trees(forest) => forest.score_all(matrix, &mut answers),
            Self::Mlp(network) => {
                let (mut layer, mut next) = (Vec::new(), Vec::new());
                rows.for_each(|(r, answer)| {
                    network.score(matrix.row(r), &mut layer, &mut next, answer);
                });
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
