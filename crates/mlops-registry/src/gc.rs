//! Garbage: what the artifact store keeps and nothing in the registry refers to any more.
//!
//! What must stay is gathered from every run and logged model, deleted ones included, since they can be restored;
//! from every version with its files, its tree and its signatures; from versions that were deleted less than a
//! grace period ago; and from the evidence in the audit trail. Where machines share the runs, those of all of them are
//! read first, however recently that was done. The store follows these roots and takes the rest
//! away in two steps; see [`ArtifactStore::collect`](mlops_store::ArtifactStore::collect).
//!
//! Invariant: whoever refers to an artifact has put it, or asked the store for it, less than a grace period before
//! the reference is committed. The store keeps what was put or asked for that long, so that a registration under
//! way loses nothing to a collection under way.

use std::collections::{BTreeMap, BTreeSet};

use mlops_core::{Action, Digest, EventTime, Span, VersionNumber};
use mlops_store::{GarbageOptions, GarbageReport};

use crate::{
    Content, Error, ModelVersion, Registry, Result, audit::Record, change::Change,
    state::ModelState,
};

/// How often models are looked for anew because one was renamed meanwhile.
const LOOKS: u32 = 8;

/// What must stay.
#[derive(Debug, Default)]
struct Roots {
    /// What is referred to as an artifact.
    needed: BTreeSet<Digest>,
    /// What evidence names: artifacts, and digests of other things.
    named: BTreeSet<Digest>,
}

impl Registry {
    /// The digests of all artifacts and trees that the registry needs, or needed less than a grace period ago; and
    /// all digests that its evidence names, whether there are artifacts of them or not.
    ///
    /// # Errors
    /// [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, which has to grant [`Action::Administer`] on the registry itself;
    /// [`Error::AuditBroken`], [`Error::Stored`], [`Error::Log`], [`Error::Busy`] or [`Error::Database`].
    ///
    /// # Complexity
    /// One pass over the artifacts of runs, over the versions and over the audit trail.
    pub fn garbage_roots(&self, grace: Span) -> Result<BTreeSet<Digest>> {
        let Roots { mut needed, named } = self.roots(grace)?;
        needed.extend(named);
        Ok(needed)
    }

    /// Takes away what nothing refers to and what is older than the grace period. `also` names what others keep in
    /// the same store. With [`GarbageOptions::dry_run`] nothing changes, and the report says what would.
    ///
    /// Each piece of garbage is condemned by one collection and removed by another, two grace periods later; so
    /// call it by and by. Any number of processes may register, log and collect meanwhile, and may be killed.
    ///
    /// # Errors
    /// [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, which has to grant [`Action::Administer`] on the registry itself;
    /// [`Error::Unsupported`] where machines share [the models alone](crate::RegistryBuilder::models_at) and each has runs
    /// of its own: hand the [`garbage_roots`](Self::garbage_roots) of all of them to [`store`](Self::store)`().collect`;
    /// [`TrackingError::Log`](crate::TrackingError::Log) where they share the runs too and one of these cannot be read;
    /// [`Error::NotKept`] if the store fails or what is needed cannot be followed, and nothing is removed then;
    /// [`Error::AuditBroken`], [`Error::Stored`], [`Error::Busy`] or [`Error::Database`].
    ///
    /// # Complexity
    /// That of [`garbage_roots`](Self::garbage_roots) and one listing of the store.
    pub fn collect_garbage(
        &self,
        also: impl IntoIterator<Item = Digest>,
        options: GarbageOptions,
    ) -> Result<GarbageReport> {
        if self.models_backend().is_shared() && self.run_logs().is_none() {
            return Err(Error::Unsupported {
                what: "collecting garbage",
                place: "where machines share the models, since each has runs of its own",
            });
        }
        let Roots { mut needed, named } = self.roots(options.grace)?;
        needed.extend(also);
        let all: BTreeSet<Digest> = needed.union(&named).copied().collect();
        let collected = self.store().collect(all, options, self.clock());
        let mut report = collected.map_err(|source| Error::NotKept {
            artifact: "the artifacts that are needed".to_owned(),
            source: Box::new(source),
        })?;
        // evidence names data and packages too, which were never artifacts
        report
            .missing
            .retain(|digest| needed.contains(digest) || !named.contains(digest));
        Ok(report)
    }

    fn roots(&self, grace: Span) -> Result<Roots> {
        if let Some(policy) = self.policy()? {
            policy.allow(self.actor(), Action::Administer, &Self::itself())?;
        }
        let mut roots = Roots::default();
        roots.needed.extend(self.tracked_digests()?);
        let mut looks = 0;
        while !self.add_models(&mut roots)? {
            looks += 1;
            if looks == LOOKS {
                return Err(Error::Busy {
                    action: "find every model under its name",
                });
            }
        }
        let mut trail = Trail {
            since: self.now() - grace,
            registered: BTreeMap::new(),
        };
        self.models_backend()
            .records(None, &mut |record| trail.take(&record, &mut roots))?;
        Ok(roots)
    }

    /// Adds what all models need, whoever may read them. Says whether each was found under its name: one that was
    /// renamed meanwhile is under another.
    fn add_models(&self, roots: &mut Roots) -> Result<bool> {
        for name in self.models_backend().names()? {
            match self.models_backend().see(&name)?.state {
                Some(state) if state.name == name => roots.needed.extend(of_state(&state)),
                _ => return Ok(false),
            }
        }
        Ok(true)
    }
}

/// The artifacts that a version consists of.
fn of_version(version: &ModelVersion) -> impl Iterator<Item = Digest> + '_ {
    let tree = (version.content == Content::Tree).then_some(version.digest);
    let files = version.files.values().chain(version.signatures.values());
    files.copied().chain(tree)
}

fn of_state(state: &ModelState) -> impl Iterator<Item = Digest> + '_ {
    state.versions.values().flat_map(|v| of_version(v))
}

/// What the audit trail tells beyond the state of now.
struct Trail {
    /// What was deleted before is gone for good.
    since: EventTime,
    /// The artifacts of versions that are not deleted, so far as the trail was read, by model and number.
    registered: BTreeMap<String, BTreeMap<VersionNumber, Vec<Digest>>>,
}

impl Trail {
    fn take(&mut self, record: &Record, roots: &mut Roots) -> Result<()> {
        let change = record.change()?;
        let recently = EventTime::from_micros(record.time_us) >= self.since;
        let versions = self.registered.entry(record.model.clone()).or_default();
        match &change {
            Some(Change::VersionRegistered { version, .. }) => {
                versions.insert(version.version, of_version(version).collect());
                // its evidence is the digest of the package as a whole
                return Ok(());
            }
            Some(Change::ModelAdopted { state }) => {
                for (number, version) in &state.versions {
                    versions.insert(*number, of_version(version).collect());
                }
                return Ok(());
            }
            // the model keeps what it had
            Some(Change::ModelMoved { .. }) => return Ok(()),
            Some(Change::VersionSigned {
                version, digest, ..
            }) => versions.entry(*version).or_default().push(*digest),
            Some(Change::VersionDeleted { version }) => {
                let gone = versions.remove(version).unwrap_or_default();
                if recently {
                    roots.needed.extend(gone);
                }
            }
            Some(Change::ModelDeleted) => {
                let gone = std::mem::take(versions).into_values().flatten();
                if recently {
                    roots.needed.extend(gone);
                }
            }
            Some(Change::ModelRenamed { from, to }) => {
                let moved = self.registered.remove(from.as_str()).unwrap_or_default();
                self.registered.insert(to.to_string(), moved);
            }
            _ => {}
        }
        for text in [&record.evidence, &record.change].into_iter().flatten() {
            name(text, &mut roots.named);
        }
        Ok(())
    }
}

/// Collects whatever in a JSON text reads as a digest.
fn name(json: &str, digests: &mut BTreeSet<Digest>) {
    // a digest holds no character that JSON escapes, so that it stands between quotes as it is
    for text in json.split('"') {
        if let Ok(digest) = text.parse() {
            digests.insert(digest);
        }
    }
}
