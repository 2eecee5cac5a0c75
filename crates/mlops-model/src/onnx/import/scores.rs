//! What an estimator of the graph answers, while nodes after it change the answer.

use std::rc::Rc;

use crate::{Dense, Link, Node, Tree, onnx::import::column::Column};

/// Scores of every row, and what they were made from.
#[derive(Debug, Clone)]
pub(super) struct Scores {
    pub(super) columns: Rc<Vec<Column>>,
    pub(super) body: Body,
    pub(super) link: Link,
    pub(super) form: Form,
    /// The names of the answers, where the graph has them.
    pub(super) classes: Option<Vec<String>>,
}

#[derive(Debug, Clone)]
pub(super) enum Body {
    Dense {
        layers: Vec<Dense>,
        /// Whether the activation came after the last layer.
        active: bool,
    },
    Trees {
        /// The trees of each output.
        trees: Vec<Vec<Tree>>,
        base: Vec<f64>,
    },
}

/// What stands in the graph for the body's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// They themselves.
    Each,
    /// Of a single one: 1 less it, and it.
    Pair,
}

impl Scores {
    pub(super) fn dense(columns: Rc<Vec<Column>>, layer: Dense) -> Self {
        Self {
            columns,
            body: Body::Dense {
                layers: vec![layer],
                active: false,
            },
            link: Link::Identity,
            form: Form::Each,
            classes: None,
        }
    }

    /// The outputs of the body.
    pub(super) fn outputs(&self) -> usize {
        match &self.body {
            Body::Dense { layers, .. } => layers.last().map_or(0, |layer| layer.rows),
            Body::Trees { base, .. } => base.len(),
        }
    }

    /// The columns of the value in the graph.
    pub(super) fn width(&self) -> usize {
        match self.form {
            Form::Each => self.outputs(),
            Form::Pair => 2,
        }
    }

    /// Whether they are sums that arithmetic can be folded into.
    pub(super) fn is_linear(&self) -> bool {
        let active = matches!(self.body, Body::Dense { active: true, .. });
        self.link == Link::Identity && self.form == Form::Each && !active
    }

    /// Multiplies and then adds, an entry an output.
    pub(super) fn scale(&mut self, factors: &[f64], summands: &[f64]) {
        match &mut self.body {
            Body::Dense { layers, .. } => {
                let Some(layer) = layers.last_mut() else {
                    return;
                };
                for (row, factor) in factors.iter().enumerate() {
                    let weights = &mut layer.weights[row * layer.cols..(row + 1) * layer.cols];
                    for weight in weights {
                        *weight *= factor;
                    }
                    layer.bias[row] = layer.bias[row] * factor + summands[row];
                }
            }
            Body::Trees { trees, base } => {
                for (output, factor) in factors.iter().enumerate() {
                    for tree in &mut trees[output] {
                        scale(tree, *factor);
                    }
                    base[output] = base[output] * factor + summands[output];
                }
            }
        }
    }

    /// The scores of one output alone.
    pub(super) fn select(&mut self, output: usize) {
        match &mut self.body {
            Body::Dense { layers, .. } => {
                if let Some(layer) = layers.last_mut() {
                    let range = output * layer.cols..(output + 1) * layer.cols;
                    layer.weights = layer.weights[range].to_vec();
                    layer.bias = vec![layer.bias[output]];
                    layer.rows = 1;
                }
            }
            Body::Trees { trees, base } => {
                *trees = vec![trees.swap_remove(output)];
                *base = vec![base[output]];
            }
        }
    }

    /// Of two outputs, the second less the first.
    pub(super) fn difference(&mut self) {
        match &mut self.body {
            Body::Dense { layers, .. } => {
                if let Some(layer) = layers.last_mut() {
                    let (first, second) = layer.weights.split_at(layer.cols);
                    let pairs = first.iter().zip(second);
                    layer.weights = pairs.map(|(a, b)| b - a).collect();
                    layer.bias = vec![layer.bias[1] - layer.bias[0]];
                    layer.rows = 1;
                }
            }
            Body::Trees { trees, base } => {
                let (mut first, mut second) = (trees.swap_remove(0), trees.swap_remove(0));
                for tree in &mut first {
                    scale(tree, -1.0);
                }
                second.append(&mut first);
                *trees = vec![second];
                *base = vec![base[1] - base[0]];
            }
        }
    }

    /// Whether of two outputs the first is the second with its sign turned.
    pub(super) fn mirrored(&self) -> bool {
        let Body::Dense { layers, .. } = &self.body else {
            return false;
        };
        let Some(layer) = layers.last().filter(|layer| layer.rows == 2) else {
            return false;
        };
        let (first, second) = layer.weights.split_at(layer.cols);
        layer.bias[0] == -layer.bias[1] && first.iter().zip(second).all(|(a, b)| *a == -*b)
    }
}

/// Multiplies a tree's answers.
pub(super) fn scale(tree: &mut Tree, factor: f64) {
    for node in &mut tree.nodes {
        if let Node::Leaf { value } = node {
            *value *= factor;
        }
    }
}
