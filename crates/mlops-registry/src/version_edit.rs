//! What may change about a version: its description, tags and status, and that it is there at all.

use mlops_core::{Action, VersionNumber};

use crate::{
    Error, ModelVersion, RegisteredModel, Result, Stage, VersionStatus, alias,
    change::{Change, Draft},
    key::{PROSE_LIMIT, check_length},
    model::too_many_tags,
    new_version::{TAGS, check_tag},
};

impl RegisteredModel {
    /// Says something else about a version.
    ///
    /// # Errors
    /// [`Error::TooLong`], [`Error::UnknownVersion`], [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or
    /// [`Error::Database`].
    pub fn describe_version(
        &self,
        number: VersionNumber,
        description: &str,
    ) -> Result<ModelVersion> {
        check_length("the description", description, PROSE_LIMIT)?;
        self.edit(number, |before| {
            Ok(
                (before.description != description).then(|| Change::VersionDescribed {
                    version: number,
                    description: description.to_owned(),
                }),
            )
        })
    }

    /// Sets a tag of a version.
    ///
    /// # Errors
    /// [`Error::InvalidKey`], [`Error::TooLong`] or [`Error::TooMany`], [`Error::UnknownVersion`],
    /// [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn set_version_tag(
        &self,
        number: VersionNumber,
        key: &str,
        value: &str,
    ) -> Result<ModelVersion> {
        check_tag(key, value)?;
        self.edit(number, |before| match before.tags.get(key) {
            Some(known) if known == value => Ok(None),
            None if before.tags.len() >= TAGS => Err(too_many_tags()),
            _ => Ok(Some(Change::VersionTagged {
                version: number,
                key: key.to_owned(),
                value: Some(value.to_owned()),
            })),
        })
    }

    /// Takes a tag of a version away; no news if it has none.
    ///
    /// # Errors
    /// [`Error::UnknownVersion`], [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn delete_version_tag(&self, number: VersionNumber, key: &str) -> Result<ModelVersion> {
        self.edit(number, |before| {
            Ok(before
                .tags
                .contains_key(key)
                .then(|| Change::VersionTagged {
                    version: number,
                    key: key.to_owned(),
                    value: None,
                }))
        })
    }

    /// Says whether the content of a version is complete.
    ///
    /// # Errors
    /// [`Error::UnknownVersion`], [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn set_status(&self, number: VersionNumber, status: VersionStatus) -> Result<ModelVersion> {
        self.edit(number, |before| {
            Ok((before.status != status).then_some(Change::VersionStatus {
                version: number,
                status,
            }))
        })
    }

    /// Deletes a version, which must not be in production, with the aliases that point at it. Its number is never
    /// given again; what it was stays in the audit trail alone.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::UnknownVersion`], [`Error::TooLong`] for the reason, [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a
    /// policy, [`Error::Busy`] or [`Error::Database`].
    pub fn delete_version(&self, number: VersionNumber, reason: &str) -> Result<()> {
        check_length("the reason", reason, PROSE_LIMIT)?;
        self.registry()
            .commit(self.name(), &mut |now| {
                let state = now.live_for(Action::Delete)?;
                if state.version(number)?.stage == Stage::Production {
                    return Err(Error::InUse {
                        model: self.name().clone(),
                        version: number,
                        reason: "it is in production; archive it first",
                    });
                }
                let mut drafts = Vec::new();
                for (alias, to) in &state.aliases {
                    if *to == number {
                        alias::check_protected(&now, alias)?;
                        drafts.extend(alias::remove(state, alias, reason));
                    }
                }
                drafts.push(Draft::new(
                    Change::VersionDeleted { version: number },
                    reason,
                ));
                Ok(drafts)
            })
            .map(drop)
    }

    fn edit(
        &self,
        number: VersionNumber,
        mut decide: impl FnMut(&ModelVersion) -> Result<Option<Change>>,
    ) -> Result<ModelVersion> {
        let committed = self.registry().commit(self.name(), &mut |now| {
            let state = now.live_for(Action::Write)?;
            let change = decide(state.version(number)?)?;
            Ok(change
                .map(|change| Draft::new(change, ""))
                .into_iter()
                .collect())
        })?;
        let state = committed.state.expect("the model is there");
        Ok(ModelVersion::clone(state.version(number)?))
    }
}
