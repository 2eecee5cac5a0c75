//! Removing what no root needs, without ever removing what somebody has just put.
//!
//! The names that nobody needs are condemned in a log that every writer reads before it acknowledges; from then on the
//! same bytes are put under another name. Twice the grace period later, when whoever relied on a condemned name has
//! committed its reference, roots are followed anew: what is needed after all moves to its new name, the rest is
//! removed. A removal that comes late, by hours or by a second collector, hits names that nobody uses any more.

use std::collections::{BTreeMap, BTreeSet};

use mlops_core::{Clock, Digest, EventTime, Span};

use super::{
    ArtifactStore,
    condemned::{Batch, MAX_BATCH},
    name::{Kind, Name},
    store::TURNS,
};
use crate::{Error, Result};

/// How garbage is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct GarbageOptions {
    /// How long what was put, or found by `contains`, stays without a root that needs it. It must be longer than the
    /// longest time between that and the commit of a reference, and than the clocks of collectors differ.
    pub grace: Span,
    /// Whether nothing is to be written or removed.
    pub dry_run: bool,
}

impl GarbageOptions {
    /// A collection with this grace period.
    pub fn new(grace: Span) -> Self {
        Self {
            grace,
            dry_run: false,
        }
    }

    /// Writes and removes nothing, and reports what a collection would.
    #[must_use]
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }
}

/// An object that nobody needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Garbage {
    /// The digest of the artifact, or of a chunk of one.
    pub digest: Digest,
    /// The bytes of the object.
    pub size: u64,
}

/// What a collection did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GarbageReport {
    /// The objects that are needed.
    pub needed: u64,
    /// Their bytes.
    pub needed_bytes: u64,
    /// What nobody needs and is younger than the grace period, or was condemned before and waits.
    pub waiting: Vec<Garbage>,
    /// What was condemned now.
    pub condemned: Vec<Garbage>,
    /// What was removed, having been condemned long enough ago.
    pub removed: Vec<Garbage>,
    /// What was condemned and is needed after all.
    pub rescued: Vec<Digest>,
    /// What roots need and is not there.
    pub missing: Vec<Digest>,
}

impl GarbageReport {
    /// The bytes of what was removed.
    pub fn removed_bytes(&self) -> u64 {
        self.removed.iter().map(|garbage| garbage.size).sum()
    }

    /// The bytes of what was condemned now.
    pub fn condemned_bytes(&self) -> u64 {
        self.condemned.iter().map(|garbage| garbage.size).sum()
    }
}

/// The objects that are there.
type Inventory = BTreeMap<(Kind, Digest), BTreeMap<u32, Object>>;

#[derive(Debug, Clone, Copy)]
struct Object {
    size: u64,
    modified: EventTime,
}

/// What can be reached from the roots.
#[derive(Default)]
struct Marked {
    digests: BTreeSet<Digest>,
    missing: BTreeSet<Digest>,
}

impl ArtifactStore {
    /// Condemns what no root needs, and removes what was condemned long enough ago and is still not needed.
    ///
    /// Roots are the digests of artifacts and trees that must stay; what they consist of stays with them. They may have
    /// been gathered up to one grace period before. What was put, or was found by [`contains`](Self::contains), stays for
    /// at least the grace period, whatever else is going on: other writers and collectors may be at work, or may have
    /// been killed at any point. An object is removed by the second collection after it became garbage, two grace
    /// periods after the first one.
    ///
    /// # Errors
    /// [`Error::Malformed`] or [`Error::Corrupt`] if what a root needs cannot be followed: nothing is removed then.
    /// [`Error::Changed`] if other collectors are always first. [`Error::Io`], [`Error::Object`] or [`Error::Denied`] if the
    /// store fails; the next collection goes on from there.
    ///
    /// # Complexity
    /// One listing of the store, in memory; a read for each large artifact and each tree that is needed; a request for
    /// each object that is removed.
    pub fn collect(
        &self,
        roots: impl IntoIterator<Item = Digest>,
        options: GarbageOptions,
        clock: &dyn Clock,
    ) -> Result<GarbageReport> {
        self.condemned.refresh()?;
        // before the roots are followed: what is ripe now has references that are there now
        let now = clock.now();
        let batches = self.condemned.waiting().into_iter();
        let ripe: Vec<(u64, Batch)> = batches
            .filter(|(_, b)| is_ripe(b, options.grace, now))
            .collect();
        let inventory = self.inventory()?;
        let marked = self.mark(roots, &inventory)?;
        let mut report = GarbageReport {
            missing: marked.missing.iter().copied().collect(),
            ..GarbageReport::default()
        };
        for (number, batch) in &ripe {
            self.sweep(batch, &inventory, &marked, options, &mut report)?;
            if !options.dry_run {
                self.note(|| {
                    let waits = self.condemned.waiting().contains_key(number);
                    Ok(!waits || self.condemned.swept(*number)?)
                })?;
            }
        }
        self.condemn(&inventory, &marked, &ripe, options, now, &mut report)?;
        if !options.dry_run {
            self.date(clock)?;
            self.condemned.checkpoint()?;
            self.folder.clear_staging(now - options.grace)?;
        }
        Ok(report)
    }

    fn inventory(&self) -> Result<Inventory> {
        let mut inventory = Inventory::new();
        for kind in Kind::ALL {
            for found in self.folder.walk(kind.part())? {
                if let Some(name) = Name::parse(kind, &found.name) {
                    let object = Object {
                        size: found.size,
                        modified: found.modified,
                    };
                    let generations = inventory.entry((kind, name.digest)).or_default();
                    generations.insert(name.generation, object);
                }
            }
        }
        Ok(inventory)
    }

    /// Follows the roots through trees and lists of chunks.
    fn mark(
        &self,
        roots: impl IntoIterator<Item = Digest>,
        inventory: &Inventory,
    ) -> Result<Marked> {
        let mut marked = Marked::default();
        let mut open: Vec<Digest> = roots.into_iter().collect();
        while let Some(digest) = open.pop() {
            if !marked.digests.insert(digest) {
                continue;
            }
            let known = |kind| inventory.contains_key(&(kind, digest));
            let mut there = known(Kind::Blob);
            // what is not in the inventory may have come, or moved, while that was made
            if known(Kind::Chunks) || !there {
                if let Some((name, bytes)) = self.find(&[Kind::Chunks], &digest)? {
                    there = true;
                    let list = self.chunk_list(&name, &bytes)?;
                    open.extend(list.chunks().iter().map(|chunk| chunk.digest));
                } else if known(Kind::Chunks) {
                    return Err(self.busy(&digest));
                }
            }
            if known(Kind::Tree) || !there {
                match self.tree(&digest) {
                    Ok(tree) => {
                        there = true;
                        open.extend(tree.files().map(|file| file.digest));
                    }
                    Err(Error::NotFound { .. }) if !known(Kind::Tree) => {}
                    Err(error) => return Err(error),
                }
            }
            if !there && !self.contains(&digest)? {
                marked.missing.insert(digest);
            }
        }
        Ok(marked)
    }

    /// Removes the names of a batch, after what is needed of it has moved.
    fn sweep(
        &self,
        batch: &Batch,
        inventory: &Inventory,
        marked: &Marked,
        options: GarbageOptions,
        report: &mut GarbageReport,
    ) -> Result<()> {
        let mut paths = Vec::new();
        for name in &batch.names {
            let Some(generations) = inventory.get(&(name.kind, name.digest)) else {
                continue;
            };
            if marked.digests.contains(&name.digest) && self.rescue(name, generations, options)? {
                report.rescued.push(name.digest);
            }
            for (&generation, object) in generations.range(..=name.generation) {
                paths.push(
                    Name {
                        generation,
                        ..*name
                    }
                    .path(),
                );
                report.removed.push(Garbage {
                    digest: name.digest,
                    size: object.size,
                });
            }
        }
        if options.dry_run {
            return Ok(());
        }
        self.folder.delete_many(&paths)
    }

    /// Keeps what a condemned name has under its next one, unless something has that already.
    fn rescue(
        &self,
        name: &Name,
        generations: &BTreeMap<u32, Object>,
        options: GarbageOptions,
    ) -> Result<bool> {
        let next = self.condemned.next(name.kind, &name.digest);
        if generations.contains_key(&next) {
            return Ok(false);
        }
        if options.dry_run {
            return Ok(true);
        }
        let Some((found, bytes)) = self.find(&[name.kind], &name.digest)? else {
            // another collector removed it, which it did not find needed; or it was never there
            return Ok(false);
        };
        if found.generation < next {
            self.keep(name.kind, &name.digest, &bytes)?;
        }
        Ok(true)
    }

    /// Condemns what is not needed, and what is left of names that were condemned before.
    fn condemn(
        &self,
        inventory: &Inventory,
        marked: &Marked,
        ripe: &[(u64, Batch)],
        options: GarbageOptions,
        now: EventTime,
        report: &mut GarbageReport,
    ) -> Result<()> {
        let swept: BTreeSet<Name> = ripe
            .iter()
            .flat_map(|(_, b)| b.names.iter().copied())
            .collect();
        self.note(|| {
            let waiting = self.condemned.waiting();
            let waiting: BTreeSet<Name> = waiting.into_values().flat_map(|b| b.names).collect();
            let mut names = Vec::new();
            (report.condemned, report.waiting) = (Vec::new(), Vec::new());
            (report.needed, report.needed_bytes) = (0, 0);
            for (&(kind, digest), generations) in inventory {
                for (&generation, object) in generations {
                    let name = Name {
                        kind,
                        digest,
                        generation,
                    };
                    let garbage = Garbage {
                        digest,
                        size: object.size,
                    };
                    let needed = marked.digests.contains(&digest);
                    if waiting.contains(&name) || swept.contains(&name) {
                        if !swept.contains(&name) {
                            report.waiting.push(garbage);
                        }
                    } else if needed && generation >= self.condemned.next(kind, &digest) {
                        report.needed += 1;
                        report.needed_bytes += object.size;
                    } else if object.modified + options.grace > now || names.len() == MAX_BATCH {
                        report.waiting.push(garbage);
                    } else {
                        report.condemned.push(garbage);
                        names.push(name);
                    }
                }
            }
            if names.is_empty() || options.dry_run {
                return Ok(true);
            }
            self.condemned.condemn(Batch {
                grace: options.grace,
                names,
                seen: None,
            })
        })
    }

    /// Notes of every batch without a time that it is in the log by now.
    fn date(&self, clock: &dyn Clock) -> Result<()> {
        for number in self.condemned.waiting().into_keys() {
            self.note(|| {
                match self.condemned.waiting().get(&number) {
                    // the clock is read after the batch was
                    Some(Batch { seen: None, .. }) => self.condemned.seen(number, clock.now()),
                    _ => Ok(true),
                }
            })?;
        }
        Ok(())
    }

    /// Appends to the log what is still to be said once all that is in it was read.
    fn note(&self, mut append: impl FnMut() -> Result<bool>) -> Result<()> {
        for _ in 0..TURNS {
            if append()? {
                return Ok(());
            }
            self.condemned.refresh()?;
        }
        Err(Error::Changed {
            url: self.folder.url_of("garbage"),
        })
    }
}

/// Whether all that relied on the names of a batch has committed its references.
fn is_ripe(batch: &Batch, grace: Span, now: EventTime) -> bool {
    let grace = grace.max(batch.grace);
    batch.seen.is_some_and(|seen| seen + grace + grace <= now)
}
