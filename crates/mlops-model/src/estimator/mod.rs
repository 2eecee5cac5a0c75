//! The families of estimators: what they hold as data, and how they compute.
//!
//! The public types are plain descriptions, written by trainers and read from packages. A
//! [`ModelSpec`](crate::ModelSpec) checks them once and turns them into a [`Scorer`], whose layout is
//! made for reading.

mod forest;
mod linear;
mod mlp;
mod tree;

use serde::{Deserialize, Serialize};

pub use linear::Linear;
pub use mlp::{Activation, Dense, Mlp};
pub use tree::{Combine, Node, Rule, Tree, TreeEnsemble};

use crate::{Matrix, Result, Scratch, estimator::forest::Forest, estimator::mlp::Network};

/// What turns encoded columns into a number.
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
}

/// What turns the estimator's raw score into the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Link {
    /// The score itself.
    Identity,
    /// The score is a log-odds, the answer `1 / (1 + exp(-score))`.
    Logit,
}

impl Link {
    /// The answer for a raw score.
    pub fn apply(self, score: f64) -> f64 {
        match self {
            Self::Identity => score,
            Self::Logit => 1.0 / (1.0 + (-score).exp()),
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
        Ok(match estimator {
            Estimator::Linear(linear) => {
                linear.check(width)?;
                Self::Linear(linear.clone())
            }
            Estimator::Trees(trees) => Self::Trees(Forest::new(trees, width)?),
            Estimator::Mlp(mlp) => Self::Mlp(Network::new(mlp, width)?),
        })
    }

    /// Whether the answer lies in 0..=1 whatever the row.
    pub(crate) fn is_probability(estimator: &Estimator) -> bool {
        match estimator {
            Estimator::Linear(linear) => linear.is_probability(),
            Estimator::Trees(trees) => trees.is_probability(),
            Estimator::Mlp(mlp) => mlp.link == Link::Logit,
        }
    }

    /// The answer for the row in `scratch.encoded`.
    pub(crate) fn score_row(&self, scratch: &mut Scratch) -> f64 {
        match self {
            Self::Linear(linear) => linear.score(&scratch.encoded),
            Self::Trees(forest) => forest.score(&scratch.encoded, &mut scratch.layer),
            Self::Mlp(network) => network.score(
                &scratch.encoded,
                &mut scratch.layer,
                &mut scratch.next_layer,
            ),
        }
    }

    /// The answers for all rows, each bit for bit that of [`Scorer::score_row`].
    pub(crate) fn score(&self, matrix: &Matrix) -> Vec<f64> {
        match self {
            Self::Linear(linear) => (0..matrix.rows())
                .map(|r| linear.score(matrix.row(r)))
                .collect(),
            Self::Trees(forest) => forest.score_all(matrix),
            Self::Mlp(network) => {
                let (mut layer, mut next) = (Vec::new(), Vec::new());
                let rows = 0..matrix.rows();
                rows.map(|r| network.score(matrix.row(r), &mut layer, &mut next))
                    .collect()
            }
        }
    }
}
