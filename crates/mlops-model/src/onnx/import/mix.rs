//! Sums over the answers of several models: what voting, bagging and stacking come to.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use crate::{
    Dense, limit,
    onnx::import::{
        operator::{Operator, Outcome},
        scores::{Body, Form, Scores},
        term::Term,
        walk::columns,
    },
};

/// Sums over all answers of the members, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Mix {
    pub(super) members: Vec<Rc<Scores>>,
    /// `[sums, answers]`.
    pub(super) weights: Vec<f64>,
    /// `[sums]`.
    pub(super) bias: Vec<f64>,
    /// How many mixes stand within each other.
    depth: usize,
    /// The numbers of all members, as often as they stand here.
    size: usize,
}

impl Mix {
    /// The answers of all members together.
    pub(super) fn answers(&self) -> usize {
        self.members.iter().map(|member| member.outputs()).sum()
    }

    /// Where each member's answers start, and how many it has.
    pub(super) fn blocks(&self) -> Vec<(usize, usize)> {
        let mut start = 0;
        let blocks = self.members.iter().map(|member| {
            start += member.outputs();
            (start - member.outputs(), member.outputs())
        });
        blocks.collect()
    }

    /// Sums of one model's answers.
    fn of(
        operator: Operator<'_>,
        member: &Rc<Scores>,
        weights: Vec<f64>,
        bias: Vec<f64>,
    ) -> Outcome<Self> {
        let mix = Self {
            depth: depth(member),
            size: size(member),
            members: vec![Rc::clone(member)],
            weights,
            bias,
        };
        mix.within_limits(operator)
    }

    fn within_limits(self, operator: Operator<'_>) -> Outcome<Self> {
        let weights = self.bias.len().saturating_mul(self.answers());
        if self.depth > limit::ESTIMATOR_DEPTH
            || self.members.len() > limit::MEMBERS
            || weights > limit::WEIGHTS
            || self.size > limit::WEIGHTS
        {
            return Err(operator.reject("it joins too many models"));
        }
        Ok(self)
    }

    /// The same sums over these members, which hold all of its own.
    fn over(&self, members: &[Rc<Scores>]) -> Vec<f64> {
        let mut starts = BTreeMap::new();
        let mut total = 0;
        for member in members {
            starts.insert(Rc::as_ptr(member), total);
            total += member.outputs();
        }
        let own = self.answers();
        let mut weights = vec![0.0; self.bias.len() * total];
        for (member, (from, count)) in self.members.iter().zip(self.blocks()) {
            let to = starts[&Rc::as_ptr(member)];
            for row in 0..self.bias.len() {
                let source = &self.weights[row * own + from..row * own + from + count];
                weights[row * total + to..row * total + to + count].copy_from_slice(source);
            }
        }
        weights
    }
}

/// A value as sums over answers, if it is one.
fn mixed(operator: Operator<'_>, term: &Term) -> Outcome<Mix> {
    match term {
        Term::Scores(scores) => whole(operator, scores),
        Term::Part(scores, at) => part(operator, scores, *at),
        Term::Complement(scores) => Mix::of(operator, scores, vec![-1.0], vec![1.0]),
        Term::Columns(_) => {
            let columns = columns(operator, Some(term))?;
            let width = columns.len();
            if width == 0 || width > limit::OUTPUTS {
                return Err(operator.reject("it joins too many columns with answers, or none"));
            }
            let layer = Dense {
                rows: width,
                cols: width,
                weights: unit(width),
                bias: vec![0.0; width],
            };
            let member = Rc::new(Scores::dense(columns, layer));
            Mix::of(operator, &member, unit(width), vec![0.0; width])
        }
        _ => Err(operator.reject("it joins what are no answers")),
    }
}

fn whole(operator: Operator<'_>, scores: &Rc<Scores>) -> Outcome<Mix> {
    if scores.is_active() {
        return Err(operator.reject("it joins what an activation has passed"));
    }
    if let Body::Mix(mix) = &scores.body
        && scores.is_linear()
    {
        return Ok(mix.clone());
    }
    let outputs = scores.outputs();
    if scores.form == Form::Pair {
        let inner = single(scores);
        return Mix::of(operator, &inner, vec![-1.0, 1.0], vec![1.0, 0.0]);
    }
    if outputs > limit::OUTPUTS {
        return Err(operator.reject("it joins too many answers"));
    }
    Mix::of(operator, scores, unit(outputs), vec![0.0; outputs])
}

/// One answer of scores.
fn part(operator: Operator<'_>, scores: &Rc<Scores>, at: usize) -> Outcome<Mix> {
    if scores.is_active() {
        return Err(operator.reject("it joins what an activation has passed"));
    }
    match &scores.body {
        Body::Mix(mix) if scores.is_linear() => Ok(picked(mix, &[at])),
        _ if scores.form == Form::Pair => {
            let (weight, bias) = if at == 0 { (-1.0, 1.0) } else { (1.0, 0.0) };
            Mix::of(operator, &single(scores), vec![weight], vec![bias])
        }
        _ => {
            let mut weights = vec![0.0; scores.outputs()];
            weights[at] = 1.0;
            Mix::of(operator, scores, weights, vec![0.0])
        }
    }
}

/// The answer that a pair is made of. It is found again as the same member where a pair is joined with its part.
fn single(scores: &Rc<Scores>) -> Rc<Scores> {
    Rc::new(Scores {
        form: Form::Each,
        ..Scores::clone(scores)
    })
}

/// How many mixes stand within each other with a member.
fn depth(member: &Scores) -> usize {
    match &member.body {
        Body::Mix(mix) => mix.depth + 1,
        _ => 1,
    }
}

/// The numbers of a member.
fn size(member: &Scores) -> usize {
    match &member.body {
        Body::Mix(mix) => mix.size.saturating_add(mix.weights.len()),
        _ => member.weight(),
    }
}

fn unit(size: usize) -> Vec<f64> {
    let entries =
        (0..size).flat_map(|row| (0..size).map(move |col| f64::from(u8::from(row == col))));
    entries.collect()
}

fn picked(mix: &Mix, rows: &[usize]) -> Mix {
    let answers = mix.answers();
    let weights = rows
        .iter()
        .flat_map(|row| &mix.weights[row * answers..(row + 1) * answers]);
    Mix {
        members: mix.members.clone(),
        weights: weights.copied().collect(),
        bias: rows.iter().map(|row| mix.bias[*row]).collect(),
        depth: mix.depth,
        size: mix.size,
    }
}

fn term(mix: Mix) -> Term {
    Term::scores(Scores::new(Rc::default(), Body::Mix(mix)))
}

/// The members of all, each once.
fn joined(operator: Operator<'_>, mixes: &[Mix]) -> Outcome<Mix> {
    let mut members: Vec<Rc<Scores>> = Vec::new();
    let mut seen = BTreeSet::new();
    for member in mixes.iter().flat_map(|mix| &mix.members) {
        if seen.insert(Rc::as_ptr(member)) {
            members.push(Rc::clone(member));
        }
        if members.len() > limit::MEMBERS {
            return Err(operator.reject("it joins too many models"));
        }
    }
    let mix = Mix {
        size: members.iter().fold(0, |sum, m| sum.saturating_add(size(m))),
        depth: members.iter().map(|m| depth(m)).max().unwrap_or(1),
        weights: Vec::new(),
        bias: vec![0.0; mixes.iter().map(|mix| mix.bias.len()).sum()],
        members,
    };
    mix.within_limits(operator)
}

/// Sums side by side.
pub(super) fn concat(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Term> {
    let mixes = arguments.iter().map(|argument| mixed(operator, argument));
    let mixes: Vec<Mix> = mixes.collect::<Outcome<_>>()?;
    let all = joined(operator, &mixes)?;
    let weights = mixes
        .iter()
        .flat_map(|mix| mix.over(&all.members))
        .collect();
    let bias = mixes.iter().flat_map(|mix| mix.bias.clone()).collect();
    Ok(term(Mix {
        weights,
        bias,
        ..all
    }))
}

/// The sum of sums, `signs` telling which ones are taken off.
pub(super) fn sum(operator: Operator<'_>, arguments: &[Term], signs: &[f64]) -> Outcome<Term> {
    let mixes = arguments.iter().map(|argument| mixed(operator, argument));
    let mixes: Vec<Mix> = mixes.collect::<Outcome<_>>()?;
    let Some(first) = mixes.first() else {
        return Err(operator.reject("it adds up nothing"));
    };
    let outputs = first.bias.len();
    if mixes.iter().any(|mix| mix.bias.len() != outputs) {
        return Err(operator.reject("it adds up different numbers of answers"));
    }
    let all = joined(operator, &mixes)?;
    let mut weights = vec![0.0; outputs * all.answers()];
    let mut bias = vec![0.0; outputs];
    for (mix, sign) in mixes.iter().zip(signs) {
        let own = mix.over(&all.members);
        for (sum, x) in weights.iter_mut().zip(own) {
            *sum += sign * x;
        }
        for (sum, x) in bias.iter_mut().zip(&mix.bias) {
            *sum += sign * x;
        }
    }
    Ok(term(Mix {
        weights,
        bias,
        ..all
    }))
}

/// Some of a value's sums.
pub(super) fn pick(operator: Operator<'_>, argument: &Term, rows: &[usize]) -> Outcome<Term> {
    let mix = mixed(operator, argument)?;
    Ok(term(picked(&mix, rows)))
}

/// A value as sums that arithmetic can be folded into.
pub(super) fn opened(operator: Operator<'_>, argument: &Term) -> Outcome<Rc<Scores>> {
    match term(mixed(operator, argument)?) {
        Term::Scores(scores) => Ok(scores),
        _ => Err(operator.reject("it reads what are no answers")),
    }
}

/// A layer over a value's sums.
pub(super) fn dense(operator: Operator<'_>, argument: &Term, layer: &Dense) -> Outcome<Term> {
    let mix = mixed(operator, argument)?;
    let (middle, answers) = (mix.bias.len(), mix.answers());
    if middle != layer.cols {
        return Err(operator.reject(format!(
            "its weights meet {} numbers, {middle} come in",
            layer.cols
        )));
    }
    let size = layer.rows.saturating_mul(answers);
    if size > limit::WEIGHTS || size.saturating_mul(middle) > limit::ONNX_WORK / 4 {
        return Err(operator.reject("its weights are too many together"));
    }
    let mut weights = vec![0.0; size];
    let mut bias = layer.bias.clone();
    for row in 0..layer.rows {
        for at in 0..middle {
            let weight = layer.weights[row * layer.cols + at];
            bias[row] += weight * mix.bias[at];
            let inner = &mix.weights[at * answers..(at + 1) * answers];
            for (sum, inner) in weights[row * answers..].iter_mut().zip(inner) {
                *sum += weight * inner;
            }
        }
    }
    Ok(term(Mix {
        weights,
        bias,
        ..mix
    }))
}

#[cfg(test)]
mod tests {
    use crate::{
        Error,
        onnx::{
            import::{OnnxImport, finish::finish},
            proto::{Dimension, FLOAT, Graph, Node, Shape, Tensor, TensorType, Type, ValueInfo},
        },
    };

    fn node(op: &str, inputs: &[&str], output: &str) -> Node {
        Node {
            input: inputs.iter().map(|name| (*name).to_owned()).collect(),
            output: vec![output.to_owned()],
            op_type: op.to_owned(),
            ..Node::default()
        }
    }

    /// A graph over four columns and weights for one sum of them.
    fn reason(node: Vec<Node>, output: &str) -> String {
        let dim = |value| Dimension {
            dim_value: value,
            dim_param: None,
        };
        let value = |name: &str| ValueInfo {
            name: name.to_owned(),
            kind: Some(Type {
                tensor: Some(TensorType {
                    elem_type: Some(FLOAT),
                    shape: Some(Shape {
                        dim: vec![dim(None), dim(Some(4))],
                    }),
                }),
            }),
        };
        let weights = Tensor {
            name: "w".into(),
            dims: vec![4, 1],
            data_type: Some(FLOAT),
            float_data: vec![1.0; 4],
            ..Tensor::default()
        };
        let graph = Graph {
            node,
            initializer: vec![weights],
            input: vec![value("x")],
            output: vec![value(output)],
            ..Graph::default()
        };
        match finish(&graph, &OnnxImport::new()) {
            Err(Error::UnsupportedOnnx { reason, .. }) => reason,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn models_without_end_are_refused_while_they_are_joined() {
        let mut nodes = vec![node("MatMul", &["x", "w"], "s")];
        nodes.push(node("Sigmoid", &["s"], "sum0"));
        for at in 0..2_000 {
            nodes.push(node("Sigmoid", &["s"], &format!("p{at}")));
            let (sum, next) = (format!("sum{at}"), format!("sum{}", at + 1));
            nodes.push(node("Add", &[&sum, &format!("p{at}")], &next));
        }
        let reason = reason(nodes, "sum2000");
        assert!(reason.contains("too many models"), "{reason}");
    }

    #[test]
    fn models_within_models_come_to_an_end() {
        let mut nodes = vec![
            node("MatMul", &["x", "w"], "s"),
            node("Sigmoid", &["s"], "a0"),
            node("Sigmoid", &["s"], "b0"),
        ];
        // each level stands twice in the next
        for at in 0..40 {
            let [a, b] = ["a", "b"].map(|name| format!("{name}{at}"));
            nodes.push(node("Add", &[&a, &b], &format!("more{at}")));
            nodes.push(node("Sub", &[&a, &b], &format!("less{at}")));
            for (name, from) in [("a", "more"), ("b", "less")] {
                let next = format!("{name}{}", at + 1);
                nodes.push(node("Sigmoid", &[&format!("{from}{at}")], &next));
            }
        }
        let reason = reason(nodes, "a40");
        assert!(reason.contains("too many models"), "{reason}");
    }
}
