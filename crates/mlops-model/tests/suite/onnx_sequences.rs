//! Networks over lists in ONNX: of all shapes, over lists of all lengths, and beside other families.

use mlops_core::{Rng, Seed, Value};
use mlops_model::{
    Blend, Block, Calibrated, Curve, Dense, Encoder, Ensemble, Estimator, Input, InputKind, Link,
    Lstm, Member, ModelPackage, ModelSpec, Norm, Output, Rule, Scale, SequenceEstimator,
    SequenceNetwork, Transformer,
};

use crate::{
    onnx::{linear, spec, split, stump, sum},
    sequence_models,
};

type Corner = (&'static str, ModelSpec, Vec<Vec<Value>>);

pub(crate) fn corners() -> Vec<Corner> {
    let [cells, attention] = sequence_models::golden().try_into().unwrap();
    let floats = [InputKind::Floats { longest: 9 }; 3];
    let mut rng = Seed(7).derive("lists").rng();
    let mut rows = |steps| lists(&mut rng, &floats.map(|kind| (kind, steps)), 6);
    vec![
        ("cells", cells.to_model(9).unwrap(), rows(4)),
        (
            "cells over more than they keep",
            cells.to_model(9).unwrap(),
            rows(9),
        ),
        ("cells over one step", cells.to_model(9).unwrap(), rows(1)),
        ("attention", attention.to_model(9).unwrap(), rows(5)),
        (
            "attention over more than it keeps",
            attention.to_model(9).unwrap(),
            rows(8),
        ),
        beside_others(),
    ]
}

/// A model of lists of one length, all of it by chance.
pub(crate) fn random(seed: u64) -> (ModelSpec, Vec<Vec<Value>>) {
    let mut rng = Seed(seed).derive("sequences").rng();
    let (features, steps) = (1 + rng.below(3), 1 + rng.below(6));
    let outputs = 1 + rng.below(3);
    let longest = steps + 3;
    let kinds: Vec<InputKind> = (0..features)
        .map(|_| match rng.below(3) {
            0 => InputKind::Ints { longest },
            _ => InputKind::Floats { longest },
        })
        .collect();
    let (output, links): (_, &[Link]) = if outputs == 1 {
        (Output::Number, &[Link::Identity, Link::Logit])
    } else {
        let names = (0..outputs).map(|at| format!("class {at}")).collect();
        (Output::Classes { names }, &[Link::Softmax])
    };
    let network = if rng.below(2) == 0 {
        lstm(&mut rng, features, outputs)
    } else {
        transformer(&mut rng, features, steps, outputs)
    };
    let link = links[rng.below(links.len())];
    let encoders = vec![sequence(&mut rng, (0..features).collect(), steps)];
    let inputs = kinds.iter().enumerate();
    let inputs = inputs.map(|(at, kind)| Input::new(format!("list {at}"), *kind).nullable());
    let estimator = network_over(network, features, steps, link);
    let spec = spec(inputs.collect(), output, encoders, estimator);
    let length = 1 + rng.below(longest);
    let kinds: Vec<_> = kinds.iter().map(|kind| (*kind, length)).collect();
    (spec, lists(&mut rng, &kinds, 20))
}

/// Two networks over lists of different lengths, a tree over their columns, and a sum over a text.
fn beside_others() -> Corner {
    let mut rng = Seed(11).derive("sequences").rng();
    let list = |name: &str| Input::new(name, InputKind::Floats { longest: 5 }).nullable();
    let inputs = vec![
        Input::new("text", InputKind::Str),
        list("a"),
        list("b"),
        list("c"),
        list("unused"),
    ];
    let encoders = vec![
        Encoder::OneHot {
            input: 0,
            categories: vec!["x".into(), "y".into()],
        },
        sequence(&mut rng, vec![1, 3], 3),
        sequence(&mut rng, vec![2], 4),
    ];
    let cells = lstm(&mut rng, 2, 1);
    let curve = Curve::Sigmoid {
        slope: 1.5,
        intercept: -0.25,
    };
    let cells = Estimator::Calibrated(Calibrated {
        estimator: Box::new(network_over(cells, 2, 3, Link::Logit)),
        curves: vec![curve],
    });
    let attention = transformer(&mut rng, 1, 4, 1);
    let trees = vec![
        stump(split(0, Rule::Le, 2.0, false)),
        stump(split(3, Rule::Lt, 0.5, false)),
    ];
    let member = |first, width, estimator| Member {
        first,
        width,
        estimator,
    };
    let members = vec![
        member(2, 7, cells),
        member(9, 5, network_over(attention, 1, 4, Link::Logit)),
        member(2, 7, sum(trees, vec![0.0], Link::Logit)),
        member(0, 2, linear(vec![1.0, -2.0], vec![0.5], Link::Logit)),
    ];
    let blend = Blend::Average {
        weights: vec![1.0, 2.0, 0.5, 1.5],
    };
    let estimator = Estimator::Ensemble(Ensemble { members, blend });
    let output = Output::Probability {
        positive: "yes".into(),
    };
    let spec = spec(inputs, output, encoders, estimator);
    let floats = InputKind::Floats { longest: 5 };
    let lengths = [(floats, 2), (floats, 5), (floats, 2), (floats, 4)];
    let mut rows = lists(&mut rng, &lengths, 6);
    for (row, text) in rows.iter_mut().zip(["x", "y", "z"].iter().cycle()) {
        row.insert(0, Value::from(*text));
    }
    ("networks beside others", spec, rows)
}

fn sequence(rng: &mut Rng, inputs: Vec<usize>, steps: usize) -> Encoder {
    let scale = |_: &usize| Scale {
        center: rng.normal(),
        scale: 0.5 + rng.unit(),
    };
    let scales = inputs.iter().map(scale).collect();
    Encoder::Sequence {
        inputs,
        steps,
        scales,
    }
}

fn network_over(network: SequenceNetwork, features: usize, steps: usize, link: Link) -> Estimator {
    Estimator::Sequence(SequenceEstimator {
        features,
        steps,
        network,
        link,
    })
}

fn dense(rng: &mut Rng, rows: usize, cols: usize) -> Dense {
    Dense {
        rows,
        cols,
        weights: (0..rows * cols).map(|_| rng.normal()).collect(),
        bias: (0..rows).map(|_| rng.normal()).collect(),
    }
}

fn lstm(rng: &mut Rng, mut width: usize, outputs: usize) -> SequenceNetwork {
    let mut layers = Vec::new();
    for _ in 0..=rng.below(3) {
        let hidden = 1 + rng.below(5);
        layers.push(dense(rng, 4 * hidden, width + hidden));
        width = hidden;
    }
    let head = dense(rng, outputs, width);
    SequenceNetwork::Lstm(Lstm { layers, head })
}

fn transformer(rng: &mut Rng, width: usize, steps: usize, outputs: usize) -> SequenceNetwork {
    let heads = 1 + rng.below(3);
    let size = heads * (1 + rng.below(3));
    let norm = |rng: &mut Rng| Norm {
        gain: (0..size).map(|_| rng.normal()).collect(),
        bias: (0..size).map(|_| rng.normal()).collect(),
    };
    let wide = 1 + rng.below(6);
    let block = |rng: &mut Rng| Block {
        attention_norm: norm(rng),
        attention: dense(rng, 3 * size, size),
        mix: dense(rng, size, size),
        dense_norm: norm(rng),
        widen: dense(rng, wide, size),
        narrow: dense(rng, size, wide),
    };
    SequenceNetwork::Transformer(Transformer {
        embed: dense(rng, size, width),
        positions: (0..steps * size).map(|_| rng.normal()).collect(),
        heads,
        blocks: (0..rng.below(3)).map(|_| block(rng)).collect(),
        norm: norm(rng),
        head: dense(rng, outputs, size),
    })
}

/// Rows of lists of these kinds and lengths, some of their numbers missing.
fn lists(rng: &mut Rng, kinds: &[(InputKind, usize)], rows: usize) -> Vec<Vec<Value>> {
    let number = |rng: &mut Rng, kind: InputKind| match kind {
        _ if rng.below(6) == 0 => Value::Null,
        InputKind::Ints { .. } => Value::Int(3 - i64::try_from(rng.below(7)).unwrap()),
        _ => Value::Float(2.0 * rng.normal()),
    };
    let row = |rng: &mut Rng| {
        let lists = kinds.iter().map(|(kind, length)| {
            let numbers = (0..*length).map(|_| number(rng, *kind));
            Value::List(numbers.collect())
        });
        lists.collect()
    };
    (0..rows).map(|_| row(rng)).collect()
}

#[test]
fn a_package_of_lists_says_that_python_gives_tensors() {
    let (_, spec, rows) = beside_others();
    let package = || ModelPackage::builder(spec.clone()).input_example(rows[0].clone());
    let text = |package: ModelPackage| String::from_utf8(package.files()["MLmodel"].clone());
    let with = text(package().onnx().build().unwrap()).unwrap();
    let without = text(package().build().unwrap()).unwrap();
    assert!(with.contains(
        r#"{\"name\":\"a\",\"type\":\"tensor\",\"tensor-spec\":{\"dtype\":\"float64\",\"shape\":[-1,-1]}}"#
    ));
    assert!(with.contains(
        r#"{\"name\":\"text\",\"type\":\"tensor\",\"tensor-spec\":{\"dtype\":\"object\",\"shape\":[-1]}}"#
    ));
    assert!(!without.contains("tensor"));
}
