//! The report: one self-contained HTML page.

use mlops::{
    pipeline::Status,
    recipes::html,
    report::{Callout, Card, Cell, DataTable, Page, Section, Tone, format},
};

use crate::{
    AnyResult,
    champion::Attempt,
    events::{Events, Quality},
    story::{PSI_LIMIT, Told},
};

pub fn render(events: &Events, told: &Told) -> AnyResult<String> {
    let first = &told.attempts[0];
    let last = told
        .attempts
        .iter()
        .rfind(|a| a.promoted.is_some())
        .unwrap_or(first);
    let mut page = Page::new("Churn: from raw events to a retrained model in service")
        .subtitle(format!(
            "{} purchase lines from {}; a customer has churned who buys nothing for 90 days",
            format::count(events.quality.rows_read),
            events.quality.source
        ))
        .section("In short", short(told, last))
        .section("Data quality", quality(&events.quality))
        .section("The first model", html::models(&first.candidates));
    if last.time != first.time {
        page = page.section(
            "The model in service at the end",
            html::models(&last.candidates),
        );
    }
    let markers: Vec<_> = told
        .attempts
        .iter()
        .skip(1)
        .map(|a| {
            let what = a
                .promoted
                .map_or_else(|| "refused".to_owned(), |v| format!("version {v}"));
            (what, a.time)
        })
        .chain(told.shift.map(|shift| ("planted shift".to_owned(), shift)))
        .collect();
    page = page.section(
        "Monitoring",
        html::monitoring(&told.observations, PSI_LIMIT, &markers),
    );
    let alarmed = told
        .observations
        .iter()
        .find(|o| !o.judgement.signals.is_empty());
    if let Some(observation) = alarmed.or(told.observations.last()) {
        let title = if alarmed.is_some() {
            "The first window with a signal"
        } else {
            "The last window"
        };
        page = page.section(title, html::drift_details(observation));
    }
    Ok(page
        .section(
            "Registry",
            html::registry_history(&told.registry, &told.model)?,
        )
        .section("Retraining runs", runs(&told.attempts))
        .footer(format!(
            "Events {}; features {}",
            events.quality.digest,
            told.service.digest()
        ))
        .render())
}

fn short(told: &Told, last: &Attempt) -> Section {
    let best = &last.candidates[0];
    let judged = best.binary();
    let [pr_auc, base_rate] =
        judged.map_or([f64::NAN; 2], |found| [found.pr_auc.value, found.base_rate]);
    let served = &told.served;
    let tone = |bad: u64| if bad == 0 { Tone::Good } else { Tone::Bad };
    Section::new()
        .add(Callout::new(
            Tone::Good,
            "In Production:",
            last.verdict.clone(),
        ))
        .cards([
            Card::new("PR-AUC", format::fixed(pr_auc, 3))
                .note(format!("base rate {base_rate:.3}, {}", best.name)),
            Card::new("Predictions", format::count(served.predictions)).note(format!(
                "{} outcomes joined",
                format::count(served.outcomes)
            )),
            Card::new("Failed requests", format::count(served.failed))
                .note(format!(
                    "of {} over HTTP, swaps included",
                    format::count(served.requests)
                ))
                .tone(tone(served.failed)),
            Card::new("Offline = online", format!("{} differ", served.differing))
                .note(format!(
                    "of {} feature values",
                    format::count(served.compared)
                ))
                .tone(tone(served.differing)),
            signals(told),
        ])
}

fn signals(told: &Told) -> Card {
    match told.shift {
        Some(_) => Card::new(
            "Signals",
            format!("{} / {}", told.signals_before, told.signals_after),
        )
        .note("before and after the planted shift"),
        None => Card::new("Signals", told.signals_before.to_string()),
    }
}

fn quality(quality: &Quality) -> Section {
    Section::new()
        .cards([
            Card::new("Rows read", format::count(quality.rows_read)),
            Card::new("Rejected", format::count(quality.rejected.total()))
                .note("could not be read as an event"),
            Card::new("Quarantined", format::count(quality.quarantined.total()))
                .note("broke the contract"),
            Card::new("Returns", format::count(quality.returns as u64))
                .note("kept as negative amounts"),
        ])
        .add(html::rejections(
            "Rejected rows",
            &quality.rejected,
            quality.rows_read,
        ))
        .add(html::contract(&quality.validation))
        .add(html::rejections(
            "Quarantined rows",
            &quality.quarantined,
            quality.rows_read,
        ))
}

fn runs(attempts: &[Attempt]) -> Section {
    let mut section = Section::new();
    for attempt in attempts {
        let table = DataTable::new(format!("{}: {}", attempt.time.date(), attempt.reason))
            .text_column("Step")
            .text_column("Status")
            .number_column("Seconds")
            .text_column("Why")
            .rows(attempt.report.steps.iter().map(|step| {
                let tone = match step.status {
                    Status::Cached => Tone::Good,
                    Status::Failed => Tone::Bad,
                    _ => Tone::Neutral,
                };
                [
                    Cell::text(&step.name),
                    Cell::text(step.status.to_string()).tone(tone),
                    Cell::fixed(step.seconds, 2),
                    Cell::text(step.why.to_string()),
                ]
            }));
        let summary = format!(
            "{}: {} steps, {} from the cache; {}",
            attempt.time.date(),
            attempt.report.steps.len(),
            attempt.report.count(Status::Cached),
            attempt.verdict
        );
        section = section.details(summary, Section::new().add(table));
    }
    section
}
