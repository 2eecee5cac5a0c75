//! Every trainer keeps the contract of the trait.

use mlops_core::TrainingSet;
use mlops_model::{Model, ModelSpec};
use mlops_train::{Boosting, ClassWeights, RandomForest, Trainer, Watched, conformance};

#[cfg(feature = "linfa")]
#[test]
fn logistic_regression_keeps_the_contract() {
    let trainer = mlops_train::LogisticRegression::builder().build();
    conformance::check(&trainer.expect("the defaults are in range"));
}

#[test]
fn the_decision_tree_keeps_the_contract() {
    let trainer = mlops_train::DecisionTree::builder().min_leaf(5).build();
    let trainer = trainer.expect("the settings are in range");
    conformance::check(&trainer);
    conformance::check_classes(&trainer);
    conformance::check_numbers(&trainer);
    // a leaf counts its rows, not their weights
    let single = mlops_train::DecisionTree::builder().min_leaf(1).build();
    let single = single.expect("the settings are in range");
    for set in [
        conformance::planted(200, 8),
        conformance::planted_classes(200, 8),
        conformance::planted_numbers(200, 8),
    ] {
        conformance::check_weights(&single, &set, 1e-9);
    }
}

/// The mean answer to the rows of a set whose positives are one in ten, with the classes equal and balanced.
fn means(fit: impl Fn(ClassWeights) -> ModelSpec) -> [f64; 2] {
    [ClassWeights::Equal, ClassWeights::Balanced].map(|weights| {
        let answers = fit(weights).predict_values(&rare().features());
        let answers = answers.expect("the model reads its own rows");
        answers.iter().sum::<f64>() / answers.len() as f64
    })
}

/// Rows of which the positive ones are one in ten or so, and lie higher.
fn rare() -> TrainingSet {
    let all = conformance::planted(4000, 3);
    let labels = all.label_classes().expect("booleans");
    let mut positives = 0;
    let keep = labels.iter().map(|label| {
        positives += u32::from(*label);
        !label || positives % 8 == 0
    });
    let keep: Vec<bool> = keep.collect();
    all.filter(&keep).expect("some rows are kept")
}

#[test]
fn balanced_classes_raise_the_answers_to_the_rare_one() {
    let forest = means(|weights| {
        let forest = RandomForest::builder()
            .trees(30)
            .class_weights(weights)
            .build();
        let fitted = forest.expect("in range").fit(&rare());
        fitted.expect("a good set").spec
    });
    let boosting = means(|weights| {
        let boosting = Boosting::builder().trees(30).class_weights(weights).build();
        let fitted = boosting.expect("in range").fit(&rare());
        fitted.expect("a good set").spec
    });
    for [equal, balanced] in [forest, boosting] {
        assert!(equal < 0.2 && balanced > 2.0 * equal, "{equal} {balanced}");
    }
}

#[test]
fn boosting_stops_by_what_is_watched() {
    let set = conformance::planted(1500, 5);
    for (watched, name) in [
        (Watched::RocAuc, "validation_roc_auc"),
        (Watched::PrAuc, "validation_pr_auc"),
        (Watched::Accuracy, "validation_accuracy"),
    ] {
        let builder = Boosting::builder().trees(60).watched(watched).refit(false);
        let fitted = builder
            .build()
            .expect("in range")
            .fit(&set)
            .expect("a good set");
        let series = &fitted.history[name];
        let best = series.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let first = series.iter().position(|value| *value == best);
        let chosen: usize = fitted.params["best_trees"].parse().expect("a number");
        assert_eq!(first.map(|at| at + 1), Some(chosen), "{name}");
        assert!(best > 0.6, "{name}: {best}");
    }
    let numbers = Boosting::builder()
        .trees(40)
        .watched(Watched::AbsoluteError);
    let numbers = numbers.build().expect("in range");
    let fitted = numbers
        .fit(&conformance::planted_numbers(600, 5))
        .expect("a good set");
    let series = &fitted.history["validation_absolute_error"];
    assert!(series.last() < series.first());
    // an area has no meaning for numbers, nor an absolute error for classes
    assert!(numbers.fit(&set).is_err());
}

#[test]
fn boosting_keeps_the_contract() {
    let trainer = Boosting::builder().trees(60).build();
    conformance::check(&trainer.expect("the settings are in range"));
}

#[test]
fn the_forest_keeps_the_contract() {
    let trainer = RandomForest::builder().trees(40).build();
    conformance::check(&trainer.expect("the settings are in range"));
}

#[cfg(feature = "forust")]
#[test]
fn forust_keeps_the_contract() {
    let trainer = mlops_train::Forust::builder().trees(60).build();
    conformance::check(&trainer.expect("the settings are in range"));
}

#[cfg(feature = "burn")]
#[test]
fn the_network_keeps_the_contract() {
    let training = mlops_train::Training::new()
        .epochs(60)
        .batch(64)
        .learning_rate(0.01);
    for texts in [mlops_train::Texts::OneHot, mlops_train::Texts::Embedded(16)] {
        let builder = mlops_train::Mlp::builder().hidden([16]).texts(texts);
        let trainer = builder.training(training.clone()).build();
        conformance::check(&trainer.expect("the settings are in range"));
    }
}
