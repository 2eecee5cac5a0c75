//! All registered models that the reader may see: what serves, what is tried, what waits for sign-offs.

use mlops_core::ModelName;
use mlops_registry::{ModelInfo, RequestState, Stage};
use mlops_report::{Address, Callout, Cell, DataTable, Form, Link, Section, Tone};

use super::{
    show,
    view::{self, View, reply},
};
use crate::tracking::{
    failure::Outcome,
    route::{Call, Reply},
};

/// The models of a page.
const PAGE: usize = 50;

pub(super) fn page(call: &Call<'_>) -> Outcome<Reply> {
    let view = View::of(call);
    let wanted = call.params.opt_text("name")?.unwrap_or_default();
    let after = call.params.opt_text("after")?.unwrap_or_default();
    let folded = wanted.to_lowercase();
    let mut names = call.registry.models()?.into_iter().filter(|name| {
        name.as_str() > after
            && name.as_str().to_lowercase().contains(&folded)
            && view.may_read_model(name)
    });
    let names_here: Vec<ModelName> = names.by_ref().take(PAGE).collect();
    let more = names.next().is_some();
    let mut rows = Vec::new();
    for name in &names_here {
        let model = match call.registry.existing_model(name) {
            Ok(model) => model,
            // deleted in the meantime
            Err(mlops_registry::Error::UnknownModel { .. }) => continue,
            Err(error) => return Err(error.into()),
        };
        let requests = call.registry.requests(name)?;
        let open = requests
            .iter()
            .filter(|request| request.state == RequestState::Open)
            .count();
        rows.push(row(&view, &model.info()?, open));
    }
    let form = Form::new("search", "/ui/models")
        .text("name", "Part of the name", wanted)
        .submit("Search");
    let section = Section::new().add(form);
    let section = if rows.is_empty() {
        section.add(Callout::new(
            Tone::Neutral,
            "No model is here for you.",
            "Clients register one with `mlflow.register_model`.",
        ))
    } else {
        let table = DataTable::new("Registered models")
            .text_column("Model")
            .number_column("Versions")
            .text_column("Production")
            .text_column("Staging")
            .text_column("Aliases")
            .number_column("Open requests")
            .text_column("Last changed")
            .rows(rows);
        section.add(table)
    };
    let next = names_here.last().filter(|_| more).map(|last| {
        let address = Address::new("/ui/models")
            .with("name", wanted)
            .with("after", last.as_str());
        Link::new("Further models", address)
    });
    let page = view.page("Models").section("All", section.links(next));
    Ok(reply(&page))
}

fn row(view: &View<'_>, info: &ModelInfo, open: usize) -> [Cell; 7] {
    let name = Cell::link(view.link(show::short(info.name.as_str()), view::model(&info.name)));
    let in_stage = |stage| {
        let version = info.latest.get(&stage)?;
        Some(view.link(
            format!("version {version}"),
            view::version(&info.name, *version),
        ))
    };
    let aliases = info.aliases.iter().take(10).map(|(alias, version)| {
        view.link(
            format!("{alias} → {version}"),
            view::version(&info.name, *version),
        )
    });
    let open = Cell::count(open as u64).tone(if open > 0 { Tone::Warn } else { Tone::Neutral });
    [
        if info.description.is_empty() {
            name
        } else {
            name.note(show::short(&info.description))
        },
        Cell::count(info.versions as u64),
        Cell::links(in_stage(Stage::Production)),
        Cell::links(in_stage(Stage::Staging)),
        Cell::links(aliases),
        open,
        Cell::text(show::time(info.updated)),
    ]
}
