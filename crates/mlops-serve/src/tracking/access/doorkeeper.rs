//! From the `Authorization` header to who asks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use mlops_core::{Digest, Principal};
use tokio::sync::Semaphore;

use super::{
    grant::Who,
    policy::ServerPolicy,
    secret::{PASSWORD_BYTES, StoredPassword},
};
use crate::tracking::failure::{Code, Failure, Outcome};

/// How many passwords are looked at at once; each takes 19 MiB.
const AT_ONCE: usize = 2;
/// How long a password may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many passwords that were found right are known again without the work.
const REMEMBERED: usize = 1024;

/// Lets in who can show who they are; without a policy, everybody as the local actor.
#[derive(Debug)]
pub(in super::super) struct Doorkeeper {
    policy: Option<ServerPolicy>,
    local: Arc<Who>,
    turns: Semaphore,
    remembered: Mutex<BTreeMap<Digest, Arc<Who>>>,
}

impl Doorkeeper {
    pub(in super::super) fn new(policy: Option<ServerPolicy>, local: Principal) -> Self {
        Self {
            policy,
            local: Arc::new(Who {
                principal: local,
                roles: None,
            }),
            turns: Semaphore::new(AT_ONCE),
            remembered: Mutex::default(),
        }
    }

    /// Who sends these headers.
    pub(in super::super) async fn admit(&self, headers: &HeaderMap) -> Outcome<Arc<Who>> {
        let Some(policy) = &self.policy else {
            return Ok(Arc::clone(&self.local));
        };
        let unknown = || {
            Failure::new(
                Code::Unauthenticated,
                "You are not authenticated. Please set MLFLOW_TRACKING_TOKEN, or \
                 MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.",
            )
        };
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (given.next(), given.next()) else {
            return Err(unknown());
        };
        let value = value.to_str().map_err(|_| unknown())?;
        let (scheme, secret) = value.split_once(' ').ok_or_else(unknown)?;
        let secret = secret.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return policy.of_token(secret).cloned().ok_or_else(unknown);
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(unknown());
        }
        let pair = STANDARD.decode(secret).map_err(|_| unknown())?;
        let pair = String::from_utf8(pair).map_err(|_| unknown())?;
        let (name, password) = pair.split_once(':').ok_or_else(unknown)?;
        if password.is_empty() || password.len() > PASSWORD_BYTES {
            return Err(unknown());
        }
        let found = policy
            .of_name(name)
            .map(|(who, stored)| (Arc::clone(who), stored.clone()));
        self.check(found, password).await?.ok_or_else(unknown)
    }

    async fn check(
        &self,
        found: Option<(Arc<Who>, StoredPassword)>,
        password: &str,
    ) -> Outcome<Option<Arc<Who>>> {
        let mark = found.as_ref().map(|(_, stored)| stored.mark(password));
        if let Some(who) = mark.and_then(|mark| self.remembered().get(&mark).cloned()) {
            return Ok(Some(who));
        }
        let busy = || {
            Failure::new(
                Code::RequestLimitExceeded,
                "Too many passwords are being checked just now",
            )
        };
        let _turn = tokio::time::timeout(PATIENCE, self.turns.acquire())
            .await
            .map_err(|_| busy())?
            .map_err(|_| busy())?;
        let password = password.to_owned();
        let checked = tokio::task::spawn_blocking(move || {
            if let Some((who, stored)) = found {
                return stored.is(&password).then_some(who);
            }
            StoredPassword::nobody(&password);
            None
        });
        let who = checked
            .await
            .map_err(|_| Failure::new(Code::InternalError, "the password could not be checked"))?;
        if let (Some(who), Some(mark)) = (&who, mark) {
            let mut remembered = self.remembered();
            if remembered.len() >= REMEMBERED {
                remembered.clear();
            }
            remembered.insert(mark, Arc::clone(who));
        }
        Ok(who)
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, BTreeMap<Digest, Arc<Who>>> {
        self.remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
