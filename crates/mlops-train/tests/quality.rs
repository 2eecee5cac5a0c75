//! On data with a crooked truth, crooked models must beat the straight one, and all must beat a guess.

#![cfg(feature = "linfa")]

use mlops_core::TrainingSet;
use mlops_train::{
    Boosting, DecisionTree, Evaluation, EvaluationOptions, LogisticRegression, Result, Trainer,
    baseline, conformance::planted, evaluate, split_latest,
};

fn options() -> EvaluationOptions {
    EvaluationOptions {
        bootstrap: 100,
        ..EvaluationOptions::default()
    }
}

fn score(trainer: &dyn Trainer, train: &TrainingSet, test: &TrainingSet) -> Result<Evaluation> {
    evaluate(&trainer.fit(train)?.spec, test, &options())
}

#[test]
fn boosting_beats_logistic_regression_which_beats_the_base_rate() -> Result<()> {
    let (train, test) = split_latest(&planted(4000, 11), 0.3)?;
    let guess = evaluate(&baseline(&train)?, &test, &options())?;
    let logistic = score(&LogisticRegression::builder().build()?, &train, &test)?;
    let tree = score(&DecisionTree::builder().build()?, &train, &test)?;
    let boosting = score(&Boosting::builder().build()?, &train, &test)?;
    for (name, found) in [
        ("guess", &guess),
        ("logistic", &logistic),
        ("tree", &tree),
        ("boosting", &boosting),
    ] {
        println!(
            "{name}: pr_auc {:.3} [{:.3}, {:.3}], roc_auc {:.3}, log_loss {:.3}, brier {:.3}",
            found.pr_auc.value,
            found.pr_auc.lower,
            found.pr_auc.upper,
            found.roc_auc.value,
            found.log_loss.value,
            found.brier.value
        );
    }
    assert!(logistic.pr_auc.lower > guess.base_rate + 0.1);
    assert!(boosting.pr_auc.value > logistic.pr_auc.value + 0.05);
    assert!(boosting.log_loss.value < logistic.log_loss.value);
    assert!(logistic.log_loss.value < guess.log_loss.value);
    assert!(tree.roc_auc.value > logistic.roc_auc.value);
    assert!(boosting.roc_auc.value > tree.roc_auc.value);
    Ok(())
}

#[cfg(feature = "forust")]
#[test]
fn our_boosting_is_as_good_as_that_of_forust() -> Result<()> {
    let (train, test) = split_latest(&planted(4000, 11), 0.3)?;
    let ours = score(&Boosting::builder().build()?, &train, &test)?;
    let theirs = score(&mlops_train::Forust::builder().build()?, &train, &test)?;
    println!(
        "roc_auc: ours {:.4}, forust {:.4}",
        ours.roc_auc.value, theirs.roc_auc.value
    );
    assert!(ours.roc_auc.value > theirs.roc_auc.value - 0.01);
    Ok(())
}

#[cfg(feature = "burn")]
#[test]
fn the_network_beats_logistic_regression() -> Result<()> {
    let (train, test) = split_latest(&planted(4000, 11), 0.3)?;
    let logistic = score(&LogisticRegression::builder().build()?, &train, &test)?;
    let training = mlops_train::Training::new().batch(64).learning_rate(0.005);
    let trainer = mlops_train::Mlp::builder().training(training).build()?;
    let network = score(&trainer, &train, &test)?;
    println!("network: pr_auc {:.3}", network.pr_auc.value);
    assert!(network.pr_auc.value > logistic.pr_auc.value + 0.03);
    Ok(())
}
