//! A version of a model: where it stands, what it came from, what it takes and answers, who did what with it.

use mlops_registry::{Content, ModelVersion};
use mlops_report::{Card, Cell, DataTable, Link, Section, Tone};

use super::{
    show, trail,
    view::{self, View, reply},
};
use crate::tracking::{
    failure::{Failure, Outcome},
    route::{Call, Reply},
};

/// How far back its history is looked for among the entries of its model.
const ENTRIES: usize = 500;
/// The most files and inputs that are listed.
const LISTED: usize = 200;

pub(super) fn page(call: &Call<'_>) -> Outcome<Reply> {
    let view = View::of(call);
    let name = super::subject::model_name(call.params)?;
    let model = call.registry.existing_model(&name)?;
    let number = number(call, "version")?;
    let version = model.version(number)?;
    let history = call.registry.recent_audit(Some(&name), None, ENTRIES)?;
    let entries: Vec<_> = history
        .entries
        .into_iter()
        .filter(|entry| entry.version == Some(number))
        .collect();
    let mut page = view
        .page(format!("{name}, version {number}"))
        .crumbs([
            Link::new("Models", "/ui/models"),
            view.link(show::short(name.as_str()), view::model(&name)),
            Link::none(format!("version {number}")),
        ])
        .section("Overview", overview(&view, &version));
    if let Some(signature) = signature(&version) {
        page = page.section("Signature", signature);
    }
    page = page.section("Where it came from", lineage(&view, &version));
    if !version.files.is_empty() {
        page = page.section("Files", files(&version));
    }
    let mut section = trail::section(&view, "What happened, the newest first", &entries, false);
    if history.next.is_some() {
        section = section.paragraph("Older entries stand in the history of the model.");
    }
    Ok(reply(&page.section("History", section)))
}

/// The number of a version in a parameter.
pub(super) fn number(call: &Call<'_>, param: &str) -> Outcome<u32> {
    let given = call.params.integer(param)?;
    u32::try_from(given)
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| Failure::value(param, &given.into(), "it must be the number of a version"))
}

fn overview(view: &View<'_>, version: &ModelVersion) -> Section {
    let stage = Card::new("Stage", version.stage.as_str());
    let signatures = version.signatures.len();
    let mut section = Section::new().cards([
        if version.stage == mlops_registry::Stage::Production {
            stage.tone(Tone::Good)
        } else {
            stage
        },
        show::time_card("Registered", version.created),
        Card::new("By", show::short(version.actor.as_str())),
        Card::new("Content", version.content.to_string()).note(version.status.to_string()),
        Card::new("Signatures", signatures.to_string()),
    ]);
    if !version.description.is_empty() {
        section = section.paragraph(show::long(&version.description));
    }
    let mut about = DataTable::new("About this version")
        .text_column("")
        .text_column("")
        .row([Cell::text("Digest"), Cell::text(version.digest.to_string())]);
    if let Some(run) = &version.run {
        let link = view.link(run.as_str(), view::run(run));
        about = about.row([Cell::text("Run"), Cell::link(link)]);
    }
    if let Some(source) = &version.source {
        about = about.row([Cell::text("Source"), Cell::text(show::short(source))]);
    }
    if let Some(Ok(id)) = version.logged_model.as_deref().map(str::parse) {
        let link = view.link(show::short(&format!("{id}")), view::logged_model(&id));
        about = about.row([Cell::text("Logged model"), Cell::link(link)]);
    }
    section.add(about).append(show::tags(&version.tags))
}

fn signature(version: &ModelVersion) -> Option<Section> {
    let signature = version.signature.as_ref()?;
    let json = |value: serde_json::Result<serde_json::Value>| {
        show::short(&value.expect("signatures are JSON").to_string())
    };
    let inputs = signature.inputs();
    let rows = inputs.iter().take(LISTED).map(|input| {
        [
            Cell::text(show::short(&input.name)),
            Cell::text(json(serde_json::to_value(input))),
        ]
    });
    let table = DataTable::new("Inputs")
        .text_column("Name")
        .text_column("What it takes")
        .rows(rows)
        .left_out(inputs.len().saturating_sub(LISTED) as u64);
    let output = json(serde_json::to_value(signature.output()));
    Some(
        Section::new()
            .add(table)
            .paragraph(format!("Answers: {output}")),
    )
}

fn lineage(view: &View<'_>, version: &ModelVersion) -> Section {
    let mut rows = Vec::new();
    if let Some(code) = &version.lineage.code_revision {
        rows.push([
            Cell::text("Code"),
            Cell::text(show::short(code)),
            Cell::empty(),
        ]);
    }
    if let Some(parent) = &version.parent {
        let text = format!("{}, version {}", parent.model, parent.version);
        let link = if view.may_read_model(&parent.model) {
            view.link(text, view::version(&parent.model, parent.version))
        } else {
            Link::none(text)
        };
        rows.push([Cell::text("Made from"), Cell::link(link), Cell::empty()]);
    }
    for (label, digests) in [
        ("Data", &version.lineage.data),
        ("Feature", &version.lineage.features),
    ] {
        rows.extend(digests.iter().map(|(name, digest)| {
            [
                Cell::text(label),
                Cell::text(show::short(name)),
                Cell::text(digest.short()),
            ]
        }));
    }
    if rows.is_empty() {
        return Section::new().paragraph("Nothing was told.");
    }
    let table = DataTable::new("Where it came from")
        .text_column("")
        .text_column("Name")
        .text_column("Digest")
        .rows(rows);
    Section::new().add(table)
}

fn files(version: &ModelVersion) -> Section {
    let all = version.files.iter().chain(&version.signatures);
    let rows = all
        .take(LISTED)
        .map(|(name, digest)| [Cell::text(show::short(name)), Cell::text(digest.short())]);
    let caption = match version.content {
        Content::Package => "Files of the package and its signatures",
        _ => "Files",
    };
    let count = version.files.len() + version.signatures.len();
    let table = DataTable::new(caption)
        .text_column("Name")
        .text_column("Digest")
        .rows(rows)
        .left_out(count.saturating_sub(LISTED) as u64);
    Section::new().add(table)
}
