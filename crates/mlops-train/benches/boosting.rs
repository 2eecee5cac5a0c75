//! Boosting on matrices that `benches/peers/boosting.py` writes: quality on held-out folds, and what the
//! fits cost.
//!
//! ```text
//! cargo bench -p mlops-train --bench boosting -- --threads 1 adult.bin credit.bin
//! cargo bench -p mlops-train --bench boosting -- --forest adult.bin credit.bin
//! ```
//!
//! A file holds, in little-endian words of eight bytes: the number of rows and of columns, for each column
//! 1 if it holds categories, the labels, the folds of the rows, and the columns one after the other. It
//! prints a line a file: the name, the mean score over the folds (the area under the curve of labels 0
//! and 1, else the root of the mean squared error), and the mean seconds of wall and of CPU of a fit.

use std::{fs, path::Path, sync::Arc};

use arrow::array::{ArrayRef, Float64Array, StringArray, TimestampMicrosecondArray};
use mlops_core::{
    Column, Lineage, Role, Stopwatch, Table, TableSchema, Target, TrainingSet, metric,
};
use mlops_model::Model;
use mlops_train::{Boosting, RandomForest, Trainer};

struct Data {
    categories: Vec<bool>,
    labels: Vec<f64>,
    folds: Vec<f64>,
    columns: Vec<Vec<f64>>,
}

impl Data {
    fn read(path: &str) -> Self {
        let bytes = fs::read(path).expect("a file of the script");
        let words: Vec<[u8; 8]> = bytes.as_chunks::<8>().0.to_vec();
        let length = |at: usize| usize::try_from(u64::from_le_bytes(words[at])).expect("a length");
        let (rows, width) = (length(0), length(1));
        let mut numbers = words[2..].iter().map(|word| f64::from_le_bytes(*word));
        let mut take = |count: usize| -> Vec<f64> { numbers.by_ref().take(count).collect() };
        Self {
            categories: take(width).iter().map(|kind| *kind == 1.0).collect(),
            labels: take(rows),
            folds: take(rows),
            columns: (0..width).map(|_| take(rows)).collect(),
        }
    }

    /// The rows inside or outside of a fold.
    fn set(&self, fold: f64, inside: bool) -> TrainingSet {
        let rows: Vec<usize> = (0..self.labels.len())
            .filter(|row| (self.folds[*row] == fold) == inside)
            .collect();
        let count = i64::try_from(rows.len()).expect("a length fits");
        let times = TimestampMicrosecondArray::from_iter_values(0..count);
        let mut columns = vec![Column::event_time("at")];
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(times.with_timezone("UTC"))];
        for (at, values) in self.columns.iter().enumerate() {
            let values = rows
                .iter()
                .map(|row| Some(values[*row]).filter(|value| !value.is_nan()));
            let array: ArrayRef = if self.categories[at] {
                Arc::new(
                    values
                        .map(|value| Some(format!("c{}", value?)))
                        .collect::<StringArray>(),
                )
            } else {
                Arc::new(values.collect::<Float64Array>())
            };
            columns.push(Column::value(format!("x{at}"), array.data_type().clone()));
            arrays.push(array);
        }
        let labels: ArrayRef = Arc::new(Float64Array::from_iter_values(
            rows.iter().map(|row| self.labels[*row]),
        ));
        columns.push(Column::new(
            "label",
            labels.data_type().clone(),
            Role::Label,
        ));
        arrays.push(labels);
        let schema = TableSchema::new(columns).expect("names differ");
        let table = Table::new(schema, arrays).expect("the columns are those of the schema");
        TrainingSet::new(table, Lineage::default()).expect("labels are numbers")
    }
}

/// The CPU seconds of this process, where the system tells.
fn cpu() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks = fields
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

fn score(set: &TrainingSet, answers: &[f64]) -> f64 {
    match set.target() {
        Target::Binary(labels) => metric::roc_auc(&labels, answers).expect("two classes"),
        Target::Number(labels) => {
            let sum: f64 = labels
                .iter()
                .zip(answers)
                .map(|(y, a)| (y - a) * (y - a))
                .sum();
            (sum / labels.len() as f64).sqrt()
        }
        Target::Classes { .. } => unreachable!("labels are numbers"),
    }
}

fn trainer(forest: bool, threads: usize) -> Box<dyn Trainer> {
    if forest {
        let builder = RandomForest::builder().threads(threads);
        return Box::new(builder.build().expect("in range"));
    }
    let builder = Boosting::builder()
        .trees(200)
        .leaves(63)
        .early_stopping(None);
    let builder = builder.train_loss(false).threads(threads);
    Box::new(builder.build().expect("in range"))
}

#[expect(clippy::print_stdout, reason = "it is what a bench is for")]
fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench");
    let (mut threads, mut folds, mut forest, mut files) = (1, 5u32, false, Vec::new());
    while let Some(argument) = arguments.next() {
        let mut number = || {
            arguments
                .next()
                .and_then(|n| n.parse().ok())
                .expect("a number")
        };
        match argument.as_str() {
            "--forest" => forest = true,
            "--threads" => threads = number(),
            "--folds" => folds = u32::try_from(number()).expect("a number of folds"),
            _ => files.push(argument),
        }
    }
    for file in files {
        let data = Data::read(&file);
        let (mut scores, mut wall, mut used) = (0.0, 0.0, 0.0);
        for fold in 0..folds {
            let (train, test) = (
                data.set(f64::from(fold), false),
                data.set(f64::from(fold), true),
            );
            let trainer = trainer(forest, threads);
            let (watch, before) = (Stopwatch::start(), cpu());
            let fitted = trainer.fit(&train).expect("two labels");
            wall += watch.elapsed().as_secs_f64();
            used += cpu() - before;
            let answers = fitted
                .spec
                .predict_values(&test.features())
                .expect("the same columns");
            scores += score(&test, &answers);
        }
        let name = Path::new(&file)
            .file_stem()
            .expect("a file's name")
            .to_string_lossy();
        let mean = |sum: f64| sum / f64::from(folds);
        println!(
            "{name} {:.5} {:.3} {:.3}",
            mean(scores),
            mean(wall),
            mean(used)
        );
    }
}
