//! Aliases: names that point at one version of a model until they are moved.
//!
//! `latest` and `v<digits>` are kept free, because they read like a version, and `production`
//! follows the stage: moving it by hand would go round the gate. `champion` and `challenger` are well known: the
//! challenger's name is taken away when it enters production, and the champion's goes with it if somebody uses it.
//! A policy may protect further names.

use std::collections::BTreeMap;

use mlops_core::{Action, AliasName, ModelName, VersionNumber};

use crate::{
    Error, ModelVersion, RegisteredModel, Result,
    backend::Situation,
    change::{Change, Draft},
    stage,
    state::ModelState,
};

impl RegisteredModel {
    /// The alias under which many teams look for the version that serves.
    pub const CHAMPION: &'static str = "champion";
    /// The alias of the version that is to take the champion's place.
    pub const CHALLENGER: &'static str = "challenger";

    /// Points an alias at a version, wherever it pointed before.
    ///
    /// # Errors
    /// [`Error::ReservedAlias`] for `latest`, `v<digits>` and `production`,
    /// [`Error::UnknownVersion`], [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn set_alias(&self, alias: &AliasName, number: VersionNumber) -> Result<()> {
        check_free(self.name(), alias)?;
        self.registry()
            .commit(self.name(), &mut |now| {
                let state = now.live_for(Action::Write)?;
                check_protected(&now, alias)?;
                state.version(number)?;
                Ok(put(state, alias, number, "").into_iter().collect())
            })
            .map(drop)
    }

    /// Takes an alias away.
    ///
    /// # Errors
    /// [`Error::ReservedAlias`] for `production`, [`Error::UnknownAlias`], [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy,
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn delete_alias(&self, alias: &AliasName) -> Result<()> {
        check_free(self.name(), alias)?;
        self.registry()
            .commit(self.name(), &mut |now| {
                let state = now.live_for(Action::Write)?;
                check_protected(&now, alias)?;
                state.at_alias(alias)?;
                Ok(remove(state, alias, "").into_iter().collect())
            })
            .map(drop)
    }

    /// The version that an alias points at.
    ///
    /// # Errors
    /// [`Error::UnknownAlias`], [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn alias(&self, alias: &AliasName) -> Result<ModelVersion> {
        let state = self.registry().state(self.name())?;
        Ok(ModelVersion::clone(state.at_alias(alias)?))
    }

    /// All aliases with the versions that they point at.
    ///
    /// # Errors
    /// [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Busy`] or [`Error::Database`].
    pub fn aliases(&self) -> Result<BTreeMap<AliasName, VersionNumber>> {
        Ok(self.registry().state(self.name())?.aliases.clone())
    }
}

/// Points an alias at a version; no news if it points there already.
pub(crate) fn put(
    state: &ModelState,
    alias: &AliasName,
    number: VersionNumber,
    reason: &str,
) -> Option<Draft> {
    let from = state.aliases.get(alias).copied();
    let change = Change::AliasSet {
        alias: alias.clone(),
        from,
        to: number,
    };
    (from != Some(number)).then(|| Draft::new(change, reason))
}

/// Takes an alias away, if it is there.
pub(crate) fn remove(state: &ModelState, alias: &AliasName, reason: &str) -> Option<Draft> {
    let from = *state.aliases.get(alias)?;
    let change = Change::AliasDeleted {
        alias: alias.clone(),
        from,
    };
    Some(Draft::new(change, reason))
}

pub(crate) fn champion() -> AliasName {
    AliasName::new(RegisteredModel::CHAMPION).expect("a name")
}

pub(crate) fn challenger() -> AliasName {
    AliasName::new(RegisteredModel::CHALLENGER).expect("a name")
}

/// Refuses an alias that the policy protects from the actor.
pub(crate) fn check_protected(now: &Situation<'_>, alias: &AliasName) -> Result<()> {
    match now.policy {
        Some(policy) => policy.allow_alias(now.actor, now.model, alias),
        None => Ok(()),
    }
}

fn check_free(model: &ModelName, alias: &AliasName) -> Result<()> {
    let text = alias.as_str();
    let version_like = text
        .strip_prefix(['v', 'V'])
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    let reason = if text.eq_ignore_ascii_case("latest") {
        "it reads as the newest version"
    } else if version_like {
        "it reads as a version number"
    } else if *alias == stage::production() {
        "it follows the stage Production, which a version enters by promotion"
    } else {
        return Ok(());
    };
    Err(Error::ReservedAlias {
        model: model.clone(),
        alias: alias.clone(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_like_a_version_is_reserved() {
        let model = ModelName::new("churn").unwrap();
        let free = |alias: &str| check_free(&model, &AliasName::new(alias).unwrap()).is_ok();
        for reserved in ["latest", "Latest", "LATEST", "v1", "V12", "production"] {
            assert!(!free(reserved), "{reserved}");
        }
        for good in ["champion", "v", "v1a", "vx", "canary", "latest2"] {
            assert!(free(good), "{good}");
        }
    }
}
