//! Runs, and what comes in from MLflow.

use std::{fmt::Write, sync::Arc, time::Duration};

use mlops::{
    core::Stopwatch,
    registry::{
        ExperimentId, ExperimentName, ExperimentSearch, ExportReport, ImportCount, MlflowImport,
        Registry, RunId, RunQuery, RunRecord, Tracking, View,
    },
};
use serde_json::json;

use crate::{
    Answer, Result,
    args::Args,
    model_named,
    table::{Table, or_dash, time},
    wire::Http,
};

/// How many runs are shown if nobody says.
const LIMIT: usize = 20;
/// How often an import says how far it is.
const TELL: Duration = Duration::from_secs(2);
/// How many metrics of a run are shown.
const METRICS: usize = 4;

pub fn runs(registry: &Registry, args: &Args) -> Result<Answer> {
    let tracking = registry.tracking();
    let mut experiments = Vec::new();
    for name in args.flags("--experiment") {
        experiments.push(
            tracking
                .experiment_named(&ExperimentName::new(name.as_str())?)?
                .id,
        );
    }
    let limit = match args.flag("--limit") {
        None => LIMIT,
        Some(text) => {
            let number = text.parse();
            number.map_err(|_| format!("--limit is `{text}`, a whole number is expected"))?
        }
    };
    let query = RunQuery {
        experiments: (!experiments.is_empty()).then_some(experiments),
        condition: args.flag("--filter").unwrap_or_default().to_owned(),
        order_by: args.flags("--order-by").to_vec(),
        limit: Some(limit),
        page_token: args.flag("--page").map(str::to_owned),
        ..RunQuery::default()
    };
    let page = tracking.query_runs(&query)?;
    let mut table = Table::new(&[
        "RUN",
        "EXPERIMENT",
        "NAME",
        "STATUS",
        "STARTED",
        "ENDED",
        "METRICS",
    ]);
    for run in &page.items {
        table.row([
            run.id.to_string(),
            run.experiment.to_string(),
            run.name.clone(),
            run.status.to_string(),
            time(run.started),
            or_dash(run.ended.map(time)),
            metrics(run),
        ]);
    }
    let mut text = table.text();
    if let Some(token) = &page.next {
        writeln!(text, "there are more: --page {token}")?;
    }
    Answer::new(text, json!({ "runs": page.items, "next": page.next }))
}

fn metrics(run: &RunRecord) -> String {
    let shown = run.metrics.iter().take(METRICS);
    let mut shown: Vec<String> = shown
        .map(|(key, point)| format!("{key}={}", point.value))
        .collect();
    if run.metrics.len() > METRICS {
        shown.push("…".to_owned());
    }
    shown.join(" ")
}

pub fn import(registry: &Registry, args: &Args) -> Result<Answer> {
    let url = args.word(0);
    let mut import = match url.split_once("://") {
        // one slash belongs to the path, as MLflow writes it
        Some(("sqlite", path)) => MlflowImport::from_sqlite(path.strip_prefix('/').unwrap_or(path)),
        Some(("http", _)) => MlflowImport::from_server(Arc::new(Http::new(url))),
        Some((scheme, _)) => {
            return Err(format!(
                "`{scheme}://` is no source; a path, sqlite:///mlflow.db or http://host:port is expected"
            )
            .into());
        }
        None => MlflowImport::from_sqlite(url),
    };
    for folder in args.flags("--artifacts") {
        import = import.artifacts(folder);
    }
    let mut told = Stopwatch::start();
    let report = import.into_registry_with(registry, &mut |report| {
        // for people who wait; what is wanted stands in the answer
        if told.elapsed() > TELL {
            told = Stopwatch::start();
            eprintln!(
                "{} runs with {} points, {} logged models, {} files, {} versions so far",
                report.runs.found,
                report.metric_points,
                report.logged_models.found,
                report.artifacts.found,
                report.versions.found
            );
        }
    })?;
    let mut table = Table::new(&["WHAT", "FOUND", "NEW"]);
    let mut row = |what: &str, count: ImportCount| {
        table.row([
            what.to_owned(),
            count.found.to_string(),
            count.new.to_string(),
        ]);
    };
    row("experiments", report.experiments);
    row("runs", report.runs);
    row("logged models", report.logged_models);
    row("artifacts", report.artifacts);
    row("models", report.models);
    row("versions", report.versions);
    let mut text = table.text();
    for note in &report.notes {
        let said = crate::table::line(&format!("{}: {}", note.about, note.text));
        text.push_str(&said);
        text.push('\n');
    }
    if report.notes_left_out > 0 {
        writeln!(text, "and {} notes more", report.notes_left_out)?;
    }
    Answer::new(text, &report)
}

pub fn export(registry: &Registry, args: &Args) -> Result<Answer> {
    let url = args.word(0);
    if !url.starts_with("http://") {
        return Err(format!("`{url}` is no server; http://host:port is expected").into());
    }
    let server = Http::new(url);
    let tracking = registry.tracking();
    let all = !args.flags("--all").is_empty();
    let mut runs = Vec::new();
    for run in args.flags("--run") {
        runs.push(run.parse::<RunId>()?);
    }
    let mut experiments = Vec::new();
    for name in args.flags("--experiment") {
        let name = ExperimentName::new(name.as_str())?;
        experiments.push(tracking.experiment_named(&name)?.id);
    }
    let mut models = Vec::new();
    for name in args.flags("--model") {
        models.push(model_named(name)?);
    }
    if all {
        experiments = all_experiments(&tracking)?;
        models = registry.models()?;
    }
    if !all && runs.is_empty() && experiments.is_empty() && models.is_empty() {
        return Err("nothing is named: --run, --experiment and --model say what, or --all".into());
    }
    // versions name what was logged before them
    let reports = [
        registry.export_experiments(experiments, &server)?,
        registry.export_runs(runs, &server)?,
        registry.export_models(models, &server)?,
    ];
    let mut table = Table::new(&["WHAT", "NEW"]);
    let count = |of: fn(&ExportReport) -> u64| reports.iter().map(of).sum::<u64>().to_string();
    table.row(["runs".to_owned(), count(|report| report.new_runs)]);
    table.row([
        "logged models".to_owned(),
        count(|report| report.new_logged_models),
    ]);
    table.row(["models".to_owned(), count(|report| report.new_models)]);
    table.row(["versions".to_owned(), count(|report| report.new_versions)]);
    let mut text = table.text();
    let mut identities = Table::new(&["RUN", "THERE"]);
    for (run, there) in reports.iter().flat_map(|report| &report.runs) {
        identities.row([run.to_string(), there.clone()]);
    }
    text.push('\n');
    text.push_str(&identities.text());
    for (what, note) in reports.iter().flat_map(|report| &report.notes) {
        text.push_str(&crate::table::line(&format!("{what}: {note}")));
        text.push('\n');
    }
    let [experiments, runs, models] = &reports;
    Answer::new(
        text,
        json!({ "experiments": experiments, "runs": runs, "models": models }),
    )
}

fn all_experiments(tracking: &Tracking) -> Result<Vec<ExperimentId>> {
    let mut search = ExperimentSearch {
        view: View::All,
        ..ExperimentSearch::default()
    };
    let mut all = Vec::new();
    loop {
        let page = tracking.search_experiments(&search)?;
        all.extend(page.items.into_iter().map(|experiment| experiment.id));
        search.page_token = page.next;
        if search.page_token.is_none() {
            return Ok(all);
        }
    }
}
