//! What sums over answers are: a mean, probabilities of classes, or neither.

use crate::{
    Link,
    onnx::import::{
        mix::Mix,
        scores::{Body, Form, Scores},
    },
};

/// How far single precision puts weights out of a sum of 1.
const SLACK: f64 = 1e-5;

/// What a mean needs: members whose answers stand for the sums one by one, and a weight each.
///
/// `None` if the sums are no mean.
pub(super) fn mean(mix: &Mix) -> Option<Vec<(Scores, f64)>> {
    let (sums, answers) = (mix.bias.len(), mix.answers());
    if mix.bias.iter().any(|bias| bias.abs() > SLACK) {
        return None;
    }
    let mut members = Vec::with_capacity(mix.members.len());
    let mut total = 0.0;
    for (member, (start, count)) in mix.members.iter().zip(mix.blocks()) {
        let block = |row: usize| &mix.weights[row * answers + start..][..count];
        let mut member = Scores::clone(member);
        let weight = if sums == 1 {
            let used: Vec<usize> = (0..count).filter(|at| block(0)[*at] != 0.0).collect();
            match used[..] {
                [] => continue,
                [at] if count > 1 => {
                    let link = member.link;
                    match link {
                        Link::Softmax if count == 2 && at == 1 && member.difference() => {
                            member.link = Link::Logit;
                        }
                        Link::Softmax => return None,
                        _ if member.form == Form::Shares => return None,
                        _ => member.select(at),
                    }
                    block(0)[at]
                }
                [at] => block(0)[at],
                _ => return None,
            }
        } else {
            let weight = *block(0).first()?;
            let diagonal = |row: usize| {
                let entries = block(row).iter().enumerate();
                let mut entries =
                    entries.map(|(at, x)| if at == row { *x == weight } else { *x == 0.0 });
                entries.all(|fits| fits)
            };
            if count != sums || !(0..sums).all(diagonal) {
                return None;
            }
            weight
        };
        if weight < 0.0 {
            return None;
        }
        total += weight;
        members.push((member, weight));
    }
    let close = (total - 1.0).abs() <= SLACK && !members.is_empty();
    close.then_some(members)
}

/// Whether each sum is one probability of a member of its own.
pub(super) fn of_logits(scores: &Scores) -> bool {
    let Body::Mix(mix) = &scores.body else {
        return false;
    };
    let alone = |row: usize| {
        let answers = mix.answers();
        let weights = &mix.weights[row * answers..(row + 1) * answers];
        weights.iter().filter(|weight| **weight != 0.0).eq([&1.0])
    };
    let logits = mix
        .members
        .iter()
        .all(|member| member.link == Link::Logit && member.form == Form::Each);
    logits
        && mix.bias.len() > 1
        && mix.bias.iter().all(|bias| *bias == 0.0)
        && (0..mix.bias.len()).all(alone)
}

/// Whether the sums are probabilities of classes: of two, each 1 less the other; or a mean of members that answer
/// such.
pub(super) fn are_chances(mix: &Mix) -> bool {
    if mix.bias.len() == 2 {
        return is_pair(mix);
    }
    let of_classes = mix.members.iter().all(|member| {
        let chances = member.link == Link::Softmax
            || member.form == Form::Shares
            || member.classes.is_some() && matches!(member.body, Body::Trees { .. });
        chances && member.outputs() == mix.bias.len()
    });
    mix.bias.len() > 1 && of_classes && mean(mix).is_some()
}

/// The classes' names, if a member has them.
pub(super) fn classes(mix: &Mix) -> Option<Vec<String>> {
    let mut names = mix
        .members
        .iter()
        .filter_map(|member| member.classes.clone());
    names.find(|names| names.len() == mix.bias.len())
}

/// Whether two sums are a mean of members that answer two classes, be it by one number or by two.
fn is_pair(mix: &Mix) -> bool {
    let close = |a: f64, b: f64| (a - b).abs() <= SLACK;
    let (first, second) = mix.weights.split_at(mix.answers());
    let (mut offset, mut total) = (0.0, 0.0);
    for (member, (start, count)) in mix.members.iter().zip(mix.blocks()) {
        let weight = match (&first[start..start + count], &second[start..start + count]) {
            ([a], [b]) if close(-a, *b) => {
                offset += b;
                *b
            }
            ([a, none], [nothing, b]) if close(*a, *b) && *none == 0.0 && *nothing == 0.0 => *b,
            _ => return false,
        };
        let chances = matches!(member.link, Link::Logit | Link::Softmax)
            || member.classes.is_some()
            || matches!(&member.body, Body::Mix(inner) if inner.bias.len() == 1);
        if !chances {
            return false;
        }
        total += weight;
    }
    close(mix.bias[0], offset) && close(mix.bias[1], 0.0) && close(total, 1.0)
}
