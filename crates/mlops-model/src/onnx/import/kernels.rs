//! The support vector machines of `ai.onnx.ml`.

use crate::{
    Kernel, Link, Svm, limit,
    onnx::import::{
        operator::{Operator, Outcome},
        scores::{Body, Form, Scores},
        term::Term,
        walk::columns,
    },
};

/// `SVMRegressor`, and `SVMRegressor` of one class.
pub(super) fn regressor(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    if !matches!(operator.text("post_transform"), "" | "NONE") {
        return Err(operator.reject("its post transform is not `NONE`"));
    }
    if operator.int("one_class").unwrap_or(0) != 0 {
        return Err(operator.reject("it answers by sign whether a row is of the one class"));
    }
    let coefficients = operator.floats("coefficients")?;
    let rho = operator.floats("rho")?;
    let bias = rho.first().copied().unwrap_or(0.0);
    let scores = machine(operator, arguments, coefficients, bias)?;
    Ok(vec![Term::scores(scores)])
}

/// `SVMClassifier` of two classes; of more, it is a vote of pairs.
pub(super) fn classifier(operator: Operator<'_>, arguments: &[Term]) -> Outcome<Vec<Term>> {
    let classes = operator.classes()?;
    if classes.len() != 2 {
        return Err(operator.reject(format!(
            "it compares {} classes in pairs, which has no form here",
            classes.len()
        )));
    }
    if !matches!(operator.text("post_transform"), "" | "NONE") {
        return Err(operator.reject("its post transform is not `NONE`"));
    }
    let coefficients = operator.floats("coefficients")?;
    let rho = operator.floats("rho")?;
    let bias = rho.first().copied().unwrap_or(0.0);
    if operator.ints("vectors_per_class").len() != 2 {
        return Err(operator.reject("it has weights in place of vectors"));
    }
    let mut scores = machine(operator, arguments, coefficients, bias)?;
    let (a, b) = (operator.floats("prob_a")?, operator.floats("prob_b")?);
    match (a.as_slice(), b.as_slice()) {
        // Platt's sigmoid is of the first class, and falls with the score
        ([a], [b]) => {
            scores.scale(&[*a], &[*b]);
            scores.link = Link::Logit;
            scores.form = Form::Pair;
        }
        ([], []) => scores.scale(&[-1.0], &[0.0]),
        _ => {
            return Err(
                operator.reject("its numbers of Platt's sigmoids are not those of one pair")
            );
        }
    }
    scores.classes = (scores.form == Form::Pair).then_some(classes);
    Ok(vec![Term::Label, Term::scores(scores)])
}

fn machine(
    operator: Operator<'_>,
    arguments: &[Term],
    coefficients: Vec<f64>,
    bias: f64,
) -> Outcome<Scores> {
    let columns = columns(operator, arguments.first())?;
    let vectors = operator.floats("support_vectors")?;
    let size = coefficients.len().checked_mul(columns.len());
    if size != Some(vectors.len()) || vectors.len() > limit::WEIGHTS {
        return Err(operator.reject(format!(
            "{} numbers of vectors and {} coefficients meet {} columns",
            vectors.len(),
            coefficients.len(),
            columns.len()
        )));
    }
    let svm = Svm {
        kernel: kernel(operator)?,
        vectors,
        coefficients,
        bias: vec![bias],
        link: Link::Identity,
    };
    Ok(Scores::new(columns, Body::Svm(svm)))
}

fn kernel(operator: Operator<'_>) -> Outcome<Kernel> {
    let params = operator.floats("kernel_params")?;
    let [gamma, constant, degree] = params[..] else {
        return Err(operator.reject(format!("its kernel has {} parameters", params.len())));
    };
    match operator.text("kernel_type") {
        "LINEAR" | "" => Ok(Kernel::Linear),
        "RBF" => Ok(Kernel::Rbf { gamma }),
        "POLY" => {
            let degree = (1..=16).find(|power: &u8| f64::from(*power) == degree);
            let degree = degree.ok_or_else(|| operator.reject("its power is not 1 to 16"))?;
            Ok(Kernel::Polynomial {
                gamma,
                constant,
                degree,
            })
        }
        other => Err(operator.reject(format!("its kernel is `{other}`"))),
    }
}
