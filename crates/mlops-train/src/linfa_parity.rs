//! Exported models answer what linfa's own models answer, and no row makes linfa panic on a user.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray};
use linfa::{
    Dataset, ParamGuard,
    traits::{Fit, Predict},
};
use linfa_bayes::NaiveBayes as _;
use mlops_core::{ErrorKind, Seed, Target, TrainingSet};
use mlops_model::{Model, ModelSpec};
use ndarray::{Array1, Array2};

use crate::{
    Dbscan, ElasticNet, Encoding, Fitted, GaussianMixture, KMeans, LinearRegression,
    LogisticRegression, NaiveBayes, Result, SupportVectors, Trainer,
    conformance::{labelled, planted, planted_classes, planted_numbers},
    prepare::{Numerics, Prepared},
};

fn records(set: &TrainingSet) -> Array2<f64> {
    let target = set.target();
    let encoding = Encoding::default();
    let prepared = Prepared::encoded(set, (), &target, Numerics::Scaled, &encoding).unwrap();
    let shape = (prepared.matrix.rows(), prepared.matrix.width());
    Array2::from_shape_vec(shape, prepared.matrix.into_values()).unwrap()
}

fn answers(spec: &ModelSpec, set: &TrainingSet) -> Vec<f64> {
    spec.predict(&set.features()).unwrap().into_values()
}

fn close<'a>(found: &[f64], theirs: impl IntoIterator<Item = &'a f64>, tolerance: f64) {
    let theirs: Vec<f64> = theirs.into_iter().copied().collect();
    assert_eq!(found.len(), theirs.len());
    for (at, (found, theirs)) in found.iter().zip(theirs).enumerate() {
        let off = (found - theirs).abs();
        assert!(off <= tolerance, "{at}: {found} is not {theirs}");
    }
}

#[test]
fn several_classes_answer_as_linfa_does() {
    let set = planted_classes(300, 4);
    let x = records(&set);
    let Target::Classes { codes, .. } = set.target() else {
        panic!("classes")
    };
    let theirs = linfa_logistic::MultiLogisticRegression::default()
        .alpha(1.0)
        .max_iterations(500)
        .gradient_tolerance(3e-6)
        .fit(&Dataset::new(x.clone(), Array1::from(codes)))
        .unwrap();
    let trainer = LogisticRegression::builder().build().unwrap();
    let ours = trainer.fit(&set).unwrap().spec;
    close(
        &answers(&ours, &set),
        &theirs.predict_probabilities(&x),
        1e-12,
    );
}

#[test]
fn lines_answer_as_linfa_does() {
    let set = planted_numbers(300, 4);
    let x = records(&set);
    let y = Array1::from(set.label_values().unwrap());
    let theirs = linfa_linear::LinearRegression::new()
        .fit(&Dataset::new(x.clone(), y))
        .unwrap();
    let trainer = LinearRegression::builder().l2(0.0).build().unwrap();
    let ours = trainer.fit(&set).unwrap().spec;
    close(&answers(&ours, &set), &theirs.predict(&x), 1e-9);
}

#[test]
fn densities_answer_as_linfa_does() {
    let set = planted_classes(300, 4);
    let x = records(&set);
    let Target::Classes { codes, .. } = set.target() else {
        panic!("classes")
    };
    let codes = Array1::from_iter(codes.into_iter().map(|code| code as usize));
    let dataset = Dataset::new(x.clone(), codes);
    let theirs = linfa_bayes::GaussianNb::params().fit(&dataset).unwrap();
    let (chances, _) = theirs.predict_proba(x.view());
    let trainer = NaiveBayes::gaussian().build().unwrap();
    close(
        &answers(&trainer.fit(&set).unwrap().spec, &set),
        &chances,
        1e-9,
    );
    let theirs = linfa_bayes::BernoulliNb::params()
        .binarize(Some(0.0))
        .fit(&dataset)
        .unwrap();
    // its `predict` looks on which side of the threshold a number lies, its `predict_proba` does not
    let above = x.mapv(|x| f64::from(u8::from(x > 0.0)));
    let (chances, _) = theirs.predict_proba(above.view());
    let trainer = NaiveBayes::bernoulli().build().unwrap();
    close(
        &answers(&trainer.fit(&set).unwrap().spec, &set),
        &chances,
        1e-9,
    );
}

#[test]
fn machines_answer_as_linfa_does() {
    let set = planted_numbers(150, 4);
    let x = records(&set);
    let values = set.label_values().unwrap();
    let (mean, deviation, _) = crate::prepare::moments(&values, &[1.0; 150]);
    let y: Array1<f64> = values.iter().map(|y| (y - mean) / deviation).collect();
    let theirs = linfa_svm::Svm::<f64, f64>::params()
        .gaussian_kernel(2.0)
        .c_svr(1.0, Some(0.1))
        .fit(&Dataset::new(x.clone(), y))
        .unwrap();
    let predicted = theirs.predict(&x).mapv(|y| y * deviation + mean);
    let trainer = SupportVectors::builder().radial(0.5).build().unwrap();
    close(
        &answers(&trainer.fit(&set).unwrap().spec, &set),
        &predicted,
        1e-9,
    );
}

#[test]
fn clusters_answer_as_linfa_does() {
    use linfa_clustering::{GaussianMixtureModel, KMeans as Means};
    use rand_xoshiro::{Xoshiro256Plus, rand_core::SeedableRng};

    let set = planted_numbers(300, 4);
    let x = records(&set);
    let rng = |name| Xoshiro256Plus::seed_from_u64(Seed(9).derive(name).0);
    let nothing: Array1<()> = Array1::default(300);
    let dataset = Dataset::new(x.clone(), nothing);
    let theirs = Means::params_with(4, rng("k_means"), linfa_nn::distance::L2Dist)
        .n_runs(10)
        .max_n_iterations(300)
        .tolerance(1e-9)
        .check()
        .unwrap()
        .fit(&dataset)
        .unwrap();
    let labels = theirs.predict(&x).mapv(|label| label as f64);
    let ours = KMeans::builder(Seed(9)).clusters(4).build().unwrap();
    close(&answers(&ours.fit(&set).unwrap().spec, &set), &labels, 0.0);

    let theirs = GaussianMixtureModel::params_with_rng(2, rng("gaussian_mixture"))
        .n_runs(3)
        .max_n_iterations(200)
        .reg_covariance(1e-2)
        .check()
        .unwrap()
        .fit(&dataset)
        .unwrap();
    let ours = GaussianMixture::builder(Seed(9))
        .ridge(1e-2)
        .build()
        .unwrap();
    let ours = ours.fit(&set).unwrap().spec;
    close(&answers(&ours, &set), &theirs.predict_proba(&x), 1e-9);
}

/// Sets at the edge of what can be fitted.
fn odd_sets() -> Vec<TrainingSet> {
    let column = |values: Vec<f64>| -> ArrayRef { Arc::new(Float64Array::from(values)) };
    let mut sets = Vec::new();
    for features in [
        vec![("x", vec![0.0, 1.0])],
        vec![("x", vec![0.0, 1.0, 2.0]), ("y", vec![0.0, 1.0, 2.0])],
        vec![("x", vec![1e-300, 2e-300, 3e-300, 4e-300])],
        vec![("x", vec![-1e300, 1e300, 0.0, 1e299])],
        vec![("x", vec![1e15, 1e15 + 1.0, 1e15, 1e15 + 2.0])],
        vec![("x", [vec![0.0; 30], vec![1.0]].concat())],
        vec![("x", (0..40).map(|i| f64::from(i % 2)).collect())],
        (0..9)
            .map(|_| ("", (0..6).map(f64::from).collect()))
            .collect(),
    ] {
        let rows = features[0].1.len();
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let features = || {
            let columns = features.iter().zip(names);
            columns.map(|((_, values), name)| (name, column(values.clone())))
        };
        let labels: [ArrayRef; 4] = [
            Arc::new(Float64Array::from_iter_values(
                (0..rows).map(|i| f64::from(u8::from(i == 0))),
            )),
            Arc::new(Float64Array::from_iter_values((0..rows).map(|i| i as f64))),
            Arc::new(Float64Array::from_iter_values((0..rows).map(|_| 1e300))),
            Arc::new(StringArray::from_iter_values(
                (0..rows).map(|i| format!("k{}", i % 3)),
            )),
        ];
        for label in labels {
            sets.push(labelled(features().collect(), label, None));
        }
    }
    sets.push(planted(5, 1));
    sets
}

#[test]
fn odd_rows_are_fitted_or_refused() -> Result<()> {
    let trainers: Vec<Box<dyn Trainer>> = vec![
        Box::new(LogisticRegression::builder().build()?),
        Box::new(LogisticRegression::builder().l2(0.0).build()?),
        Box::new(LinearRegression::builder().build()?),
        Box::new(LinearRegression::builder().l2(0.0).build()?),
        Box::new(ElasticNet::builder().build()?),
        Box::new(NaiveBayes::gaussian().build()?),
        Box::new(NaiveBayes::bernoulli().build()?),
        Box::new(NaiveBayes::multinomial().build()?),
        Box::new(SupportVectors::builder().build()?),
        Box::new(SupportVectors::builder().linear().build()?),
    ];
    let check = |name: &str, fitted: Result<Fitted>, set: &TrainingSet| match fitted {
        Ok(fitted) => {
            let answers = fitted.spec.predict(&set.features());
            assert!(answers.is_ok(), "{name}: {answers:?}");
        }
        Err(error) => {
            let text = error.to_string();
            assert!(
                error.kind() != ErrorKind::Corrupt && !text.is_empty(),
                "{name}: {text}"
            );
        }
    };
    let k_means = KMeans::builder(Seed(1)).clusters(3).build()?;
    let mixture = GaussianMixture::builder(Seed(1)).build()?;
    let dbscan = Dbscan::builder().min_points(2).build()?;
    for set in odd_sets() {
        for trainer in &trainers {
            check(trainer.name(), trainer.fit(&set), &set);
        }
        check("k_means", k_means.fit(&set), &set);
        check("gaussian_mixture", mixture.fit(&set), &set);
        check("dbscan", dbscan.fit(&set).map(|(fitted, _)| fitted), &set);
    }
    Ok(())
}
