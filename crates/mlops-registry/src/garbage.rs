//! What of the artifacts is needed, and the collection of the rest.
//!
//! Needed is what a version that was not deleted consists of, signatures and trees included, and what a run or a
//! logged model keeps, deleted ones too, because they can be restored. The trail keeps digests, and needs no bytes.

use std::collections::BTreeSet;

use mlops_core::{Action, Digest};
use mlops_store::{GarbageOptions, GarbageReport};

use crate::{Content, Error, Registry, Result, error::During, error::stored};

/// How often models are looked for anew because one was renamed meanwhile.
const LOOKS: u32 = 8;

impl Registry {
    /// The digests of all artifacts that versions and runs of this registry need. Machines that share a store have
    /// to join theirs before they collect: each knows its own runs alone.
    ///
    /// # Errors
    /// [`Error::Forbidden`] under a policy that does not let the actor administer [`Registry::ITSELF`];
    /// [`Error::Log`], [`Error::Busy`] or [`Error::Database`].
    pub fn needed_artifacts(&self) -> Result<BTreeSet<Digest>> {
        if let Some(policy) = self.policy()? {
            policy.allow(self.actor(), Action::Administer, &Self::itself())?;
        }
        let mut needed = self.artifacts_of_runs()?;
        for _ in 0..LOOKS {
            if self.add_artifacts_of_models(&mut needed)? {
                return Ok(needed);
            }
        }
        Err(Error::Contended {
            model: Self::itself(),
            attempts: LOOKS,
        })
    }

    /// Says whether every model was found under its name; one that was renamed meanwhile is under another.
    fn add_artifacts_of_models(&self, needed: &mut BTreeSet<Digest>) -> Result<bool> {
        // whoever may collect must see every model, whether they may read it or not
        for model in self.models_backend().names()? {
            let Some(state) = self.models_backend().see(&model)?.state else {
                return Ok(false);
            };
            for version in state.versions.values() {
                needed.extend(version.files.values());
                needed.extend(version.signatures.values());
                if version.content == Content::Tree {
                    needed.insert(version.digest);
                }
            }
        }
        Ok(true)
    }

    /// Takes away what nobody has needed for twice the grace period, or says what a collection would do. The grace
    /// must be longer than the longest time from the first byte of an upload to the commit that needs it.
    ///
    /// # Errors
    /// Those of [`needed_artifacts`](Self::needed_artifacts); [`Error::Unsupported`] if the models lie at a location,
    /// where other machines may have runs that need artifacts; [`Error::NotCollected`] if the store fails.
    pub fn collect_artifacts(&self, options: GarbageOptions) -> Result<GarbageReport> {
        if !self.models_backend().is_whole() {
            return Err(Error::Unsupported {
                what: "a collection of artifacts",
                place: "by one of many machines: join what they need, and let the store collect",
            });
        }
        let needed = self.needed_artifacts()?;
        let report = self.store().collect(needed, options, self.clock());
        report.map_err(|source| Error::NotCollected {
            source: Box::new(source),
        })
    }

    fn artifacts_of_runs(&self) -> Result<BTreeSet<Digest>> {
        let reading = "read the artifacts of runs";
        let digests: Vec<String> = self.database().read(|tx| {
            tx.prepare_cached(
                "SELECT digest FROM run_artifact UNION SELECT digest FROM logged_model_artifact",
            )
            .during(reading)?
            .query_map([], |row| row.get(0))
            .during(reading)?
            .collect::<rusqlite::Result<_>>()
            .during(reading)
        })?;
        digests
            .into_iter()
            .map(|digest| stored("digest", digest.parse()))
            .collect()
    }
}
