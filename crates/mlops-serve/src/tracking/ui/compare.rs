//! Runs side by side: what differs, who is best at what, curves on one chart, params against metrics.

use std::collections::BTreeSet;

use mlops_registry::{ExperimentId, Result, RunRecord};
use mlops_report::{
    Block, Callout, Cell, DataTable, Form, Link, ParallelChart, ScatterChart, Section, Tone,
};

use super::{
    curves::{self, Along},
    show,
    view::{self, View, reply},
};
use crate::tracking::{
    failure::Outcome,
    params::Params,
    route::{Call, Reply},
};

/// The most runs that are laid side by side: as many as can be told apart.
pub(super) const MOST: usize = 16;
/// The most metrics and the most params of a comparison.
const ROWS: usize = 200;
/// The axes of each sort in parallel coordinates.
const AXES: usize = 6;

pub(super) fn page(call: &Call<'_>) -> Outcome<Reply> {
    let view = View::of(call);
    let tracking = call.registry.tracking();
    let ids = call.params.texts("run_ids")?;
    let mut runs: Vec<RunRecord> = Vec::new();
    for id in ids.iter().take(MOST) {
        let id = super::subject::parse_run(id)?;
        if runs.iter().all(|run| run.id != id) {
            runs.push(tracking.run(&id)?);
        }
    }
    let mut page = view
        .page(format!("{} runs side by side", runs.len()))
        .crumbs(crumbs(&view, &runs)?);
    if runs.len() < 2 {
        let callout = Callout::new(
            Tone::Neutral,
            "Two runs or more are needed.",
            "Tick them in the table of an experiment.",
        );
        page = page.section("Nothing to compare", Section::new().add(callout));
        return Ok(reply(&page));
    }
    if ids.len() > MOST {
        let callout = Callout::new(
            Tone::Warn,
            format!("Only the first {MOST} of {} runs are shown.", ids.len()),
            "More cannot be told apart.",
        );
        page = page.section("Too many", Section::new().add(callout));
    }
    let along = Along::read(call.params.opt_text("along")?);
    for (heading, section) in sections(&view, &runs, along)? {
        page = page.section(heading, section);
    }
    let page = page.section("One against another", scatter(&runs, call.params)?);
    Ok(reply(&page))
}

fn crumbs(view: &View<'_>, runs: &[RunRecord]) -> Result<Vec<Link>> {
    let experiments: BTreeSet<ExperimentId> = runs.iter().map(|run| run.experiment).collect();
    let mut crumbs = vec![Link::new("Experiments", "/")];
    if let [one] = experiments.into_iter().collect::<Vec<_>>()[..] {
        let name = show::experiment_name(view, view.registry, one)?;
        crumbs.push(view.link(show::short(&name), view::experiment(one)));
    }
    crumbs.push(Link::none("compare"));
    Ok(crumbs)
}

/// What a comparison consists of, by heading.
pub(super) fn sections(
    view: &View<'_>,
    runs: &[RunRecord],
    along: Along,
) -> Result<Vec<(&'static str, Section)>> {
    let mut sections = vec![
        ("Metrics", metrics(view, runs)),
        ("Params", params(view, runs)),
    ];
    let keys: Vec<String> = metric_keys(runs).into_iter().take(ROWS).collect();
    let (curves, left_out) = curves::section(view, runs, &keys, along)?;
    let curves = if left_out > 0 {
        curves.paragraph(format!("{left_out} more metrics are not drawn."))
    } else {
        curves
    };
    let has_curves = curves_exist(view, runs, &keys)?;
    if has_curves {
        sections.push(("Curves", curves));
    }
    let parallel = parallel(runs);
    if let Some(chart) = parallel {
        sections.push(("All at once", Section::new().add(chart)));
    }
    Ok(sections)
}

fn curves_exist(view: &View<'_>, runs: &[RunRecord], keys: &[String]) -> Result<bool> {
    for key in keys {
        if curves::chart(view, runs, key, Along::Step, 2)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn metric_keys(runs: &[RunRecord]) -> BTreeSet<String> {
    runs.iter()
        .flat_map(|run| run.metrics.keys().cloned())
        .collect()
}

fn param_keys(runs: &[RunRecord]) -> BTreeSet<String> {
    runs.iter()
        .flat_map(|run| run.params.keys().cloned())
        .collect()
}

/// A table with a column for each run.
fn side_by_side(
    view: &View<'_>,
    caption: &str,
    first: &str,
    runs: &[RunRecord],
    numbers: bool,
) -> DataTable {
    let table = DataTable::new(caption).text_column(first);
    runs.iter().fold(table, |table, run| {
        let name = show::run_name(run);
        let table = if numbers {
            table.number_column(name)
        } else {
            table.text_column(name)
        };
        if view.is_served() {
            table.sorted_by(view::run(&run.id), None)
        } else {
            table
        }
    })
}

fn metrics(view: &View<'_>, runs: &[RunRecord]) -> Section {
    let keys = metric_keys(runs);
    if keys.is_empty() {
        return Section::new().paragraph("None was measured.");
    }
    let rows = keys.iter().take(ROWS).map(|key| {
        let values: Vec<Option<f64>> = runs
            .iter()
            .map(|run| run.metrics.get(key).map(|point| point.value))
            .collect();
        let best = best(key, &values);
        let mut cells = vec![Cell::text(show::short(key))];
        cells.extend(values.iter().map(|value| {
            let cell = Cell::from(*value);
            match value {
                Some(value) if best == Some(*value) => cell.tone(Tone::Good),
                _ => cell,
            }
        }));
        cells
    });
    let table = side_by_side(view, "Last values", "Metric", runs, true)
        .rows(rows)
        .left_out(keys.len().saturating_sub(ROWS) as u64);
    Section::new().add(table).paragraph(
        "Marked is the highest value, and the lowest where the name tells of a loss, an error or a time.",
    )
}

/// The best of the values, where they differ.
fn best(key: &str, values: &[Option<f64>]) -> Option<f64> {
    let finite = || {
        values
            .iter()
            .flatten()
            .copied()
            .filter(|value| value.is_finite())
    };
    let (low, high) = (finite().reduce(f64::min)?, finite().reduce(f64::max)?);
    if low == high {
        return None;
    }
    Some(if lower_is_better(key) { low } else { high })
}

/// What the name of a metric tells of its direction.
fn lower_is_better(key: &str) -> bool {
    const LOW: [&str; 19] = [
        "loss",
        "error",
        "err",
        "rmse",
        "mse",
        "mae",
        "mape",
        "smape",
        "brier",
        "ece",
        "logloss",
        "deviance",
        "perplexity",
        "time",
        "seconds",
        "latency",
        "duration",
        "ms",
        "memory",
    ];
    let key = key.to_lowercase();
    key.split(|c: char| !c.is_alphanumeric())
        .any(|word| LOW.contains(&word))
}

fn params(view: &View<'_>, runs: &[RunRecord]) -> Section {
    let (differing, same): (Vec<_>, Vec<_>) = param_keys(runs)
        .into_iter()
        .partition(|key| differs(runs, key));
    let table = |caption: &str, keys: &[String]| {
        let rows = keys.iter().take(ROWS).map(|key| {
            let values = runs
                .iter()
                .map(|run| run.params.get(key).map(|value| show::short(value)).into());
            std::iter::once(Cell::text(show::short(key))).chain(values)
        });
        side_by_side(view, caption, "Param", runs, false)
            .rows(rows)
            .left_out(keys.len().saturating_sub(ROWS) as u64)
    };
    let mut section = Section::new();
    section = if differing.is_empty() {
        section.paragraph("No param differs.")
    } else {
        section.add(table("Params that differ", &differing))
    };
    if !same.is_empty() {
        let inside = Section::new().add(table("The same in all", &same));
        section = section.details(format!("{} params that are the same", same.len()), inside);
    }
    section
}

fn differs(runs: &[RunRecord], key: &str) -> bool {
    runs.windows(2)
        .any(|pair| pair[0].params.get(key) != pair[1].params.get(key))
}

/// The numbers of a param, if all runs that have it have a number there.
fn numbers(runs: &[RunRecord], key: &str) -> Option<Vec<Option<f64>>> {
    runs.iter()
        .map(|run| match run.params.get(key) {
            None => Some(None),
            Some(text) => text
                .trim()
                .parse()
                .ok()
                .filter(|v: &f64| v.is_finite())
                .map(Some),
        })
        .collect()
}

/// Parallel coordinates of the params that differ and the metrics; none where there is nothing to see.
fn parallel(runs: &[RunRecord]) -> Option<ParallelChart> {
    let differing: Vec<String> = param_keys(runs)
        .into_iter()
        .filter(|key| differs(runs, key))
        .take(AXES)
        .collect();
    let metrics: Vec<String> = metric_keys(runs).into_iter().take(AXES).collect();
    if differing.len() + metrics.len() < 2 {
        return None;
    }
    let mut chart = ParallelChart::new("Params and metrics", runs.iter().map(show::run_name));
    for key in &differing {
        chart = if let Some(numbers) = numbers(runs, key) {
            chart.numbers(show::short(key), numbers)
        } else {
            let texts = runs
                .iter()
                .map(|run| run.params.get(key).map(|value| show::short(value)));
            chart.texts(show::short(key), texts)
        };
    }
    for key in &metrics {
        let values = runs
            .iter()
            .map(|run| run.metrics.get(key).map(|point| point.value));
        chart = chart.numbers(show::short(key), values);
    }
    Some(chart.note("Params that differ stand on the left, metrics on the right."))
}

/// A param or a metric against another, chosen by the reader.
fn scatter(runs: &[RunRecord], params: &Params) -> Outcome<Section> {
    let mut options: Vec<String> = param_keys(runs)
        .into_iter()
        .filter(|key| differs(runs, key) && numbers(runs, key).is_some())
        .map(|key| format!("params.{key}"))
        .collect();
    options.truncate(ROWS);
    let metrics = metric_keys(runs).into_iter().take(ROWS);
    options.extend(metrics.map(|key| format!("metrics.{key}")));
    let first_metric = options.iter().find(|name| name.starts_with("metrics."));
    let (Some(x), Some(y)) = (options.first(), first_metric) else {
        return Ok(Section::new().paragraph("There are no numbers to lay against each other."));
    };
    let asked = |name: &str, usual: &String| {
        let asked = params.opt_text(name)?;
        Ok::<_, crate::tracking::failure::Failure>(
            asked
                .filter(|asked| options.iter().any(|name| name == asked))
                .unwrap_or(usual)
                .to_owned(),
        )
    };
    let (x, y) = (asked("x", x)?, asked("y", y)?);
    let dots = runs
        .iter()
        .filter_map(|run| Some((show::run_name(run), value(run, &x)?, value(run, &y)?)));
    let label = |name: &str| show::short(name.split_once('.').map_or(name, |(_, key)| key));
    let title = format!("{} over {}", label(&y), label(&x));
    let chart = ScatterChart::new(title, label(&x), label(&y)).dots(dots);
    let choices = || options.iter().map(|name| (name.clone(), show::short(name)));
    let mut form = Form::new("scatter", "/ui/compare")
        .select("x", "Across", choices(), x.clone())
        .select("y", "Up", choices(), y.clone());
    for run in runs {
        form = form.hidden("run_ids", run.id.as_str());
    }
    Ok(Section::new()
        .add(form.submit("Draw"))
        .add(Block::from(chart)))
}

fn value(run: &RunRecord, name: &str) -> Option<f64> {
    let (sort, key) = name.split_once('.')?;
    match sort {
        "metrics" => run.metrics.get(key).map(|point| point.value),
        _ => run.params.get(key)?.trim().parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_the_highest_or_the_lowest_by_the_name() {
        let values = [Some(0.3), None, Some(0.1), Some(f64::NAN), Some(0.2)];
        assert_eq!(best("val_auc", &values), Some(0.3));
        assert_eq!(best("val_loss", &values), Some(0.1));
        assert_eq!(best("val/log-loss", &values), Some(0.1));
        assert_eq!(best("train.RMSE", &values), Some(0.1));
        // a word in a word tells nothing
        assert_eq!(best("terror", &values), Some(0.3));
        assert_eq!(best("auc", &[Some(1.0), Some(1.0)]), None);
        assert_eq!(best("auc", &[Some(f64::NAN)]), None);
    }
}
