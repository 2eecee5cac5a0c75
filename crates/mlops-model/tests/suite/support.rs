//! Random models and rows, and the slow, obvious way to compute what they answer.

use std::{cmp::Ordering, sync::Arc};

use mlops_core::{
    Date, EventTime, Rng, Seed, Value,
    arrow::{
        array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray},
        datatypes::Schema,
        record_batch::RecordBatchOptions,
    },
};
use mlops_model::{
    Activation, Bayes, Blend, BucketForm, Calibrated, Centroids, Combine, Curve, DatePart, Dense,
    Embedding, Encoder, Ensemble, Estimator, Factor, Input, InputKind, Kernel, Likelihood, Linear,
    Link, Member, Mlp, Model, ModelSpec, Nearest, Node, Output, Preprocess, Rule, Signature, Step,
    Svm, TimeUnit, Tree, TreeEnsemble,
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

/// Random models read no lists; `sequence_models` has those that do.
const NO_LISTS: Value = Value::Null;

pub(crate) fn pick<T: Copy>(rng: &mut Rng, items: &[T]) -> T {
    items[rng.below(items.len())]
}

/// A model of a random family over one input of each kind, for two classes or for three.
pub(crate) fn model(seed: u64) -> ModelSpec {
    build(seed, &FAMILIES, false)
}

/// The same of the families and encoders that have a form in ONNX.
#[cfg(feature = "onnx-export")]
pub(crate) fn plain_model(seed: u64) -> ModelSpec {
    build(seed, &FAMILIES[..3], true)
}

/// All families over those encoders.
#[cfg(all(feature = "onnx-export", feature = "onnx-import"))]
pub(crate) fn plain_encoders(seed: u64) -> ModelSpec {
    build(seed, &FAMILIES, true)
}

fn build(seed: u64, families: &[&'static str], plain: bool) -> ModelSpec {
    let mut rng = Seed(seed).derive("model").rng();
    let family = pick(&mut rng, families);
    let trees = family == "trees";
    let ordinal = trees || (family == "mlp" && !plain);
    let outputs = if family == "centroids" {
        1
    } else {
        pick(&mut rng, &[1, 3])
    };
    let mut inputs = vec![
        Input::new("amount", InputKind::Float).nullable(),
        Input::new("orders", InputKind::Int),
        Input::new("member", InputKind::Bool).nullable(),
        Input::new("country", InputKind::Str).nullable(),
        Input::new("days", InputKind::Float),
        Input::new("seen", InputKind::Int).nullable(),
        Input::new("unused", InputKind::Str),
    ];
    rng.shuffle(&mut inputs);
    let output = if family == "centroids" {
        Output::Number
    } else if outputs == 1 {
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
                encoders.push(match rng.below(3) {
                    0 if ordinal => Encoder::Ordinal {
                        input: at,
                        categories,
                    },
                    1 if !plain => Encoder::Target {
                        input: at,
                        categories,
                        values: (0..8).map(|_| rng.normal()).collect(),
                        prior: vec![rng.unit(), rng.unit()],
                    },
                    _ => Encoder::OneHot {
                        input: at,
                        categories,
                    },
                });
            }
            ("seen", _) if plain => {}
            ("seen", _) => encoders.push(Encoder::DateParts {
                input: at,
                unit: TimeUnit::Seconds,
                impute: (!trees || rng.below(2) == 0).then_some(0),
                parts: PARTS.to_vec(),
            }),
            _ if !plain && rng.below(3) == 0 => {
                encoders.extend(crooked(&mut rng, &signature, at, trees));
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
    let estimator = estimator(
        &mut rng,
        family,
        (width, outputs),
        &ordinals(&preprocess),
        0,
    );
    ModelSpec::new(signature, preprocess, estimator).unwrap()
}

pub(crate) const FAMILIES: [&str; 8] = [
    "linear",
    "trees",
    "mlp",
    "bayes",
    "svm",
    "centroids",
    "ensemble",
    "calibrated",
];

/// A family to stand within another; those that hold further ones come to an end.
fn inner(rng: &mut Rng, depth: usize) -> &'static str {
    match pick(rng, &FAMILIES) {
        "centroids" => "svm",
        "ensemble" | "calibrated" if depth == 3 => "linear",
        family => family,
    }
}

/// Small numbers, as a year is large.
fn weights(rng: &mut Rng, n: usize) -> Vec<f64> {
    (0..n).map(|_| 0.03 * rng.normal()).collect()
}

/// `ordinals` are the columns of categories and how many there are.
#[expect(clippy::too_many_lines, reason = "a match of one arm a family")]
fn estimator(
    rng: &mut Rng,
    family: &str,
    (width, outputs): (usize, usize),
    ordinals: &[(usize, usize)],
    depth: usize,
) -> Estimator {
    let link = if outputs == 1 {
        Link::Logit
    } else {
        Link::Softmax
    };
    match family {
        "linear" => Estimator::Linear(linear(rng, width, outputs)),
        "trees" => Estimator::Trees(ensemble(rng.next_u64(), width, outputs)),
        "mlp" => {
            let embeddings = embeddings(ordinals, rng);
            let embedded: usize = embeddings.iter().map(|table| table.cols).sum();
            let shape = [width - embeddings.len() + embedded, 7, 4, outputs];
            let layers = shape.windows(2).map(|w| Dense {
                rows: w[1],
                cols: w[0],
                weights: weights(rng, w[0] * w[1]),
                bias: weights(rng, w[1]),
            });
            Estimator::Mlp(Mlp {
                embeddings,
                layers: layers.collect(),
                activation: pick(rng, &ACTIVATIONS),
                link,
            })
        }
        "bayes" => {
            let classes = outputs.max(2);
            let size = classes * width;
            let likelihood = match rng.below(4) {
                0 => Likelihood::Gaussian {
                    means: weights(rng, size),
                    variances: (0..size).map(|_| 1e6 * (0.1 + rng.unit())).collect(),
                },
                1 => {
                    let mut whitening = weights(rng, size * width);
                    for (at, x) in whitening.iter_mut().enumerate() {
                        let (row, column) = (at / width % width, at % width);
                        *x = match row.cmp(&column) {
                            Ordering::Less => 0.0,
                            Ordering::Equal => 1e-3 * (0.1 + x.abs()),
                            Ordering::Greater => 1e-3 * *x,
                        };
                    }
                    Likelihood::Covariance {
                        means: weights(rng, size),
                        whitening,
                    }
                }
                2 => Likelihood::Multinomial {
                    log_shares: weights(rng, size),
                },
                _ => Likelihood::Bernoulli {
                    threshold: 0.1,
                    log_above: weights(rng, size),
                    log_below: weights(rng, size),
                },
            };
            Estimator::Bayes(Bayes {
                log_priors: weights(rng, classes),
                likelihood,
                link,
            })
        }
        "svm" => {
            let vectors = rng.below(6);
            let kernel = pick(
                rng,
                &[
                    Kernel::Linear,
                    Kernel::Rbf { gamma: 1e-6 },
                    Kernel::Polynomial {
                        gamma: 1e-3,
                        constant: 1.0,
                        degree: 3,
                    },
                ],
            );
            Estimator::Svm(Svm {
                kernel,
                vectors: weights(rng, vectors * width),
                coefficients: weights(rng, vectors * outputs),
                bias: weights(rng, outputs),
                link,
            })
        }
        "centroids" => Estimator::Centroids(Centroids {
            points: weights(rng, 4 * width).iter().map(|x| 1e4 * x).collect(),
            labels: vec![0, 1, 2, 1],
            radius: pick(rng, &[None, Some(2000.0)]),
            answer: pick(rng, &[Nearest::Label, Nearest::Distance]),
        }),
        "ensemble" => {
            let count = 2 + rng.below(2);
            let members = (0..count).map(|_| {
                let first = rng.below(width);
                let width = 1 + rng.below(width - first);
                let family = inner(rng, depth);
                Member {
                    first,
                    width,
                    estimator: estimator(rng, family, (width, outputs), &[], depth + 1),
                }
            });
            let members: Vec<Member> = members.collect();
            let blend = if rng.below(2) == 0 {
                Blend::Average {
                    weights: (0..count).map(|_| rng.unit()).collect(),
                }
            } else {
                Blend::Stack(linear(rng, count * outputs, outputs))
            };
            Estimator::Ensemble(Ensemble { members, blend })
        }
        "calibrated" => {
            let family = inner(rng, depth);
            let curve = |rng: &mut Rng| {
                if rng.below(2) == 0 {
                    Curve::Sigmoid {
                        slope: rng.normal(),
                        intercept: rng.normal(),
                    }
                } else {
                    Curve::Isotonic {
                        x: vec![0.1, 0.35, 0.5, 0.9],
                        y: vec![0.0, 0.0, 0.5, 0.8],
                    }
                }
            };
            Estimator::Calibrated(Calibrated {
                curves: (0..outputs).map(|_| curve(rng)).collect(),
                estimator: Box::new(estimator(rng, family, (width, outputs), &[], depth + 1)),
            })
        }
        other => panic!("no family {other}"),
    }
}

fn linear(rng: &mut Rng, width: usize, outputs: usize) -> Linear {
    Linear {
        weights: weights(rng, width * outputs),
        bias: weights(rng, outputs),
        link: if outputs == 1 {
            Link::Logit
        } else {
            Link::Softmax
        },
    }
}

const PARTS: [DatePart; 9] = [
    DatePart::Year,
    DatePart::Month,
    DatePart::Day,
    DatePart::Weekday,
    DatePart::YearDay,
    DatePart::Hour,
    DatePart::DayCycle,
    DatePart::WeekCycle,
    DatePart::YearCycle,
];

/// Encoders that bend a number, two of them at once.
fn crooked(rng: &mut Rng, signature: &Signature, input: usize, trees: bool) -> [Encoder; 2] {
    let impute = |rng: &mut Rng| (!trees || rng.below(2) == 0).then(|| pick(rng, &GRID[1..8]));
    let numbers: Vec<usize> = (0..signature.inputs().len())
        .filter(|at| signature.inputs()[*at].kind != InputKind::Str)
        .collect();
    let first = match rng.below(3) {
        0 => Encoder::Buckets {
            input,
            edges: vec![-2.0, 0.0, 0.1, 7.25],
            form: if trees {
                pick(rng, &[BucketForm::OneHot, BucketForm::Ordinal])
            } else {
                BucketForm::OneHot
            },
        },
        1 => Encoder::Transform {
            input,
            impute: impute(rng),
            steps: vec![
                Step::Sqrt,
                Step::Log1p,
                Step::Scale {
                    center: 0.1,
                    scale: 1.5,
                },
                Step::Clip {
                    lower: -1.0,
                    upper: 3.5,
                },
                Step::Log { floor: 0.25 },
            ],
        },
        _ => Encoder::Missing { input },
    };
    let factors = (0..2 + rng.below(2)).map(|_| Factor {
        input: pick(rng, &numbers),
        impute: impute(rng),
        center: 0.5,
        scale: 1e10,
    });
    let factors = factors.collect();
    [first, Encoder::Product { factors }]
}

fn ordinals(preprocess: &Preprocess) -> Vec<(usize, usize)> {
    let mut column = 0;
    let mut found = Vec::new();
    for encoder in preprocess.encoders() {
        if let Encoder::Ordinal { categories, .. } = encoder {
            found.push((column, categories.len()));
        }
        column += encoder.width();
    }
    found
}

/// A table for each ordinal column, one row short now and then.
fn embeddings(ordinals: &[(usize, usize)], rng: &mut Rng) -> Vec<Embedding> {
    let tables = ordinals.iter().map(|(column, categories)| {
        let (rows, cols) = (categories + column % 2, 3);
        Embedding {
            column: *column,
            rows,
            cols,
            weights: weights(rng, rows * cols),
        }
    });
    tables.collect()
}

/// The first model from this seed on that answers one number.
pub(crate) fn one_output(seed: u64) -> ModelSpec {
    (seed..seed + 1000)
        .map(model)
        .find(|spec| matches!(spec.signature().output(), Output::Probability { .. }))
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
            (InputKind::Int, n) if input.name == "seen" => {
                let shift = if n > 3 { 86_399 } else { 0 };
                Value::Int(pick(&mut rng, &[-1, 0, 1_735_667_999, 951_782_400]) + shift)
            }
            (InputKind::Float, _) => Value::Float(pick(&mut rng, floats)),
            (InputKind::Int, _) => Value::Int(pick(&mut rng, ints)),
            (InputKind::Bool, n) => Value::Bool(n > 3),
            (InputKind::Str, _) => pick(&mut rng, &COUNTRIES).into(),
            (InputKind::Floats { .. } | InputKind::Ints { .. }, _) => NO_LISTS,
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
                InputKind::Floats { .. } | InputKind::Ints { .. } => unreachable!("{NO_LISTS:?}"),
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
#[expect(clippy::too_many_lines, reason = "a match of one arm an encoder")]
pub(crate) fn oracle(spec: &ModelSpec, row: &[Value]) -> Vec<f64> {
    let mut x: Vec<Option<f64>> = Vec::new();
    let number = |input: usize, impute: Option<f64>| {
        let given = row[input].as_f64().filter(|x| !x.is_nan());
        given.or(impute)
    };
    let signed = |x: f64, f: fn(f64) -> f64| x.signum() * f(x.abs());
    for encoder in spec.preprocess().encoders() {
        match encoder {
            Encoder::Target {
                input,
                categories,
                values,
                prior,
            } => {
                let found = categories
                    .iter()
                    .position(|c| row[*input].as_str() == Some(c));
                for column in 0..prior.len() {
                    let known = found.map(|at| values[at * prior.len() + column]);
                    x.push(known.or(Some(prior[column])));
                }
            }
            Encoder::Buckets { input, edges, form } => {
                let bucket =
                    number(*input, None).map(|x| edges.iter().filter(|edge| **edge <= x).count());
                match form {
                    BucketForm::Ordinal => x.push(bucket.map(|bucket| bucket as f64)),
                    BucketForm::OneHot => x.extend(
                        (0..=edges.len()).map(|at| Some(f64::from(u8::from(bucket == Some(at))))),
                    ),
                }
            }
            Encoder::Transform {
                input,
                impute,
                steps,
            } => x.push(number(*input, *impute).map(|mut x| {
                for step in steps {
                    x = match step {
                        Step::Clip { lower, upper } => x.max(*lower).min(*upper),
                        Step::Log { floor } => x.max(*floor).ln(),
                        Step::Log1p => signed(x, f64::ln_1p),
                        Step::Sqrt => signed(x, f64::sqrt),
                        Step::Scale { center, scale } => (x - center) / scale,
                        other => panic!("no oracle for {other:?}"),
                    };
                }
                x
            })),
            Encoder::Product { factors } => x.push(factors.iter().try_fold(1.0, |product, f| {
                let factor = (number(f.input, f.impute)? - f.center) / f.scale;
                Some((product * factor).clamp(f64::MIN, f64::MAX))
            })),
            Encoder::Missing { input } => {
                x.push(Some(f64::from(u8::from(
                    number(*input, None).is_none() && row[*input].as_str().is_none(),
                ))));
            }
            Encoder::DateParts {
                input,
                impute,
                parts,
                ..
            } => {
                assert_eq!(parts, &PARTS);
                let given = match row[*input] {
                    Value::Int(seconds) => Some(seconds),
                    _ => *impute,
                };
                match given {
                    Some(seconds) => x.extend(dates(seconds).map(Some)),
                    None => x.extend([None; 12]),
                }
            }
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
    answer(spec.estimator(), &x)
}

/// All parts of an instant, its date read from its printed form.
fn dates(seconds: i64) -> [f64; 12] {
    let text = EventTime::from_seconds(seconds).to_string();
    let part = |from: usize, to: usize| text[from..to].parse::<f64>().unwrap();
    let (year, month, day, hour) = (part(0, 4), part(5, 7), part(8, 10), part(11, 13));
    let days = |text: &str| Date::parse(text).unwrap().days();
    let today = days(&text[..10]);
    let new_year = days(&format!("{year:04}-01-01"));
    let year_days = f64::from(days(&format!("{:04}-01-01", year + 1.0)) - new_year);
    let weekday = f64::from((today + 3).rem_euclid(7));
    let year_day = f64::from(today - new_year);
    let passed = seconds.rem_euclid(86_400) as f64 / 86_400.0;
    let angle = |share: f64| std::f64::consts::TAU * share;
    let day_angle = angle(passed);
    let week_angle = angle((weekday + passed) / 7.0);
    let year_angle = angle((year_day + passed) / year_days);
    [
        year,
        month,
        day,
        weekday + 1.0,
        year_day + 1.0,
        hour,
        day_angle.sin(),
        day_angle.cos(),
        week_angle.sin(),
        week_angle.cos(),
        year_angle.sin(),
        year_angle.cos(),
    ]
}

/// What an estimator answers, whatever its family.
fn answer(estimator: &Estimator, x: &[Option<f64>]) -> Vec<f64> {
    match estimator {
        Estimator::Ensemble(ensemble) => {
            let own = ensemble.members.iter().map(|member| {
                let columns = &x[member.first..member.first + member.width];
                answer(&member.estimator, columns)
            });
            let own: Vec<Vec<f64>> = own.collect();
            match &ensemble.blend {
                Blend::Average { weights } => (0..own[0].len())
                    .map(|output| {
                        let terms = weights.iter().zip(&own);
                        let sum = terms.fold(0.0, |sum, (w, own)| sum + w * own[output]);
                        sum / weights.iter().fold(0.0, |sum, w| sum + w)
                    })
                    .collect(),
                Blend::Stack(linear) => {
                    let all: Vec<Option<f64>> = own.concat().into_iter().map(Some).collect();
                    answer(&Estimator::Linear(linear.clone()), &all)
                }
                other => panic!("no oracle for {other:?}"),
            }
        }
        Estimator::Calibrated(calibrated) => {
            let raw = answer(&calibrated.estimator, x);
            let curves = raw.iter().zip(&calibrated.curves);
            let curved: Vec<f64> = curves.map(|(x, curve)| bend(curve, *x)).collect();
            if let [one] = curved[..] {
                return vec![one];
            }
            let sum: f64 = curved.iter().sum();
            if sum == 0.0 {
                return vec![1.0 / curved.len() as f64; curved.len()];
            }
            curved.iter().map(|p| p / sum).collect()
        }
        plain => linked(plain.link(), &scores(plain, x)),
    }
}

fn bend(curve: &Curve, answer: f64) -> f64 {
    match curve {
        Curve::Sigmoid { slope, intercept } => 1.0 / (1.0 + (-(slope * answer + intercept)).exp()),
        Curve::Isotonic { x, y } => {
            let mut last = (f64::NEG_INFINITY, y[0]);
            for (x, y) in x.iter().zip(y) {
                if answer < *x {
                    if last.0 == f64::NEG_INFINITY {
                        return *y;
                    }
                    return last.1 + (y - last.1) * ((answer - last.0) / (x - last.0));
                }
                last = (*x, *y);
            }
            last.1
        }
        other => panic!("no oracle for {other:?}"),
    }
}

fn linked(link: Link, scores: &[f64]) -> Vec<f64> {
    match link {
        Link::Identity => scores.to_vec(),
        Link::Logit => vec![1.0 / (1.0 + (-scores[0]).exp())],
        _ => {
            let largest = scores.iter().copied().fold(f64::MIN, f64::max);
            let shares: Vec<f64> = scores.iter().map(|x| (x - largest).exp()).collect();
            let sum: f64 = shares.iter().sum();
            shares.iter().map(|share| share / sum).collect()
        }
    }
}

#[expect(clippy::too_many_lines, reason = "a match of one arm a family")]
fn scores(estimator: &Estimator, x: &[Option<f64>]) -> Vec<f64> {
    let width = x.len();
    match estimator {
        Estimator::Linear(linear) => (0..linear.bias.len())
            .map(|output| {
                let mut score = linear.bias[output];
                for (at, x) in x.iter().enumerate() {
                    score += linear.weights[output * width + at] * x.unwrap();
                }
                score
            })
            .collect(),
        Estimator::Trees(trees) => (0..trees.base.len())
            .map(|output| {
                let base = trees.base[output];
                let sum = trees.combine == Combine::Sum;
                let mut score = if sum { base } else { 0.0 };
                let mut count = 0;
                for tree in trees.trees.iter().skip(output).step_by(trees.base.len()) {
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
        Estimator::Bayes(bayes) => {
            let x: Vec<f64> = x.iter().map(|x| x.unwrap()).collect();
            let scores = (0..bayes.log_priors.len()).map(|class| density(bayes, class, &x));
            let scores: Vec<f64> = scores.collect();
            match bayes.link {
                Link::Logit => vec![scores[1] - scores[0]],
                _ => scores,
            }
        }
        Estimator::Svm(svm) => {
            let x: Vec<f64> = x.iter().map(|x| x.unwrap()).collect();
            let outputs = svm.bias.len();
            let vectors = svm.coefficients.len() / outputs;
            (0..outputs)
                .map(|output| {
                    let mut sum = svm.bias[output];
                    for at in 0..vectors {
                        let vector = &svm.vectors[at * width..(at + 1) * width];
                        let product = (0..width).fold(0.0, |sum, i| sum + vector[i] * x[i]);
                        let squares =
                            (0..width).fold(0.0, |sum, i| sum + (vector[i] - x[i]).powi(2));
                        let likeness = match svm.kernel {
                            Kernel::Linear => product,
                            Kernel::Rbf { gamma } => (-gamma * squares).exp(),
                            Kernel::Polynomial {
                                gamma,
                                constant,
                                degree,
                            } => (gamma * product + constant).powi(i32::from(degree)),
                            other => panic!("no oracle for {other:?}"),
                        };
                        sum += svm.coefficients[output * vectors + at] * likeness;
                    }
                    sum
                })
                .collect()
        }
        Estimator::Centroids(centroids) => {
            let distances = centroids.points.chunks(width).map(|point| {
                let pairs = point.iter().zip(x);
                pairs.fold(0.0, |sum, (p, x)| sum + (p - x.unwrap()).powi(2))
            });
            let distances: Vec<f64> = distances.map(f64::sqrt).collect();
            let least = distances.iter().copied().fold(f64::INFINITY, f64::min);
            let nearest = distances.iter().position(|d| *d == least).unwrap();
            vec![match centroids.answer {
                Nearest::Distance => least,
                Nearest::Label if centroids.radius.is_some_and(|r| least > r) => -1.0,
                Nearest::Label => f64::from(centroids.labels[nearest]),
            }]
        }
        other => panic!("no oracle for {other:?}"),
    }
}

/// The logarithm of prior times likelihood.
fn density(bayes: &Bayes, class: usize, x: &[f64]) -> f64 {
    let width = x.len();
    let own = |values: &[f64], at: usize| values[class * width + at];
    let mut sum = bayes.log_priors[class];
    match &bayes.likelihood {
        Likelihood::Gaussian { means, variances } => {
            for at in 0..width {
                sum -= 0.5 * (std::f64::consts::TAU * own(variances, at)).ln();
            }
            for (at, x) in x.iter().enumerate() {
                sum -= (x - own(means, at)).powi(2) * (0.5 / own(variances, at));
            }
        }
        Likelihood::Covariance { means, whitening } => {
            let whitening = &whitening[class * width * width..];
            for at in 0..width {
                sum += whitening[at * width + at].ln() - 0.5 * std::f64::consts::TAU.ln();
            }
            for row in 0..width {
                let mut z = 0.0;
                for at in 0..=row {
                    z += whitening[row * width + at] * (x[at] - own(means, at));
                }
                sum -= 0.5 * z * z;
            }
        }
        Likelihood::Multinomial { log_shares } => {
            for (at, x) in x.iter().enumerate() {
                sum += x * own(log_shares, at);
            }
        }
        Likelihood::Bernoulli {
            threshold,
            log_above,
            log_below,
        } => {
            for (at, x) in x.iter().enumerate() {
                let side = if x > threshold { log_above } else { log_below };
                sum += own(side, at);
            }
        }
        other => panic!("no oracle for {other:?}"),
    }
    sum
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
