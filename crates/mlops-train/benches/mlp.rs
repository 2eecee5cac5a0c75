//! How long an epoch of a network takes: 100,000 rows of 20 numbers, two layers of 64, batches of 1024 unless told
//! otherwise.
//!
//! `cargo bench -p mlops-train --no-default-features --features burn --bench mlp -- [threads] [epochs] [width] [batch]`
//! prints the seconds of each epoch; with features `cuda` or `wgpu` and one of these words among the arguments it trains
//! on the first such GPU, with `mixed` in bfloat16. `benches/peers/mlp.py` runs the same with PyTorch, in turns with this
//! program.

use std::{num::NonZeroUsize, sync::Arc};

use mlops_core::{
    Column, Lineage, Role, Seed, Stopwatch, Table, TableSchema, TrainingSet,
    arrow::{
        array::{ArrayRef, BooleanArray, Float64Array, TimestampMicrosecondArray},
        datatypes::DataType,
    },
};
use mlops_train::{Device, Mlp, NetworkControl, Precision, Training};

const ROWS: usize = 100_000;
const WIDTH: usize = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // cargo hands `--bench` on
    let numbers: Vec<usize> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    let threads = NonZeroUsize::new(numbers.first().copied().unwrap_or(2)).ok_or("0 threads")?;
    let number = |at: usize, otherwise| numbers.get(at).copied().unwrap_or(otherwise);
    let (epochs, width, batch) = (number(1, 6), number(2, 64), number(3, 1024));
    let told = |word: &str| std::env::args().any(|arg| arg == word);
    let device = if told("cuda") {
        Device::Cuda(0)
    } else if told("wgpu") {
        Device::Wgpu(0)
    } else {
        Device::Cpu
    };
    let precision = if told("mixed") {
        Precision::Mixed
    } else {
        Precision::Single
    };
    let training = Training::new()
        .epochs(epochs)
        .batch(batch)
        .device(device)
        .precision(precision)
        .learning_rate(0.001)
        .early_stopping(None)
        .threads(threads);
    let trainer = Mlp::builder()
        .hidden([width, width])
        .training(training)
        .build()?;
    let set = rows()?;
    let mut watch = Stopwatch::start();
    let mut seconds = Vec::new();
    trainer.fit_with(&set, None, &mut |progress| {
        let loss = progress.train_loss;
        let spent = watch.elapsed().as_secs_f64();
        watch = Stopwatch::start();
        // the first holds the preparation too
        if progress.epoch > 1 {
            seconds.push(format!("{spent:.4}"));
        }
        assert!(loss.is_finite());
        NetworkControl::Continue
    })?;
    #[expect(clippy::print_stdout, reason = "a benchmark says what it measured")]
    {
        println!("{}", seconds.join(" "));
    }
    Ok(())
}

fn rows() -> Result<TrainingSet, mlops_core::Error> {
    let mut rng = Seed(1).rng();
    let values: Vec<Vec<f64>> = (0..WIDTH)
        .map(|_| (0..ROWS).map(|_| rng.normal()).collect())
        .collect();
    let labels: Vec<bool> = (0..ROWS)
        .map(|row| values[0][row] * values[1][row] + values[2][row] + rng.normal() > 0.0)
        .collect();
    let times = (0..ROWS).map(|row| i64::try_from(row).expect("a row number fits"));
    let times = TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC");
    let mut columns = vec![Column::event_time("at")];
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(times)];
    for (at, values) in values.into_iter().enumerate() {
        columns.push(Column::value(format!("x{at}"), DataType::Float64));
        arrays.push(Arc::new(Float64Array::from(values)));
    }
    columns.push(Column::new("y", DataType::Boolean, Role::Label));
    arrays.push(Arc::new(BooleanArray::from(labels)));
    TrainingSet::new(
        Table::new(TableSchema::new(columns)?, arrays)?,
        Lineage::default(),
    )
}
