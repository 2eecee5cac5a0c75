//! What an endpoint asks of a package before it loads it.

use std::fmt::Debug;

use mlops_core::Clock;
use mlops_model::ModelPackage;
use mlops_registry::{ModelVersion, Registry};

use crate::Result;

/// The trust policy of an endpoint, if it has one.
#[derive(Debug, Default)]
pub(super) struct Trust {
    #[cfg(feature = "sign")]
    pub(super) policy: Option<mlops_model::TrustPolicy>,
}

impl Trust {
    /// Lets a package through that meets the policy with the signatures beside it, or any if there is none.
    #[cfg(feature = "sign")]
    pub(super) fn admit(
        &self,
        registry: &Registry,
        version: &ModelVersion,
        package: ModelPackage,
        clock: &dyn Clock,
    ) -> Result<ModelPackage> {
        let Some(policy) = &self.policy else {
            return Ok(package);
        };
        let mut signatures = Vec::new();
        for (name, file) in registry.signatures(&version.model, version.version)? {
            match mlops_model::BlobSignature::parse(&file) {
                Ok(signature) => signatures.push(signature),
                // it may be another tool's; the policy decides by the others
                Err(error) => {
                    tracing::warn!(model = %version.model, version = version.version, signature = name,
                        %error, "signature passed over");
                }
            }
        }
        let verified = package.verify(policy, &signatures, clock.now())?;
        tracing::info!(model = %version.model, version = version.version,
            signers = ?verified.signers(), "package verified");
        Ok(verified.into_inner())
    }

    /// Lets any package through.
    #[cfg(not(feature = "sign"))]
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "with the feature it is a check"
    )]
    pub(super) fn admit(
        &self,
        _: &Registry,
        _: &ModelVersion,
        package: ModelPackage,
        _: &dyn Clock,
    ) -> Result<ModelPackage> {
        Ok(package)
    }
}
