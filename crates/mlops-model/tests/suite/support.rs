//! Random models and rows, and the slow, obvious way to compute what they answer.

use std::sync::Arc;

use mlops_core::{
    Rng, Seed, Value,
    arrow::{
        array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray},
        datatypes::Schema,
        record_batch::RecordBatchOptions,
    },
};
use mlops_model::{
    Activation, Combine, Dense, Embedding, Encoder, Estimator, Input, InputKind, Linear, Link, Mlp,
    Model, ModelSpec, Node, Output, Preprocess, Rule, Signature, Tree, TreeEnsemble,
};

const COUNTRIES: [&str; 5] = ["DE", "FR", "UK", "", "ä \"quoted\""];
const ACTIVATIONS: [Activation; 4] = [
    Activation::Relu,
    Activation::Tanh,
    Activation::Logistic,
    Activation::Gelu,
];
/// Few numbers, so that rows meet thresholds exactly.
const GRID: [f64; 9] = [-1e300, -2.0, -0.5, -0.0, 0.0, 0.1, 1.0, 7.25, 1e17];

pub(crate) fn pick<T: Copy>(rng: &mut Rng, items: &[T]) -> T {
    items[rng.below(items.len())]
}

/// A model of a random family over one input of each kind, for two classes or for three.
pub(crate) fn model(seed: u64) -> ModelSpec {
    let mut rng = Seed(seed).derive("model").rng();
    let family = rng.below(3);
    let trees = family == 1;
    let ordinal = family != 0;
    let outputs = pick(&mut rng, &[1, 3]);
    let link = if outputs == 1 {
        Link::Logit
    } else {
        Link::Softmax
    };
    let mut inputs = vec![
        Input::new("amount", InputKind::Float).nullable(),
        Input::new("orders", InputKind::Int),
        Input::new("member", InputKind::Bool).nullable(),
        Input::new("country", InputKind::Str).nullable(),
        Input::new("days", InputKind::Float),
        Input::new("unused", InputKind::Str),
    ];
    rng.shuffle(&mut inputs);
    let output = if outputs == 1 {
        Output::Probability {
            positive: "yes".into(),
        }
    } else {
        Output::Classes {
            names: ["yes", "no", "perhaps"].map(String::from).to_vec(),
        }
    };
    let signature = Signature::new(inputs, output).unwrap();
    let mut encoders = Vec::new();
    for (input, at) in signature.inputs().iter().zip(0..) {
        match (input.name.as_str(), input.kind) {
            ("unused", _) => {}
            (_, InputKind::Str) => {
                let categories = COUNTRIES[1..].iter().map(|c| (*c).to_owned()).collect();
                encoders.push(if ordinal && rng.below(2) == 0 {
                    Encoder::Ordinal {
                        input: at,
                        categories,
                    }
                } else {
                    Encoder::OneHot {
                        input: at,
                        categories,
                    }
                });
            }
            _ => encoders.push(Encoder::Numeric {
                input: at,
                impute: (!trees || rng.below(2) == 0).then(|| pick(&mut rng, &GRID[1..8])),
                log1p: rng.below(3) == 0,
                center: if trees { 0.0 } else { rng.normal() },
                scale: if trees { 1.0 } else { 2.5 },
            }),
        }
    }
    let preprocess = Preprocess::new(&signature, encoders).unwrap();
    let width = preprocess.width();
    let mut weights = |n: usize| (0..n).map(|_| rng.normal()).collect::<Vec<_>>();
    let estimator = match family {
        0 => Estimator::Linear(Linear {
            weights: weights(width * outputs),
            bias: weights(outputs),
            link,
        }),
        1 => Estimator::Trees(ensemble(seed, width, outputs)),
        _ => {
            let embeddings = embeddings(&preprocess, &mut weights);
            let embedded: usize = embeddings.iter().map(|table| table.cols).sum();
            let shape = [width - embeddings.len() + embedded, 7, 4, outputs];
            let layers = shape.windows(2).map(|w| Dense {
                rows: w[1],
                cols: w[0],
                weights: weights(w[0] * w[1]),
                bias: weights(w[1]),
            });
            Estimator::Mlp(Mlp {
                embeddings,
                layers: layers.collect(),
                activation: ACTIVATIONS[usize::try_from(seed % 4).unwrap()],
                link,
            })
        }
    };
    ModelSpec::new(signature, preprocess, estimator).unwrap()
}

/// A table for each ordinal column, one row short now and then.
fn embeddings(
    preprocess: &Preprocess,
    weights: &mut impl FnMut(usize) -> Vec<f64>,
) -> Vec<Embedding> {
    let mut column = 0;
    let mut tables = Vec::new();
    for encoder in preprocess.encoders() {
        if let Encoder::Ordinal { categories, .. } = encoder {
            let (rows, cols) = (categories.len() + column % 2, 3);
            tables.push(Embedding {
                column,
                rows,
                cols,
                weights: weights(rows * cols),
            });
        }
        column += encoder.width();
    }
    tables
}

/// The first model from this seed on that answers one number.
pub(crate) fn one_output(seed: u64) -> ModelSpec {
    (seed..seed + 1000)
        .map(model)
        .find(|spec| spec.signature().output().width() == 1)
        .unwrap()
}

/// Trees of random shape, their nodes in random order behind the root.
pub(crate) fn ensemble(seed: u64, width: usize, outputs: usize) -> TreeEnsemble {
    let mut rng = Seed(seed).derive("trees").rng();
    let count = outputs * (1 + rng.below(21));
    TreeEnsemble {
        trees: (0..count).map(|_| tree(&mut rng, width)).collect(),
        base: (0..outputs).map(|_| rng.normal()).collect(),
        combine: pick(&mut rng, &[Combine::Sum, Combine::Mean]),
        link: if outputs == 1 {
            Link::Logit
        } else {
            Link::Softmax
        },
    }
}

fn tree(rng: &mut Rng, width: usize) -> Tree {
    let splits = rng.below(12);
    let mut order: Vec<u32> = (1..=u32::try_from(2 * splits).unwrap()).collect();
    rng.shuffle(&mut order);
    let mut nodes = vec![Node::Leaf { value: 0.0 }; 2 * splits + 1];
    let mut leaves = vec![0u32];
    for _ in 0..splits {
        let at = leaves.swap_remove(rng.below(leaves.len()));
        let (left, right) = (order.pop().unwrap(), order.pop().unwrap());
        let feature = u32::try_from(rng.below(width)).unwrap();
        let missing_left = rng.below(2) == 0;
        nodes[at as usize] = if rng.below(3) == 0 {
            Node::Category {
                feature,
                categories: pick(rng, &[&[0u32][..], &[1, 3], &[0, 2, 7, 64, 200]]).to_vec(),
                missing_left,
                left,
                right,
            }
        } else {
            Node::Split {
                feature,
                threshold: pick(rng, &GRID),
                rule: pick(rng, &[Rule::Lt, Rule::Le]),
                missing_left,
                left,
                right,
            }
        };
        leaves.extend([left, right]);
    }
    for leaf in leaves {
        nodes[leaf as usize] = Node::Leaf {
            value: rng.normal(),
        };
    }
    Tree { nodes }
}

/// Rows that the model reads, with nulls, NaN and categories it has not seen.
pub(crate) fn rows(spec: &ModelSpec, seed: u64, count: usize) -> Vec<Vec<Value>> {
    let mut rng = Seed(seed).derive("rows").rng();
    let inputs = spec.signature().inputs();
    // sums of extremes overflow; comparisons do not mind
    let extremes = spec.family() == "trees";
    let (floats, ints): (&[f64], &[i64]) = if extremes {
        (&GRID, &[-2, 0, 1, 7, 1 << 53])
    } else {
        (&GRID[1..8], &[-2, 0, 1, 7])
    };
    let mut row = || {
        let value = |input: &Input| match (input.kind, rng.below(6)) {
            (_, 0) if input.nullable => Value::Null,
            (InputKind::Float, 1) if input.nullable => Value::Float(f64::NAN),
            (InputKind::Float, _) => Value::Float(pick(&mut rng, floats)),
            (InputKind::Int, _) => Value::Int(pick(&mut rng, ints)),
            (InputKind::Bool, n) => Value::Bool(n > 3),
            (InputKind::Str, _) => pick(&mut rng, &COUNTRIES).into(),
        };
        inputs.iter().map(value).collect()
    };
    (0..count).map(|_| row()).collect()
}

/// The rows as columns, in reverse order.
pub(crate) fn batch(spec: &ModelSpec, rows: &[Vec<Value>]) -> RecordBatch {
    let columns = spec
        .signature()
        .inputs()
        .iter()
        .enumerate()
        .rev()
        .map(|(at, input)| {
            let values = rows.iter().map(|row| &row[at]);
            let array: ArrayRef = match input.kind {
                InputKind::Float => Arc::new(values.map(Value::as_f64).collect::<Float64Array>()),
                InputKind::Int => Arc::new(
                    values
                        .map(|value| match value {
                            Value::Int(value) => Some(*value),
                            _ => None,
                        })
                        .collect::<Int64Array>(),
                ),
                InputKind::Bool => Arc::new(
                    values
                        .map(|value| match value {
                            Value::Bool(value) => Some(*value),
                            _ => None,
                        })
                        .collect::<BooleanArray>(),
                ),
                InputKind::Str => Arc::new(values.map(Value::as_str).collect::<StringArray>()),
            };
            (input.name.clone(), array)
        });
    let columns: Vec<_> = columns.collect();
    if columns.is_empty() {
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let schema = Schema::empty();
        return RecordBatch::try_new_with_options(Arc::new(schema), vec![], &options).unwrap();
    }
    RecordBatch::try_from_iter(columns).unwrap()
}

/// The answer, computed the slow way from the public description alone.
pub(crate) fn oracle(spec: &ModelSpec, row: &[Value]) -> Vec<f64> {
    let mut x = Vec::new();
    for encoder in spec.preprocess().encoders() {
        match encoder {
            Encoder::Numeric {
                input,
                impute,
                log1p,
                center,
                scale,
            } => {
                let given = row[*input].as_f64().filter(|x| !x.is_nan());
                let value = given.or(*impute).map(|x| {
                    let x = if *log1p {
                        x.signum() * x.abs().ln_1p()
                    } else {
                        x
                    };
                    (x - center) / scale
                });
                x.push(value);
            }
            Encoder::OneHot { input, categories } => x.extend(
                categories
                    .iter()
                    .map(|c| Some(f64::from(row[*input] == Value::Str(c.clone())))),
            ),
            Encoder::Ordinal { input, categories } => {
                let at = categories
                    .iter()
                    .position(|c| row[*input].as_str() == Some(c));
                x.push(at.map(|at| at as f64));
            }
            other => panic!("no oracle for {other:?}"),
        }
    }
    let outputs = spec.signature().output().width();
    let scores = scores(spec, &x, outputs);
    if outputs == 1 {
        return vec![1.0 / (1.0 + (-scores[0]).exp())];
    }
    let largest = scores.iter().copied().fold(f64::MIN, f64::max);
    let shares: Vec<f64> = scores.iter().map(|x| (x - largest).exp()).collect();
    let sum: f64 = shares.iter().sum();
    shares.iter().map(|share| share / sum).collect()
}

fn scores(spec: &ModelSpec, x: &[Option<f64>], outputs: usize) -> Vec<f64> {
    match spec.estimator() {
        Estimator::Linear(linear) => (0..outputs)
            .map(|output| {
                let mut score = linear.bias[output];
                for (at, x) in x.iter().enumerate() {
                    score += linear.weights[output * spec.preprocess().width() + at] * x.unwrap();
                }
                score
            })
            .collect(),
        Estimator::Trees(trees) => (0..outputs)
            .map(|output| {
                let base = trees.base[output];
                let sum = trees.combine == Combine::Sum;
                let mut score = if sum { base } else { 0.0 };
                let mut count = 0;
                for tree in trees.trees.iter().skip(output).step_by(outputs) {
                    score += descend(tree, 0, x);
                    count += 1;
                }
                if sum {
                    score
                } else {
                    base + score / f64::from(count)
                }
            })
            .collect(),
        Estimator::Mlp(mlp) => {
            let table = |column| mlp.embeddings.iter().find(|table| table.column == column);
            let plain = (0..x.len()).filter(|at| table(*at).is_none());
            let mut layer: Vec<f64> = plain.map(|at| x[at].unwrap()).collect();
            for table in &mlp.embeddings {
                let last = table.rows - 1;
                let known = (0..last).find(|row| x[table.column] == Some(*row as f64));
                let row = known.unwrap_or(last) * table.cols;
                layer.extend(&table.weights[row..row + table.cols]);
            }
            for (at, dense) in mlp.layers.iter().enumerate() {
                let mut next = Vec::new();
                for row in 0..dense.rows {
                    let mut sum = dense.bias[row];
                    for (col, x) in layer.iter().enumerate() {
                        sum += dense.weights[row * dense.cols + col] * x;
                    }
                    let last = at + 1 == mlp.layers.len();
                    next.push(if last {
                        sum
                    } else {
                        activate(mlp.activation, sum)
                    });
                }
                layer = next;
            }
            layer
        }
        other => panic!("no oracle for {other:?}"),
    }
}

fn activate(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Relu => x.max(0.0),
        Activation::Tanh => x.tanh(),
        Activation::Logistic => 1.0 / (1.0 + (-x).exp()),
        // held against torch where it is defined
        activation => {
            let mut value = [x];
            activation.apply(&mut value);
            value[0]
        }
    }
}

fn descend(tree: &Tree, at: u32, x: &[Option<f64>]) -> f64 {
    let (goes_left, left, right) = match &tree.nodes[at as usize] {
        Node::Leaf { value } => return *value,
        Node::Split {
            feature,
            threshold,
            rule,
            missing_left,
            left,
            right,
        } => {
            let goes_left = match (x[*feature as usize], rule) {
                (None, _) => *missing_left,
                (Some(x), Rule::Lt) => x < *threshold,
                (Some(x), Rule::Le) => x <= *threshold,
            };
            (goes_left, left, right)
        }
        Node::Category {
            feature,
            categories,
            missing_left,
            left,
            right,
        } => {
            let goes_left = match x[*feature as usize] {
                None => *missing_left,
                // a number between two categories counts as the lower one
                Some(x) => categories
                    .iter()
                    .any(|c| (f64::from(*c)..f64::from(*c) + 1.0).contains(&x)),
            };
            (goes_left, left, right)
        }
    };
    descend(tree, if goes_left { *left } else { *right }, x)
}
