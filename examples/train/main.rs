//! Training as a program: two files in, a judged and packaged model out.
//!
//! ```text
//! cargo run --release --example train -- --train adult-train.csv --test adult-test.csv --target income \
//!     --trainer boosting --param trees=200 --param leaves=63 --out model
//! ```
#![expect(unreachable_pub, reason = "the modules of one program")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people"
)]

mod args;
#[expect(dead_code, reason = "`predict` uses the rest")]
mod data;
#[path = "../support/failure.rs"]
mod failure;
mod trainers;

use std::{collections::BTreeMap, process::ExitCode};

use args::Args;
use data::{Layout, Result};
use mlops::{
    core::{Seed, Stopwatch, TrainingSet, Value, arrow::array::RecordBatch},
    model::{Matrix, Model, ModelPackage, ModelSpec, Output, Scratch, Signature},
    train::{EvaluationOptions, Measure, Metric, Truth, assess, weighted_interval},
};

/// Columns of megabytes come and go all the time; this allocator gives the same pages again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            print!("{}\n{}", args::HELP, trainers::help());
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("error: {message}");
            return ExitCode::FAILURE;
        }
    };
    match run(&args) {
        Ok(report) => {
            report.print(&args);
            ExitCode::SUCCESS
        }
        Err(error) => failure::report(error.as_ref()),
    }
}

/// What a run found.
struct Report {
    metrics: BTreeMap<String, f64>,
    params: BTreeMap<String, String>,
    fit_seconds: f64,
    predict_seconds: f64,
    rows: usize,
    test_rows: usize,
    features: usize,
}

fn run(args: &Args) -> Result<Report> {
    let trainer = trainers::named(&args.trainer, &args.params, Seed(args.seed))?;
    if args.out.exists() {
        return Err(format!("`{}` is there already", args.out.display()).into());
    }
    let say = |text: &str| {
        if !args.quiet {
            eprintln!("{text} …");
        }
    };
    say("reading");
    let mut layout = Layout::of(
        [&args.train, &args.test],
        &args.target,
        args.weight.as_deref(),
        &args.drop,
        args.nulls.clone(),
        args.task,
    )?;
    let train = layout.read(&args.train)?;
    let test = layout.read(&args.test)?;
    if args.trainer == "isolation" && layout.classes.is_none() {
        return Err("`isolation` is judged by a label of two classes".into());
    }

    say("fitting");
    let watch = Stopwatch::start();
    let fitted = trainer.fit(&train)?;
    let fit_seconds = watch.elapsed().as_secs_f64();

    say("judging");
    let watch = Stopwatch::start();
    let answers = fitted.spec.predict(&test.features())?;
    let predict_seconds = watch.elapsed().as_secs_f64();
    let options = EvaluationOptions {
        bootstrap: 200,
        seed: Seed(args.seed),
        ..EvaluationOptions::default()
    };
    let answered = Answered {
        model: &fitted.spec,
        answers,
    };
    let metrics = match fitted.spec.signature().output() {
        Output::Number if layout.classes.is_some() => ranked(&answered, &test, &options)?,
        _ => assess(&answered, &test, &options)?.metrics(),
    };

    let mut package = ModelPackage::builder(fitted.spec).trainer(trainer.name());
    for (name, value) in &fitted.params {
        package = package.param(name, value);
    }
    if let Some([negative, positive]) = &layout.classes {
        package = package
            .param("negative_class", negative)
            .param("positive_class", positive);
    }
    package.build()?.write_dir(&args.out)?;
    Ok(Report {
        metrics,
        params: fitted.params,
        fit_seconds,
        predict_seconds,
        rows: train.rows(),
        test_rows: test.rows(),
        features: train.feature_names().len(),
    })
}

/// A model that has answered the rows it is asked for.
#[derive(Debug)]
struct Answered<'a> {
    model: &'a ModelSpec,
    answers: Matrix,
}

impl Model for Answered<'_> {
    fn signature(&self) -> &Signature {
        self.model.signature()
    }

    fn family(&self) -> &str {
        self.model.family()
    }

    fn predict(&self, _: &RecordBatch) -> mlops::model::Result<Matrix> {
        Ok(self.answers.clone())
    }

    fn predict_row<'s>(
        &self,
        row: &[Value],
        scratch: &'s mut Scratch,
    ) -> mlops::model::Result<&'s [f64]> {
        self.model.predict_row(row, scratch)
    }
}

/// How well a number tells two classes apart that it was not made for.
fn ranked(
    answered: &Answered<'_>,
    test: &TrainingSet,
    options: &EvaluationOptions,
) -> Result<BTreeMap<String, f64>> {
    let truth = Truth::Binary(test.label_classes()?);
    let weights = test.weights();
    let mut metrics = BTreeMap::new();
    for measure in [Measure::RocAuc, Measure::PrAuc] {
        let name = measure.name();
        let found = weighted_interval(
            &measure,
            &truth,
            answered.answers.values(),
            weights.as_deref(),
            options.bootstrap,
            options.level,
            options.seed.derive(&name),
        )?;
        metrics.insert(format!("{name}_lower"), found.lower);
        metrics.insert(format!("{name}_upper"), found.upper);
        metrics.insert(name, found.value);
    }
    Ok(metrics)
}

impl Report {
    fn print(&self, args: &Args) {
        if args.json {
            let mut json = serde_json::json!(self.metrics);
            for (name, value) in [
                ("trainer", serde_json::json!(args.trainer)),
                ("params", serde_json::json!(self.params)),
                ("fit_seconds", serde_json::json!(self.fit_seconds)),
                ("predict_seconds", serde_json::json!(self.predict_seconds)),
                // the metrics' own `rows` are those of the test
                ("rows", serde_json::json!(self.rows)),
                ("test_rows", serde_json::json!(self.test_rows)),
                ("features", serde_json::json!(self.features)),
                ("package", serde_json::json!(args.out)),
            ] {
                json[name] = value;
            }
            println!("{json}");
            return;
        }
        println!("trainer           {}", args.trainer);
        println!(
            "rows              {} to fit, {} to judge",
            self.rows, self.test_rows
        );
        println!("features          {}", self.features);
        println!("fit seconds       {:.3}", self.fit_seconds);
        println!("predict seconds   {:.3}", self.predict_seconds);
        let ends = ["_lower", "_upper"];
        for (name, value) in &self.metrics {
            if ends.iter().any(|end| name.ends_with(end)) {
                continue;
            }
            let [lower, upper] = ends.map(|end| self.metrics.get(&format!("{name}{end}")));
            match lower.zip(upper) {
                Some((lower, upper)) => {
                    println!("{name:<17} {value:.5}  [{lower:.5}, {upper:.5}]");
                }
                None => println!("{name:<17} {value:.5}"),
            }
        }
        println!("package           {}", args.out.display());
    }
}
