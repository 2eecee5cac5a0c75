//! What an estimator of the graph answers, while nodes after it change the answer.

use std::rc::Rc;

use crate::{
    Activation, Dense, Link, Node, Svm, Tree, limit,
    onnx::import::{column::Column, density::Squares, mix::Mix},
};

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
    Dense(Network),
    Trees {
        /// The trees of each output.
        trees: Vec<Vec<Tree>>,
        base: Vec<f64>,
    },
    Svm(Svm),
    /// Squared distances to points.
    Squares(Squares),
    /// The position of the nearest point, as a number.
    Nearest(Squares),
    /// Sums over the answers of others; no columns of its own.
    Mix(Mix),
}

/// The layers of a network so far.
#[derive(Debug, Clone)]
pub(super) struct Network {
    pub(super) layers: Vec<Dense>,
    /// What stands between them.
    pub(super) activation: Option<Activation>,
    /// What was done behind the activation of the last layer, if it has one already: a factor and a summand
    /// each.
    pub(super) after: Option<(Vec<f64>, Vec<f64>)>,
}

/// What stands in the graph for the body's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// They themselves.
    Each,
    /// Of a single one: 1 less it, and it.
    Pair,
    /// Each divided by the sum of all.
    Shares,
}

impl Network {
    pub(super) fn new(layer: Dense) -> Self {
        Self {
            layers: vec![layer],
            activation: None,
            after: None,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.rows)
    }

    /// Lets the activation follow the last layer.
    ///
    /// # Errors
    /// What stands in the way.
    pub(super) fn activate(&mut self, activation: Activation) -> Result<(), &'static str> {
        if self.activation.is_some_and(|before| before != activation) {
            return Err("its network has two kinds of activations");
        }
        if let Some((factors, sums)) = &self.after {
            // a second rectifier finds nothing to do
            let nothing = factors.iter().all(|f| *f == 1.0) && sums.iter().all(|s| *s == 0.0);
            if activation != Activation::Relu || !nothing {
                return Err("two activations follow one layer");
            }
        }
        let rows = self.rows();
        self.activation = Some(activation);
        self.after = Some((vec![1.0; rows], vec![0.0; rows]));
        Ok(())
    }

    /// Appends a layer, or folds it into the last one if nothing but sums stands between.
    pub(super) fn push(&mut self, mut layer: Dense) -> Result<(), &'static str> {
        if let Some((factors, sums)) = self.after.take() {
            if self.layers.len() >= limit::LAYERS {
                return Err("it is one layer too many");
            }
            for (row, bias) in layer.bias.iter_mut().enumerate() {
                let weights = &mut layer.weights[row * layer.cols..(row + 1) * layer.cols];
                for (weight, (factor, sum)) in weights.iter_mut().zip(factors.iter().zip(&sums)) {
                    *bias += *weight * sum;
                    *weight *= factor;
                }
            }
            self.layers.push(layer);
        } else if let Some(last) = self.layers.last_mut() {
            *last = composed(last, &layer).ok_or("its weights are too many together")?;
        }
        Ok(())
    }
}

/// The layer that does what two do, one after the other.
fn composed(first: &Dense, second: &Dense) -> Option<Dense> {
    let size = second.rows.checked_mul(first.cols)?;
    let work = size.checked_mul(first.rows)?;
    if size > limit::WEIGHTS || work > limit::ONNX_WORK / 4 {
        return None;
    }
    let mut weights = vec![0.0; size];
    let mut bias = second.bias.clone();
    for row in 0..second.rows {
        for middle in 0..first.rows {
            let weight = second.weights[row * second.cols + middle];
            bias[row] += weight * first.bias[middle];
            let inner = &first.weights[middle * first.cols..(middle + 1) * first.cols];
            for (sum, inner) in weights[row * first.cols..].iter_mut().zip(inner) {
                *sum += weight * inner;
            }
        }
    }
    Some(Dense {
        rows: second.rows,
        cols: first.cols,
        weights,
        bias,
    })
}

impl Scores {
    pub(super) fn new(columns: Rc<Vec<Column>>, body: Body) -> Self {
        Self {
            columns,
            body,
            link: Link::Identity,
            form: Form::Each,
            classes: None,
        }
    }

    pub(super) fn dense(columns: Rc<Vec<Column>>, layer: Dense) -> Self {
        Self::new(columns, Body::Dense(Network::new(layer)))
    }

    /// The outputs of the body.
    pub(super) fn outputs(&self) -> usize {
        match &self.body {
            Body::Dense(layers) => layers.rows(),
            Body::Trees { base, .. } => base.len(),
            Body::Svm(svm) => svm.bias.len(),
            // two densities that are compared make one answer
            Body::Squares(_) if self.link == Link::Logit => 1,
            Body::Squares(squares) => squares.bias.len(),
            Body::Nearest(_) => 1,
            Body::Mix(mix) => mix.bias.len(),
        }
    }

    /// The numbers that it holds on to.
    pub(super) fn weight(&self) -> usize {
        match &self.body {
            Body::Dense(layers) => layers.layers.iter().map(|l| l.weights.len()).sum(),
            Body::Trees { trees, .. } => trees.iter().flatten().map(|t| t.nodes.len()).sum(),
            Body::Svm(svm) => svm.vectors.len() + svm.coefficients.len(),
            Body::Squares(squares) | Body::Nearest(squares) => squares.weight(),
            Body::Mix(mix) => mix.weights.len(),
        }
    }

    /// The numbers that one answer is made of, beside what it shares with others.
    pub(super) fn reach(&self) -> usize {
        match &self.body {
            Body::Mix(mix) => mix.weights.len() / mix.bias.len().max(1) + mix.members.len(),
            _ => self.outputs(),
        }
    }

    /// The columns of the value in the graph.
    pub(super) fn width(&self) -> usize {
        match self.form {
            Form::Each | Form::Shares => self.outputs(),
            Form::Pair => 2,
        }
    }

    /// Whether they are sums that arithmetic can be folded into.
    pub(super) fn is_linear(&self) -> bool {
        let body = match &self.body {
            Body::Dense(layers) => layers.after.is_none(),
            Body::Nearest(_) => false,
            _ => true,
        };
        self.link == Link::Identity && self.form == Form::Each && body
    }

    /// Whether arithmetic can be folded into what follows the activation of the last layer.
    pub(super) fn is_active(&self) -> bool {
        let active = matches!(&self.body, Body::Dense(layers) if layers.after.is_some());
        self.link == Link::Identity && self.form == Form::Each && active
    }

    /// Multiplies and then adds, an entry an output.
    pub(super) fn scale(&mut self, factors: &[f64], summands: &[f64]) {
        let rows = |weights: &mut [f64], bias: &mut [f64]| {
            let width = weights.len() / bias.len().max(1);
            for (row, factor) in factors.iter().enumerate() {
                for weight in &mut weights[row * width..(row + 1) * width] {
                    *weight *= factor;
                }
                bias[row] = bias[row] * factor + summands[row];
            }
        };
        match &mut self.body {
            Body::Dense(Network {
                after: Some((outer, sums)),
                ..
            }) => {
                for (at, factor) in factors.iter().enumerate() {
                    outer[at] *= factor;
                    sums[at] = sums[at] * factor + summands[at];
                }
            }
            Body::Dense(layers) => {
                if let Some(layer) = layers.layers.last_mut() {
                    rows(&mut layer.weights, &mut layer.bias);
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
            Body::Svm(svm) => rows(&mut svm.coefficients, &mut svm.bias),
            Body::Squares(squares) => rows(&mut squares.factors, &mut squares.bias),
            Body::Mix(mix) => rows(&mut mix.weights, &mut mix.bias),
            Body::Nearest(_) => {}
        }
    }

    /// The scores of one output alone.
    pub(super) fn select(&mut self, output: usize) {
        let row = |weights: &mut Vec<f64>, bias: &mut Vec<f64>| {
            let width = weights.len() / bias.len().max(1);
            *weights = weights[output * width..(output + 1) * width].to_vec();
            *bias = vec![bias[output]];
        };
        match &mut self.body {
            Body::Dense(layers) => {
                if let Some(layer) = layers.layers.last_mut() {
                    row(&mut layer.weights, &mut layer.bias);
                    layer.rows = 1;
                }
                if let Some((factors, sums)) = &mut layers.after {
                    (*factors, *sums) = (vec![factors[output]], vec![sums[output]]);
                }
            }
            Body::Trees { trees, base } => {
                *trees = vec![trees.swap_remove(output)];
                *base = vec![base[output]];
            }
            Body::Svm(svm) => row(&mut svm.coefficients, &mut svm.bias),
            Body::Squares(squares) => squares.select(output),
            Body::Mix(mix) => row(&mut mix.weights, &mut mix.bias),
            Body::Nearest(_) => {}
        }
    }

    /// Of two outputs, the second less the first; `false` if the body has no such form.
    pub(super) fn difference(&mut self) -> bool {
        let rows = |weights: &mut Vec<f64>, bias: &mut Vec<f64>| {
            let (first, second) = weights.split_at(weights.len() / 2);
            let pairs = first.iter().zip(second);
            *weights = pairs.map(|(a, b)| b - a).collect();
            *bias = vec![bias[1] - bias[0]];
        };
        match &mut self.body {
            Body::Dense(layers) => {
                if let Some(layer) = layers.layers.last_mut() {
                    rows(&mut layer.weights, &mut layer.bias);
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
            Body::Svm(svm) => rows(&mut svm.coefficients, &mut svm.bias),
            Body::Mix(mix) => rows(&mut mix.weights, &mut mix.bias),
            // two densities are compared by their family itself
            Body::Squares(_) => return true,
            Body::Nearest(_) => return false,
        }
        true
    }

    /// Whether of two outputs the first is the second with its sign turned.
    pub(super) fn mirrored(&self) -> bool {
        let Body::Dense(layers) = &self.body else {
            return false;
        };
        let Some(layer) = layers.layers.last().filter(|layer| layer.rows == 2) else {
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
