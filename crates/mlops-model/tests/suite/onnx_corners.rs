//! Corners of single families and encoders in ONNX: ends of ranges, ties, and ranges without columns.

use mlops_core::Value;
use mlops_model::{
    Activation, Bayes, Blend, BucketForm, Calibrated, Centroids, Combine, Curve, DatePart, Dense,
    Embedding, Encoder, Ensemble, Estimator, Factor, Input, InputKind, Kernel, Likelihood, Linear,
    Link, Member, Mlp, ModelSpec, Nearest, Node, Output, Rule, Step, Svm, TimeUnit, Tree,
    TreeEnsemble,
};

use crate::onnx::{linear, spec, split, stump, sum};

type Corner = (&'static str, ModelSpec, Vec<Vec<Value>>);

const CYCLES: [DatePart; 3] = [DatePart::DayCycle, DatePart::WeekCycle, DatePart::YearCycle];
/// Leap days, ends of years and centuries, and instants before the first.
const SECONDS: [i64; 10] = [
    0,
    -1,
    951_782_400,
    951_868_799,
    4_107_542_399,
    1_735_689_599,
    1_735_689_600,
    -2_203_891_201,
    -8_520_336_001,
    64_800,
];

pub(crate) fn corners() -> Vec<Corner> {
    vec![
        numbers(),
        dates(),
        thresholds(),
        nothing(),
        nearest(),
        gelu(),
        vectors(),
        knots(),
        both_forms(),
        splits_by_category_in_a_range(),
        numbers_by_name(),
    ]
}

fn float() -> Input {
    Input::new("x", InputKind::Float)
}

fn floats(values: &[f64]) -> Vec<Vec<Value>> {
    values.iter().map(|x| vec![Value::Float(*x)]).collect()
}

/// A linear model that keeps its columns apart.
fn apart(width: usize) -> Estimator {
    let mut weight = 1.0;
    let weights = (0..width).map(|_| {
        weight *= 1.5;
        weight
    });
    linear(weights.collect(), vec![0.25], Link::Identity)
}

fn numbers() -> Corner {
    let steps = vec![
        Step::Clip {
            lower: -3.0,
            upper: 1e6,
        },
        Step::Log1p,
        Step::Sqrt,
        Step::Scale {
            center: 0.5,
            scale: 1e-3,
        },
        Step::Log { floor: 0.25 },
    ];
    let edges = vec![-3.0, 0.0, 2.5];
    let factor = |impute, center| Factor {
        input: 0,
        impute,
        center,
        scale: 1e-200,
    };
    let encoders = vec![
        Encoder::Transform {
            input: 0,
            impute: Some(2.0),
            steps,
        },
        Encoder::Buckets {
            input: 0,
            edges: edges.clone(),
            form: BucketForm::OneHot,
        },
        Encoder::Buckets {
            input: 1,
            edges: edges.clone(),
            form: BucketForm::Ordinal,
        },
        Encoder::Buckets {
            input: 1,
            edges: vec![],
            form: BucketForm::Ordinal,
        },
        Encoder::Missing { input: 0 },
        Encoder::Missing { input: 1 },
        Encoder::Target {
            input: 1,
            categories: vec!["3".into(), "-3".into()],
            values: vec![0.5, 0.125, 8.0, -4.0],
            prior: vec![1.0, 2.0],
        },
        Encoder::Target {
            input: 1,
            categories: vec![],
            values: vec![],
            prior: vec![16.0],
        },
    ];
    let width = encoders.iter().map(Encoder::width).sum();
    let inputs = vec![float().nullable(), Input::new("n", InputKind::Int)];
    let far = Encoder::Product {
        factors: vec![factor(Some(0.0), 1.0), factor(Some(0.0), 0.0)],
    };
    let mut all = encoders;
    all.push(far);
    // the far product is at an end of all numbers, so its weight is small
    let Estimator::Linear(mut weights) = apart(width) else {
        unreachable!("it is linear");
    };
    weights.weights.push(1e-300);
    let model = spec(inputs, Output::Number, all, Estimator::Linear(weights));
    let rows = [-5.0, -3.0, 0.0, -0.0, 2.5, 1e9, f64::NAN];
    let rows = rows.iter().zip([-3, 3, 0, 2, 1 << 53, -7, 1]);
    let rows = rows.map(|(x, n)| vec![Value::Float(*x), Value::Int(n)]);
    ("steps, products and buckets", model, rows.collect())
}

fn dates() -> Corner {
    let parts = vec![
        DatePart::Year,
        DatePart::Month,
        DatePart::Day,
        DatePart::Weekday,
        DatePart::YearDay,
        DatePart::Hour,
    ];
    let parts = [parts, CYCLES.to_vec()].concat();
    let units = [
        TimeUnit::Days,
        TimeUnit::Seconds,
        TimeUnit::Millis,
        TimeUnit::Micros,
    ];
    let encoders: Vec<Encoder> = units
        .into_iter()
        .enumerate()
        .map(|(input, unit)| Encoder::DateParts {
            input,
            unit,
            impute: Some(-86_401),
            parts: parts.clone(),
        })
        .collect();
    let width: usize = encoders.iter().map(Encoder::width).sum();
    let inputs = ["days", "seconds", "millis", "micros"].map(|n| Input::new(n, InputKind::Int));
    let [days, seconds, millis, micros] = inputs;
    let inputs = vec![days, seconds.nullable(), millis, micros];
    let weights = (0..width).map(|at| 1.0 + (at % 7) as f64).collect();
    let model = linear(weights, vec![0.0], Link::Identity);
    let rows = SECONDS.map(|s| {
        let second = if s == 64_800 {
            Value::Null
        } else {
            Value::Int(s)
        };
        let day = Value::Int(s.div_euclid(86_400));
        vec![
            day,
            second,
            Value::Int(s * 1_000),
            Value::Int(s * 1_000_000),
        ]
    });
    let model = spec(inputs, Output::Number, encoders, model);
    ("dates of all units", model, rows.to_vec())
}

/// Splits exactly on what rows come to, where libraries differ in the last bit.
fn thresholds() -> Corner {
    let steps = vec![
        Step::Log { floor: 1e-3 },
        Step::Scale {
            center: 0.7,
            scale: 3.0,
        },
    ];
    let on_steps = |x: f64| (x.max(1e-3).ln() - 0.7) / 3.0;
    let encoders = vec![
        Encoder::Transform {
            input: 0,
            impute: None,
            steps,
        },
        Encoder::DateParts {
            input: 1,
            unit: TimeUnit::Seconds,
            impute: None,
            parts: CYCLES.to_vec(),
        },
    ];
    let mut trees = Vec::new();
    for (rule, missing_left) in [(Rule::Lt, false), (Rule::Le, true)] {
        for x in [7.0, 1e-4, 0.3] {
            trees.push(stump(split(0, rule, on_steps(x), missing_left)));
        }
        for seconds in SECONDS {
            let share = seconds.rem_euclid(86_400) as f64 / 86_400.0;
            let angle = std::f64::consts::TAU * share;
            trees.push(stump(split(1, rule, angle.sin(), missing_left)));
            trees.push(stump(split(2, rule, angle.cos(), missing_left)));
        }
    }
    // each tree is told from the others
    for (at, tree) in trees.iter_mut().enumerate() {
        tree.nodes[1] = Node::Leaf {
            value: 2f64.powi(i32::try_from(at % 40).unwrap()),
        };
    }
    let rows = SECONDS.iter().enumerate().map(|(at, seconds)| {
        let x = [7.0, 1e-4, 0.3, 7f64.next_up(), 7f64.next_down(), f64::NAN][at % 6];
        let seen = if at == 3 {
            Value::Null
        } else {
            Value::Int(*seconds)
        };
        vec![Value::Float(x), seen]
    });
    let inputs = vec![
        float().nullable(),
        Input::new("seen", InputKind::Int).nullable(),
    ];
    let model = sum(trees, vec![0.0], Link::Identity);
    let rows = rows.collect();
    let model = spec(inputs, Output::Number, encoders, model);
    ("thresholds on steps and cycles", model, rows)
}

/// Members that read no column at all, beside one that reads one of three.
fn nothing() -> Corner {
    let empty = |estimator| Member {
        first: 1,
        width: 0,
        estimator,
    };
    let svm = |kernel, vectors: usize| {
        Estimator::Svm(Svm {
            kernel,
            vectors: vec![],
            coefficients: vec![0.5; vectors],
            bias: vec![1.0],
            link: Link::Identity,
        })
    };
    let bayes = |likelihood| {
        Estimator::Bayes(Bayes {
            log_priors: vec![-1.5, -0.25],
            likelihood,
            link: Link::Logit,
        })
    };
    let none = Vec::new;
    let members = vec![
        empty(linear(vec![], vec![3.0], Link::Identity)),
        empty(svm(Kernel::Rbf { gamma: 0.5 }, 3)),
        empty(svm(Kernel::Linear, 0)),
        empty(bayes(Likelihood::Gaussian {
            means: none(),
            variances: none(),
        })),
        empty(bayes(Likelihood::Covariance {
            means: none(),
            whitening: none(),
        })),
        empty(bayes(Likelihood::Multinomial { log_shares: none() })),
        empty(Estimator::Centroids(Centroids {
            points: vec![],
            labels: vec![7, 8],
            radius: None,
            answer: Nearest::Label,
        })),
        empty(sum(
            vec![Tree {
                nodes: vec![Node::Leaf { value: 0.5 }],
            }],
            vec![0.25],
            Link::Exp,
        )),
        Member {
            first: 1,
            width: 1,
            estimator: linear(vec![2.0], vec![0.0], Link::Identity),
        },
    ];
    let Estimator::Linear(stacker) = apart(members.len()) else {
        unreachable!("it is linear");
    };
    let ensemble = Estimator::Ensemble(Ensemble {
        members,
        blend: Blend::Stack(stacker),
    });
    let inputs = ["x", "y", "z"].map(|name| Input::new(name, InputKind::Float));
    let encoders = (0..3).map(Encoder::plain).collect();
    let model = spec(inputs.to_vec(), Output::Number, encoders, ensemble);
    let rows = [[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]].map(|row| row.map(Value::Float).to_vec());
    ("members without columns", model, rows.to_vec())
}

fn nearest() -> Corner {
    let points = Estimator::Centroids(Centroids {
        points: vec![0.0, 0.0, 2.0, 0.0, 0.0, 2.0, 2.0, 2.0],
        labels: vec![5, 1, 2, 3],
        radius: Some(5.0),
        answer: Nearest::Label,
    });
    let inputs = ["x", "y"].map(|name| Input::new(name, InputKind::Float));
    let encoders = vec![Encoder::plain(0), Encoder::plain(1)];
    let model = spec(inputs.to_vec(), Output::Number, encoders, points);
    // the middle of all, the middle of two, on the radius and beyond it
    let rows = [[1.0, 1.0], [2.0, 1.0], [5.0, 6.0], [5.0, 7.0], [-3.0, -4.0]];
    let rows = rows.map(|row| row.map(Value::Float).to_vec());
    (
        "the first of those that are equally near",
        model,
        rows.to_vec(),
    )
}

fn dense(rows: usize, cols: usize, weight: f64) -> Dense {
    Dense {
        rows,
        cols,
        weights: vec![weight; rows * cols],
        bias: vec![0.0; rows],
    }
}

fn gelu() -> Corner {
    let network = Estimator::Mlp(Mlp {
        embeddings: vec![],
        layers: vec![dense(1, 1, 1.0), dense(1, 1, 1.0)],
        activation: Activation::Gelu,
        link: Link::Identity,
    });
    let model = spec(
        vec![float()],
        Output::Number,
        vec![Encoder::plain(0)],
        network,
    );
    let ends = [
        0.0, -0.0, 1e-300, 0.7, -0.7, -5.0, -9.0, -37.0, 40.0, 1e200, -1e200,
    ];
    ("what is left of the normal law", model, floats(&ends))
}

fn vectors() -> Corner {
    let table = |column, cols: usize| Embedding {
        column,
        rows: 3,
        cols,
        weights: (0..3 * cols).map(|at| at as f64 + 0.5).collect(),
    };
    let network = Estimator::Mlp(Mlp {
        embeddings: vec![table(0, 2), table(1, 1)],
        layers: vec![Dense {
            rows: 1,
            cols: 3,
            weights: vec![1.0, 10.0, 100.0],
            bias: vec![0.0],
        }],
        activation: Activation::Tanh,
        link: Link::Identity,
    });
    let inputs = vec![float().nullable(), Input::new("y", InputKind::Float)];
    let encoders = vec![Encoder::plain(0), Encoder::plain(1)];
    let model = spec(inputs, Output::Number, encoders, network);
    let rows = [-1.0, -0.0, 0.0, 0.5, 1.0, 1.9, 2.0, 1e300, -1e300, f64::NAN];
    let rows = rows.map(|x| {
        vec![
            Value::Float(x),
            Value::Float(if x.is_nan() { 1.0 } else { x }),
        ]
    });
    ("vectors of what is no category", model, rows.to_vec())
}

fn knots() -> Corner {
    let two = Linear {
        weights: vec![1.0, -1.0],
        bias: vec![0.0, 0.0],
        link: Link::Identity,
    };
    let curve = |x: Vec<f64>, y: Vec<f64>| Curve::Isotonic { x, y };
    let calibrated = Estimator::Calibrated(Calibrated {
        estimator: Box::new(Estimator::Linear(two)),
        curves: vec![
            curve(vec![-1.0, 0.0, 1e-3, 2.0], vec![0.0, 0.0, 0.5, 1.0]),
            curve(vec![0.5], vec![0.0]),
        ],
    });
    let output = Output::Classes {
        names: vec!["yes".into(), "no".into()],
    };
    let model = spec(vec![float()], output, vec![Encoder::plain(0)], calibrated);
    let rows = [-2.0, -1.0, 0.0, 5e-4, 1e-3, 1.0, 2.0, 9.0];
    (
        "knots, and probabilities that are all 0",
        model,
        floats(&rows),
    )
}

/// A logarithm that trees read as a number, and a linear model as a logarithm.
fn both_forms() -> Corner {
    let log = Encoder::Numeric {
        input: 0,
        impute: Some(0.5),
        log1p: true,
        center: 0.3,
        scale: 2.5,
    };
    let at = |x: f64| (x.ln_1p() - 0.3) / 2.5;
    let trees = vec![
        stump(split(0, Rule::Lt, at(3.0), false)),
        stump(split(1, Rule::Le, 2.0, false)),
    ];
    let member = |first, width, estimator| Member {
        first,
        width,
        estimator,
    };
    let forest = TreeEnsemble {
        trees,
        base: vec![0.0],
        combine: Combine::Mean,
        link: Link::Identity,
    };
    let ensemble = Estimator::Ensemble(Ensemble {
        members: vec![
            member(1, 2, Estimator::Trees(forest)),
            member(0, 2, linear(vec![1.0, 2.0], vec![0.0], Link::Identity)),
            member(0, 3, linear(vec![1.0, 2.0, 4.0], vec![0.0], Link::Identity)),
        ],
        blend: Blend::Average {
            weights: vec![1.0, 0.0, 3.0],
        },
    });
    let encoders = vec![Encoder::plain(1), log, Encoder::plain(1)];
    let inputs = vec![float().nullable(), Input::new("y", InputKind::Float)];
    let model = spec(inputs, Output::Number, encoders, ensemble);
    let rows = [3.0, 3f64.next_up(), 3f64.next_down(), f64::NAN, -2.0];
    let rows = rows.map(|x| vec![Value::Float(x), Value::Float(2.0)]);
    ("a logarithm for trees and for sums", model, rows.to_vec())
}

fn splits_by_category_in_a_range() -> Corner {
    let stumps = [0, 1].map(|feature| {
        stump(Node::Category {
            feature,
            categories: vec![0, 2],
            missing_left: false,
            left: 1,
            right: 2,
        })
    });
    let ensemble = Estimator::Ensemble(Ensemble {
        members: vec![
            Member {
                first: 1,
                width: 2,
                estimator: sum(stumps.to_vec(), vec![0.5], Link::Identity),
            },
            Member {
                first: 0,
                width: 1,
                estimator: linear(vec![1.0], vec![0.0], Link::Identity),
            },
        ],
        blend: Blend::Average {
            weights: vec![1.0, 1.0],
        },
    });
    let encoders = vec![
        Encoder::plain(1),
        Encoder::Ordinal {
            input: 0,
            categories: ["a", "b", "c"].map(String::from).to_vec(),
        },
        Encoder::plain(1),
    ];
    let inputs = vec![
        Input::new("letter", InputKind::Str).nullable(),
        Input::new("y", InputKind::Float),
    ];
    let model = spec(inputs, Output::Number, encoders, ensemble);
    let rows = [("a", 0.0), ("b", 0.9), ("c", 2.5), ("d", 3.0), ("a", -0.5)];
    let mut rows: Vec<Vec<Value>> = rows
        .iter()
        .map(|(letter, y)| vec![Value::from(*letter), Value::Float(*y)])
        .collect();
    rows.push(vec![Value::Null, Value::Float(1.0)]);
    ("splits by category in a range of columns", model, rows)
}

fn numbers_by_name() -> Corner {
    let trees = (0..4).map(|at| stump(split(0, Rule::Le, f64::from(at), false)));
    let output = Output::Numbers {
        names: vec!["x".into(), "second".into()],
    };
    let model = sum(trees.collect(), vec![0.5, -1.0], Link::Exp);
    let model = spec(vec![float()], output, vec![Encoder::plain(0)], model);
    ("several numbers", model, floats(&[-1.0, 0.0, 1.5, 3.0]))
}
