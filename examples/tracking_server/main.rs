//! A server for MLflow's clients: experiments, runs, artifacts and registered models in one directory.
//!
//! ```text
//! cargo run --release --example tracking_server --features tracking -- --dir ./tracking --port 5000
//! MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python train.py
//! ```
//!
//! With `--store s3://bucket/path` everything lies there, and servers on other machines serve the same; the directory
//! holds an index, which may be deleted. Credentials are those of the `AWS_…` variables; it needs the feature `s3`.
//!
//! It listens on loopback unless it is told otherwise, which needs a policy. `GET /health` answers as soon as it
//! serves; on SIGTERM it finishes what it has begun, and everything that it acknowledged is on the disk.
#![expect(unreachable_pub, reason = "the modules of one program")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people"
)]

mod args;
mod keys;
#[path = "../support/shared.rs"]
mod shared;
mod token;

use std::{error::Error, fs, path::Path, process::ExitCode};

use args::{Args, Webhooks};
use mlops::{
    registry::Registry,
    serve::{ServerPolicy, TrackingServer},
};

type AnyResult<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            println!("{}", args::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(reason) => {
            eprintln!("tracking_server: {reason}\n\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("tracking_server: {error}");
            let mut source = error.source();
            while let Some(error) = source {
                eprint!(": {error}");
                source = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> AnyResult<()> {
    make_private(&args.dir)?;
    let builder = match &args.store {
        Some(url) => shared::builder(url, Some(&args.dir))?,
        None => Registry::builder(format!("sqlite://{}", args.dir.join("mlops.db").display())),
    };
    let builder = builder.durability(args.durability);
    let registry = keys::with_secret_keys(builder, args)?.open()?;
    let mut server = TrackingServer::new(registry).stop_on_signals();
    if args.sources_elsewhere {
        server = server.sources_elsewhere();
    }
    for name in &args.names {
        server = server.host(name);
    }
    if let Some(path) = &args.policy {
        let policy = ServerPolicy::from_json(&fs::read(path)?)?;
        server = server.policy(token::complete(policy, &args.dir)?);
    }
    server = with_webhooks(server, args.webhooks)?;
    server = keys::with_tls(server, args)?;
    let running = server.bind(&format!("{}:{}", args.host, args.port))?;
    let scheme = if args.tls.is_some() { "https" } else { "http" };
    println!("listening on {scheme}://{}", running.addr());
    running.join();
    Ok(())
}

/// Makes a directory that only its owner may enter, if it is not there.
fn make_private(dir: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(dir)
}

#[cfg(feature = "webhooks")]
#[expect(clippy::unnecessary_wraps, reason = "other builds refuse")]
fn with_webhooks(server: TrackingServer, webhooks: Webhooks) -> AnyResult<TrackingServer> {
    use mlops::serve::WebhookOptions;
    let options = WebhookOptions::default();
    Ok(match webhooks {
        Webhooks::Off => server,
        Webhooks::Https => server.webhooks(options),
        Webhooks::LoopbackToo => server.webhooks(options.loopback_http()),
    })
}

#[cfg(not(feature = "webhooks"))]
fn with_webhooks(server: TrackingServer, webhooks: Webhooks) -> AnyResult<TrackingServer> {
    match webhooks {
        Webhooks::Off => Ok(server),
        _ => Err("this build has no webhooks: it needs the feature `webhooks`".into()),
    }
}
