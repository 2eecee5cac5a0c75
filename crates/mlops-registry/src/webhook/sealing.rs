//! Where a registry has its keys for secrets, if it has any, and what it does without.

use mlops_core::Uuid;
use rusqlite::{Transaction, params};

#[cfg(feature = "encryption")]
use super::SecretKeys;
use crate::{Error, Registry, Result, error::During};

/// The keys of a registry; none unless somebody gave them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sealing {
    #[cfg(feature = "encryption")]
    pub(crate) keys: Option<SecretKeys>,
}

/// Why a secret is not sealed or not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "encryption"),
    expect(dead_code, reason = "builds without encryption have no key at all")
)]
pub(super) enum NoKey {
    Missing,
    Other,
    Damaged,
    Random,
}

impl NoKey {
    pub(super) fn of(self, webhook: Uuid) -> Error {
        let reason = match self {
            Self::Missing => "the registry was opened without a key for secrets",
            Self::Other => "it is under a key that the registry was not opened with",
            Self::Random => "the system gives no random numbers",
            Self::Damaged => {
                return Error::Stored {
                    what: "secret of a webhook",
                    reason: format!("that of `{webhook}` is not what was sealed"),
                };
            }
        };
        Error::SecretKey { webhook, reason }
    }
}

impl Sealing {
    #[cfg(feature = "encryption")]
    fn keys(&self) -> Result<&SecretKeys, NoKey> {
        self.keys.as_ref().ok_or(NoKey::Missing)
    }

    pub(super) fn seal(&self, webhook: Uuid, secret: &str) -> Result<Vec<u8>> {
        #[cfg(feature = "encryption")]
        let sealed = self.keys().and_then(|keys| keys.seal(webhook, secret));
        #[cfg(not(feature = "encryption"))]
        let sealed: Result<_, NoKey> = {
            let _ = (self, secret);
            Err(NoKey::Missing)
        };
        sealed.map_err(|reason| reason.of(webhook))
    }

    /// The secret, which an older database may hold in the clear: it is of no use until it was sealed.
    pub(super) fn open(&self, webhook: Uuid, stored: &Stored) -> Result<Option<String>> {
        let opened: Result<_, NoKey> = match stored {
            Stored::None => Ok(None),
            Stored::Clear(_) => Err(NoKey::Missing),
            #[cfg(feature = "encryption")]
            Stored::Sealed(sealed) => self
                .keys()
                .and_then(|keys| keys.open(webhook, sealed))
                .map(Some),
            #[cfg(not(feature = "encryption"))]
            Stored::Sealed(sealed) => {
                let _ = (self, sealed);
                Err(NoKey::Missing)
            }
        };
        opened.map_err(|reason| reason.of(webhook))
    }

    /// Whether a secret has to be sealed anew.
    fn is_stale(&self, stored: &Stored) -> bool {
        match stored {
            Stored::None => false,
            Stored::Clear(_) => true,
            #[cfg(feature = "encryption")]
            Stored::Sealed(sealed) => self.keys().is_ok_and(|keys| !keys.is_current(sealed)),
            #[cfg(not(feature = "encryption"))]
            Stored::Sealed(_) => {
                let _ = self;
                false
            }
        }
    }
}

/// A secret as the database has it.
#[derive(Debug)]
pub(super) enum Stored {
    None,
    /// From before secrets were encrypted.
    Clear(String),
    Sealed(Vec<u8>),
}

impl Stored {
    /// Reads the columns `secret` and `sealed` from `at` on.
    pub(super) fn read(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Self> {
        let (clear, sealed): (Option<String>, Option<Vec<u8>>) = (row.get(at)?, row.get(at + 1)?);
        Ok(match (clear, sealed) {
            (_, Some(sealed)) => Self::Sealed(sealed),
            (Some(clear), None) => Self::Clear(clear),
            (None, None) => Self::None,
        })
    }
}

impl Registry {
    /// Whether every secret of a webhook can be used with the keys that the registry was opened with.
    ///
    /// # Errors
    /// [`Error::SecretKey`] names the first webhook whose secret cannot be, [`Error::Stored`] one that is damaged;
    /// [`Error::Busy`] or [`Error::Database`].
    pub fn check_webhook_secrets(&self) -> Result<()> {
        self.database().read(|tx| {
            for (_, webhook, stored) in secrets(tx)? {
                self.sealing().open(webhook, &stored)?;
            }
            Ok(())
        })
    }

    /// Encrypts every secret that is under an old key, or in the clear from before secrets were encrypted, with the
    /// current key; the number of those. What they were is overwritten in the file.
    ///
    /// # Errors
    /// As for [`check_webhook_secrets`](Self::check_webhook_secrets); nothing is changed then.
    pub fn reseal_webhook_secrets(&self) -> Result<usize> {
        let sealing = "seal the secrets of webhooks";
        let stale = |tx: &Transaction<'_>| {
            let all = secrets(tx)?.into_iter();
            let stale = all.filter(|(_, _, stored)| self.sealing().is_stale(stored));
            Ok(stale.collect::<Vec<_>>())
        };
        if self.database().read(stale)?.is_empty() {
            return Ok(0);
        }
        let count = self.database().write_durably(|tx| {
            tx.pragma_update(None, "secure_delete", true)
                .during(sealing)?;
            let stale = stale(tx)?;
            for (row, webhook, stored) in &stale {
                let secret = match stored {
                    Stored::Clear(secret) => Some(secret.clone()),
                    stored => self.sealing().open(*webhook, stored)?,
                };
                let sealed = secret.map(|secret| self.sealing().seal(*webhook, &secret));
                tx.execute(
                    "UPDATE webhook SET secret = NULL, sealed = ?2 WHERE id = ?1",
                    params![row, sealed.transpose()?],
                )
                .during(sealing)?;
            }
            Ok(stale.len())
        })?;
        self.database().empty_log()?;
        Ok(count)
    }
}

fn secrets(tx: &Transaction<'_>) -> Result<Vec<(i64, Uuid, Stored)>> {
    let reading = "read the secrets of webhooks";
    tx.prepare_cached("SELECT id, uid, secret, sealed FROM webhook ORDER BY id")
        .during(reading)?
        .query_map([], |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?, Stored::read(row, 2)?))
        })
        .during(reading)?
        .map(|found| {
            let (row, uid, stored) = found.during(reading)?;
            Ok((row, Uuid::parse(&uid)?, stored))
        })
        .collect()
}
