//! A packaged model as a program: a table in a file, its answers in another.
//!
//! ```text
//! cargo run --release --example predict -- --package model --input rows.parquet --out answers.csv
//! ```
#![expect(unreachable_pub, reason = "the modules of one program")]
#![expect(clippy::print_stderr, reason = "a program for people")]

#[path = "../train/data.rs"]
#[expect(dead_code, reason = "`train` uses all of it")]
mod data;
#[path = "../support/failure.rs"]
mod failure;

use std::{ffi::OsStr, fs::File, io::Write, path::PathBuf, process::ExitCode, sync::Arc};

use data::Result;
use mlops::{
    core::arrow::array::{ArrayRef, Float64Array, RecordBatch},
    features::Parse,
    model::{InputKind, ModelPackage, Output},
};

const HELP: &str = "\
Lets a packaged model answer the rows of a file.

usage: predict --package DIR --input FILE --out FILE [--null TEXT …]

  --package DIR  what `train --out` wrote
  --input FILE   .csv, .csv.gz or .parquet with the model's columns; others are passed over
  --out FILE     .csv or .parquet: a column of probabilities a class, or the value, in the input's order
  --null TEXT    a text that stands for no value, as often as there are some (an empty field always does)
";

struct Args {
    package: PathBuf,
    input: PathBuf,
    out: PathBuf,
    nulls: Vec<String>,
}

impl Args {
    fn parse(mut words: impl Iterator<Item = String>) -> std::result::Result<Option<Self>, String> {
        let (mut package, mut input, mut out, mut nulls) = (None, None, None, Vec::new());
        while let Some(flag) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{flag} needs a value"));
            match flag.as_str() {
                "--help" | "-h" => return Ok(None),
                "--package" => package = Some(PathBuf::from(value()?)),
                "--input" => input = Some(PathBuf::from(value()?)),
                "--out" => out = Some(PathBuf::from(value()?)),
                "--null" => nulls.push(value()?),
                _ => return Err(format!("`{flag}` is no option of this program; see --help")),
            }
        }
        Ok(Some(Self {
            package: package.ok_or("--package is missing; see --help")?,
            input: input.ok_or("--input is missing; see --help")?,
            out: out.ok_or("--out is missing; see --help")?,
            nulls,
        }))
    }
}

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            eprint!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::FAILURE;
        }
    };
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(error.as_ref()),
    }
}

fn run(args: &Args) -> Result<()> {
    let package = ModelPackage::read_dir(&args.package)?;
    let model = package.load()?;
    let columns: Vec<(String, Parse)> = model
        .signature()
        .inputs()
        .iter()
        .map(|input| {
            let parse = match input.kind {
                InputKind::Float => Parse::Float,
                InputKind::Int => Parse::Int,
                InputKind::Bool => Parse::Bool,
                InputKind::Str => Parse::Trimmed,
                InputKind::Floats { .. } | InputKind::Ints { .. } => {
                    let name = &input.name;
                    return Err(
                        format!("input `{name}` is a list, which no file here holds").into(),
                    );
                }
            };
            Ok((input.name.clone(), parse))
        })
        .collect::<Result<_>>()?;
    let table = data::read(&args.input, &columns, &args.nulls)?;
    let answers = model.predict(table.batch())?;

    let column = |at: usize| answers.values().iter().skip(at).step_by(answers.width());
    let numbers = |values: Vec<f64>| -> ArrayRef { Arc::new(Float64Array::from(values)) };
    let columns: Vec<(String, ArrayRef)> = match model.signature().output() {
        Output::Number => vec![("prediction".to_owned(), numbers(answers.values().to_vec()))],
        Output::Numbers { names } | Output::Classes { names } => names
            .iter()
            .enumerate()
            .map(|(at, name)| (name.clone(), numbers(column(at).copied().collect())))
            .collect(),
        Output::Probability { positive } => {
            let [no, yes] = ["negative_class", "positive_class"]
                .map(|name| package.params().get(name).cloned());
            let yes = yes.unwrap_or_else(|| positive.clone());
            let no = no.unwrap_or_else(|| format!("not {yes}"));
            let rest = column(0).map(|p| 1.0 - p).collect();
            vec![
                (no, numbers(rest)),
                (yes, numbers(column(0).copied().collect())),
            ]
        }
    };
    write(args, &RecordBatch::try_from_iter(columns)?)
}

/// Writes beside the file and renames, so that it is there whole or not at all.
fn write(args: &Args, answers: &RecordBatch) -> Result<()> {
    let name = args.out.to_string_lossy().into_owned();
    let part = PathBuf::from(format!("{name}.part"));
    let failed = |error: &dyn std::fmt::Display| format!("`{name}` cannot be written: {error}");
    let written = (|| -> Result<()> {
        let mut file = File::create(&part).map_err(|e| failed(&e))?;
        match args.out.extension().and_then(OsStr::to_str) {
            Some("csv") => data::write_csv(&mut file, answers)?,
            Some("parquet") => data::write_parquet(&mut file, answers)?,
            _ => return Err(format!("`{name}` ends in neither .csv nor .parquet").into()),
        }
        file.flush().map_err(|e| failed(&e))?;
        std::fs::rename(&part, &args.out).map_err(|e| failed(&e).into())
    })();
    if written.is_err() {
        // what is half written is of no use; the error that matters is the first
        std::fs::remove_file(&part).ok();
    }
    written
}
