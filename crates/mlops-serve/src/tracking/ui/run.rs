//! A run: how it went, what it measured, what it read and made, its files, its relatives.

use mlops_registry::{ArtifactOwner, LoggedModelId, RunRecord, RunStatus};
use mlops_report::{Address, Card, Cell, DataTable, Link, Section};

use super::{
    curves::{self, Along},
    show,
    view::{self, View, reply},
};
use crate::tracking::{
    artifact::check_below,
    failure::Outcome,
    route::{Call, Reply},
};

pub(super) fn page(call: &Call<'_>) -> Outcome<Reply> {
    let view = View::of(call);
    let tracking = call.registry.tracking();
    let id = super::subject::run_id(call.params)?;
    let run = tracking.run(&id)?;
    let path = call.params.opt_text("path")?.unwrap_or_default();
    check_below(path)?;
    let along = Along::read(call.params.opt_text("along")?);
    let here = view::run(&id);
    let experiment = show::experiment_name(&view, call.registry, run.experiment)?;
    let mut page = view
        .page(show::run_name(&run))
        .crumbs([
            Link::new("Experiments", "/"),
            view.link(show::short(&experiment), view::experiment(run.experiment)),
            Link::none(show::run_name(&run)),
        ])
        .section("Overview", overview(&view, &run)?);
    if !run.metrics.is_empty() {
        page = page.section("Metrics", metrics(&view, &run, along, &here)?);
    }
    if !run.params.is_empty() {
        page = page.section("Params", show::pairs("Params", &run.params));
    }
    if !run.datasets.is_empty() {
        page = page.section("Datasets", datasets(&run));
    }
    if !run.model_inputs.is_empty() || !run.outputs.is_empty() {
        page = page.section("Logged models", models(&view, &run));
    }
    let owner = ArtifactOwner::Run(id.clone());
    let files = show::artifacts(&view, run.experiment, &owner, path, &here)?;
    page = page.section("Artifacts", files);
    let children = tracking.children(&id)?;
    if !children.is_empty() {
        page = page.section("Children", self::children(&view, &children));
    }
    if !run.tags.is_empty() {
        page = page.section("Tags", show::tags(&run.tags));
    }
    Ok(reply(&page))
}

fn overview(view: &View<'_>, run: &RunRecord) -> Outcome<Section> {
    let ended = match run.ended {
        Some(ended) => show::time_card("Ended", ended),
        None if run.status == RunStatus::Running => Card::new("Ended", "goes on"),
        None => Card::new("Ended", "–"),
    };
    let tone = show::status_tone(run.status);
    let status = Card::new("Status", run.status.as_str()).tone(tone);
    let cards = [
        if run.lifecycle == mlops_registry::Lifecycle::Deleted {
            status.note("deleted")
        } else {
            status
        },
        Card::new("Took", show::duration(run.started, run.ended)),
        show::time_card("Started", run.started),
        ended,
    ];
    let section = show::note(Section::new().cards(cards), &run.tags);
    let mut rows = vec![
        [Cell::text("Id"), Cell::text(run.id.as_str())],
        [Cell::text("For"), Cell::text(show::short(&run.user))],
    ];
    if let Some(parent) = run.parent.as_deref().filter(|parent| !parent.is_empty()) {
        rows.push([Cell::text("Child of"), parent_cell(view, parent)?]);
    }
    for (label, tag) in [
        ("Source", "mlflow.source.name"),
        ("Code", "mlflow.source.git.commit"),
    ] {
        if let Some(value) = run.tags.get(tag).filter(|value| !value.is_empty()) {
            rows.push([Cell::text(label), Cell::text(show::short(value))]);
        }
    }
    let about = DataTable::new("About this run")
        .text_column("")
        .text_column("")
        .rows(rows);
    Ok(section.add(about))
}

/// A link to the parent, if it is there and the reader may see it.
fn parent_cell(view: &View<'_>, parent: &str) -> Outcome<Cell> {
    let tracking = view.registry.tracking();
    let Ok(id) = parent.parse() else {
        return Ok(Cell::text(show::short(parent)));
    };
    let found = match tracking.run(&id) {
        Ok(found) => found,
        Err(mlops_registry::Error::UnknownRun { .. }) => return Ok(Cell::text(parent)),
        Err(error) => return Err(error.into()),
    };
    let experiment = tracking.experiment(found.experiment)?;
    Ok(if view.may_read_experiment(experiment.name.as_str()) {
        Cell::link(show::run_link(view, &found))
    } else {
        Cell::text(parent)
    })
}

fn metrics(view: &View<'_>, run: &RunRecord, along: Along, here: &Address) -> Outcome<Section> {
    let keys: Vec<String> = run.metrics.keys().cloned().collect();
    let (charts, left_out) = curves::section(view, std::slice::from_ref(run), &keys, along)?;
    let rows = run.metrics.iter().map(|(key, point)| {
        [
            Cell::text(show::short(key)),
            show::number(point.value),
            Cell::text(point.step.to_string()),
            Cell::text(show::time(point.time)),
        ]
    });
    let table = DataTable::new("Last values")
        .text_column("Metric")
        .number_column("Value")
        .number_column("Step")
        .text_column("Measured")
        .rows(rows);
    let links = match along {
        Along::Step => Link::new("Curves over time", here.clone().with("along", "time")),
        Along::Time => Link::new("Curves over steps", here.clone()),
    };
    let mut section = Section::new().add(table).append(charts).links([links]);
    if left_out > 0 {
        section = section.paragraph(format!(
            "{left_out} more metrics are not drawn; the table has their last values."
        ));
    }
    Ok(section)
}

fn datasets(run: &RunRecord) -> Section {
    let rows = run.datasets.iter().map(|input| {
        let context = input.tags.get("mlflow.data.context");
        [
            Cell::text(show::short(&input.dataset.name)),
            Cell::text(show::short(&input.dataset.digest)),
            context.map(|context| show::short(context)).into(),
            Cell::text(show::short(&input.dataset.source_type)),
            Cell::text(show::short(&input.dataset.source)),
        ]
    });
    let table = DataTable::new("Datasets that it read")
        .text_column("Name")
        .text_column("Digest")
        .text_column("For")
        .text_column("From")
        .text_column("Source")
        .rows(rows);
    let section = Section::new().add(table);
    let described = run.datasets.iter().take(10);
    described.fold(section, |section, input| {
        let (schema, profile) = (&input.dataset.schema, &input.dataset.profile);
        let texts: Vec<&String> = [schema, profile].into_iter().flatten().collect();
        if texts.is_empty() {
            return section;
        }
        let inside = texts
            .into_iter()
            .fold(Section::new(), |inside, text| inside.code(show::long(text)));
        let name = show::short(&input.dataset.name);
        section.details(format!("Schema and profile of {name}"), inside)
    })
}

fn models(view: &View<'_>, run: &RunRecord) -> Section {
    let link = |id: &LoggedModelId| Cell::link(view.link(id.as_str(), view::logged_model(id)));
    let read = run
        .model_inputs
        .iter()
        .map(|id| [link(id), Cell::text("read"), Cell::empty()]);
    let made = run.outputs.iter().map(|output| {
        [
            link(&output.model),
            Cell::text("made"),
            Cell::text(output.step.to_string()),
        ]
    });
    let table = DataTable::new("Logged models")
        .text_column("Model")
        .text_column("")
        .number_column("Step")
        .rows(read.chain(made));
    Section::new().add(table)
}

fn children(view: &View<'_>, children: &[RunRecord]) -> Section {
    let shown = &children[..children.len().min(200)];
    let offered = super::column::offered(shown);
    let columns = super::column::chosen(&[], &offered, shown);
    let table = super::runs::table(view, shown, &columns, None)
        .left_out((children.len() - shown.len()) as u64);
    let first = shown.iter().take(super::compare::MOST).map(|run| &run.id);
    let link = Link::new("Compare them", view::comparison(first));
    Section::new().add(table).links([link])
}
