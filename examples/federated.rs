//! Eight shops learn together and no row leaves its shop.
//!
//! ```text
//! cargo run --release --example federated
//! ```
#![expect(clippy::print_stdout, reason = "a program for people")]

use mlops::core::TrainingSet;
use mlops::model::Model;
use mlops::{
    core::Seed,
    train::{
        Federated, FederatedFit, LogisticRegression, Measure, Metric, Trainer, Truth, conformance,
    },
};

fn main() -> mlops::Result<()> {
    // Every shop has 80 customers of its own; what is learnt is judged on customers of none.
    let shops: Vec<TrainingSet> = (0..8).map(|shop| conformance::planted(80, shop)).collect();
    let others = conformance::planted(5000, 99);
    let averaging = Federated::builder()
        .rounds(60)
        .learning_rate(0.05)
        .local_epochs(2)
        .seed(Seed(1))
        .build()?;

    // A round: each shop improves the common model on its own rows and sends weights back, never a row.
    let together = averaging.fit(&shops, Some(&others))?;
    println!("round   loss in the shops   log-loss   ROC-AUC on other customers");
    for (number, round) in together.rounds.iter().enumerate().step_by(10) {
        let [log_loss, roc_auc] = ["log_loss", "roc_auc"].map(|name| round.metrics[name]);
        println!(
            "{:>5} {:>19.4} {log_loss:>10.4} {roc_auc:>9.4}",
            number + 1,
            round.loss
        );
    }

    // What it is worth: more than any shop alone, and nearly what all rows in one place would give.
    let last = |fit: &FederatedFit| {
        fit.rounds
            .last()
            .map_or(f64::NAN, |r| r.metrics["log_loss"])
    };
    let alone = shops
        .iter()
        .map(|shop| {
            Ok(last(
                &averaging.fit(std::slice::from_ref(shop), Some(&others))?,
            ))
        })
        .collect::<mlops::Result<Vec<f64>>>()?;
    let best_alone = alone.iter().copied().fold(f64::INFINITY, f64::min);
    let mean_alone = alone.iter().sum::<f64>() / alone.len() as f64;
    let pooled = LogisticRegression::builder()
        .build()?
        .fit(&TrainingSet::concat(&shops)?)?
        .spec;
    let answers = pooled.predict(&others.features())?;
    let truth = Truth::of(&others, pooled.signature().output())?;
    let pooled = Measure::LogLoss.value(&truth, answers.values())?;
    let together = last(&together);
    println!("\nlog-loss on other customers");
    println!("a shop alone, mean   {mean_alone:.4}");
    println!("the best shop alone  {best_alone:.4}");
    println!("together             {together:.4}");
    println!("all rows pooled      {pooled:.4}");
    assert!(together < best_alone);
    assert!(together - pooled < 0.5 * (mean_alone - pooled));
    Ok(())
}
