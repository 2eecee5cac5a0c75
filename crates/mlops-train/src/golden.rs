//! What the trainers on linfa fit is what scikit-learn fits with like settings.
//!
//! `tests/golden/scikit-learn/families.py` wrote the numbers.

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::{ArrayRef, BooleanArray, Float64Array, StringArray};
use mlops_core::{Seed, TrainingSet};
use mlops_model::{
    Encoder, Estimator, Likelihood, Linear, Model, ModelSpec, Output, Preprocess, Signature,
};

use crate::{
    ClassWeights, Dbscan, ElasticNet, Encoding, Fitted, GaussianMixture, KMeans, LinearRegression,
    LogisticRegression, NaiveBayes, SupportVectors, TargetEncoding, Trainer, conformance::labelled,
};

#[derive(serde::Deserialize)]
struct Golden {
    version: String,
    columns: Vec<Vec<f64>>,
    binary: Vec<bool>,
    classes: Vec<String>,
    number: Vec<f64>,
    weights: Vec<f64>,
    counts: Vec<Vec<f64>>,
    country: Vec<String>,
    blobs: Vec<Vec<f64>>,
    logistic: BTreeMap<String, Line>,
    linear: BTreeMap<String, Line>,
    bayes: BTreeMap<String, Vec<f64>>,
    svc: BTreeMap<String, Vec<f64>>,
    svr: BTreeMap<String, Vec<f64>>,
    target: Means,
    dbscan: Clusters,
    k_means: Centres,
    mixture: Mixture,
}

#[derive(serde::Deserialize)]
struct Line {
    weights: Vec<f64>,
    bias: Vec<f64>,
}

#[derive(serde::Deserialize)]
struct Means {
    categories: Vec<String>,
    values: Vec<f64>,
    prior: f64,
}

#[derive(serde::Deserialize)]
struct Clusters {
    labels: Vec<i64>,
    core: usize,
}

#[derive(serde::Deserialize)]
struct Centres {
    inertia: f64,
    labels: Vec<f64>,
}

#[derive(serde::Deserialize)]
struct Mixture {
    weights: Vec<f64>,
    means: Vec<f64>,
}

fn golden() -> Golden {
    let text = include_str!("../tests/golden/scikit-learn/families.json");
    let golden: Golden = serde_json::from_str(text).unwrap();
    assert_eq!(golden.version, "1.9.1");
    golden
}

fn features(columns: &[Vec<f64>]) -> Vec<(&'static str, ArrayRef)> {
    let arrays = columns.iter().map(|values| {
        let array: ArrayRef = Arc::new(Float64Array::from(values.clone()));
        array
    });
    ["a", "b", "c"].into_iter().zip(arrays).collect()
}

impl Golden {
    fn binary(&self, weighted: bool) -> TrainingSet {
        self.with(Arc::new(BooleanArray::from(self.binary.clone())), weighted)
    }

    fn classes(&self, weighted: bool) -> TrainingSet {
        self.with(Arc::new(StringArray::from(self.classes.clone())), weighted)
    }

    fn number(&self, weighted: bool) -> TrainingSet {
        self.with(Arc::new(Float64Array::from(self.number.clone())), weighted)
    }

    fn with(&self, label: ArrayRef, weighted: bool) -> TrainingSet {
        let weights = weighted.then(|| self.weights.clone());
        labelled(features(&self.columns), label, weights)
    }
}

fn fit(trainer: &dyn Trainer, set: &TrainingSet) -> Fitted {
    trainer.fit(set).unwrap()
}

fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (found - expected).abs();
        assert!(off <= tolerance, "{what}, {at}: {found} is not {expected}");
    }
}

fn line(spec: &ModelSpec) -> &Linear {
    match spec.estimator() {
        Estimator::Linear(line) => line,
        other => panic!("{other:?}"),
    }
}

fn same_line(trainer: &dyn Trainer, set: &TrainingSet, expected: &Line, tolerance: f64) {
    let spec = fit(trainer, set).spec;
    let found = line(&spec);
    close(&found.weights, &expected.weights, tolerance, trainer.name());
    close(&found.bias, &expected.bias, tolerance, trainer.name());
}

#[test]
fn logistic_weights_agree() {
    let golden = golden();
    let trainer = |l2| LogisticRegression::builder().l2(l2).build().unwrap();
    let expected = &golden.logistic;
    same_line(
        &trainer(2.0),
        &golden.classes(false),
        &expected["classes"],
        1e-5,
    );
    let balanced = LogisticRegression::builder()
        .class_weights(ClassWeights::Balanced)
        .build()
        .unwrap();
    same_line(
        &balanced,
        &golden.binary(false),
        &expected["balanced"],
        1e-5,
    );
    same_line(
        &trainer(1.0),
        &golden.binary(true),
        &expected["weighted"],
        1e-5,
    );
    same_line(
        &trainer(1.0),
        &golden.classes(true),
        &expected["weighted_classes"],
        1e-5,
    );
}

#[test]
fn linear_weights_agree() {
    let golden = golden();
    let squares = |l2| LinearRegression::builder().l2(l2).build().unwrap();
    let net = |ratio| {
        let builder = ElasticNet::builder().penalty(0.4).l1_ratio(ratio);
        builder.build().unwrap()
    };
    let expected = &golden.linear;
    let (plain, weighted) = (golden.number(false), golden.number(true));
    same_line(&squares(0.0), &plain, &expected["ols"], 1e-9);
    same_line(&squares(7.0), &plain, &expected["ridge"], 1e-9);
    same_line(&squares(7.0), &weighted, &expected["weighted_ridge"], 1e-9);
    same_line(&net(1.0), &plain, &expected["lasso"], 1e-6);
    same_line(&net(0.3), &plain, &expected["net"], 1e-6);
    same_line(&net(0.3), &weighted, &expected["weighted_net"], 1e-6);
}

#[test]
fn bayes_answers_agree() {
    let golden = golden();
    let counts = labelled(
        features(&golden.counts),
        Arc::new(StringArray::from(golden.classes.clone())),
        None,
    );
    for (name, builder, set) in [
        ("gaussian", NaiveBayes::gaussian(), golden.classes(false)),
        (
            "weighted_gaussian",
            NaiveBayes::gaussian(),
            golden.classes(true),
        ),
        ("bernoulli", NaiveBayes::bernoulli(), golden.classes(false)),
        ("multinomial", NaiveBayes::multinomial(), counts),
    ] {
        let spec = fit(&builder.build().unwrap(), &set).spec;
        let answers = spec.predict(&set.features()).unwrap();
        close(answers.values(), &golden.bayes[name], 1e-9, name);
    }
}

/// The scores of a classifier without its sigmoid.
fn scores(spec: &ModelSpec, set: &TrainingSet) -> Vec<f64> {
    let Estimator::Calibrated(calibrated) = spec.estimator() else {
        panic!("a calibrated machine");
    };
    let signature = Signature::new(spec.signature().inputs().to_vec(), Output::Number).unwrap();
    let encoders = spec.preprocess().encoders().to_vec();
    let preprocess = Preprocess::new(&signature, encoders).unwrap();
    let raw = ModelSpec::new(signature, preprocess, *calibrated.estimator.clone()).unwrap();
    raw.predict_values(&set.features()).unwrap()
}

#[test]
fn support_vector_scores_agree() {
    let golden = golden();
    let builder = SupportVectors::builder;
    let set = golden.binary(false);
    for (name, builder) in [
        ("linear", builder().linear()),
        ("radial", builder().radial(0.4).cost(2.0)),
        ("polynomial", builder().polynomial(1.0, 2)),
    ] {
        let spec = fit(&builder.build().unwrap(), &set).spec;
        close(&scores(&spec, &set), &golden.svc[name], 1e-4, name);
    }
    let set = golden.number(false);
    let trainer = builder().radial(0.4).cost(2.0).build().unwrap();
    let answers = fit(&trainer, &set).spec.predict_values(&set.features());
    close(&answers.unwrap(), &golden.svr["radial"], 1e-4, "svr");
}

#[test]
fn means_of_the_label_agree() {
    let golden = golden();
    let country: ArrayRef = Arc::new(StringArray::from(golden.country.clone()));
    let mut columns = features(&golden.columns);
    columns.push(("country", country));
    let labels = Arc::new(BooleanArray::from(golden.binary.clone()));
    let set = labelled(columns, labels, None);
    let encoding = Encoding {
        target: Some(TargetEncoding {
            smoothing: 10.0,
            folds: 5,
            seed: Seed(1),
        }),
        ..Encoding::default()
    };
    let trainer = LogisticRegression::builder().encoding(encoding);
    let spec = fit(&trainer.build().unwrap(), &set).spec;
    let Some(Encoder::Target {
        categories,
        values,
        prior,
        ..
    }) = spec.preprocess().encoders().last()
    else {
        panic!("a mean of the label");
    };
    assert_eq!(*categories, golden.target.categories);
    // the model's are scaled, by two numbers that two categories tell
    let (first, second) = (golden.target.values[0], golden.target.values[1]);
    let scale = (second - first) / (values[1] - values[0]);
    let center = first - scale * values[0];
    let unscaled: Vec<f64> = values.iter().map(|value| center + scale * value).collect();
    close(&unscaled, &golden.target.values, 1e-12, "means");
    close(
        &[center + scale * prior[0]],
        &[golden.target.prior],
        1e-12,
        "prior",
    );
}

fn blobs(golden: &Golden) -> TrainingSet {
    let rows = golden.blobs[0].len();
    let labels = Float64Array::from_iter_values((0..rows).map(|row| row as f64));
    labelled(features(&golden.blobs), Arc::new(labels), None)
}

#[test]
fn dense_clusters_agree() {
    let golden = golden();
    let set = blobs(&golden);
    let trainer = Dbscan::builder().radius(0.35).build().unwrap();
    let (fitted, labels) = trainer.fit(&set).unwrap();
    assert_eq!(labels, golden.dbscan.labels);
    assert_eq!(fitted.params["core_points"], golden.dbscan.core.to_string());
    let answers = fitted.spec.predict_values(&set.features()).unwrap();
    let expected: Vec<f64> = labels.iter().map(|label| *label as f64).collect();
    assert_eq!(answers, expected);
}

#[test]
fn centres_agree() {
    let golden = golden();
    let set = blobs(&golden);
    let trainer = KMeans::builder(Seed(3)).clusters(3).build().unwrap();
    let fitted = trainer.fit(&set).unwrap();
    let inertia = fitted.history["inertia"][0];
    assert!(
        (inertia / golden.k_means.inertia - 1.0).abs() < 1e-6,
        "{inertia}"
    );
    let answers = fitted.spec.predict_values(&set.features()).unwrap();
    // clusters are the same up to their numbers
    let pairs: BTreeMap<u64, u64> = answers
        .iter()
        .zip(&golden.k_means.labels)
        .map(|(ours, theirs)| (ours.to_bits(), theirs.to_bits()))
        .collect();
    assert_eq!(pairs.len(), 3);
    for (ours, theirs) in answers.iter().zip(&golden.k_means.labels) {
        assert_eq!(pairs[&ours.to_bits()], theirs.to_bits());
    }
}

#[test]
fn mixtures_agree() {
    let golden = golden();
    let set = blobs(&golden);
    let trainer = GaussianMixture::builder(Seed(3)).components(3).build();
    let spec = trainer.unwrap().fit(&set).unwrap().spec;
    let Estimator::Bayes(bayes) = spec.estimator() else {
        panic!("a mixture");
    };
    let Likelihood::Covariance { means, .. } = &bayes.likelihood else {
        panic!("full covariances");
    };
    let mut components: Vec<(&[f64], f64)> = means
        .chunks(3)
        .zip(bayes.log_priors.iter().map(|log| log.exp()))
        .collect();
    components.sort_by(|a, b| a.0[0].total_cmp(&b.0[0]));
    let (means, weights): (Vec<&[f64]>, Vec<f64>) = components.into_iter().unzip();
    close(&means.concat(), &golden.mixture.means, 1e-3, "means");
    close(&weights, &golden.mixture.weights, 1e-3, "weights");
}
