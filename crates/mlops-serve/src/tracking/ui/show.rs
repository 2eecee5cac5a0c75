//! How single things look on a page: times, lengths of time, statuses, keys with values, artifacts.

use std::collections::BTreeMap;

use mlops_core::{EventTime, Span};
use mlops_registry::{ArtifactOwner, ExperimentId, Registry, Result, RunRecord, RunStatus, Stage};
use mlops_report::{Address, Card, Cell, DataTable, Link, Section, Tone, format};

use super::view::View;

/// Longer texts are cut in tables of many things.
const SHOWN: usize = 120;
/// And longer ones even where there is one thing alone.
const SHOWN_ALONE: usize = 4_000;

/// A time to the second.
pub(super) fn time(time: EventTime) -> String {
    let text = time.to_string().replace('T', " ").replace('Z', "");
    match text.split_once('.') {
        Some((seconds, _)) => seconds.to_owned(),
        None => text,
    }
}

/// A time on a card: the day in large letters, the time of day below.
pub(super) fn time_card(label: &str, at: EventTime) -> Card {
    let text = time(at);
    match text.split_once(' ') {
        Some((day, clock)) => Card::new(label, day).note(clock),
        None => Card::new(label, text),
    }
}

/// How long something took.
pub(super) fn duration(from: EventTime, to: Option<EventTime>) -> String {
    match to.and_then(|to| to.since(from)).map(Span::as_seconds) {
        None => "–".to_owned(),
        Some(seconds) if seconds < 7_200.0 => format::seconds(seconds),
        Some(seconds) if seconds < 172_800.0 => {
            format!("{} h", format::fixed(seconds / 3_600.0, 1))
        }
        Some(seconds) => format!("{} days", format::fixed(seconds / 86_400.0, 1)),
    }
}

pub(super) fn status_tone(status: RunStatus) -> Tone {
    match status {
        RunStatus::Failed => Tone::Bad,
        RunStatus::Killed => Tone::Warn,
        _ => Tone::Neutral,
    }
}

pub(super) fn status(run: &RunRecord) -> Cell {
    Cell::text(run.status.as_str()).tone(status_tone(run.status))
}

pub(super) fn stage(stage: Stage) -> Cell {
    Cell::text(stage.as_str()).tone(match stage {
        Stage::Production => Tone::Good,
        _ => Tone::Neutral,
    })
}

/// A text that fits a table.
pub(super) fn short(text: &str) -> String {
    cut(text, SHOWN)
}

/// A text that fits a page.
pub(super) fn long(text: &str) -> String {
    cut(text, SHOWN_ALONE)
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A size in bytes as people count them.
pub(super) fn bytes(bytes: u64) -> String {
    let in_units = |unit: f64| format::fixed(bytes as f64 / unit, 1);
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", in_units(1e3)),
        1_000_000..1_000_000_000 => format!("{} MB", in_units(1e6)),
        _ => format!("{} GB", in_units(1e9)),
    }
}

/// A number as a cell; NaN and the infinities are told.
pub(super) fn number(value: f64) -> Cell {
    Cell::number(value)
}

/// Keys with their values; nothing where there are none.
pub(super) fn pairs(caption: &str, map: &BTreeMap<String, String>) -> Section {
    if map.is_empty() {
        return Section::new();
    }
    let rows = map
        .iter()
        .map(|(key, value)| [Cell::text(key.clone()), Cell::text(long(value))]);
    Section::new().add(
        DataTable::new(caption)
            .text_column("Key")
            .text_column("Value")
            .rows(rows),
    )
}

/// Whether a tag is one of those that clients set by themselves.
pub(super) fn is_system_tag(key: &str) -> bool {
    key.starts_with("mlflow.")
}

/// The tags of the user's own, and below them folded up those that clients set.
pub(super) fn tags(map: &BTreeMap<String, String>) -> Section {
    let (system, own): (BTreeMap<_, _>, BTreeMap<_, _>) = map
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .partition(|(key, _)| is_system_tag(key));
    let section = pairs("Tags", &own);
    if system.is_empty() {
        return section;
    }
    section.details(
        match system.len() {
            1 => "1 tag set by clients".to_owned(),
            count => format!("{count} tags set by clients"),
        },
        pairs("Set by clients", &system),
    )
}

/// A note in prose, where somebody wrote one.
pub(super) fn note(section: Section, tags: &BTreeMap<String, String>) -> Section {
    match tags
        .get("mlflow.note.content")
        .filter(|note| !note.is_empty())
    {
        Some(note) => section.code(long(note)),
        None => section,
    }
}

/// The files and folders at a path of a run or a logged model; `here` is the page that shows them.
pub(super) fn artifacts(
    view: &View<'_>,
    experiment: ExperimentId,
    owner: &ArtifactOwner,
    path: &str,
    here: &Address,
) -> Result<Section> {
    let entries = view
        .registry
        .tracking()
        .artifacts(owner, (!path.is_empty()).then_some(path))?;
    let root = root(experiment, owner);
    let mut way = vec![view.link("artifacts", here.clone())];
    let pieces: Vec<&str> = path.split('/').filter(|piece| !piece.is_empty()).collect();
    for at in 0..pieces.len() {
        let address = here.clone().with("path", &pieces[..=at].join("/"));
        way.push(view.link(pieces[at], address));
    }
    if entries.is_empty() {
        return Ok(if path.is_empty() {
            Section::new().paragraph("There are none.")
        } else {
            Section::new().links(way).paragraph("Nothing is here.")
        });
    }
    let rows = entries.iter().map(|entry| {
        let name = entry.path.rsplit('/').next().unwrap_or(&entry.path);
        match &entry.file {
            None => {
                let address = here.clone().with("path", &entry.path);
                [
                    Cell::link(view.link(format!("{name}/"), address)),
                    Cell::empty(),
                    Cell::empty(),
                ]
            }
            Some((digest, size)) => [
                Cell::link(view.link(name, file(&root, &entry.path))),
                Cell::text(bytes(*size)),
                Cell::text(digest.short()),
            ],
        }
    });
    let table = DataTable::new("Files")
        .text_column("Name")
        .number_column("Size")
        .text_column("Digest")
        .rows(rows);
    let way = if path.is_empty() { Vec::new() } else { way };
    Ok(Section::new().links(way).add(table))
}

fn root(experiment: ExperimentId, owner: &ArtifactOwner) -> Address {
    let root = Address::new("/ui/artifacts").piece(&experiment.to_string());
    match owner {
        ArtifactOwner::Run(id) => root.piece(id.as_str()).piece("artifacts"),
        ArtifactOwner::Model(id) => root.piece("models").piece(id.as_str()).piece("artifacts"),
    }
}

fn file(root: &Address, path: &str) -> Address {
    path.split('/').fold(root.clone(), Address::piece)
}

/// A run by its name, or by what is left of it.
pub(super) fn run_link(view: &View<'_>, run: &RunRecord) -> Link {
    view.link(run_name(run), super::view::run(&run.id))
}

pub(super) fn run_name(run: &RunRecord) -> String {
    if run.name.trim().is_empty() {
        run.id.as_str().chars().take(8).collect()
    } else {
        short(&run.name)
    }
}

/// The names of experiments, of those that the reader may see.
pub(super) fn experiment_name(
    view: &View<'_>,
    registry: &Registry,
    id: ExperimentId,
) -> Result<String> {
    let name = registry.tracking().experiment(id)?.name;
    Ok(if view.may_read_experiment(name.as_str()) {
        name.to_string()
    } else {
        id.to_string()
    })
}
