//! What a policy may want to know of a version's files, read before the decision.

use mlops_model::ModelPackage;

use super::{Inspected, Policy};
#[cfg(feature = "sign")]
use crate::GovernanceError;
use crate::{Content, ModelVersion, Registry, Result};

impl Registry {
    /// Reads and verifies what a version consists of: what cannot be loaded is never promoted.
    pub(crate) fn inspect(
        &self,
        version: &ModelVersion,
        policy: Option<&Policy>,
    ) -> Result<Inspected> {
        let mut inspected = Inspected {
            content: Some(version.digest),
            ..Inspected::default()
        };
        if version.content != Content::Package {
            return Ok(inspected);
        }
        let package = self.load_version(version)?;
        inspected.card = !package.card().trim().is_empty();
        if let Some(policy) = policy.filter(|policy| !policy.trusted_keys().is_empty()) {
            inspected.signers = self.signers(version, &package, policy)?;
            inspected.trusted_by = Some(policy.digest());
        }
        Ok(inspected)
    }

    /// The holders of trusted keys that signed the package, by now.
    #[cfg(feature = "sign")]
    fn signers(
        &self,
        version: &ModelVersion,
        package: &ModelPackage,
        policy: &Policy,
    ) -> Result<Vec<String>> {
        use mlops_model::{BlobSignature, Error as Trust};

        let trust = policy.trust()?;
        let files = self.signatures(&version.model, version.version)?;
        // what does not read as a signature is none
        let signatures: Vec<BlobSignature> = files
            .values()
            .filter_map(|file| BlobSignature::parse(file).ok())
            .collect();
        match package.verify(&trust, &signatures, self.now()) {
            Ok(verified) => Ok(verified.signers().to_vec()),
            Err(Trust::Untrusted { found, .. }) => Ok(found),
            Err(error) => Err(crate::Error::Package {
                model: version.model.clone(),
                version: version.version,
                source: Box::new(error),
            }),
        }
    }

    #[cfg(not(feature = "sign"))]
    #[expect(
        clippy::unused_self,
        reason = "the method of the feature `sign` needs it"
    )]
    fn signers(&self, _: &ModelVersion, _: &ModelPackage, _: &Policy) -> Result<Vec<String>> {
        Err(crate::Error::Unsupported {
            what: "a check of signatures",
            place: "in a build without the feature `sign`",
        })
    }
}

#[cfg(feature = "sign")]
impl Policy {
    /// Any one of the trusted keys.
    pub(super) fn trust(&self) -> Result<mlops_model::TrustPolicy> {
        let keys = self.trusted_keys().iter().map(|(name, pem)| {
            let key = mlops_model::PublicKey::from_pem(pem).map_err(|error| {
                GovernanceError::InvalidPolicy {
                    reason: format!("the key of `{name}` does not read: {error}"),
                }
            })?;
            Ok(mlops_model::TrustedKey::new(name, key))
        });
        let keys = keys.collect::<Result<Vec<_>>>()?;
        mlops_model::TrustPolicy::new(1, keys).map_err(|error| {
            GovernanceError::InvalidPolicy {
                reason: error.to_string(),
            }
            .into()
        })
    }
}
