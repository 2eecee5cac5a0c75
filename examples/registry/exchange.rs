//! Runs, and what comes in from MLflow.

use std::fmt::Write;

use mlops::registry::{
    ExperimentName, ImportCount, MlflowImport, Registry, RunId, RunQuery, RunRecord, RunSearch,
    View,
};
use serde_json::json;

use crate::{
    Answer, Result,
    args::Args,
    table::{Table, or_dash, time},
    wire::Http,
};

/// How many runs are shown if nobody says.
const LIMIT: usize = 20;
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
    let path = match url.split_once("://") {
        // one slash belongs to the path, as MLflow writes it
        Some(("sqlite", path)) => path.strip_prefix('/').unwrap_or(path),
        Some((scheme, _)) => {
            return Err(format!(
                "`{scheme}://` is no source; a path or sqlite:///mlflow.db is expected"
            )
            .into());
        }
        None => url,
    };
    let mut import = MlflowImport::from_sqlite(path);
    for folder in args.flags("--artifacts") {
        import = import.artifacts(folder);
    }
    let report = import.into_registry(registry)?;
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
    let mut runs = Vec::new();
    for run in args.flags("--run") {
        runs.push(run.parse::<RunId>()?);
    }
    for name in args.flags("--experiment") {
        let name = ExperimentName::new(name.as_str())?;
        let experiment = registry.tracking().experiment_named(&name)?.id;
        let mut search = RunSearch {
            experiments: vec![experiment],
            order_by: vec!["attributes.start_time ASC".to_owned()],
            view: View::All,
            ..RunSearch::default()
        };
        loop {
            let page = registry.tracking().search_runs(&search)?;
            runs.extend(page.items.into_iter().map(|run| run.id));
            search.page_token = page.next;
            if search.page_token.is_none() {
                break;
            }
        }
    }
    if runs.is_empty() {
        return Err("no run is named: --run and --experiment say which".into());
    }
    let report = registry.export_runs(runs, &Http::new(url))?;
    let mut table = Table::new(&["RUN", "THERE"]);
    for (run, there) in &report.runs {
        table.row([run.to_string(), there.clone()]);
    }
    let mut text = table.text();
    for (what, note) in &report.notes {
        text.push_str(&crate::table::line(&format!("{what}: {note}")));
        text.push('\n');
    }
    Answer::new(text, &report)
}
