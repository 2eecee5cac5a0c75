//! From scores to a family of this crate, and the encoders in front of it.

use std::f64::consts::TAU;

use crate::{
    Activation, Bayes, Blend, Calibrated, Centroids, Combine, Curve, Dense, Encoder, Ensemble,
    Estimator, Likelihood, Linear, Link, Member, Mlp, Nearest, Node, Svm, Tree, TreeEnsemble,
    onnx::import::{
        column::{Column, Source},
        density::{Point, Squares},
        front::{encoders, scale_of, whole},
        mean,
        mix::Mix,
        scores::{self, Body, Form, Network, Scores},
    },
};

/// How far single precision puts a probability out of 0..=1, and a sum of squares from nothing.
const SLACK: f64 = 1e-5;

type Outcome<T> = Result<T, &'static str>;

/// The family of scores; `chances` is whether their answers have to lie in 0..=1.
pub(super) fn family(scores: &Scores, chances: bool) -> Outcome<(Vec<Encoder>, Estimator)> {
    match scores.form {
        Form::Each => {}
        Form::Pair => return Err("it is a pair of answers where one is expected"),
        Form::Shares => return shares(scores),
    }
    let columns = &scores.columns;
    match &scores.body {
        Body::Dense(Network { after: Some(_), .. }) => {
            Err("an activation stands behind the last layer")
        }
        Body::Dense(layers) => dense(columns, layers.clone(), scores.link),
        Body::Trees { trees, base } => {
            let chances = chances && scores.link == Link::Identity;
            let ensemble = ensemble(trees.clone(), base.clone(), scores.link, chances)?;
            Ok((encoders(columns, false), Estimator::Trees(ensemble)))
        }
        Body::Svm(svm) => {
            let link = scores.link;
            let svm = Svm {
                link,
                ..svm.clone()
            };
            Ok((whole(columns)?, Estimator::Svm(svm)))
        }
        Body::Squares(squares) => Ok((whole(columns)?, bayes(squares, scores.link)?)),
        Body::Nearest(squares) => Ok((whole(columns)?, centroids(squares)?)),
        Body::Mix(mix) => mixed(mix, scores.link, chances),
    }
}

/// The scores that read columns.
pub(super) fn leaves<'a>(scores: &'a Scores, visit: &mut impl FnMut(&'a Scores)) {
    match &scores.body {
        Body::Mix(mix) => mix.members.iter().for_each(|member| leaves(member, visit)),
        _ => visit(scores),
    }
}

/// Probabilities that are divided by their sum.
fn shares(scores: &Scores) -> Outcome<(Vec<Encoder>, Estimator)> {
    let curve = match scores.link {
        Link::Logit => Curve::Sigmoid {
            slope: 1.0,
            intercept: 0.0,
        },
        // they are probabilities already
        Link::Identity => Curve::Isotonic {
            x: vec![0.0, 1.0],
            y: vec![0.0, 1.0],
        },
        _ => return Err("what it divides by the sum has no form here"),
    };
    let inner = Scores {
        link: Link::Identity,
        form: Form::Each,
        ..scores.clone()
    };
    let (encoders, estimator) = family(&inner, false)?;
    let calibrated = Calibrated {
        estimator: Box::new(estimator),
        curves: vec![curve; scores.outputs()],
    };
    Ok((encoders, Estimator::Calibrated(calibrated)))
}

/// Members whose answers become one.
fn mixed(mix: &Mix, link: Link, chances: bool) -> Outcome<(Vec<Encoder>, Estimator)> {
    let mean = if link == Link::Identity {
        mean::mean(mix)
    } else {
        None
    };
    let (scores, blend): (Vec<Scores>, Blend) = match mean {
        Some(mean) => {
            let (mut scores, weights): (Vec<Scores>, Vec<f64>) = mean.into_iter().unzip();
            if let [_] = scores.as_slice() {
                return family(&scores.remove(0), chances);
            }
            (scores, Blend::Average { weights })
        }
        None if chances && link == Link::Identity => {
            return Err("it is called a probability, and is no mean of probabilities");
        }
        None => {
            let scores = mix.members.iter().map(|member| Scores::clone(member));
            let linear = Linear {
                weights: mix.weights.clone(),
                bias: mix.bias.clone(),
                link,
            };
            (scores.collect(), Blend::Stack(linear))
        }
    };
    let inner = chances && matches!(blend, Blend::Average { .. });
    let mut encoders: Vec<Encoder> = Vec::new();
    let mut width = 0;
    let mut members: Vec<Member> = Vec::with_capacity(scores.len());
    let mut known: Vec<(Vec<Encoder>, usize)> = Vec::new();
    for scores in &scores {
        let (own, estimator) = family(scores, inner)?;
        let columns = own.iter().map(Encoder::width).sum();
        let same = known.iter().find(|(encoders, _)| *encoders == own);
        let first = same.map_or(width, |(_, first)| *first);
        if same.is_none() {
            encoders.extend(own.iter().cloned());
            known.push((own, width));
            width += columns;
        }
        members.push(Member {
            first,
            width: columns,
            estimator,
        });
    }
    Ok((encoders, Estimator::Ensemble(Ensemble { members, blend })))
}

/// The densities of classes.
fn bayes(squares: &Squares, link: Link) -> Outcome<Estimator> {
    if !matches!(link, Link::Softmax | Link::Logit) {
        return Err("it answers squared distances");
    }
    let width = match squares.points.first() {
        Some(Point::Axes { center, .. }) => center.len(),
        Some(Point::Map(layer)) => layer.cols,
        None => return Err("it has no class"),
    };
    let mut log_priors = squares.bias.clone();
    let mut means = Vec::with_capacity(squares.points.len() * width);
    let (mut variances, mut whitening) = (Vec::new(), Vec::new());
    for ((point, factor), prior) in squares
        .points
        .iter()
        .zip(&squares.factors)
        .zip(&mut log_priors)
    {
        match point {
            Point::Axes { center, weights } => {
                means.extend(center);
                for weight in weights {
                    let variance = -0.5 / (factor * weight);
                    if !variance.is_normal() || variance < 0.0 {
                        return Err("it is no density of a class");
                    }
                    variances.push(variance);
                    *prior += 0.5 * (TAU * variance).ln();
                }
            }
            Point::Map(layer) => {
                let scale = (-2.0 * factor).sqrt();
                let rows: Vec<f64> = layer.weights.iter().map(|weight| weight * scale).collect();
                let offset: Vec<f64> = layer.bias.iter().map(|bias| bias * scale).collect();
                let mean = center(&rows, &offset, width).ok_or("its density has no form here")?;
                for at in 0..width {
                    *prior -= rows[at * width + at].ln() - 0.5 * TAU.ln();
                }
                means.extend(mean);
                whitening.extend(rows);
            }
        }
    }
    let likelihood = match (variances.len(), whitening.len()) {
        (_, 0) if variances.len() == means.len() => Likelihood::Gaussian { means, variances },
        (0, _) if whitening.len() == means.len() * width => {
            Likelihood::Covariance { means, whitening }
        }
        _ => return Err("its classes have densities of different kinds"),
    };
    Ok(Estimator::Bayes(Bayes {
        log_priors,
        likelihood,
        link,
    }))
}

/// Where `rows · x + offset` is 0, for rows that are a lower triangle with a positive diagonal.
fn center(rows: &[f64], offset: &[f64], width: usize) -> Option<Vec<f64>> {
    if rows.len() != width * width || offset.len() != width {
        return None;
    }
    let mut center = Vec::with_capacity(width);
    for (at, offset) in offset.iter().enumerate() {
        let row = &rows[at * width..(at + 1) * width];
        let above = row[at + 1..].iter().any(|x| *x != 0.0);
        if above || !row[at].is_normal() || row[at] < 0.0 {
            return None;
        }
        let known: f64 = row.iter().zip(&center).map(|(x, c)| x * c).sum();
        center.push((-offset - known) / row[at]);
    }
    Some(center)
}

/// The nearest of points, by its position.
fn centroids(squares: &Squares) -> Outcome<Estimator> {
    let mut points = Vec::new();
    let distances = squares.factors.iter().zip(&squares.bias);
    for (point, (factor, bias)) in squares.points.iter().zip(distances) {
        let Point::Axes { center, weights } = point else {
            return Err("the nearest point is not that of plain distances");
        };
        let size: f64 = center.iter().map(|c| c * c).sum();
        let plain = weights.iter().all(|weight| weight * factor == 1.0);
        if !plain || bias.abs() > SLACK * size.max(1.0) {
            return Err("the nearest point is not that of plain distances");
        }
        points.extend(center);
    }
    let labels = (0..squares.points.len()).map(|at| u32::try_from(at).unwrap_or(u32::MAX));
    Ok(Estimator::Centroids(Centroids {
        points,
        labels: labels.collect(),
        radius: None,
        answer: Nearest::Label,
    }))
}

/// Layers over columns: what the encoders do not hold goes into the first one.
fn dense(columns: &[Column], network: Network, link: Link) -> Outcome<(Vec<Encoder>, Estimator)> {
    let mut layers: Vec<Dense> = network.layers;
    let Some(first) = layers.first_mut() else {
        return Err("it has no layer");
    };
    let mut kept = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let weights = (0..first.rows).map(|row| row * columns.len() + at);
        let (factor, sum, keep) = match &column.source {
            Source::Constant(x) => (0.0, column.apply(*x), false),
            Source::Number { .. } if scale_of(column).is_some() => (1.0, 0.0, true),
            Source::Last(_) => {
                return Err("one layer reads the last step of a sequence, and nothing else does");
            }
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
            activation: network.activation.unwrap_or(Activation::Relu),
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
) -> Outcome<TreeEnsemble> {
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
