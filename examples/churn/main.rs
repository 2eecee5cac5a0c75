//! The whole loop, from raw purchase lines to a retrained model in service.
//!
//! ```text
//! cargo run --release --example churn
//! cargo run --release --example churn -- --data online-retail.csv.gz --out out
//! ```
//!
//! Time is simulated: the story begins on the day on which the first model is put into service, and goes from
//! month to month. Each month's purchases arrive, every active customer is scored, outcomes of earlier
//! predictions become known, drift and performance are judged; an alert starts retraining, a gate decides, and
//! the running server swaps. Nothing that a step sees lies in its future.
#![expect(unreachable_pub, reason = "the modules of one program")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people"
)]

mod args;
mod champion;
mod events;
#[path = "../support/failure.rs"]
mod failure;
mod generator;
mod page;
mod story;
mod traffic;

use std::{error::Error, fs, path::Path, process::ExitCode, sync::Arc};

use args::Args;
use events::Events;
use generator::Shop;
use mlops::{core::Stopwatch, prelude::*};
use story::{Story, Told};

type AnyResult<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            print!("{}", args::HELP);
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

fn run(args: &Args) -> AnyResult<()> {
    let watch = Stopwatch::start();
    let (events, shift) = read(args)?;
    let q = &events.quality;
    println!(
        "read      {} rows from {}: {} kept ({} of them returns), {} rejected, {} quarantined",
        q.rows_read,
        q.source,
        events.lines.rows(),
        q.returns,
        q.rejected.total(),
        q.quarantined.total(),
    );

    // Everything is written into a folder beside the target and moved there when it is whole.
    let scratch = tempfile::Builder::new()
        .prefix(".churn-")
        .tempdir_in(parent(args.out.as_deref())?)?;
    let told = Story::begin(&events, scratch.path(), args.seed, args.port, shift)?.tell()?;
    fs::write(
        scratch.path().join("report.html"),
        page::render(&events, &told)?,
    )?;
    let (store, service) = (told.store.clone(), told.service.clone());
    let today = told.observations.last().map(|o| o.time);
    let summary = summary(&told);
    drop(told); // closes the databases before their folder moves

    println!();
    if let Some(out) = &args.out {
        if out.exists() {
            fs::remove_dir(out)?; // it is empty, the arguments were checked
        }
        fs::rename(scratch.keep(), out)?;
        let out = out.display();
        println!("kept in   {out}: report.html, mlops.db, predictions.db, artifacts");
    } else {
        println!("kept in   nothing; --out DIR keeps the database, artifacts and report.html");
    }
    println!("took      {:.1} s", watch.elapsed().as_secs_f64());
    println!("{summary}");
    match &args.out {
        Some(out) if args.serve => serve(out, args.port, store, service, today),
        None if args.serve => Err("--serve needs --out DIR, where the registry is kept".into()),
        _ => Ok(()),
    }
}

/// The events, and the day of the planted shift if they are the built-in ones.
fn read(args: &Args) -> AnyResult<(Events, Option<EventTime>)> {
    if let Some(path) = &args.data {
        let name = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy();
        return Ok((events::read(&name, &Csv::open(path)?)?, None));
    }
    let shop = Shop {
        seed: Seed(args.seed),
        customers: args.customers,
        start: EventTime::parse("2022-01-01T00:00:00Z")?,
        end: EventTime::parse("2024-11-01T00:00:00Z")?,
        shift: EventTime::parse("2024-01-01T00:00:00Z")?,
    };
    let csv = Csv::from_bytes("the built-in shop", shop.csv());
    Ok((events::read("the built-in shop", &csv)?, Some(shop.shift)))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a program may use the machine's folder for temporary files"
)]
fn parent(out: Option<&Path>) -> AnyResult<std::path::PathBuf> {
    let parent = out.map_or_else(std::env::temp_dir, |out| match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => ".".into(),
    });
    fs::create_dir_all(&parent)?;
    Ok(parent)
}

/// What came of it; it ends with what was promoted and why.
fn summary(told: &Told) -> String {
    let served = &told.served;
    let signals = match told.shift {
        Some(_) => format!(
            "{} before the planted shift, {} after it",
            told.signals_before, told.signals_after
        ),
        None => told.signals_before.to_string(),
    };
    let lines = [
        format!(
            "served    {} predictions, {} outcomes joined, {} requests over HTTP, {} failed",
            served.predictions, served.outcomes, served.requests, served.failed
        ),
        format!(
            "skew      {} feature values compared offline and online, {} differ",
            served.compared, served.differing
        ),
        format!("signals   {signals}"),
    ];
    let lines: Vec<&str> = lines
        .iter()
        .chain(&told.promotions)
        .map(String::as_str)
        .collect();
    lines.join("\n")
}

/// Opens what was kept, as a service would after a restart, and serves it as of the story's last day.
fn serve(
    folder: &Path,
    port: u16,
    store: FeatureStore,
    service: FeatureService,
    today: Option<EventTime>,
) -> AnyResult<()> {
    let clock = ManualClock::new(today.ok_or("the story has no days")?);
    let registry = Registry::open(format!("sqlite://{}", folder.join("mlops.db").display()))?;
    let endpoint = Endpoint::open(&registry, "churn@production")?
        .with_clock(Arc::new(clock))
        .with_features(store, service)?
        .with_log(PredictionLog::open(folder.join("predictions.db"))?);
    let server = Server::new()
        .endpoint(endpoint)
        .stop_on_signals()
        .bind(&format!("127.0.0.1:{port}"))?;
    println!(
        "serving   http://{}/v1/models/churn:predict, stop with ctrl-c",
        server.addr()
    );
    server.join();
    Ok(())
}
