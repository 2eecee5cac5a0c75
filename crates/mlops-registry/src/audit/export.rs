//! The trail as JSON lines, and its verification without the registry.
//!
//! The first line tells the form and the ends of the chains; every other line is one entry with all that its digest
//! covers. Nothing but this file is needed to follow the chains and to see what they lead to.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, Read, Write},
};

use mlops_core::{EventTime, ModelName};
use serde::{Deserialize, Serialize};

use super::{Anchor, AnchoredHead, Record, anchor::Wanted, broken, verify::Fold};
use crate::{Error, Registry, Result, error::stored, schema::audit_root};

const FORMAT: u32 = 1;
/// The longest line, in bytes; a commit holds no more.
const LINE: u64 = 64 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    mlops_audit: u32,
    time: EventTime,
    heads: Vec<AnchoredHead>,
}

/// What an exported trail holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportedTrail {
    /// When it was exported.
    pub time: EventTime,
    /// The number of entries.
    pub entries: u64,
    /// The end of every chain.
    pub heads: Vec<AnchoredHead>,
}

impl Registry {
    /// Writes the whole trail as JSON lines, up to the ends that the chains have now.
    ///
    /// # Errors
    /// [`Error::Export`] if it cannot be written; [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy; [`Error::Log`],
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn export_audit(&self, to: &mut dyn Write) -> Result<ExportedTrail> {
        let Anchor { time, heads, .. } = self.anchor()?;
        let header = Header {
            mlops_audit: FORMAT,
            time,
            heads,
        };
        let mut write = |line: serde_json::Result<String>| {
            let line = line.expect("entries are JSON");
            writeln!(to, "{line}").map_err(|source| Error::Export { source })
        };
        write(serde_json::to_string(&header))?;
        let mut entries = 0;
        for head in &header.heads {
            self.models_backend()
                .chain(head.model.as_ref(), &mut |record| {
                    // others may go on writing meanwhile
                    if u64::try_from(record.id).is_ok_and(|number| number <= head.entries) {
                        entries += 1;
                        write(serde_json::to_string(&record))?;
                    }
                    Ok(())
                })?;
        }
        Ok(ExportedTrail {
            time,
            entries,
            heads: header.heads,
        })
    }
}

/// Verifies an exported trail with nothing else at hand: every link of every chain, that each entry shows what it
/// changes, that the changes follow from each other, that the chains end where the first line says, and that what
/// was anchored is there.
///
/// # Errors
/// [`Error::AuditBroken`] with the first bad entry, [`Error::AnchorBroken`] with the chain that is not the anchored
/// one, [`Error::Export`] if it cannot be read.
///
/// # Complexity
/// Linear in the entries and in what they tell; one pass.
pub fn verify_export(from: &mut dyn BufRead, anchors: &[Anchor]) -> Result<ExportedTrail> {
    let mut wanted = Wanted::default();
    for anchor in anchors {
        wanted.add(anchor)?;
    }
    let header = line(from)?.ok_or_else(|| broken(0, "the first line is missing"))?;
    let header: Header = serde_json::from_str(&header)
        .map_err(|error| broken(0, format!("the first line does not read: {error}")))?;
    if header.mlops_audit != FORMAT {
        return Err(broken(0, format!("the form is {}", header.mlops_audit)));
    }
    // one chain tells of all, or each of its model
    let single = header.heads.iter().any(|head| head.model.is_none());
    let mut ends: BTreeMap<Option<String>, (i64, String)> = BTreeMap::new();
    let mut fold = if single {
        Fold::default()
    } else {
        Fold::over_chains()
    };
    let mut entries = 0;
    while let Some(text) = line(from)? {
        let record: Record = serde_json::from_str(&text).map_err(|error| {
            let reason = format!("line {} does not read: {error}", entries + 2);
            broken(i64::try_from(entries).unwrap_or(0) + 1, reason)
        })?;
        // names that are hard to tell from each other share a chain
        let chain = (!single).then(|| folded(&record.model)).transpose()?;
        let root = || (0, audit_root().to_string());
        let (last, previous) = ends.entry(chain.clone()).or_insert_with(root);
        record.check(*last + 1, previous)?;
        fold.take(&record)?;
        *last = record.id;
        previous.clone_from(&record.digest);
        let number = u64::try_from(record.id).unwrap_or(0);
        wanted.meet(chain.as_deref(), number, &record.digest)?;
        entries += 1;
    }
    let mut known = BTreeSet::new();
    for head in &header.heads {
        let chain = head.model.as_ref().map(ModelName::folded);
        let found = ends
            .remove(&chain)
            .unwrap_or_else(|| (0, audit_root().to_string()));
        let (last, digest) = found;
        known.insert(digest.clone());
        if u64::try_from(last) != Ok(head.entries) || digest != head.digest.to_string() {
            return Err(broken(
                last + 1,
                "the first line tells of another end of the chain",
            ));
        }
    }
    if let Some((chain, (last, _))) = ends.into_iter().next() {
        let chain = chain.unwrap_or_default();
        return Err(broken(
            last,
            format!("the first line does not tell of `{chain}`"),
        ));
    }
    fold.finish(&known)?;
    wanted.finish()?;
    Ok(ExportedTrail {
        time: header.time,
        entries,
        heads: header.heads,
    })
}

/// What names of one chain have in common.
fn folded(model: &str) -> Result<String> {
    let name = stored("model name", ModelName::new(model))?;
    Ok(name.folded())
}

/// The next line without its end; memory is bounded whatever the file is.
fn line(from: &mut dyn BufRead) -> Result<Option<String>> {
    let mut bytes = Vec::new();
    let read = from.take(LINE + 1).read_until(b'\n', &mut bytes);
    let read = read.map_err(|source| Error::Export { source })?;
    if read == 0 {
        return Ok(None);
    }
    if read as u64 > LINE {
        return Err(broken(0, "a line is longer than an entry can be"));
    }
    let text = String::from_utf8(bytes).map_err(|_| broken(0, "a line is no text"))?;
    Ok(Some(text))
}
