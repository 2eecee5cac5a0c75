//! Models that others wrote as ONNX: the same answers as ONNX Runtime's, and names for what is not read.

use std::{fs, path::PathBuf};

use mlops_core::{ErrorKind, Rng, Seed, Value};
use mlops_model::{
    Error, Estimator, InputKind, Model, ModelSpec, OnnxImport, Output, Scratch, limit,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    #[serde(skip)]
    name: String,
    rows: Vec<Vec<serde_json::Value>>,
    answers: Vec<Vec<f64>>,
    /// The output that the answers are of, where there are several.
    answer: Option<String>,
    /// 1e-6 of 1 or of the answer, if it does not say otherwise.
    tolerance: Option<f64>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/onnx-import")
}

/// The cases that `make.py` wrote, by name.
fn cases() -> Vec<(Case, Vec<u8>)> {
    let paths = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut names: Vec<String> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "onnx"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    let with_file = names.into_iter().map(|name| {
        let values = fs::read(folder().join(format!("{name}.json"))).unwrap();
        let case: Case = serde_json::from_slice(&values).unwrap();
        let bytes = file(&name);
        (Case { name, ..case }, bytes)
    });
    with_file.collect()
}

fn file(name: &str) -> Vec<u8> {
    fs::read(folder().join(format!("{name}.onnx"))).unwrap()
}

fn import(name: &str) -> ModelSpec {
    ModelSpec::from_onnx(&file(name), &OnnxImport::new()).unwrap()
}

fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Array(items) => Value::List(items.iter().map(value).collect()),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        json => json
            .as_i64()
            .map_or_else(|| Value::Float(json.as_f64().unwrap()), Value::Int),
    }
}

#[test]
fn models_of_other_libraries_answer_as_onnx_runtime_does() {
    let cases = cases();
    assert!(cases.len() > 30, "{}", cases.len());
    let mut failed = Vec::new();
    let mut scratch = Scratch::new();
    for (case, bytes) in cases {
        let name = case.name;
        let options = case
            .answer
            .iter()
            .fold(OnnxImport::new(), OnnxImport::answer);
        let spec = match ModelSpec::from_onnx(&bytes, &options) {
            Ok(spec) => spec,
            Err(error) => {
                failed.push(format!("{name}: {error}"));
                continue;
            }
        };
        let mut worst = 0_f64;
        for (row, expected) in case.rows.iter().zip(&case.answers) {
            let row: Vec<Value> = row.iter().map(value).collect();
            let found = match spec.predict_row(&row, &mut scratch) {
                Ok(found) => found,
                Err(error) => {
                    failed.push(format!("{name}: {error}"));
                    break;
                }
            };
            // of two classes, the second
            let expected = match (found.len(), expected.len()) {
                (1, 2) => &expected[1..],
                _ => expected,
            };
            assert_eq!(found.len(), expected.len(), "{name}");
            for (a, b) in found.iter().zip(expected) {
                worst = worst.max((a - b).abs() / b.abs().max(1.0));
            }
        }
        if worst > case.tolerance.unwrap_or(1e-6) {
            failed.push(format!("{name}: off by {worst}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn names_and_classes_are_the_files() {
    let spec = import("logistic_three");
    let names: Vec<&str> = spec
        .signature()
        .inputs()
        .iter()
        .map(|i| i.name.as_str())
        .collect();
    assert_eq!(names, ["f0", "f1", "f2", "f3"]);
    let classes = ["low", "mid", "top"].map(String::from).to_vec();
    assert_eq!(
        *spec.signature().output(),
        Output::Classes { names: classes }
    );
    let spec = import("logistic");
    let positive = "1".to_owned();
    assert_eq!(*spec.signature().output(), Output::Probability { positive });
    let spec = import("columns_logistic");
    let inputs: Vec<(&str, InputKind, bool)> = spec
        .signature()
        .inputs()
        .iter()
        .map(|i| (i.name.as_str(), i.kind, i.nullable))
        .collect();
    assert_eq!(
        inputs,
        [
            ("amount", InputKind::Float, true),
            ("age", InputKind::Float, true),
            ("country", InputKind::Str, true),
            ("plan", InputKind::Int, false),
        ]
    );
}

#[test]
fn a_caller_names_inputs_and_the_answer() {
    let churned = Output::Probability {
        positive: "churned".into(),
    };
    let options = OnnxImport::new()
        .inputs(["a", "b", "c", "d"])
        .output(churned.clone());
    let spec = ModelSpec::from_onnx(&file("forest"), &options).unwrap();
    assert_eq!(spec.signature().inputs()[3].name, "d");
    assert_eq!(*spec.signature().output(), churned);
    let short = OnnxImport::new().inputs(["a"]);
    let error = ModelSpec::from_onnx(&file("forest"), &short).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let label = OnnxImport::new().answer("output_label");
    let error = ModelSpec::from_onnx(&file("forest"), &label).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn families_are_the_ones_of_this_crate() {
    for (name, family) in [
        ("linear", "linear"),
        ("scaled_logistic", "linear"),
        ("hist", "trees"),
        ("xgboost_three", "trees"),
        ("mlp", "mlp"),
        ("dense_layers", "mlp"),
        ("torch_gelu_script", "mlp"),
        ("torch_logistic", "linear"),
        ("torch_lstm_layers", "sequence"),
        ("svr", "svm"),
        ("gaussian_bayes", "bayes"),
        ("mixture", "bayes"),
        ("k_means", "centroids"),
        ("ada", "trees"),
        ("voting", "ensemble"),
        ("stacking_passthrough", "ensemble"),
        ("one_vs_rest", "calibrated"),
    ] {
        assert_eq!(import(name).family(), family, "{name}");
    }
    let Estimator::Mlp(mlp) = import("mlp").estimator().clone() else {
        panic!("it is a network");
    };
    assert_eq!(mlp.layers.len(), 3);
}

#[test]
fn what_is_not_read_is_named() {
    // an operator of the same length that nobody knows
    let bytes = file("scaled_logistic");
    let mut other = bytes.clone();
    for (at, _) in bytes
        .windows(6)
        .enumerate()
        .filter(|(_, w)| *w == b"Scaler")
    {
        other[at..at + 6].copy_from_slice(b"Scalar");
    }
    let error = ModelSpec::from_onnx(&other, &OnnxImport::new()).unwrap_err();
    let Error::UnsupportedOnnx { operator, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(operator, "Scalar");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

/// Models of exporters that have no form here: the operator at fault, and why.
#[test]
fn models_without_a_form_are_refused_for_a_reason() {
    for (name, at_fault, because) in [
        ("numbers_as_rows", "Reshape", "other rows"),
        ("weighted_median", "TopK", "not known"),
        ("pairs_of_classes", "SVMClassifier", "3 classes in pairs"),
        ("neighbours", "Scan", "not known"),
        (
            "torch_layer_norm",
            "LayerNormalization",
            "normalised layers",
        ),
        ("torch_two_activations", "Tanh", "two kinds of activations"),
        ("torch_approximate_gelu", "Gelu", "approximation"),
        ("torch_backwards", "LSTM", "go forward"),
        ("torch_transformer", "MatMul", "reads sequences"),
    ] {
        let bytes = file(&format!("refused/{name}"));
        let error = ModelSpec::from_onnx(&bytes, &OnnxImport::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}: {error}");
        let Error::UnsupportedOnnx {
            operator, reason, ..
        } = &error
        else {
            panic!("{name}: {error}");
        };
        assert_eq!(operator, at_fault, "{name}: {error}");
        assert!(reason.contains(because), "{name}: {error}");
    }
}

#[test]
fn what_is_too_large_is_refused() {
    let bytes = vec![0; limit::ONNX_BYTES + 1];
    let error = ModelSpec::from_onnx(&bytes, &OnnxImport::new()).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
}

#[test]
fn no_damage_to_a_file_makes_it_panic() {
    for (case, bytes) in cases() {
        let mut rng: Rng = Seed(3).derive(&case.name).rng();
        for _ in 0..40 {
            let mut damaged = bytes.clone();
            for _ in 0..=rng.below(4) {
                let at = rng.below(damaged.len());
                damaged[at] = u8::try_from(rng.below(256)).unwrap();
            }
            damaged.truncate(damaged.len() - rng.below(2) * rng.below(damaged.len()));
            if let Ok(spec) = ModelSpec::from_onnx(&damaged, &OnnxImport::new()) {
                let row: Vec<Value> = case.rows[0].iter().map(value).collect();
                let _ = spec.predict_row(&row, &mut Scratch::new());
            }
        }
    }
}

#[cfg(feature = "onnx-export")]
mod round_trip {
    use mlops_model::{Activation, Estimator};

    use super::*;
    use crate::{onnx::plain_corners, support};

    /// A value as the kind that a graph has for it: nullable booleans and whole numbers are real there.
    fn fit(value: &Value, kind: InputKind) -> Value {
        match (value, kind) {
            (Value::Bool(value), InputKind::Float | InputKind::Int) => Value::Int((*value).into()),
            (value, _) => value.clone(),
        }
    }

    /// The model of the file that a model is written to, which has to answer the same.
    fn check(name: &str, spec: &ModelSpec, rows: &[Vec<Value>]) -> Result<(), Error> {
        let bytes = spec.to_onnx()?;
        let output = spec.signature().output().clone();
        let options = OnnxImport::new().output(output);
        let back = ModelSpec::from_onnx(&bytes, &options)?;
        let (mut here, mut there) = (Scratch::new(), Scratch::new());
        for row in rows {
            let inputs = back.signature().inputs().iter();
            let fitted: Vec<Value> = inputs.zip(row).map(|(i, v)| fit(v, i.kind)).collect();
            let expected = spec.predict_row(row, &mut here).unwrap();
            let found = back
                .predict_row(&fitted, &mut there)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            for (a, b) in found.iter().zip(expected) {
                assert!(
                    (a - b).abs() <= 1e-12 * b.abs().max(1.0),
                    "{name}: {a} and {b} at {row:?}"
                );
            }
        }
        Ok(())
    }

    #[test]
    fn what_this_crate_writes_it_reads_back() {
        let random = (0..120).filter_map(|seed| {
            let spec = support::plain_model(seed);
            // GELU is written as a sum of forty operators
            if let Estimator::Mlp(mlp) = spec.estimator()
                && mlp.activation == Activation::Gelu
            {
                return None;
            }
            let rows = support::rows(&spec, seed, 40);
            Some(("random", spec, rows))
        });
        for (at, (name, spec, rows)) in plain_corners().into_iter().chain(random).enumerate() {
            let name = format!("{name} {at}");
            check(&name, &spec, &rows).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn what_is_read_back_of_other_families_answers_the_same() {
        let mut read = 0;
        for seed in 0..400 {
            let spec = support::plain_encoders(seed);
            let rows = support::rows(&spec, seed, 40);
            match check(&format!("random {seed}"), &spec, &rows) {
                Ok(()) => read += 1,
                Err(Error::UnsupportedOnnx { .. }) => {}
                Err(error) => panic!("{seed}: {error}"),
            }
        }
        assert!(read > 150, "{read}");
    }
}
