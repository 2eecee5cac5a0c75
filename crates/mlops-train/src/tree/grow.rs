//! Growing a tree from questions, and what its leaves answer.

use mlops_model::{Node, Rule, Tree};

use super::question::Ranks;
use crate::Result;

/// How far a tree may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) max_depth: usize,
    pub(super) min_leaf: usize,
}

/// A grown tree and how much each column told.
#[derive(Debug)]
pub(super) struct Grown {
    pub(super) tree: Tree,
    pub(super) gains: Vec<f64>,
}

/// Asks until there is nothing more to ask. A leaf answers the share of positives among its rows,
/// moved towards one half as if it held one more row of each class.
pub(super) fn grow(values: &[f64], width: usize, labels: &[bool], limits: Limits) -> Result<Grown> {
    let ranks = Ranks::new(values, width);
    let mut nodes = vec![Node::Leaf { value: 0.0 }];
    let mut gains = vec![0.0; width];
    // (node, its rows, its depth); the order of the work is the order of the nodes
    let mut open = vec![(0, (0..labels.len()).collect::<Vec<_>>(), 0)];
    while let Some((at, rows, depth)) = open.pop() {
        let question = if depth < limits.max_depth {
            ranks.ask(&rows, labels, limits.min_leaf)?
        } else {
            None
        };
        let Some(question) = question else {
            let positives = rows.iter().filter(|row| labels[**row]).count();
            let value = (positives + 1) as f64 / (rows.len() + 2) as f64;
            nodes[at] = Node::Leaf { value };
            continue;
        };
        gains[question.column] += question.gain * rows.len() as f64;
        let left = nodes.len();
        nodes.extend([const { Node::Leaf { value: 0.0 } }; 2]);
        let number = |n: usize| u32::try_from(n).expect("a tree has fewer nodes than rows");
        nodes[at] = Node::Split {
            feature: number(question.column),
            threshold: question.threshold,
            rule: Rule::Le,
            missing_left: false,
            left: number(left),
            right: number(left + 1),
        };
        open.push((left + 1, question.right, depth + 1));
        open.push((left, question.left, depth + 1));
    }
    Ok(Grown {
        tree: Tree { nodes },
        gains,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_hold_smoothed_shares() {
        let values: Vec<f64> = (0..20).map(f64::from).collect();
        let labels: Vec<bool> = (0..20).map(|i| i >= 10).collect();
        let limits = Limits {
            max_depth: 3,
            min_leaf: 2,
        };
        let grown = grow(&values, 1, &labels, limits).unwrap();
        // pure leaves are not split further
        assert_eq!(grown.tree.nodes.len(), 3);
        assert_eq!(grown.tree.nodes[1], Node::Leaf { value: 1.0 / 12.0 });
        assert_eq!(grown.tree.nodes[2], Node::Leaf { value: 11.0 / 12.0 });
        // half of 20 rows, on classes that weigh the same to a thousandth
        assert!((grown.gains[0] - 10.0).abs() < 1e-3);
    }
}
