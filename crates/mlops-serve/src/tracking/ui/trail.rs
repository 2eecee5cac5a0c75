//! Entries of the audit trail: who did what when, why, and on what evidence.

use mlops_registry::{AuditEntry, Registry};
use mlops_report::{Cell, DataTable, Section, Tone};
use serde_json::Value;

use super::{
    show,
    view::{self, View},
};

/// The entries of a page whose evidence is laid out.
const LAID_OUT: usize = 25;

/// Entries as a table, and below it the evidence of each, folded up.
pub(super) fn section(
    view: &View<'_>,
    caption: &str,
    entries: &[AuditEntry],
    with_model: bool,
) -> Section {
    if entries.is_empty() {
        return Section::new().paragraph("Nothing happened.");
    }
    let mut table = DataTable::new(caption)
        .text_column("Entry")
        .text_column("When")
        .text_column("Who");
    if with_model {
        table = table.text_column("Model");
    }
    table = table
        .text_column("What")
        .text_column("From")
        .text_column("To")
        .text_column("Why")
        .text_column("Digest")
        .show_at_most(entries.len());
    for entry in entries {
        let mut cells = vec![
            Cell::text(entry.id.to_string()),
            Cell::text(show::time(entry.time)),
            Cell::text(entry.actor.as_str()),
        ];
        if with_model {
            let name = show::short(entry.model.as_str());
            cells.push(if entry.model.as_str() == Registry::ITSELF {
                Cell::text("the registry")
            } else {
                Cell::link(view.link(name, view::model(&entry.model)))
            });
        }
        cells.extend([
            what(entry),
            entry.from.as_deref().map(show::short).into(),
            entry.to.as_deref().map(show::short).into(),
            Cell::text(show::short(&entry.reason)),
            Cell::text(entry.digest.short()),
        ]);
        table = table.row(cells);
    }
    let section = Section::new().add(table);
    let with_evidence = entries
        .iter()
        .filter_map(|entry| Some((entry, entry.evidence.as_ref()?)));
    with_evidence
        .take(LAID_OUT)
        .fold(section, |section, (entry, found)| {
            let id = entry.id;
            let title = format!("Evidence of entry {id}: {}", spoken(entry));
            section.details(title, evidence(found))
        })
}

/// What was done, in words.
fn spoken(entry: &AuditEntry) -> String {
    let action = entry.action.as_str().replace('_', " ");
    match (entry.version, &entry.alias) {
        (Some(version), Some(alias)) => format!("{action}, {alias} at version {version}"),
        (Some(version), None) => format!("{action}, version {version}"),
        (None, Some(alias)) => format!("{action}, {alias}"),
        (None, None) => action,
    }
}

fn what(entry: &AuditEntry) -> Cell {
    use mlops_registry::Action;
    Cell::text(spoken(entry)).tone(match entry.action {
        Action::Promoted => Tone::Good,
        Action::PromotionRefused => Tone::Bad,
        _ => Tone::Neutral,
    })
}

/// Evidence: the checks of a gate and the points of a policy as a table, the rest as it was written.
pub(super) fn evidence(found: &Value) -> Section {
    let checks = found["decision"]["checks"].as_array();
    let findings = found["verdict"]["findings"].as_array();
    let points: Vec<&Value> = [checks, findings].into_iter().flatten().flatten().collect();
    let mut section = Section::new();
    if !points.is_empty() {
        let rows = points.iter().take(100).map(|point| {
            let name = ["what", "metric"]
                .iter()
                .find_map(|field| point[*field].as_str())
                .unwrap_or("gate");
            let (state, tone) = if point["passed"] == Value::Bool(true) {
                ("met", Tone::Good)
            } else {
                ("not met", Tone::Bad)
            };
            [
                Cell::text(name.replace('_', "-")),
                Cell::text(state).tone(tone),
                Cell::text(show::short(point["reason"].as_str().unwrap_or_default())),
            ]
        });
        let table = DataTable::new("What was held against it")
            .text_column("Point")
            .text_column("Then")
            .text_column("Why")
            .rows(rows);
        section = section.add(table);
    }
    let measured = if found["evidence"].is_object() {
        &found["evidence"]
    } else {
        found
    };
    if let Some(table) = metrics(measured) {
        section = section.add(table);
    }
    let whole = serde_json::to_string_pretty(found).expect("a value is JSON");
    section.details("In full", Section::new().code(show::long(&whole)))
}

/// The metrics of candidate, champion and baseline.
fn metrics(measured: &Value) -> Option<DataTable> {
    let candidate = measured["candidate_metrics"].as_object()?;
    let number = |of: &str, key: &str| Cell::from(measured[of][key].as_f64());
    let rows = candidate.keys().take(100).map(|key| {
        [
            Cell::text(show::short(key)),
            number("candidate_metrics", key),
            number("champion_metrics", key),
            number("baseline_metrics", key),
        ]
    });
    let rows_measured = measured["rows"].as_u64().unwrap_or_default();
    let caption = format!(
        "Measured on {} rows",
        mlops_report::format::count(rows_measured)
    );
    Some(
        DataTable::new(caption)
            .text_column("Metric")
            .number_column("Candidate")
            .number_column("Champion")
            .number_column("Baseline")
            .rows(rows),
    )
}
