//! How long trees take to answer: one row through `predict_row`, and rows of a batch through `predict`.
//!
//! 100 trees of 63 leaves over 30 columns, as a booster grows them: leaf by leaf, so of uneven depth. The row's
//! time includes the check of its values against the signature; the batch's too.

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mlops_core::{
    Rng, Seed, Value,
    arrow::array::{ArrayRef, Float64Array, RecordBatch},
};
use mlops_model::{
    Combine, Encoder, Estimator, Input, InputKind, Link, Model, ModelSpec, Node, Output,
    Preprocess, Rule, Scratch, Signature, Tree, TreeEnsemble,
};

const COLUMNS: usize = 30;
const TREES: usize = 100;
const LEAVES: usize = 63;
const ROWS: usize = 10_000;

/// A tree that splits a random leaf until there are enough.
fn tree(rng: &mut Rng, by_category: bool) -> Tree {
    let mut nodes = vec![Node::Leaf {
        value: rng.normal(),
    }];
    let mut leaves = vec![0];
    while leaves.len() < LEAVES {
        let at: usize = leaves.swap_remove(rng.below(leaves.len()));
        let left = u32::try_from(nodes.len()).expect("few nodes");
        let feature = u32::try_from(rng.below(COLUMNS)).expect("few columns");
        nodes[at] = if by_category && feature % 3 == 0 {
            Node::Category {
                feature,
                categories: (0..8).filter(|_| rng.unit() < 0.5).chain([8]).collect(),
                missing_left: false,
                left,
                right: left + 1,
            }
        } else {
            Node::Split {
                feature,
                threshold: 8.0 * rng.unit(),
                rule: Rule::Le,
                missing_left: rng.unit() < 0.5,
                left,
                right: left + 1,
            }
        };
        for _ in 0..2 {
            leaves.push(nodes.len());
            nodes.push(Node::Leaf {
                value: rng.normal(),
            });
        }
    }
    Tree { nodes }
}

fn model(by_category: bool) -> ModelSpec {
    let mut rng = Seed(7).rng();
    let inputs = (0..COLUMNS).map(|at| Input::new(format!("x{at}"), InputKind::Float).nullable());
    let output = Output::Probability {
        positive: "yes".into(),
    };
    let signature = Signature::new(inputs, output).expect("unique names");
    let encoders = (0..COLUMNS).map(Encoder::plain).collect();
    let preprocess = Preprocess::new(&signature, encoders).expect("numbers");
    let trees = TreeEnsemble {
        trees: (0..TREES).map(|_| tree(&mut rng, by_category)).collect(),
        base: vec![0.1],
        combine: Combine::Sum,
        link: Link::Logit,
    };
    ModelSpec::new(signature, preprocess, Estimator::Trees(trees)).expect("sound trees")
}

fn benches(c: &mut Criterion) {
    let mut rng = Seed(8).rng();
    let columns: Vec<Vec<f64>> = (0..COLUMNS)
        .map(|_| (0..ROWS).map(|_| 8.0 * rng.unit()).collect())
        .collect();
    let row = |at: usize| columns.iter().map(move |column| Value::Float(column[at]));
    let rows: Vec<Vec<Value>> = (0..ROWS).map(|at| row(at).collect()).collect();
    let arrays = columns.iter().enumerate().map(|(at, column)| {
        let array: ArrayRef = Arc::new(Float64Array::from(column.clone()));
        (format!("x{at}"), array)
    });
    let batch = RecordBatch::try_from_iter(arrays).expect("equal lengths");

    for (name, by_category) in [("thresholds", false), ("categories", true)] {
        let model = model(by_category);
        let mut group = c.benchmark_group(format!("trees/{name}"));
        let (mut scratch, mut next) = (Scratch::new(), rows.iter().cycle());
        group.bench_function("one_row", |b| {
            b.iter(|| {
                let row = next.next().expect("a cycle");
                model
                    .predict_value(black_box(row), &mut scratch)
                    .expect("a good row")
            });
        });
        group.throughput(Throughput::Elements(ROWS as u64));
        group.bench_function("batch", |b| {
            b.iter(|| model.predict(black_box(&batch)).expect("a good batch"));
        });
        group.finish();
    }
}

criterion_group!(all, benches);
criterion_main!(all);
