//! A registered model: who serves, who challenges, which versions there are, what waits for whom, what happened.

use mlops_core::VersionNumber;
use mlops_registry::{
    Action, AuditEntry, ModelInfo, ModelVersion, RegisteredModel, Registry, RequestState, Result,
    Stage, TransitionRequest,
};
use mlops_report::{Callout, Card, Cell, DataTable, Form, Link, Section, Timeline, Tone};

use super::{
    show, trail,
    view::{self, View, reply},
};
use crate::tracking::{
    failure::Outcome,
    route::{Call, Reply},
};

/// The versions of a page, newest first.
const VERSIONS: usize = 100;
/// The open requests that are told in full.
const REQUESTS: usize = 20;
/// The entries of the trail of a page.
const ENTRIES: usize = 25;
/// How many versions can be chosen for a comparison.
const CHOICES: usize = 500;

pub(super) fn page(call: &Call<'_>) -> Outcome<Reply> {
    let view = View::of(call);
    let name = super::subject::model_name(call.params)?;
    let model = call.registry.existing_model(&name)?;
    let (info, versions) = (model.info()?, model.versions()?);
    let requests = call.registry.requests(&name)?;
    let after = call.params.opt_integer("before")?;
    let after = after.and_then(|before| u64::try_from(before).ok());
    let history = call.registry.recent_audit(Some(&name), after, ENTRIES)?;
    let mut page = view
        .page(name.as_str())
        .crumbs([
            Link::new("Models", "/ui/models"),
            Link::none(show::short(name.as_str())),
        ])
        .section("Overview", overview(&view, &model, &info)?)
        .section("Versions", self::versions(&view, &info, &versions));
    let (open, closed): (Vec<_>, Vec<_>) = requests
        .into_iter()
        .partition(|request| request.state == RequestState::Open);
    if !open.is_empty() || !closed.is_empty() {
        let section = open_requests(&view, &open)?;
        let section = if closed.is_empty() {
            section
        } else {
            let inside = Section::new().add(closed_requests(&closed));
            section.details(format!("{} closed requests", closed.len()), inside)
        };
        page = page.section("Requests", section);
    }
    let newer = after.is_none();
    let mut section = Section::new();
    if let (true, Some(chart)) = (newer, champions(&history.entries)) {
        section = section.add(chart);
    }
    section = section.append(trail::section(
        &view,
        "What happened, the newest first",
        &history.entries,
        false,
    ));
    let older = history.next.map(|next| {
        Link::new(
            "Older entries",
            view::model(&name).with("before", &next.to_string()),
        )
    });
    let page = page.section("History", section.links(older));
    Ok(reply(&page))
}

fn overview(view: &View<'_>, model: &RegisteredModel, info: &ModelInfo) -> Result<Section> {
    let card = |label: &str, version: Option<&ModelVersion>| match version {
        None => Card::new(label, "none"),
        Some(version) => Card::new(label, format!("version {}", version.version))
            .note(format!("since {}", show::time(version.updated))),
    };
    let (champion, challenger) = (model.champion()?, model.challenger()?);
    let champion_card = card("Champion", champion.as_ref());
    let mut section = Section::new().cards([
        if champion.is_some() {
            champion_card.tone(Tone::Good)
        } else {
            champion_card
        },
        card("Challenger", challenger.as_ref()),
        Card::new(
            "Versions",
            mlops_report::format::count(info.versions as u64),
        ),
        show::time_card("Last changed", info.updated),
    ]);
    if let (Some(champion), Some(challenger)) = (&champion, &challenger)
        && champion.version != challenger.version
    {
        let address = view::pair(&info.name, champion.version, challenger.version);
        section = section.links([view.link("Champion and challenger side by side", address)]);
    }
    if !info.description.is_empty() {
        section = section.paragraph(show::long(&info.description));
    }
    if !info.aliases.is_empty() {
        let rows = info.aliases.iter().map(|(alias, version)| {
            [
                Cell::text(alias.as_str()),
                Cell::link(view.link(
                    format!("version {version}"),
                    view::version(&info.name, *version),
                )),
            ]
        });
        let table = DataTable::new("Aliases")
            .text_column("Alias")
            .text_column("Points at")
            .rows(rows);
        section = section.add(table);
    }
    Ok(section.append(show::tags(&info.tags)))
}

fn versions(view: &View<'_>, info: &ModelInfo, versions: &[ModelVersion]) -> Section {
    if versions.is_empty() {
        return Section::new().paragraph("None is registered.");
    }
    let newest = || versions.iter().rev();
    let rows = newest().take(VERSIONS).map(|version| {
        let aliases = info
            .aliases
            .iter()
            .filter(|(_, number)| **number == version.version);
        let aliases: Vec<&str> = aliases.map(|(alias, _)| alias.as_str()).collect();
        let run = version.run.as_ref().map(|run| {
            let short: String = run.as_str().chars().take(8).collect();
            view.link(short, view::run(run))
        });
        [
            Cell::link(view.link(
                format!("version {}", version.version),
                view::version(&info.name, version.version),
            )),
            show::stage(version.stage),
            if aliases.is_empty() {
                Cell::empty()
            } else {
                Cell::text(aliases.join(", "))
            },
            Cell::text(show::time(version.created)),
            Cell::text(version.actor.as_str()),
            Cell::links(run),
            Cell::text(show::short(&version.description)),
        ]
    });
    let table = DataTable::new("Versions, the newest first")
        .text_column("Version")
        .text_column("Stage")
        .text_column("Aliases")
        .text_column("Registered")
        .text_column("By")
        .text_column("Run")
        .text_column("Description")
        .rows(rows)
        .left_out(versions.len().saturating_sub(VERSIONS) as u64);
    let section = Section::new().add(table);
    let [.., before, last] = versions else {
        return section;
    };
    let champion = versions
        .iter()
        .find(|version| version.stage == Stage::Production);
    let left = match champion {
        Some(champion) if champion.version != last.version => champion,
        _ => before,
    };
    let choices = || {
        newest().take(CHOICES).map(|version| {
            let (number, stage) = (version.version, version.stage);
            let label = match stage {
                Stage::None => format!("version {number}"),
                stage => format!("version {number} ({stage})"),
            };
            (number.to_string(), label)
        })
    };
    let form = Form::new(
        "compare",
        view::model(&info.name).piece("compare").to_string(),
    )
    .select("left", "Compare", choices(), left.version.to_string())
    .select("right", "with", choices(), last.version.to_string())
    .submit("Side by side");
    section.add(form)
}

/// The open requests, each with what it still misses.
fn open_requests(view: &View<'_>, open: &[TransitionRequest]) -> Result<Section> {
    if open.is_empty() {
        return Ok(Section::new().paragraph("None is open."));
    }
    let mut section = Section::new();
    for request in open.iter().take(REQUESTS) {
        section = section.append(open_request(view, request)?);
    }
    if open.len() > REQUESTS {
        let more = open.len() - REQUESTS;
        section = section.paragraph(format!("{more} more requests are open."));
    }
    Ok(section)
}

fn open_request(view: &View<'_>, request: &TransitionRequest) -> Result<Section> {
    let (number, version, to) = (request.number, request.version, request.to);
    let mut text = format!(
        "{} asked on {}",
        request.requested_by,
        show::time(request.requested)
    );
    if !request.reason.is_empty() {
        text = format!("{text}: {}", show::short(&request.reason));
    }
    if let Some(expires) = request.expires {
        text = format!("{text}. It expires on {}", show::time(expires));
    }
    let mut section = Section::new()
        .subheading(format!("Request {number}: version {version} to {to}"))
        .paragraph(text);
    section = section.add(prospects(view.registry, request)?);
    let rows = request.approvals.iter().map(|approval| {
        let roles: Vec<&str> = approval.roles.iter().map(String::as_str).collect();
        [
            Cell::text(approval.principal.as_str()),
            Cell::text(roles.join(", ")),
            Cell::text(show::time(approval.time)),
            Cell::text(show::short(&approval.comment)),
        ]
    });
    if !request.approvals.is_empty() {
        let table = DataTable::new("Signed off by")
            .text_column("Who")
            .text_column("As")
            .text_column("When")
            .text_column("Said")
            .rows(rows);
        section = section.add(table);
    }
    if let Some(evidence) = &request.evidence {
        let inside = trail::evidence(&serde_json::to_value(evidence).expect("evidence is JSON"));
        section = section.details("What it rests on", inside);
    }
    Ok(section)
}

fn prospects(registry: &Registry, request: &TransitionRequest) -> Result<mlops_report::Block> {
    let verdict = match registry.prospects(&request.model, request.number) {
        Ok(verdict) => verdict,
        Err(mlops_registry::Error::UnknownVersion { .. }) => {
            return Ok(Callout::new(Tone::Bad, "The version was deleted.", "").into());
        }
        // damage of its files is for this request to tell, and not to hide the whole page
        Err(
            error @ (mlops_registry::Error::Artifact { .. }
            | mlops_registry::Error::Package { .. }
            | mlops_registry::Error::PackageMismatch { .. }),
        ) => {
            return Ok(Callout::new(Tone::Bad, "Its files do not read.", error.to_string()).into());
        }
        Err(error) => return Err(error),
    };
    if verdict.findings.is_empty() {
        let callout = Callout::new(
            Tone::Good,
            "Nothing is missing.",
            "The policy asks for nothing more.",
        );
        return Ok(callout.into());
    }
    let rows = verdict.findings.iter().map(|finding| {
        let (state, tone) = if finding.passed {
            ("met", Tone::Good)
        } else {
            ("missing", Tone::Bad)
        };
        [
            Cell::text(finding.what.replace('_', "-")),
            Cell::text(state).tone(tone),
            Cell::text(finding.reason.replace('`', "")),
        ]
    });
    let table = DataTable::new("What the policy asks for")
        .text_column("Point")
        .text_column("Now")
        .text_column("Why")
        .rows(rows);
    Ok(table.into())
}

fn closed_requests(closed: &[TransitionRequest]) -> DataTable {
    let rows = closed.iter().rev().map(|request| {
        [
            Cell::text(format!("request {}", request.number)),
            Cell::text(format!("version {} to {}", request.version, request.to)),
            Cell::text(request.state.as_str()),
            Cell::text(request.requested_by.as_str()),
            request.closed.map(show::time).into(),
            Cell::text(show::short(&request.reason)),
        ]
    });
    DataTable::new("Closed requests")
        .text_column("Request")
        .text_column("What")
        .text_column("How it ended")
        .text_column("Asked by")
        .text_column("When")
        .text_column("Why")
        .rows(rows)
}

/// Who was champion when, as far as these entries tell; none if nobody was promoted in them.
fn champions(newest_first: &[AuditEntry]) -> Option<Timeline> {
    let promoted: Vec<(VersionNumber, &AuditEntry)> = newest_first
        .iter()
        .rev()
        .filter(|entry| entry.action == Action::Promoted)
        .filter_map(|entry| Some((entry.version?, entry)))
        .collect();
    let end = newest_first.first()?.time;
    let mut timeline = Timeline::new("Champions");
    for (at, (version, entry)) in promoted.iter().enumerate() {
        let until = promoted.get(at + 1).map_or(end, |(_, next)| next.time);
        let label = format!("version {version}");
        timeline = timeline.period("champion", entry.time, until, label, Tone::Good);
    }
    (promoted.len() > 1).then_some(timeline)
}
