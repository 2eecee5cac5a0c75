//! All experiments that the reader may see: how many runs, and since when it has been quiet.

use mlops_registry::{ExperimentSearch, View as Lifecycles};
use mlops_report::{Address, Callout, Cell, DataTable, Form, Section, Tone};

use super::{
    show,
    view::{self, View, reply},
};
use crate::tracking::{
    failure::Outcome,
    route::{Call, Reply},
};

/// The experiments of a page.
const PAGE: usize = 100;

pub(super) fn page(call: &Call<'_>) -> Outcome<Reply> {
    let view = View::of(call);
    let text = |name: &str| {
        Ok::<_, crate::tracking::failure::Failure>(
            call.params.opt_text(name)?.unwrap_or_default().to_owned(),
        )
    };
    let (wanted, token) = (text("name")?, text("page_token")?);
    let lifecycles = match text("view")?.as_str() {
        "deleted" => Lifecycles::Deleted,
        "all" => Lifecycles::All,
        _ => Lifecycles::Active,
    };
    let form = Form::new("search", "/")
        .text("name", "Part of the name", wanted.clone())
        .select(
            "view",
            "Which",
            [("active", "in use"), ("deleted", "deleted"), ("all", "all")],
            text("view")?,
        )
        .submit("Search");
    let mut section = Section::new().add(form);
    let tracking = call.registry.tracking();
    let mut search = ExperimentSearch {
        filter: filter(&wanted),
        view: lifecycles,
        limit: Some(PAGE),
        page_token: (!token.is_empty()).then_some(token),
        ..ExperimentSearch::default()
    };
    let mut found = Vec::new();
    // what the reader may not see leaves no empty pages behind
    let next = loop {
        let page = tracking.search_experiments(&search)?;
        let seen = page.items.into_iter();
        found.extend(seen.filter(|one| view.may_read_experiment(one.name.as_str())));
        match page.next {
            Some(next) if found.len() < PAGE => search.page_token = Some(next),
            next => break next,
        }
    };
    let ids: Vec<_> = found.iter().map(|experiment| experiment.id).collect();
    let activity = tracking.activity(&ids)?;
    let rows = found.iter().zip(activity).map(|(experiment, activity)| {
        let name = Cell::link(view.link(
            show::short(experiment.name.as_str()),
            view::experiment(experiment.id),
        ));
        [
            match experiment.tags.get("mlflow.note.content") {
                Some(note) if !note.is_empty() => name.note(show::short(note)),
                _ => name,
            },
            Cell::count(activity.runs),
            activity.latest.map(show::time).into(),
            // the one that was always there was made at no time
            match experiment.created.micros() {
                0 => Cell::empty(),
                _ => Cell::text(show::time(experiment.created)),
            },
            Cell::text(experiment.id.to_string()),
            Cell::text(experiment.lifecycle.as_str()),
        ]
    });
    let table = DataTable::new("Experiments, the latest made first")
        .text_column("Experiment")
        .number_column("Runs")
        .text_column("Last run started")
        .text_column("Made")
        .text_column("Id")
        .text_column("State")
        .show_at_most(2 * PAGE)
        .rows(rows);
    section = if found.is_empty() {
        section.add(Callout::new(
            Tone::Neutral,
            "No experiment is here for you.",
            "Clients make one with `mlflow.set_experiment`; which ones you may see, the server's policy says.",
        ))
    } else {
        section.add(table)
    };
    let older = next.map(|next| {
        let address = Address::new("/")
            .with("name", &wanted)
            .with(
                "view",
                call.params
                    .opt_text("view")
                    .ok()
                    .flatten()
                    .unwrap_or_default(),
            )
            .with("page_token", &next);
        view.link("Further experiments", address)
    });
    let page = view
        .page("Experiments")
        .section("All", section.links(older));
    Ok(reply(&page))
}

/// A filter for a part of a name, as the grammar writes it. A percent sign stays one that stands for anything.
fn filter(part: &str) -> String {
    match part.trim() {
        "" => String::new(),
        part => {
            let quote = if part.contains('\'') { '"' } else { '\'' };
            format!("name ILIKE {quote}%{}%{quote}", part.replace(quote, "_"))
        }
    }
}
