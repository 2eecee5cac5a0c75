//! From the graph's answer to a model: signature, encoders and estimator.

use std::rc::Rc;

use crate::{
    Activation, Combine, Dense, Encoder, Error, Estimator, Input, Linear, Link, Mlp, ModelSpec,
    Node, Output, Preprocess, Result, Signature, Tree, TreeEnsemble,
    onnx::{
        import::{
            OnnxImport,
            column::{Column, Source},
            operator::Rejected,
            scores::{self, Body, Form, Scores},
            walk::{Planned, Term, Walk},
        },
        proto::Graph,
    },
};

/// How far single precision puts a probability out of 0..=1.
const SLACK: f64 = 1e-5;

/// The model of a graph.
pub(super) fn finish(graph: &Graph, options: &OnnxImport) -> Result<ModelSpec> {
    let mut walk = Walk::new(graph, options)?;
    let wanted: Vec<&str> = match &options.answer {
        None => graph.output.iter().map(|o| o.name.as_str()).collect(),
        Some(name) => graph
            .output
            .iter()
            .map(|o| o.name.as_str())
            .filter(|output| output == name)
            .collect(),
    };
    walk.run(&wanted)?;
    let (name, scores) = answer(&mut walk, &wanted)?;
    let reject = |reason: &str| {
        Error::from(Rejected {
            node: name.chars().take(128).collect(),
            operator: "output".into(),
            reason: reason.into(),
        })
    };
    if let Body::Dense { active: true, .. } = scores.body {
        return Err(reject("a rectifier stands behind the last layer"));
    }
    let (scores, output) = call(scores, options.output.clone()).map_err(reject)?;
    let columns = Rc::clone(&scores.columns);
    let inputs = walk.inputs.iter().enumerate();
    let trees = matches!(scores.body, Body::Trees { .. });
    let inputs = inputs.map(|(at, planned)| input(at, planned, &columns, trees));
    let signature = Signature::new(inputs.collect::<Vec<_>>(), output)?;
    let is_number = matches!(signature.output(), Output::Number);
    let (encoders, estimator) = match scores.body {
        Body::Dense { layers, .. } => dense(&columns, layers, scores.link).map_err(reject)?,
        Body::Trees { trees, base } => {
            let chances = scores.link == Link::Identity && !is_number;
            let ensemble = ensemble(trees, base, scores.link, chances).map_err(reject)?;
            (encoders(&columns, false), Estimator::Trees(ensemble))
        }
    };
    let preprocess = Preprocess::new(&signature, encoders)?;
    ModelSpec::new(signature, preprocess, estimator)
}

/// The one answer among the outputs, and its name.
fn answer<'a>(walk: &mut Walk<'a>, wanted: &[&'a str]) -> Result<(&'a str, Scores)> {
    let mut answers: Vec<(&str, Rc<Scores>, Option<usize>)> = Vec::new();
    let mut rejected = None;
    for name in wanted {
        match walk.term(name)? {
            Ok(Term::Scores(scores)) => answers.push((name, scores, None)),
            Ok(Term::Part(scores, at)) => answers.push((name, scores, Some(at))),
            Ok(_) => {}
            Err(first) => {
                rejected.get_or_insert(first);
            }
        }
    }
    let no_answer = |name: &str, reason: &str| {
        let node = name.chars().take(128).collect();
        Error::from(Rejected {
            node,
            operator: "output".into(),
            reason: reason.into(),
        })
    };
    match answers.as_slice() {
        [(name, scores, None)] => Ok((name, Scores::clone(scores))),
        [(name, scores, Some(at))] => {
            let mut scores = Scores::clone(scores);
            let (pair, two) = (scores.form == Form::Pair, scores.outputs() == 2);
            match scores.link {
                _ if pair && *at == 1 => scores.form = Form::Each,
                Link::Softmax if two && *at == 1 => {
                    scores.difference();
                    scores.link = Link::Logit;
                }
                Link::Softmax => {
                    return Err(no_answer(name, "it is one of the answers that add up to 1"));
                }
                _ if pair => return Err(no_answer(name, "it is 1 less the answer")),
                _ => scores.select(*at),
            }
            scores.classes = None;
            Ok((name, scores))
        }
        [(name, scores, Some(0)), ..]
            if answers.len() == scores.width()
                && answers.iter().enumerate().all(|(at, (_, other, part))| {
                    Rc::ptr_eq(scores, other) && *part == Some(at)
                }) =>
        {
            let names = answers.iter().map(|(name, ..)| (*name).to_owned());
            let classes = Some(names.collect());
            Ok((
                name,
                Scores {
                    classes,
                    ..Scores::clone(scores)
                },
            ))
        }
        [] => Err(rejected.map_or_else(
            || no_answer("", "no output of the graph is an answer of a model"),
            Error::from,
        )),
        [(name, ..), ..] => Err(no_answer(
            name,
            "there are several answers; name one by `OnnxImport::answer`",
        )),
    }
}

/// What the answer is called, and the scores that it takes.
fn call(mut scores: Scores, given: Option<Output>) -> Result<(Scores, Output), &'static str> {
    let classes = scores.classes.take();
    let both = matches!(given, Some(Output::Classes { .. })) && scores.link == Link::Softmax;
    let named = scores.form == Form::Pair
        || scores.outputs() == 2 && !both && (classes.is_some() || scores.link == Link::Softmax);
    if named {
        match (scores.form, scores.link) {
            (Form::Pair, _) => {}
            (Form::Each, Link::Softmax) => {
                scores.difference();
                scores.link = Link::Logit;
            }
            (Form::Each, _) => scores.select(1),
        }
        scores.form = Form::Each;
    }
    let positive = || match &classes {
        Some(classes) if classes.len() == 2 => classes[1].clone(),
        _ => "positive".to_owned(),
    };
    let found = match (scores.outputs(), scores.link) {
        (1, Link::Logit) => Output::Probability {
            positive: positive(),
        },
        (1, Link::Identity) if named => Output::Probability {
            positive: positive(),
        },
        (1, _) => Output::Number,
        (_, Link::Logit) => return Err("its probabilities do not add up to 1"),
        (outputs, link) if classes.is_some() || link == Link::Softmax => {
            let numbers = || (0..outputs).map(|at| at.to_string()).collect();
            let names = classes.clone().unwrap_or_else(numbers);
            Output::Classes { names }
        }
        _ => return Err("it answers several numbers"),
    };
    Ok((scores, given.unwrap_or(found)))
}

fn input(at: usize, planned: &Planned, columns: &[Column], trees: bool) -> Input {
    let reads = |column: &&Column| column.input() == Some(at);
    // other families need every number
    let needed = |column: &Column| match column.source {
        Source::Number { impute: None, .. } => !trees,
        _ => false,
    };
    let input = Input::new(planned.name.clone(), planned.kind);
    if planned.optional && !columns.iter().filter(reads).any(needed) {
        input.nullable()
    } else {
        input
    }
}

/// The encoders of the columns, with their arithmetic where it is asked for.
fn encoders(columns: &[Column], scaled: bool) -> Vec<Encoder> {
    let mut encoders: Vec<Encoder> = Vec::new();
    for column in columns {
        match &column.source {
            Source::Number {
                input,
                impute,
                log1p,
                center,
                scale,
            } => {
                let (factor, sum) = scale_of(column).filter(|_| scaled).unwrap_or((1.0, 0.0));
                encoders.push(Encoder::Numeric {
                    input: *input,
                    impute: *impute,
                    log1p: *log1p,
                    // a sum makes 0 of -0
                    center: center - sum / factor * scale + 0.0,
                    scale: scale / factor,
                });
            }
            Source::Member { input, category } => {
                if let Some(Encoder::OneHot {
                    input: last,
                    categories,
                }) = encoders.last_mut()
                    && last == input
                    && !categories.iter().any(|c| **c == **category)
                {
                    categories.push(category.to_string());
                } else {
                    encoders.push(Encoder::OneHot {
                        input: *input,
                        categories: vec![category.to_string()],
                    });
                }
            }
            Source::Position {
                input, categories, ..
            } => encoders.push(Encoder::Ordinal {
                input: *input,
                categories: Vec::clone(categories),
            }),
            Source::Text { .. } | Source::Constant(_) => {}
        }
    }
    encoders
}

/// The factor and summand of a number that an encoder can hold.
fn scale_of(column: &Column) -> Option<(f64, f64)> {
    let (factor, sum) = column.affine()?;
    let holds = factor > 0.0 && factor.recip().is_normal() && (sum / factor).is_finite();
    holds.then_some((factor, sum))
}

/// Layers over columns: what the encoders do not hold goes into the first one.
fn dense(
    columns: &[Column],
    mut layers: Vec<Dense>,
    link: Link,
) -> Result<(Vec<Encoder>, Estimator), &'static str> {
    let Some(first) = layers.first_mut() else {
        return Err("it has no layer");
    };
    let mut kept = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let weights = (0..first.rows).map(|row| row * columns.len() + at);
        let (factor, sum, keep) = match &column.source {
            Source::Constant(x) => (0.0, column.apply(*x), false),
            Source::Number { .. } if scale_of(column).is_some() => (1.0, 0.0, true),
            Source::Position { .. } => {
                return Err("a sum reads the position of a category, which may be missing");
            }
            _ => {
                let (factor, sum) = column
                    .affine()
                    .ok_or("a sum reads a number cut off to a whole one")?;
                (factor, sum, true)
            }
        };
        for (row, weight) in weights.enumerate() {
            first.bias[row] += first.weights[weight] * sum;
            first.weights[weight] *= factor;
        }
        if keep {
            kept.push(at);
        }
    }
    if kept.len() < columns.len() {
        let rows = first.weights.chunks(columns.len());
        let weights = rows.flat_map(|row| kept.iter().map(|at| row[*at]));
        first.weights = weights.collect();
        first.cols = kept.len();
    }
    let encoders = encoders(columns, true);
    let estimator = if layers.len() == 1 {
        let layer = layers.swap_remove(0);
        Estimator::Linear(Linear {
            weights: layer.weights,
            bias: layer.bias,
            link,
        })
    } else {
        Estimator::Mlp(Mlp {
            embeddings: Vec::new(),
            layers,
            activation: Activation::Relu,
            link,
        })
    };
    Ok((encoders, estimator))
}

/// Trees that take turns over the outputs. Leaves that add up to probabilities become a mean.
fn ensemble(
    mut trees: Vec<Vec<Tree>>,
    base: Vec<f64>,
    link: Link,
    chances: bool,
) -> Result<TreeEnsemble, &'static str> {
    let rounds = trees.iter().map(Vec::len).max().unwrap_or(0);
    let nothing = || Tree {
        nodes: vec![Node::Leaf { value: 0.0 }],
    };
    for trees in &mut trees {
        trees.resize_with(rounds, nothing);
    }
    if chances {
        if base.iter().any(|base| *base != 0.0) || rounds == 0 {
            return Err("it is called a probability, and a base value is added to it");
        }
        for tree in trees.iter_mut().flatten() {
            scores::scale(tree, rounds as f64);
            for node in &mut tree.nodes {
                if let Node::Leaf { value } = node {
                    let inside = value.clamp(0.0, 1.0);
                    let away = (*value - inside).abs();
                    if away.is_nan() || away > SLACK {
                        return Err(
                            "it is called a probability, and its trees' shares leave 0..=1",
                        );
                    }
                    *value = inside;
                }
            }
        }
    }
    let mut turns: Vec<_> = trees.into_iter().map(Vec::into_iter).collect();
    let mut in_turn = Vec::with_capacity(rounds * turns.len());
    for _ in 0..rounds {
        in_turn.extend(turns.iter_mut().filter_map(Iterator::next));
    }
    Ok(TreeEnsemble {
        trees: in_turn,
        base,
        combine: if chances { Combine::Mean } else { Combine::Sum },
        link,
    })
}
