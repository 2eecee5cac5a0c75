//! The state of a model: the fold of its changes, written once for every backend.
//!
//! Invariant: two backends that hold the same changes hold the same state. Invariant: [`ModelState::apply`] takes
//! any change of a sound trail; what does not fit the state before it is damage, and says so.

use std::{collections::BTreeMap, sync::Arc};

use mlops_core::{AliasName, Digest, EventTime, ModelName, Principal, VersionNumber};
use serde::{Deserialize, Serialize};

use crate::{
    Error, ModelVersion, Policy, RequestState, Result, Stage, TransitionRequest, change::Change,
};

/// What a model is after all its changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ModelState {
    pub(crate) name: ModelName,
    /// The names that it had, with the last entry under each.
    #[serde(default, with = "pairs")]
    pub(crate) former: BTreeMap<u64, ModelName>,
    pub(crate) description: String,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) created: EventTime,
    pub(crate) created_by: Principal,
    pub(crate) updated: EventTime,
    pub(crate) deleted: Option<EventTime>,
    /// The number of the next version.
    pub(crate) next: VersionNumber,
    /// Those that were not deleted.
    #[serde(with = "pairs")]
    pub(crate) versions: BTreeMap<VersionNumber, Arc<ModelVersion>>,
    pub(crate) aliases: BTreeMap<AliasName, VersionNumber>,
    #[serde(default, with = "pairs")]
    pub(crate) requests: BTreeMap<u32, Arc<TransitionRequest>>,
    /// The rules of the registry; only in the state of the registry itself.
    #[serde(default)]
    pub(crate) policy: Option<Arc<Policy>>,
    /// The number of the last entry of its trail.
    #[serde(default)]
    pub(crate) head: u64,
}

/// Who made a change, when, and as which entry of the trail.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp<'a> {
    pub(crate) time: EventTime,
    pub(crate) actor: &'a Principal,
    pub(crate) number: u64,
}

impl ModelState {
    /// The state after a model's first change.
    pub(crate) fn first(change: &Change, stamp: Stamp<'_>) -> Result<Self> {
        match change {
            Change::ModelCreated {
                name,
                description,
                tags,
                created,
            } => Ok(Self {
                name: name.clone(),
                former: BTreeMap::new(),
                description: description.clone(),
                tags: tags.clone(),
                created: created.unwrap_or(stamp.time),
                created_by: stamp.actor.clone(),
                updated: stamp.time,
                deleted: None,
                next: 1,
                versions: BTreeMap::new(),
                aliases: BTreeMap::new(),
                requests: BTreeMap::new(),
                policy: None,
                head: stamp.number,
            }),
            Change::ModelAdopted { state } | Change::ModelMoved { state, .. } => Ok(Self {
                head: stamp.number,
                ..(**state).clone()
            }),
            other => Err(misfit(
                stamp,
                format!("a model begins with `{}`", other.action()),
            )),
        }
    }

    /// Applies the next change to what may not be there yet.
    pub(crate) fn advance(
        state: &mut Option<Self>,
        change: &Change,
        stamp: Stamp<'_>,
    ) -> Result<()> {
        if let Some(state) = state {
            return state.apply(change, stamp);
        }
        *state = Some(Self::first(change, stamp)?);
        Ok(())
    }

    /// Applies the next change.
    pub(crate) fn apply(&mut self, change: &Change, stamp: Stamp<'_>) -> Result<()> {
        match change {
            Change::ModelCreated {
                description,
                tags,
                created,
                ..
            } => {
                if self.deleted.is_none() {
                    return Err(misfit(stamp, "the model is there already"));
                }
                // the numbers go on where they were
                self.deleted = None;
                self.description.clone_from(description);
                self.tags.clone_from(tags);
                self.created = created.unwrap_or(stamp.time);
                self.created_by = stamp.actor.clone();
                self.updated = stamp.time;
            }
            Change::ModelAdopted { state } => *self = (**state).clone(),
            Change::ModelMoved { .. } => return Err(misfit(stamp, "the model is there already")),
            Change::ModelRenamed { from, to } => {
                self.former.insert(stamp.number, from.clone());
                self.name = to.clone();
                for version in self.versions.values_mut() {
                    Arc::make_mut(version).model = to.clone();
                }
                self.updated = stamp.time;
            }
            Change::ModelDescribed { description } => {
                self.description.clone_from(description);
                self.updated = stamp.time;
            }
            Change::ModelTagged { key, value } => {
                put_tag(&mut self.tags, key, value.as_ref());
                self.updated = stamp.time;
            }
            Change::ModelDeleted => {
                self.deleted = Some(stamp.time);
                self.description.clear();
                self.tags.clear();
                self.versions.clear();
                self.aliases.clear();
                self.updated = stamp.time;
            }
            Change::PolicySet { policy } => {
                self.policy = Some(Arc::new((**policy).clone()));
                self.updated = stamp.time;
            }
            Change::AliasSet { alias, to, .. } => {
                if !self.versions.contains_key(to) {
                    return Err(misfit(stamp, format!("there is no version {to}")));
                }
                self.aliases.insert(alias.clone(), *to);
                self.updated = stamp.time;
            }
            Change::AliasDeleted { alias, .. } => {
                if self.aliases.remove(alias).is_none() {
                    return Err(misfit(stamp, format!("there is no alias `{alias}`")));
                }
                self.updated = stamp.time;
            }
            Change::TransitionRequested { .. }
            | Change::RequestApproved { .. }
            | Change::RequestClosed { .. } => self.apply_request(change, stamp)?,
            _ => self.apply_version(change, stamp)?,
        }
        self.head = stamp.number;
        Ok(())
    }

    fn apply_version(&mut self, change: &Change, stamp: Stamp<'_>) -> Result<()> {
        match change {
            Change::VersionRegistered { version, .. } => {
                if version.version != self.next {
                    let next = self.next;
                    return Err(misfit(stamp, format!("the next version is {next}")));
                }
                let after = self.next.checked_add(1);
                self.next = after.ok_or_else(|| misfit(stamp, "there is no greater number"))?;
                self.versions
                    .insert(version.version, Arc::new((**version).clone()));
                self.updated = stamp.time;
            }
            Change::VersionDeleted { version } => {
                if self.versions.remove(version).is_none() {
                    return Err(misfit(stamp, format!("there is no version {version}")));
                }
                self.aliases.retain(|_, to| to != version);
                self.updated = stamp.time;
            }
            Change::VersionDescribed {
                version,
                description,
            } => {
                let version = self.version_mut(*version, stamp)?;
                version.description.clone_from(description);
            }
            Change::VersionTagged {
                version,
                key,
                value,
            } => {
                let version = self.version_mut(*version, stamp)?;
                put_tag(&mut version.tags, key, value.as_ref());
            }
            Change::VersionStatus { version, status } => {
                self.version_mut(*version, stamp)?.status = *status;
            }
            Change::VersionSigned {
                version,
                name,
                digest,
                ..
            } => {
                let version = self.version_mut(*version, stamp)?;
                version.signatures.insert(name.clone(), *digest);
            }
            Change::StageChanged { version, to, .. } => {
                self.version_mut(*version, stamp)?.stage = *to;
            }
            Change::Promoted { version, .. } => {
                self.version_mut(*version, stamp)?.stage = Stage::Production;
            }
            // a refusal changes nothing
            _ => {}
        }
        Ok(())
    }

    fn apply_request(&mut self, change: &Change, stamp: Stamp<'_>) -> Result<()> {
        match change {
            Change::TransitionRequested { request } => {
                self.requests
                    .insert(request.number, Arc::new((**request).clone()));
            }
            Change::RequestApproved {
                request, approval, ..
            } => {
                let request = self.request_mut(*request, stamp)?;
                request.approvals.push((**approval).clone());
            }
            Change::RequestClosed { request, state, .. } => {
                let request = self.request_mut(*request, stamp)?;
                if request.state != RequestState::Open {
                    return Err(misfit(stamp, "the request is closed already"));
                }
                request.state = *state;
                request.closed = Some(stamp.time);
            }
            _ => {}
        }
        Ok(())
    }

    fn version_mut(
        &mut self,
        number: VersionNumber,
        stamp: Stamp<'_>,
    ) -> Result<&mut ModelVersion> {
        let version = self
            .versions
            .get_mut(&number)
            .ok_or_else(|| misfit(stamp, format!("there is no version {number}")))?;
        let version = Arc::make_mut(version);
        version.updated = stamp.time;
        Ok(version)
    }

    fn request_mut(&mut self, number: u32, stamp: Stamp<'_>) -> Result<&mut TransitionRequest> {
        let request = self.requests.get_mut(&number);
        let request =
            request.ok_or_else(|| misfit(stamp, format!("there is no request {number}")))?;
        Ok(Arc::make_mut(request))
    }

    /// A version that must be there.
    pub(crate) fn version(&self, number: VersionNumber) -> Result<&Arc<ModelVersion>> {
        self.versions
            .get(&number)
            .ok_or_else(|| Error::UnknownVersion {
                model: self.name.clone(),
                version: number,
            })
    }

    /// The version that an alias points at, which must be there.
    pub(crate) fn at_alias(&self, alias: &AliasName) -> Result<&Arc<ModelVersion>> {
        match self.aliases.get(alias) {
            Some(number) => self.version(*number),
            None => Err(Error::UnknownAlias {
                model: self.name.clone(),
                alias: alias.clone(),
            }),
        }
    }

    /// The version in production.
    pub(crate) fn champion(&self) -> Option<&Arc<ModelVersion>> {
        // the alias follows the stage; the scan is for a trail whose alias was not written yet
        let aliased = self.aliases.get(&crate::stage::production());
        let aliased = aliased.and_then(|number| self.versions.get(number));
        match aliased {
            Some(version) if version.stage == Stage::Production => Some(version),
            _ => self
                .versions
                .values()
                .find(|version| version.stage == Stage::Production),
        }
    }

    /// What a check compares: every part of the state under a name of its own.
    pub(crate) fn facts(&self) -> BTreeMap<String, String> {
        let mut facts = BTreeMap::from([
            ("the next version".to_owned(), self.next.to_string()),
            ("the model's record".to_owned(), self.record().to_string()),
        ]);
        for (number, version) in &self.versions {
            facts.insert(format!("version {number}"), version.stage.to_string());
            facts.insert(
                format!("the package of version {number}"),
                version.digest.to_string(),
            );
            facts.insert(
                format!("the record of version {number}"),
                Digest::of_json(version).to_string(),
            );
        }
        for (alias, number) in &self.aliases {
            facts.insert(format!("alias `{alias}`"), number.to_string());
        }
        for (number, request) in &self.requests {
            facts.insert(
                format!("request {number}"),
                Digest::of_json(request).to_string(),
            );
        }
        if let Some(policy) = &self.policy {
            facts.insert("the policy".to_owned(), policy.digest().to_string());
        }
        facts
    }

    fn record(&self) -> Digest {
        Digest::of_json(&(
            &self.name,
            &self.former,
            &self.description,
            &self.tags,
            (self.created, &self.created_by, self.updated, self.deleted),
        ))
    }
}

fn put_tag(tags: &mut BTreeMap<String, String>, key: &str, value: Option<&String>) {
    match value {
        Some(value) => tags.insert(key.to_owned(), value.clone()),
        None => tags.remove(key),
    };
}

fn misfit(stamp: Stamp<'_>, reason: impl Into<String>) -> Error {
    Error::AuditBroken {
        entry: stamp.number,
        reason: reason.into(),
    }
}

/// Maps by number as lists of pairs: keys of JSON objects are texts, and a tagged enum does not read numbers from them.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(map)
    }

    pub(super) fn deserialize<'de, K, V, D>(from: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(from)?.into_iter().collect())
    }
}
