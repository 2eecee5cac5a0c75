//! Every trainer keeps the contract of the trait.

use mlops_train::conformance;

#[cfg(feature = "linfa")]
#[test]
fn logistic_regression_keeps_the_contract() {
    let trainer = mlops_train::LogisticRegression::builder().build();
    conformance::check(&trainer.expect("the defaults are in range"));
}

#[cfg(feature = "linfa")]
#[test]
fn the_decision_tree_keeps_the_contract() {
    let trainer = mlops_train::DecisionTree::builder().min_leaf(5).build();
    conformance::check(&trainer.expect("the settings are in range"));
}

#[test]
fn boosting_keeps_the_contract() {
    let trainer = mlops_train::Boosting::builder().trees(60).build();
    conformance::check(&trainer.expect("the settings are in range"));
}

#[test]
fn the_forest_keeps_the_contract() {
    let trainer = mlops_train::RandomForest::builder().trees(40).build();
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
