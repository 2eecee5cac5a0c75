//! Two versions of a model side by side.

use std::collections::BTreeMap;

use mlops_core::{Digest, ModelName};
use mlops_registry::{Comparison, ModelVersion, Result, RunRecord, Side};
use mlops_report::{Card, Cell, DataTable, Link, Section};

use super::{
    curves::{self, Along},
    show,
    version::number,
    view::{self, View, reply},
};
use crate::tracking::{
    failure::Outcome,
    route::{Call, Reply},
};

/// The most rows of a table.
const ROWS: usize = 200;

pub(super) fn page(call: &Call<'_>) -> Outcome<Reply> {
    let view = View::of(call);
    let name = super::subject::model_name(call.params)?;
    let (left, right) = (number(call, "left")?, number(call, "right")?);
    let compared = call.registry.existing_model(&name)?.compare(left, right)?;
    let mut page = view.page(title(&name, &compared)).crumbs([
        Link::new("Models", "/ui/models"),
        view.link(show::short(name.as_str()), view::model(&name)),
        Link::none(format!("versions {left} and {right}")),
    ]);
    for (heading, section) in sections(&view, &compared)? {
        page = page.section(heading, section);
    }
    Ok(reply(&page))
}

pub(super) fn title(name: &ModelName, compared: &Comparison) -> String {
    let (left, right) = (compared.left.version, compared.right.version);
    format!("{name}: version {left} and version {right}")
}

/// What a comparison consists of, by heading. What runs logged is shown to who may read the runs.
pub(super) fn sections(
    view: &View<'_>,
    compared: &Comparison,
) -> Result<Vec<(&'static str, Section)>> {
    let runs = runs(view, compared)?;
    let hidden = [&compared.left, &compared.right]
        .into_iter()
        .filter(|version| version.run.is_some())
        .count()
        > runs.len();
    let mut sections = vec![("Overview", overview(view, compared))];
    if hidden && !view.may_see_everything() {
        let text = "What their runs logged is not shown: it is not here, or not for you.";
        sections.push(("Runs", Section::new().paragraph(text)));
    } else {
        if !compared.metrics.is_empty() {
            sections.push(("Metrics", metrics(compared)));
        }
        let keys: Vec<String> = compared.metrics.keys().take(ROWS).cloned().collect();
        let mut drawable = false;
        for key in &keys {
            drawable |= curves::chart(view, &runs, key, Along::Step, 2)?.is_some();
        }
        if drawable {
            let (curves, _) = curves::section(view, &runs, &keys, Along::Step)?;
            sections.push(("Curves", curves));
        }
        if !compared.params.is_empty() {
            sections.push(("Params", texts("Params", compared, &compared.params)));
        }
    }
    if !compared.signature.is_empty() {
        sections.push((
            "Signature",
            texts("Signature", compared, &compared.signature),
        ));
    }
    let mut origin = digests("Data", compared, &compared.data).append(digests(
        "Features",
        compared,
        &compared.features,
    ));
    let code = BTreeMap::from([("revision".to_owned(), compared.code.clone())]);
    if compared.code.left.is_some() || compared.code.right.is_some() {
        origin = origin.append(texts("Code", compared, &code));
    }
    let profile = BTreeMap::from([("reference profile".to_owned(), compared.profile.clone())]);
    if compared.profile.left.is_some() || compared.profile.right.is_some() {
        origin = origin.append(digests("Profile", compared, &profile));
    }
    let origin = if origin.is_empty() {
        origin.paragraph("Nothing was told.")
    } else {
        origin
    };
    sections.push(("Where they came from", origin));
    if !compared.tags.is_empty() {
        sections.push(("Tags", texts("Tags", compared, &compared.tags)));
    }
    if !compared.files.is_empty() {
        sections.push(("Files", digests("Files", compared, &compared.files)));
    }
    Ok(sections)
}

/// The runs of the two versions that are here and that the reader may see, named by the versions.
fn runs(view: &View<'_>, compared: &Comparison) -> Result<Vec<RunRecord>> {
    let tracking = view.registry.tracking();
    let mut runs = Vec::new();
    for version in [&compared.left, &compared.right] {
        let Some(id) = &version.run else { continue };
        let mut run = match tracking.run(id) {
            Ok(run) => run,
            Err(mlops_registry::Error::UnknownRun { .. }) => continue,
            Err(error) => return Err(error),
        };
        let experiment = tracking.experiment(run.experiment)?;
        if view.may_read_experiment(experiment.name.as_str()) {
            run.name = format!("version {}", version.version);
            runs.push(run);
        }
    }
    Ok(runs)
}

fn overview(view: &View<'_>, compared: &Comparison) -> Section {
    let card = |version: &ModelVersion| {
        let card = Card::new(
            format!("Version {}", version.version),
            version.stage.as_str(),
        );
        card.note(format!(
            "{} by {}",
            show::time(version.created),
            version.actor
        ))
    };
    let link = |version: &ModelVersion| {
        let number = version.version;
        view.link(
            format!("Version {number}"),
            view::version(&version.model, number),
        )
    };
    let section = Section::new().cards([card(&compared.left), card(&compared.right)]);
    if view.is_served() {
        section.links([link(&compared.left), link(&compared.right)])
    } else {
        section
    }
}

fn columns(caption: &str, compared: &Comparison, numbers: bool) -> DataTable {
    let name = |version: &ModelVersion| format!("version {}", version.version);
    let table = DataTable::new(caption).text_column("");
    let (left, right) = (name(&compared.left), name(&compared.right));
    if numbers {
        table.number_column(left).number_column(right)
    } else {
        table.text_column(left).text_column(right)
    }
}

fn metrics(compared: &Comparison) -> Section {
    let rows = compared.metrics.iter().take(ROWS).map(|(key, side)| {
        let difference = side.difference.map(|difference| {
            let sign = if difference > 0.0 { "+" } else { "" };
            format!("{sign}{}", mlops_report::format::number(difference))
        });
        [
            Cell::text(show::short(key)),
            side.left.into(),
            side.right.into(),
            difference.into(),
        ]
    });
    let table = columns("Last values that their runs measured", compared, true)
        .number_column("Difference")
        .rows(rows)
        .left_out(compared.metrics.len().saturating_sub(ROWS) as u64);
    Section::new().add(table)
}

fn texts(caption: &str, compared: &Comparison, sides: &BTreeMap<String, Side<String>>) -> Section {
    table(caption, compared, sides, |text| show::short(text))
}

fn digests(
    caption: &str,
    compared: &Comparison,
    sides: &BTreeMap<String, Side<Digest>>,
) -> Section {
    if sides.is_empty() {
        return Section::new();
    }
    table(caption, compared, sides, Digest::short)
}

/// What differs first, and below it folded up what is the same.
fn table<T>(
    caption: &str,
    compared: &Comparison,
    sides: &BTreeMap<String, Side<T>>,
    text: impl Fn(&T) -> String,
) -> Section {
    let (same, differing): (Vec<_>, Vec<_>) = sides.iter().partition(|(_, side)| side.same);
    let cell = |value: &Option<T>| Cell::from(value.as_ref().map(&text));
    let rows = |sides: Vec<(&String, &Side<T>)>| {
        let shown = sides.iter().take(ROWS).map(|(name, side)| {
            [
                Cell::text(show::short(name)),
                cell(&side.left),
                cell(&side.right),
            ]
        });
        let shown: Vec<_> = shown.collect();
        columns(caption, compared, false)
            .rows(shown)
            .left_out(sides.len().saturating_sub(ROWS) as u64)
    };
    let count = same.len();
    let section = if differing.is_empty() {
        Section::new().paragraph(format!("{caption}: nothing differs."))
    } else {
        Section::new().add(rows(differing))
    };
    if count == 0 {
        return section;
    }
    section.details(
        match count {
            1 => "1 that is the same".to_owned(),
            count => format!("{count} that are the same"),
        },
        Section::new().add(rows(same)),
    )
}
