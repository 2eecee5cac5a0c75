//! Candidates side by side: numbers with intervals, curves, importances.

use mlops_core::metric::Interval;
use mlops_report::{BarChart, Block, Cell, CurveChart, DataTable, Section, Tone};
use mlops_train::Evaluation;

use crate::recipes::{Candidate, card::headline};

/// The comparison of candidates that were evaluated on the same rows, the best first.
pub fn models(candidates: &[Candidate]) -> Section {
    let Some(best) = candidates.first() else {
        return Section::new().paragraph("There are no candidates.");
    };
    match best.binary() {
        Some(found) => binary(candidates, best, found),
        None => general(candidates, best),
    }
}

/// Candidates of numbers or of several classes: their headline metrics.
fn general(candidates: &[Candidate], best: &Candidate) -> Section {
    let names = headline(&best.evaluation);
    let table = DataTable::new("Candidates on the test rows, with bootstrap intervals")
        .text_column("Model");
    let table = names
        .iter()
        .fold(table, |table, (name, _)| table.text_column(*name));
    let table = table.rows(candidates.iter().enumerate().map(|(at, candidate)| {
        let found = headline(&candidate.evaluation);
        let cells = names.iter().map(|(name, _)| {
            let found = found.iter().find(|(own, _)| own == name);
            found.map_or_else(|| Cell::text("-"), |(_, metric)| interval(metric))
        });
        let cells: Vec<Cell> = std::iter::once(name(at, candidate)).chain(cells).collect();
        cells
    }));
    Section::new()
        .paragraph(format!("{} test rows.", best.evaluation.rows()))
        .add(table)
        .add(importance(best))
}

/// Candidates of two classes: metrics and curves.
fn binary(candidates: &[Candidate], best: &Candidate, of_best: &Evaluation) -> Section {
    let base_rate = of_best.base_rate;
    let judged = || {
        let all = candidates.iter().enumerate();
        all.filter_map(|(at, candidate)| Some((at, candidate, candidate.binary()?)))
    };
    let table = DataTable::new("Candidates on the test rows, with 95 % bootstrap intervals")
        .text_column("Model")
        .text_column("PR-AUC")
        .text_column("ROC-AUC")
        .text_column("Log-loss")
        .text_column("Brier")
        .number_column("Precision, top 10 %")
        .number_column("Recall, top 10 %")
        .rows(judged().map(|(at, candidate, e)| {
            [
                name(at, candidate),
                interval(&e.pr_auc),
                interval(&e.roc_auc),
                interval(&e.log_loss),
                interval(&e.brier),
                Cell::fixed(e.precision_at_k, 3),
                Cell::fixed(e.recall_at_k, 3),
            ]
        }));
    let mut pr = CurveChart::precision_recall("Precision over recall", base_rate);
    let mut roc = CurveChart::roc("ROC");
    let mut calibration = CurveChart::calibration("Calibration");
    for (_, candidate, e) in judged().filter(|(_, c, _)| c.name != "base-rate") {
        let curves = &e.curves;
        pr = pr.curve(&candidate.name, curves.pr.iter().copied());
        roc = roc.curve(&candidate.name, curves.roc.iter().copied());
        let bins = curves.calibration.iter().filter(|bin| bin.rows > 0);
        calibration = calibration.curve(
            &candidate.name,
            bins.map(|bin| (bin.mean_score, bin.positive_share)),
        );
    }
    let charts: [Block; 4] = [
        pr.into(),
        roc.into(),
        calibration.into(),
        importance(best).into(),
    ];
    Section::new()
        .paragraph(format!(
            "{} test rows, {} of them positive: a model that knows nothing has a PR-AUC of {base_rate:.3}.",
            of_best.rows, of_best.positives
        ))
        .add(table)
        .side_by_side(charts)
}

fn name(at: usize, candidate: &Candidate) -> Cell {
    let name = Cell::text(&candidate.name);
    if at == 0 { name.tone(Tone::Good) } else { name }
}

fn importance(best: &Candidate) -> BarChart {
    BarChart::new(format!("What {} looks at", best.name))
        .bars(
            best.importance
                .iter()
                .map(|(name, share)| (name.clone(), *share)),
        )
        .percent()
        .show_at_most(12)
}

fn interval(metric: &Interval) -> Cell {
    Cell::text(format!(
        "{:.3} ({:.3} to {:.3})",
        metric.value, metric.lower, metric.upper
    ))
}
