//! The trainers on linfa keep the contract of the trait, for labels of every kind and for weights.

#![cfg(feature = "linfa")]

use mlops_core::{ErrorKind, Seed, metric};
use mlops_model::{Model, Nearest};
use mlops_train::{
    Averaging, ClassWeights, Dbscan, DecisionTree, ElasticNet, Encoding, GaussianMixture, KMeans,
    LinearRegression, LogisticRegression, NaiveBayes, Result, Stacking, SupportVectors,
    TargetEncoding, Trainer,
    conformance::{
        check, check_classes, check_numbers, check_weights, planted, planted_classes,
        planted_numbers,
    },
    split_latest,
};

fn rich() -> Encoding {
    Encoding {
        target: Some(TargetEncoding {
            smoothing: 10.0,
            folds: 4,
            seed: Seed(3),
        }),
        products: true,
        missing: true,
        ..Encoding::default()
    }
}

fn logistic() -> Box<dyn Trainer> {
    let trainer = LogisticRegression::builder().build();
    Box::new(trainer.expect("the defaults are in range"))
}

#[test]
fn logistic_regression_learns_classes_and_heeds_weights() -> Result<()> {
    let trainer = LogisticRegression::builder().build()?;
    check_classes(&trainer);
    check_weights(&trainer, &planted(300, 8), 1e-5);
    check_weights(&trainer, &planted_classes(300, 8), 1e-5);
    Ok(())
}

#[test]
fn logistic_regression_keeps_the_contract_however_features_are_encoded() -> Result<()> {
    let buckets = Encoding {
        buckets: Some(6),
        ..Encoding::default()
    };
    let clipped = Encoding {
        clip: Some(0.01),
        ..Encoding::default()
    };
    for encoding in [rich(), buckets, clipped] {
        let trainer = LogisticRegression::builder().encoding(encoding).build()?;
        check(&trainer);
        check_classes(&trainer);
    }
    Ok(())
}

#[test]
fn linear_regression_keeps_the_contract() -> Result<()> {
    let trainer = LinearRegression::builder().build()?;
    check_numbers(&trainer);
    check_weights(&trainer, &planted_numbers(300, 8), 1e-6);
    let rich = LinearRegression::builder().encoding(rich()).build()?;
    check_numbers(&rich);
    Ok(())
}

#[test]
fn the_elastic_net_keeps_the_contract() -> Result<()> {
    let trainer = ElasticNet::builder().penalty(0.05).build()?;
    check_numbers(&trainer);
    check_weights(&trainer, &planted_numbers(300, 8), 1e-6);
    Ok(())
}

#[test]
fn naive_bayes_keeps_the_contract() -> Result<()> {
    let trainer = NaiveBayes::gaussian().build()?;
    check(&trainer);
    check_classes(&trainer);
    // on which side of the mean a number lies says too little
    let encoding = Encoding {
        buckets: Some(6),
        ..Encoding::default()
    };
    let buckets = NaiveBayes::bernoulli().encoding(encoding).build()?;
    check(&buckets);
    check_classes(&buckets);
    for trainer in [
        trainer,
        NaiveBayes::bernoulli().build()?,
        NaiveBayes::multinomial().build()?,
    ] {
        check_weights(&trainer, &planted(300, 8), 1e-9);
        check_weights(&trainer, &planted_classes(300, 8), 1e-9);
    }
    Ok(())
}

#[test]
fn support_vectors_keep_the_contract() -> Result<()> {
    let trainer = SupportVectors::builder().build()?;
    check(&trainer);
    check_classes(&trainer);
    check_numbers(&trainer);
    check_weights(&trainer, &planted(100, 8), 0.0);
    Ok(())
}

#[test]
fn averages_keep_the_contract() -> Result<()> {
    let tree: Box<dyn Trainer> = Box::new(DecisionTree::builder().min_leaf(5).build()?);
    check(&Averaging::new([(logistic(), 2.0), (tree, 1.0)])?);
    let bayes: Box<dyn Trainer> = Box::new(NaiveBayes::gaussian().build()?);
    let mean = Averaging::new([(logistic(), 2.0), (bayes, 1.0)])?;
    check_classes(&mean);
    check_weights(&mean, &planted(300, 8), 1e-5);
    Ok(())
}

#[test]
fn stacks_keep_the_contract() -> Result<()> {
    let tree: Box<dyn Trainer> = Box::new(DecisionTree::builder().min_leaf(5).build()?);
    check(&Stacking::new([logistic(), tree], 3, 0.1, Seed(5))?);
    let bayes: Box<dyn Trainer> = Box::new(NaiveBayes::gaussian().build()?);
    check_classes(&Stacking::new([logistic(), bayes], 3, 0.1, Seed(5))?);
    let line: Box<dyn Trainer> = Box::new(LinearRegression::builder().build()?);
    let vectors: Box<dyn Trainer> = Box::new(SupportVectors::builder().build()?);
    check_numbers(&Stacking::new([line, vectors], 3, 0.1, Seed(5))?);
    Ok(())
}

#[test]
fn balanced_classes_count_the_same() -> Result<()> {
    let set = planted(600, 9);
    let labels = set.label_classes()?;
    let mean = |weights: ClassWeights| -> Result<f64> {
        let trainer = LogisticRegression::builder()
            .l2(1e-3)
            .class_weights(weights)
            .build()?;
        let answers = trainer.fit(&set)?.spec.predict_values(&set.features());
        let mut means = [(0.0, 0.0); 2];
        for (answer, label) in answers?.into_iter().zip(&labels) {
            let (sum, count) = &mut means[usize::from(*label)];
            *sum += answer;
            *count += 1.0;
        }
        Ok(means.iter().map(|(sum, count)| sum / count).sum::<f64>() / 2.0)
    };
    // with balanced classes the mean answer, each class counting the same, is one half
    assert!((mean(ClassWeights::Balanced)? - 0.5).abs() < 1e-3);
    assert!(mean(ClassWeights::Equal)? < 0.45);
    Ok(())
}

#[test]
fn a_label_of_the_wrong_kind_is_unsupported() -> Result<()> {
    let trainers: [(Box<dyn Trainer>, _); 4] = [
        (logistic(), planted_numbers(60, 1)),
        (
            Box::new(NaiveBayes::gaussian().build()?),
            planted_numbers(60, 1),
        ),
        (
            Box::new(LinearRegression::builder().build()?),
            planted(60, 1),
        ),
        (
            Box::new(ElasticNet::builder().build()?),
            planted_classes(60, 1),
        ),
    ];
    for (trainer, set) in trainers {
        let error = trainer.fit(&set).unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Unsupported,
            "{}: {error}",
            trainer.name()
        );
    }
    Ok(())
}

#[test]
fn settings_out_of_range_are_named() {
    let encoding = |buckets, folds, smoothing| Encoding {
        buckets,
        target: Some(TargetEncoding {
            smoothing,
            folds,
            seed: Seed(1),
        }),
        ..Encoding::default()
    };
    let line = |encoding| LinearRegression::builder().encoding(encoding).build().err();
    let svm = SupportVectors::builder;
    let bayes = NaiveBayes::bernoulli;
    let net = ElasticNet::builder;
    for (error, parameter) in [
        (LinearRegression::builder().l2(-1.0).build().err(), "l2"),
        (line(encoding(Some(1), 5, 1.0)), "buckets"),
        (line(encoding(None, 1, 1.0)), "folds"),
        (
            line(Encoding {
                clip: Some(0.5),
                ..Encoding::default()
            }),
            "clip",
        ),
        (line(encoding(None, 5, f64::NAN)), "smoothing"),
        (net().penalty(0.0).build().err(), "penalty"),
        (net().l1_ratio(0.0).build().err(), "l1_ratio"),
        (net().l1_ratio(1.5).build().err(), "l1_ratio"),
        (net().max_iterations(0).build().err(), "max_iterations"),
        (bayes().smoothing(0.0).build().err(), "smoothing"),
        (bayes().threshold(f64::NAN).build().err(), "threshold"),
        (svm().radial(0.0).build().err(), "gamma"),
        (svm().polynomial(-1.0, 2).build().err(), "constant"),
        (svm().polynomial(1.0, 0).build().err(), "degree"),
        (svm().cost(0.0).build().err(), "cost"),
        (svm().tube(-0.1).build().err(), "tube"),
        (Averaging::new([]).err(), "trainers"),
        (Averaging::new([(logistic(), 0.0)]).err(), "weights"),
        (Stacking::new([], 5, 1.0, Seed(1)).err(), "trainers"),
        (Stacking::new([logistic()], 1, 1.0, Seed(1)).err(), "folds"),
        (Stacking::new([logistic()], 5, -1.0, Seed(1)).err(), "l2"),
    ] {
        let error = error.expect(parameter).to_string();
        assert!(error.contains(parameter), "{error}");
    }
}

#[test]
fn clusters_name_what_they_cannot_group() -> Result<()> {
    let set = planted(40, 1);
    let k_means = KMeans::builder(Seed(1)).clusters(41).build()?;
    let mixture = GaussianMixture::builder(Seed(1)).components(41).build()?;
    let dbscan = Dbscan::builder().radius(1e-9).build()?;
    for error in [
        k_means.fit(&set).unwrap_err(),
        mixture.fit(&set).unwrap_err(),
        dbscan.fit(&set).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains("the set has 40"), "{error}");
    }
    for (error, parameter) in [
        (
            KMeans::builder(Seed(1)).clusters(0).build().err(),
            "clusters",
        ),
        (KMeans::builder(Seed(1)).runs(0).build().err(), "runs"),
        (
            GaussianMixture::builder(Seed(1))
                .components(1)
                .build()
                .err(),
            "components",
        ),
        (
            GaussianMixture::builder(Seed(1)).ridge(0.0).build().err(),
            "ridge",
        ),
        (Dbscan::builder().radius(f64::NAN).build().err(), "radius"),
        (Dbscan::builder().min_points(1).build().err(), "min_points"),
    ] {
        let error = error.expect(parameter).to_string();
        assert!(error.contains(parameter), "{error}");
    }
    Ok(())
}

#[test]
fn the_same_rows_and_seed_give_the_same_centres() -> Result<()> {
    let set = planted(200, 2);
    let trainer = KMeans::builder(Seed(1)).answer(Nearest::Distance).build()?;
    let again = trainer.fit(&set)?.spec;
    let spec = trainer.fit(&set)?.spec;
    assert_eq!(format!("{again:?}"), format!("{spec:?}"));
    let answers = spec.predict_values(&set.features())?;
    assert!(answers.iter().all(|distance| *distance >= 0.0));
    Ok(())
}

#[test]
fn a_stack_is_better_than_each_of_its_members() -> Result<()> {
    let (train, test) = split_latest(&planted(3000, 21), 0.3)?;
    let labels = test.label_classes()?;
    let loss = |trainer: &dyn Trainer| -> Result<f64> {
        let answers = trainer.fit(&train)?.spec.predict_values(&test.features())?;
        Ok(metric::log_loss(&labels, &answers)?)
    };
    let members = || -> Result<[Box<dyn Trainer>; 3]> {
        Ok([
            logistic(),
            Box::new(DecisionTree::builder().build()?),
            Box::new(NaiveBayes::gaussian().build()?),
        ])
    };
    let stack = loss(&Stacking::new(members()?, 5, 1.0, Seed(2))?)?;
    let mean = loss(&Averaging::new(members()?.map(|member| (member, 1.0)))?)?;
    let mut alone = Vec::new();
    for member in members()? {
        alone.push(loss(member.as_ref())?);
    }
    println!("stack {stack:.3}, mean {mean:.3}, alone {alone:.3?}");
    assert!(alone.iter().all(|alone| stack < *alone && mean < *alone));
    assert!(stack < mean);
    Ok(())
}
