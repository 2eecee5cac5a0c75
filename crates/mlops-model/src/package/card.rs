//! The model card that is written when nobody wrote a better one.

use std::fmt::Write;

use crate::{Estimator, Model, ModelSpec, Output, SequenceNetwork, package::Metadata};

/// A card that states what is known: family, size, inputs, output, origin.
pub(super) fn write(spec: &ModelSpec, metadata: &Metadata) -> String {
    let signature = spec.signature();
    let size = match spec.estimator() {
        Estimator::Linear(linear) => format!("{} weights", linear.weights.len()),
        Estimator::Trees(trees) => {
            let nodes: usize = trees.trees.iter().map(|tree| tree.nodes.len()).sum();
            format!("{} trees, {nodes} nodes", trees.trees.len())
        }
        Estimator::Mlp(mlp) if mlp.embeddings.is_empty() => format!("{} layers", mlp.layers.len()),
        Estimator::Mlp(mlp) => format!(
            "{} layers, {} embeddings",
            mlp.layers.len(),
            mlp.embeddings.len()
        ),
        Estimator::Bayes(bayes) => format!("{} classes", bayes.log_priors.len()),
        Estimator::Svm(svm) => format!(
            "{} support vectors",
            svm.coefficients.len() / svm.bias.len()
        ),
        Estimator::Centroids(centroids) => format!("{} points", centroids.labels.len()),
        Estimator::Ensemble(ensemble) => {
            let families: Vec<&str> = ensemble
                .members
                .iter()
                .map(|member| member.estimator.family())
                .collect();
            format!("{} members ({})", families.len(), families.join(", "))
        }
        Estimator::Sequence(sequence) => format!(
            "{} over at most {} steps of {} numbers",
            match sequence.network {
                SequenceNetwork::Lstm(_) => "an lstm",
                SequenceNetwork::Transformer(_) => "the encoder of a transformer",
            },
            sequence.steps,
            sequence.features
        ),
        Estimator::Calibrated(calibrated) => calibrated.estimator.family().to_owned(),
    };
    let answer = match signature.output() {
        Output::Probability { positive } => format!("the probability of `{}`", plain(positive)),
        Output::Number => "a number".to_owned(),
        Output::Numbers { names } => listed(names),
        Output::Classes { names } => format!("the probabilities of {}", listed(names)),
    };
    let mut card = format!(
        "# Model card\n\n- family: {}, {size}\n- answers {answer}\n",
        spec.family()
    );
    let mut line = |text: String| {
        card.push_str(&text);
        card.push('\n');
    };
    if let Some(trainer) = &metadata.trainer {
        line(format!("- trained by {}", plain(trainer)));
    }
    if let Some(created) = metadata.created {
        line(format!("- created {created}"));
    }
    line("\n## Inputs\n\n| name | kind | null |\n| --- | --- | --- |".to_owned());
    for input in signature.inputs() {
        let null = if input.nullable { "allowed" } else { "refused" };
        line(format!(
            "| {} | {} | {null} |",
            plain(&input.name),
            input.kind
        ));
    }
    if !metadata.params.is_empty() {
        line("\n## Parameters\n".to_owned());
        for (name, value) in &metadata.params {
            line(format!("- {}: {}", plain(name), plain(value)));
        }
    }
    card
}

/// Names as a list.
fn listed(names: &[String]) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|name| format!("`{}`", plain(name)))
        .collect();
    names.join(", ")
}

/// A text that stays on its line and in its cell.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control() => out.push(' '),
            '|' | '`' | '<' | '[' | '*' | '_' | '\\' => {
                write!(out, "\\{c}").expect("writing to memory");
            }
            c => out.push(c),
        }
    }
    out
}
