//! ONNX files: what they hold, and the cases that ONNX Runtime and MLflow are asked about.

use std::{env, fs, path::Path};

use mlops_core::{ErrorKind, EventTime, Value};
use mlops_model::{
    Activation, Combine, Dense, Encoder, Error, Estimator, Input, InputKind, Linear, Link, Mlp,
    Model, ModelPackage, ModelSpec, Node, Output, Preprocess, Rule, Scratch, Signature, Tree,
    TreeEnsemble,
};
use serde::Deserialize;
use serde_json::json;

use crate::{onnx_corners, onnx_sequences, support};

pub(crate) fn spec(
    inputs: Vec<Input>,
    output: Output,
    encoders: Vec<Encoder>,
    e: Estimator,
) -> ModelSpec {
    let signature = Signature::new(inputs, output).unwrap();
    let preprocess = Preprocess::new(&signature, encoders).unwrap();
    ModelSpec::new(signature, preprocess, e).unwrap()
}

fn one_hot(input: usize, categories: &[&str]) -> Encoder {
    Encoder::OneHot {
        input,
        categories: categories.iter().map(|c| (*c).to_owned()).collect(),
    }
}

fn ordinal(input: usize, categories: &[&str]) -> Encoder {
    Encoder::Ordinal {
        input,
        categories: categories.iter().map(|c| (*c).to_owned()).collect(),
    }
}

fn log(input: usize, center: f64, scale: f64) -> Encoder {
    Encoder::Numeric {
        input,
        impute: None,
        log1p: true,
        center,
        scale,
    }
}

pub(crate) fn linear(weights: Vec<f64>, bias: Vec<f64>, link: Link) -> Estimator {
    Estimator::Linear(Linear {
        weights,
        bias,
        link,
    })
}

pub(crate) fn split(feature: u32, rule: Rule, threshold: f64, missing_left: bool) -> Node {
    Node::Split {
        feature,
        threshold,
        rule,
        missing_left,
        left: 1,
        right: 2,
    }
}

pub(crate) fn stump(split: Node) -> Tree {
    let leaf = |value| Node::Leaf { value };
    Tree {
        nodes: vec![split, leaf(1.0), leaf(-0.25)],
    }
}

pub(crate) fn sum(trees: Vec<Tree>, base: Vec<f64>, link: Link) -> Estimator {
    Estimator::Trees(TreeEnsemble {
        trees,
        base,
        combine: Combine::Sum,
        link,
    })
}

/// What the random models do not have, each with its rows.
pub(crate) fn corners() -> Vec<(&'static str, ModelSpec, Vec<Vec<Value>>)> {
    [
        plain_corners(),
        onnx_corners::corners(),
        onnx_sequences::corners(),
    ]
    .concat()
}

/// Those of the families and encoders that are read back too.
#[expect(clippy::too_many_lines, reason = "a list of cases")]
pub(crate) fn plain_corners() -> Vec<(&'static str, ModelSpec, Vec<Vec<Value>>)> {
    let float = || Input::new("x", InputKind::Float);
    let floats = |values: &[f64]| values.iter().map(|x| vec![Value::Float(*x)]).collect();
    let at = 3f64.ln_1p();
    let rules = [Rule::Lt, Rule::Le];
    let on_the_log = rules.map(|rule| stump(split(0, rule, (at - 0.3) / 2.5, false)));
    let huge = rules.map(|rule| stump(split(0, rule, f64::MAX, true)));
    let whole = |values: [Value; 5]| values.map(|x| vec![x, Value::Bool(false)]).to_vec();
    let by_kind = || {
        vec![
            Input::new("n", InputKind::Int).nullable(),
            Input::new("b", InputKind::Bool),
        ]
    };
    let ints = || {
        whole([
            Value::Int(-7),
            Value::Int(3),
            0.into(),
            Value::Null,
            4.into(),
        ])
    };
    let classes = Output::Classes {
        names: ["x", "prediction", "ä b"].map(String::from).to_vec(),
    };
    vec![
        (
            "a constant",
            spec(
                vec![float()],
                Output::Number,
                vec![],
                linear(vec![], vec![2.5], Link::Identity),
            ),
            floats(&[1.0, 2.0]),
        ),
        (
            "counts",
            spec(
                vec![float()],
                Output::Number,
                vec![log(0, 1.0, 1e-3)],
                linear(vec![1e-3], vec![0.5], Link::Exp),
            ),
            floats(&[0.0, 1e-12, -1e-12, 0.5, -30.0, 1e9, 1e-300]),
        ),
        (
            "classes that are named as the input is",
            spec(
                vec![float()],
                classes,
                vec![Encoder::plain(0)],
                linear(vec![1.0, -1.0, 0.5], vec![0.0, 0.1, 0.2], Link::Softmax),
            ),
            floats(&[0.0, 1.0, -800.0, 800.0]),
        ),
        (
            "thresholds on a logarithm",
            spec(
                vec![float().nullable()],
                Output::Number,
                vec![log(0, 0.3, 2.5)],
                sum([on_the_log, huge].concat(), vec![0.125], Link::Identity),
            ),
            floats(&[
                3.0,
                3f64.next_up(),
                3f64.next_down(),
                0.0,
                -3.0,
                f64::NAN,
                1e300,
            ]),
        ),
        (
            "whole numbers and booleans as categories",
            spec(
                by_kind(),
                Output::Number,
                vec![
                    one_hot(0, &["3", "-7"]),
                    one_hot(1, &["true", "false"]),
                    one_hot(1, &[]),
                ],
                linear(vec![1.0, 2.0, 4.0, 8.0], vec![0.0], Link::Identity),
            ),
            ints(),
        ),
        (
            "whole numbers by position",
            spec(
                by_kind(),
                Output::Number,
                vec![
                    ordinal(0, &["3", "-7", "4"]),
                    ordinal(1, &["false"]),
                    ordinal(0, &[]),
                ],
                sum(
                    vec![
                        stump(Node::Category {
                            feature: 0,
                            categories: vec![1, 2, 900],
                            missing_left: true,
                            left: 1,
                            right: 2,
                        }),
                        stump(Node::Category {
                            feature: 1,
                            categories: vec![0],
                            missing_left: false,
                            left: 2,
                            right: 1,
                        }),
                        stump(split(2, Rule::Lt, 0.0, true)),
                    ],
                    vec![0.0],
                    Link::Identity,
                ),
            ),
            ints(),
        ),
        (
            "no trees",
            spec(
                vec![float()],
                Output::Number,
                vec![],
                sum(vec![], vec![0.75], Link::Identity),
            ),
            floats(&[1.0, 2.0, 3.0]),
        ),
        (
            "a tree of one leaf",
            spec(
                vec![float().nullable()],
                Output::Number,
                vec![],
                sum(
                    vec![Tree {
                        nodes: vec![Node::Leaf { value: 1.0 }],
                    }],
                    vec![0.75],
                    Link::Identity,
                ),
            ),
            floats(&[1.0, f64::NAN]),
        ),
        (
            "a network of one layer over nothing",
            spec(
                vec![float()],
                Output::Number,
                vec![],
                Estimator::Mlp(Mlp {
                    embeddings: vec![],
                    layers: vec![
                        Dense {
                            rows: 2,
                            cols: 0,
                            weights: vec![],
                            bias: vec![-1.0, 3.0],
                        },
                        Dense {
                            rows: 1,
                            cols: 2,
                            weights: vec![10.0, 1.5],
                            bias: vec![0.25],
                        },
                    ],
                    activation: Activation::Relu,
                    link: Link::Identity,
                }),
            ),
            floats(&[1.0, 2.0]),
        ),
    ]
}

fn asks_for_missing_texts(spec: &ModelSpec) -> bool {
    let inputs = spec.signature().inputs();
    let mut encoders = spec.preprocess().encoders().iter();
    encoders.any(|encoder| match encoder {
        Encoder::Missing { input } => {
            inputs[*input].kind == InputKind::Str && inputs[*input].nullable
        }
        _ => false,
    })
}

#[test]
fn only_missing_texts_have_no_form_in_onnx() {
    for spec in (0..300).map(support::model) {
        match spec.to_onnx() {
            Ok(_) => assert!(!asks_for_missing_texts(&spec)),
            Err(error) => {
                assert!(asks_for_missing_texts(&spec), "{error}");
                assert!(matches!(error, Error::NotInOnnx { .. }), "{error}");
            }
        }
    }
}

/// Writes the cases for `interop/onnx`, which asks ONNX Runtime and MLflow about them.
#[test]
fn models_of_all_families_have_a_form_in_onnx() {
    let out = env::var_os("MLOPS_ONNX_CASES");
    let mut cases = corners();
    // many where they are asked about, and a few where they are only written
    for seed in 0..if out.is_some() { 200 } else { 20 } {
        for spec in [support::plain_model(seed), support::model(seed)] {
            // the one thing that is not written
            if asks_for_missing_texts(&spec) {
                continue;
            }
            let rows = support::rows(&spec, seed, 50);
            cases.push(("random", spec, rows));
        }
        let (spec, rows) = onnx_sequences::random(seed);
        cases.push(("random", spec, rows));
    }
    for (at, (name, spec, rows)) in cases.iter().enumerate() {
        let bytes = spec.to_onnx().unwrap();
        assert_eq!(spec.to_onnx().unwrap(), bytes, "{name}");
        let package = ModelPackage::builder(spec.clone())
            .created(EventTime::from_seconds(0))
            .input_example(rows[0].clone())
            .onnx()
            .build()
            .unwrap();
        assert_eq!(package.files()["model.onnx"], bytes);
        let mlmodel = String::from_utf8(package.files()["MLmodel"].clone()).unwrap();
        assert!(mlmodel.contains("loader_module: mlflow.onnx"));
        let Some(out) = &out else { continue };
        let folder = Path::new(out).join(at.to_string());
        package.write_dir(&folder.join("package")).unwrap();
        let mut scratch = Scratch::new();
        let answers: Vec<Vec<f64>> = rows
            .iter()
            .map(|row| spec.predict_row(row, &mut scratch).unwrap().to_vec())
            .collect();
        let inputs = spec.signature().inputs();
        let case = json!({
            "name": name,
            "inputs": inputs,
            "rows": rows.iter().map(|row| row.iter().map(plain).collect::<Vec<_>>()).collect::<Vec<_>>(),
            "answers": answers,
        });
        fs::write(folder.join("case.json"), case.to_string()).unwrap();
    }
}

/// JSON has no NaN, and here it is null.
fn plain(value: &Value) -> serde_json::Value {
    match value {
        Value::Float(x) if x.is_nan() => serde_json::Value::Null,
        Value::List(list) => list.iter().map(plain).collect(),
        value => serde_json::to_value(value).unwrap(),
    }
}

#[derive(Deserialize)]
struct Golden {
    cases: Vec<GoldenCase>,
}

#[derive(Deserialize)]
struct GoldenCase {
    name: String,
    answers: Vec<Vec<f64>>,
}

#[test]
fn what_onnx_runtime_agreed_with_is_still_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/onnxruntime");
    let values = fs::read(folder.join("values.json")).unwrap();
    let golden: Golden = serde_json::from_slice(&values).unwrap();
    let corners = corners();
    assert_eq!(golden.cases.len(), corners.len());
    let mut scratch = Scratch::new();
    for (at, ((name, spec, rows), case)) in corners.iter().zip(golden.cases).enumerate() {
        assert_eq!(*name, case.name);
        let kept = fs::read(folder.join(format!("{at}.onnx"))).unwrap();
        // where this is meant to change, `interop/onnx` keeps the new file once it was agreed with
        assert!(spec.to_onnx().unwrap() == kept, "{name}");
        for (row, answer) in rows.iter().zip(case.answers) {
            let ours = spec.predict_row(row, &mut scratch).unwrap();
            for (a, b) in ours.iter().zip(answer) {
                assert!(
                    (a - b).abs() <= 1e-12 * b.abs().max(1.0),
                    "{name}: {a} and {b}"
                );
            }
        }
    }
}

#[test]
fn what_onnx_cannot_hold_is_named() {
    let constant = || linear(vec![], vec![0.5], Link::Identity);
    let no_input = spec(vec![], Output::Number, vec![], constant());
    let error = no_input.to_onnx().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let far = "9007199254740993";
    let far = spec(
        vec![Input::new("n", InputKind::Int)],
        Output::Number,
        vec![one_hot(0, &[far])],
        linear(vec![1.0], vec![0.0], Link::Identity),
    );
    let error = far.to_onnx().unwrap_err();
    assert!(
        matches!(&error, Error::NotInOnnx { part, .. } if part.contains("`n`")),
        "{error}"
    );
    let built = ModelPackage::builder(far).onnx().build();
    assert_eq!(built.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn a_package_says_what_python_gets() {
    let (_, spec, rows) = corners().swap_remove(4);
    let package = || ModelPackage::builder(spec.clone()).input_example(rows[0].clone());
    let with = package().onnx().build().unwrap();
    let without = package().build().unwrap();
    let text =
        |package: &ModelPackage| String::from_utf8(package.files()["MLmodel"].clone()).unwrap();
    assert!(!text(&without).contains("onnx"));
    assert!(text(&without).contains(r#"\"type\":\"long\",\"name\":\"n\""#));
    assert!(text(&with).contains(r#"\"type\":\"double\",\"name\":\"n\""#));
    assert!(text(&with).contains(r#"\"type\":\"boolean\",\"name\":\"b\""#));
    assert_eq!(
        with.load().unwrap().signature(),
        without.load().unwrap().signature()
    );
}
