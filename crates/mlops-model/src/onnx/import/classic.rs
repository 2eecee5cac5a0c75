//! The linear models of `ai.onnx.ml`.

use crate::{
    Link,
    onnx::import::{
        network::dense,
        operator::{Operator, Outcome},
        scores::{Form, Scores},
        term::Term,
    },
};

/// The link that a classifier's attribute names.
pub(super) fn link(operator: Operator<'_>) -> Outcome<Link> {
    match operator.text("post_transform") {
        "" | "NONE" => Ok(Link::Identity),
        "LOGISTIC" => Ok(Link::Logit),
        "SOFTMAX" => Ok(Link::Softmax),
        other => Err(operator.reject(format!("its post transform is `{other}`"))),
    }
}

pub(super) fn classifier(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let classes = operator.classes()?;
    let (link, mut scores) = (link(operator)?, linear(operator, arguments)?);
    if scores.outputs() == 1 && classes.len() == 2 && link == Link::Logit {
        scores.form = Form::Pair;
    } else if classes.len() == 2 && link == Link::Logit && scores.mirrored() {
        scores.select(1);
        scores.form = Form::Pair;
    } else if scores.outputs() != classes.len() || classes.len() < 2 {
        return Err(operator.reject(format!(
            "it has {} classes for {} sums",
            classes.len(),
            scores.outputs()
        )));
    }
    scores.link = link;
    scores.classes = Some(classes);
    Ok(vec![Term::Label, Term::scores(scores)])
}

pub(super) fn regressor(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    if link(operator)? != Link::Identity {
        return Err(operator.reject("its post transform is not `NONE`"));
    }
    let scores = linear(operator, arguments)?;
    Ok(vec![Term::scores(scores)])
}

/// The sums of `coefficients`, `[outputs, columns]`, and `intercepts`.
fn linear(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Scores> {
    let width = match arguments.first() {
        Some(Term::Columns(columns)) => columns.len(),
        Some(Term::Scores(scores)) => scores.width(),
        Some(Term::Part(..) | Term::Complement(_)) => 1,
        _ => return Err(operator.reject("it reads what is no matrix of encoded inputs")),
    };
    let weights = operator.floats("coefficients")?;
    if width == 0 || weights.is_empty() || !weights.len().is_multiple_of(width) {
        return Err(operator.reject(format!(
            "{} coefficients meet {width} columns",
            weights.len()
        )));
    }
    let outputs = weights.len() / width;
    let mut bias = operator.floats("intercepts")?;
    if bias.is_empty() {
        bias = vec![0.0; outputs];
    }
    if bias.len() != outputs {
        return Err(operator.reject(format!("{} intercepts meet {outputs} sums", bias.len())));
    }
    match dense(operator, arguments.first(), weights, bias, width)? {
        Term::Scores(scores) => Ok(Scores::clone(&scores)),
        _ => Err(operator.reject("it has no result")),
    }
}
