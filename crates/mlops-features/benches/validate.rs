//! A contract of 20 expectations on a million rows of 20 columns, and the same with a tenth of the rows bad.
//!
//! `cargo bench -p mlops-features --bench validate -- FILE [ROWS]` writes FILE if it is not there and reads it, so
//! that `benches/peers/validate.py FILE` measures pandera and Great Expectations on the very same rows. Without a
//! file the table stays in memory. Each line is the best of some runs.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]
#![expect(
    clippy::from_iter_instead_of_collect,
    reason = "the type of a column is the news"
)]
#![expect(clippy::unwrap_used, reason = "a bench may panic")]

use std::{
    fs::{self, File},
    num::NonZeroUsize,
    path::Path,
    sync::Arc,
};

use mlops_core::{
    Column, EventTime, Stopwatch, Table, TableSchema,
    arrow::{
        array::{
            Array, ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, StringArray,
            TimestampMicrosecondArray,
        },
        compute::concat_batches,
    },
};
use mlops_features::{Contract, Expectation};
use parquet::arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder};

const RUNS: usize = 7;
const COUNTRIES: [&str; 20] = [
    "AT", "BE", "CH", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "IE", "IT", "LT", "LV", "NL",
    "NO", "PL", "PT", "SE",
];
const STATES: [&str; 5] = ["open", "paid", "shipped", "returned", "cancelled"];
const START: i64 = 1_600_000_000_000_000;
const YEAR: i64 = 31_536_000_000_000;

/// A small generator of our own: the rows must be the same wherever the bench runs.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn table(rows: usize) -> Table {
    let mut numbers = Numbers(7);
    let whole = |v: usize| i64::try_from(v).unwrap();
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    let mut add = |name: &str, array: ArrayRef| columns.push((name.to_owned(), array));
    // a permutation, so that uniqueness does not show by order
    let mut ids: Vec<i64> = (0..rows).map(|i| whole(i) * 7_919 + 13).collect();
    for i in (1..rows).rev() {
        ids.swap(i, numbers.below(i + 1));
    }
    add("id", Arc::new(Int64Array::from(ids)));
    let customers = (0..rows).map(|_| whole(numbers.below(100_000)));
    add(
        "customer",
        Arc::new(Int64Array::from_iter_values(customers)),
    );
    let quantity = (0..rows).map(|_| i32::try_from(1 + numbers.below(50)).unwrap());
    add("quantity", Arc::new(Int32Array::from_iter_values(quantity)));
    let channel = (0..rows).map(|_| whole(numbers.below(4)));
    add("channel", Arc::new(Int64Array::from_iter_values(channel)));
    for f in 0..9 {
        // every third float column has nulls
        let values = (0..rows).map(|_| {
            let value = numbers.share() * 100.0;
            (f % 3 != 0 || value >= 1.0).then_some(value)
        });
        add(&format!("f{f}"), Arc::new(Float64Array::from_iter(values)));
    }
    let country = (0..rows).map(|_| COUNTRIES[numbers.below(COUNTRIES.len())]);
    add("country", Arc::new(StringArray::from_iter_values(country)));
    let state = (0..rows).map(|_| STATES[numbers.below(STATES.len())]);
    add("state", Arc::new(StringArray::from_iter_values(state)));
    let code = (0..rows).map(|_| {
        let n = numbers.below(10_000);
        let letter = |by: usize| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n / by % 26]);
        format!("{}{}{}-{n:04}", letter(1), letter(26), letter(676))
    });
    add("code", Arc::new(StringArray::from_iter_values(code)));
    let email = (0..rows).map(|i| format!("user{}@mail{}.example", i, numbers.below(100)));
    add("email", Arc::new(StringArray::from_iter_values(email)));
    for name in ["ordered_at", "paid_at"] {
        let times = (0..rows).map(|_| START + i64::try_from(numbers.next() >> 20).unwrap() % YEAR);
        let times = TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC");
        add(name, Arc::new(times));
    }
    let gift = (0..rows).map(|_| Some(numbers.below(10) == 0));
    add("gift", Arc::new(BooleanArray::from_iter(gift)));
    made(columns)
}

fn made(columns: Vec<(String, ArrayRef)>) -> Table {
    let schema = columns
        .iter()
        .map(|(name, a)| Column::value(name, a.data_type().clone()));
    let schema = TableSchema::new(schema).unwrap();
    Table::new(
        schema,
        columns.into_iter().map(|(_, array)| array).collect(),
    )
    .unwrap()
}

/// Twenty expectations, one a column; with `limit` below 100 the float columns have bad rows.
fn contract(limit: f64) -> Contract {
    let end = EventTime::from_micros(START + YEAR);
    let mut contract = Contract::named("orders")
        .expect(Expectation::unique(["id"]))
        .expect(Expectation::between("customer", 0, 99_999))
        .expect(Expectation::between("quantity", 1, 50))
        .expect(Expectation::in_set("channel", [0, 1, 2, 3]))
        .expect(Expectation::in_set("country", COUNTRIES))
        .expect(Expectation::in_set("state", STATES))
        .expect(Expectation::matches("code", "^[A-Z]{3}-[0-9]{4}$"))
        .expect(Expectation::length_between("email", 5, 60))
        .expect(Expectation::time_between(
            "ordered_at",
            EventTime::from_micros(START),
            end,
        ))
        .expect(Expectation::not_after("paid_at", end))
        .expect(Expectation::not_null("gift"));
    for f in 0..9 {
        contract = contract.expect(Expectation::between(format!("f{f}"), 0.0, limit));
    }
    contract
}

fn write(table: &Table, path: &Path) {
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, table.batch().schema(), None).unwrap();
    writer.write(table.batch()).unwrap();
    writer.close().unwrap();
}

fn read(path: &Path) -> Table {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let schema = reader.schema().clone();
    let reader = reader.with_batch_size(1 << 16).build().unwrap();
    let batches: Vec<_> = reader.collect::<Result<_, _>>().unwrap();
    let batch = concat_batches(&schema, &batches).unwrap();
    let names = schema.fields().iter().map(|f| f.name().clone());
    made(names.zip(batch.columns().iter().cloned()).collect())
}

/// Seconds that this thread was on a processor, where the system tells: on a busy machine the wall clock says little.
fn on_processor() -> Option<f64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos: u64 = text.split(' ').next()?.parse().ok()?;
    Some(nanos as f64 / 1e9)
}

/// The best wall and processor seconds of some runs.
fn best(mut run: impl FnMut()) -> (f64, f64) {
    let runs = (0..RUNS).map(|_| {
        let (watch, before) = (Stopwatch::start(), on_processor());
        run();
        let after = on_processor();
        let used = after
            .zip(before)
            .map_or(f64::NAN, |(after, before)| after - before);
        (watch.elapsed().as_secs_f64(), used)
    });
    let least = (f64::INFINITY, f64::INFINITY);
    runs.fold(least, |best, run| (best.0.min(run.0), best.1.min(run.1)))
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    let rows = arguments
        .get(1)
        .map_or(1_000_000, |text| text.parse().unwrap());
    let table = match arguments.first().map(Path::new) {
        Some(path) => {
            if !path.exists() {
                write(&table(rows), path);
            }
            read(path)
        }
        None => table(rows),
    };
    println!(
        "{} rows of {} columns",
        table.rows(),
        table.schema().columns().len()
    );
    for (name, limit) in [("all good", 100.0), ("a tenth of the rows bad", 98.8)] {
        let contract = contract(limit);
        let bad = contract.validate(&table).unwrap().bad_rows().len();
        for threads in [1, 2] {
            let threads = NonZeroUsize::new(threads).unwrap();
            let (wall, used) = best(|| {
                let validation = contract.inspect(&table).threads(threads).run().unwrap();
                assert_eq!(validation.results.len(), 20);
            });
            let first = if threads.get() == 1 {
                "CPU"
            } else {
                "CPU of the first"
            };
            println!(
                "mlops/{name}/{threads} threads: {wall:.4} s wall, {used:.4} s {first}, {bad} bad rows"
            );
        }
    }
    for expectation in contract(100.0).expectations() {
        let one = Contract::named("one").expect(expectation.clone());
        let (_, used) = best(|| drop(one.validate(&table).unwrap()));
        println!("  {:.2} ms  {}", used * 1e3, expectation.words());
    }
}
