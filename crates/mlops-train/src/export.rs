//! Grown trees as a model holds them.

use mlops_model::{Node, Rule, Tree};

use crate::gbdt::{Feature, Kind, Map, Test, Tree as Grown};

/// A tree that asks for encoded columns.
pub(crate) fn tree(grown: &Grown, features: &[Feature]) -> Tree {
    let nodes = grown.nodes.iter().map(|node| match &node.kind {
        Kind::Leaf { value } => Node::Leaf { value: *value },
        Kind::Split {
            feature,
            test,
            left,
            right,
            ..
        } => {
            let of = &features[*feature as usize];
            let feature = u32::try_from(of.column).expect("a model's width is bounded");
            let (left, right) = (*left, *right);
            match test {
                Test::Number {
                    threshold,
                    missing_left,
                    ..
                } => Node::Split {
                    feature,
                    threshold: *threshold,
                    rule: Rule::Le,
                    missing_left: *missing_left,
                    left,
                    right,
                },
                Test::Category {
                    codes,
                    missing_left,
                    ..
                } if !codes.is_empty() => Node::Category {
                    feature,
                    categories: codes.clone(),
                    missing_left: *missing_left,
                    left,
                    right,
                },
                // only the missing ones go left: the same the other way round
                Test::Category { .. } => {
                    let Map::Category { codes, .. } = &of.map else {
                        unreachable!("a test is of its column's kind")
                    };
                    let mut categories = codes.clone();
                    categories.sort_unstable();
                    Node::Category {
                        feature,
                        categories,
                        missing_left: false,
                        left: right,
                        right: left,
                    }
                }
            }
        }
    });
    Tree {
        nodes: nodes.collect(),
    }
}

/// The total gain of each encoded column's splits.
pub(crate) fn gains(trees: &[Grown], features: &[Feature], width: usize) -> Vec<f64> {
    let mut gains = vec![0.0; width];
    for node in trees.iter().flat_map(|tree| &tree.nodes) {
        if let Kind::Split { feature, gain, .. } = &node.kind {
            gains[features[*feature as usize].column] += gain.max(0.0);
        }
    }
    gains
}
