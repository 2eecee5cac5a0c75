//! What a catalog holds, and its JSON form with every bound checked.

use std::collections::BTreeMap;

use mlops_core::{Digest, EventTime, ServiceName, VersionNumber, ViewName};
use serde::{Deserialize, Serialize};

use super::{
    Outcome, ServiceEntry, TrainingEntry,
    diff::diff,
    record::{ViewRecord, corrupt},
};
use crate::{FeatureView, Result};

/// What the file says it is.
const FORMAT: &str = "mlops-catalog";
/// The version of the form; a later one is refused by name and never guessed at.
const VERSION: u32 = 1;
/// The longest file that is read, in bytes.
pub(super) const MAX_BYTES: u64 = 256 << 20;

/// All versions of one definition, the first one first, and the one in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct History<T> {
    pub(super) current: VersionNumber,
    pub(super) versions: Vec<T>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    format: String,
    version: u32,
    pub(super) views: BTreeMap<ViewName, History<ViewRecord>>,
    pub(super) services: BTreeMap<ServiceName, History<ServiceEntry>>,
    pub(super) training_sets: BTreeMap<Digest, TrainingEntry>,
}

/// Read first, so that a later form is named and not taken for a broken one.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

impl Default for State {
    fn default() -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            views: BTreeMap::new(),
            services: BTreeMap::new(),
            training_sets: BTreeMap::new(),
        }
    }
}

impl<T> History<T> {
    /// A version by number; nothing for 0 or one that is not there.
    pub(super) fn get(&self, version: VersionNumber) -> Option<&T> {
        let at = usize::try_from(version).ok()?.checked_sub(1)?;
        self.versions.get(at)
    }

    pub(super) fn get_mut(&mut self, version: VersionNumber) -> Option<&mut T> {
        let at = usize::try_from(version).ok()?.checked_sub(1)?;
        self.versions.get_mut(at)
    }

    /// The versions with their numbers.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (VersionNumber, &T)> {
        (1..).zip(&self.versions)
    }

    fn in_force(&self) -> &T {
        self.get(self.current)
            .expect("a history has its current version")
    }

    fn push(&mut self, entry: T) -> VersionNumber {
        self.versions.push(entry);
        self.current = VersionNumber::try_from(self.versions.len()).unwrap_or(VersionNumber::MAX);
        self.current
    }
}

impl State {
    pub(super) fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).expect("a catalog serialises");
        json.push(b'\n');
        json
    }

    /// Reads and checks: names, types, digests and cross references are as if a user had applied them.
    pub(super) fn from_json(json: &[u8]) -> Result<Self> {
        let bad = |error: serde_json::Error| corrupt(error.to_string());
        let head: Head = serde_json::from_slice(json).map_err(bad)?;
        if head.format != FORMAT || head.version != VERSION {
            let format: String = head.format.chars().take(64).collect();
            return Err(corrupt(format!(
                "it is `{format}` version {}, and `{FORMAT}` version {VERSION} is expected",
                head.version
            )));
        }
        let mut state: Self = serde_json::from_slice(json).map_err(bad)?;
        for (name, history) in &state.views {
            check(name.as_str(), history)?;
            let mut digests = Vec::new();
            for record in &history.versions {
                if record.view()?.name() != name {
                    return Err(corrupt(format!("`{name}` holds a view of another name")));
                }
                digests.push(record.digest);
            }
            unique(name.as_str(), digests)?;
        }
        for (name, history) in &mut state.services {
            check(name.as_str(), history)?;
            for (number, entry) in (1..).zip(&mut history.versions) {
                entry.version = number;
                if entry.name != *name {
                    return Err(corrupt(format!("`{name}` holds a service of another name")));
                }
            }
            let digests = history.versions.iter().map(|entry| entry.digest);
            unique(name.as_str(), digests.collect())?;
        }
        for (digest, entry) in &state.training_sets {
            if entry.digest != *digest {
                return Err(corrupt(format!(
                    "training set {} is listed under another digest",
                    entry.digest.short()
                )));
            }
        }
        Ok(state)
    }

    pub(super) fn apply_view(&mut self, view: &FeatureView, now: EventTime) -> Outcome {
        let record = ViewRecord::new(view, now);
        let Some(history) = self.views.get_mut(view.name()) else {
            let versions = vec![record];
            let history = History {
                current: 1,
                versions,
            };
            self.views.insert(view.name().clone(), history);
            return Outcome::Created { version: 1 };
        };
        let before = history.in_force().settings();
        let after = record.settings();
        let notes = diff(&before.1, &after.1);
        if history.in_force().digest == record.digest {
            let version = history.current;
            if notes.is_empty() {
                return Outcome::Unchanged { version };
            }
            replace(history, version, record);
            return Outcome::Described {
                version,
                changes: notes,
            };
        }
        let mut changes = diff(&before.0, &after.0);
        changes.extend(notes);
        let known = history
            .numbered()
            .find(|(_, old)| old.digest == record.digest);
        let version = match known.map(|(version, _)| version) {
            Some(version) => {
                history.current = version;
                replace(history, version, record);
                version
            }
            None => history.push(record),
        };
        Outcome::Changed { version, changes }
    }

    /// Applies the views of a service that the catalog does not know in that version, then the service.
    pub(super) fn apply_service(
        &mut self,
        views: &[FeatureView],
        entry: ServiceEntry,
        now: EventTime,
    ) -> Outcome {
        for view in views {
            if self.view_version(view.name(), view.digest()).is_none() {
                self.apply_view(view, now);
            }
        }
        let Some(history) = self.services.get_mut(&entry.name) else {
            let first = ServiceEntry {
                version: 1,
                ..entry
            };
            let name = first.name.clone();
            let versions = vec![first];
            let history = History {
                current: 1,
                versions,
            };
            self.services.insert(name, history);
            return Outcome::Created { version: 1 };
        };
        if history.in_force().digest == entry.digest {
            return Outcome::Unchanged {
                version: history.current,
            };
        }
        let changes = diff(&history.in_force().settings(), &entry.settings());
        let known = history
            .numbered()
            .find(|(_, old)| old.digest == entry.digest);
        let version = if let Some((version, _)) = known {
            history.current = version;
            version
        } else {
            let version = history.push(entry);
            let pushed = history.get_mut(version).expect("just pushed");
            pushed.version = version;
            version
        };
        Outcome::Changed { version, changes }
    }

    /// The number of the version of a view that has this content.
    pub(super) fn view_version(&self, name: &ViewName, digest: Digest) -> Option<VersionNumber> {
        let history = self.views.get(name)?;
        let found = history.numbered().find(|(_, view)| view.digest == digest);
        found.map(|(version, _)| version)
    }

    /// The number of the version of a service that has this content.
    pub(super) fn service_version(
        &self,
        name: &ServiceName,
        digest: Digest,
    ) -> Option<VersionNumber> {
        let history = self.services.get(name)?;
        let found = history.numbered().find(|(_, entry)| entry.digest == digest);
        found.map(|(version, _)| version)
    }
}

/// Puts what people read into a version that is there; when it was applied first stays.
fn replace(history: &mut History<ViewRecord>, version: VersionNumber, record: ViewRecord) {
    let slot = history.get_mut(version).expect("the version is there");
    let (applied_at, deprecated) = (slot.applied_at, slot.deprecated.take());
    *slot = record;
    (slot.applied_at, slot.deprecated) = (applied_at, deprecated);
}

fn check<T>(name: &str, history: &History<T>) -> Result<()> {
    match history.get(history.current) {
        Some(_) => Ok(()),
        None => Err(corrupt(format!(
            "`{name}` is said to be at version {} and has {}",
            history.current,
            history.versions.len()
        ))),
    }
}

fn unique(name: &str, mut digests: Vec<Digest>) -> Result<()> {
    digests.sort_unstable();
    if digests.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(corrupt(format!("`{name}` has two versions of one content")));
    }
    Ok(())
}
