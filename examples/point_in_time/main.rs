//! The point-in-time join as a program: a spine and views in files, one file out.
//!
//! ```text
//! cargo run --release --example point_in_time -- --spine labels.parquet \
//!     --view "trips=trips.parquet:key=driver_id;time=at;created=loaded_at" --ttl 90d --out set.parquet
//! ```
#![expect(unreachable_pub, reason = "the modules of one program")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people"
)]

mod args;
#[path = "../support/failure.rs"]
mod failure;

use std::{
    collections::BTreeSet,
    io::{IsTerminal, stderr},
    process::ExitCode,
    sync::Mutex,
    time::Duration,
};

use args::Args;
use mlops::{
    core::Stopwatch,
    features::{JoinProgress, JoinSummary, PointInTimeJoin, SpineFile},
};

/// Columns of megabytes come and go all the time; this allocator gives the same pages again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    let watch = Stopwatch::start();
    match run(&args) {
        Ok(summary) => {
            print(&args, &summary, watch.elapsed());
            ExitCode::SUCCESS
        }
        Err(error) => failure::report(&error),
    }
}

fn run(args: &Args) -> mlops::features::Result<JoinSummary> {
    let mut spine = SpineFile::open(&args.spine)?;
    if let Some(time) = &args.time {
        spine = spine.time(time);
    }
    let mut join = PointInTimeJoin::new(spine);
    for view in &args.views {
        join = join.view(view.open(args)?);
    }
    if let Some(threads) = args.threads {
        join = join.threads(threads.get());
    }
    let progress = Progress::new();
    let hear = |step: JoinProgress<'_>| progress.show(step);
    if !args.quiet {
        join = join.progress(&hear);
    }
    let summary = join.write(&args.out);
    progress.end();
    summary
}

/// One line on a terminal, rewritten a few times a second; a line a stage elsewhere.
struct Progress {
    terminal: bool,
    last: Mutex<Last>,
}

/// The stages that were told of, and when something was printed last.
#[derive(Default)]
struct Last {
    stages: BTreeSet<String>,
    printed: Option<Stopwatch>,
}

impl Progress {
    fn new() -> Self {
        Self {
            terminal: stderr().is_terminal(),
            last: Mutex::default(),
        }
    }

    fn show(&self, step: JoinProgress<'_>) {
        const PAUSE: Duration = Duration::from_millis(100);
        // a thread that finds another one printing has nothing better to say
        let Ok(mut last) = self.last.try_lock() else {
            return;
        };
        let fresh = !last.stages.contains(step.stage);
        if !fresh && last.printed.is_some_and(|watch| watch.elapsed() < PAUSE) {
            return;
        }
        let done = match step.total {
            Some(total) if total > 0 => format!("{} %", step.done * 100 / total),
            _ => step.done.to_string(),
        };
        if self.terminal {
            eprint!("\r\x1b[K{} {done}", step.stage);
        } else if fresh {
            eprintln!("{} …", step.stage);
        }
        last.stages.insert(step.stage.to_owned());
        last.printed = Some(Stopwatch::start());
    }

    fn end(&self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}

fn print(args: &Args, summary: &JoinSummary, elapsed: Duration) {
    let peak = peak_mebibytes();
    let seconds = elapsed.as_secs_f64();
    if args.json {
        let views = summary.views.iter();
        let views: Vec<serde_json::Value> = views.map(|view| serde_json::json!(view)).collect();
        let json = serde_json::json!({
            "rows": summary.rows,
            "views": views,
            "seconds": seconds,
            "peak_mebibytes": peak,
        });
        println!("{json}");
        return;
    }
    println!("rows     {}", summary.rows);
    for view in &summary.views {
        let keys = match &view.keys[..] {
            [] => "time alone".to_owned(),
            keys => keys.join(", "),
        };
        println!(
            "view     {}: {} rows, joined on {keys}: matched {}, null {}, expired {}",
            view.view, view.rows, view.matched, view.null, view.expired
        );
        if view.without_time > 0 {
            println!(
                "         {} rows have no event time and answer nothing",
                view.without_time
            );
        }
    }
    println!("seconds  {seconds:.3}");
    if let Some(peak) = peak {
        println!("peak     {peak} MiB");
    }
    println!("written  {}", args.out.display());
}

/// The most memory that this process ever held, where the system says so.
fn peak_mebibytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes / 1024)
}
