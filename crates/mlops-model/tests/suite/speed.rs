//! How long one row and one batch take; run by hand with `--ignored --nocapture` on optimised code.

use mlops_core::{Rng, Seed, Stopwatch, Value};
use mlops_model::{
    Combine, Encoder, Estimator, Input, InputKind, Link, Model, ModelSpec, Node, Output,
    Preprocess, Rule, Scratch, Signature, Tree, TreeEnsemble,
};

const FEATURES: usize = 25;

fn full_tree(rng: &mut Rng, depth: u32) -> Tree {
    let splits = 2usize.pow(depth) - 1;
    let nodes = (0..=2 * splits).map(|at| {
        if at >= splits {
            return Node::Leaf {
                value: rng.normal() / 100.0,
            };
        }
        let child = |n: usize| u32::try_from(2 * at + n).unwrap();
        Node::Split {
            feature: u32::try_from(rng.below(FEATURES)).unwrap(),
            threshold: rng.normal(),
            rule: Rule::Lt,
            missing_left: false,
            left: child(1),
            right: child(2),
        }
    });
    Tree {
        nodes: nodes.collect(),
    }
}

#[test]
#[ignore = "a measurement"]
fn three_hundred_trees_of_depth_six() {
    let mut rng = Seed(1).rng();
    let inputs = (0..FEATURES).map(|i| Input::new(format!("feature_{i}"), InputKind::Float));
    let output = Output::Probability {
        positive: "yes".into(),
    };
    let signature = Signature::new(inputs, output).unwrap();
    let encoders = (0..FEATURES).map(Encoder::plain).collect();
    let preprocess = Preprocess::new(&signature, encoders).unwrap();
    let ensemble = TreeEnsemble {
        trees: (0..300).map(|_| full_tree(&mut rng, 6)).collect(),
        base: 0.0,
        combine: Combine::Sum,
        link: Link::Logit,
    };
    let spec = ModelSpec::new(signature, preprocess, Estimator::Trees(ensemble)).unwrap();
    let rows: Vec<Vec<Value>> = (0..4096)
        .map(|_| (0..FEATURES).map(|_| Value::Float(rng.normal())).collect())
        .collect();
    let mut scratch = Scratch::new();
    let mut times = Vec::new();
    let mut sum = 0.0;
    for row in rows.iter().cycle().take(5 * rows.len()) {
        let watch = Stopwatch::start();
        sum += spec.predict_row(row, &mut scratch).unwrap();
        times.push(watch.elapsed());
    }
    times.sort_unstable();
    println!(
        "row: median {:?}, p99 {:?}",
        times[times.len() / 2],
        times[times.len() * 99 / 100]
    );
    let batch = crate::support::batch(&spec, &rows);
    let watch = Stopwatch::start();
    sum += spec.predict(&batch).unwrap().iter().sum::<f64>();
    println!("batch of 4096: {:?} a row ({sum})", watch.elapsed() / 4096);
}
