//! What the values of a graph stand for.

use std::rc::Rc;

use crate::{
    Dense,
    onnx::import::{
        column::Column, density::Away, scores::Scores, sequence::Flow, tensor::Constant,
    },
};

/// What a value of the graph stands for.
#[derive(Debug, Clone)]
pub(super) enum Term {
    /// An optional argument that is not given.
    Absent,
    Constant(Rc<Constant>),
    Columns(Rc<Vec<Column>>),
    Scores(Rc<Scores>),
    /// 1 less the scores.
    Complement(Rc<Scores>),
    /// The sum of the scores of a row.
    Sum(Rc<Scores>),
    /// Whether the sum of the scores of a row is 0, which it is not.
    NoSum(Rc<Scores>),
    /// One of several answers.
    Part(Rc<Scores>, usize),
    /// The predicted class.
    Label,
    /// The position of the largest score.
    Best(Rc<Scores>),
    /// Whether it is that of each class in turn.
    Votes(Rc<Scores>),
    /// A shape that begins with the number of rows and goes on with ones, or is that of scores.
    Rows(usize),
    /// A number in every place of a matrix.
    Filled(f64),
    /// The error function of scores.
    Erf(Rc<Scores>),
    /// 1 more than that.
    ErfPlus(Rc<Scores>),
    /// 1 more than the scores, which are powers.
    ExpPlus(Rc<Scores>),
    /// The logarithm of the sum of a row's powers, and whether it is a column.
    LogSum(Rc<Scores>, bool),
    /// The scores less that.
    LogShare(Rc<Scores>),
    /// Columns with an axis for points before the last.
    Lifted(Rc<Vec<Column>>),
    /// Distances along each axis.
    Away(Rc<Away>),
    /// The squared length of a row.
    Length(Rc<Vec<Column>>),
    /// Something of sequences.
    Flow(Flow),
    /// The answer of cells to the last step, so many numbers.
    Last(Rc<Vec<Dense>>, usize),
    /// Matrices on top of each other, along a first axis of their own.
    Layers(Rc<Vec<Term>>),
}

impl Term {
    pub(super) fn columns(columns: Vec<Column>) -> Self {
        Self::Columns(Rc::new(columns))
    }

    pub(super) fn scores(scores: Scores) -> Self {
        Self::Scores(Rc::new(scores))
    }

    /// The numbers that it holds on to.
    pub(super) fn weight(&self) -> usize {
        match self {
            // several of them share their scores
            Self::Absent
            | Self::Label
            | Self::Rows(_)
            | Self::Filled(_)
            | Self::Sum(_)
            | Self::NoSum(_)
            | Self::Best(_)
            | Self::LogSum(..) => 1,
            // one of them, and what picks it
            Self::Part(scores, _) => 1 + scores.reach(),
            Self::Constant(constant) => constant.len(),
            Self::Columns(columns) | Self::Lifted(columns) | Self::Length(columns) => {
                columns.iter().map(|c| 1 + c.steps.len()).sum()
            }
            Self::Away(away) => away.weight(),
            Self::Flow(flow) => flow.weight(),
            Self::Last(_, width) => *width,
            Self::Layers(layers) => layers.iter().map(Self::weight).sum(),
            Self::Scores(scores)
            | Self::Complement(scores)
            | Self::Votes(scores)
            | Self::Erf(scores)
            | Self::ErfPlus(scores)
            | Self::ExpPlus(scores)
            | Self::LogShare(scores) => scores.weight(),
        }
    }
}
