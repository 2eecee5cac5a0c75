//! A registry at the command line: what is registered, what runs there were, who may promote what, and what happened.
//!
//! ```text
//! cargo run --release --example registry -- --dir ./tracking list
//! cargo run --release --example registry -- --dir ./tracking --as ada approve churn#3 --why "checked the segments"
//! ```
//!
//! Errors are one line that names the culprit, and nothing is half done. With `--json` every answer is one value.
#![expect(unreachable_pub, reason = "the modules of one program")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people"
)]

mod args;
mod exchange;
mod governance;
mod models;
mod production;
mod report;
#[path = "../support/shared.rs"]
mod shared;
mod table;
mod upkeep;
mod wire;

use std::{error::Error, io::Write, path::Path, process::ExitCode};

use args::Args;
use mlops::{
    core::{ModelName, Principal, VersionNumber},
    registry::Registry,
};
use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What a command has to say, for people and for programs.
struct Answer {
    text: String,
    json: Value,
}

impl Answer {
    /// A line, and the value that it tells of.
    fn new(text: impl Into<String>, json: impl serde::Serialize) -> Result<Self> {
        Ok(Self {
            text: text.into(),
            json: serde_json::to_value(json)?,
        })
    }
}

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            println!("{}", args::help());
            return ExitCode::SUCCESS;
        }
        Err(message) => return fail(&message),
    };
    let answer = match open(&args).and_then(|registry| run(&registry, &args)) {
        Ok(answer) => answer,
        Err(error) => {
            let mut message = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                message = format!("{message}: {cause}");
                source = cause.source();
            }
            return fail(&message);
        }
    };
    let text = if args.json {
        answer.json.to_string()
    } else {
        answer.text
    };
    // a reader that has seen enough closes the pipe
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("error: {}", table::line(message));
    ExitCode::FAILURE
}

/// Opens what is there; only an import makes a registry anew.
fn open(args: &Args) -> Result<Registry> {
    let url = args.url.as_deref();
    let file = url
        .and_then(|url| url.strip_prefix("sqlite://"))
        .map(Path::new);
    if let Some(file) = file
        && args.command != "import"
        && !file.exists()
    {
        return Err(format!("there is no registry at `{}`", file.display()).into());
    }
    let mut builder = match (&args.store, url) {
        (Some(store), _) => shared::builder(store, args.dir.as_deref().map(Path::new))?,
        (None, url) => Registry::builder(url.unwrap_or_default()),
    };
    if let Some(actor) = &args.actor {
        builder = builder.actor(Principal::new(actor.as_str())?);
    }
    Ok(builder.open()?)
}

fn run(registry: &Registry, args: &Args) -> Result<Answer> {
    match args.command {
        "list" => models::list(registry),
        "show" => models::show(registry, args.word(0)),
        "compare" if args.flag("--html").is_some() => report::versions(registry, args),
        "compare" => models::compare(registry, args),
        "report" => report::experiment(registry, args),
        "alias list" => models::aliases(registry, args),
        "alias set" => models::set_alias(registry, args),
        "alias delete" => models::delete_alias(registry, args),
        "request" => governance::request(registry, args),
        "requests" => governance::requests(registry, args.words.first()),
        "approve" => governance::approve(registry, args),
        "reject" => governance::reject(registry, args),
        "withdraw" => governance::withdraw(registry, args),
        "complete" => governance::complete(registry, args),
        "policy show" => governance::show_policy(registry),
        "policy set" => governance::set_policy(registry, args),
        "promote" => production::promote(registry, args),
        "rollback" => production::rollback(registry, args),
        "audit" => upkeep::audit(registry, args.words.first()),
        "verify-audit" => upkeep::verify(registry, args),
        "gc" => upkeep::collect(registry, args),
        "runs" => exchange::runs(registry, args),
        "import" => exchange::import(registry, args),
        "export" => exchange::export(registry, args),
        other => Err(format!("`{other}` is no command; see --help").into()),
    }
}

/// A model that must be there.
fn model_named(name: &str) -> Result<ModelName> {
    Ok(ModelName::new(name)?)
}

/// A number of a version.
fn version_number(text: &str) -> Result<VersionNumber> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("`{text}` is no version; a whole number from 1 on is expected").into()),
    }
}
