//! Versions, their stages over time, and the audit trail.

use mlops_core::ModelName;
use mlops_registry::{Action, Registry, Stage};
use mlops_report::{Callout, Cell, DataTable, Section, Timeline, Tone};

use crate::Result;

/// The history of one model.
///
/// # Errors
/// Those of the registry.
pub fn registry_history(registry: &Registry, model: &ModelName) -> Result<Section> {
    let versions = registry.model(model.as_str())?.versions()?;
    let audit = registry.audit(Some(model))?;
    let verified = match registry.verify_audit() {
        Ok(()) => Callout::new(
            Tone::Good,
            "The audit trail verifies.",
            "Every entry follows from the one before.",
        ),
        Err(error) => Callout::new(Tone::Bad, "The audit trail is damaged.", error.to_string()),
    };
    let table = DataTable::new("Versions")
        .number_column("Version")
        .text_column("Stage")
        .text_column("Registered")
        .text_column("Description")
        .text_column("Package")
        .text_column("Run")
        .rows(versions.iter().map(|version| {
            let tone = match version.stage {
                Stage::Production => Tone::Good,
                _ => Tone::Neutral,
            };
            [
                Cell::count(version.version.into()),
                Cell::text(version.stage.to_string()).tone(tone),
                Cell::date(version.created),
                version.description.clone().into(),
                version.digest.short().into(),
                version.run.as_ref().map(ToString::to_string).into(),
            ]
        }));
    let last = audit.iter().map(|entry| entry.time).max();
    let mut timeline = Timeline::new("Who was champion");
    let promotions: Vec<_> = audit
        .iter()
        .filter(|e| e.action == Action::Promoted)
        .collect();
    for (i, entry) in promotions.iter().enumerate() {
        let until = promotions.get(i + 1).map(|next| next.time).or(last);
        let label = format!("version {}", entry.version.unwrap_or_default());
        timeline = timeline.period(
            "champion",
            entry.time,
            until.unwrap_or(entry.time),
            label,
            Tone::Good,
        );
    }
    for entry in audit
        .iter()
        .filter(|e| e.action == Action::PromotionRefused)
    {
        let label = format!("version {} refused", entry.version.unwrap_or_default());
        timeline = timeline.event("refused", entry.time, label, Tone::Warn);
    }
    let trail = DataTable::new("Audit trail")
        .number_column("Entry")
        .text_column("Date")
        .text_column("Who")
        .text_column("What")
        .number_column("Version")
        .text_column("From")
        .text_column("To")
        .text_column("Why")
        .rows(audit.iter().map(|entry| {
            [
                Cell::count(entry.id),
                Cell::date(entry.time),
                entry.actor.to_string().into(),
                entry.action.as_str().into(),
                entry.version.map(u64::from).into(),
                entry.from.clone().into(),
                entry.to.clone().into(),
                entry.reason.clone().into(),
            ]
        }))
        .show_at_most(60);
    Ok(Section::new()
        .add(table)
        .add(timeline)
        .add(verified)
        .details("Audit trail, entry by entry", Section::new().add(trail)))
}
