//! From the graph's answer to a model: signature, encoders and estimator.

use std::rc::Rc;

use crate::{
    Error, Input, Link, ModelSpec, Output, Preprocess, Result, Signature,
    onnx::{
        import::{
            OnnxImport, cells,
            column::Source,
            families, mean,
            operator::Rejected,
            scores::{Body, Form, Scores},
            term::Term,
            walk::{Planned, Walk},
        },
        proto::Graph,
    },
};

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
    let (scores, output) = call(scores, options.output.clone()).map_err(reject)?;
    if let (Some(Source::Last(cells)), Body::Dense(_)) = (
        scores.columns.first().map(|column| &column.source),
        &scores.body,
    ) {
        return cells::finish(cells, &scores, &walk.inputs, walk.steps, output).map_err(reject)?;
    }
    let needed = needed(&scores, walk.inputs.len());
    let inputs = walk.inputs.iter().zip(&needed);
    let inputs = inputs.map(|(planned, needed)| input(planned, *needed));
    let signature = Signature::new(inputs.collect::<Vec<_>>(), output)?;
    let is_number = matches!(signature.output(), Output::Number | Output::Numbers { .. });
    let (encoders, estimator) = families::family(&scores, !is_number).map_err(reject)?;
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
            let link = scores.link;
            match link {
                _ if pair && *at == 1 => scores.form = Form::Each,
                _ if scores.form == Form::Shares => {
                    return Err(no_answer(name, "it is one of the answers that add up to 1"));
                }
                Link::Softmax if two && *at == 1 && scores.difference() => {
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
    let mut classes = scores.classes.take();
    let chances = match &scores.body {
        Body::Mix(mix) if scores.is_linear() && mean::are_chances(mix) => {
            classes = classes.or_else(|| mean::classes(mix));
            true
        }
        _ => scores.link == Link::Softmax,
    };
    let both = matches!(given, Some(Output::Classes { .. })) && scores.link == Link::Softmax;
    let named = scores.form == Form::Pair
        || scores.outputs() == 2 && !both && (classes.is_some() || chances);
    if named {
        match (scores.form, scores.link) {
            (Form::Pair, _) => {}
            (Form::Each, Link::Softmax) => {
                if !scores.difference() {
                    return Err("its two answers have no difference here");
                }
                scores.link = Link::Logit;
            }
            (Form::Shares, _) => return Err("of two answers, one is not a share by itself"),
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
        (_, Link::Logit) if scores.form != Form::Shares && classes.is_some() => {
            return Err("its probabilities do not add up to 1");
        }
        (outputs, _) if classes.is_some() || chances || scores.form == Form::Shares => {
            let numbers = || (0..outputs).map(|at| at.to_string()).collect();
            let names = classes.clone().unwrap_or_else(numbers);
            Output::Classes { names }
        }
        (outputs, _) => Output::Numbers {
            names: (0..outputs).map(|at| format!("prediction_{at}")).collect(),
        },
    };
    Ok((scores, given.unwrap_or(found)))
}

/// Which inputs may not be missing: only trees do without a number.
fn needed(scores: &Scores, inputs: usize) -> Vec<bool> {
    let mut needed = vec![false; inputs];
    families::leaves(scores, &mut |leaf| {
        if matches!(leaf.body, Body::Trees { .. }) {
            return;
        }
        for column in leaf.columns.iter() {
            if let Source::Number {
                input,
                impute: None,
                ..
            } = column.source
            {
                needed[input] = true;
            }
        }
    });
    needed
}

fn input(planned: &Planned, needed: bool) -> Input {
    let input = Input::new(planned.name.clone(), planned.kind);
    if planned.optional && !needed {
        input.nullable()
    } else {
        input
    }
}
