//! An experiment: its runs in a table that is searched, ordered and paged, children below their parents.

use std::collections::BTreeMap;

use mlops_registry::{Activity, ExperimentRecord, RunQuery, RunRecord};
use mlops_report::{Address, Callout, Card, Cell, DataTable, Form, Link, Section, Tone};

use super::{
    column::{self, Column},
    search_box::{Asked, Faults},
    show,
    view::{self, View, reply},
};
use crate::tracking::{
    failure::Outcome,
    route::{Call, Reply},
};

pub(super) fn page(call: &Call<'_>) -> Outcome<Reply> {
    let view = View::of(call);
    let tracking = call.registry.tracking();
    let id = super::subject::experiment_id(call.params)?;
    let experiment = tracking.experiment(id)?;
    let activity = tracking.activity(&[id])?[0];
    let asked = Asked::read(call.params)?;
    let faults = asked.faults();
    let start = view::experiment(id);
    let mut section = Section::new().add(asked.form(&start, &faults));
    if faults.is_empty() {
        let query = RunQuery {
            experiments: Some(vec![id]),
            ..asked.query()
        };
        let found = tracking.query_runs(&query)?;
        let offered = column::offered(&found.items);
        let columns = column::chosen(&asked.columns, &offered, &found.items);
        if found.items.is_empty() {
            section = section.add(nothing(&asked));
        } else {
            let choice = asked.choice(&start, &offered, &columns);
            let compare = Form::new("compare", "/ui/compare").submit("Compare the ticked runs");
            section = section
                .details("Columns", Section::new().add(choice))
                .add(compare)
                .add(table(&view, &found.items, &columns, Some((&asked, &start))));
        }
        let mut links = Vec::new();
        if asked.page_token.is_some() {
            links.push(Link::new("First page", asked.first_page(&start)));
        }
        if let Some(next) = &found.next {
            links.push(Link::new("Next page", asked.next_page(&start, next)));
        }
        section = section.links(links);
    } else {
        section = section.add(wrong(&faults));
    }
    let page = view
        .page(experiment.name.as_str())
        .crumbs([
            Link::new("Experiments", "/"),
            Link::none(show::short(experiment.name.as_str())),
        ])
        .section("Runs", section)
        .section("About this experiment", about(&experiment, activity));
    Ok(reply(&page))
}

fn nothing(asked: &Asked) -> Callout {
    if asked.filter.trim().is_empty() {
        return Callout::new(
            Tone::Neutral,
            "There are no runs yet.",
            "A client logs here with `mlflow.start_run()`.",
        );
    }
    Callout::new(
        Tone::Neutral,
        "No run fits the filter.",
        "Params compare as texts in quotes and as numbers without.",
    )
}

fn wrong(faults: &Faults) -> Callout {
    let what = if faults.filter.is_some() {
        "The filter does not read."
    } else {
        "The order does not read."
    };
    Callout::new(Tone::Bad, what, "The mark above shows where.")
}

/// What is known of an experiment besides its runs.
pub(super) fn about(experiment: &ExperimentRecord, activity: Activity) -> Section {
    let latest = "Last run started";
    let section = Section::new().cards([
        Card::new("Runs", mlops_report::format::count(activity.runs)),
        match activity.latest {
            Some(time) => show::time_card(latest, time),
            None => Card::new(latest, "–"),
        },
        show::time_card("Made", experiment.created),
        Card::new("Id", experiment.id.to_string()).note(experiment.lifecycle.as_str()),
    ]);
    show::note(section, &experiment.tags).append(show::tags(&experiment.tags))
}

/// Runs with those columns; with a search, headings order and boxes compare.
pub(super) fn table(
    view: &View<'_>,
    runs: &[RunRecord],
    columns: &[Column],
    search: Option<(&Asked, &Address)>,
) -> DataTable {
    let mut table = DataTable::new("Runs").show_at_most(runs.len());
    let sorted = |table: DataTable, identifier: Option<String>| match (search, identifier) {
        (Some((asked, start)), Some(identifier)) => {
            let (address, now) = asked.by(start, &identifier);
            table.sorted_by(address, now)
        }
        _ => table,
    };
    let fixed = |name: &str| Some(format!("attributes.{name}"));
    table = sorted(table.text_column("Run"), fixed("run_name"));
    if search.is_some() {
        table = table.text_column("Compare");
    }
    table = sorted(table.text_column("Status"), fixed("status"));
    table = sorted(table.text_column("Started"), fixed("start_time"));
    table = table.number_column("Took");
    for column in columns {
        let heading = show::short(column.key());
        table = if column.is_metric() {
            table.number_column(heading)
        } else {
            table.text_column(heading)
        };
        table = sorted(table, column.identifier());
    }
    for (depth, run) in tree(runs) {
        let mut name = Cell::link(show::run_link(view, run)).indent(depth);
        if depth == 0 && run.parent.as_ref().is_some_and(|parent| !parent.is_empty()) {
            name = name.note("child run");
        }
        let mut cells = vec![name];
        if search.is_some() {
            let label = format!("compare {}", show::run_name(run));
            cells.push(Cell::tick("compare", "run_ids", run.id.as_str(), label));
        }
        cells.push(show::status(run));
        cells.push(Cell::text(show::time(run.started)));
        cells.push(Cell::text(show::duration(run.started, run.ended)));
        cells.extend(columns.iter().map(|column| column.cell(run)));
        table = table.row(cells);
    }
    table
}

/// The runs in their order, but each child below its parent where that is among them.
fn tree(runs: &[RunRecord]) -> Vec<(usize, &RunRecord)> {
    let places: BTreeMap<&str, usize> = runs
        .iter()
        .enumerate()
        .map(|(at, run)| (run.id.as_str(), at))
        .collect();
    let parent = |run: &RunRecord| {
        let parent = places.get(run.parent.as_deref()?)?;
        Some(*parent)
    };
    let mut children: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut waiting = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        match parent(run) {
            Some(parent) => children.entry(parent).or_default().push(at),
            None => waiting.push((0, at)),
        }
    }
    waiting.reverse();
    let mut placed = vec![false; runs.len()];
    let mut rows = Vec::with_capacity(runs.len());
    while let Some((depth, at)) = waiting.pop() {
        placed[at] = true;
        rows.push((depth, &runs[at]));
        let below = children.remove(&at).into_iter().flatten().rev();
        waiting.extend(below.map(|child| (depth + 1, child)));
    }
    // runs that name each other as parents in a circle
    let left = runs.iter().zip(placed).filter(|(_, placed)| !placed);
    rows.extend(left.map(|(run, _)| (0, run)));
    rows
}

#[cfg(test)]
mod tests {
    use mlops_registry::{NewExperiment, NewRun, Registry};

    use super::*;

    #[test]
    fn children_stand_below_their_parents_and_circles_are_no_trap() {
        let tracking = Registry::memory().unwrap().tracking();
        let experiment = NewExperiment::new("e".parse().unwrap());
        let experiment = tracking.create_experiment(experiment).unwrap().id;
        let run = |name: &str, parent: Option<&RunRecord>| {
            let parent = parent.map(|run| ("mlflow.parentRunId".to_owned(), run.id.to_string()));
            let new = NewRun {
                name: Some(name.into()),
                tags: parent.into_iter().collect(),
                ..NewRun::new(experiment)
            };
            tracking.create_run(new).unwrap()
        };
        let a = run("a", None);
        let b = run("b", None);
        let child = run("child", Some(&a));
        let grandchild = run("grandchild", Some(&child));
        let elsewhere = run("elsewhere", Some(&b));
        let one = run("one", None);
        let two = run("two", Some(&one));
        tracking
            .set_tag(&one.id, "mlflow.parentRunId", two.id.as_str())
            .unwrap();
        let one = tracking.run(&one.id).unwrap();
        let runs = [grandchild, child, elsewhere, a, one, two];
        let rows: Vec<(usize, &str)> = tree(&runs)
            .into_iter()
            .map(|(depth, run)| (depth, run.name.as_str()))
            .collect();
        let expect = [
            (0, "elsewhere"),
            (0, "a"),
            (1, "child"),
            (2, "grandchild"),
            (0, "one"),
            (0, "two"),
        ];
        assert_eq!(rows, expect);
    }
}
