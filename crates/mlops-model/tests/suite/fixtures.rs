//! Packages that were written once are read for ever, and predict what they predicted.
//!
//! `tests/fixtures/v<n>/` holds a package a family, rows in the order of their signatures, and the
//! answers, which `expected.py` computed from the JSON alone (Python 3, doubles; agreement to 1e-12,
//! since `exp` may differ in its last bit). `v<n>/families/` holds packages of families and encoders that came
//! later in that version, and the answers of `families.py`. The files of a version never change.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use mlops_core::{EventTime, Value};
use mlops_model::{
    Activation, Estimator, Likelihood, Model, ModelPackage, ModelSpec, SCHEMA_VERSION, Scratch,
};

/// A seed of `support::model` for each family.
const SEEDS: [(&str, u64); 3] = [("linear", 0), ("trees", 0), ("mlp", 0)];

/// Whether a model is what a name says.
type Fits = fn(&ModelSpec) -> bool;

/// The packages of `families`, and what each has to be.
const LATER: [(&str, Fits); 10] = [
    (
        "bayes_gaussian",
        |spec| matches!(spec.estimator(), Estimator::Bayes(b) if matches!(b.likelihood, Likelihood::Gaussian { .. })),
    ),
    (
        "bayes_covariance",
        |spec| matches!(spec.estimator(), Estimator::Bayes(b) if matches!(b.likelihood, Likelihood::Covariance { .. })),
    ),
    (
        "bayes_multinomial",
        |spec| matches!(spec.estimator(), Estimator::Bayes(b) if matches!(b.likelihood, Likelihood::Multinomial { .. })),
    ),
    (
        "bayes_bernoulli",
        |spec| matches!(spec.estimator(), Estimator::Bayes(b) if matches!(b.likelihood, Likelihood::Bernoulli { .. })),
    ),
    (
        "svm",
        |spec| matches!(spec.estimator(), Estimator::Svm(svm) if svm.vectors.len() > 4),
    ),
    (
        "centroids",
        |spec| matches!(spec.estimator(), Estimator::Centroids(c) if c.radius.is_some()),
    ),
    ("ensemble", |spec| spec.family() == "ensemble"),
    ("calibrated", |spec| spec.family() == "calibrated"),
    ("embeddings", |spec| {
        matches!(spec.estimator(), Estimator::Mlp(mlp)
            if !mlp.embeddings.is_empty() && mlp.activation == Activation::Gelu)
    }),
    ("trees_by_category", |spec| {
        spec.family() == "trees" && serde_json::to_string(spec).unwrap().contains("\"in\"")
    }),
];

fn directory(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/v{version}"))
}

fn json<T: serde::de::DeserializeOwned>(path: &Path) -> T {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn every_version_is_read_and_predicts_what_it_did() {
    for version in 1..=SCHEMA_VERSION {
        let directory = directory(version);
        let rows: BTreeMap<String, Vec<Vec<Value>>> = json(&directory.join("rows.json"));
        let expected: BTreeMap<String, Vec<f64>> = json(&directory.join("expected.json"));
        assert_eq!(rows.keys().collect::<Vec<_>>(), ["linear", "mlp", "trees"]);
        for (family, rows) in rows {
            let package = ModelPackage::read_dir(&directory.join(&family)).unwrap();
            let model = package.load().unwrap();
            assert_eq!(model.family(), family);
            assert_eq!(package.trainer(), Some("fixture"));
            let mut scratch = Scratch::new();
            for (row, expected) in rows.iter().zip(&expected[&family]) {
                let answer = model.predict_value(row, &mut scratch).unwrap();
                assert!(
                    (answer - expected).abs() <= 1e-12 * expected.abs(),
                    "{family}: {row:?}"
                );
            }
        }
    }
}

#[test]
fn families_that_came_later_are_read_and_predict_what_they_did() {
    let directory = directory(1).join("families");
    let rows: BTreeMap<String, Vec<Vec<Value>>> = json(&directory.join("rows.json"));
    let expected: BTreeMap<String, Vec<Vec<f64>>> = json(&directory.join("expected.json"));
    assert_eq!(rows.len(), LATER.len());
    for (name, fits) in LATER {
        let package = ModelPackage::read_dir(&directory.join(name)).unwrap();
        assert!(fits(package.spec()), "{name}");
        let model = package.load().unwrap();
        let mut scratch = Scratch::new();
        assert_eq!(rows[name].len(), expected[name].len());
        for (row, expected) in rows[name].iter().zip(&expected[name]) {
            let answer = model.predict_row(row, &mut scratch).unwrap();
            assert_eq!(answer.len(), expected.len(), "{name}");
            for (a, b) in answer.iter().zip(expected) {
                assert!(
                    (a - b).abs() <= 1e-12 * b.abs().max(1e-3),
                    "{name}: {a} and {b}"
                );
            }
        }
    }
}

#[test]
fn what_is_written_today_is_the_newest_version() {
    let later = LATER.map(|(name, _)| format!("families/{name}"));
    for family in SEEDS
        .map(|(family, _)| family.to_owned())
        .iter()
        .chain(&later)
    {
        let frozen = ModelPackage::read_dir(&directory(SCHEMA_VERSION).join(family)).unwrap();
        let today = ModelPackage::builder(frozen.spec().clone())
            .build()
            .unwrap();
        for file in ["model.json", "signature.json"] {
            assert_eq!(today.files()[file], frozen.files()[file], "{family}/{file}");
        }
    }
}

#[test]
#[ignore = "writes the fixture of a new schema version, once"]
fn write_the_newest_version() {
    let directory = directory(SCHEMA_VERSION);
    let mut all = BTreeMap::new();
    for (family, seed) in SEEDS {
        let seeds = seed..;
        let spec = seeds
            .map(crate::support::model)
            .find(|spec| spec.family() == family)
            .unwrap();
        let rows = crate::support::rows(&spec, seed, 40);
        write(&directory.join(family), spec, seed, &rows);
        all.insert(family, rows);
    }
    fs::write(
        directory.join("rows.json"),
        serde_json::to_vec(&all).unwrap(),
    )
    .unwrap();
}

fn write(directory: &Path, spec: ModelSpec, seed: u64, rows: &[Vec<Value>]) {
    let package = ModelPackage::builder(spec)
        .created(EventTime::parse("2026-11-21T00:00:00Z").unwrap())
        .trainer("fixture")
        .param("seed", seed.to_string())
        .profile(*b"{}")
        .input_example(rows[0].clone())
        .build()
        .unwrap();
    package.write_dir(directory).unwrap();
}

#[test]
#[ignore = "writes the fixtures of families that a version did not have, once"]
fn write_the_families_that_came_later() {
    let directory = directory(1).join("families");
    let mut all = BTreeMap::new();
    for (name, fits) in LATER {
        let (spec, seed) = (0..1_000)
            .map(|seed| (crate::support::model(seed), seed))
            .find(|(spec, _)| fits(spec))
            .unwrap();
        let rows = crate::support::rows(&spec, seed, 20);
        write(&directory.join(name), spec, seed, &rows);
        all.insert(name, rows);
    }
    fs::write(
        directory.join("rows.json"),
        serde_json::to_vec(&all).unwrap(),
    )
    .unwrap();
}
