//! A logged model: where it came from, what was measured on it, its files.

use mlops_registry::ArtifactOwner;
use mlops_report::{Card, Cell, DataTable, Link, Section};

use super::{
    show,
    view::{self, View, reply},
};
use crate::tracking::{
    artifact::check_below,
    failure::Outcome,
    route::{Call, Reply},
};

/// The most measurements that are shown.
const MEASUREMENTS: usize = 200;

pub(super) fn page(call: &Call<'_>) -> Outcome<Reply> {
    let view = View::of(call);
    let id = super::subject::logged_model_id(call.params)?;
    let model = call.registry.tracking().logged_model(&id)?;
    let path = call.params.opt_text("path")?.unwrap_or_default();
    check_below(path)?;
    let experiment = show::experiment_name(&view, call.registry, model.experiment)?;
    let mut overview = Section::new().cards([
        Card::new("Status", model.status.as_str()),
        Card::new(
            "Kind",
            model
                .model_type
                .as_deref()
                .map_or("–".to_owned(), show::short),
        ),
        show::time_card("Made", model.created),
    ]);
    let mut about = DataTable::new("About this model")
        .text_column("")
        .text_column("")
        .row([Cell::text("Id"), Cell::text(id.as_str())]);
    if let Some(run) = &model.source_run {
        let link = view.link(run.as_str(), view::run(run));
        about = about.row([Cell::text("Made by run"), Cell::link(link)]);
    }
    overview = overview.add(about);
    let mut page = view
        .page(show::short(&model.name))
        .crumbs([
            Link::new("Experiments", "/"),
            view.link(show::short(&experiment), view::experiment(model.experiment)),
            Link::none(show::short(&model.name)),
        ])
        .section("Overview", overview);
    if !model.metrics.is_empty() {
        let newest = model.metrics.iter().rev().take(MEASUREMENTS);
        let rows = newest.map(|metric| {
            [
                Cell::text(show::short(&metric.key)),
                show::number(metric.point.value),
                Cell::text(metric.point.step.to_string()),
                Cell::text(show::short(&metric.dataset_name)),
                Cell::link(view.link(metric.run.as_str(), view::run(&metric.run))),
            ]
        });
        let table = DataTable::new("Measured on it")
            .text_column("Metric")
            .number_column("Value")
            .number_column("Step")
            .text_column("Dataset")
            .text_column("By run")
            .rows(rows)
            .left_out(model.metrics.len().saturating_sub(MEASUREMENTS) as u64);
        page = page.section("Metrics", Section::new().add(table));
    }
    if !model.params.is_empty() {
        page = page.section("Params", show::pairs("Params", &model.params));
    }
    let owner = ArtifactOwner::Model(id.clone());
    let here = view::logged_model(&id);
    let files = show::artifacts(&view, model.experiment, &owner, path, &here)?;
    page = page.section("Artifacts", files);
    if !model.tags.is_empty() {
        page = page.section("Tags", show::tags(&model.tags));
    }
    Ok(reply(&page))
}
