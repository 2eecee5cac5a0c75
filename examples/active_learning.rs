//! The same number of questions teaches more where the model asks about what it is unsure of.
//!
//! ```text
//! cargo run --release --example active_learning
//! ```
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::sync::Arc;

use mlops::{
    core::{
        Column, Lineage, Role, Seed, Table, TableSchema, TrainingSet,
        arrow::{
            array::{ArrayRef, BooleanArray, Float64Array},
            datatypes::DataType,
        },
    },
    train::{ActiveLearning, LogisticRegression, Measure, Sampling},
};

/// Parcels on a belt, each with eight readings of which two tell whether it is damaged.
fn parcels(count: usize, seed: u64) -> mlops::Result<TrainingSet> {
    let mut rng = Seed(seed).rng();
    let (mut columns, mut arrays) = (Vec::new(), Vec::<ArrayRef>::new());
    let mut score = vec![0.0; count];
    for (reading, weight) in [1.0, -0.7, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
        .into_iter()
        .enumerate()
    {
        let values: Vec<f64> = (0..count).map(|_| rng.normal()).collect();
        score
            .iter_mut()
            .zip(&values)
            .for_each(|(sum, value)| *sum += weight * value);
        columns.push(Column::value(
            format!("reading_{reading}"),
            DataType::Float64,
        ));
        arrays.push(Arc::new(Float64Array::from(values)));
    }
    let damaged = score
        .iter()
        .map(|score| Some(score + 0.1 * rng.normal() > 0.0));
    columns.push(Column::new("damaged", DataType::Boolean, Role::Label));
    arrays.push(Arc::new(damaged.collect::<BooleanArray>()));
    let table = Table::new(TableSchema::new(columns)?, arrays)?;
    Ok(TrainingSet::new(table, Lineage::default())?)
}

fn main() -> mlops::Result<()> {
    // Thousands of parcels went by; somebody has to open one to know its label.
    let (pool, test) = (parcels(4000, 1)?, parcels(4000, 2)?);
    let trainer = LogisticRegression::builder().build()?;
    let samplings = [
        Sampling::Random,
        Sampling::LeastConfident,
        Sampling::Margin,
        Sampling::Entropy,
    ];

    // Each way of asking begins with the same 20 parcels and then asks for 10 more, ten times, over five seeds.
    let mut curves = Vec::new();
    for sampling in samplings {
        let mut mean = [0.0; 11];
        for seed in 0..5 {
            let run = ActiveLearning {
                first: 20,
                batch: 10,
                rounds: 10,
                seed: Seed(seed),
            };
            let curve = run.simulate(&trainer, &pool, &test, sampling, &Measure::Accuracy)?;
            mean.iter_mut()
                .zip(&curve)
                .for_each(|(sum, point)| *sum += point.value / 5.0);
        }
        curves.push(mean);
    }
    println!("accuracy by the parcels opened\n");
    println!("opened   by chance   least confident   margin   entropy");
    let opened = |at: usize| 20 + 10 * at;
    let at = |way: usize, at: usize| -> f64 { curves[way][at] };
    for point in 0..=10 {
        let [chance, least, margin, entropy] = [0, 1, 2, 3].map(|way| at(way, point));
        let opened = opened(point);
        println!("{opened:>6} {chance:>11.4} {least:>17.4} {margin:>8.4} {entropy:>9.4}");
    }
    let reach = |way: usize| curves[way].iter().position(|value| *value >= 0.93);
    if let Some(at) = reach(2) {
        let chance = reach(0).map_or("more than 120".to_owned(), |at| opened(at).to_string());
        println!(
            "\n93 % after {} parcels by margin, {chance} by chance",
            opened(at)
        );
    }
    assert!(curves[2][10] > curves[0][10]);
    Ok(())
}
