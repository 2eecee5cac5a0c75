//! Histories of metrics as curves, of one run or of several on one chart, thinned to what a screen can show.

use mlops_core::Span;
use mlops_registry::{MetricPoint, Result, RunRecord};
use mlops_report::{Block, LineChart, Section, Series, X};

use super::{show, view::View};

/// The most charts of a page.
const CHARTS: usize = 24;
/// The most points of a curve, if it is alone.
const POINTS: usize = 1_000;
/// The most points of all curves of a page together.
const ALL_POINTS: usize = 40_000;

/// What runs along the axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Along {
    Step,
    Time,
}

impl Along {
    /// Reads it from an address; steps unless it says otherwise.
    pub(super) fn read(text: Option<&str>) -> Self {
        match text {
            Some("time") => Self::Time,
            _ => Self::Step,
        }
    }
}

/// The curves of those metrics that have more than a point, and how many charts did not fit.
pub(super) fn section(
    view: &View<'_>,
    runs: &[RunRecord],
    metrics: &[String],
    along: Along,
) -> Result<(Section, usize)> {
    let share = ALL_POINTS / (runs.len() * metrics.len().clamp(1, CHARTS)).max(1);
    let most = POINTS.min(share).max(50);
    let mut charts: Vec<Block> = Vec::new();
    let mut left_out = 0;
    for metric in metrics {
        if charts.len() >= CHARTS {
            left_out += 1;
            continue;
        }
        if let Some(chart) = chart(view, runs, metric, along, most)? {
            charts.push(chart.into());
        }
    }
    let section = match charts.len() {
        0 => Section::new(),
        1 => charts.into_iter().fold(Section::new(), Section::add),
        _ => {
            let mut section = Section::new();
            let mut charts = charts.into_iter();
            while let Some(first) = charts.next() {
                section = section.side_by_side(std::iter::once(first).chain(charts.next()));
            }
            section
        }
    };
    Ok((section, left_out))
}

/// The curves of one metric; none if no run has more than a point.
pub(super) fn chart(
    view: &View<'_>,
    runs: &[RunRecord],
    metric: &str,
    along: Along,
    most: usize,
) -> Result<Option<LineChart>> {
    let tracking = view.registry.tracking();
    let mut histories = Vec::new();
    for (at, run) in runs
        .iter()
        .enumerate()
        .filter(|(_, run)| run.metrics.contains_key(metric))
    {
        histories.push((at, run, tracking.sampled_history(&run.id, metric, most)?));
    }
    if histories.iter().all(|(_, _, points)| points.len() < 2) {
        return Ok(None);
    }
    // a metric that was logged without steps has only its time
    let stepless = histories
        .iter()
        .all(|(_, _, points)| points.iter().all(|point| point.step == points[0].step));
    let along = if stepless { Along::Time } else { along };
    let place = |point: &MetricPoint, run: &RunRecord| match along {
        Along::Step => X::Number(point.step as f64),
        // several runs begin together, so that they can be compared
        Along::Time if histories.len() > 1 => {
            let since = point.time.since(run.started.min(point.time));
            X::Number(since.map_or(0.0, Span::as_seconds))
        }
        Along::Time => X::Time(point.time),
    };
    let label = match along {
        Along::Step => "step",
        Along::Time if histories.len() > 1 => "seconds since the run started",
        Along::Time => "",
    };
    let mut chart = LineChart::new(show::short(metric));
    if !label.is_empty() {
        chart = chart.x_label(label);
    }
    let mut long = false;
    for (at, run, points) in &histories {
        long |= points.len() * 2 > most;
        let points = points.iter().map(|point| (place(point, run), point.value));
        let series = Series::new(show::run_name(run), points);
        // a run keeps its colour on all charts
        chart = chart.series(series.colour_of(*at));
    }
    if long {
        chart = chart.note(format!("drawn through at most {most} points a run"));
    }
    Ok(Some(chart))
}
