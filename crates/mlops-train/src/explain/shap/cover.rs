//! A tree with the number of background rows that pass through each node.

use mlops_model::{Matrix, Node, Rule, Tree};

/// A tree and its nodes' covers.
#[derive(Debug, Clone)]
pub(super) struct Covered<'m> {
    pub(super) nodes: &'m [Node],
    /// `[nodes]`: background rows.
    covers: Vec<f64>,
}

/// Where a row goes from a node: the child it takes and the other one, with their shares of the node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    pub(super) column: usize,
    pub(super) taken: usize,
    pub(super) other: usize,
    pub(super) taken_share: f64,
    pub(super) other_share: f64,
}

impl<'m> Covered<'m> {
    pub(super) fn new(tree: &'m Tree, background: &Matrix) -> Self {
        let nodes = tree.nodes.as_slice();
        let mut covers = vec![0.0; nodes.len()];
        for row in 0..background.rows() {
            let row = background.row(row);
            let mut at = 0;
            covers[0] += 1.0;
            while let Some((column, left, right)) = children(&nodes[at]) {
                at = if goes_left(&nodes[at], row[column]) {
                    left
                } else {
                    right
                };
                covers[at] += 1.0;
            }
        }
        Self { nodes, covers }
    }

    /// The mean value over the background.
    pub(super) fn expected(&self) -> f64 {
        let leaves = self.nodes.iter().zip(&self.covers);
        let total: f64 = leaves
            .map(|(node, cover)| match node {
                Node::Leaf { value } => value * cover,
                Node::Split { .. } | Node::Category { .. } => 0.0,
            })
            .sum();
        total / self.covers[0]
    }

    /// The way of a row at a split; `None` at a leaf.
    pub(super) fn turn(&self, at: usize, row: &[f64]) -> Option<Turn> {
        let (column, left, right) = children(&self.nodes[at])?;
        let (taken, other) = if goes_left(&self.nodes[at], row[column]) {
            (left, right)
        } else {
            (right, left)
        };
        // where no background row comes by, nothing is known of either side
        let share = |child: usize| {
            if self.covers[at] > 0.0 {
                self.covers[child] / self.covers[at]
            } else {
                0.5
            }
        };
        Some(Turn {
            column,
            taken,
            other,
            taken_share: share(taken),
            other_share: share(other),
        })
    }
}

/// The column that a split reads, its left and its right child.
fn children(node: &Node) -> Option<(usize, usize, usize)> {
    match node {
        Node::Leaf { .. } => None,
        Node::Split {
            feature,
            left,
            right,
            ..
        }
        | Node::Category {
            feature,
            left,
            right,
            ..
        } => Some((*feature as usize, *left as usize, *right as usize)),
    }
}

/// The side that the model itself takes.
fn goes_left(node: &Node, x: f64) -> bool {
    match node {
        Node::Leaf { .. } => false,
        Node::Split { missing_left, .. } | Node::Category { missing_left, .. } if x.is_nan() => {
            *missing_left
        }
        Node::Split {
            threshold, rule, ..
        } => match rule {
            Rule::Lt => x < *threshold,
            Rule::Le => x <= *threshold,
        },
        Node::Category { categories, .. } => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a number outside of u32 names no category"
            )]
            let category = (x >= 0.0 && x <= f64::from(u32::MAX)).then_some(x as u32);
            category.is_some_and(|category| categories.binary_search(&category).is_ok())
        }
    }
}
