//! Anchors: the ends of all chains at one moment, kept where whoever can write the registry cannot.
//!
//! A chain proves that nothing in it was changed, and not that it was not written anew from some entry on, nor that
//! a whole model is gone. An anchor that was taken before proves that too. With the feature `sign` it is signed, so
//! that it may lie anywhere.

use std::collections::BTreeMap;

use mlops_core::{Digest, EventTime, ModelName};
use serde::{Deserialize, Serialize};

use crate::{Error, Registry, Result, backend::ChainHead, error::stored};

const FORMAT: u32 = 1;

/// The ends of all chains of a registry at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Anchor {
    /// The version of this form.
    pub format: u32,
    /// When it was taken.
    pub time: EventTime,
    /// The end of every chain.
    pub heads: Vec<AnchoredHead>,
}

/// The end of one chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AnchoredHead {
    /// The model that the chain tells of; `None` where one chain tells of all.
    pub model: Option<ModelName>,
    /// The number of its last entry.
    pub entries: u64,
    /// The digest of its last entry.
    pub digest: Digest,
}

/// The digests that anchors ask for, and whether they were met.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// By chain and number of the entry.
    digests: BTreeMap<(Option<String>, u64), Vec<Digest>>,
}

impl Wanted {
    pub(super) fn add(&mut self, anchor: &Anchor) -> Result<()> {
        if anchor.format != FORMAT {
            return Err(Error::AnchorBroken {
                chain: "the anchor".into(),
                reason: format!("its format is {}", anchor.format),
            });
        }
        // a chain without an entry can only have grown
        for head in anchor.heads.iter().filter(|head| head.entries > 0) {
            let chain = head.model.as_ref().map(ModelName::folded);
            let wanted = self.digests.entry((chain, head.entries)).or_default();
            wanted.push(head.digest);
        }
        Ok(())
    }

    /// Crosses off what an entry meets.
    pub(super) fn meet(&mut self, chain: Option<&str>, number: u64, digest: &str) -> Result<()> {
        let key = (chain.map(ToOwned::to_owned), number);
        let Some(wanted) = self.digests.remove(&key) else {
            return Ok(());
        };
        if wanted.iter().all(|wanted| wanted.to_string() == digest) {
            return Ok(());
        }
        Err(rewritten(
            chain,
            format!("entry {number} is another one than was anchored"),
        ))
    }

    pub(super) fn finish(self) -> Result<()> {
        match self.digests.into_keys().next() {
            None => Ok(()),
            Some((chain, number)) => Err(rewritten(
                chain.as_deref(),
                format!("entry {number}, which was anchored, is gone"),
            )),
        }
    }

    fn chains(&self) -> Vec<Option<String>> {
        let mut chains: Vec<_> = self
            .digests
            .keys()
            .map(|(chain, _)| chain.clone())
            .collect();
        chains.dedup();
        chains
    }
}

fn rewritten(chain: Option<&str>, reason: String) -> Error {
    Error::AnchorBroken {
        chain: chain.map_or_else(
            || "the audit trail".into(),
            |model| format!("the audit trail of model `{model}`"),
        ),
        reason,
    }
}

impl Registry {
    /// The ends of all chains now.
    ///
    /// # Errors
    /// [`GovernanceError::Forbidden`](crate::GovernanceError::Forbidden) under a policy, [`Error::Log`], [`Error::Busy`] or [`Error::Database`].
    pub fn anchor(&self) -> Result<Anchor> {
        self.may_read(&Self::itself())?;
        let time = self.now();
        let heads = self.models_backend().heads()?.into_iter().map(|head| {
            Ok(AnchoredHead {
                model: head.model,
                entries: head.entries,
                digest: stored("digest", head.digest.parse())?,
            })
        });
        Ok(Anchor {
            format: FORMAT,
            time,
            heads: heads.collect::<Result<_>>()?,
        })
    }

    /// [`verify_audit`](Self::verify_audit), and that everything which was there when the anchor was taken still is.
    ///
    /// # Errors
    /// [`Error::AnchorBroken`] with the chain that was cut or written anew; those of
    /// [`verify_audit`](Self::verify_audit).
    pub fn verify_anchor(&self, anchor: &Anchor) -> Result<()> {
        self.verify_audit()?;
        let mut wanted = Wanted::default();
        wanted.add(anchor)?;
        for chain in wanted.chains() {
            let heads = self.models_backend().heads()?;
            let folded = |head: &ChainHead| head.model.as_ref().map(ModelName::folded);
            let Some(head) = heads.into_iter().find(|head| folded(head) == chain) else {
                continue;
            };
            self.models_backend()
                .chain(head.model.as_ref(), &mut |record| {
                    let number = u64::try_from(record.id).unwrap_or(0);
                    wanted.meet(chain.as_deref(), number, &record.digest)
                })?;
        }
        wanted.finish()
    }
}

#[cfg(feature = "sign")]
mod signed {
    use mlops_model::{BlobSignature, PublicKey, SigningKey};
    use serde::{Deserialize, Serialize};

    use super::Anchor;
    use crate::{Error, Result};

    /// An anchor with a signature over its very text (ECDSA on P-256, as cosign makes it).
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct SignedAnchor {
        anchor: String,
        signature: String,
    }

    impl Anchor {
        /// Signs the anchor.
        pub fn sign(&self, key: &SigningKey) -> SignedAnchor {
            let anchor = serde_json::to_string(self).expect("names and digests are JSON");
            let signature = key.sign(anchor.as_bytes()).to_base64();
            SignedAnchor { anchor, signature }
        }
    }

    impl SignedAnchor {
        /// Reads what [`to_json`](Self::to_json) wrote; nothing is believed yet.
        ///
        /// # Errors
        /// [`Error::AnchorBroken`] if it is no signed anchor.
        pub fn from_json(text: &str) -> Result<Self> {
            serde_json::from_str(text).map_err(|error| broken(error.to_string()))
        }

        /// The anchor and its signature as JSON on one line.
        pub fn to_json(&self) -> String {
            serde_json::to_string(self).expect("texts are JSON")
        }

        /// The anchor, if that key signed it.
        ///
        /// # Errors
        /// [`Error::AnchorUntrusted`] if it did not, [`Error::AnchorBroken`] if what it signed is no anchor.
        pub fn open(&self, key: &PublicKey) -> Result<Anchor> {
            let untrusted = |source| Error::AnchorUntrusted {
                source: Box::new(source),
            };
            let signature = BlobSignature::parse(self.signature.as_bytes()).map_err(untrusted)?;
            key.verify(self.anchor.as_bytes(), &signature)
                .map_err(untrusted)?;
            serde_json::from_str(&self.anchor).map_err(|error| broken(error.to_string()))
        }
    }

    fn broken(reason: String) -> Error {
        Error::AnchorBroken {
            chain: "the anchor".into(),
            reason,
        }
    }
}

#[cfg(feature = "sign")]
pub use signed::SignedAnchor;
