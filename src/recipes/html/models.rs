//! Candidates side by side: numbers with intervals, curves, importances.

use mlops_core::metric::Interval;
use mlops_report::{BarChart, Block, Cell, CurveChart, DataTable, Section, Tone};

use crate::recipes::Candidate;

/// The comparison of candidates that were evaluated on the same rows, the best first.
pub fn models(candidates: &[Candidate]) -> Section {
    let Some(best) = candidates.first() else {
        return Section::new().paragraph("There are no candidates.");
    };
    let base_rate = best.evaluation.base_rate;
    let table = DataTable::new("Candidates on the test rows, with 95 % bootstrap intervals")
        .text_column("Model")
        .text_column("PR-AUC")
        .text_column("ROC-AUC")
        .text_column("Log-loss")
        .text_column("Brier")
        .number_column("Precision, top 10 %")
        .number_column("Recall, top 10 %")
        .rows(candidates.iter().enumerate().map(|(i, candidate)| {
            let e = &candidate.evaluation;
            let name = Cell::text(&candidate.name);
            [
                if i == 0 { name.tone(Tone::Good) } else { name },
                interval(&e.pr_auc),
                interval(&e.roc_auc),
                interval(&e.log_loss),
                interval(&e.brier),
                Cell::fixed(e.precision_at_k, 3),
                Cell::fixed(e.recall_at_k, 3),
            ]
        }));
    let learned = || candidates.iter().filter(|c| c.name != "base-rate");
    let mut pr = CurveChart::precision_recall("Precision over recall", base_rate);
    let mut roc = CurveChart::roc("ROC");
    let mut calibration = CurveChart::calibration("Calibration");
    for candidate in learned() {
        let curves = &candidate.evaluation.curves;
        pr = pr.curve(&candidate.name, curves.pr.iter().copied());
        roc = roc.curve(&candidate.name, curves.roc.iter().copied());
        let bins = curves.calibration.iter().filter(|bin| bin.rows > 0);
        calibration = calibration.curve(
            &candidate.name,
            bins.map(|bin| (bin.mean_score, bin.positive_share)),
        );
    }
    let importance = BarChart::new(format!("What {} looks at", best.name))
        .bars(
            best.importance
                .iter()
                .map(|(name, share)| (name.clone(), *share)),
        )
        .percent()
        .show_at_most(12);
    let charts: [Block; 4] = [pr.into(), roc.into(), calibration.into(), importance.into()];
    Section::new()
        .paragraph(format!(
            "{} test rows, {} of them positive: a model that knows nothing has a PR-AUC of {base_rate:.3}.",
            best.evaluation.rows, best.evaluation.positives
        ))
        .add(table)
        .side_by_side(charts)
}

fn interval(metric: &Interval) -> Cell {
    Cell::text(format!(
        "{:.3} ({:.3} to {:.3})",
        metric.value, metric.lower, metric.upper
    ))
}
