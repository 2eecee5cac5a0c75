//! The trail and the garbage.

use std::{
    fmt::Write as _,
    fs::File,
    io::{BufWriter, ErrorKind, Write as _},
};

use mlops::{
    core::Span,
    registry::Registry,
    store::{Garbage, GarbageOptions},
};
use serde_json::{Value, json};

use crate::{
    Answer, Result,
    args::Args,
    model_named,
    table::{Table, bytes, or_dash, time},
};

pub fn audit(registry: &Registry, model: Option<&String>) -> Result<Answer> {
    let model = model.map(|model| model_named(model)).transpose()?;
    let entries = registry.audit(model.as_ref())?;
    if let (Some(model), true) = (&model, entries.is_empty()) {
        return Err(format!("the trail tells nothing of model `{model}`").into());
    }
    let mut table = Table::new(&[
        "ENTRY", "WHEN", "WHO", "WHAT", "MODEL", "VERSION", "FROM", "TO", "WHY",
    ]);
    for entry in &entries {
        let alias = entry.alias.as_ref().map(|alias| format!(" {alias}"));
        table.row([
            entry.id.to_string(),
            time(entry.time),
            entry.actor.to_string(),
            format!("{}{}", entry.action, alias.unwrap_or_default()),
            entry.model.to_string(),
            or_dash(entry.version),
            or_dash(entry.from.as_ref()),
            or_dash(entry.to.as_ref()),
            entry.reason.clone(),
        ]);
    }
    Answer::new(table.text(), &entries)
}

pub fn verify(registry: &Registry, args: &Args) -> Result<Answer> {
    registry.verify_audit()?;
    let entries = registry.audit(None)?.len();
    let Some(path) = args.flag("--export") else {
        let text = format!("{entries} entries, all as they were written");
        return Answer::new(text, json!({ "entries": entries, "sound": true }));
    };
    let file = File::create_new(path).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => format!("`{path}` is there already"),
        _ => format!("`{path}`: {error}"),
    })?;
    let mut writer = BufWriter::new(file);
    let exported = registry.export_audit(&mut writer);
    let exported = exported
        .map_err(Box::<dyn std::error::Error>::from)
        .and_then(|exported| {
            writer.flush()?;
            writer.get_ref().sync_all()?;
            Ok(exported)
        });
    // half a trail is no trail
    let exported = exported.inspect_err(|_| drop(std::fs::remove_file(path)))?;
    let text = format!(
        "{} entries, all as they were written, are in {path}",
        exported.entries
    );
    Answer::new(
        text,
        json!({ "entries": exported.entries, "sound": true, "export": path }),
    )
}

pub fn collect(registry: &Registry, args: &Args) -> Result<Answer> {
    let grace = Span::parse(args.flag("--grace").unwrap_or("7d"))?;
    let dry = !args.flags("--dry-run").is_empty();
    let mut options = GarbageOptions::new(grace);
    if dry {
        options = options.dry_run();
    }
    let report = registry.collect_garbage([], options)?;
    let size = |garbage: &[Garbage]| garbage.iter().map(|garbage| garbage.size).sum::<u64>();
    let [condemn, remove] = if dry {
        ["would be condemned", "would be removed"]
    } else {
        ["condemned", "removed"]
    };
    let mut table = Table::new(&["WHAT", "OBJECTS", "BYTES"]);
    let mut row = |what: &str, objects: usize, size: u64| {
        table.row([what.to_owned(), objects.to_string(), bytes(size)]);
    };
    row(
        "needed",
        usize::try_from(report.needed)?,
        report.needed_bytes,
    );
    row("waiting", report.waiting.len(), size(&report.waiting));
    row(condemn, report.condemned.len(), size(&report.condemned));
    row(remove, report.removed.len(), size(&report.removed));
    let mut text = table.text();
    for digest in &report.missing {
        writeln!(text, "missing: {digest}, which something refers to")?;
    }
    if !report.condemned.is_empty() && !dry {
        writeln!(
            text,
            "what is condemned goes at the first collection after twice {grace}"
        )?;
    }
    let list = |garbage: &[Garbage]| -> Vec<Value> {
        let one = |garbage: &Garbage| json!({ "digest": garbage.digest, "size": garbage.size });
        garbage.iter().map(one).collect()
    };
    let json = json!({
        "dry_run": dry,
        "grace": grace,
        "needed": report.needed,
        "needed_bytes": report.needed_bytes,
        "waiting": list(&report.waiting),
        "condemned": list(&report.condemned),
        "removed": list(&report.removed),
        "missing": report.missing,
    });
    Answer::new(text, json)
}
