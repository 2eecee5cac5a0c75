//! Drift and performance over time, and the columns of one window.

use std::collections::BTreeMap;

use mlops_core::{EventTime, Severity, SignalKind};
use mlops_drift::{ColumnDrift, Metric, Outcome};
use mlops_report::{Block, Cell, DataTable, HistogramPair, LineChart, Section, Series, Tone};

use crate::recipes::Observation;

/// The most charts of single columns that are drawn.
const CHARTS: usize = 6;

/// PSI of the most drifted columns, the metrics once outcomes arrived, and every signal.
pub fn monitoring(
    observations: &[Observation],
    limit: f64,
    markers: &[(String, EventTime)],
) -> Section {
    let mut largest: BTreeMap<&str, f64> = BTreeMap::new();
    for column in observations.iter().flat_map(|o| &o.drift.columns) {
        let worst = largest.entry(&column.name).or_default();
        *worst = worst.max(column.psi);
    }
    let mut names: Vec<(&str, f64)> = largest.into_iter().collect();
    names.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));

    let mut psi = LineChart::new("PSI of the columns that moved most, and of the predictions")
        .y_label("PSI")
        .limit("limit", limit)
        .from_zero();
    for (name, _) in names.iter().take(5) {
        let points = observations
            .iter()
            .filter_map(|o| Some((o.time, o.drift.column(name)?.psi)));
        psi = psi.series(Series::new(*name, points));
    }
    let predictions = observations
        .iter()
        .filter_map(|o| Some((o.time, o.drift.prediction.as_ref()?.psi)));
    psi = psi.series(Series::new("predictions", predictions));

    let mut realised = LineChart::new("Performance once outcomes arrived").y_label("value");
    for metric in [Metric::PrAuc, Metric::LogLoss] {
        let measured: Vec<_> = observations
            .iter()
            .filter_map(|o| {
                let performance = o.performance.as_ref()?;
                Some((performance.from, *performance.metrics.get(&metric)?))
            })
            .collect();
        let points = measured.iter().map(|(time, value)| (*time, value.value));
        let band = measured
            .iter()
            .map(|(time, value)| (*time, value.lower, value.upper));
        realised = realised.series(Series::new(metric.as_str(), points).band(band));
    }
    for (name, time) in markers {
        psi = psi.marker(name, *time);
        realised = realised.marker(name, *time);
    }
    let count: usize = observations.iter().map(|o| o.judgement.signals.len()).sum();
    Section::new().add(psi).add(realised).details(
        format!("Signals: {count}"),
        Section::new().add(signals(observations)),
    )
}

fn signals(observations: &[Observation]) -> DataTable {
    DataTable::new("Signals")
        .text_column("Date")
        .number_column("Version")
        .text_column("Kind")
        .text_column("Severity")
        .text_column("Reason")
        .rows(
            observations
                .iter()
                .flat_map(|o| &o.judgement.signals)
                .map(|signal| {
                    let kind = match signal.kind {
                        SignalKind::DataDrift => "data drift",
                        SignalKind::PredictionDrift => "prediction drift",
                        _ => "performance",
                    };
                    let severity = match signal.severity {
                        Severity::Warning => Cell::text("warning").tone(Tone::Warn),
                        Severity::Alert => Cell::text("alert").tone(Tone::Bad),
                    };
                    [
                        Cell::date(signal.time),
                        Cell::count(signal.version.into()),
                        kind.into(),
                        severity,
                        signal.reason.clone().into(),
                    ]
                }),
        )
        .show_at_most(60)
}

/// Every column of one window with its statistics and verdict, and the histograms of those that moved most.
pub fn drift_details(observation: &Observation) -> Section {
    let report = &observation.drift;
    let table = DataTable::new(format!(
        "Window of {}, {} rows",
        observation.time.date(),
        report.window_rows
    ))
    .text_column("Column")
    .number_column("PSI")
    .number_column("KL")
    .number_column("JS")
    .number_column("KS at least")
    .number_column("Adjusted p")
    .text_column("Verdict")
    .text_column("Why")
    .rows(
        report
            .by_psi()
            .into_iter()
            .chain(report.prediction.as_ref())
            .map(|column| {
                let verdict = observation.judgement.column(&column.name).or_else(|| {
                    observation
                        .judgement
                        .prediction()
                        .filter(|v| v.subject == column.name)
                });
                let (word, tone) = verdict.map_or(("", Tone::Neutral), |v| outcome(v.outcome));
                [
                    column.name.clone().into(),
                    Cell::fixed(column.psi, 3),
                    Cell::fixed(column.kl, 3),
                    Cell::fixed(column.js, 3),
                    column.ks.map(|ks| Cell::fixed(ks.lower, 3)).into(),
                    verdict
                        .and_then(|v| v.adjusted_p)
                        .map(|p| Cell::fixed(p, 4))
                        .into(),
                    Cell::text(word).tone(tone),
                    verdict.map(|v| v.reason.clone()).into(),
                ]
            }),
    );
    let moved = report.by_psi().into_iter().take(CHARTS);
    let charts: Vec<Block> = moved.map(histogram).collect();
    Section::new()
        .side_by_side(charts)
        .details("All columns", Section::new().add(table))
}

fn outcome(outcome: Outcome) -> (&'static str, Tone) {
    match outcome {
        Outcome::Drifted => ("drift", Tone::Bad),
        Outcome::Warned => ("warning", Tone::Warn),
        Outcome::TooFewRows | Outcome::Excluded => ("not judged", Tone::Neutral),
        _ => ("stable", Tone::Good),
    }
}

fn histogram(column: &ColumnDrift) -> Block {
    let title = format!("{}: PSI {:.3}", column.name, column.psi);
    let reference: Vec<f64> = column.bins.iter().map(|bin| bin.reference as f64).collect();
    let window: Vec<f64> = column.bins.iter().map(|bin| bin.window as f64).collect();
    HistogramPair::categories(title, column.bins.iter().map(|bin| bin.label.clone()))
        .reference("reference", reference)
        .current("window", window)
        .into()
}
