//! Nanoseconds an expression, one row at a time and a million rows at once.
//!
//! `cargo bench -p mlops-features --bench transform`. Times are of the thread's processor, not of the clock on the
//! wall, so that a busy machine does not show in them.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::{fs, hint::black_box, sync::Arc};

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
use mlops_core::{EventTime, Value};
use mlops_features::{DataType, transform::Program};

const ROWS: usize = 1_000_000;

/// Nanoseconds that this thread ran, as the kernel's scheduler counts them.
fn busy() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

fn main() {
    let columns = [
        ("sum", DataType::Float64),
        ("count", DataType::Int64),
        ("now", DataType::Float64),
        ("country", DataType::Utf8),
        ("t", EventTime::data_type()),
    ]
    .map(|(name, data_type)| (name.to_owned(), data_type));
    let row = |i: usize| i64::try_from(i).unwrap();
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(
            (0..ROWS)
                .map(|i| (i % 10 > 0).then_some(i as f64))
                .collect::<Float64Array>(),
        ),
        Arc::new(Int64Array::from_iter_values((0..ROWS).map(|i| row(i % 7)))),
        Arc::new(Float64Array::from_iter_values(
            (0..ROWS).map(|i| i as f64 * 0.5),
        )),
        Arc::new(StringArray::from_iter_values(
            (0..ROWS).map(|i| ["UK", "France", " uk"][i % 3]),
        )),
        Arc::new(
            TimestampMicrosecondArray::from_iter_values((0..ROWS).map(|i| row(i) * 1_000_000_007))
                .with_timezone("UTC"),
        ),
    ];
    let few: Vec<Vec<Value>> = (0..1_000)
        .map(|at| {
            arrays
                .iter()
                .map(|a| Value::from_array("c", a, at).unwrap())
                .collect()
        })
        .collect();
    println!("{:>9} {:>9}  ns a row: alone, in a column", "row", "column");
    for text in [
        "now",
        "now + 1.0",
        "sum / nullif(count, 0)",
        "now / coalesce(sum / nullif(count, 0), 1.0)",
        "if(now > sum, 1, if(now > 100.0, 2, 3))",
        "count * 2 + 1",
        "sum is null or now > 10.0 and count in (1, 2, 3)",
        "ln(now + 1.0)",
        "haversine(now % 90.0, now % 180.0, 51.5, -0.1)",
        "bucketize(now, 1.0, 10.0, 100.0, 1000.0)",
        "hash_bucket(country, 1000)",
        "lower(trim(country)) = 'uk'",
        "hour(t, 'Europe/London')",
        "truncate(t, 'day', 'Europe/London')",
    ] {
        let program = Program::compile(&text.parse().unwrap(), &columns, &[]).unwrap();
        let mut best = [f64::MAX; 2];
        for _ in 0..3 {
            let start = busy();
            for _ in 0..500 {
                for values in &few {
                    black_box(program.row(black_box(values)).unwrap());
                }
            }
            best[0] = best[0].min((busy() - start) as f64 / (500 * few.len()) as f64);
            let start = busy();
            for _ in 0..5 {
                black_box(program.column(black_box(&arrays)).unwrap());
            }
            best[1] = best[1].min((busy() - start) as f64 / (5 * ROWS) as f64);
        }
        println!("{:9.1} {:9.1}  {text}", best[0], best[1]);
    }
}
