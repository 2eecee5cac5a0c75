//! The audit trail over all models, and whether it holds.

use std::sync::Mutex;

use mlops_registry::{AuditEntry, Error, Registry};
use mlops_report::{Address, Callout, Link, Section, Tone};

use super::{
    trail,
    view::{View, reply},
};
use crate::tracking::{
    failure::Outcome,
    route::{Call, Reply},
};

/// The entries of a page.
const PAGE: usize = 50;
/// How many pages are looked through for entries that the reader may see.
const LOOKED_THROUGH: usize = 10;
/// A trail of no more entries is verified whenever somebody looks; a longer one when they ask for it.
const AT_ONCE: u64 = 1_000;

pub(super) fn page(call: &Call<'_>) -> Outcome<Reply> {
    let view = View::of(call);
    let asked = call.params.opt_integer("before")?;
    let mut before = asked.and_then(|before| u64::try_from(before).ok());
    let mut entries: Vec<AuditEntry> = Vec::new();
    let mut newest = None;
    for _ in 0..LOOKED_THROUGH {
        let page = call.registry.recent_audit(None, before, PAGE)?;
        newest = newest.or(page.entries.first().map(|entry| entry.id));
        before = page.next;
        let seen = page.entries.into_iter();
        entries.extend(seen.filter(|entry| view.may_read_model(&entry.model)));
        if entries.len() >= PAGE || before.is_none() {
            break;
        }
    }
    let wanted = call.params.opt_flag("verify")?.unwrap_or_default();
    let short = asked.is_none() && newest.unwrap_or_default() <= AT_ONCE;
    let state = if wanted || short {
        Section::new().add(verified(&view, call.registry))
    } else {
        Section::new()
            .add(Callout::new(
                Tone::Neutral,
                "The trail is long and was not verified just now.",
                "Verifying reads all of it.",
            ))
            .links([Link::new(
                "Verify it now",
                Address::new("/ui/audit").with("verify", "true"),
            )])
    };
    let older = before.map(|before| {
        let address = Address::new("/ui/audit").with("before", &before.to_string());
        Link::new("Older entries", address)
    });
    let list = trail::section(&view, "All models, the newest entry first", &entries, true);
    let page = view
        .page("Audit trail")
        .section("Does it hold?", state)
        .section("What happened", list.links(older));
    Ok(reply(&page))
}

/// What a verification says. One goes on at a time, whoever asks.
fn verified(view: &View<'_>, registry: &Registry) -> Callout {
    static UNDER_WAY: Mutex<()> = Mutex::new(());
    let Ok(_turn) = UNDER_WAY.try_lock() else {
        return Callout::new(
            Tone::Neutral,
            "A verification is under way.",
            "Look again in a moment.",
        );
    };
    match registry.verify_audit() {
        Ok(()) => Callout::new(
            Tone::Good,
            "The trail holds.",
            "Every entry follows from the one before, and the models are as the entries say.",
        ),
        Err(error) => {
            let may_know = match &error {
                Error::AuditDisagrees { model, .. } => view.may_read_model(model),
                _ => view.may_see_everything(),
            };
            let text = if may_know {
                error.to_string()
            } else {
                "What exactly, those may see who may read all models.".to_owned()
            };
            Callout::new(Tone::Bad, "The trail does not hold.", text)
        }
    }
}
