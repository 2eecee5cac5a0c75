//! Tree ensembles as data: what trainers write and packages hold.
//!
//! In JSON a node is a short list: a leaf is `[value]`, a split `[feature, rule, threshold, left,
//! right, missing]`, for instance `[3, "<", 0.5, 1, 2, "left"]`, and a split by category `[feature, "in",
//! categories, left, right, missing]`, for instance `[3, "in", [0, 4], 1, 2, "right"]`.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, SeqAccess, Unexpected, Visitor},
    ser::SerializeSeq,
};

use crate::{Link, estimator, limit};

/// Which side of a threshold goes left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Values below the threshold (gradient boosting libraries).
    Lt,
    /// Values below the threshold, and the threshold itself (scikit-learn).
    Le,
}

/// One node of a tree.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Sends a row on to one of two nodes.
    Split {
        /// The encoded column that is compared.
        feature: u32,
        /// What it is compared with, in double precision.
        threshold: f64,
        /// Which side goes left.
        rule: Rule,
        /// Whether a missing value goes left.
        missing_left: bool,
        /// The position of the left child among the tree's nodes.
        left: u32,
        /// The position of the right child among the tree's nodes.
        right: u32,
    },
    /// Sends a row on by its category, which [`Encoder::Ordinal`](crate::Encoder::Ordinal) made a number.
    Category {
        /// The encoded column that holds the category's number.
        feature: u32,
        /// The categories that go left, ascending; every other number goes right.
        categories: Vec<u32>,
        /// Whether a missing or unseen category goes left.
        missing_left: bool,
        /// The position of the left child among the tree's nodes.
        left: u32,
        /// The position of the right child among the tree's nodes.
        right: u32,
    },
    /// Ends a row's way.
    Leaf {
        /// What the tree answers.
        value: f64,
    },
}

/// A binary tree; its root is the first node, and every other node is the child of exactly one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tree {
    /// The nodes.
    #[serde(deserialize_with = "limit::list::<{ limit::NODES }, _, _>")]
    pub nodes: Vec<Node>,
}

/// How the trees' values become one score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Combine {
    /// `base + value + value + …`, in tree order (boosting).
    Sum,
    /// `base + (value + value + …) / trees of the output` (forests, and a single tree).
    Mean,
}

/// Trees whose values add up to scores: tree `i` counts towards output `i % base.len()`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeEnsemble {
    /// The trees in order.
    #[serde(deserialize_with = "limit::list::<{ limit::NODES }, _, _>")]
    pub trees: Vec<Tree>,
    /// `[outputs]`: the scores before any tree.
    #[serde(
        serialize_with = "estimator::one_if_one",
        deserialize_with = "estimator::one_or_list"
    )]
    pub base: Vec<f64>,
    /// How the values become one score.
    pub combine: Combine,
    /// What turns the scores into the answer.
    pub link: Link,
}

impl TreeEnsemble {
    /// Whether every number of the answer lies in 0..=1 whatever the row.
    pub(crate) fn is_probability(&self) -> bool {
        let mean = self.combine == Combine::Mean || self.trees.len() <= self.base.len();
        let mut leaves = self
            .trees
            .iter()
            .flat_map(|tree| &tree.nodes)
            .map(|node| match node {
                Node::Leaf { value } => *value,
                Node::Split { .. } | Node::Category { .. } => 0.0,
            });
        let from_zero = self.base.iter().all(|base| *base == 0.0);
        matches!(self.link, Link::Logit | Link::Softmax)
            || (self.link == Link::Identity
                && mean
                && from_zero
                && leaves.all(|value| (0.0..=1.0).contains(&value)))
    }
}

impl limit::Weigh for Node {
    fn weigh(&self) -> usize {
        match self {
            // sixteen categories take the memory of a node
            Self::Category { categories, .. } => 1 + categories.len() / 16,
            Self::Split { .. } | Self::Leaf { .. } => 1,
        }
    }
}

impl limit::Weigh for Tree {
    fn weigh(&self) -> usize {
        self.nodes.iter().map(limit::Weigh::weigh).sum()
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Leaf { value } => {
                let mut seq = serializer.serialize_seq(Some(1))?;
                seq.serialize_element(value)?;
                seq.end()
            }
            Self::Split {
                feature,
                threshold,
                rule,
                missing_left,
                left,
                right,
            } => {
                let mut seq = serializer.serialize_seq(Some(6))?;
                seq.serialize_element(feature)?;
                seq.serialize_element(match rule {
                    Rule::Lt => "<",
                    Rule::Le => "<=",
                })?;
                seq.serialize_element(threshold)?;
                seq.serialize_element(left)?;
                seq.serialize_element(right)?;
                seq.serialize_element(side(*missing_left))?;
                seq.end()
            }
            Self::Category {
                feature,
                categories,
                missing_left,
                left,
                right,
            } => {
                let mut seq = serializer.serialize_seq(Some(6))?;
                seq.serialize_element(feature)?;
                seq.serialize_element("in")?;
                seq.serialize_element(categories)?;
                seq.serialize_element(left)?;
                seq.serialize_element(right)?;
                seq.serialize_element(side(*missing_left))?;
                seq.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(NodeVisitor)
    }
}

fn side(left: bool) -> &'static str {
    if left { "left" } else { "right" }
}

/// The categories of a split, bounded while they are read.
struct Categories(Vec<u32>);

impl<'de> Deserialize<'de> for Categories {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        limit::list::<{ limit::WIDTH }, _, _>(deserializer).map(Self)
    }
}

/// What stands before the children.
enum Question {
    Threshold(Rule, f64),
    Categories(Vec<u32>),
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "[value] or [feature, \"<\", \"<=\" or \"in\", threshold or categories, left, right, \
             \"left\" or \"right\"]",
        )
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let short = |len: usize| A::Error::invalid_length(len, &NodeVisitor);
        let first: f64 = seq.next_element()?.ok_or_else(|| short(0))?;
        let Some(rule) = seq.next_element::<Cow<'de, str>>()? else {
            return Ok(Node::Leaf { value: first });
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the next line refuses what the cast changes"
        )]
        let feature = first as u32;
        if f64::from(feature) != first {
            return Err(A::Error::invalid_value(
                Unexpected::Float(first),
                &NodeVisitor,
            ));
        }
        let question = match rule.as_ref() {
            "<" => Question::Threshold(Rule::Lt, seq.next_element()?.ok_or_else(|| short(2))?),
            "<=" => Question::Threshold(Rule::Le, seq.next_element()?.ok_or_else(|| short(2))?),
            "in" => {
                let Categories(categories) = seq.next_element()?.ok_or_else(|| short(2))?;
                Question::Categories(categories)
            }
            other => {
                return Err(A::Error::invalid_value(
                    Unexpected::Str(other),
                    &NodeVisitor,
                ));
            }
        };
        let left = seq.next_element()?.ok_or_else(|| short(3))?;
        let right = seq.next_element()?.ok_or_else(|| short(4))?;
        let missing: Cow<'de, str> = seq.next_element()?.ok_or_else(|| short(5))?;
        let missing_left = match missing.as_ref() {
            "left" => true,
            "right" => false,
            other => {
                return Err(A::Error::invalid_value(
                    Unexpected::Str(other),
                    &NodeVisitor,
                ));
            }
        };
        Ok(match question {
            Question::Threshold(rule, threshold) => Node::Split {
                feature,
                threshold,
                rule,
                missing_left,
                left,
                right,
            },
            Question::Categories(categories) => Node::Category {
                feature,
                categories,
                missing_left,
                left,
                right,
            },
        })
    }
}
